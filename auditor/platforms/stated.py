"""The oldest systems that a project states to serve, and where the wheels of a release begin at newer ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.facts.record import Fact
from auditor.findings import MatrixColumn
from auditor.platforms import glibc

if TYPE_CHECKING:
    from auditor.findings import Matrix

Version = tuple[int, int]
_FIRST_ARM_MACOS = (11, 0)
"""arm64 Macs began with macOS 11.0: no older one can be promised to them."""
_INSTALLERS = (((3, 14), (10, 15)), ((3, 12), (10, 13)))
"""The oldest macOS of python.org's installers for x86_64, from a CPython on (`Doc/using/mac.rst` of 3.12 and 3.14)."""


def oldest_macos(python: Version) -> Version:
    """The oldest macOS on x86_64 that python.org's installer of that CPython is for: older ones have hardly any."""
    return next((macos for first, macos in _INSTALLERS if python >= first), (10, 9))


class Floors(Fact, frozen=True, kw_only=True):
    """The oldest (major, minor) of each that the project states to serve; None where it does not say."""

    glibc: Version | None = None
    musl: Version | None = None
    macos: Version | None = None

    def of(self, column: MatrixColumn) -> Version | None:
        """The oldest that is promised to a kind of machine: never older than the first of its kind."""
        match column.versions:
            case "glibc" if self.glibc is not None:
                return max(self.glibc, glibc.oldest_looked_for(column.arch))
            case "musl":
                return self.musl
            case "macOS" if self.macos is not None:
                return max(self.macos, _FIRST_ARM_MACOS) if column.arch == "arm64" else self.macos
            case _:
                return None


class Raised(Fact, frozen=True, kw_only=True):
    """One wheel that begins at a newer system than the stated one, where no other serves the older systems."""

    wheel: str
    """Its file name."""
    column: MatrixColumn
    stated: Version
    floor: Version
    interpreters: tuple[str, ...]
    """Those that get it."""


def raised_above(matrix: Matrix, floors: Floors) -> tuple[Raised, ...]:
    """Where the wheels of a matrix begin at newer systems than `floors` states, by column and wheel.

    A wheel for newer systems is no fault while another one serves the older ones.
    """
    found: dict[tuple[str, str, Version], list[str]] = {}
    columns = {one.name: one for one in matrix.columns}
    for row in matrix.rows:
        for cell in row.cells:
            stated = floors.of(columns[cell.platform])
            if stated is None or cell.floor is None or cell.wheel is None or cell.floor <= stated:
                continue
            oldest = cell.older[-1] if cell.older else cell.wheel
            if not oldest.endswith("-any.whl"):
                found.setdefault((cell.platform, oldest, cell.floor), []).append(row.interpreter)
    return tuple(
        Raised(
            wheel=wheel,
            column=columns[name],
            stated=floors.of(columns[name]) or floor,
            floor=floor,
            interpreters=tuple(interpreters),
        )
        for (name, wheel, floor), interpreters in found.items()
    )
