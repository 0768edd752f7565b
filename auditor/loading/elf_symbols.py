"""ELF: which of an object's imports nothing in its process provides.

ld.so looks through the whole process for each symbol, and does not care which library the linker had found it in; a
version, where one is asked for, must be that of the definition, or the defining file must have no versions at all.

Sources: glibc's elf/dl-lookup.c (`check_match`, `do_lookup_x`), elf/dl-version.c (`_dl_check_map_versions`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from auditor.facts.binary import NeededKind
from auditor.loading.elf_platform import Answer, Verdict, process_libraries
from auditor.loading.layout import Role
from auditor.loading.model import MissingSymbol, Origin
from auditor.platforms.promise import Libc

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from auditor.loading.elf import ElfLoader, ElfObject, Process
    from auditor.loading.elf_platform import ElfPlatform
    from auditor.loading.external import Surroundings
    from auditor.loading.gather import Gathering, Outcome
    from auditor.loading.python_api import PythonApi

    Pair = tuple[str, str]
    """A symbol and its version."""


@dataclass(slots=True, eq=False)
class Symbols:
    """The dynamic symbols of one object as sets, which are subtracted from each other."""

    plain: set[str]
    """Strong imports without a version."""
    versioned: dict[Pair, str]
    """Strong imports with a version -> the library that the file names for it."""
    names: set[str]
    """All that it exports."""
    pairs: set[Pair]
    has_versions: bool
    """Whether it defines versions."""
    knows_versions: bool
    """Whether it has version tables at all, be it for what it needs."""
    weak_versions: frozenset[Pair]
    """Libraries with the versions of them that it asks for weakly: ld.so only warns where one is not there."""


def symbols_of(one: ElfObject) -> Symbols:
    """The sets of one object."""
    plain: set[str] = set()
    versioned: dict[Pair, str] = {}
    for wanted in one.part.imports:
        if wanted.weak:
            continue
        if wanted.version is None or wanted.library is None:
            plain.add(wanted.symbol)
        else:
            versioned[wanted.symbol, wanted.version] = wanted.library
    exports = one.part.exports
    return Symbols(
        plain=plain,
        versioned=versioned,
        names={export.symbol for export in exports},
        pairs={(export.symbol, export.version) for export in exports if export.version is not None},
        has_versions=bool(one.detail.version_definitions),
        knows_versions=bool(one.detail.version_definitions or one.detail.version_needs),
        weak_versions=frozenset((need.library, need.version) for need in one.detail.version_needs if need.weak),
    )


@dataclass(slots=True, eq=False)
class Left:
    """What no file of the wheel gives an object, in one process."""

    plain: set[str]
    versioned: dict[Pair, str]
    givers: dict[ElfObject, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A symbol that is looked for outside the wheel's files in the process."""

    symbol: str
    version: str | None
    library: str | None
    owners: Sequence[ElfObject] = ()
    """The files of the wheel that export it, in the process or not."""


