"""Family `windows`: PE files against the Python and the runtimes that a Windows tag promises."""

from __future__ import annotations

import pytest

from auditor.findings import Severity
from tests.builders import BuiltWheel, PeSpec, clean_pe, extension_name, extension_wheel, replace
from tests.rules.native_helpers import (
    Planted,
    assert_planted,
    assert_silent,
    dll,
    judged,
    loud,
    native,
    params,
    pe_wheel,
    plain_wheel,
    with_files,
)

TAGS = "cp311-cp311-win_amd64"
ABI3 = "cp38-abi3-win_amd64"
MODULE = extension_name(TAGS)
SYSTEM = {"KERNEL32.dll": ("Sleep",), "VCRUNTIME140.dll": ("memcpy",)}


def linking(python: str, *others: str, tags: str = TAGS, member: str | None = None) -> BuiltWheel:
    """A wheel whose module takes `PyModule_Create2` of that DLL, and something of the others."""
    imports = {python: ("PyModule_Create2",), **SYSTEM, **dict.fromkeys(others, ("something",))}
    return with_files(tags, {}, binary=replace(clean_pe(tags), imports=imports), member=member)


def needing(*runtimes: str, tags: str = TAGS, bundled: tuple[PeSpec, ...] = ()) -> BuiltWheel:
    """A wheel whose module needs these DLLs beside its usual ones, with others that lie where Windows looks."""
    imports = {**clean_pe(tags).imports, **dict.fromkeys(runtimes, ("something",))}
    named = {f"demo/{spec.dll_name}": spec for spec in bundled}
    return with_files(tags, named, binary=replace(clean_pe(tags), imports=imports))


