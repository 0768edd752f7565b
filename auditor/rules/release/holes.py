"""Holes in a matrix: a Python that one platform has and another lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.facts.record import Fact
from auditor.platforms import cpython

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.findings import Matrix, MatrixRow

Version = tuple[int, int]
_BEGINS: dict[str, Version] = {"macos_arm64": (3, 8), "win_arm64": (3, 11)}
"""The first CPython that there is for a machine: python.org's downloads for arm64 Macs, and for Windows on ARM."""
_PYPY = frozenset(
    {"manylinux_x86_64", "manylinux_i686", "manylinux_aarch64", "macos_x86_64", "macos_arm64", "win_amd64"}
)
"""Where there is a PyPy: its own downloads, of which none is for musl."""
_PYPY_KIND = "PyPy"
_COMPARED = frozenset({"manylinux", "musllinux", "macOS", "Windows"})
"""Systems on which people install whatever Python they like. Others come with one."""


class Hole(Fact, frozen=True, kw_only=True):
    """One interpreter that lacks a wheel on one platform, and has one on others."""

    platform: str
    interpreter: str
    label: str
    certain: bool
    """Whether the platform has wheels for older Pythons of that kind, or for none: otherwise it begins later."""
    others: tuple[str, ...]
    """The platforms that have one."""


def holes(matrix: Matrix) -> Iterator[Hole]:
    """Every hole, platform by platform. Only platforms that a wheel names are compared, and only Pythons that the
    metadata allows, from the oldest on that this tool judges by.
    """
    compared = [one.name for one in matrix.columns if one.named and one.system in _COMPARED]
    rows = [row for row in matrix.rows if row.allowed and _kind(row) is not None]
    served = {
        row.interpreter: [cell.platform for cell in row.cells if cell.wheel is not None and cell.platform in compared]
        for row in rows
    }
    for platform in compared:
        kinds = {_kind(row) for row in rows if platform in served[row.interpreter]}
        # A platform of which there are wheels, and none for any CPython with the GIL, lacks what it is named for.
        seen: set[str | None] = set() if "CPython" in kinds else {"CPython"}
        for row in rows:
            kind = _kind(row)
            if platform in served[row.interpreter]:
                seen.add(kind)
            elif served[row.interpreter] and _exists(row, platform):
                yield Hole(
                    platform=platform,
                    interpreter=row.interpreter,
                    label=row.label,
                    certain=kind in seen and kind != _PYPY_KIND,
                    others=tuple(served[row.interpreter]),
                )


def _kind(row: MatrixRow) -> str | None:
    """The line of interpreters that a row belongs to; None for those that are not compared."""
    name, _, version = row.label.partition(" ")
    if name == "CPython" and version_of(row) >= cpython.OLDEST_SUPPORTED:
        return "CPython t" if version.endswith("t") else "CPython"
    return _PYPY_KIND if name == "PyPy" else None


def _exists(row: MatrixRow, platform: str) -> bool:
    """Whether there is such an interpreter for such a machine."""
    if _kind(row) == _PYPY_KIND:
        return platform in _PYPY
    return version_of(row) >= _BEGINS.get(platform, (3, 0))


def version_of(row: MatrixRow) -> Version:
    """The (major, minor) of a row."""
    digits = "".join(one for one in row.label.partition(" ")[2] if one.isdigit() or one == ".")
    major, _, minor = digits.partition(".")
    return int(major), int(minor)
