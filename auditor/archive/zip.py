"""Our own walk over the framing of a ZIP archive: end records, central directory, local headers.

`zipfile` is lenient where installers and PyPI disagree, and its verdict changes from one Python release to the
next; so every irregularity is recorded here as an `Anomaly`, and none stops the walk as long as a central directory
can be found. Nothing is judged.

Source: PKWARE APPNOTE.TXT 6.3.10, sections 4.3 and 4.4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from auditor.archive import zip_records as records
from auditor.archive.looks import looks_like
from auditor.archive.zip_checks import check_entry, check_gap, check_local, data_end, decode_name
from auditor.archive.zip_records import CentralEntry, EndRecord, LocalHeader
from auditor.facts.archive import Anomaly, AnomalyKind

if TYPE_CHECKING:
    from auditor.archive.source import Source

MAX_MEMBERS = 200_000
"""Entries of the central directory that are read. The largest wheels known have about 20,000."""
MAX_DIRECTORY_SIZE = 64 << 20
"""Bytes of central directory that are read: over 300 for each of the members allowed."""
_COMMENT_MAX = 0xFFFF
_LOCAL_READ = 512
"""Bytes read at a local header at first: enough for its name in nearly every archive."""


class Entry(msgspec.Struct):
    """A central entry with its decoded name and the local header that lies at its offset."""

    central: CentralEntry
    name: str
    local: LocalHeader | None

    @property
    def data_offset(self) -> int | None:
        """Where its data begins; None without a local header."""
        return self.local.data_offset if self.local else None


class Framing(msgspec.Struct):
    """What the walk found."""

    entries: list[Entry]
    anomalies: list[Anomaly]


def read_framing(source: Source) -> Framing:
    """Walk the framing of `source`. Reads the end, the central directory and each local header; no content."""
    anomalies: list[Anomaly] = []
    end = _find_end(source)
    if end is None:
        anomalies.append(_not_an_archive(source))
        return Framing([], anomalies)
    directory_offset, directory_size, frame_end = _locate_directory(source, end, anomalies)
    entries = _read_directory(source, directory_offset, directory_size, end, anomalies)
    for entry in entries:
        _attach_local(source, entry, directory_offset, anomalies)
    _check_duplicates(entries, anomalies)
    _check_extents(source, entries, directory_offset, anomalies)
    _check_tail(source, end, frame_end, anomalies)
    return Framing(entries, anomalies)


def _find_end(source: Source) -> EndRecord | None:
    """The end record that readers use: the last one whose comment reaches the end of the file, else the last."""
    start = max(0, source.size - records.END_SIZE - _COMMENT_MAX)
    tail = source.read_at(start, source.size - start)
    last = None
    position = len(tail)
    while (position := tail.rfind(records.END_SIGNATURE, 0, position)) >= 0:
        end = records.parse_end(tail[position:], start + position)
        if end is not None:
            if end.end == source.size:
                return end
            last = last or end
    return last


def _not_an_archive(source: Source) -> Anomaly:
    """Why there is no end record: a truncated archive, or something else altogether."""
    start = source.read_at(0, 512)
    if start.startswith(records.LOCAL_SIGNATURE):
        detail = "it begins as a ZIP archive and has no end record: the file is truncated"
        return Anomaly(kind=AnomalyKind.TRUNCATED, detail=detail, offset=source.size)
    return Anomaly(kind=AnomalyKind.NOT_A_ZIP, detail=looks_like(start), offset=0)


def _locate_directory(source: Source, end: EndRecord, anomalies: list[Anomaly]) -> tuple[int, int, int]:
    """(offset, size, offset behind) of the central directory, from the end record and its ZIP64 twin."""
    size, offset, frame_start = end.directory_size, end.directory_offset, end.offset
    locator = None
    if end.offset >= records.LOCATOR64_SIZE:
        at = end.offset - records.LOCATOR64_SIZE
        locator = records.parse_locator64(source.read_at(at, records.LOCATOR64_SIZE), at)
    if locator is not None:
        record = records.parse_end64(source.read_at(locator.record_offset, records.END64_SIZE), locator.record_offset)
        frame_start = locator.offset
        if record is None:
            detail = f"the ZIP64 locator points to byte {locator.record_offset}, where no ZIP64 end record lies"
            anomalies.append(Anomaly(kind=AnomalyKind.ZIP64, detail=detail, offset=locator.offset))
        else:
            frame_start = record.offset
            _check_end64(end, record, locator, anomalies)
            size, offset = record.directory_size, record.directory_offset
    elif records.SENTINEL_32 in (size, offset) or end.entries == records.SENTINEL_16:
        detail = "the end record asks for a ZIP64 end record, and there is no locator"
        anomalies.append(Anomaly(kind=AnomalyKind.ZIP64, detail=detail, offset=end.offset))
    return _settle_directory(source, offset, size, frame_start, anomalies)


def _check_end64(
    end: EndRecord, record: records.End64Record, locator: records.Locator64, anomalies: list[Anomaly]
) -> None:
    """Record what of the ZIP64 end record contradicts the locator or the end record."""
    details = []
    if record.record_size != records.END64_SIZE - 12:
        details.append(f"the ZIP64 end record has extensible data ({record.record_size} bytes in place of 44)")
    elif locator.offset != record.offset + records.END64_SIZE:
        details.append("the ZIP64 locator does not follow the ZIP64 end record")
    if record.entries != record.entries_on_disk:
        details.append("the ZIP64 end record counts entries on several disks")
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
    anomalies += [Anomaly(kind=AnomalyKind.ZIP64, detail=text, offset=record.offset) for text in details]


def _settle_directory(
    source: Source, offset: int, size: int, frame_start: int, anomalies: list[Anomaly]
) -> tuple[int, int, int]:
    """Where the central directory really lies: as stated, or straight before the end record."""
    if offset + size == frame_start:
        return offset, size, frame_start
    real = frame_start - size
    stated_ok = offset < frame_start and source.read_at(offset, 4) == records.CENTRAL_SIGNATURE
    real_ok = real >= 0 and source.read_at(real, 4) == records.CENTRAL_SIGNATURE
    if real_ok and not (stated_ok and offset + size <= frame_start):
        detail = f"the end record puts the central directory at byte {offset}; it lies at byte {real}"
        anomalies.append(Anomaly(kind=AnomalyKind.END_RECORD, detail=detail, offset=frame_start, field="offset"))
        return real, size, frame_start
    if stated_ok and offset + size < frame_start:
        return offset, size, frame_start  # the gap is recorded by the walk over the directory
    detail = f"the central directory of {size} bytes at byte {offset} does not end where the end record begins"
    anomalies.append(Anomaly(kind=AnomalyKind.END_RECORD, detail=detail, offset=frame_start, field="size"))
    return offset, max(0, min(size, frame_start - offset)), frame_start


def _read_directory(source: Source, offset: int, size: int, end: EndRecord, anomalies: list[Anomaly]) -> list[Entry]:
    """Every entry of the central directory."""
    if size > MAX_DIRECTORY_SIZE:
        detail = f"the central directory has {size} bytes; the first {MAX_DIRECTORY_SIZE} were read"
        anomalies.append(Anomaly(kind=AnomalyKind.CEILING, detail=detail, offset=offset))
    directory = source.read_at(offset, min(size, MAX_DIRECTORY_SIZE))
    entries: list[Entry] = []
    position = 0
    while position < len(directory) and len(entries) < MAX_MEMBERS:
        central = records.parse_central(directory, position, offset)
        if central is None:
            detail = f"the central directory breaks off at byte {offset + position}"
            anomalies.append(
                Anomaly(kind=AnomalyKind.END_RECORD, detail=detail, offset=offset + position, field="size")
            )
            break
        name = decode_name(central.name, central.flags)
        entries.append(Entry(central, name, None))
        check_entry(central, name, anomalies)
        position = central.end - offset
    if len(entries) >= MAX_MEMBERS and position < len(directory):
        detail = f"the archive has more than {MAX_MEMBERS} members; the rest was not read"
        anomalies.append(Anomaly(kind=AnomalyKind.CEILING, detail=detail, offset=offset + position))
    elif end.entries not in (len(entries), records.SENTINEL_16):
        detail = f"the end record counts {end.entries} entries; the central directory has {len(entries)}"
        anomalies.append(Anomaly(kind=AnomalyKind.END_RECORD, detail=detail, offset=end.offset, field="entries"))
    return entries


def _attach_local(source: Source, entry: Entry, directory_offset: int, anomalies: list[Anomaly]) -> None:
    """Read the local header at the entry's offset and record how it differs from the entry."""
    offset = entry.central.header_offset
    entry.local = read_local(source, offset) if offset < directory_offset else None
    if entry.local is None:
        detail = f"no local header lies at byte {offset}, where the central directory puts it"
        anomalies.append(Anomaly(kind=AnomalyKind.MISSING_MEMBER, detail=detail, member=entry.name, offset=offset))
    else:
        check_local(entry.central, entry.local, entry.name, anomalies)


