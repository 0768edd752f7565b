"""Which wheel of a release pip chooses for each interpreter on each kind of machine.

Sources: pip's `CandidateEvaluator` (`_sort_key`): the wheel with the best tag, and among those the highest build
number; `packaging.specifiers` for Requires-Python. Nothing is compared as text.
"""

from __future__ import annotations

import functools
import re
from itertools import islice
from typing import TYPE_CHECKING

from auditor.facts.record import Fact
from auditor.facts.release import WheelSummary
from auditor.findings import Matrix, MatrixCell, MatrixColumn, MatrixRow
from auditor.platforms.promise import Libc, PlatformPromise, Promise, System, promises
from auditor.platforms.targets import (
    MAX_NUMBER,
    USUAL_MACHINES,
    Machine,
    Target,
    labels,
    machines,
    platform_tags,
    targets,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from packaging.specifiers import SpecifierSet

    from auditor.facts.release import ReleaseFacts

Version = tuple[int, int]
MAX_ROWS = 60
"""Interpreters that a matrix has: CPython from 2.7 to the newest, PyPy and GraalPy are 40."""
MAX_COLUMNS = 60
"""Kinds of machine that wheels name in one matrix. The most in the corpus are 18."""
MAX_VERSIONS = 30
"""Versions of one system between which choices are compared. The most in the corpus are 4."""
_PATCHES = 40
"""Patch releases of a Python that Requires-Python is asked about; the most that any has had is 26."""
_BUILD = re.compile(r"(\d+)(.*)", re.DOTALL)
_COLUMN_ORDER = {machine.name: place for place, machine in enumerate(USUAL_MACHINES)}
_SYSTEM_ORDER = {
    place: number
    for number, place in enumerate(
        ("manylinux", "musllinux", "macOS", "Windows", "iOS", "Android", "WebAssembly", "other")
    )
}
_VERSIONS = {
    "manylinux": "glibc",
    "musllinux": "musl",
    "macOS": "macOS",
    "iOS": "iOS",
    "Android": "API level",
}
ANYWHERE = MatrixColumn(name="any", system="any", arch="machine")
"""The one column of a release of which no wheel names a platform."""


class _Candidate(Fact, frozen=True, kw_only=True):
    """A wheel, as pip compares it with others."""

    summary: WheelSummary
    promises: tuple[Promise, ...]
    tags: frozenset[str]
    build: tuple[int, str]


class _Chosen(Fact, frozen=True, kw_only=True):
    """The choice for one interpreter and one list of platform tags."""

    filename: str
    tag: str


def build_matrix(
    release: ReleaseFacts, *, extra: Iterable[Target] = (), machines_too: Iterable[Machine] = ()
) -> Matrix:
    """Who is served by the wheels of a release.

    The rows are the usual interpreters and those that a tag names, the columns the usual machines and those that a
    tag names; `extra` and `machines_too` are shown beside them. Where no wheel names a platform, there is one column.
    What goes beyond the ceilings above is left out.
    """
    rows = targets(_promised(release))[:MAX_ROWS]
    rows += tuple({one.name: one for one in extra if one.name not in {row.name for row in rows}}.values())
    return _built(release, rows, machines_too)


def comparable_matrices(before: ReleaseFacts, now: ReleaseFacts) -> tuple[Matrix, Matrix]:
    """The matrices of two releases, with the same rows and columns: those that either of them has."""
    rows = targets([*_promised(before), *_promised(now)])[:MAX_ROWS]
    both = [*_named(before).values(), *_named(now).values()]
    return _built(before, rows, both), _built(now, rows, both)


def _promised(release: ReleaseFacts) -> list[Promise]:
    """What the tags of all wheels promise."""
    return [tag for one in release.wheels for tag in promises(one.name)]


def _named(release: ReleaseFacts) -> dict[str, Machine]:
    """The kinds of machine that the tags name."""
    platforms = {tag.platform.tag: tag.platform for tag in _promised(release)}
    found = {machine.name: machine for platform in platforms.values() for machine in machines(platform)}
    return dict(islice(found.items(), MAX_COLUMNS))


def _built(release: ReleaseFacts, rows: Sequence[Target], machines_too: Iterable[Machine]) -> Matrix:
    """The matrix of these rows."""
    candidates = [_candidate(one) for one in release.wheels]
    return _Builder(candidates, _named(release), tuple(machines_too)).matrix(release, rows)


def _candidate(summary: WheelSummary) -> _Candidate:
    """A wheel with its tags and its build number."""
    found = promises(summary.name)
    match = _BUILD.fullmatch(summary.name.build or "")
    build = (int(match[1][:20]), match[2]) if match else (-1, "")
    return _Candidate(summary=summary, promises=found, tags=frozenset(one.tag for one in found), build=build)


class _Builder:
    """The wheels of a release, and the machines that its matrix shows."""

    def __init__(self, candidates: list[_Candidate], named: dict[str, Machine], too: tuple[Machine, ...]) -> None:
        self._candidates = candidates
        platforms = {tag.platform.tag: tag.platform for one in candidates for tag in one.promises}
        self._platforms = frozenset(platforms)
        self._by_tag: dict[str, list[_Candidate]] = {}
        for one in candidates:
            for tag in one.tags:
                self._by_tag.setdefault(tag, []).append(one)
        self._named = named
        shown = {one.name: one for one in (*USUAL_MACHINES, *named.values(), *too)} if named or too else {}
        self._machines = sorted(shown.values(), key=_column_key)
        self._versions = _versions(self._machines, platforms.values())
        self._choices: dict[tuple[str, tuple[str, ...]], _Chosen | None] = {}

    def matrix(self, release: ReleaseFacts, rows: Sequence[Target]) -> Matrix:
        """The whole matrix."""
        shown = labels(rows)
        columns = tuple(column_of(one, named=one.name in self._named) for one in self._machines) or (ANYWHERE,)
        return Matrix(
            project=release.project,
            version=release.version,
            columns=columns,
            rows=tuple(self._row(one, shown[one.name]) for one in rows),
            sdists=release.sdists,
        )

    def _row(self, target: Target, label: str) -> MatrixRow:
        """One interpreter on all machines."""
        allowed = [one for one in self._candidates if allows(one.summary.requires_python, target.version)]
        cells = [self._cell(target, one, allowed) for one in self._machines] or [self._anywhere(target, allowed)]
        return MatrixRow(interpreter=target.name, label=label, allowed=bool(allowed), cells=tuple(cells))

    def _anywhere(self, target: Target, candidates: list[_Candidate]) -> MatrixCell:
        """One interpreter on whatever machine."""
        chosen = self._choose(target, (), candidates)
        return MatrixCell(
            platform=ANYWHERE.name, wheel=chosen.filename if chosen else None, tag=chosen.tag if chosen else None
        )

    def _cell(self, target: Target, machine: Machine, candidates: list[_Candidate]) -> MatrixCell:
        """One interpreter on one kind of machine: on the newest system, and what differs on older ones."""
        if not candidates:
            return MatrixCell(platform=machine.name)
        versions = self._versions[machine.name]
        choices = [self._choose(target, self._present(machine, one), candidates) for one in versions]
        if machine.newest is not None:
            choices.append(self._choose(target, (), candidates))
        best = choices[0]
        floor = None
        for version, choice in zip(versions, choices, strict=False):
            if choice is not None and version is not None and not choice.tag.endswith("-any"):
                floor = version
        older = dict.fromkeys(one.filename for one in choices if one is not None)
        if best is not None:
            older.pop(best.filename)
        return MatrixCell(
            platform=machine.name,
            wheel=best.filename if best else None,
            tag=best.tag if best else None,
            floor=floor if best and not best.tag.endswith("-any") and "-linux_" not in best.tag else None,
            older=tuple(older),
        )

    def _choose(self, target: Target, platforms: tuple[str, ...], candidates: list[_Candidate]) -> _Chosen | None:
        """What pip chooses among all wheels that Requires-Python allows; the platform tags are the machine's."""
        key = (target.name, platforms)
        if key not in self._choices:
            self._choices[key] = self._best(target, platforms, candidates)
        return self._choices[key]

    def _present(self, machine: Machine, version: Version | None) -> tuple[str, ...]:
        """The machine's platform tags that some wheel has: the others change no choice."""
        return tuple(tag for tag in platform_tags(machine, version) if tag in self._platforms)

    def _best(self, target: Target, platforms: tuple[str, ...], candidates: list[_Candidate]) -> _Chosen | None:
        """The wheel with the best tag, and of several the one with the highest build number."""
        allowed = {one.summary.filename for one in candidates}
        for tag in target.tags(platforms):
            found = [one for one in self._by_tag.get(tag, ()) if one.summary.filename in allowed]
            if found:
                best = max(found, key=lambda one: (one.build, one.summary.filename))
                return _Chosen(filename=best.summary.filename, tag=tag)
        return None


def _versions(shown: Iterable[Machine], platforms: Iterable[PlatformPromise]) -> dict[str, tuple[Version | None, ...]]:
    """Machine -> the versions of its system between which a choice can change, the newest first.

    What a tag names counts as released: it may be by now.
    """
    found: dict[str, set[Version]] = {}
    for platform in platforms:
        if platform.version is not None and max(platform.version) <= MAX_NUMBER:
            for machine in machines(platform):
                found.setdefault(machine.name, set()).add(max(platform.version, machine.oldest))
    versions: dict[str, tuple[Version | None, ...]] = {}
    for machine in shown:
        own = found.get(machine.name, set())
        newest = machine.newest
        versions[machine.name] = (
            (None,) if newest is None else tuple(sorted({newest, *own}, reverse=True)[:MAX_VERSIONS])
        )
    return versions


def allows(requires_python: str | None, version: Version) -> bool:
    """Whether a `Requires-Python` allows some release of that Python. One that is no specifier allows all."""
    specifier = _specifier(requires_python)
    if specifier is None:
        return True
    major, minor = version
    return any(specifier.contains(f"{major}.{minor}.{patch}", prereleases=True) for patch in range(_PATCHES))


@functools.lru_cache(maxsize=64)
def _specifier(requires_python: str | None) -> SpecifierSet | None:
    """The specifier; None where there is none, or where it is none."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    if requires_python is None:
        return None
    try:
        return SpecifierSet(requires_python)
    except InvalidSpecifier:
        return None


def column_of(machine: Machine, *, named: bool = True) -> MatrixColumn:
    """The column of a kind of machine."""
    match machine.system:
        case System.LINUX:
            system = "musllinux" if machine.libc is Libc.MUSL else "manylinux"
        case System.MACOS:
            system = "macOS"
        case System.WINDOWS:
            system = "Windows"
        case System.IOS:
            system = "iOS"
        case System.ANDROID:
            system = "Android"
        case System.WASM:
            system = "WebAssembly"
        case _:
            system = "other"
    return MatrixColumn(
        name=machine.name, system=system, arch=machine.arch, versions=_VERSIONS.get(system), named=named
    )


def _column_key(machine: Machine) -> tuple[int, int, str]:
    """System by system, the usual architectures first."""
    system = column_of(machine).system
    return _SYSTEM_ORDER[system], _COLUMN_ORDER.get(machine.name, len(_COLUMN_ORDER)), machine.name
