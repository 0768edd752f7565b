"""Family `python_abi`: the symbols that extension modules take from CPython, against the promised interpreters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from auditor.findings import Severity
from tests.builders import (
    LIBSYSTEM,
    OUTSIDE_STABLE_ABI,
    BuiltWheel,
    ElfExport,
    ElfImport,
    MachoImport,
    MachoLibrary,
    PeSpec,
    WheelSpec,
    build_native,
    build_wheel,
    clean_elf,
    clean_macho,
    clean_pe,
    extension_name,
    replace,
)
from tests.rules.native_helpers import (
    INIT,
    Planted,
    assert_planted,
    assert_silent,
    elf_library,
    judged,
    native,
    params,
    with_files,
)

if TYPE_CHECKING:
    from tests.builders import MachoSpec

LINUX, MAC, WINDOWS = "manylinux_2_17_x86_64", "macosx_11_0_arm64", "win_amd64"
CP38, CP311, CP312, CP313 = (f"cp{one}-cp{one}" for one in (38, 311, 312, 313))
THREADED = "cp313-cp313t"
ABI38, ABI310 = "cp38-abi3", "cp310-abi3"
FRAMEWORK = "/Library/Frameworks/Python.framework/Versions/3.12/Python"


def elf(tags: str, *symbols: str, weak: bool = False, member: str | None = None) -> BuiltWheel:
    """A Linux wheel whose module takes these symbols too."""
    name = f"{tags}-{LINUX}"
    clean = clean_elf(name)
    taken = tuple(ElfImport(symbol=symbol, weak=weak) for symbol in symbols)
    stable = tuple(one for one in clean.imports if one.symbol != OUTSIDE_STABLE_ABI)
    return with_files(name, {}, binary=replace(clean, imports=(*stable, *taken)), member=member)


def macho(tags: str, *symbols: str, library: str | None = None, weak: bool = False) -> BuiltWheel:
    """A macOS wheel whose module takes these symbols too, by a flat look-up or of one library."""
    name = f"{tags}-{MAC}"
    clean: MachoSpec = clean_macho(name)
    taken = tuple(
        MachoImport(symbol=f"_{symbol}", library=library, weak=weak)
        if library
        else MachoImport(symbol=f"_{symbol}", weak=weak)
        for symbol in symbols
    )
    libraries = (LIBSYSTEM, MachoLibrary(name=library)) if library else (LIBSYSTEM,)
    stable = tuple(one for one in clean.imports if one.symbol != f"_{OUTSIDE_STABLE_ABI}")
    return with_files(name, {}, binary=replace(clean, imports=(*stable, *taken), libraries=libraries))


def pe(tags: str, *symbols: str, dll: str | None = None) -> BuiltWheel:
    """A Windows wheel whose module takes these symbols too, of its Python's DLL or of another."""
    name = f"{tags}-{WINDOWS}"
    clean: PeSpec = clean_pe(name)
    runtime = dll or next(iter(clean.imports))
    stable = {name: tuple(one for one in taken if one != OUTSIDE_STABLE_ABI) for name, taken in clean.imports.items()}
    imports = {**stable, runtime: (*stable.get(runtime, ()), *symbols)}
    return with_files(name, {}, binary=replace(clean, imports=imports))


def requiring(wheel: str, *symbols: str, requires: str | None) -> BuiltWheel:
    """A Linux wheel with a Requires-Python whose module takes these symbols too."""
    name = f"{wheel}-{LINUX}"
    clean = clean_elf(name)
    binary = replace(clean, imports=(*clean.imports, *(ElfImport(symbol=symbol) for symbol in symbols)))
    python, abi, platform = name.split("-")
    spec = WheelSpec(
        python=python,
        abi=abi,
        platform=platform,
        headers={"Requires-Python": requires},
        members={**INIT, extension_name(name): build_native(binary)},
    )
    return build_wheel(spec)


