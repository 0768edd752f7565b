"""Family `python_abi`: the file names that the promised interpreters look for (`extension-suffix-mismatch`)."""

from __future__ import annotations

import pytest

from auditor.findings import Severity
from tests.builders import BuiltWheel, ElfExport, clean_elf, clean_macho, clean_pe, extension_wheel, replace
from tests.rules.native_helpers import (
    Planted,
    assert_planted,
    assert_silent,
    elf_library,
    elf_wheel,
    params,
    plain_wheel,
    with_files,
)
from tests.rules.python_helpers import ABI3, MAC, MODULE, MUSL, TAGS, WINDOWS, module, named

SUFFIX_CLEAN = {
    "trap12-abi3-in-a-version-wheel": named(TAGS, "demo/_core.abi3.so"),
    "bare-so": named(TAGS, "demo/_core.so"),
    "bare-so-under-abi3": named(ABI3, "demo/_core.so"),
    "bare-so-without-an-initialiser-is-a-library": with_files(TAGS, {"demo/libfoo.so": elf_library("libfoo.so")}),
    "trap8-gnu-suffix-on-musl-before-3.11": named(
        "cp310-cp310-musllinux_1_2_x86_64", "demo/_core.cpython-310-x86_64-linux-gnu.so"
    ),
    "musl-suffix": extension_wheel(MUSL),
    "without-a-platform-part": named(TAGS, "demo/_core.cpython-311.so"),
    "old-abi-flag": plain_wheel(
        "cp36-cp36m-manylinux1_x86_64",
        {
            "demo/_core.cpython-36m-x86_64-linux-gnu.so": replace(
                clean_elf("cp36-cp36m-manylinux1_x86_64"), exports=(ElfExport(symbol="PyInit__core"),)
            )
        },
    ),
    "abi3-module-for-free-threaded-3.13": plain_wheel(
        "cp313-cp313t-manylinux_2_17_x86_64", {"demo/_core.abi3.so": clean_elf(TAGS)}
    ),
    "several-pythons-in-one-wheel": plain_wheel(
        "cp310.cp311-cp310.cp311-manylinux_2_17_x86_64",
        {
            "demo/_core.cpython-310-x86_64-linux-gnu.so": clean_elf(TAGS),
            "demo/_core.cpython-311-x86_64-linux-gnu.so": clean_elf(TAGS),
        },
    ),
    "older-module-beside-the-right-one": with_files(
        TAGS, {"demo/_core.cpython-310-x86_64-linux-gnu.so": clean_elf(TAGS)}
    ),
    "namespace-package": named(TAGS, "vendor/product/_core.cpython-311-x86_64-linux-gnu.so"),
    "top-level-module-beside-a-package": with_files(
        TAGS, {"_cffi_backend.cpython-311-x86_64-linux-gnu.so": module("_cffi_backend")}
    ),
    "in-platlib": named(TAGS, "demo-1.0.data/platlib/demo/_core.cpython-311-x86_64-linux-gnu.so"),
    "in-a-directory-that-is-no-package": with_files(
        TAGS, {"demo/build-3.10/_core.cpython-310-x86_64-linux-gnu.so": replace(clean_elf(TAGS), rodata=b"3.10")}
    ),
    "library-of-setuptools-for-another-version": with_files(
        TAGS, {"demo/libgalpy.cpython-310-x86_64-linux-gnu.so": elf_library("libgalpy.so")}
    ),
    "python2": plain_wheel(
        "cp27-cp27mu-manylinux1_x86_64",
        {
            "demo/_core.so": replace(
                clean_elf("cp27-cp27mu-manylinux1_x86_64"), exports=(ElfExport(symbol="init_core"),)
            )
        },
        headers={"Requires-Python": ">=2.7"},
    ),
    "pypy": plain_wheel(
        "pp311-pypy311_pp73-manylinux_2_17_x86_64",
        {"demo/_core.pypy311-pp73-x86_64-linux-gnu.so": clean_elf(TAGS)},
    ),
    "pypy-on-a-mac": plain_wheel(
        "pp311-pypy311_pp73-macosx_11_0_arm64", {"demo/_core.pypy311-pp73-darwin.so": clean_macho(MAC)}
    ),
    "graalpy": plain_wheel(
        "graalpy312-graalpy250_312_native-manylinux_2_17_x86_64",
        {"demo/_core.graalpy250-312-native-x86_64-linux.so": clean_elf(TAGS)},
    ),
    "graalpy-on-a-mac": plain_wheel(
        "graalpy312-graalpy250_312_native-macosx_11_0_arm64",
        {"demo/_core.graalpy250-312-native-aarch64-darwin.so": clean_macho(MAC)},
    ),
    "hpy": with_files(
        TAGS, {"demo/_fast.hpy0.so": replace(elf_library("x"), exports=(ElfExport(symbol="HPyInit__fast"),))}
    ),
    "musl-suffix-under-a-tag-without-a-libc": plain_wheel(
        "cp311-cp311-linux_armv7l",
        {
            "demo/_core.cpython-311-arm-linux-musleabihf.so": replace(
                clean_elf("cp311-cp311-musllinux_1_2_armv7l"), exports=(ElfExport(symbol="PyInit__core"),)
            )
        },
    ),
    "iphone": extension_wheel("cp313-cp313-ios_13_0_arm64_iphoneos"),
    "android": extension_wheel("cp313-cp313-android_24_arm64_v8a"),
    "bare-pyd-in-a-version-wheel": named(WINDOWS, "demo/_core.pyd"),
    "trap10-own-symbols-named-py": elf_wheel(
        ABI3, exports=(ElfExport(symbol="PyInit__core"), ElfExport(symbol="PyErr_SetFromMyself"))
    ),
}
SUFFIX_DIRTY = {
    "a07-cp311-file-in-a-cp312-wheel": Planted(
        wheel=named("cp312-cp312-manylinux_2_17_x86_64", "demo/_core.cpython-311-x86_64-linux-gnu.so"),
        rule="extension-suffix-mismatch",
        member=MODULE,
        says=("demo._core", "CPython 3.12", ".cpython-311-x86_64-linux-gnu.so"),
        shows={"member": MODULE, "text": "CPython 3.11"},
    ),
    "a08-gil-file-in-a-cp313t-wheel": Planted(
        wheel=named("cp313-cp313t-manylinux_2_17_x86_64", "demo/_core.cpython-313-x86_64-linux-gnu.so"),
        rule="extension-suffix-mismatch",
        member="demo/_core.cpython-313-x86_64-linux-gnu.so",
        says=("CPython 3.13t",),
    ),
    "free-threaded-file-in-a-cp313-wheel": Planted(
        wheel=named("cp313-cp313-manylinux_2_17_x86_64", "demo/_core.cpython-313t-x86_64-linux-gnu.so"),
        rule="extension-suffix-mismatch",
        member="demo/_core.cpython-313t-x86_64-linux-gnu.so",
    ),
    "version-file-in-an-abi3-wheel": Planted(
        wheel=named("cp310-abi3-manylinux_2_17_x86_64", "demo/_core.cpython-310-x86_64-linux-gnu.so"),
        rule="extension-suffix-mismatch",
        member="demo/_core.cpython-310-x86_64-linux-gnu.so",
        says=("CPython 3.11 and",),
    ),
    "version-file-in-an-abi3-wheel-on-windows": Planted(
        wheel=with_files(
            "cp310-abi3-win_amd64",
            {},
            binary=clean_pe("cp310-cp310-win_amd64"),
            member="demo/_core.cp310-win_amd64.pyd",
        ),
        rule="extension-suffix-mismatch",
        member="demo/_core.cp310-win_amd64.pyd",
    ),
    "older-file-on-windows": Planted(
        wheel=with_files(
            WINDOWS, {}, binary=clean_pe("cp310-cp310-win_amd64"), member="demo/_core.cp310-win_amd64.pyd"
        ),
        rule="extension-suffix-mismatch",
        member="demo/_core.cp310-win_amd64.pyd",
    ),
    "free-threaded-file-on-windows": Planted(
        wheel=with_files(
            "cp313-cp313-win_amd64",
            {},
            binary=clean_pe("cp313-cp313t-win_amd64"),
            member="demo/_core.cp313t-win_amd64.pyd",
        ),
        rule="extension-suffix-mismatch",
        member="demo/_core.cp313t-win_amd64.pyd",
    ),
    "abi3-file-in-an-abi3t-wheel": Planted(
        wheel=named("cp315-abi3t-manylinux_2_17_x86_64", "demo/_core.abi3.so"),
        rule="extension-suffix-mismatch",
        member="demo/_core.abi3.so",
        says=("CPython 3.15t",),
    ),
    "abi3t-file-in-a-wheel-for-3.14": Planted(
        wheel=plain_wheel("cp314-abi3-manylinux_2_17_x86_64", {"demo/_core.abi3t.so": clean_elf(ABI3)}),
        rule="extension-suffix-mismatch",
        member="demo/_core.abi3t.so",
        says=("CPython 3.14",),
    ),
    "gnu-suffix-on-musl-from-3.11-on": Planted(
        wheel=named(MUSL, MODULE), rule="extension-suffix-mismatch", member=MODULE, shows={"text": "x86_64-linux-gnu"}
    ),
    "suffix-of-another-machine": Planted(
        wheel=named(TAGS, "demo/_core.cpython-311-aarch64-linux-gnu.so"),
        rule="extension-suffix-mismatch",
        member="demo/_core.cpython-311-aarch64-linux-gnu.so",
    ),
    "linux-suffix-on-a-mac": Planted(wheel=named(MAC, MODULE), rule="extension-suffix-mismatch", member=MODULE),
    "windows-suffix-on-linux": Planted(
        wheel=named(TAGS, "demo/_core.cp311-win_amd64.pyd"),
        rule="extension-suffix-mismatch",
        member="demo/_core.cp311-win_amd64.pyd",
    ),
    "32-bit-suffix-on-64-bit-windows": Planted(
        wheel=named(WINDOWS, "demo/_core.cp311-win32.pyd"),
        rule="extension-suffix-mismatch",
        member="demo/_core.cp311-win32.pyd",
    ),
    "cpython-file-in-a-pypy-wheel": Planted(
        wheel=plain_wheel("pp311-pypy311_pp73-manylinux_2_17_x86_64", {MODULE: clean_elf(TAGS)}),
        rule="extension-suffix-mismatch",
        member=MODULE,
        says=("PyPy 3.11",),
    ),
    "one-of-two-promised-pythons": Planted(
        wheel=plain_wheel("cp310.cp311-cp310.cp311-manylinux_2_17_x86_64", {MODULE: clean_elf(TAGS)}),
        rule="extension-suffix-mismatch",
        member=MODULE,
        says=("CPython 3.10",),
    ),
    "several-modules-are-one-finding": Planted(
        wheel=plain_wheel(
            "cp312-cp312-manylinux_2_17_x86_64",
            {f"demo/{name}.cpython-311-x86_64-linux-gnu.so": module(name) for name in ("_one", "_two", "_three")},
        ),
        rule="extension-suffix-mismatch",
        member=None,
        says=("3 modules cannot be imported by CPython 3.12",),
        shows={"member": "demo/_two.cpython-311-x86_64-linux-gnu.so"},
    ),
    "interpreters-are-counted-once-under-several-tags": Planted(
        wheel=named(
            "cp314-abi3-manylinux2014_x86_64.manylinux_2_17_x86_64", "demo/_core.cpython-313-x86_64-linux-gnu.so"
        ),
        rule="extension-suffix-mismatch",
        member="demo/_core.cpython-313-x86_64-linux-gnu.so",
        says=("CPython 3.14 and 1 more",),
    ),
    "stale-file-beside-its-source": Planted(
        wheel=with_files(
            TAGS,
            {"demo/_old.cpython-310-x86_64-linux-gnu.so": module("_old"), "demo/_old.py": b"x = 1\n"},
        ),
        rule="extension-suffix-mismatch",
        member="demo/_old.cpython-310-x86_64-linux-gnu.so",
        severity=Severity.WARNING,
        says=("demo/_old.py",),
    ),
    "stale-files-beside-their-sources": Planted(
        wheel=with_files(
            TAGS,
            {
                "demo/_old.cpython-310-x86_64-linux-gnu.so": module("_old"),
                "demo/_old/__init__.py": b"x = 1\n",
                "demo/_older.cpython-310-x86_64-linux-gnu.so": module("_older"),
                "demo/_older.py": b"x = 1\n",
            },
        ),
        rule="extension-suffix-mismatch",
        member=None,
        severity=Severity.WARNING,
        says=("2 files are never imported",),
    ),
}


@pytest.mark.parametrize("wheel", params(SUFFIX_CLEAN))
def test_suffixes_that_the_interpreter_looks_for(wheel: BuiltWheel) -> None:
    """What each promised interpreter imports, or never would, is no finding."""
    assert_silent(wheel)


@pytest.mark.parametrize("case", params(SUFFIX_DIRTY))
def test_extension_suffix_mismatch(case: Planted) -> None:
    """A module that a promised interpreter passes over is one finding that names the interpreter."""
    assert_planted(case)
