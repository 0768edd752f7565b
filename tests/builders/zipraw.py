"""Write ZIP archives byte by byte, so that a test can plant one wrong field and leave all others right.

    entries = [ZipEntry(name="a.py", content=b"pass\\n", local=LocalFields(crc=0))]
    archive = build_zip(entries, ZipLayout(trailing=b"junk"))
    zipfile.ZipFile(io.BytesIO(archive)).namelist()

A field left at None is computed so that the archive is consistent, `zipfile` reads it and PyPI takes it.
Section numbers are those of PKWARE's APPNOTE.TXT 6.3.10.
"""

from __future__ import annotations

import bz2
import struct
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tests.builders._override import either

if TYPE_CHECKING:
    from collections.abc import Sequence

STORED: Final = 0
DEFLATED: Final = 8
BZIP2: Final = 12
LZMA: Final = 14
ZSTANDARD: Final = 93

FLAG_ENCRYPTED: Final = 1 << 0
FLAG_DESCRIPTOR: Final = 1 << 3
FLAG_PATCHED: Final = 1 << 5
FLAG_STRONG_ENCRYPTION: Final = 1 << 6
FLAG_UTF8: Final = 1 << 11

EXTRA_ZIP64: Final = 0x0001
EXTRA_UNICODE_PATH: Final = 0x7075

REGULAR_FILE: Final = 0o100644
EPOCH_DATE: Final = (1 << 5) | 1
"""1980-01-01, the first day a ZIP can name (section 4.4.6)."""

_UNIX: Final = 3 << 8
_SENTINEL_16: Final = 0xFFFF
_SENTINEL_32: Final = 0xFFFFFFFF

_LOCAL: Final = struct.Struct("<4s5H3L2H")
_CENTRAL: Final = struct.Struct("<4s6H3L5H2L")
_ZIP64_END: Final = struct.Struct("<4sQ2H2L4Q")
_ZIP64_LOCATOR: Final = struct.Struct("<4sLQL")
_END: Final = struct.Struct("<4s4H2LH")


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalFields:
    """Overrides for one local file header (section 4.3.7)."""

    signature: bytes | None = None
    version_needed: int | None = None
    flags: int | None = None
    method: int | None = None
    time: int | None = None
    date: int | None = None
    crc: int | None = None
    compressed_size: int | None = None
    size: int | None = None
    name_length: int | None = None
    extra_length: int | None = None
    name: bytes | None = None
    extra: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CentralFields:
    """Overrides for one entry of the central directory (section 4.3.12)."""

    signature: bytes | None = None
    version_made_by: int | None = None
    version_needed: int | None = None
    flags: int | None = None
    method: int | None = None
    time: int | None = None
    date: int | None = None
    crc: int | None = None
    compressed_size: int | None = None
    size: int | None = None
    name_length: int | None = None
    extra_length: int | None = None
    comment_length: int | None = None
    disk: int | None = None
    internal_attributes: int | None = None
    external_attributes: int | None = None
    offset: int | None = None
    name: bytes | None = None
    extra: bytes | None = None
    comment: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Descriptor:
    """A data descriptor behind the member's bytes (section 4.3.9); it sets flag bit 3 in both headers."""

    signature: bool = True
    wide: bool = False
    """Eight-byte sizes, as ZIP64 writes them."""
    crc: int | None = None
    compressed_size: int | None = None
    size: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Zip64EndFields:
    """Overrides for the ZIP64 end of central directory record (section 4.3.14)."""

    present: bool = True
    signature: bytes | None = None
    record_size: int | None = None
    version_made_by: int | None = None
    version_needed: int | None = None
    disk: int | None = None
    central_disk: int | None = None
    disk_entries: int | None = None
    total_entries: int | None = None
    central_size: int | None = None
    central_offset: int | None = None
    extensible: bytes = b""
    """The "extensible data sector"; PyPI refuses any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Zip64LocatorFields:
    """Overrides for the ZIP64 end of central directory locator (section 4.3.15)."""

    present: bool = True
    signature: bytes | None = None
    disk: int | None = None
    offset: int | None = None
    disks: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndFields:
    """Overrides for one end of central directory record (section 4.3.16)."""

    signature: bytes | None = None
    disk: int | None = None
    central_disk: int | None = None
    disk_entries: int | None = None
    total_entries: int | None = None
    central_size: int | None = None
    central_offset: int | None = None
    comment_length: int | None = None
    comment: bytes | None = None
    """The archive comment of this record; by default the layout's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ZipEntry:
    """One member. What is set here goes into both headers; `local` and `central` change one of them alone."""

    name: str | bytes
    content: bytes = b""
    method: int = DEFLATED
    payload: bytes | None = None
    """The bytes behind the local header; by default `content` compressed with `method`."""
    mode: int = REGULAR_FILE
    """Unix type and permissions, the upper half of the external attributes."""
    extra: bytes = b""
    comment: bytes = b""
    zip64: bool = False
    """Write the sizes as 0xFFFFFFFF and the real ones in a ZIP64 extra field (section 4.5.3)."""
    descriptor: Descriptor | None = None
    in_local: bool = True
    """False writes no local header and no bytes: the central entry points at nothing."""
    in_central: bool = True
    """False hides the member from everyone who reads the central directory."""
    before: bytes = b""
    """Bytes that belong to no record, ahead of the local header."""
    after: bytes = b""
    """Bytes that belong to no record, behind the member's bytes and descriptor."""
    local: LocalFields = field(default_factory=LocalFields)
    central: CentralFields = field(default_factory=CentralFields)


