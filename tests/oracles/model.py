"""What an oracle and our facts can both say of a native file: fields by name, each a bag of rows.

A row is a tuple of text and flags; a bag counts its rows, because a table that has a row twice is another table than
one that has it once. Where order matters, the position is part of the row.
"""

from __future__ import annotations

import zipfile
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

Row = tuple[str | int | bool | None, ...]
Fields = dict[str, Counter[Row]]
"""Rows by field; a field that an oracle cannot say is absent."""

_MAGICS = (
    b"\x7fELF",
    b"MZ",
    b"\xcf\xfa\xed\xfe",
    b"\xce\xfa\xed\xfe",
    b"\xfe\xed\xfa\xcf",
    b"\xfe\xed\xfa\xce",
    b"\xca\xfe\xba\xbe",
)


class OracleError(Exception):
    """The oracle gives up on a file; the message is its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One field of one file about which the facts and an oracle do not agree."""

    file: str
    """`WHEEL:MEMBER`, for a slice of a universal file with `[ARCH]` behind it."""
    field: str
    oracle: str
    ours: int
    """Rows that only the facts have."""
    theirs: int
    """Rows that only the oracle has."""
    shown: str
    """Some of them, in words."""

    @property
    def key(self) -> tuple[str, str, str]:
        """What names it in differences.json."""
        return self.file, self.field, self.oracle


def ordered(names: Iterable[str]) -> Counter[Row]:
    """A bag in which the order of the names matters."""
    return Counter((index, name) for index, name in enumerate(names))


def single(value: str | int | bool | None) -> Counter[Row]:
    """A bag of one value."""
    return Counter({(value,): 1})


def compare(file: str, oracle: str, facts: Fields, theirs: Fields) -> Iterator[Difference]:
    """Each field that the oracle has and in which the rows differ."""
    for name, rows in theirs.items():
        only_ours, only_theirs = facts[name] - rows, rows - facts[name]
        if only_ours or only_theirs:
            yield Difference(
                file=file,
                field=name,
                oracle=oracle,
                ours=only_ours.total(),
                theirs=only_theirs.total(),
                shown=f"only ours {_first(only_ours)}, only theirs {_first(only_theirs)}",
            )


def failure(file: str, oracle: str, error: Exception) -> Difference:
    """An oracle that gave up, as a difference of its own field."""
    shown = f"{type(error).__name__}: {error}"
    return Difference(file=file, field="parse", oracle=oracle, ours=1, theirs=0, shown=shown)


def _first(rows: Mapping[Row, int]) -> str:
    return str(sorted(rows, key=repr)[:3])


def native_files(wheel: Path, *, largest: int | None = None) -> Iterator[tuple[str, bytes]]:
    """Name and content of each native file of a wheel, one in memory at a time; `largest` leaves bigger ones out."""
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.infolist():
            if member.file_size < 64 or (largest is not None and member.file_size > largest):
                continue
            with archive.open(member) as file:
                start = file.read(4)
            if start.startswith(_MAGICS):
                yield member.filename, archive.read(member)
