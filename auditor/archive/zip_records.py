"""The records that frame a ZIP archive, one parser a record.

Source: PKWARE APPNOTE.TXT 6.3.10; the section stands at each record. All numbers are little-endian.
"""

from __future__ import annotations

import struct

import msgspec

LOCAL_SIGNATURE = b"PK\x03\x04"
CENTRAL_SIGNATURE = b"PK\x01\x02"
END_SIGNATURE = b"PK\x05\x06"
END64_SIGNATURE = b"PK\x06\x06"
LOCATOR64_SIGNATURE = b"PK\x06\x07"
DESCRIPTOR_SIGNATURE = b"PK\x07\x08"

LOCAL_SIZE = 30
CENTRAL_SIZE = 46
END_SIZE = 22
END64_SIZE = 56
LOCATOR64_SIZE = 20

FLAG_ENCRYPTED = 1 << 0
FLAG_DESCRIPTOR = 1 << 3
FLAG_PATCHED = 1 << 5
FLAG_STRONG_ENCRYPTION = 1 << 6
FLAG_UTF8 = 1 << 11
FLAG_MASKED_HEADER = 1 << 13

EXTRA_ZIP64 = 0x0001
EXTRA_UNICODE_PATH = 0x7075
EXTRA_UNICODE_COMMENT = 0x6375

SENTINEL_16 = 0xFFFF
SENTINEL_32 = 0xFFFFFFFF

_ZIP64_LENGTHS = frozenset({0, 8, 16, 24, 28})
"""One, two or three values, and a disk number behind three."""

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s4B4H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR64 = struct.Struct("<4sLQL")


class Zip64Problem(msgspec.Struct, frozen=True):
    """Why a ZIP64 block does not say what it should."""

    field: str
    """`length`, or the value that it contradicts: `size`, `compressed size`, `offset`."""
    detail: str


class LocalHeader(msgspec.Struct, frozen=True):
    """Local file header (4.3.7)."""

    offset: int
    version_needed: int
    flags: int
    method: int
    crc: int
    compressed_size: int
    size: int
    name: bytes
    extra: bytes

    @property
    def data_offset(self) -> int:
        """Where the member's data begins."""
        return self.offset + LOCAL_SIZE + len(self.name) + len(self.extra)


class CentralEntry(msgspec.Struct, frozen=True):
    """Central directory header (4.3.12), its ZIP64 fields resolved."""

    offset: int
    """Of this entry itself."""
    made_by_system: int
    version_needed: int
    flags: int
    method: int
    time: int
    date: int
    crc: int
    compressed_size: int
    size: int
    disk: int
    external_attributes: int
    header_offset: int
    name: bytes
    extra: bytes
    comment: bytes
    zip64_problem: Zip64Problem | None

    @property
    def end(self) -> int:
        """The first byte behind this entry."""
        return self.offset + CENTRAL_SIZE + len(self.name) + len(self.extra) + len(self.comment)


class EndRecord(msgspec.Struct, frozen=True):
    """End of central directory record (4.3.16)."""

    offset: int
    disk: int
    directory_disk: int
    entries_on_disk: int
    entries: int
    directory_size: int
    directory_offset: int
    comment_length: int

    @property
    def end(self) -> int:
        """The first byte behind the archive comment."""
        return self.offset + END_SIZE + self.comment_length


class End64Record(msgspec.Struct, frozen=True):
    """ZIP64 end of central directory record (4.3.14)."""

    offset: int
    record_size: int
    """Bytes that follow the size field itself: 44 without extensible data."""
    disk: int
    directory_disk: int
    entries_on_disk: int
    entries: int
    directory_size: int
    directory_offset: int


class Locator64(msgspec.Struct, frozen=True):
    """ZIP64 end of central directory locator (4.3.15)."""

    offset: int
    disk: int
    record_offset: int
    disks: int


class ExtraField(msgspec.Struct, frozen=True):
    """One block of an extra field (4.5.1)."""

    identifier: int
    content: bytes


def parse_local(content: bytes, offset: int) -> LocalHeader | None:
    """The local header that `content` begins with, or None where it is no whole one."""
    if len(content) < LOCAL_SIZE or not content.startswith(LOCAL_SIGNATURE):
        return None
    fields = _LOCAL.unpack_from(content)
    _, version, flags, method, _time, _date, crc, compressed, size, name_length, extra_length = fields
    end = LOCAL_SIZE + name_length + extra_length
    if len(content) < end:
        return None
    name = content[LOCAL_SIZE : LOCAL_SIZE + name_length]
    extra = content[LOCAL_SIZE + name_length : end]
    return LocalHeader(offset, version, flags, method, crc, compressed, size, name, extra)