PYTHON_CLEAN = {
    "a54-version-of-the-tag": extension_wheel(TAGS),
    "abi3": extension_wheel(ABI3),
    "free-threaded": extension_wheel("cp313-cp313t-win_amd64"),
    "abi3t": extension_wheel("cp315-abi3t-win_amd64"),
    "abi3-and-abi3t-by-python3t": extension_wheel("cp315-abi3.abi3t-win_amd64"),
    "trap12-stable-abi-in-a-version-wheel": linking("python3.dll"),
    "bare-pyd": linking("python311.dll", member="demo/_core.pyd"),
    "python27": with_files(
        "cp27-cp27m-win_amd64",
        {},
        binary=replace(clean_pe(TAGS), imports={"python27.dll": ("Py_InitModule4_64",), "MSVCR90.dll": ("memcpy",)}),
        member="demo/_core.pyd",
    ),
    "pypy": plain_wheel(
        "pp311-pypy311_pp73-win_amd64",
        {
            "demo/_core.pypy311-pp73-win_amd64.pyd": replace(
                clean_pe(TAGS), imports={"libpypy3.11-c.dll": ("PyPyModule_Create2",), **SYSTEM}
            )
        },
    ),
    "graalpy": plain_wheel(
        "graalpy312-graalpy250_312_native-win_amd64",
        {
            "demo/_core.graalpy250-312-native-x86_64-win32.pyd": replace(
                clean_pe(TAGS), imports={"python-native.dll": ("PyModule_Create2",), **SYSTEM}
            )
        },
    ),
    "pypy-with-the-name-of-cpython": plain_wheel(
        "pp311-pypy311_pp73-win_amd64",
        {
            "demo/_core.pypy311-pp73-win_amd64.pyd": replace(
                clean_pe(TAGS), imports={"python310.dll": ("PyModule_Create2",), "KERNEL32.dll": ("Sleep",)}
            )
        },
    ),
    "program-that-brings-its-python": plain_wheel(
        TAGS,
        {
            MODULE: clean_pe(TAGS),
            "demo/run/tool.exe": dll("tool.exe", "python313.dll", is_dll=False),
            "demo/run/python313.dll": dll("python313.dll"),
        },
    ),
    "program-that-finds-its-python": plain_wheel(
        TAGS, {MODULE: clean_pe(TAGS), "demo/tool.exe": dll("tool.exe", "python310.dll", is_dll=False)}
    ),
    "modules-for-several-pythons": plain_wheel(
        "cp310.cp311-none-win_amd64",
        {
            "demo/_core.cp310-win_amd64.pyd": clean_pe("cp310-cp310-win_amd64"),
            "demo/_core.cp311-win_amd64.pyd": clean_pe(TAGS),
        },
    ),
}
PYTHON_DIRTY = {
    "a50-abi3-imports-python312": Planted(
        wheel=linking("python312.dll", tags=ABI3),
        rule="windows-wrong-python",
        member="demo/_core.pyd",
        arch="amd64",
        says=("python312.dll", "python3.dll"),
        shows={"member": "demo/_core.pyd", "symbol": "PyModule_Create2", "library": "python312.dll"},
    ),
    "a52-cp313-imports-python312": Planted(
        wheel=linking("python312.dll", tags="cp313-cp313-win_amd64"),
        rule="windows-wrong-python",
        member="demo/_core.cp313-win_amd64.pyd",
        says=("python312.dll", "3.13"),
        shows={"symbol": "PyModule_Create2", "library": "python312.dll"},
    ),
    "a53-cp313-imports-python313t": Planted(
        wheel=linking("python313t.dll", tags="cp313-cp313-win_amd64"),
        rule="windows-wrong-python",
        member="demo/_core.cp313-win_amd64.pyd",
        says=("free-threaded",),
    ),
    "cp313t-imports-python313": Planted(
        wheel=linking("python313.dll", tags="cp313-cp313t-win_amd64"),
        rule="windows-wrong-python",
        member="demo/_core.cp313t-win_amd64.pyd",
        says=("the GIL build",),
    ),
    "cp313t-imports-python3": Planted(
        wheel=linking("python3.dll", tags="cp313-cp313t-win_amd64"),
        rule="windows-wrong-python",
        member="demo/_core.cp313t-win_amd64.pyd",
        says=("free-threaded",),
    ),
    "abi3t-imports-python3": Planted(
        wheel=linking("python3.dll", tags="cp315-abi3t-win_amd64"),
        rule="windows-wrong-python",
        member="demo/_core.pyd",
        says=("python3t.dll",),
    ),
    "library-that-a-module-needs": Planted(
        wheel=with_files(
            TAGS,
            {"demo/boost_python.dll": dll("boost_python.dll", "python310.dll")},
            binary=replace(clean_pe(TAGS), imports={**clean_pe(TAGS).imports, "boost_python.dll": ("something",)}),
        ),
        rule="windows-wrong-python",
        member="demo/boost_python.dll",
    ),
    "one-version-under-none": Planted(
        wheel=plain_wheel("cp311-none-win_amd64", {"demo/_core.pyd": clean_pe("cp310-cp310-win_amd64")}),
        rule="windows-wrong-python",
        member="demo/_core.pyd",
        says=("selects another Python",),
    ),
}


@pytest.mark.parametrize("wheel", params(PYTHON_CLEAN))
def test_the_python_of_the_tag(wheel: BuiltWheel) -> None:
    """The DLL of a promised interpreter, of another implementation, or one that a program brings is no finding."""
    assert_silent(wheel)


@pytest.mark.parametrize("case", params(PYTHON_DIRTY))
def test_windows_wrong_python(case: Planted) -> None:
    """The DLL of another Python is one error that names file, DLL and symbol."""
    assert_planted(case)


DEBUG_CLEAN = {
    "release": extension_wheel(TAGS),
    "bundled-debug-runtime": needing("ucrtbased.dll", bundled=(dll("ucrtbased.dll"),)),
    "names-that-end-in-d": needing("cmd.dll", "sqlited.dll", bundled=(dll("cmd.dll"), dll("sqlited.dll"))),
}
DEBUG_DIRTY = {
    "debug-python": Planted(
        wheel=linking("python311_d.dll"),
        rule="windows-debug-runtime",
        member=MODULE,
        arch="amd64",
        says=("python311_d.dll",),
        shows={"member": MODULE, "library": "python311_d.dll", "symbol": "PyModule_Create2"},
    ),
    "debug-crt": Planted(
        wheel=needing("VCRUNTIME140D.dll", "ucrtbased.dll"),
        rule="windows-debug-runtime",
        member=MODULE,
        says=("VCRUNTIME140D.dll", "ucrtbased.dll"),
        shows={"library": "VCRUNTIME140D.dll"},
    ),
    "debug-build-under-its-own-name": Planted(
        wheel=linking("python311_d.dll", "VCRUNTIME140D.dll", member="demo/_core_d.cp311-win_amd64.pyd"),
        rule="windows-debug-runtime",
        member="demo/_core_d.cp311-win_amd64.pyd",
    ),
    "bundled-library": Planted(
        wheel=needing("foo.dll", bundled=(dll("foo.dll", "MSVCP140D.dll"),)),
        rule="windows-debug-runtime",
        member="demo/foo.dll",
        shows={"library": "MSVCP140D.dll"},
    ),
}


