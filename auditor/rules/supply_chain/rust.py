"""How the Rust code of a wheel was built: the profile, and PyO3 against the Python of the tags."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.facts.record import Fact
from auditor.platforms.cpython import Interpreter, SuffixKind
from auditor.platforms.cpython_symbols import is_api_name, stable
from auditor.platforms.promise import AbiKind, Implementation
from auditor.platforms.pyo3 import NEWEST, Support, parse_version, support_of
from auditor.rules.rule import WARNING, Evidence, Hit, NotJudged, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.facts.binary import Binary
    from auditor.facts.wheel import WheelFacts
    from auditor.rules.context import Context

_SHOWN = 20


@rule("rust-debug-build", severity=WARNING, since="0.1")
def rust_debug_build(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A binary was built with Rust's debug profile.

    **What it checks.** No binary that rustc built holds the texts of both kinds of checks that Cargo's profile `dev`
    compiles in and `release` leaves out: `unsafe precondition(s) violated` (debug assertions) and `attempt to add with
    overflow` (overflow checks).

    **Why it matters.** Without optimisation Rust code is many times slower, and the file many times larger: 25 times
    for a module with one function. `maturin build` without `--release` and a forgotten variable in CI end like this.

    **How to fix.** `maturin build --release` (`python -m build` does so by itself); setuptools-rust: `debug=False`.

    **Limits.** A release profile with `debug-assertions` and `overflow-checks` turned on looks the same. Debug builds
    of rustc before 1.78 do not have the first text, and are not found.

    **References.** The Cargo Book, Profiles; `core::ub_checks`.
    """
    found = {binary.member: part.arch for binary, part in wheel.slices() if part.marks and part.marks.rust_debug}
    if found:
        first, *others = found
        more = f" and {len(others)} more files" if others else ""
        yield Hit(
            message=f"`{first}`{more} was built with Rust's debug profile",
            help="build with `maturin build --release`",
            member=first,
            arch=found[first],
            evidence=tuple(
                Evidence(text="it has the texts of debug assertions and of overflow checks", member=member)
                for member in list(found)[:_SHOWN]
            ),
        )


class _Use(Fact, frozen=True, kw_only=True):
    """An extension module with PyO3 in it."""

    binary: str
    text: str
    """The version of PyO3 as the file has it."""
    version: tuple[int, int, int]


@rule("pyo3-python-unsupported", severity=WARNING, since="0.1")
def pyo3_python_unsupported(wheel: WheelFacts, context: Context) -> Iterator[Hit | NotJudged]:
    """The PyO3 in an extension module does not support the Python of the tag.

    **What it checks.** Paths of PyO3's sources in a module name its version; the CPython, PyPy or GraalPy that the tag
    and the module's suffix name is one that this version supports, and so is a free-threaded build. For `abi3` only the
    oldest CPython counts.

    **Why it matters.** PyO3 knows the layout of each CPython's objects. Compiled against a newer one it reads fields at
    old places: crashes, wrong values. Versions before 0.20.3 compile without a word; 0.28 and later do so for the next
    CPython, and say that the result must not be distributed.

    **How to fix.** Update PyO3, or build for the stable ABI (`abi3` features), or leave this Python out.

    **Limits.** A module that takes only symbols of the stable ABI from CPython is not judged by newer versions,
    whatever its tag: PyO3 builds so on demand (PYO3_USE_ABI3_FORWARD_COMPATIBILITY), and it works. Trimmed paths hide
    the version of PyO3. Versions that were released later are not judged.

    **References.** `build.rs` of the crate pyo3-ffi; PyO3's changelog.
    """
    unsupported: dict[Interpreter, list[_Use]] = {}
    for use, binary in _uses(wheel, context):
        support = support_of(use.version)
        if support is not None:
            exact = [one for one in _exact(binary, context) if not _supports(support, one)]
            floors = [one for one in _stable_floors(context) if one.version < support.cpython[0]]
            for interpreter in (*exact, *floors):
                if not _is_future_proof(binary, support, interpreter):
                    unsupported.setdefault(interpreter, []).append(use)
        elif use.version[:2] > NEWEST:
            newest = f"{NEWEST[0]}.{NEWEST[1]}"
            yield NotJudged(
                rule="pyo3-python-unsupported", reason=f"PyO3 {use.text} is newer than {newest}, the newest known"
            )
    for interpreter, uses in unsupported.items():
        yield _hit(interpreter, uses)