def needing(tags: str, symbol: str, *exports: str, imports: tuple[str, ...] = ()) -> BuiltWheel:
    """A Linux wheel whose module takes a symbol, and needs a library of the wheel that exports and imports others."""
    name = f"{tags}-{LINUX}"
    clean = clean_elf(name)
    library = elf_library("libhelper.so", name)
    library = replace(
        library,
        exports=tuple(ElfExport(symbol=one) for one in exports),
        imports=(*library.imports, *(ElfImport(symbol=one) for one in imports)),
    )
    module = replace(
        clean,
        imports=(*clean.imports, ElfImport(symbol=symbol)),
        needed=(*clean.needed, "libhelper.so"),
        runpath="$ORIGIN/../demo.libs",
    )
    return with_files(name, {"demo.libs/libhelper.so": library}, binary=module)


def defining(tags: str, symbol: str) -> BuiltWheel:
    """A Linux wheel whose module both takes and exports a symbol."""
    name = f"{tags}-{LINUX}"
    clean = clean_elf(name)
    return with_files(name, {}, binary=replace(clean, exports=(*clean.exports, ElfExport(symbol=symbol))))


CLEAN = {
    "of-its-version": elf(CP311, "PyUnicode_AsUnicode", "_PyType_Lookup"),
    "of-its-version-macos": macho(CP311, "PyUnicode_AsUnicode", "_PyType_Lookup"),
    "of-its-version-windows": pe(CP311, "PyUnicode_AsUnicode", "_PyType_Lookup", "PyErr_SetFromWindowsErr"),
    "added-by-its-version": elf(CP312, "PyType_FromMetaclass", "_PyType_Lookup"),
    "patch-level-addition": elf(CP313, "_PyType_AllocNoTrack"),
    "weak": elf(CP312, "PyUnicode_AsUnicode", weak=True),
    "weak-macos": macho(CP312, "PyUnicode_AsUnicode", weak=True),
    "weak-abi3": elf(ABI38, "_PyType_Lookup", "PyType_GetName", weak=True),
    "name-that-no-python-has": elf(CP312, "PyDemo_Helper", "_PyDemo_Helper", "_PyType_Lookup"),
    "name-that-no-python-has-abi3": elf(ABI38, "PyDemo_Helper"),
    "windows-only-on-linux-is-unresolved": elf(ABI38, "PyErr_SetFromWindowsErr"),
    "own-library-has-it": needing(CP312, "PyUnicode_AsUnicode", "PyUnicode_AsUnicode", "_PyType_Lookup"),
    "own-library-has-it-abi3": needing(ABI38, "_PyType_Lookup", "_PyType_Lookup"),
    "exported-by-itself": defining(ABI38, "_PyType_Lookup"),
    "another-library-of-the-system": macho(CP312, "PyUnicode_AsUnicode", library="/usr/lib/libdemo.dylib"),
    "entry-point-of-another-module": elf(ABI38, "PyInit_other", "PyModExport_other"),
    "abi3": elf(ABI38, "PyLong_FromLong", "_Py_Dealloc", "_Py_NoneStruct"),
    "abi3-macos": macho(ABI38, "PyLong_FromLong", "_Py_Dealloc"),
    "abi3-windows": pe(ABI38, "PyErr_SetFromWindowsErr", "_Py_Dealloc"),
    "abi3-at-its-version": elf("cp311-abi3", "PyType_GetName", "PyObject_GetBuffer"),
    "abi3-of-3.12-vectorcall": elf("cp312-abi3", "PyObject_Vectorcall"),
    "abi3-requires-python-later": requiring(ABI38, "PyType_GetName", requires=">=3.11"),
    "requires-python-broken": requiring(ABI38, "PyLong_FromLong", requires="3.8"),
    "free-threaded": elf(THREADED, "_Py_DecRefShared", "_Py_MergeZeroLocalRefcount"),
    "free-threaded-windows": pe(THREADED, "_Py_DecRefShared"),
    "gil-module-in-a-t-wheel-is-not-provable": elf(THREADED, "PyLong_FromLong"),
    "abi3t": elf("cp315-abi3t", "PyLong_AsLong", "Py_SIZE"),
    "abi3t-windows": pe("cp315-abi3t", "PyLong_AsLong", "Py_SIZE"),
    "abi3-and-abi3t": elf("cp315-abi3.abi3t", "Py_IS_TYPE"),
    "pypy-is-not-judged": with_files(
        f"pp311-pypy311_pp73-{LINUX}",
        {"demo/_core.pypy311-pp73-x86_64-linux-gnu.so": replace(clean_elf(f"{CP311}-{LINUX}"))},
        binary=b"",
        member="demo/data.bin",
    ),
}


