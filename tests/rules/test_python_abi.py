"""Family `python_abi`: extension modules against the interpreters and the ABI that the tags promise."""

from __future__ import annotations

import platform
import re
import subprocess
import sys
import sysconfig
import zipfile
from io import BytesIO
from typing import TYPE_CHECKING

import pytest

from auditor.findings import Severity
from tests.builders import (
    OUTSIDE_STABLE_ABI,
    BuiltWheel,
    ElfExport,
    ElfImport,
    ElfSpec,
    ElfVersionNeed,
    MachoExport,
    MachoLibrary,
    PeExport,
    build_elf,
    clean_elf,
    clean_macho,
    clean_pe,
    clean_slices,
    extension_name,
    extension_wheel,
    replace,
)
from tests.rules.native_helpers import (
    Planted,
    assert_planted,
    assert_silent,
    elf_library,
    elf_wheel,
    judged,
    loud,
    macho_wheel,
    native,
    params,
    pe_wheel,
    plain_wheel,
    with_files,
)

if TYPE_CHECKING:
    from pathlib import Path

TAGS = "cp311-cp311-manylinux_2_17_x86_64"
MUSL = "cp311-cp311-musllinux_1_2_x86_64"
MAC = "cp311-cp311-macosx_11_0_arm64"
WINDOWS = "cp311-cp311-win_amd64"
ABI3 = "cp38-abi3-manylinux_2_17_x86_64"
MODULE = extension_name(TAGS)
PYTHON = ElfImport(symbol=OUTSIDE_STABLE_ABI)


def module(name: str, tags: str = TAGS) -> ElfSpec:
    """A module of that name."""
    return replace(clean_elf(tags), exports=(ElfExport(symbol=f"PyInit_{name}"),))


def named(tags: str, member: str) -> BuiltWheel:
    """The clean module of the tags under another name."""
    return extension_wheel(tags, member=member)


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


def _bound(symbol: str) -> ElfSpec:
    """A module that takes Python's API and offers another initialiser."""
    return replace(clean_elf(TAGS), exports=(ElfExport(symbol=symbol),) if symbol else ())


INIT_CLEAN = {
    "pyinit": extension_wheel(TAGS),
    "a09-pymodexport": elf_wheel(TAGS, exports=(ElfExport(symbol="PyModExport__core"),)),
    "non-ascii-name": with_files(
        TAGS, {}, binary=_bound("PyInitU_lanmt_2sa6t"), member="demo/lančmít.cpython-311-x86_64-linux-gnu.so"
    ),
    "cffi-on-pypy": plain_wheel(
        "pp311-pypy311_pp73-manylinux_2_17_x86_64",
        {"demo/_core.pypy311-pp73-x86_64-linux-gnu.so": _bound("_cffi_pypyinit__core")},
    ),
    "several-modules-in-one-file": elf_wheel(
        TAGS, exports=(ElfExport(symbol="PyInit_other"), ElfExport(symbol="PyInit__core"))
    ),
    "library-of-setuptools": with_files(
        TAGS, {"demo/libgalpy.cpython-311-x86_64-linux-gnu.so": elf_library("libgalpy.so")}
    ),
    "library-of-cffi-under-abi3": with_files(TAGS, {"demo/_native.abi3.so": elf_library("_native.so")}),
    "library-called-pyd": with_files(
        WINDOWS, {"demo/helper.pyd": replace(clean_pe(WINDOWS), imports={"KERNEL32.dll": ("Sleep",)}, exports=())}
    ),
}
INIT_DIRTY = {
    "nothing-exported": Planted(
        wheel=elf_wheel(TAGS, exports=()),
        rule="module-init-missing",
        member=MODULE,
        arch="x86_64",
        says=("PyInit__core", "exports no initialiser"),
    ),
    "another-name": Planted(
        wheel=elf_wheel(TAGS, exports=(ElfExport(symbol="PyInit_core"),)),
        rule="module-init-missing",
        member=MODULE,
        says=("it exports `PyInit_core`",),
    ),
    "python2-initialiser": Planted(
        wheel=elf_wheel(TAGS, exports=(ElfExport(symbol="init_core"),)), rule="module-init-missing", member=MODULE
    ),
    "windows": Planted(
        wheel=pe_wheel(WINDOWS, exports=(PeExport(symbol="PyInit_core"),)),
        rule="module-init-missing",
        member=extension_name(WINDOWS),
        arch="amd64",
    ),
    "one-slice-of-two": Planted(
        wheel=with_files(
            "cp311-cp311-macosx_10_9_universal2",
            {},
            binary=(
                clean_slices("cp311-cp311-macosx_10_9_universal2")[0],
                replace(clean_slices("cp311-cp311-macosx_10_9_universal2")[1], exports=(MachoExport(symbol="_other"),)),
            ),
        ),
        rule="module-init-missing",
        member=extension_name(MAC),
        arch="arm64",
    ),
    "object-file": Planted(wheel=elf_wheel(TAGS, file_type=1), rule="module-init-missing", member=MODULE),
}