def _uses(wheel: WheelFacts, context: Context) -> Iterator[tuple[_Use, Binary]]:
    """The extension modules that name a version of PyO3, each once."""
    for binary in wheel.binaries:
        texts = {part.marks.pyo3 for part in binary.slices if part.marks and part.marks.pyo3}
        for text in sorted(texts) if binary.member in context.modules else ():
            if (version := parse_version(text)) is not None:
                yield _Use(binary=binary.member, text=text, version=version), binary


def _exact(binary: Binary, context: Context) -> list[Interpreter]:
    """The interpreters of version-specific tags that import this module by its file name."""
    kinds = {AbiKind.CPYTHON, AbiKind.PYPY, AbiKind.GRAALPY}
    suffixes = {
        SuffixKind.CPYTHON: Implementation.CPYTHON,
        SuffixKind.PYPY: Implementation.PYPY,
        SuffixKind.GRAALPY: Implementation.GRAALPY,
    }
    name = context.modules[binary.member].name
    if name.kind in {SuffixKind.ABI3, SuffixKind.ABI3T}:
        return []
    found: dict[Interpreter, None] = {}
    for promise in context.promises:
        version = promise.python.version
        if promise.abi.kind not in kinds or version is None:
            continue
        if name.version is not None and (suffixes[name.kind], name.version) != (
            promise.python.implementation,
            version,
        ):
            continue
        one = Interpreter(
            implementation=promise.python.implementation, version=version, free_threaded=promise.abi.free_threaded
        )
        found[one] = None
    return list(found)


def _stable_floors(context: Context) -> list[Interpreter]:
    """The CPython from which each `abi3` tag promises to work."""
    floors = {
        promise.python.version
        for promise in context.promises
        if promise.abi.kind is AbiKind.ABI3 and promise.python.version is not None
    }
    return [Interpreter(implementation=Implementation.CPYTHON, version=version) for version in sorted(floors)]


def _supports(support: Support, interpreter: Interpreter) -> bool:
    """Whether a release supports an interpreter, as far as is known."""
    known = support.of(interpreter.implementation)
    if known is None:
        return True  # the release is from before PyO3 said so
    if interpreter.free_threaded and (support.threaded is None or interpreter.version < support.threaded):
        return False
    return known[0] <= interpreter.version <= known[1]


def _hit(interpreter: Interpreter, uses: list[_Use]) -> Hit:
    use = uses[0]
    support = support_of(use.version)
    known = support.of(interpreter.implementation) if support is not None else None
    says = "it supports no free-threaded build of that version"
    if known is not None and not known[0] <= interpreter.version <= known[1]:
        oldest, newest = (f"{version[0]}.{version[1]}" for version in known)
        says = f"it supports {str(interpreter).partition(' ')[0]} {oldest} to {newest}"
    return Hit(
        message=f"`{use.binary}` has PyO3 {use.text}, which does not support {interpreter}",
        help="update PyO3, or build for the stable ABI with one of its `abi3` features",
        member=use.binary,
        evidence=tuple(
            Evidence(text=f"its texts name sources of PyO3 {one.text}; {says}", member=one.binary, version=one.text)
            for one in uses[:_SHOWN]
        ),
    )


def _is_future_proof(binary: Binary, support: Support, interpreter: Interpreter) -> bool:
    """Whether a module may meet a newer CPython than PyO3 knows: all that it takes from CPython is of the stable ABI.

    Of the modules of the corpus with PyO3 in them, each that is for one CPython takes something else as well, and none
    of those for the stable ABI does.
    """
    newer = interpreter.version > support.cpython[1] and not interpreter.free_threaded
    if not newer or interpreter.implementation is not Implementation.CPYTHON:
        return False
    taken = [one.symbol for part in binary.slices for one in part.imports if is_api_name(one.symbol)]
    return bool(taken) and all(stable(symbol) is not None for symbol in taken)


RULES = (pyo3_python_unsupported, rust_debug_build)
