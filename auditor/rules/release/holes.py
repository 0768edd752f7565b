"""Holes in a matrix: a Python that one platform has and another lacks, or that all of them lack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.facts.record import Fact
from auditor.findings import MatrixRow
from auditor.platforms import cpython

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.findings import Matrix, MatrixCell, MatrixColumn

Version = tuple[int, int]
_BEGINS: dict[str, Version] = {"macos_arm64": (3, 8), "win_arm64": (3, 11)}
"""The first CPython that there is for a machine: python.org's downloads for arm64 Macs, and for Windows on ARM."""
_PHONES_BEGIN = (3, 13)
"""The first CPython for iOS (PEP 730) and for Android (PEP 738)."""
_PYPY = frozenset(
    {"manylinux_x86_64", "manylinux_i686", "manylinux_aarch64", "macos_x86_64", "macos_arm64", "win_amd64"}
)
"""Where there is a PyPy: its own downloads, of which none is for musl."""
_PLAIN, _FREE_THREADED, _PYPY_KIND = "CPython", "CPython t", "PyPy"
_COMPARED = frozenset({"manylinux", "musllinux", "macOS", "Windows"})
"""Systems on which people install whatever Python they like."""
_PHONES = frozenset({"iOS", "Android"})
"""Systems on which a program brings its own Python: compared where the release has wheels for several."""
_OLD_MACHINES = frozenset({"i686", "win32", "armv6l", "armv7l"})
"""32-bit architectures: many projects build no wheels for them from some Python on."""


class Hole(Fact, frozen=True, kw_only=True):
    """One interpreter that lacks a native wheel on one platform, and has one on others."""

    platform: str
    interpreter: str
    label: str
    certain: bool
    """Whether the platform has wheels for other Pythons of that kind, so that it neither begins later nor has come to
    its end.
    """
    others: tuple[str, ...]
    """The platforms that have one."""
    fallback: str | None = None
    """The wheel for `any` that installers take there."""


class Nowhere(Fact, frozen=True, kw_only=True):
    """CPythons that lack a native wheel on every platform, between two that have one."""

    labels: tuple[str, ...]
    before: MatrixRow
    after: MatrixRow
    fallback: str | None = None
    """The wheel for `any` that installers take for the first of them."""


def holes(matrix: Matrix) -> Iterator[Hole]:
    """Every hole, platform by platform. Only platforms that a wheel names are compared, and only Pythons that the
    metadata allows, from the oldest on that this tool judges by.
    """
    rows = [row for row in matrix.rows if row.allowed and _kind(row) is not None]
    compared = {one.name: one for one in matrix.columns if _is_compared(one, rows)}
    served = {
        row.interpreter: [cell.platform for cell in row.cells if is_native(cell) and cell.platform in compared]
        for row in rows
    }
    for platform, column in compared.items():
        own = [row for row in rows if platform in served[row.interpreter]]
        kinds = {_kind(row) for row in own}
        # A platform of which there are wheels, and none for any CPython with the GIL, lacks what it is named for;
        # where a wheel for `any` serves them, it may be named for the others alone.
        seen: set[str | None] = set() if _PLAIN in kinds else {_PLAIN}
        for row in rows:
            kind = _kind(row)
            if platform in served[row.interpreter]:
                seen.add(kind)
            elif served[row.interpreter] and _exists(row, column):
                ended = version_of(row) > max((version_of(one) for one in own if _kind(one) == kind), default=(0, 0))
                if ended and _is_end(column, row, matrix):
                    continue
                fallback = _chosen(matrix, row, platform)
                begun = kind in seen and (fallback is None or kind in kinds)
                yield Hole(
                    platform=platform,
                    interpreter=row.interpreter,
                    label=row.label,
                    certain=begun and kind != _PYPY_KIND and not (ended and column.arch in _OLD_MACHINES),
                    others=tuple(served[row.interpreter]),
                    fallback=fallback,
                )


def _chosen(matrix: Matrix, row: MatrixRow, platform: str) -> str | None:
    """The wheel that installers take for an interpreter on a platform."""
    cell = matrix.cell(row.interpreter, platform)
    return cell.wheel if cell is not None else None


def nowhere(matrix: Matrix) -> Iterator[Nowhere]:
    """CPythons with the GIL that no platform has a native wheel for, though there are some for older and newer ones."""
    rows = sorted((row for row in matrix.rows if row.allowed and _kind(row) == _PLAIN), key=version_of)
    before: MatrixRow | None = None
    between: list[MatrixRow] = []
    for row in rows:
        if not any(map(is_native, row.cells)):
            between.append(row)
            continue
        if before is not None and between:
            fallbacks = [cell.wheel for cell in between[0].cells if cell.wheel is not None]
            yield Nowhere(
                labels=tuple(one.label for one in between),
                before=before,
                after=row,
                fallback=next(iter(fallbacks), None),
            )
        before, between = row, []


def is_native(cell: MatrixCell) -> bool:
    """Whether the wheel that is chosen there names the platform."""
    return cell.wheel is not None and cell.tag is not None and not cell.tag.endswith("-any")


def _is_compared(column: MatrixColumn, rows: list[MatrixRow]) -> bool:
    """Whether the Pythons of a platform are held against those of others."""
    if not column.named or column.system not in _PHONES:
        return column.named and column.system in _COMPARED
    return sum(is_native(cell) for row in rows for cell in row.cells if cell.platform == column.name) > 1


def _is_end(column: MatrixColumn, row: MatrixRow, matrix: Matrix) -> bool:
    """Whether a system of phones has no wheel for this Python at all: programs move on when they like."""
    same = {one.name for one in matrix.columns if one.system == column.system}
    return column.system in _PHONES and not any(is_native(cell) for cell in row.cells if cell.platform in same)


def _kind(row: MatrixRow) -> str | None:
    """The line of interpreters that a row belongs to; None for those that are not compared."""
    name, _, version = row.label.partition(" ")
    if name == "CPython" and version_of(row) >= cpython.OLDEST_SUPPORTED:
        return _FREE_THREADED if version.endswith("t") else _PLAIN
    return _PYPY_KIND if name == "PyPy" else None


def _exists(row: MatrixRow, column: MatrixColumn) -> bool:
    """Whether there is such an interpreter for such a machine."""
    if column.system in _PHONES:
        return version_of(row) >= _PHONES_BEGIN
    if _kind(row) == _PYPY_KIND:
        return column.name in _PYPY
    return version_of(row) >= _BEGINS.get(column.name, (3, 0))


def version_of(row: MatrixRow) -> Version:
    """The (major, minor) of a row."""
    digits = "".join(one for one in row.label.partition(" ")[2] if one.isdigit() or one == ".")
    major, _, minor = digits.partition(".")
    return int(major), int(minor)
