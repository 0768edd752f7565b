"""What is irregular about one record of the framing, or about the bytes between two.

Each check adds its `Anomaly` to a list and goes on. Source: PKWARE APPNOTE.TXT 6.3.10, sections 4.3 to 4.5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.archive import zip_records as records
from auditor.archive.source import chunks
from auditor.facts.archive import Anomaly, AnomalyKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from auditor.archive.source import Source
    from auditor.archive.zip_records import CentralEntry, LocalHeader

VERSION_NEEDED_MAX = 63
"""6.3: the newest version that CPython's `zipfile` and uv extract (APPNOTE 4.4.3.2)."""
_SUPPORTED_METHODS = (0, 8)
_DESCRIPTOR_LENGTHS = ((16, True, False), (24, True, True), (12, False, False), (20, False, True))
"""(bytes, with signature, with 64-bit sizes) of the forms a data descriptor takes (4.3.9)."""


def decode_name(name: bytes, flags: int) -> str:
    """The name as `zipfile` and the installers that use it decode it (4.4.4, bit 11; appendix D)."""
    if flags & records.FLAG_UTF8:
        return name.decode("utf-8", "backslashreplace")
    return name.decode("cp437")


def check_entry(central: CentralEntry, name: str, anomalies: list[Anomaly]) -> None:
    """Record what is irregular about a central entry by itself."""

    def note(kind: AnomalyKind, detail: str, field: str | None = None) -> None:
        anomalies.append(Anomaly(kind=kind, detail=detail, member=name, offset=central.offset, field=field))

    if central.comment:
        note(AnomalyKind.MEMBER_COMMENT, f"its central entry has a comment of {len(central.comment)} bytes")
    if central.zip64_problem:
        note(AnomalyKind.ZIP64, central.zip64_problem)
    if central.version_needed & 0xFF > VERSION_NEEDED_MAX:
        version = central.version_needed & 0xFF
        note(AnomalyKind.VERSION_NEEDED, f"it needs ZIP version {version // 10}.{version % 10}")
    if central.method not in _SUPPORTED_METHODS:
        note(AnomalyKind.COMPRESSION_METHOD, f"its compression method is {central.method}")
    if central.disk:
        note(AnomalyKind.END_RECORD, f"its central entry places it on disk {central.disk}", "disk")
    for bit, words in (
        (records.FLAG_ENCRYPTED, "encrypted"),
        (records.FLAG_STRONG_ENCRYPTION, "strongly encrypted"),
        (records.FLAG_MASKED_HEADER, "under a masked header"),
        (records.FLAG_PATCHED, "patched data"),
    ):
        if central.flags & bit:
            note(AnomalyKind.ENCRYPTED, f"its flags say that it is {words}")
    _check_name(central.name, central.flags, note)
    _check_extra(central.extra, "central", note)


def check_local(central: CentralEntry, local: LocalHeader, name: str, anomalies: list[Anomaly]) -> None:
    """Record where the local header differs from the central entry, and what is irregular about it."""

    def note(kind: AnomalyKind, detail: str, field: str | None = None) -> None:
        anomalies.append(Anomaly(kind=kind, detail=detail, member=name, offset=local.offset, field=field))

    compressed, size = records.resolve_local_zip64(local)
    descriptor = bool(local.flags & records.FLAG_DESCRIPTOR)
    if descriptor or central.flags & records.FLAG_DESCRIPTOR:
        note(AnomalyKind.DATA_DESCRIPTOR, "its sizes and CRC stand in a data descriptor behind the data")
    pairs: list[tuple[str, object, object]] = [
        (
            "name",
            local.name.decode("utf-8", "backslashreplace"),
            central.name.decode("utf-8", "backslashreplace"),
        ),
        ("method", local.method, central.method),
        ("flags", f"{local.flags:#06x}", f"{central.flags:#06x}"),
    ]
    # With a data descriptor the three fields are zero in the local header (4.4.4, bit 3).
    if not (descriptor and local.crc == 0):
        pairs.append(("CRC", f"{local.crc:08x}", f"{central.crc:08x}"))
    if not (descriptor and compressed == 0):
        pairs.append(("compressed size", compressed, central.compressed_size))
    if not (descriptor and size == 0):
        pairs.append(("size", size, central.size))
    for field, there, here in pairs:
        if there != here:
            detail = f"its {field} is {there} in the local header and {here} in the central directory"
            note(AnomalyKind.HEADER_MISMATCH, detail, field)
    _check_extra(local.extra, "local", note)


