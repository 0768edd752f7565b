"""The oldest systems that wheels begin at: against those of the previous release, and of the neighbouring Pythons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from auditor.facts.record import Fact
from auditor.findings import MatrixCell, MatrixColumn
from auditor.platforms.promise import AbiKind, parse_abi
from auditor.platforms.stated import oldest_macos
from auditor.rules.release.wording import ranges, shown
from auditor.rules.rule import INFO, Evidence, Hit

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from auditor.findings import Matrix

Version = tuple[int, int]
_SHOWN = 40
_FOR_ANY = "-any.whl"


def _first(interpreter: str, column: MatrixColumn) -> Version:
    """The oldest system that there is such an interpreter for; (0, 0) where nothing is known of that."""
    version = parse_abi(interpreter).version
    return oldest_macos(version) if column.versions == "macOS" and version is not None else (0, 0)


class Step(Fact, frozen=True, kw_only=True):
    """One interpreter on one platform whose wheels begin at a newer system than before."""

    column: MatrixColumn
    interpreter: str
    label: str
    before: MatrixCell
    now: MatrixCell
    alone: bool = False
    """Whether others begin on that platform where they began before, or made another step."""

    @property
    def floors(self) -> tuple[Version | None, Version | None]:
        """Before and now."""
        return self.before.floor, self.now.floor

    @property
    def falls_back(self) -> bool:
        """Whether a wheel for whatever machine serves the systems below the floor."""
        return any(name.endswith(_FOR_ANY) for name in self.now.older)

    @property
    def raised(self) -> bool:
        """Whether somebody is left out: what is older than the Python itself never was served."""
        before, now = self.floors
        return before is not None and now is not None and now > max(before, _first(self.interpreter, self.column))


def steps(before: Matrix, now: Matrix) -> tuple[Step, ...]:
    """Every place whose floor is higher than before, in the order of the rows. The matrices have the same places."""
    places = [
        Step(column=column, interpreter=row.interpreter, label=row.label, before=cell, now=current)
        for row, current_row in zip(before.rows, now.rows, strict=True)
        for column, cell, current in zip(now.columns, row.cells, current_row.cells, strict=True)
        if cell.floor is not None and current.floor is not None
    ]
    kinds: dict[str, set[object]] = {}
    for one in places:
        kinds.setdefault(one.column.name, set()).add((one.floors, one.falls_back) if one.raised else None)
    return tuple(structs.replace(one, alone=len(kinds[one.column.name]) > 1) for one in places if one.raised)


def raised_floors(version: str, found: tuple[Step, ...]) -> Iterator[Hit]:
    """One finding for each step that platforms made alike; `version` is the previous one."""
    by_platform: dict[tuple[str, object, bool], list[Step]] = {}
    for one in found:
        key = (one.column.name, one.floors, one.falls_back)
        by_platform.setdefault(key, []).append(one)
    alike: dict[object, list[Step]] = {}
    for (_, step, falls_back), same in by_platform.items():
        pythons = tuple(one.label for one in same) if same[0].alone else ()
        alike.setdefault((same[0].column.versions, step, falls_back, pythons), []).extend(same)
    for same in alike.values():
        first = same[0]
        name = first.column.versions
        platforms = shown(list(dict.fromkeys(one.column.name for one in same)))
        below = "; older systems fall back to the pure wheel" if first.falls_back else ""
        yield Hit(
            message=f"the wheels for {f'{_pythons(same)} on ' if first.alone else ''}{platforms} need"
            f" {dotted(name, first.now.floor)}; those of `{version}` needed {dotted(name, first.before.floor)}{below}",
            help="build on the older image or for the older system again, or tell it in the changelog",
            evidence=tuple(_pairs(same)),
        )


def _pythons(found: list[Step]) -> str:
    """The interpreters in words, each once."""
    return ranges(list(dict.fromkeys(one.label for one in found)))


def _pairs(found: list[Step]) -> Iterator[Evidence]:
    """For each pair of wheels that stand at the floors, the Pythons that get them."""
    same: dict[tuple[str, str], list[Step]] = {}
    for one in found:
        same.setdefault((_oldest(one.now), _oldest(one.before)), []).append(one)
    for (now, before), raised in list(same.items())[:_SHOWN]:
        first = raised[0]
        name = first.column.versions
        yield Evidence(
            text=f"{_pythons(raised)} on `{first.column.name}`: `{now}` ({dotted(name, first.now.floor)}),"
            f" before `{before}` ({dotted(name, first.before.floor)})",
            version=dotted(None, first.now.floor),
        )


def _oldest(cell: MatrixCell) -> str:
    """The wheel with a platform that serves the oldest systems: the one that stands at the floor."""
    wheels = [name for name in (cell.wheel, *cell.older) if name is not None and not name.endswith(_FOR_ANY)]
    return wheels[-1]


class _Place(Fact, frozen=True, kw_only=True):
    """One CPython on one platform."""

    column: MatrixColumn
    interpreter: str
    label: str
    python: Version
    floor: Version
    wheel: str
    """The one that stands at the floor."""

    @property
    def shown(self) -> str:
        """It in words, as evidence."""
        return f"{self.label}: `{self.wheel}` ({dotted(self.column.versions, self.floor)})"


def uneven_floors(matrix: Matrix, told: Collection[tuple[str, str]]) -> Iterator[Hit]:
    """CPythons whose wheels begin at a newer system than those of both an older and a newer one on that platform.

    That newer Pythons begin later, or older ones earlier, is usual. `told` are the (platform, interpreter) whose floor
    is told already.
    """
    found: dict[object, list[tuple[_Place, _Place, _Place]]] = {}
    for line in _lines(matrix):
        above = [one for one in _above_both(line) if (one[0].column.name, one[0].interpreter) not in told]
        if above:
            first = above[0][0]
            key = (first.column.versions, tuple((place.label, place.floor) for place, _, _ in above))
            found.setdefault(key, []).extend(above)
    for above in found.values():
        places = [place for place, _, _ in above]
        highest = max(places, key=lambda one: one.floor)
        yield Hit(
            message=f"the wheels for {ranges(list(dict.fromkeys(one.label for one in places)))} on"
            f" {shown(list(dict.fromkeys(one.column.name for one in places)))} need"
            f" {dotted(highest.column.versions, highest.floor)}; those for older and for newer Pythons need less",
            help="build all Pythons on the same image, for the same system",
            evidence=tuple(
                Evidence(
                    text=f"on `{place.column.name}` {place.shown}, {older.shown}, {newer.shown}",
                    version=dotted(None, place.floor),
                )
                for place, older, newer in above[:_SHOWN]
            ),
            severity=INFO,
        )


def _lines(matrix: Matrix) -> Iterator[list[_Place]]:
    """For each platform its CPythons that have floors, from the oldest on: those with the GIL, and those without."""
    lines: dict[tuple[str, str], list[_Place]] = {}
    for row in matrix.rows:
        abi = parse_abi(row.interpreter)
        if abi.kind is not AbiKind.CPYTHON or abi.version is None or abi.flags not in {"", "t"}:
            continue
        for column, cell in zip(matrix.columns, row.cells, strict=True):
            if cell.floor is not None:
                one = _Place(
                    column=column,
                    interpreter=row.interpreter,
                    label=row.label,
                    python=abi.version,
                    floor=cell.floor,
                    wheel=_oldest(cell),
                )
                lines.setdefault((column.name, abi.flags), []).append(one)
    for line in lines.values():
        yield sorted(line, key=lambda one: one.python)


def _above_both(line: list[_Place]) -> Iterator[tuple[_Place, _Place, _Place]]:
    """Each place that has a lower floor both before and behind it, with the nearest of them."""
    for number, place in enumerate(line):
        older = next((one for one in reversed(line[:number]) if one.floor < place.floor), None)
        newer = next((one for one in line[number:] if one.floor < place.floor), None)
        if older is not None and newer is not None:
            yield place, older, newer


def dotted(name: str | None, version: Version | None) -> str:
    """A version, with what it counts where that is given: `glibc 2.28`, `API level 24`, `2.28`."""
    number = "any" if version is None else str(version[0]) if name == "API level" else f"{version[0]}.{version[1]}"
    return f"{name} {number}" if name is not None else number
