"""The end of a ZIP archive: its end records, and where they put the central directory.

Readers disagree about the end more than about anything else: which end record counts, whether its ZIP64 twin is
found by its offset or by its place, and whether a prefix shifts every offset. As in `zipfile` the ZIP64 record wins
over the end record, and a directory that lies elsewhere than stated shifts the members with it. Whatever makes
another reader come out elsewhere is recorded.

Source: PKWARE APPNOTE.TXT 6.3.10, sections 4.3.14 to 4.3.16.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from auditor.archive import zip_records as records
from auditor.archive.zip_checks import check_gap
from auditor.facts.archive import Anomaly, AnomalyKind

if TYPE_CHECKING:
    from auditor.archive.anomalies import Anomalies
    from auditor.archive.source import Source
    from auditor.archive.zip_records import End64Record, EndRecord, Locator64

_COMMENT_MAX = 0xFFFF


class Directory(msgspec.Struct, frozen=True):
    """Where the central directory lies, and what the end records say of it."""

    offset: int
    """Where it lies."""
    size: int
    """As stated."""
    entries: int
    """As stated."""
    frame_start: int
    """The first byte of the end records behind it."""
    end_offset: int
    """Where the end record lies."""
    shift: int = 0
    """How much further back it lies than stated: a prefix that the offsets do not count."""


def find_end(source: Source) -> EndRecord | None:
    """The end record that readers use: the last one whose comment reaches the end of the file, else the last."""
    start = max(0, source.size - records.END_SIZE - _COMMENT_MAX)
    tail = source.read_at(start, source.size - start)
    last = None
    position = len(tail)
    while (position := tail.rfind(records.END_SIGNATURE, 0, position)) >= 0:
        end = records.parse_end(tail[position : position + records.END_SIZE], start + position)
        if end is not None:
            if end.end == source.size:
                return end
            last = last or end
    return last


def locate_directory(source: Source, end: EndRecord, anomalies: Anomalies) -> Directory | None:
    """The central directory that the end record and its ZIP64 twin speak of; None where there is none."""
    size, offset, entries, frame_start = end.directory_size, end.directory_offset, end.entries, end.offset
    locator = _find_locator(source, end)
    record = _find_end64(source, end, locator, anomalies)
    if record is not None:
        size, offset, entries, frame_start = (
            record.directory_size,
            record.directory_offset,
            record.entries,
            record.offset,
        )
        _check_end64(end, record, locator, anomalies)
    elif locator is not None:
        frame_start = locator.offset
    _check_disks(end, record, anomalies)
    directory = Directory(offset, size, entries, frame_start, end.offset)
    return directory if offset + size == frame_start else _settle(source, directory, anomalies)


def check_tail(source: Source, end: EndRecord, anomalies: Anomalies) -> None:
    """Record what lies behind the end record: a comment, another end record in it, trailing bytes."""
    if end.end > source.size:
        there = source.size - end.offset - records.END_SIZE
        detail = f"the archive's comment of {end.comment_length} bytes breaks off after {there}"
        anomalies.append(Anomaly(kind=AnomalyKind.TRUNCATED, detail=detail, offset=source.size))
    elif end.comment_length:
        _check_comment(source, end, anomalies)
    if end.end < source.size:
        check_gap(source, end.end, source.size, anomalies)


def _find_locator(source: Source, end: EndRecord) -> Locator64 | None:
    """The ZIP64 locator, which stands straight before the end record or nowhere."""
    at = end.offset - records.LOCATOR64_SIZE
    return records.parse_locator64(source.read_at(at, records.LOCATOR64_SIZE), at)


def _find_end64(source: Source, end: EndRecord, locator: Locator64 | None, anomalies: Anomalies) -> End64Record | None:
    """The ZIP64 end record: where the locator points, else straight before it or before the end record."""

    def note(detail: str, offset: int) -> None:
        anomalies.append(Anomaly(kind=AnomalyKind.ZIP64, detail=detail, offset=offset))

    def record_at(offset: int) -> End64Record | None:
        return records.parse_end64(source.read_at(offset, records.END64_SIZE), offset)

    if locator is None:
        if records.SENTINEL_32 not in (end.directory_size, end.directory_offset):
            return None
        note("the end record asks for a ZIP64 end record, and there is no locator", end.offset)
        return record_at(end.offset - records.END64_SIZE)
    if locator.record_offset + records.END64_SIZE <= locator.offset:
        record = record_at(locator.record_offset)
        if record is not None:
            return record
    note(f"the ZIP64 locator points to byte {locator.record_offset}, where no ZIP64 end record lies", locator.offset)
    return record_at(locator.offset - records.END64_SIZE)


def _check_end64(end: EndRecord, record: End64Record, locator: Locator64 | None, anomalies: Anomalies) -> None:
    """Record what of the ZIP64 end record contradicts the locator or the end record."""
    details = []
    if record.record_size != records.END64_SIZE - 12:
        details.append(f"the ZIP64 end record has extensible data ({record.record_size} bytes in place of 44)")
    elif locator is not None and locator.offset != record.offset + records.END64_SIZE:
        details.append("the ZIP64 locator does not follow the ZIP64 end record")
    if record.entries != record.entries_on_disk:
        details.append("the ZIP64 end record counts entries on several disks")
    if record.disk or record.directory_disk:
        details.append(f"the ZIP64 end record speaks of disks {record.disk} and {record.directory_disk}")
    if locator is not None and (locator.disk or locator.disks != 1):
        details.append(f"the ZIP64 locator speaks of disk {locator.disk} of {locator.disks}")
    pairs = (
        ("entry count", end.entries, record.entries, records.SENTINEL_16),
        ("directory size", end.directory_size, record.directory_size, records.SENTINEL_32),
        ("directory offset", end.directory_offset, record.directory_offset, records.SENTINEL_32),
    )
    details += [
        f"the {what} is {short} in the end record and {long} in the ZIP64 end record"
        for what, short, long, sentinel in pairs
        if short not in (long, sentinel)
    ]
    for text in details:
        anomalies.append(Anomaly(kind=AnomalyKind.ZIP64, detail=text, offset=record.offset))


def _check_disks(end: EndRecord, record: End64Record | None, anomalies: Anomalies) -> None:
    """Record an end record that speaks of more than one disk (4.4.19 to 4.4.21)."""
    if end.entries != end.entries_on_disk:
        detail = f"the end record counts {end.entries} entries and {end.entries_on_disk} on this disk"
        anomalies.append(Anomaly(kind=AnomalyKind.END_RECORD, detail=detail, offset=end.offset, field="entries"))
    deferred = () if record is None else (records.SENTINEL_16,)  # a ZIP64 archive may leave the numbers to the record
    if any(disk and disk not in deferred for disk in (end.disk, end.directory_disk)):
        detail = f"the end record speaks of disks {end.disk} and {end.directory_disk}"
        anomalies.append(Anomaly(kind=AnomalyKind.END_RECORD, detail=detail, offset=end.offset, field="disk"))


def _settle(source: Source, stated: Directory, anomalies: Anomalies) -> Directory | None:
    """Where a directory that does not end at the end records lies: where it is said to begin, or where it would end.

    A wrong size alone is left to the walk over the entries.
    """

    def begins_at(offset: int) -> bool:
        return source.read_at(offset, 4) == records.CENTRAL_SIGNATURE

    real = stated.frame_start - stated.size
    stated_ok = stated.offset < stated.frame_start and begins_at(stated.offset)
    real_ok = real >= 0 and (begins_at(real) or stated.size == 0)
    if stated_ok and not (real_ok and stated.offset + stated.size > stated.frame_start):
        return stated
    if real_ok:
        detail = f"the end record puts the central directory at byte {stated.offset}; it lies at byte {real}"
    else:
        detail = f"no central directory lies at byte {stated.offset}, where the end record puts it"
    anomalies.append(Anomaly(kind=AnomalyKind.END_RECORD, detail=detail, offset=stated.end_offset, field="offset"))
    return msgspec.structs.replace(stated, offset=real, shift=real - stated.offset) if real_ok else None


def _check_comment(source: Source, end: EndRecord, anomalies: Anomalies) -> None:
    """Record the archive comment, and whether another end record hides in it."""
    comment = source.read_at(end.offset + records.END_SIZE, end.comment_length)
    control = any(1 <= byte <= 8 for byte in comment)
    anomalies.append(
        Anomaly(
            kind=AnomalyKind.ARCHIVE_COMMENT,
            detail=f"the archive has a comment of {end.comment_length} bytes",
            offset=end.offset,
            field="control" if control else None,
        )
    )
    if records.END_SIGNATURE in comment:
        detail = "the archive comment holds another end record: readers differ in which one they follow"
        anomalies.append(Anomaly(kind=AnomalyKind.END_RECORD, detail=detail, offset=end.offset, field="second"))