@pytest.mark.parametrize("wheel", params(CLEAN))
def test_clean(wheel: BuiltWheel) -> None:
    """What every promised CPython provides, or what is not asked of it, is no finding."""
    report = judged(wheel)
    found = [(one.rule, one.message) for one in native(report) if one.rule in RULES]
    assert found == []
    assert not report.broken, report.not_judged


RULES = {
    "abi3-possible",
    "abi3-symbol-outside",
    "abi3-symbol-too-new",
    "free-threaded-mismatch",
    "python-symbol-unavailable",
}


def planted(wheel: BuiltWheel, rule: str, tags: str, **changes: object) -> Planted:
    """A defect of the module of these tags."""
    return Planted(wheel=wheel, rule=rule, member=extension_name(tags), **changes)  # type: ignore[arg-type]


UNAVAILABLE, OUTSIDE, TOO_NEW = "python-symbol-unavailable", "abi3-symbol-outside", "abi3-symbol-too-new"
MISMATCH = "free-threaded-mismatch"
DIRTY = {
    "removed": planted(
        elf(CP312, "PyUnicode_AsUnicode"),
        UNAVAILABLE,
        f"{CP312}-{LINUX}",
        says=("`PyUnicode_AsUnicode`", "CPython 3.12", "removed in 3.12"),
        shows={"symbol": "PyUnicode_AsUnicode", "text": "removed in 3.12"},
    ),
    "removed-macos": planted(macho(CP312, "PyUnicode_AsUnicode"), UNAVAILABLE, f"{CP312}-{MAC}", arch="arm64"),
    "removed-macos-framework": planted(
        macho(CP312, "PyUnicode_AsUnicode", library=FRAMEWORK),
        UNAVAILABLE,
        f"{CP312}-{MAC}",
        echoes=frozenset({"libpython-linked"}),
        shows={"library": FRAMEWORK},
    ),
    "removed-windows": planted(
        pe(CP312, "PyUnicode_AsUnicode"), UNAVAILABLE, f"{CP312}-{WINDOWS}", shows={"library": "python312.dll"}
    ),
    "added-later": planted(
        elf(CP38, "PyObject_CallNoArgs"),
        UNAVAILABLE,
        f"{CP38}-{LINUX}",
        says=("added in 3.9",),
    ),
    "came-back": planted(
        elf(CP313, "_PyErr_GetHandledException"),
        UNAVAILABLE,
        f"{CP313}-{LINUX}",
        says=("3.12 exports it, and 3.15 again",),
    ),
    "no-python-on-windows": planted(
        pe(CP312, "PyDemo_Helper"), UNAVAILABLE, f"{CP312}-{WINDOWS}", says=("no CPython from 3.8 to 3.15",)
    ),
    "unix-only-on-windows": planted(
        pe(CP312, "PyOS_AfterFork_Child"), UNAVAILABLE, f"{CP312}-{WINDOWS}", says=("on Windows",)
    ),
    "library-of-the-wheel": Planted(
        wheel=needing(CP312, "PyLong_FromLong", imports=("PyUnicode_AsUnicode",)),
        rule=UNAVAILABLE,
        member="demo.libs/libhelper.so",
    ),
    "slip-of-3.9": planted(elf(ABI38, "PyCFunction_New"), UNAVAILABLE, f"{ABI38}-{LINUX}", says=("CPython 3.9",)),
    "outside-and-removed": planted(
        elf(ABI38, "PyUnicode_AsUnicode"),
        OUTSIDE,
        f"{ABI38}-{LINUX}",
        says=("not part of the stable ABI", "CPython 3.12"),
        shows={"symbol": "PyUnicode_AsUnicode"},
    ),
    "outside-and-there": planted(
        elf(ABI38, "_PyType_Lookup"),
        OUTSIDE,
        f"{ABI38}-{LINUX}",
        severity=Severity.WARNING,
        says=("all that are known",),
    ),
    "outside-macos": planted(macho(ABI38, "PyUnicode_AsUnicode"), OUTSIDE, f"{ABI38}-{MAC}"),
    "outside-on-python3.dll": planted(pe(ABI38, "_PyType_Lookup"), OUTSIDE, f"{ABI38}-{WINDOWS}"),
    "outside-abi3t": planted(elf("cp315-abi3t", "PyUnicode_AsUnicode"), OUTSIDE, f"cp315-abi3t-{LINUX}"),
    "too-new": planted(
        elf(ABI38, "PyType_GetName"),
        TOO_NEW,
        f"{ABI38}-{LINUX}",
        says=("from 3.11 on", "CPython 3.8"),
        shows={"symbol": "PyType_GetName", "text": "stable since 3.11"},
    ),
    "too-new-macos": planted(macho(ABI38, "PyType_GetName"), TOO_NEW, f"{ABI38}-{MAC}"),
    "too-new-windows": planted(pe(ABI38, "PyType_GetName"), TOO_NEW, f"{ABI38}-{WINDOWS}"),
    "too-new-and-there": planted(
        elf(ABI310, "PyObject_GetBuffer"), TOO_NEW, f"{ABI310}-{LINUX}", severity=Severity.WARNING
    ),
    "too-new-not-in-python3.dll": planted(pe(ABI310, "PyObject_GetBuffer"), TOO_NEW, f"{ABI310}-{WINDOWS}"),
    "too-new-for-the-lower-tag": planted(
        elf("cp310.cp311-abi3", "PyType_GetName"),
        TOO_NEW,
        f"{ABI310}-{LINUX}",
        echoes=frozenset({"tag-abi3-multiple-python"}),
    ),
    "too-new-within-requires-python": planted(
        requiring(ABI38, "PyType_GetName", requires=">=3.10"), TOO_NEW, f"{ABI38}-{LINUX}", says=("CPython 3.10",)
    ),
    "threaded-in-a-gil-wheel": planted(
        elf(CP313, "_Py_DecRefShared"),
        MISMATCH,
        f"{CP313}-{LINUX}",
        says=("only free-threaded builds", "CPython 3.13"),
        shows={"symbol": "_Py_DecRefShared", "text": "CPython 3.13t"},
    ),
    "threaded-in-a-gil-wheel-windows": planted(pe(CP313, "_Py_DecRefShared"), MISMATCH, f"{CP313}-{WINDOWS}"),
    "threaded-in-an-abi3-wheel": planted(elf(ABI310, "_Py_DecRefShared"), MISMATCH, f"{ABI310}-{LINUX}"),
    "definition-in-abi3t": Planted(
        wheel=with_files(
            f"cp315-abi3t-{LINUX}",
            {},
            binary=replace(
                clean_elf(f"cp315-abi3t-{LINUX}"),
                imports=(ElfImport(symbol="PyModuleDef_Init"),),
                needed=(),
                exports=(ElfExport(symbol="PyInit__core"),),
            ),
        ),
        rule=MISMATCH,
        member="demo/_core.abi3t.so",
        severity=Severity.WARNING,
        says=("PyModExport_",),
    ),
}


