"""CPython's exports and its stable ABI: the tables against installed Pythons and against abi3info."""

from __future__ import annotations

import ctypes
import sys
import sysconfig
import time
from pathlib import Path

import abi3info
import pytest
from elftools.elf.elffile import ELFFile

from auditor.platforms import cpython, cpython_symbols
from auditor.platforms.cpython import Interpreter
from auditor.platforms.cpython_symbols import exported_by, exports, is_api_name, stable
from auditor.platforms.promise import Implementation

DATA = Path(cpython_symbols.__file__).parent / "data"
BOTH = (False, True)


def build(
    minor: int, *, threaded: bool = False, implementation: Implementation = Implementation.CPYTHON
) -> Interpreter:
    """A release build of CPython 3."""
    return Interpreter(implementation=implementation, version=(3, minor), free_threaded=threaded)


def versions(symbol: str, *, windows: bool = False) -> list[str]:
    """The builds that export a symbol, in short."""
    found = exported_by(symbol, windows=windows)
    return [f"{one.version[0]}.{one.version[1]}{'t' if one.free_threaded else ''}" for one in found]


def test_every_version_has_its_builds() -> None:
    """The table has each CPython from the oldest that is judged to the newest, and its free-threaded builds."""
    minors = range(cpython.OLDEST_SUPPORTED[1], cpython.NEWEST[1] + 1)
    expected = [build(minor) for minor in minors]
    expected += [build(minor, threaded=True) for minor in minors if (3, minor) >= cpython.THREADED_SINCE]
    assert list(cpython_symbols.builds()) == expected


def test_the_tables_load_at_once() -> None:
    """Both tables load in less time than a person or a start-up notices, at least once in three times."""
    times = []
    for _ in range(3):
        cpython_symbols._exports.cache_clear()
        cpython_symbols._stable.cache_clear()
        start = time.process_time()
        cpython_symbols._exports()
        cpython_symbols._stable()
        times.append(time.process_time() - start)
    assert min(times) < 0.1


KNOWN = {
    "PyUnicode_AsUnicode": ["3.8", "3.9", "3.10", "3.11"],
    "PyType_GetName": ["3.11", "3.12", "3.13", "3.14", "3.15", "3.13t", "3.14t", "3.15t"],
    "_Py_DecRefShared": ["3.13t", "3.14t", "3.15t"],
    "PyNode_ListTree": ["3.8", "3.9"],
    "PyCFunction_New": ["3.8", "3.10", "3.11", "3.12", "3.13", "3.14", "3.15", "3.13t", "3.14t", "3.15t"],
    "PyErr_SetFromWindowsErr": [],
    "PyInit__io": [],
    "PyFoo_Bar": [],
}


@pytest.mark.parametrize("symbol", KNOWN)
def test_a_symbol_is_where_cpython_has_it(symbol: str) -> None:
    """Removed, added, free-threaded, absent and foreign names are exported where "What's New" has them."""
    assert versions(symbol) == KNOWN[symbol]


def test_windows_has_its_own_column() -> None:
    """Names of Windows alone, and names of Unix alone, are each on their side."""
    assert len(versions("PyErr_SetFromWindowsErr", windows=True)) == len(cpython_symbols.builds())
    assert versions("PyOS_AfterFork_Child", windows=True) == []
    assert len(versions("PyOS_AfterFork_Child")) == len(cpython_symbols.builds())


@pytest.mark.parametrize("name", ["Py_Main", "Py_RunMain", "Py_BytesMain"])
def test_what_the_launchers_leave_out_is_there(name: str) -> None:
    """The functions that a linked launcher does not pull in are exported by every version, on every system."""
    assert all(len(versions(name, windows=windows)) == len(cpython_symbols.builds()) for windows in BOTH)


def test_free_threaded_builds_lack_nothing() -> None:
    """Each free-threaded build exports what the build of its version with the GIL does."""
    for symbol in cpython_symbols._exports().masks:
        for windows in BOTH:
            threaded = {one.version for one in exported_by(symbol, windows=windows) if one.free_threaded}
            plain = {one.version for one in exported_by(symbol, windows=windows) if not one.free_threaded}
            assert plain & {(3, 13), (3, 14), (3, 15)} <= threaded, symbol


def test_the_marks_of_free_threading_are_no_gil_builds() -> None:
    """No build with the GIL exports a mark of free threading."""
    marks = cpython_symbols.marks_of_free_threading()
    assert {"_Py_DecRefShared", "_Py_MergeZeroLocalRefcount"} <= marks
    assert all(one.free_threaded for mark in marks for windows in BOTH for one in exported_by(mark, windows=windows))