@dataclass(frozen=True, slots=True, kw_only=True)
class ZipLayout:
    """Everything about the archive that is not a member."""

    prefix: bytes = b""
    prefix_counted: bool = True
    """Whether offsets count from the first byte of the file, or from the first byte behind the prefix."""
    before_central: bytes = b""
    before_end: bytes = b""
    trailing: bytes = b""
    comment: bytes = b""
    central_order: tuple[int, ...] | None = None
    """Indices of the entries in the order of the central directory; by default the order of the members."""
    zip64: bool = False
    """Write a ZIP64 end record and locator, and nothing but sentinels in the classic end record."""
    zip64_end: Zip64EndFields = field(default_factory=Zip64EndFields)
    zip64_locator: Zip64LocatorFields = field(default_factory=Zip64LocatorFields)
    ends: tuple[EndFields, ...] = field(default_factory=lambda: (EndFields(),))
    """One end record each, one behind the other; an empty tuple writes none."""


PLAIN: Final = ZipLayout()
"""Nothing but members, central directory and one end record."""


def build_zip(entries: Sequence[ZipEntry], layout: ZipLayout = PLAIN) -> bytes:
    """Write the members, the central directory and the end records, in this order."""
    archive = bytearray(layout.prefix)
    base = 0 if layout.prefix_counted else len(layout.prefix)
    offsets = []
    for entry in entries:
        archive += entry.before
        offsets.append(len(archive) - base)
        archive += local_record(entry) + entry.after
    archive += layout.before_central
    order = range(len(entries)) if layout.central_order is None else layout.central_order
    central = [central_record(entries[index], offsets[index]) for index in order if entries[index].in_central]
    directory = _Directory(entries=len(central), size=sum(map(len, central)), offset=len(archive) - base)
    archive += b"".join(central) + layout.before_end
    if layout.zip64:
        archive += _zip64_end_records(layout, directory, len(archive) - base)
    archive += b"".join(_end_record(end, layout, directory) for end in layout.ends)
    return bytes(archive + layout.trailing)


def local_record(entry: ZipEntry) -> bytes:
    """The local file header, the member's bytes and its data descriptor (sections 4.3.7 to 4.3.9)."""
    if not entry.in_local:
        return b""
    change, truth = entry.local, _Truth.of(entry)
    name = either(change.name, truth.name)
    sizes = (truth.size, truth.compressed_size)
    extra = either(change.extra, entry.extra + (zip64_extra(*sizes) if entry.zip64 else b""))
    later = entry.descriptor is not None
    written = (_SENTINEL_32, _SENTINEL_32) if entry.zip64 else (0, 0) if later else sizes
    header = _LOCAL.pack(
        either(change.signature, b"PK\x03\x04"),
        either(change.version_needed, truth.version_needed),
        either(change.flags, truth.flags),
        either(change.method, entry.method),
        either(change.time, 0),
        either(change.date, EPOCH_DATE),
        either(change.crc, 0 if later else truth.crc),
        either(change.compressed_size, written[1]),
        either(change.size, written[0]),
        either(change.name_length, len(name)),
        either(change.extra_length, len(extra)),
    )
    return header + name + extra + truth.payload + _descriptor(entry.descriptor, truth)


def central_record(entry: ZipEntry, offset: int) -> bytes:
    """The entry of the central directory for a member whose local header is at `offset` (section 4.3.12)."""
    change, truth = entry.central, _Truth.of(entry)
    name = either(change.name, truth.name)
    sizes = (truth.size, truth.compressed_size)
    extra = either(change.extra, entry.extra + (zip64_extra(*sizes) if entry.zip64 else b""))
    comment = either(change.comment, entry.comment)
    written = (_SENTINEL_32, _SENTINEL_32) if entry.zip64 else sizes
    header = _CENTRAL.pack(
        either(change.signature, b"PK\x01\x02"),
        either(change.version_made_by, _UNIX | truth.version_needed),
        either(change.version_needed, truth.version_needed),
        either(change.flags, truth.flags),
        either(change.method, entry.method),
        either(change.time, 0),
        either(change.date, EPOCH_DATE),
        either(change.crc, truth.crc),
        either(change.compressed_size, written[1]),
        either(change.size, written[0]),
        either(change.name_length, len(name)),
        either(change.extra_length, len(extra)),
        either(change.comment_length, len(comment)),
        either(change.disk, 0),
        either(change.internal_attributes, 0),
        either(change.external_attributes, entry.mode << 16),
        either(change.offset, offset),
    )
    return header + name + extra + comment