@pytest.mark.parametrize("wheel", params(DEBUG_CLEAN))
def test_release_runtimes(wheel: BuiltWheel) -> None:
    """Release runtimes, bundled ones and names that merely end in `d` are no finding."""
    assert_silent(wheel)


@pytest.mark.parametrize("case", params(DEBUG_DIRTY))
def test_windows_debug_runtime(case: Planted) -> None:
    """A debug runtime or a debug Python is one error."""
    assert_planted(case)


def test_a_debug_tag_may_link_debug_runtimes() -> None:
    """A wheel whose ABI tag is a debug build's links what it says."""
    wheel = plain_wheel(
        "cp311-cp311d-win_amd64",
        {
            "demo/_core_d.cp311-win_amd64.pyd": replace(
                clean_pe(TAGS), imports={"python311_d.dll": ("PyModule_Create2",), "VCRUNTIME140D.dll": ("memcpy",)}
            )
        },
    )
    assert "windows-debug-runtime" not in {one.rule for one in judged(wheel).findings}


RUNTIME_CLEAN = {
    "what-python-ships": needing("VCRUNTIME140_1.dll", "api-ms-win-crt-runtime-l1-1-0.dll", "ucrtbase.dll"),
    "what-windows-has": needing(
        "msvcrt.dll", "msvcp_win.dll", "msvcp60.dll", "WS2_32.dll", "ext-ms-win-foo-l1-1-0.dll"
    ),
    "bundled-by-delvewheel": needing("msvcp140-0a1b2c3d.dll", bundled=(dll("msvcp140-0a1b2c3d.dll"),)),
    "delay-import": pe_wheel(TAGS, delay_imports={"concrt140.dll": ("something",)}),
    "python-2-runtime": plain_wheel(
        "cp27-none-win32",
        {
            "demo/_core.pyd": replace(
                clean_pe("cp311-cp311-win32"), imports={"python27.dll": ("Py_InitModule4",), "MSVCR90.dll": ("memcpy",)}
            )
        },
    ),
    "dead-python-beside-a-living-one": plain_wheel(
        "py2.py3-none-win_amd64", {"demo/foo.dll": dll("foo.dll", "VCRUNTIME140.dll")}
    ),
    "pypy-ships-the-cxx-runtime": plain_wheel(
        "pp311-pypy311_pp73-win_amd64",
        {
            "demo/_core.pypy311-pp73-win_amd64.pyd": replace(
                clean_pe(TAGS), imports={"libpypy3.11-c.dll": ("PyPyModule_Create2",), "MSVCP140.dll": ("x",), **SYSTEM}
            )
        },
    ),
    "redistributable-as-a-dependency": plain_wheel(
        TAGS,
        {MODULE: replace(clean_pe(TAGS), imports={**clean_pe(TAGS).imports, "MSVCP140.dll": ("x",)})},
        headers={"Requires-Dist": "msvc-runtime"},
    ),
    "mingw-linked-statically": needing("libfoo-1.dll", bundled=(dll("libfoo-1.dll"),)),
    "net-runtime": needing("msvcr120_clr0400.dll"),
    "program-with-a-runtime": plain_wheel(
        "py3-none-win_amd64", {"demo/tool.exe": dll("tool.exe", "VCRUNTIME140.dll", is_dll=False)}
    ),
}
RUNTIME_DIRTY = {
    "msvcp140": Planted(
        wheel=needing("MSVCP140.dll"),
        rule="windows-runtime-missing",
        member=MODULE,
        arch="amd64",
        says=("msvcp140.dll", "Visual C++"),
        shows={"member": MODULE, "library": "msvcp140.dll", "symbol": "something"},
    ),
    "mingw-runtimes-are-one-finding": Planted(
        wheel=needing("libstdc++-6.dll", "libgcc_s_seh-1.dll", "libwinpthread-1.dll"),
        rule="windows-runtime-missing",
        member=MODULE,
        says=("MinGW", "libgcc_s_seh-1.dll", "libstdc++-6.dll", "libwinpthread-1.dll"),
        shows={"library": "libgcc_s_seh-1.dll"},
    ),
    "openmp": Planted(wheel=needing("vcomp140.dll"), rule="windows-runtime-missing", member=MODULE),
    "second-part-on-32-bit": Planted(
        wheel=needing("VCRUNTIME140_1.dll", tags="cp311-cp311-win32"),
        rule="windows-runtime-missing",
        member=extension_name("cp311-cp311-win32"),
        arch="win32",
    ),
    "second-part-before-3.8": Planted(
        wheel=plain_wheel(
            "cp37-cp37m-win_amd64",
            {
                "demo/_core.cp37-win_amd64.pyd": replace(
                    clean_pe(TAGS),
                    imports={"python37.dll": ("PyModule_Create2",), "VCRUNTIME140_1.dll": ("x",), **SYSTEM},
                )
            },
            headers={"Requires-Python": ">=3.6"},
        ),
        rule="windows-runtime-missing",
        member="demo/_core.cp37-win_amd64.pyd",
    ),
    "through-a-bundled-library": Planted(
        wheel=needing("foo.dll", bundled=(dll("foo.dll", "MSVCP140.dll"),)),
        rule="windows-runtime-missing",
        member="demo/foo.dll",
        shows={"member": "demo/foo.dll"},
    ),
    "two-files-are-one-finding": Planted(
        wheel=needing("foo.dll", "MSVCP140.dll", bundled=(dll("foo.dll", "MSVCP140.dll"),)),
        rule="windows-runtime-missing",
        member=None,
        says=("2 files need `msvcp140.dll`",),
    ),
    "program": Planted(
        wheel=plain_wheel("py3-none-win_amd64", {"demo/tool.exe": dll("tool.exe", "MSVCP140.dll", is_dll=False)}),
        rule="windows-runtime-missing",
        member="demo/tool.exe",
    ),
    "library-that-nothing-needs": Planted(
        wheel=with_files(TAGS, {"demo/plugin.dll": dll("plugin.dll", "MSVCP140.dll")}),
        rule="windows-runtime-missing",
        member="demo/plugin.dll",
        severity=Severity.WARNING,
        says=("may be optional",),
    ),
    "xgboost-library-that-python-code-loads": Planted(
        wheel=plain_wheel(
            "py3-none-win_amd64",
            {
                "demo/__init__.py": b'import ctypes\nctypes.CDLL("plugin.dll")\n',
                "demo/plugin.dll": dll("plugin.dll", "vcomp140.dll"),
            },
        ),
        rule="windows-runtime-missing",
        member="demo/plugin.dll",
        severity=Severity.WARNING,
        says=("only Python code of the wheel loads the file",),
    ),
}


@pytest.mark.parametrize("wheel", params(RUNTIME_CLEAN))
def test_runtimes_that_are_there(wheel: BuiltWheel) -> None:
    """What Windows or Python has, the wheel brings, or the first call looks for, is no finding."""
    assert_silent(wheel)


@pytest.mark.parametrize("case", params(RUNTIME_DIRTY))
def test_windows_runtime_missing(case: Planted) -> None:
    """A compiler's runtime that nobody brings is one finding a compiler."""
    assert_planted(case)


def test_a_runtime_under_its_own_name_is_there() -> None:
    """A runtime that the wheel brings is not missing, though the name that it has is a fault of its own."""
    found = native(judged(needing("MSVCP140.dll", bundled=(dll("MSVCP140.dll"),))))
    assert [one.rule for one in found] == ["windows-runtime-unmangled"]


def test_two_compilers_are_two_findings() -> None:
    """A runtime of Visual C++ and one of MinGW are missing for two reasons."""
    found = [one.rule for one in loud(judged(needing("MSVCP140.dll", "libstdc++-6.dll")))]
    assert found == ["windows-runtime-missing"] * 2