@pytest.mark.parametrize("case", params(DIRTY))
def test_dirty(case: Planted) -> None:
    """A symbol that a promised CPython lacks is one finding of one rule, with the symbol as evidence."""
    assert_planted(case)


def test_a_newer_python_than_the_table_is_said() -> None:
    """A wheel for a CPython that is not known yet is no finding, and what was not judged is said."""
    report = judged(elf("cp316-cp316", "PyUnicode_AsUnicode"))
    assert not [one for one in report.findings if one.rule in RULES]
    assert [one.reason for one in report.not_judged if one.rule == UNAVAILABLE] == [
        "it is not known here which symbols CPython 3.16 exports"
    ]


def test_a_newer_stable_abi_than_the_table_is_said() -> None:
    """So is a stable ABI that is newer than what is known."""
    report = judged(elf("cp316-abi3", "PyUnicode_AsUnicode"))
    assert not [one for one in report.findings if one.rule in RULES]
    assert OUTSIDE in {one.rule for one in report.not_judged}


def test_before_the_table_nothing_is_proven() -> None:
    """What only versions before 3.8 would lack is an info."""
    (finding,) = [
        one
        for one in judged(requiring("cp36-abi3", "PyUnicode_GetLength", requires=None)).findings
        if one.rule in RULES
    ]
    assert (finding.rule, finding.severity) == (TOO_NEW, Severity.INFO)


