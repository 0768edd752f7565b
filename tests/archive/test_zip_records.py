"""Each record of the framing is read whole or not at all: `auditor.archive.zip_records`."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.archive import zip_records as records
from tests.archive.archives import A, central, end, end64, local, locator
from tests.builders.zipraw import EndFields, ZipLayout, build_zip, extra_field

if TYPE_CHECKING:
    from collections.abc import Callable

ARCHIVE = build_zip([A], ZipLayout(zip64=True))

PARSERS: dict[str, tuple[Callable[[bytes], object], int, int]] = {
    "local": (lambda content: records.parse_local(content, 0), local(ARCHIVE), 30 + len("a.py")),
    "central": (lambda content: records.parse_central(content, 0, 0), central(ARCHIVE), 46 + len("a.py")),
    "end": (lambda content: records.parse_end(content, 0), end(ARCHIVE), 22),
    "end64": (lambda content: records.parse_end64(content, 0), end64(ARCHIVE), 56),
    "locator64": (lambda content: records.parse_locator64(content, 0), locator(ARCHIVE), 20),
}


@pytest.mark.parametrize("name", PARSERS)
def test_a_record_is_read_whole_or_not_at_all(name: str) -> None:
    """A record is there with its last byte, and not before; another signature is no record."""
    parse, start, length = PARSERS[name]
    content = ARCHIVE[start : start + length]
    assert parse(content) is not None
    assert all(parse(content[:cut]) is None for cut in range(length))
    assert parse(b"PK\0\0" + content[4:]) is None


@given(st.binary(max_size=120))
def test_any_bytes_are_read(content: bytes) -> None:
    """Behind the right signature any bytes give a record or none."""
    for parse, start, _ in PARSERS.values():
        parse(ARCHIVE[start : start + 4] + content)


def test_an_end_record_says_what_it_holds() -> None:
    """Every field of the end record comes out under its own name."""
    fields = EndFields(disk=1, central_disk=2, disk_entries=3, total_entries=4, central_size=5, central_offset=6)
    archive = build_zip([], ZipLayout(ends=(fields,), comment=b"seven.."))
    assert records.parse_end(archive, 9) == records.EndRecord(9, 1, 2, 3, 4, 5, 6, 7)
    assert records.EndRecord(9, 1, 2, 3, 4, 5, 6, 7).end == 9 + 22 + 7


@pytest.mark.parametrize(
    ("extra", "identifiers", "rest"),
    [
        (b"", [], b""),
        (extra_field(1, b""), [1], b""),
        (extra_field(1, b"ab") + extra_field(0x5455, b""), [1, 0x5455], b""),
        (extra_field(1, b"ab") + b"\0\0\0", [1], b"\0\0\0"),
        (b"\0", [], b"\0"),
        (struct.pack("<2H", 1, 3) + b"ab", [], struct.pack("<2H", 1, 3) + b"ab"),
    ],
    ids=["empty", "no content", "two", "rest", "one byte", "overrun"],
)
def test_an_extra_field_is_a_chain_of_blocks(extra: bytes, identifiers: list[int], rest: bytes) -> None:
    """The blocks come out in order, and what does not fill a block is left over."""
    blocks, left = records.parse_extra(extra)
    assert [block.identifier for block in blocks] == identifiers
    assert left == rest


@given(st.binary(max_size=300))
def test_an_extra_field_loses_no_byte(extra: bytes) -> None:
    """Blocks and rest together are the extra field again."""
    blocks, rest = records.parse_extra(extra)
    assert b"".join(extra_field(block.identifier, block.content) for block in blocks) + rest == extra