def read_local(source: Source, offset: int) -> LocalHeader | None:
    """The local header at `offset`, or None where none lies."""
    content = source.read_at(offset, _LOCAL_READ)
    local = records.parse_local(content, offset)
    if local is None and content.startswith(records.LOCAL_SIGNATURE):
        local = records.parse_local(source.read_at(offset, records.LOCAL_SIZE + 2 * 0xFFFF), offset)
    return local


def _check_duplicates(entries: list[Entry], anomalies: list[Anomaly]) -> None:
    """Record every name that the central directory lists more than once."""
    counts: dict[str, int] = {}
    for entry in entries:
        counts[entry.name] = counts.get(entry.name, 0) + 1
    anomalies += [
        Anomaly(kind=AnomalyKind.DUPLICATE_MEMBER, detail=f"`{name}` is there {count} times", member=name)
        for name, count in counts.items()
        if count > 1
    ]


def _check_extents(source: Source, entries: list[Entry], directory_offset: int, anomalies: list[Anomaly]) -> None:
    """Account for every byte from the start of the file to the central directory."""
    position = 0
    previous = None
    for start, stop, entry in _extents(source, entries):
        if start < position and previous is not None:
            detail = f"its data and that of `{previous.name}` share the bytes from {start} to {position}"
            anomalies.append(Anomaly(kind=AnomalyKind.OVERLAP, detail=detail, member=entry.name, offset=start))
        elif start > position:
            check_gap(source, position, start, anomalies)
        if stop > directory_offset:
            detail = f"its data reaches to byte {stop}; the central directory begins at byte {directory_offset}"
            anomalies.append(Anomaly(kind=AnomalyKind.OVERLAP, detail=detail, member=entry.name, offset=start))
        if stop >= position:
            position, previous = stop, entry
    if position < directory_offset:
        check_gap(source, position, directory_offset, anomalies)