def test_many_symbols_are_one_finding() -> None:
    """Many symbols make one finding with at most twenty pieces of evidence."""
    names = [f"PyDemo_{number}" for number in range(40)]
    (finding,) = [one for one in judged(pe(CP312, *names)).findings if one.rule in RULES]
    assert len(finding.evidence) == 20
    assert "and 37 more" in finding.message


MANY = ("PyLong_AsLong", "PyErr_SetString", "PyArg_ParseTuple", "PyUnicode_FromString")


def with_weak(tags: str, symbol: str) -> BuiltWheel:
    """A Linux wheel whose module takes much of the stable ABI, and a symbol weakly."""
    name = f"{tags}-{LINUX}"
    clean = clean_elf(name)
    taken = (*(ElfImport(symbol=one) for one in MANY), ElfImport(symbol=symbol, weak=True))
    stable = tuple(one for one in clean.imports if one.symbol != OUTSIDE_STABLE_ABI)
    return with_files(name, {}, binary=replace(clean, imports=(*stable, *taken)))


POSSIBLE = {
    "linux": (elf(CP312, "PyLong_FromLong", *MANY), "cp310-abi3"),
    "macos": (macho(CP312, "PyLong_FromLong", *MANY), "cp310-abi3"),
    "windows": (pe(CP312, "PyLong_FromLong", *MANY), "cp310-abi3"),
    "from-the-newest-symbol": (elf(CP313, "PyType_GetName", *MANY), "cp311-abi3"),
    "private-but-stable": (elf(CP312, "_Py_Dealloc", "_Py_NoneStruct", *MANY), "cp310-abi3"),
}
IMPOSSIBLE = {
    "unstable": elf(CP312, "_PyType_Lookup", *MANY),
    "unstable-weak": with_weak(CP312, "_PyType_Lookup"),
    "hardly-a-module": elf(CP312, "PyLong_FromLong"),
    "static-type": elf(CP312, "PyType_Ready", *MANY),
    "newer-than-itself": elf("cp310-cp310", "PyObject_HasAttrWithError", *MANY),
    "threaded": elf(THREADED, "PyLong_FromLong", *MANY),
    "abi3-already": elf(ABI310, "PyLong_FromLong", *MANY),
    "older-than-what-is-offered": elf("cp39-cp39", "PyLong_FromLong", *MANY),
}


@pytest.mark.parametrize(("wheel", "tag"), POSSIBLE.values(), ids=POSSIBLE)
def test_a_wheel_that_could_be_abi3(wheel: BuiltWheel, tag: str) -> None:
    """A module that takes nothing but the stable ABI is told from which version on one wheel could serve."""
    (finding,) = [one for one in judged(wheel).findings if one.rule == "abi3-possible"]
    assert finding.severity is Severity.INFO
    assert f"`{tag}`" in finding.message


@pytest.mark.parametrize("wheel", IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_a_wheel_that_could_not(wheel: BuiltWheel) -> None:
    """What lies outside the stable ABI, static types, free threading, or abi3 itself: nothing is offered."""
    assert not [one for one in judged(wheel).findings if one.rule == "abi3-possible"]


def test_silent_modules_stay_silent() -> None:
    """The clean wheel of the builders is clean for these rules on abi3."""
    assert_silent(elf(ABI38, "PyLong_FromLong"))