@pytest.mark.parametrize(
    "interpreter",
    [build(7), build(16), build(12, threaded=True), build(11, implementation=Implementation.PYPY)],
    ids=str,
)
def test_an_unknown_interpreter_is_no_answer(interpreter: Interpreter) -> None:
    """Of an interpreter that is not in the table nothing is said, not even of its oldest function."""
    assert exports("PyLong_FromLong", interpreter, windows=False) is None
    assert exports("PyLong_FromLong", build(8), windows=False) is True
    assert exports("PyFoo_Bar", build(8), windows=False) is False


@pytest.mark.parametrize(
    ("symbol", "answer"),
    [
        ("PyLong_FromLong", True),
        ("_Py_Dealloc", True),
        ("Py_True", True),
        ("PyInit_demo", False),
        ("PyModExport_demo", False),
        ("PyInitU_bcher_kva", False),
        ("python_demo", False),
        ("memcpy", False),
    ],
)
def test_names_of_the_api(symbol: str, answer: bool) -> None:
    """The C API's names begin with `Py` or `_Py`, and entry points of modules are none of them."""
    assert is_api_name(symbol) is answer


def test_the_stable_abi_is_that_of_abi3info() -> None:
    """Every entry is the installed abi3info's: version, kind, feature and whether the headers still have it."""
    theirs = {
        one.symbol.name: (
            (one.added.major, one.added.minor),
            one in abi3info.FUNCTIONS.values(),
            one.ifdef.name if one.ifdef else None,
            one.abi_only,
        )
        for table in (abi3info.FUNCTIONS, abi3info.DATAS)
        for one in table.values()
    }
    ours = {
        one.symbol: (one.added, one.function, one.macro, one.abi_only) for one in cpython_symbols._stable().values()
    }
    assert ours == theirs


def test_the_stable_abi_is_exported() -> None:
    """From its version on every build exports a stable symbol, but for one slip of CPython 3.9 (and 3.8 on Windows)."""
    missing = {
        (one.symbol, interpreter.version, windows)
        for one in cpython_symbols._stable().values()
        for interpreter in cpython_symbols.builds()
        for windows in BOTH
        if one.macro is None and interpreter.version >= one.added
        if not exports(one.symbol, interpreter, windows=windows)
    }
    assert missing == {
        ("PyCFunction_New", (3, 9), False),
        ("PyCFunction_New", (3, 9), True),
        ("PyCFunction_New", (3, 8), True),
    }


def test_a_symbol_of_windows_alone_says_so() -> None:
    """The stable ABI has names for Windows alone."""
    windows_error, plain = stable("PyErr_SetFromWindowsErr"), stable("PyLong_FromLong")
    assert windows_error is not None
    assert windows_error.windows_only
    assert plain is not None
    assert not plain.windows_only
    assert stable("PyUnicode_AsUnicode") is None


def running() -> Interpreter:
    """The interpreter that runs the tests."""
    return build(sys.version_info.minor, threaded=bool(sysconfig.get_config_var("Py_GIL_DISABLED")))


def test_the_running_interpreter_has_the_stable_abi() -> None:
    """What the table says that the running CPython exports of the stable ABI, it does; the rest it does not."""
    windows = sys.platform == "win32"
    for symbol in cpython_symbols._stable():
        said = exports(symbol, running(), windows=windows)
        there = hasattr(ctypes.pythonapi, symbol)
        if stable(symbol).macro is None:  # type: ignore[union-attr]
            assert said is there or said is None, symbol


def libraries() -> list[Path]:
    """The CPythons on this Linux machine whose dynamic symbol tables can be read, this one first."""
    name, directory = sysconfig.get_config_var("INSTSONAME"), sysconfig.get_config_var("LIBDIR")
    own = Path(directory or "/", name or "").resolve() if sysconfig.get_config_var("Py_ENABLE_SHARED") else None
    others = sorted(Path.home().glob(".pyenv/versions/3.*/lib/libpython3.*.so.1.0"))
    return [one for one in (own or Path(sys.executable).resolve(), *others) if one.is_file()]


@pytest.mark.skipif(sys.platform != "linux", reason="reads ELF")
def test_installed_pythons_export_nothing_unknown() -> None:
    """Whatever a CPython on this machine exports under a name of the C API, the table has for its version."""
    judged = 0
    for path in libraries():
        with path.open("rb") as file:
            table = ELFFile(file).get_section_by_name(".dynsym")
            names = {one.name for one in table.iter_symbols() if one["st_shndx"] != "SHN_UNDEF"}
        found = [one for one in path.name.replace("-", ".").split(".") if one.isdigit()]
        interpreter = running() if path == libraries()[0] else build(int(found[0]))
        if interpreter in cpython_symbols.builds():
            judged += 1
            named = {name for name in names if is_api_name(name)}
            assert len(named) > 1500
            assert not {name for name in named if not exports(name, interpreter, windows=False)}, path
    assert judged
