"""The stable ABI: what an abi3 or abi3t wheel takes beyond it, and the wheel that could be one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.platforms import cpython_symbols
from auditor.platforms.cpython import NEWEST, OLDEST_SUPPORTED
from auditor.platforms.promise import AbiKind
from auditor.rules.python_abi.api import Survey, Taken, evidence, imported, named, promised, stable_floor, subject
from auditor.rules.rule import ERROR, INFO, WARNING, Evidence, Hit, NotJudged, rule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from auditor.facts.wheel import WheelFacts
    from auditor.findings import Severity
    from auditor.platforms.cpython import Interpreter
    from auditor.rules.context import Context

    Beyond = dict[Taken, list[Interpreter]]
    Judge = Callable[[Taken, Interpreter, tuple[int, int]], bool | None]

GENERATED_SINCE = (3, 10)
"""From here on `python3.dll` forwards exactly the stable ABI of its version (PEP 652: PC/python3dll.c is generated)."""


@rule("abi3-symbol-outside", severity=ERROR, since="0.1")
def abi3_symbol_outside(wheel: WheelFacts, context: Context) -> Iterator[Hit | NotJudged]:
    """An abi3 wheel imports a symbol that is not part of the stable ABI.

    **What it checks.** Every symbol that an extension module of an `abi3` or `abi3t` wheel, or a library that it
    needs, takes from the interpreter is in CPython's list of the stable ABI.

    **Why it matters.** The tag promises this wheel to every later CPython. A private function is removed or changed
    without notice, and then the import fails, or the process crashes. `python3.dll` has no such symbol at all.

    **How to fix.** Compile with `Py_LIMITED_API` set to the oldest version, in every source file: the headers then
    refuse the function. Cython 3.1 or later: the same macro. PyO3: an `abi3-py3X` feature.

    **Limits.** Where every released CPython that the tags select exports the symbol, it is a warning: it will fail
    when a later one does not. Macros and inline functions outside the limited API leave no symbol and are not seen.

    **References.** Stable ABI and Limited API; PEP 384; PEP 652; PEP 803.
    """
    outside = _beyond(wheel, context, _is_outside)
    for promise in context.promises:
        floor = stable_floor(promise, wheel)
        version = promise.python.version
        if floor is None and promise.abi.kind in {AbiKind.ABI3, AbiKind.ABI3T} and version and version > NEWEST:
            reason = f"the stable ABI is known here up to CPython {_dotted(NEWEST)}"
            yield NotJudged(rule="abi3-symbol-outside", reason=reason)
            break
    if outside:
        yield _hit(
            outside,
            what="not part of the stable ABI",
            advice="compile every source file with `Py_LIMITED_API`, or give the wheel the tag of one CPython",
        )


@rule("abi3-symbol-too-new", severity=ERROR, since="0.1")
def abi3_symbol_too_new(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """An abi3 wheel imports a symbol that its oldest promised CPython does not have in its stable ABI.

    **What it checks.** Every stable symbol that an extension module of an `abi3` or `abi3t` wheel takes was added not
    after the version of the Python tag (`cp38-abi3`: 3.8), or after the oldest that `Requires-Python` lets in. Of
    several tags the oldest counts.

    **Why it matters.** On the older versions the import fails: "undefined symbol: PyType_GetName".

    **How to fix.** Set `Py_LIMITED_API` to the version of the tag (`0x03080000`) when compiling; the headers then hide
    what is newer. Or raise the tag: `py_limited_api = "cp310"`, `abi3-py310`.

    **Limits.** Some functions were exported before they were declared stable: where every released CPython from 3.8 on
    that the tags select has them, it is a warning. Where only versions before 3.8 would lack them, whose exports are
    not known here, it is an info.

    **References.** Stable ABI, Contents of Limited API; PEP 384.
    """
    newer = _beyond(wheel, context, _is_too_new)
    if newer:
        needed = max(stable.added for one in newer if (stable := cpython_symbols.stable(one.symbol)))
        yield _hit(
            newer,
            what=f"in the stable ABI only from {_dotted(needed)} on",
            advice=f"set `Py_LIMITED_API` to the tag's version when compiling, or tag it `{_tag(needed)}`",
        )


def _is_outside(taken: Taken, interpreter: Interpreter, floor: tuple[int, int]) -> bool | None:
    """None where a symbol is stable; else whether it is certainly not there for this interpreter."""
    if not taken.known or cpython_symbols.stable(taken.symbol) is not None:
        return None
    if taken.symbol in cpython_symbols.marks_of_free_threading():
        return None  # `free-threaded-mismatch`
    return taken.exported(interpreter) is False or taken.windows


def _is_too_new(taken: Taken, interpreter: Interpreter, floor: tuple[int, int]) -> bool | None:
    """None where a symbol was stable at the floor; else whether it is certainly not there for this interpreter."""
    stable = cpython_symbols.stable(taken.symbol)
    if stable is None or stable.added <= floor:
        return None
    if taken.exported(interpreter) is False:
        return True
    return taken.windows and GENERATED_SINCE <= interpreter.version < stable.added


def _beyond(wheel: WheelFacts, context: Context, judge: Judge) -> Beyond:
    """Every symbol that is beyond a stable ABI tag, with the released interpreters that certainly lack it."""
    survey = Survey(wheel, context)
    beyond: Beyond = {}
    for promise in context.promises:
        floor = stable_floor(promise, wheel)
        if floor is None:
            continue
        for interpreter in promised(promise, wheel):
            for taken in survey.by(interpreter, promise):
                certain = judge(taken, interpreter, floor)
                if certain is not None:
                    found = beyond.setdefault(taken, [])
                    if certain and interpreter not in found:
                        found.append(interpreter)
    return beyond


def _hit(beyond: Beyond, *, what: str, advice: str) -> Hit:
    """The finding for the symbols beyond a stable ABI tag: those that are certainly missing somewhere come first."""
    missing = {taken: where for taken, where in beyond.items() if where}
    ordered = {**missing, **beyond}
    words, member, arch = subject(ordered)
    if missing:
        interpreter = next(iter(missing.values()))[0]
        consequence = f"{interpreter} does not have {'it' if len(missing) == 1 else 'them'}"
    else:
        consequence = (
            f"all that are known here (from 3.8 on) export {'it' if len(beyond) == 1 else 'them'} all the same"
        )
    return Hit(
        message=f"{words} {named(taken.symbol for taken in missing or ordered)}, {what}: {consequence}",
        help=advice,
        member=member,
        arch=arch,
        severity=_severity(beyond, missing),
        evidence=evidence((taken, _known(taken, where)) for taken, where in ordered.items()),
    )


def _severity(beyond: Beyond, missing: Beyond) -> Severity | None:
    """Less than an error where no released CPython is known to lack anything, or the package provides for it."""
    if any(not taken.optional for taken in missing):
        return None
    entries = [cpython_symbols.stable(taken.symbol) for taken in beyond]
    if not missing and all(entry is not None and entry.added <= OLDEST_SUPPORTED for entry in entries):
        return INFO
    return WARNING


def _known(taken: Taken, missing: list[Interpreter]) -> str:
    """What is known of a symbol beyond a stable ABI tag."""
    stable = cpython_symbols.stable(taken.symbol)
    standing = f"stable since {_dotted(stable.added)}" if stable else "not in the stable ABI"
    where = f"missing from {', '.join(map(str, missing[:3]))}" if missing else "exported by all that are known here"
    more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
    return f"{standing}, {where}{more}"


@rule("abi3-possible", severity=INFO, since="0.1")
def abi3_possible(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A wheel for one CPython uses nothing but the stable ABI: one abi3 wheel could serve this and every later one.

    **What it checks.** In a wheel for one version with the GIL, every symbol that every extension module takes from
    the interpreter is in the stable ABI of that version or an older one, there are at least five, and no module sets
    up a static type.

    **Why it matters.** One `cp310-abi3` wheel for each platform replaces one for each Python version, and later
    Pythons are served on the day of their release.

    **How to fix.** Define `Py_LIMITED_API` and build: setuptools `py_limited_api`, PyO3 `abi3-py310`, CMake
    `Python_add_library(... USE_SABI 3.10)`. A wheel that is only renamed is not abi3.

    **Limits.** Macros and inline functions that look into structures leave no symbol: whether the sources compile
    with `Py_LIMITED_API` only the compiler knows. Wheels for free-threaded builds and for PyPy are left out.

    **References.** Stable ABI and Limited API; PEP 384.
    """
    version = _only_version(context)
    if version is None or not context.modules or any(binary.problems for binary in wheel.binaries):
        return
    names = imported(wheel)
    if names & _STATIC_TYPES or any(_is_unstable(name) for name in names):
        return
    survey = Survey(wheel, context)
    pairs = {(one, by) for tag in context.promises for by in promised(tag, wheel) for one in survey.by(by, tag)}
    if not all(one.exported(by) for one, by in pairs):
        return
    taken = {one for one, _ in pairs}
    symbols = {one.symbol for one in taken}
    if len(symbols) < _ENOUGH:
        return
    entries = [cpython_symbols.stable(symbol) for symbol in symbols]
    needed = max((GENERATED_SINCE, *(entry.added for entry in entries if entry is not None)))
    if not set(context.modules) <= {one.member for one in taken} or None in entries or needed > version:
        return
    count = len(context.modules)
    modules = "its extension module takes" if count == 1 else f"its {count} extension modules take"
    yield Hit(
        message=f"{modules} nothing but the stable ABI from CPython: one wheel `{_tag(needed)}` could serve every"
        f" version from {_dotted(needed)} on",
        help="try a build with `Py_LIMITED_API`; if it compiles, ship it as abi3 in place of a wheel for each version",
        evidence=(
            Evidence(
                text=f"{len(symbols)} symbols of the C API are imported, stable since {_dotted(needed)} or before"
            ),
        ),
    )


_ENOUGH = 5
"""Fewer symbols are no module that does something with Python objects, but a library with an initialiser."""
_STATIC_TYPES = frozenset({"PyType_Ready", "PyStructSequence_InitType", "PyStructSequence_InitType2"})
"""What is done with a type that is a static structure, which the limited API does not lay open."""


def _only_version(context: Context) -> tuple[int, int] | None:
    """The one CPython with the GIL that all tags are for; None where there are others."""
    versions = set()
    for promise in context.promises:
        if promise.abi.kind is not AbiKind.CPYTHON or promise.abi.flags:
            return None
        versions.add(promise.python.version)
    return versions.pop() if len(versions) == 1 else None


def _is_unstable(name: str) -> bool:
    """Whether some CPython exports a name, and it is not in the stable ABI."""
    if cpython_symbols.stable(name) is not None:
        return False
    return any(cpython_symbols.exported_by(name, windows=windows) for windows in (True, False))


def _tag(version: tuple[int, int]) -> str:
    return f"cp{version[0]}{version[1]}-abi3"


def _dotted(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"


RULES = (abi3_possible, abi3_symbol_outside, abi3_symbol_too_new)