def parse_central(directory: bytes, position: int, base: int) -> CentralEntry | None:
    """The central entry at `position` of `directory`, which lies at `base` in the file; None where none is."""
    if len(directory) - position < CENTRAL_SIZE or directory[position : position + 4] != CENTRAL_SIGNATURE:
        return None
    fields = _CENTRAL.unpack_from(directory, position)
    _, _, made_by, version, _, flags, method, time, date, crc, compressed, size = fields[:12]
    name_length, extra_length, comment_length, disk, _internal, external, header_offset = fields[12:]
    name_end = position + CENTRAL_SIZE + name_length
    extra_end = name_end + extra_length
    if len(directory) < extra_end + comment_length:
        return None
    extra = directory[name_end:extra_end]
    size, compressed, header_offset, problem = _resolve_zip64(extra, size, compressed, header_offset)
    return CentralEntry(
        offset=base + position,
        made_by_system=made_by,
        version_needed=version,
        flags=flags,
        method=method,
        time=time,
        date=date,
        crc=crc,
        compressed_size=compressed,
        size=size,
        disk=disk,
        external_attributes=external,
        header_offset=header_offset,
        name=directory[position + CENTRAL_SIZE : name_end],
        extra=extra,
        comment=directory[extra_end : extra_end + comment_length],
        zip64_problem=problem,
    )


def parse_end(content: bytes, offset: int) -> EndRecord | None:
    """The end record that `content` begins with."""
    if len(content) < END_SIZE or not content.startswith(END_SIGNATURE):
        return None
    return EndRecord(offset, *_END.unpack_from(content)[1:])


def parse_end64(content: bytes, offset: int) -> End64Record | None:
    """The ZIP64 end record that `content` begins with."""
    if len(content) < END64_SIZE or not content.startswith(END64_SIGNATURE):
        return None
    _, record_size, _made_by, _needed, disk, directory_disk, *rest = _END64.unpack_from(content)
    return End64Record(offset, record_size, disk, directory_disk, *rest)


def parse_locator64(content: bytes, offset: int) -> Locator64 | None:
    """The ZIP64 locator that `content` begins with."""
    if len(content) < LOCATOR64_SIZE or not content.startswith(LOCATOR64_SIGNATURE):
        return None
    _, disk, record_offset, disks = _LOCATOR64.unpack_from(content)
    return Locator64(offset, disk, record_offset, disks)


def parse_extra(extra: bytes) -> tuple[list[ExtraField], bytes]:
    """The blocks of an extra field, and what is left over where they do not fill it exactly (4.5.1)."""
    blocks = []
    position = 0
    while len(extra) - position >= 4:
        identifier, length = struct.unpack_from("<2H", extra, position)
        if position + 4 + length > len(extra):
            break
        blocks.append(ExtraField(identifier, extra[position + 4 : position + 4 + length]))
        position += 4 + length
    return blocks, extra[position:]


def resolve_local_zip64(header: LocalHeader) -> tuple[int, int, Zip64Problem | None]:
    """(compressed size, size, what contradicts) of a local header, with its ZIP64 values (4.5.3).

    Here the block must hold both sizes. Eight bytes are one of them, which will do only where both are the same:
    for a stored member.
    """
    size, compressed, _, problem = _resolve_zip64(header.extra, header.size, header.compressed_size, None)
    if problem is None and header.method != 0 and any(len(content) == 8 for content in _zip64_blocks(header.extra)):
        problem = Zip64Problem(
            "length", "the ZIP64 block of its local header has one size; a compressed member has two"
        )
    return compressed, size, problem


def _zip64_blocks(extra: bytes) -> list[bytes]:
    """The contents of the ZIP64 blocks."""
    return [block.content for block in parse_extra(extra)[0] if block.identifier == EXTRA_ZIP64]


def _resolve_zip64(
    extra: bytes, size: int, compressed: int, header_offset: int | None
) -> tuple[int, int, int, Zip64Problem | None]:
    """Size, compressed size and offset with their ZIP64 values, and what contradicts (4.5.3).

    The block holds 64-bit values for those fields that are all ones, in this order. Some writers put values there
    for the others too; that is no fault as long as each stands at its place and says the same, since some readers go
    by the place. A local header has no offset.
    """
    values = [size, compressed] if header_offset is None else [size, compressed, header_offset]
    wanted = [index for index, value in enumerate(values) if value == SENTINEL_32]
    blocks = _zip64_blocks(extra) if extra else []
    content = blocks[0] if blocks else b""
    numbers = struct.unpack(f"<{len(content) // 8}Q", content[: len(content) // 8 * 8])
    for index, number in zip(wanted, numbers, strict=False):
        values[index] = number
    problem = None
    if wanted and not blocks:
        problem = Zip64Problem("length", "a size or offset is FFFFFFFF without a ZIP64 block")
    elif len(numbers) < len(wanted):
        detail = f"its ZIP64 block has {len(content)} bytes where {8 * len(wanted)} are needed"
        problem = Zip64Problem("length", detail)
    elif len(content) not in _ZIP64_LENGTHS:
        problem = Zip64Problem("length", f"its ZIP64 block has {len(content)} bytes, which is no length of one")
    elif len(numbers) > len(wanted):
        problem = _contradiction(values, numbers)
    return values[0], values[1], values[2] if len(values) > 2 else 0, problem


def _contradiction(values: list[int], numbers: tuple[int, ...]) -> Zip64Problem | None:
    """The first value that a ZIP64 block with more values than sentinels states otherwise."""
    for field, value, number in zip(("size", "compressed size", "offset"), values, numbers, strict=False):
        if value != number:
            detail = f"its ZIP64 block contradicts the 32-bit fields: the {field} is {number} there and {value} here"
            return Zip64Problem(field, detail)
    return None
