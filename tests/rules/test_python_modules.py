"""Family `python_abi`: modules without an initialiser, linked with libpython, or tagged for any interpreter."""

from __future__ import annotations

import pytest

from auditor.findings import Severity
from tests.builders import (
    BuiltWheel,
    ElfExport,
    ElfImport,
    ElfSpec,
    MachoExport,
    MachoLibrary,
    PeExport,
    clean_elf,
    clean_macho,
    clean_pe,
    clean_slices,
    extension_name,
    extension_wheel,
    replace,
)
from tests.rules.helpers import only
from tests.rules.native_helpers import (
    Planted,
    assert_planted,
    assert_silent,
    elf_library,
    elf_wheel,
    macho_wheel,
    params,
    pe_wheel,
    plain_wheel,
    with_files,
)
from tests.rules.python_helpers import MAC, MODULE, MUSL, PYTHON, TAGS, WINDOWS


def _bound(symbol: str) -> ElfSpec:
    """A module that takes Python's API and offers another initialiser."""
    return replace(clean_elf(TAGS), exports=(ElfExport(symbol=symbol),) if symbol else ())


def _library(suffix: str = ".cpython-311-x86_64-linux-gnu.so") -> ElfSpec:
    """A library that takes Python's API, offers a function of its own, and has the suffix of a module."""
    return replace(_bound("dd_start"), soname=f"libdd{suffix}", imports=(PYTHON,))


def _needing(tags: str, library: str, spec: ElfSpec) -> BuiltWheel:
    """A wheel whose module needs a library beside it."""
    needed = (*clean_elf(tags).needed, library.rpartition("/")[2])
    return elf_wheel(tags, needed=needed, runpath="$ORIGIN", files={library: spec})


LIBRARY = "demo/libdd.cpython-311-x86_64-linux-gnu.so"
MAKES = ElfImport(symbol="PyModuleDef_Init")
PACKAGE = "demo/__init__.cpython-311-x86_64-linux-gnu.so"
INIT_CLEAN = {
    "the-package-itself": with_files(TAGS, {}, binary=_bound("PyInit_demo"), member=PACKAGE),
    "a-package-below": with_files(TAGS, {"demo/fast/__init__.abi3.so": _bound("PyInit_fast")}),
    "a-package-of-a-plain-suffix": with_files(TAGS, {"demo/fast/__init__.so": _bound("PyInit_fast")}),
    "at-the-top-level": with_files(TAGS, {"__init__.abi3.so": _bound("PyInit___init__")}),
    "library-that-another-binary-needs": _needing(TAGS, LIBRARY, _library()),
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
    "the-package-under-the-name-of-its-file": Planted(
        wheel=with_files(TAGS, {"demo/fast/__init__.abi3.so": _bound("PyInit___init__")}),
        rule="module-init-missing",
        member="demo/fast/__init__.abi3.so",
        says=("the module `demo.fast` does not export `PyInit_fast`", "`PyInit___init__`"),
    ),
    "needed-and-of-another-name": Planted(
        wheel=_needing(TAGS, LIBRARY, replace(_library(), exports=(ElfExport(symbol="PyInit_dd"),))),
        rule="module-init-missing",
        member=LIBRARY,
        says=("`PyInit_dd`",),
    ),
    "needed-by-itself-alone": Planted(
        wheel=with_files(
            TAGS,
            {
                LIBRARY: replace(
                    _library(), needed=("libc.so.6", LIBRARY.rpartition("/")[2]), imports=(PYTHON, MAKES), exports=()
                )
            },
        ),
        rule="module-init-missing",
        member=LIBRARY,
    ),
    "own-functions-and-the-making-of-a-module": Planted(
        wheel=with_files(TAGS, {LIBRARY: replace(_library(), imports=(PYTHON, MAKES))}),
        rule="module-init-missing",
        member=LIBRARY,
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


@pytest.mark.parametrize("exported", ["dd_start", "_init", "initlibdd"])
def test_what_is_no_module_but_by_its_name(exported: str) -> None:
    """A file with functions of its own that makes no module is a warning; what exports nothing else is an error."""
    wheel = with_files(TAGS, {LIBRARY: replace(_library(), exports=(ElfExport(symbol=exported),))})
    finding = only(wheel, rule="module-init-missing")
    assert finding.severity is (Severity.WARNING if exported == "dd_start" else Severity.ERROR)
    assert ("`libdd.so`" in (finding.help or "")) is (exported == "dd_start")


def test_a09_an_abi3_module_with_pymodexport_is_clean() -> None:
    """The second kind of entry point (PEP 793) in an abi3 wheel for 3.15 is no fault."""
    assert_silent(elf_wheel("cp315-abi3-manylinux_2_17_x86_64", exports=(ElfExport(symbol="PyModExport__core"),)))


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
