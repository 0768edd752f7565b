"""Hostile framing costs time and memory in proportion to the file, and every count has its ceiling."""

from __future__ import annotations

import io
import struct
import time
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from auditor.archive import anomalies as anomalies_module
from auditor.archive import zip as zip_module
from auditor.archive.anomalies import Anomalies
from auditor.archive.source import FileSource
from auditor.archive.zip import read_framing
from auditor.facts.archive import Anomaly, AnomalyKind
from tests.archive.archives import A, B, central, end, facts_of, found, framing_of
from tests.builders.zipraw import CentralFields, EndFields, LocalFields, ZipEntry, ZipLayout, build_zip

if TYPE_CHECKING:
    from auditor.archive.zip import Framing

SECONDS = 8.0
"""Many times what each case takes on a slow machine; the quadratic forms took minutes."""


def in_time(archive: bytes) -> Framing:
    """The framing, within the bound."""
    started = time.monotonic()
    framing = framing_of(archive)
    assert time.monotonic() - started < SECONDS
    return framing


def test_each_kind_is_kept_up_to_a_ceiling(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of each kind the first anomalies are kept, and that there were more is said once."""
    monkeypatch.setattr(anomalies_module, "MAX_OF_A_KIND", 2)
    collected = Anomalies()
    for number in range(5):
        collected.append(Anomaly(kind=AnomalyKind.CRC, detail=str(number)))
    collected.append(Anomaly(kind=AnomalyKind.STREAM, detail="another"))
    assert [(one.kind, one.detail) for one in collected] == [
        (AnomalyKind.CRC, "0"),
        (AnomalyKind.CRC, "1"),
        (AnomalyKind.CEILING, "it has more than 2 anomalies of the kind `crc`; the rest is not listed"),
        (AnomalyKind.STREAM, "another"),
    ]


def test_too_many_members_are_a_ceiling(monkeypatch: pytest.MonkeyPatch) -> None:
    """What lies beyond the ceiling of members is not read, and takes no part in the account of bytes."""
    monkeypatch.setattr(zip_module, "MAX_MEMBERS", 2)
    archive = build_zip([A, B, replace(A, name="c")])
    framing = framing_of(archive)
    assert [entry.name for entry in framing.entries] == ["a.py", "b.txt"]
    assert found(framing.anomalies) == [("ceiling", None, None, central(archive, 2))]


def test_as_many_members_as_allowed_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ceiling itself may be reached."""
    monkeypatch.setattr(zip_module, "MAX_MEMBERS", 2)
    assert found(framing_of(build_zip([A, B])).anomalies) == []


def test_a_directory_too_large_is_a_ceiling(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a central directory no more than the ceiling is read."""
    archive = build_zip([A, B])
    monkeypatch.setattr(zip_module, "MAX_DIRECTORY_SIZE", central(archive, 1) - central(archive) + 5)
    framing = framing_of(archive)
    assert [entry.name for entry in framing.entries] == ["a.py"]
    assert found(framing.anomalies) == [("ceiling", None, None, central(archive, 1))]


def test_entries_that_share_a_large_local_header_are_a_ceiling() -> None:
    """60,000 entries that point at one local header of 64 KiB do not read it 60,000 times."""
    shared = replace(A, name="a", local=LocalFields(extra=b"\xfe\xca\0\0" * 0x3FFF))
    entries = [shared, *(ZipEntry(name="a", in_local=False, central=CentralFields(offset=0)) for _ in range(60_000))]
    kinds = Counter(one.kind for one in in_time(build_zip(entries)).anomalies)
    assert kinds[AnomalyKind.CEILING] >= 1


def test_many_gaps_are_read_once() -> None:
    """A gap before each of 20,000 members costs no more than its bytes."""
    entries = [ZipEntry(name=f"{number:x}", method=0, before=b"P" * 40) for number in range(20_000)]
    kinds = Counter(one.kind for one in in_time(build_zip(entries)).anomalies)
    assert kinds == {AnomalyKind.STRAY_BYTES: anomalies_module.MAX_OF_A_KIND, AnomalyKind.CEILING: 1}


def test_many_hidden_members_are_walked_once() -> None:
    """A gap of 50,000 hidden members is one walk, and a bounded number of anomalies."""
    entries = [A, *(ZipEntry(name="h", method=0, in_central=False) for _ in range(50_000))]
    kinds = Counter(one.kind for one in in_time(build_zip(entries)).anomalies)
    assert kinds == {AnomalyKind.HIDDEN_MEMBER: anomalies_module.MAX_OF_A_KIND, AnomalyKind.CEILING: 1}


def test_a_huge_gap_is_read_in_pieces() -> None:
    """64 MiB of zeros before the directory are one anomaly and no copy in memory."""
    import tracemalloc

    archive = build_zip([A], ZipLayout(before_central=bytes(64 << 20)))
    source = FileSource(io.BytesIO(archive), "x")
    tracemalloc.start()
    framing = read_framing(source)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [(one.kind, one.detail[:8]) for one in framing.anomalies] == [(AnomalyKind.STRAY_BYTES, "67108864")]
    assert peak < 4 << 20


def test_many_overlapping_members_are_sorted_once() -> None:
    """30,000 entries for one member are as many overlaps, up to the ceiling, in one sweep."""
    again = ZipEntry(name="a.py", in_local=False, central=CentralFields(offset=0))
    kinds = Counter(one.kind for one in in_time(build_zip([A, *([again] * 30_000)])).anomalies)
    assert kinds[AnomalyKind.OVERLAP] == anomalies_module.MAX_OF_A_KIND
    assert kinds[AnomalyKind.DUPLICATE_MEMBER] == 1


def test_many_end_signatures_are_no_work() -> None:
    """A tail that is nothing but signatures of end records is searched in one go."""
    archive = build_zip([A]) + b"PK\x05\x06" * 16_000
    assert list(in_time(archive).anomalies)


def test_overlapping_data_is_not_inflated_over_and_over() -> None:
    """20,000 entries that share a stream of 4 MB without content are refused after twice the file."""
    stream = b"\0\0\0\xff\xff" * 800_000
    entry = replace(A, name="a", payload=stream)
    again = replace(entry, in_local=False, central=CentralFields(offset=0))
    started = time.monotonic()
    facts = facts_of(build_zip([entry, *([again] * 20_000)]))
    assert time.monotonic() - started < SECONDS
    assert "the members overlap: together their data is more than twice the file" in {
        one.detail for one in facts.anomalies if one.kind is AnomalyKind.CEILING
    }


@pytest.mark.parametrize("value", [0xFFFFFFFE, 0xFFFFFFFF])
@pytest.mark.parametrize("field", ["central_offset", "central_size", "total_entries", "disk_entries", "comment_length"])
def test_any_number_in_the_end_record_is_survived(field: str, value: int) -> None:
    """The largest numbers that the end record can hold lead to anomalies, not out of the file."""
    value &= 0xFFFF if field in {"total_entries", "disk_entries", "comment_length"} else 0xFFFFFFFF
    archive = build_zip([A, B], ZipLayout(ends=(EndFields(**{field: value}),)))  # type: ignore[arg-type]
    assert list(framing_of(archive).anomalies)


@pytest.mark.parametrize("value", [1, 1 << 31, (1 << 63) - 1, 1 << 63, (1 << 64) - 1])
@pytest.mark.parametrize("at", range(24, 56, 8))
def test_any_number_in_the_zip64_record_is_survived(at: int, value: int) -> None:
    """Numbers of 64 bits, which no seek can take, lead to anomalies too."""
    archive = bytearray(build_zip([A, B], ZipLayout(zip64=True)))
    position = archive.index(b"PK\x06\x06")
    archive[position + at : position + at + 8] = struct.pack("<Q", value)
    assert list(framing_of(bytes(archive)).anomalies)


@pytest.mark.parametrize("value", [(1 << 63) - 1, 1 << 63, (1 << 64) - 1])
@pytest.mark.parametrize("number", range(3))
def test_any_number_in_a_zip64_block_is_survived(number: int, value: int) -> None:
    """Sizes and offsets of 64 bits lead to anomalies and an honest size of what was read."""
    sizes = [len(A.content), 40, 0]
    sizes[number] = value
    sentinel = 0xFFFFFFFF
    fields = CentralFields(
        extra=struct.pack("<2H3Q", 1, 24, *sizes), size=sentinel, compressed_size=sentinel, offset=sentinel
    )
    archive = build_zip([replace(A, central=fields, descriptor=None), B])
    facts = facts_of(archive)
    assert facts.anomalies
    assert (facts.members[0].inflated_size or 0) <= len(A.content)


def test_a_descriptor_beyond_the_file_is_survived() -> None:
    """The search for a data descriptor does not leave the file."""
    fields = CentralFields(extra=struct.pack("<2HQ", 1, 8, 1 << 63), compressed_size=0xFFFFFFFF)
    archive = build_zip([replace(A, central=fields, local=LocalFields(flags=8))])
    assert "overlap" in {one.kind.value for one in framing_of(archive).anomalies}


def test_an_end_record_alone_is_an_empty_archive() -> None:
    """22 bytes are a whole archive."""
    archive = build_zip([])
    assert (len(archive), end(archive)) == (22, 0)
    assert list(framing_of(archive).anomalies) == []
