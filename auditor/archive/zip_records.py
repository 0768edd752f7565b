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

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s4B4H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR64 = struct.Struct("<4sLQL")


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
    zip64_problem: str | None

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


def resolve_local_zip64(header: LocalHeader) -> tuple[int, int]:
    """(compressed size, size) of a local header, from its ZIP64 block where the 32-bit fields say so (4.5.3)."""
    size, compressed, _, _ = _resolve_zip64(header.extra, header.size, header.compressed_size, 0)
    return compressed, size


def _resolve_zip64(extra: bytes, size: int, compressed: int, header_offset: int) -> tuple[int, int, int, str | None]:
    """Size, compressed size and offset with their ZIP64 values, and what contradicts (4.5.3).

    The block holds 64-bit values for those fields that are all ones, in this order, and nothing else.
    """
    values = [size, compressed, header_offset]
    wanted = [index for index, value in enumerate(values) if value == SENTINEL_32]
    blocks = [block for block in parse_extra(extra)[0] if block.identifier == EXTRA_ZIP64]
    if not blocks:
        problem = "a size or offset is FFFFFFFF without a ZIP64 block" if wanted else None
        return size, compressed, header_offset, problem
    problem = "it has more than one ZIP64 block" if len(blocks) > 1 else None
    content = blocks[0].content
    if len(content) < 8 * len(wanted):
        problem = f"its ZIP64 block has {len(content)} bytes where {8 * len(wanted)} are needed"
    elif not wanted and content:
        numbers = struct.unpack(f"<{len(content) // 8}Q", content[: len(content) // 8 * 8])
        if any(number not in values for number in numbers):
            problem = "its ZIP64 block contradicts the 32-bit fields, which are no sentinels"
    elif len(content) > 8 * len(wanted) and len(content) not in {16, 24, 28}:
        problem = f"its ZIP64 block has {len(content)} bytes where {8 * len(wanted)} are needed"
    for place, index in enumerate(wanted):
        if len(content) >= 8 * (place + 1):
            values[index] = struct.unpack_from("<Q", content, 8 * place)[0]
    return values[0], values[1], values[2], problem