def extra_field(identifier: int, body: bytes) -> bytes:
    """One (identifier, length, body) link of an extra area (section 4.5.1)."""
    return struct.pack("<HH", identifier, len(body)) + body


def zip64_extra(*values: int) -> bytes:
    """A ZIP64 extended information field that holds `values`, size before compressed size (section 4.5.3)."""
    return extra_field(EXTRA_ZIP64, struct.pack(f"<{len(values)}Q", *values))


def unicode_path_extra(raw_name: bytes, new_name: str, *, crc: int | None = None, version: int = 1) -> bytes:
    """An Info-ZIP Unicode Path field that renames the member (section 4.6.9)."""
    checksum = either(crc, zlib.crc32(raw_name))
    return extra_field(EXTRA_UNICODE_PATH, struct.pack("<BL", version, checksum) + new_name.encode())


def compress(content: bytes, method: int) -> bytes:
    """`content` as `method` stores it; a method that the standard library lacks leaves it as it is."""
    match method:
        case 8:
            deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
            return deflate.compress(content) + deflate.flush()
        case 12:
            return bz2.compress(content)
        case _:
            return content


@dataclass(frozen=True, slots=True, kw_only=True)
class _Truth:
    """What a consistent archive says about one member."""

    name: bytes
    flags: int
    version_needed: int
    crc: int
    size: int
    compressed_size: int
    payload: bytes

    @classmethod
    def of(cls, entry: ZipEntry) -> _Truth:
        name = entry.name.encode() if isinstance(entry.name, str) else entry.name
        payload = either(entry.payload, compress(entry.content, entry.method))
        unicode_name = isinstance(entry.name, str) and not entry.name.isascii()
        return cls(
            name=name,
            flags=(FLAG_UTF8 if unicode_name else 0) | (FLAG_DESCRIPTOR if entry.descriptor else 0),
            version_needed=45 if entry.zip64 else 46 if entry.method == BZIP2 else 20,
            crc=zlib.crc32(entry.content),
            size=len(entry.content),
            compressed_size=len(payload),
            payload=payload,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Directory:
    """What a consistent end record says about the central directory."""

    entries: int
    size: int
    offset: int


def _descriptor(descriptor: Descriptor | None, truth: _Truth) -> bytes:
    if descriptor is None:
        return b""
    numbers = (
        either(descriptor.crc, truth.crc),
        either(descriptor.compressed_size, truth.compressed_size),
        either(descriptor.size, truth.size),
    )
    signature = b"PK\x07\x08" if descriptor.signature else b""
    return signature + struct.pack("<LQQ" if descriptor.wide else "<LLL", *numbers)


def _zip64_end_records(layout: ZipLayout, directory: _Directory, offset: int) -> bytes:
    end, locator = layout.zip64_end, layout.zip64_locator
    record = _ZIP64_END.pack(
        either(end.signature, b"PK\x06\x06"),
        either(end.record_size, _ZIP64_END.size - 12 + len(end.extensible)),
        either(end.version_made_by, _UNIX | 45),
        either(end.version_needed, 45),
        either(end.disk, 0),
        either(end.central_disk, 0),
        either(end.disk_entries, directory.entries),
        either(end.total_entries, directory.entries),
        either(end.central_size, directory.size),
        either(end.central_offset, directory.offset),
    )
    pointer = _ZIP64_LOCATOR.pack(
        either(locator.signature, b"PK\x06\x07"),
        either(locator.disk, 0),
        either(locator.offset, offset),
        either(locator.disks, 1),
    )
    return (record + end.extensible if end.present else b"") + (pointer if locator.present else b"")


def _end_record(end: EndFields, layout: ZipLayout, directory: _Directory) -> bytes:
    comment = either(end.comment, layout.comment)
    entries = _SENTINEL_16 if layout.zip64 else directory.entries
    size, offset = (_SENTINEL_32, _SENTINEL_32) if layout.zip64 else (directory.size, directory.offset)
    record = _END.pack(
        either(end.signature, b"PK\x05\x06"),
        either(end.disk, 0),
        either(end.central_disk, 0),
        either(end.disk_entries, entries),
        either(end.total_entries, entries),
        either(end.central_size, size),
        either(end.central_offset, offset),
        either(end.comment_length, len(comment)),
    )
    return record + comment
