"""Symbols of the C API that a promised CPython does not export; free-threaded builds against those with the GIL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.platforms import cpython_symbols
from auditor.platforms.cpython import NEWEST, Interpreter
from auditor.platforms.promise import AbiKind
from auditor.rules.python_abi.api import Survey, Taken, evidence, imported, named, promised, stable_floor, subject
from auditor.rules.rule import ERROR, WARNING, Hit, NotJudged, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.facts.wheel import WheelFacts
    from auditor.rules.context import Context

    Lacking = dict[Taken, list[Interpreter]]

_JUDGED_KINDS = frozenset({AbiKind.CPYTHON, AbiKind.ABI3, AbiKind.ABI3T})


@rule("python-symbol-unavailable", severity=ERROR, since="0.1")
def python_symbol_unavailable(wheel: WheelFacts, context: Context) -> Iterator[Hit | NotJudged]:
    """An extension module imports a C API symbol that a promised CPython does not export.

    **What it checks.** Every symbol that an extension module, or a library that it needs, takes from the interpreter
    is one that each CPython of the tags exports, within `Requires-Python`. What a file of the wheel itself provides,
    and what is imported weakly, is left out.

    **Why it matters.** CPython loads extension modules with all their symbols: "undefined symbol:
    PyUnicode_AsUnicode", "symbol not found in flat namespace", "The specified procedure could not be found". The
    usual cause is a wheel that was built for one Python and got the tag of another.

    **How to fix.** Build the module with the Python that the tag names. Do not retag a wheel for another version.

    **Limits.** CPython 3.8 to 3.15 and their free-threaded builds; what PyPy and GraalPy export is not known here.
    A name that no CPython has ever exported may be another library's, and is only judged where the file binds it to
    Python's. Symbols outside the stable ABI of an abi3 wheel are `abi3-symbol-outside`. Names that a patch release
    added count as there.

    **References.** CPython C API, "What's New in Python 3.X", Porting; PEP 387.
    """
    survey = Survey(wheel, context)
    lacking: Lacking = {}
    unknown: dict[Interpreter, None] = {}
    for promise in context.promises:
        if promise.abi.kind not in _JUDGED_KINDS:
            continue
        floor = stable_floor(promise, wheel)
        for interpreter in promised(promise, wheel):
            for taken in survey.by(interpreter, promise):
                exported = taken.exported(interpreter)
                if exported is None:
                    unknown[interpreter] = None
                elif not exported and taken.known and not _said_elsewhere(taken, interpreter, floor):
                    found = lacking.setdefault(taken, [])
                    if interpreter not in found:
                        found.append(interpreter)
    yield from (
        NotJudged(rule="python-symbol-unavailable", reason=f"it is not known here which symbols {one} exports")
        for one in unknown
    )
    if lacking:
        yield _unavailable(lacking)


def _said_elsewhere(taken: Taken, interpreter: Interpreter, floor: tuple[int, int] | None) -> bool:
    """Whether a symbol that is not there is the business of the rules for abi3 or for free threading."""
    if _is_threaded_mark(taken.symbol, interpreter):
        return True
    if floor is None:
        return False
    stable = cpython_symbols.stable(taken.symbol)
    return stable is None or stable.added > floor


def _is_threaded_mark(symbol: str, interpreter: Interpreter) -> bool:
    """Whether a symbol proves a free-threaded build, and the interpreter is none."""
    return not interpreter.free_threaded and symbol in cpython_symbols.marks_of_free_threading()


def _unavailable(lacking: Lacking) -> Hit:
    """The finding for all symbols that are not there."""
    words, member, arch = subject(lacking)
    first = next(iter(lacking.values()))[0]
    there = [taken.symbol for taken, where in lacking.items() if first in where]
    others = len({one for where in lacking.values() for one in where}) - 1
    more = f" (nor do {others} more that the tags select)" if others else ""
    taken = next(taken for taken, where in lacking.items() if first in where)
    why = f": {history(taken, first)}" if len(set(there)) == 1 else ""
    return Hit(
        message=f"{words} {named(there)}, which {first} does not export{more}{why}",
        help="build the module with the Python that the tag names, and do not retag wheels for another version",
        member=member,
        arch=arch,
        severity=WARNING if all(taken.optional for taken in lacking) else None,
        evidence=evidence((taken, history(taken, where[0])) for taken, where in lacking.items()),
    )


def history(taken: Taken, interpreter: Interpreter) -> str:
    """Since when, or until when, builds like `interpreter` have exported a symbol that it does not."""
    known = cpython_symbols.exported_by(taken.symbol, windows=taken.windows)
    versions = sorted(one.version for one in known if one.free_threaded is interpreter.free_threaded)
    before = [version for version in versions if version < interpreter.version]
    after = [version for version in versions if version > interpreter.version]
    if before and after:
        return f"{_dotted(before[-1])} exports it, and {_dotted(after[0])} again"
    if before:
        return f"it was removed in {_dotted((before[-1][0], before[-1][1] + 1))}"
    if after:
        return f"it was added in {_dotted(after[0])}"
    if known:
        return f"only {', '.join(map(str, known[:3]))} {'exports' if len(known) == 1 else 'export'} it"
    system = "on Windows" if taken.windows else "on Linux and macOS"
    return f"no CPython from 3.8 to {_dotted(NEWEST)} exports it {system}"


def _dotted(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"


@rule("free-threaded-mismatch", severity=ERROR, since="0.1")
def free_threaded_mismatch(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """An extension module is for the other of CPython's two ABIs, with the GIL or free-threaded.

    **What it checks.** No module that a build with the GIL imports takes a symbol that free-threaded builds alone
    export (`_Py_DecRefShared`, `_Py_MergeZeroLocalRefcount` and others). No abi3t module takes `PyModuleDef_Init` or
    `PyModule_Create2` where it has no `PyModExport_` entry point: that is a warning.

    **Why it matters.** The import fails with an undefined symbol: the header of every object differs between the two
    builds. abi3t modules cannot hold a `PyModuleDef`, whose size they do not know: one that has it was compiled for
    one of the two ABIs, and free-threaded CPython refuses it or crashes.

    **How to fix.** Build with the interpreter that the tag names: `python3.14t` for `cp314-cp314t`. For abi3t define
    `Py_TARGET_ABI3T`, and offer `PyModExport_<name>`.

    **Limits.** A module for the GIL imports nothing that free-threaded builds lack: in a `cp314t` wheel it is not
    found by its symbols. File names and DLLs are `extension-suffix-mismatch` and `windows-wrong-python`.

    **References.** PEP 703; PEP 793; PEP 803, Implications.
    """
    watched = cpython_symbols.marks_of_free_threading() | cpython_symbols.UNUSABLE_IN_ABI3T
    if not watched & imported(wheel):
        return
    survey = Survey(wheel, context)
    threaded: dict[Taken, Interpreter] = {}
    with_definition: dict[Taken, None] = {}
    for promise in context.promises:
        if promise.abi.kind not in _JUDGED_KINDS:
            continue
        for interpreter in promised(promise, wheel):
            for taken in survey.by(interpreter, promise):
                if _is_threaded_mark(taken.symbol, interpreter) and taken.exported(interpreter) is False:
                    threaded.setdefault(taken, interpreter)
                elif promise.abi.kind is AbiKind.ABI3T and taken.symbol in cpython_symbols.UNUSABLE_IN_ABI3T:
                    with_definition[taken] = None
    if threaded:
        words, member, arch = subject(threaded)
        yield Hit(
            message=f"{words} {named(one.symbol for one in threaded)}, which only free-threaded builds export, and the"
            f" tags select {next(iter(threaded.values()))}, which has the GIL",
            help="build it with the interpreter that the tag names, or give the wheel the tag of what it was built for",
            member=member,
            arch=arch,
            evidence=evidence((one, _builds_with(one)) for one in threaded),
            severity=WARNING if all(taken.optional for taken in threaded) else None,
        )
    old = {taken: None for taken in with_definition if not _has_new_entry_point(taken.member, wheel)}
    if old and not threaded:
        words, member, arch = subject(old)
        yield Hit(
            message=f"{words} {named(one.symbol for one in old)} under the ABI tag `abi3t`, and offers no"
            f" `PyModExport_` entry point: an abi3t module cannot hold the `PyModuleDef` that these functions take",
            help="compile with `Py_TARGET_ABI3T`, and define the module by `PyModExport_<name>` and slots",
            member=member,
            arch=arch,
            severity=WARNING,
            evidence=evidence((one, "practically unusable in abi3t (PEP 803)") for one in old),
        )


def _has_new_entry_point(member: str, wheel: WheelFacts) -> bool:
    """Whether a file offers an entry point of PEP 793."""
    return any(
        export.symbol.startswith(("PyModExport_", "PyModExportU_"))
        for binary, part in wheel.slices()
        if binary.member == member
        for export in part.exports
    )


def _builds_with(taken: Taken) -> str:
    """The builds that export a symbol."""
    return f"exported by {', '.join(map(str, cpython_symbols.exported_by(taken.symbol, windows=taken.windows)))}"


RULES = (free_threaded_mismatch, python_symbol_unavailable)