@pytest.mark.parametrize("wheel", params(INIT_CLEAN))
def test_modules_with_an_initialiser(wheel: BuiltWheel) -> None:
    """Each kind of initialiser counts, and a library that takes nothing from Python needs none."""
    assert_silent(wheel)


@pytest.mark.parametrize("case", params(INIT_DIRTY))
def test_module_init_missing(case: Planted) -> None:
    """A module without its initialiser is one error, which says what is exported in its place."""
    assert_planted(case)


LINKED_CLEAN = {
    "not-linked": extension_wheel(TAGS),
    "trap9-android": extension_wheel("cp313-cp313-android_24_x86_64"),
    "bundled": elf_wheel(
        TAGS,
        needed=("libc.so.6", "libpython3.11.so.1.0"),
        runpath="$ORIGIN/../demo.libs",
        files={"demo.libs/libpython3.11.so.1.0": elf_library("libpython3.11.so.1.0")},
    ),
    "own-library-of-a-similar-name": elf_wheel(
        TAGS,
        needed=("libc.so.6", "libpythonqt.so.1"),
        runpath="$ORIGIN/../demo.libs",
        files={"demo.libs/libpythonqt.so.1": elf_library("libpythonqt.so.1")},
    ),
    "weak-on-a-mac": macho_wheel(
        MAC,
        libraries=(
            *clean_macho(MAC).libraries,
            MachoLibrary(name="@rpath/libpython3.11.dylib", kind="weak"),
        ),
    ),
}
FRAMEWORK = "/Library/Frameworks/Python.framework/Versions/3.11/Python"
LINKED_DIRTY = {
    **{
        name: Planted(
            wheel=elf_wheel(TAGS, needed=("libc.so.6", library)),
            rule="libpython-linked",
            member=MODULE,
            arch="x86_64",
            says=(library,),
            shows={"library": library},
        )
        for name, library in {
            "linux": "libpython3.11.so.1.0",
            "free-threaded": "libpython3.13t.so.1.0",
            "stable": "libpython3.so",
            "old": "libpython3.6m.so.1.0",
        }.items()
    },
    **{
        name: Planted(
            wheel=macho_wheel(MAC, libraries=(*clean_macho(MAC).libraries, MachoLibrary(name=library))),
            rule="libpython-linked",
            member=extension_name(MAC),
            arch="arm64",
            shows={"library": library},
        )
        for name, library in {
            "dylib": "@rpath/libpython3.11.dylib",
            "framework": FRAMEWORK,
            "framework-of-xcode": "@rpath/Python3.framework/Versions/3.9/Python3",
        }.items()
    },
    "musl": Planted(
        wheel=elf_wheel(MUSL, needed=("libc.so", "libpython3.11.so.1.0")),
        rule="libpython-linked",
        member=extension_name(MUSL),
    ),
}


@pytest.mark.parametrize("wheel", params(LINKED_CLEAN))
def test_modules_without_libpython(wheel: BuiltWheel) -> None:
    """What does not link libpython, brings it, or does without it where it is absent, is no finding."""
    assert_silent(wheel)


@pytest.mark.parametrize("case", params(LINKED_DIRTY))
def test_libpython_linked(case: Planted) -> None:
    """A module that links libpython or the framework is one error, and no library outside the policy as well."""
    assert_planted(case)