def _extents(source: Source, entries: list[Entry]) -> list[tuple[int, int, Entry]]:
    """(first byte, byte behind the last, entry) of each member that has a local header, in file order."""
    extents = [
        (entry.local.offset, data_end(source, entry.central, entry.local), entry)
        for entry in entries
        if entry.local is not None
    ]
    extents.sort(key=lambda extent: extent[:2])
    return extents


def _check_tail(source: Source, end: EndRecord, directory_end: int, anomalies: list[Anomaly]) -> None:
    """Record what lies behind the central directory: another end record, a comment, trailing bytes."""
    if directory_end < end.offset and not _is_zip64_frame(source, directory_end):
        check_gap(source, directory_end, end.offset, anomalies)
    if end.entries != end.entries_on_disk:
        detail = f"the end record counts {end.entries} entries and {end.entries_on_disk} on this disk"
        anomalies.append(Anomaly(kind=AnomalyKind.END_RECORD, detail=detail, offset=end.offset, field="entries"))
    if end.disk or end.directory_disk:
        detail = f"the end record speaks of disks {end.disk} and {end.directory_disk}"
        anomalies.append(Anomaly(kind=AnomalyKind.END_RECORD, detail=detail, offset=end.offset, field="disk"))
    if end.comment_length:
        _check_comment(source, end, anomalies)
    if end.end < source.size:
        check_gap(source, end.end, source.size, anomalies)


def _is_zip64_frame(source: Source, offset: int) -> bool:
    """Whether a ZIP64 end record or locator lies at `offset`."""
    return source.read_at(offset, 4) in {records.END64_SIGNATURE, records.LOCATOR64_SIGNATURE}


def _check_comment(source: Source, end: EndRecord, anomalies: list[Anomaly]) -> None:
    """Record the archive comment, and whether another end record hides in it."""
    comment = source.read_at(end.offset + records.END_SIZE, end.comment_length)
    control = any(1 <= byte <= 8 for byte in comment)
    detail = f"the archive has a comment of {end.comment_length} bytes"
    anomalies.append(
        Anomaly(
            kind=AnomalyKind.ARCHIVE_COMMENT,
            detail=detail,
            offset=end.offset,
            field="control" if control else None,
        )
    )
    if records.END_SIGNATURE in comment:
        detail = "the archive comment holds another end record: readers differ in which one they follow"
        anomalies.append(Anomaly(kind=AnomalyKind.END_RECORD, detail=detail, offset=end.offset, field="second"))
