"""Our own walk over the framing of a ZIP archive: end records, central directory, local headers.

`zipfile` is lenient where installers and PyPI disagree, and its verdict changes from one Python release to the
next; so every irregularity is recorded here as an `Anomaly`, and none stops the walk as long as a central directory
can be found. Nothing is judged.

Source: PKWARE APPNOTE.TXT 6.3.10, sections 4.3 and 4.4.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from auditor.archive import zip_records as records
from auditor.archive.anomalies import Anomalies
from auditor.archive.looks import is_tar, looks_like
from auditor.archive.zip_checks import check_entry, check_gap, check_local, data_end, decode_name, read_local
from auditor.archive.zip_end import check_tail, find_end, locate_directory
from auditor.archive.zip_records import CentralEntry, LocalHeader
from auditor.facts.archive import Anomaly, AnomalyKind

if TYPE_CHECKING:
    from auditor.archive.source import Source
    from auditor.archive.zip_end import Directory

MAX_MEMBERS = 200_000
"""Entries of the central directory that are read. The largest wheels known have about 20,000."""
MAX_DIRECTORY_SIZE = 64 << 20
"""Bytes of central directory that are read: over 300 for each of the members allowed."""
_SLACK = 1 << 20
"""Bytes of local headers that are read beyond those that the file can hold, so that a few which overlap are seen."""
_START = 512
"""First bytes of the file that say what it is: one block of a tar archive."""


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
    anomalies: Anomalies


def read_framing(source: Source) -> Framing:
    """Walk the framing of `source`. Reads the end, the central directory and each local header; no content."""
    anomalies = Anomalies()
    start = source.read_at(0, _START)
    end = find_end(source)
    if end is None:
        anomalies.append(_not_an_archive(source, start))
        return Framing([], anomalies)
    if is_tar(start):
        detail = "its first block is the header of a tar archive too"
        anomalies.append(Anomaly(kind=AnomalyKind.TAR, detail=detail, offset=0))
    directory = locate_directory(source, end, anomalies)
    entries: list[Entry] = []
    if directory is not None:
        entries, directory_end = _read_directory(source, directory, anomalies)
        whole = _attach_locals(source, entries, directory, anomalies)
        _check_duplicates(entries, anomalies)
        if directory_end is not None and whole:
            _check_extents(source, entries, directory.offset, anomalies)
            if directory_end < directory.frame_start:
                check_gap(source, directory_end, directory.frame_start, anomalies)
    check_tail(source, end, anomalies)
    return Framing(entries, anomalies)


def _not_an_archive(source: Source, start: bytes) -> Anomaly:
    """Why there is no end record: a truncated archive, or something else altogether."""
    if start.startswith(records.LOCAL_SIGNATURE):
        detail = "it begins as a ZIP archive and has no end record"
        return Anomaly(kind=AnomalyKind.TRUNCATED, detail=detail, offset=source.size)
    return Anomaly(kind=AnomalyKind.NOT_A_ZIP, detail=looks_like(start), offset=0)


def _read_directory(source: Source, directory: Directory, anomalies: Anomalies) -> tuple[list[Entry], int | None]:
    """Every entry of the central directory, and the first byte behind them; None where not all were read.

    The entries say where the directory ends: what the end record says of it is compared with them.
    """
    room = directory.frame_start - directory.offset
    content = source.read_at(directory.offset, min(room, MAX_DIRECTORY_SIZE))
    entries: list[Entry] = []
    position = 0
    while (central := records.parse_central(content, position, directory.offset)) is not None:
        if len(entries) >= MAX_MEMBERS:
            detail = f"the archive has more than {MAX_MEMBERS} members; the rest was not read"
            anomalies.append(Anomaly(kind=AnomalyKind.CEILING, detail=detail, offset=central.offset))
            return entries, None
        name = decode_name(central.name, central.flags)
        entries.append(Entry(central, name, None))
        check_entry(central, name, anomalies)
        position = central.end - directory.offset
    end = directory.offset + position
    if room > MAX_DIRECTORY_SIZE and content.startswith(records.CENTRAL_SIGNATURE, position):
        detail = f"the central directory has more than {MAX_DIRECTORY_SIZE} bytes; the rest was not read"
        anomalies.append(Anomaly(kind=AnomalyKind.CEILING, detail=detail, offset=end))
        return entries, None
    if position != directory.size:
        detail = f"the end record gives the central directory {directory.size} bytes; its entries take {position}"
        _note_end(directory, detail, "size", anomalies)
    if len(entries) != directory.entries:
        detail = f"the end record counts {directory.entries} entries; the central directory has {len(entries)}"
        _note_end(directory, detail, "entries", anomalies)
    return entries, end


def _note_end(directory: Directory, detail: str, field: str, anomalies: Anomalies) -> None:
    """Record that the end record is wrong about the directory."""
    anomaly = Anomaly(kind=AnomalyKind.END_RECORD, detail=detail, offset=directory.end_offset, field=field)
    anomalies.append(anomaly)


def _attach_locals(source: Source, entries: list[Entry], directory: Directory, anomalies: Anomalies) -> bool:
    """Read the local header of every entry, and say whether all were read.

    Headers that do not overlap are no larger together than the file: more than that is not read, or a small file
    whose entries share large headers would keep us busy for hours.
    """
    room = directory.offset + _SLACK
    shift = _shift(source, entries, directory)
    for entry in entries:
        offset = entry.central.header_offset + shift
        entry.local = read_local(source, offset) if offset < directory.offset else None
        if entry.local is None:
            detail = f"no local header lies at byte {offset}, where the central directory puts it"
            anomaly = Anomaly(kind=AnomalyKind.MISSING_MEMBER, detail=detail, member=entry.name, offset=offset)
            anomalies.append(anomaly)
            continue
        room -= entry.local.data_offset - entry.local.offset
        if room < 0:
            detail = "the local headers overlap: together they have more bytes than the file; the rest was not read"
            anomalies.append(Anomaly(kind=AnomalyKind.CEILING, detail=detail, member=entry.name, offset=offset))
            entry.local = None
            return False
        check_local(entry.central, entry.local, entry.name, anomalies)
    return True


def _shift(source: Source, entries: list[Entry], directory: Directory) -> int:
    """What to add to the offsets of the entries: the directory's shift, as `zipfile` does, if a member lies there."""
    if not directory.shift or not entries:
        return 0
    shifted = source.read_at(entries[0].central.header_offset + directory.shift, 4)
    return directory.shift if shifted == records.LOCAL_SIGNATURE else 0


def _check_duplicates(entries: list[Entry], anomalies: Anomalies) -> None:
    """Record every name that the central directory lists more than once."""
    for name, count in Counter(entry.name for entry in entries).items():
        if count > 1:
            detail = f"it is there {count} times"
            anomalies.append(Anomaly(kind=AnomalyKind.DUPLICATE_MEMBER, detail=detail, member=name))


def _check_extents(source: Source, entries: list[Entry], directory_offset: int, anomalies: Anomalies) -> None:
    """Account for every byte from the start of the file to the central directory."""
    position = 0
    previous = None
    for start, stop, entry in _extents(source, entries):
        if start < position and previous is not None:
            detail = f"its bytes and those of `{previous.name}` overlap from byte {start} to {min(stop, position)}"
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