NONE_CLEAN = {
    "ctypes-library": plain_wheel("py3-none-manylinux_2_17_x86_64", {"demo/libfoo.so": elf_library("libfoo.so")}),
    "ctypes-library-of-setuptools": plain_wheel("py3-none-manylinux_2_17_x86_64", {MODULE: elf_library("libfoo.so")}),
    "one-version-before-3.13": plain_wheel("cp311-none-manylinux_2_17_x86_64", {MODULE: clean_elf(TAGS)}),
    "bare-module-for-one-version": plain_wheel("cp311-none-manylinux_2_17_x86_64", {"demo/_core.so": clean_elf(TAGS)}),
    "cffi-module-of-pypy": plain_wheel(
        "pp311-none-manylinux_2_17_x86_64",
        {"demo/_core.so": replace(elf_library("x"), exports=(ElfExport(symbol="_cffi_pypyinit__core"),))},
    ),
    "python2": plain_wheel(
        "cp27-none-manylinux1_x86_64",
        {
            "demo/_core.so": replace(
                clean_elf("cp27-cp27mu-manylinux1_x86_64"), exports=(ElfExport(symbol="init_core"),)
            )
        },
        headers={"Requires-Python": ">=2.7"},
    ),
}
NONE_DIRTY = {
    "a17-module-under-py3-none": Planted(
        wheel=plain_wheel("py3-none-manylinux_2_17_x86_64", {MODULE: clean_elf(TAGS)}),
        rule="extension-under-abi-none",
        member=MODULE,
        says=("py3-none-manylinux_2_17_x86_64", "demo._core"),
        shows={"member": MODULE, "text": "CPython 3.11"},
    ),
    "free-threaded-python-also-selects-it": Planted(
        wheel=plain_wheel(
            "cp313-none-manylinux_2_17_x86_64", {"demo/_core.cpython-313-x86_64-linux-gnu.so": clean_elf(TAGS)}
        ),
        rule="extension-under-abi-none",
        member="demo/_core.cpython-313-x86_64-linux-gnu.so",
        says=("free-threaded 3.13",),
    ),
    "module-for-another-version": Planted(
        wheel=plain_wheel(
            "cp311-none-manylinux_2_17_x86_64", {"demo/_core.cpython-310-x86_64-linux-gnu.so": clean_elf(TAGS)}
        ),
        rule="extension-under-abi-none",
        member="demo/_core.cpython-310-x86_64-linux-gnu.so",
        says=("other versions",),
    ),
    "windows": Planted(
        wheel=plain_wheel("py3-none-win_amd64", {"demo/_core.cp311-win_amd64.pyd": clean_pe(WINDOWS)}),
        rule="extension-under-abi-none",
        member="demo/_core.cp311-win_amd64.pyd",
    ),
    "stable-abi-module": Planted(
        wheel=plain_wheel("py3-none-manylinux_2_17_x86_64", {"demo/_core.abi3.so": clean_elf(TAGS)}),
        rule="extension-under-abi-none",
        member="demo/_core.abi3.so",
        shows={"text": "the stable ABI (abi3)"},
    ),
    "module-of-pypy": Planted(
        wheel=plain_wheel(
            "py3-none-manylinux_2_17_x86_64", {"demo/_core.pypy311-pp73-x86_64-linux-gnu.so": clean_elf(TAGS)}
        ),
        rule="extension-under-abi-none",
        member="demo/_core.pypy311-pp73-x86_64-linux-gnu.so",
        shows={"text": "PyPy on x86_64-linux-gnu"},
    ),
    "bare-module": Planted(
        wheel=plain_wheel("py3-none-manylinux_2_17_x86_64", {"demo/_core.so": clean_elf(TAGS)}),
        rule="extension-under-abi-none",
        member="demo/_core.so",
        shows={"text": "any interpreter on Linux and macOS"},
    ),
    "module-behind-a-try": Planted(
        wheel=plain_wheel(
            "py3-none-manylinux_2_17_x86_64",
            {
                MODULE: clean_elf(TAGS),
                "demo/use.py": b"try:\n    from demo import _core\nexcept ImportError:\n    _core = None\n",
            },
        ),
        rule="extension-under-abi-none",
        member=MODULE,
        severity=Severity.WARNING,
    ),
    "bare-module-behind-a-try": Planted(
        wheel=plain_wheel(
            "py3-none-manylinux_2_17_x86_64",
            {
                "demo/_core.so": clean_elf(TAGS),
                "demo/use.py": b"try:\n    from demo import _core\nexcept ImportError:\n    _core = None\n",
            },
        ),
        rule="extension-under-abi-none",
        member="demo/_core.so",
    ),
    "a-python-and-every-later-one": Planted(
        wheel=plain_wheel("py311-none-manylinux_2_17_x86_64", {MODULE: clean_elf(TAGS)}),
        rule="extension-under-abi-none",
        member=MODULE,
    ),
}