class SymbolSearch:
    """Looks for the imports of every object in every process that it comes into."""

    def __init__(self, loader: ElfLoader, platform: ElfPlatform, surroundings: Surroundings, python: PythonApi) -> None:
        self._python = python
        self._platform = platform
        self._surroundings = surroundings
        self._symbols = {one: symbols_of(one) for one in loader.objects}
        self._all = loader.objects
        self._satisfied_by: dict[ElfObject, list[frozenset[ElfObject]]] = {}
        """Sets of the wheel's files that gave an object all that they had to: a process with one needs no second
        look."""

    def search(self, process: Process, gathering: Gathering) -> None:
        """Look for the imports of all that one root brings into a process."""
        objects = process.objects
        there = frozenset(objects)
        doubts = _doubts(process)
        for one in objects:
            if any(known <= there for known in self._satisfied_by.get(one, ())):
                continue
            outcome = gathering.outcome(one.member)
            self._check_versions(one, process, outcome)
            self._search_one(one, process, outcome, doubts)

    def _search_one(self, one: ElfObject, process: Process, outcome: Outcome, doubts: list[str]) -> None:
        """Look for the imports of one object in one process."""
        left = self._within_wheel(one, process.objects, process.names)
        first = not outcome.providers
        if first:
            outcome.providers.update({giver.member: count for giver, count in left.givers.items()})
        root = process.root
        complete = True
        system = (*process_libraries(self._platform), *process.system)
        python = root.role is not Role.EXECUTABLE
        weak_versions = self._symbols[one].weak_versions
        owners: dict[str, list[ElfObject]] | None = None
        for symbol, version, library, answer in self._outside(left, process, system, python=python):
            if answer.verdict is Verdict.NO or self._is_bare(answer, (library, version), weak_versions):
                complete = False
                owners = self._owners(left) if owners is None else owners
                wanted = _Wanted(symbol=symbol, version=version, library=library, owners=owners.get(symbol, ()))
                self._miss(outcome, wanted, answer, root, doubts)
            elif answer.verdict is Verdict.UNKNOWN:
                outcome.unknown[f"the exports of `{answer.library or 'a library'}` are not known"] = None
            elif first:
                outcome.providers[answer.library or "the platform"] += 1
        if complete:
            self._satisfied_by.setdefault(one, []).append(frozenset({one, *left.givers}))

    def _owners(self, left: Left) -> dict[str, list[ElfObject]]:
        """Which files of the wheel export what is left, set against set: one by one it would take minutes."""
        symbols = left.plain | {symbol for symbol, _version in left.versioned}
        owners: dict[str, list[ElfObject]] = {}
        for one in self._all:
            for symbol in symbols & self._symbols[one].names:
                owners.setdefault(symbol, []).append(one)
        return owners

    def _is_bare(self, answer: Answer, wanted: tuple[str | None, str | None], weak: frozenset[Pair]) -> bool:
        """Whether a symbol's version is newer than the platform, and asked for weakly.

        ld.so then says nothing of the version, and does not find the symbol.
        """
        return answer.verdict is Verdict.NEWER and wanted in weak and not self._platform.vague

    def _within_wheel(self, one: ElfObject, objects: list[ElfObject], names: dict[str, ElfObject]) -> Left:
        """What is left when all files of the wheel in the process have given what they have."""
        wanted = self._symbols[one]
        left = Left(plain=set(wanted.plain), versioned=dict(wanted.versioned))
        for giver in objects:
            has = self._symbols[giver]
            found = left.plain & has.names
            left.plain -= found
            if has.has_versions:
                pairs = has.pairs & left.versioned.keys()
            else:
                # A file without version tables that is named for the version makes ld.so abort (check_match).
                pairs = {
                    pair
                    for pair, library in left.versioned.items()
                    if pair[0] in has.names and (has.knows_versions or names.get(library) is not giver)
                }
            for pair in pairs:
                del left.versioned[pair]
            if found or pairs:
                left.givers[giver] = len(found) + len(pairs)
            if not left.plain and not left.versioned:
                break
        return left

    def _outside(
        self, left: Left, process: Process, system: tuple[str, ...], *, python: bool
    ) -> Iterable[tuple[str, str | None, str | None, Answer]]:
        """The platform's and the interpreter's answers for what the wheel does not have, sorted."""
        for (symbol, version), library in sorted(left.versioned.items()):
            own = process.names.get(library)
            if own is not None:
                note = f"`{own.member}` does not export it at that version"
                if symbol in self._symbols[own].names and not self._symbols[own].knows_versions:
                    note = f"`{own.member}` has it, and no symbol versions at all: ld.so aborts"
                yield symbol, version, library, Answer(Verdict.NO, own.member, note)
            elif library in system or self._platform.promised(library) is not None:
                yield symbol, version, library, self._platform.has_versioned(symbol, version, library)
        for symbol in sorted(left.plain):
            if python and self._python.has(symbol):
                yield symbol, None, None, Answer(Verdict.YES, "python")
            else:
                yield symbol, None, None, self._platform.has_plain(symbol, system)

    def _miss(
        self,
        outcome: Outcome,
        wanted: _Wanted,
        answer: Answer,
        root: ElfObject,
        doubts: list[str],
    ) -> None:
        """Record that a symbol is not found under a root."""
        reason = answer.note
        certain = not doubts
        if wanted.owners and not reason:
            reason = f"`{wanted.owners[0].member}` exports it, and is not among the libraries that are loaded"
            certain = certain and not any(self._surroundings.loads(one.path) for one in wanted.owners)
        if doubts and not reason:
            reason = f"{doubts[0]} may have it"
        found = MissingSymbol(
            symbol=wanted.symbol, version=wanted.version, library=wanted.library, reason=reason, certain=certain
        )
        outcome.miss(found, root.member)

    def _check_versions(self, one: ElfObject, process: Process, outcome: Outcome) -> None:
        """Hold the version needs against what the libraries define, before any symbol is looked for.

        A version that the platform lacks is the business of the rules on versions; here are the wheel's own
        libraries, and the libraries that nothing has loaded.
        """
        loaded = self._loaded(process)
        for need in one.detail.version_needs:
            giver = process.names.get(need.library)
            if giver is not None:
                has = self._symbols[giver]
                if has.has_versions and need.version not in giver.detail.version_definitions and not need.weak:
                    answer = Answer(Verdict.NO, giver.member, f"`{giver.member}` does not define `{need.version}`")
                    symbol = next((pair[0] for pair in self._symbols[one].versioned if pair[1] == need.version), "")
                    wanted = _Wanted(symbol=symbol, version=need.version, library=need.library)
                    self._miss(outcome, wanted, answer, process.root, [])
            elif loaded is not None and need.library not in loaded and not self._platform.is_loader(need.library):
                outcome.orphans[need.library] = None

    def _loaded(self, process: Process) -> set[str] | None:
        """The names of all that is in a process; None where something is whose own libraries are not known.

        None on musl too, whose loader does not look at versions.
        """
        if self._platform.promise.libc is Libc.MUSL:
            return None
        loaded = {*process_libraries(self._platform)}
        for member in process.loaded:
            for library in member.libraries:
                loaded.add(library.name)
                if library.origin not in {Origin.WHEEL, Origin.PLATFORM, Origin.MISSING, Origin.UNREACHABLE}:
                    return None
                brought = self._platform.brought(library.name) if library.origin is Origin.PLATFORM else ()
                if brought is None:
                    return None
                loaded.update(brought)
        return loaded


def _doubts(process: Process) -> list[str]:
    """The libraries of a process whose exports nobody knows: a symbol may be in one of them."""
    return [
        f"`{library.name}`"
        for one in process.loaded
        for library in one.libraries
        if library.origin in {Origin.DEPENDENCY, Origin.DRIVER, Origin.UNKNOWN, Origin.MISSING}
        and library.kind is not NeededKind.FILTER
    ]