def _check_name(name: bytes, flags: int, note: Callable[..., None]) -> None:
    """Record a name that readers decode differently or refuse."""
    if any(byte < 0x20 or byte == 0x7F for byte in name):
        note(AnomalyKind.NAME_ENCODING, "its name has a control character", "control")
    try:
        text = name.decode("utf-8")
    except UnicodeDecodeError:
        note(AnomalyKind.NAME_ENCODING, "its name is not UTF-8", "encoding")
        return
    if not flags & records.FLAG_UTF8 and not name.isascii():
        note(AnomalyKind.NAME_ENCODING, "its name is not ASCII and flag bit 11 (UTF-8) is not set", "flag")
    if not text.isascii() and any(_is_other(character) for character in text):
        note(AnomalyKind.NAME_ENCODING, "its name has an invisible or unassigned character", "other")


def _is_other(character: str) -> bool:
    """Whether the character is in one of Unicode's C categories, and no control character of ASCII."""
    import unicodedata  # only names that are not ASCII need it

    return not character.isascii() and unicodedata.category(character).startswith("C")


def _check_extra(extra: bytes, where: str, note: Callable[..., None]) -> None:
    """Record an extra field that is no chain of blocks, repeats one, or renames the member (4.5, 4.6.8, 4.6.9)."""
    if not extra:
        return
    blocks, rest = records.parse_extra(extra)
    if rest:
        note(
            AnomalyKind.EXTRA_FIELD,
            f"its {where} extra field ends in {len(rest)} bytes that are no block",
            where,
        )
    seen: set[int] = set()
    for block in blocks:
        if block.identifier in seen and block.identifier in {records.EXTRA_ZIP64, records.EXTRA_UNICODE_PATH}:
            note(
                AnomalyKind.EXTRA_FIELD,
                f"its {where} extra field repeats block {block.identifier:#06x}",
                where,
            )
        seen.add(block.identifier)
        if block.identifier in {records.EXTRA_UNICODE_PATH, records.EXTRA_UNICODE_COMMENT}:
            text = block.content[5:].decode("utf-8", "backslashreplace")
            note(AnomalyKind.UNICODE_EXTRA, f"its {where} extra field gives it the other text `{text}`", where)


def data_end(source: Source, central: CentralEntry, local: LocalHeader) -> int:
    """The first byte behind a member's data and its data descriptor, if it has one (4.3.9)."""
    end = local.data_offset + central.compressed_size
    if not local.flags & records.FLAG_DESCRIPTOR:
        return end
    tail = source.read_at(end, 24)
    for length, signed, wide in _DESCRIPTOR_LENGTHS:
        start = 4 if signed else 0
        if signed and not tail.startswith(records.DESCRIPTOR_SIGNATURE):
            continue
        if int.from_bytes(tail[start : start + 4], "little") != central.crc:
            continue
        width = 8 if wide else 4
        if int.from_bytes(tail[start + 4 : start + 4 + width], "little") == central.compressed_size:
            return end + length
    return end


def check_gap(source: Source, start: int, end: int, anomalies: list[Anomaly]) -> None:
    """Record bytes that belong to no record: a member that only a local header knows, or mere stray bytes."""
    content = source.read_at(start, min(end - start, records.LOCAL_SIZE + 2 * 0xFFFF))
    local = records.parse_local(content, start)
    if local is not None:
        name = decode_name(local.name, local.flags)
        detail = f"a local header at byte {start} names `{name}`, which the central directory does not list"
        anomalies.append(Anomaly(kind=AnomalyKind.HIDDEN_MEMBER, detail=detail, member=name, offset=start))
        return
    nul = all(not piece.strip(b"\0") for piece in chunks(source, start, end - start))
    if start == 0:
        where = "before the first record"
    elif end == source.size:
        where = "behind the end of the archive"
    else:
        where = f"between two records, at byte {start}"
    detail = f"{end - start} {'NUL ' if nul else ''}bytes {where} belong to no record"
    anomalies.append(
        Anomaly(
            kind=AnomalyKind.STRAY_BYTES,
            detail=detail,
            offset=start,
            field=("trailing-nul" if nul else "trailing") if end == source.size else None,
        )
    )