@pytest.mark.parametrize("wheel", params(NONE_CLEAN))
def test_what_none_may_hold(wheel: BuiltWheel) -> None:
    """Libraries, and modules for exactly the interpreter that the tag selects, may be tagged `none`."""
    assert_silent(wheel)


@pytest.mark.parametrize("case", params(NONE_DIRTY))
def test_extension_under_abi_none(case: Planted) -> None:
    """A CPython module under `none` that some selected interpreter cannot use is one error."""
    assert_planted(case)


HOST = re.match(r"(\d+)\.(\d+)", platform.libc_ver()[1])
GLIBC = (int(HOST[1]), int(HOST[2])) if HOST else (0, 0)
VERSION = f"{sys.version_info.major}{sys.version_info.minor}"
HERE = f"cp{VERSION}-cp{VERSION}-manylinux_2_17_x86_64"
HERE_MODULE = f"demo/_core.cpython-{VERSION}-x86_64-linux-gnu.so"
HERE_ABI3 = f"cp{VERSION}-abi3-manylinux_2_17_x86_64"
LOADS_HERE = (
    sys.platform == "linux"
    and platform.machine() == "x86_64"
    and platform.libc_ver()[0] == "glibc"
    and platform.python_implementation() == "CPython"
    and not sysconfig.get_config_var("Py_GIL_DISABLED")
    and not hasattr(sys, "gettotalrefcount")
)
NEWER = f"GLIBC_{GLIBC[0]}.{GLIBC[1] + 2}"
INITIALISED = "SystemError: initialization of _core failed"
"""What Python says of the builders' module, which gives NULL: it was found, loaded and entered."""


def _imported(wheel: BuiltWheel, directory: Path) -> str:
    """The last line that a fresh interpreter of this Python says when it imports the wheel's module."""
    zipfile.ZipFile(BytesIO(wheel.data)).extractall(directory)
    program = f"import sys; sys.path.insert(0, {str(directory)!r}); import demo._core"
    ran = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=False)
    assert ran.returncode == 1, ran.stderr
    return ran.stderr.strip().splitlines()[-1]


def _asking(*imports: ElfImport) -> BuiltWheel:
    return elf_wheel(HERE, imports=(PYTHON, *imports))


REAL = {
    "good": (elf_wheel(HERE), None, INITIALISED),
    "good-abi3": (elf_wheel(HERE_ABI3), None, INITIALISED),
    "good-bare-so": (extension_wheel(HERE, member="demo/_core.so"), None, INITIALISED),
    "good-without-section-headers": (elf_wheel(HERE, section_headers=False), None, INITIALISED),
    "weak-need-of-a-newer-version": (
        elf_wheel(HERE, version_needs=(ElfVersionNeed(library="libc.so.6", version=NEWER, weak=True),)),
        None,
        INITIALISED,
    ),
    "newer-version-needed": (
        _asking(ElfImport(symbol="memcpy", library="libc.so.6", version=NEWER)),
        "glibc-newer-than-tag",
        "ImportError",
    ),
    "weak-symbol-of-a-newer-version": (
        _asking(ElfImport(symbol="memcpy", library="libc.so.6", version=NEWER, weak=True)),
        "glibc-newer-than-tag",
        "ImportError",
    ),
    "newer-version-without-section-headers": (
        elf_wheel(
            HERE,
            section_headers=False,
            version_needs=(ElfVersionNeed(library="libc.so.6", version=NEWER),),
        ),
        "glibc-newer-than-tag",
        "ImportError",
    ),
    "newer-libgcc-needed": (
        elf_wheel(
            HERE,
            needed=("libc.so.6", "libgcc_s.so.1"),
            imports=(PYTHON, ElfImport(symbol="__x", library="libgcc_s.so.1", version="GCC_99.0.0")),
        ),
        "libstdcxx-newer-than-tag",
        "ImportError",
    ),
    "another-machine": (elf_wheel(HERE, machine="aarch64"), "binary-wrong-arch", "ImportError"),
    "machine-none": (elf_wheel(HERE, machine="none"), "binary-wrong-arch", "ImportError"),
    "another-system": (
        extension_wheel(HERE, binary=clean_macho(MAC)),
        "binary-wrong-format",
        "ImportError",
    ),
    "truncated": (extension_wheel(HERE, binary=build_elf(clean_elf(HERE))[:200]), "binary-malformed", "ImportError"),
    "no-initialiser": (elf_wheel(HERE, exports=()), "module-init-missing", "ImportError: dynamic module does not"),
    "initialiser-of-another-name": (
        elf_wheel(HERE, exports=(ElfExport(symbol="PyInit_core"),)),
        "module-init-missing",
        "ImportError: dynamic module does not",
    ),
    "library-not-there": (
        elf_wheel(HERE, needed=("libc.so.6", "libwheelaudit-absent.so.1")),
        "library-outside-policy",
        "ImportError: libwheelaudit-absent.so.1",
    ),
    "libpython-not-there": (
        elf_wheel(HERE, needed=("libc.so.6", "libpython3.99.so.1.0")),
        "libpython-linked",
        "ImportError: libpython3.99.so.1.0",
    ),
    "musl": (elf_wheel(HERE, needed=("libc.musl-x86_64.so.1",)), "libc-mismatch", "ImportError"),
    "suffix-of-another-python": (
        extension_wheel(HERE, member="demo/_core.cpython-399-x86_64-linux-gnu.so"),
        "extension-suffix-mismatch",
        "ModuleNotFoundError",
    ),
    "suffix-of-another-machine": (
        extension_wheel(HERE, member=f"demo/_core.cpython-{VERSION}-aarch64-linux-gnu.so"),
        "extension-suffix-mismatch",
        "ModuleNotFoundError",
    ),
    "suffix-of-a-debug-build": (
        extension_wheel(HERE, member=f"demo/_core.cpython-{VERSION}d-x86_64-linux-gnu.so"),
        "extension-suffix-mismatch",
        "ModuleNotFoundError",
    ),
    "windows-suffix": (
        extension_wheel(HERE, member=f"demo/_core.cp{VERSION}-win_amd64.pyd"),
        "extension-suffix-mismatch",
        "ModuleNotFoundError",
    ),
}


@pytest.mark.skipif(not LOADS_HERE, reason="the modules are for a usual CPython on x86-64 Linux with glibc")
@pytest.mark.parametrize(("wheel", "rule", "answer"), [pytest.param(*case, id=name) for name, case in REAL.items()])
def test_the_real_loader_agrees(wheel: BuiltWheel, rule: str | None, answer: str, tmp_path: Path) -> None:
    """Where we report an error the import fails in a child process, and where we are silent it gets to `PyInit`."""
    assert _imported(wheel, tmp_path).startswith(answer)
    assert [one.rule for one in loud(judged(wheel))] == ([] if rule is None else [rule])


@pytest.mark.skipif(not LOADS_HERE, reason="the modules are for a usual CPython on x86-64 Linux with glibc")
@pytest.mark.parametrize("stack", ["rwx", "absent"])
def test_the_real_loader_and_executable_stacks(stack: str, tmp_path: Path) -> None:
    """An executable stack is refused from glibc 2.41 on, and loads before: the error is about the newer ones."""
    wheel = elf_wheel(HERE, stack=stack)
    answer = _imported(wheel, tmp_path)
    assert answer.startswith("ImportError" if GLIBC >= (2, 41) else INITIALISED)
    assert [one.rule for one in native(judged(wheel))] == ["executable-stack"]


@pytest.mark.skipif(not LOADS_HERE, reason="the modules are for a usual CPython on x86-64 Linux with glibc")
@pytest.mark.parametrize("announced", [False, True])
def test_the_real_loader_and_relative_relocations(announced: bool, tmp_path: Path) -> None:
    """DT_RELR loads from glibc 2.36 on, with or without the version need that announces it."""
    needs = (ElfVersionNeed(library="libc.so.6", version="GLIBC_ABI_DT_RELR"),) if announced else ()
    wheel = elf_wheel(HERE, relr=True, version_needs=needs)
    answer = _imported(wheel, tmp_path)
    if announced:
        assert answer.startswith(INITIALISED if GLIBC >= (2, 36) else "ImportError")
    assert [one.rule for one in native(judged(wheel))] == ["glibc-newer-than-tag"]
