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

    from auditor.archive.anomalies import Anomalies
    from auditor.archive.source import Source
    from auditor.archive.zip_records import CentralEntry, LocalHeader

VERSION_NEEDED_MAX = 63
"""6.3: the newest version that CPython's `zipfile` and uv extract (APPNOTE 4.4.3.2)."""
_SUPPORTED_METHODS = (0, 8)
_LOCAL_READ = 512
"""Bytes read at a local header at first: enough for its name in nearly every archive."""
_DESCRIBED = frozenset({"CRC", "compressed size", "size"})
"""What a data descriptor says in place of the local header."""
_ELSEWHERE = {
    records.CENTRAL_SIGNATURE: (AnomalyKind.END_RECORD, "another central directory"),
    records.END_SIGNATURE: (AnomalyKind.END_RECORD, "another end record"),
    records.END64_SIGNATURE: (AnomalyKind.ZIP64, "a ZIP64 end record"),
    records.LOCATOR64_SIGNATURE: (AnomalyKind.ZIP64, "a ZIP64 locator"),
}
"""Records of the end that may lie where the end record that counts does not lead."""


def decode_name(name: bytes, flags: int) -> str:
    """The name as `zipfile` and the installers that use it decode it (4.4.4, bit 11; appendix D)."""
    if flags & records.FLAG_UTF8:
        return name.decode("utf-8", "backslashreplace")
    return name.decode("cp437")


def check_entry(central: CentralEntry, name: str, anomalies: Anomalies) -> None:
    """Record what is irregular about a central entry by itself."""

    def note(kind: AnomalyKind, detail: str, field: str | None = None) -> None:
        anomalies.append(Anomaly(kind=kind, detail=detail, member=name, offset=central.offset, field=field))

    if central.comment:
        note(AnomalyKind.MEMBER_COMMENT, f"its central entry has a comment of {len(central.comment)} bytes")
    if central.zip64_problem is not None:
        note(AnomalyKind.ZIP64, central.zip64_problem.detail, f"central {central.zip64_problem.field}")
    if central.version_needed > VERSION_NEEDED_MAX:
        major, minor = divmod(central.version_needed, 10)
        note(AnomalyKind.VERSION_NEEDED, f"it needs ZIP version {major}.{minor}")
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


def check_local(central: CentralEntry, local: LocalHeader, name: str, anomalies: Anomalies) -> None:
    """Record where the local header differs from the central entry, and what is irregular about it."""

    def note(kind: AnomalyKind, detail: str, field: str | None = None) -> None:
        anomalies.append(Anomaly(kind=kind, detail=detail, member=name, offset=local.offset, field=field))

    compressed, size, problem = records.resolve_local_zip64(local)
    if problem is not None:
        note(AnomalyKind.ZIP64, problem.detail, f"local {problem.field}")
    descriptor = bool(local.flags & records.FLAG_DESCRIPTOR)
    if descriptor or central.flags & records.FLAG_DESCRIPTOR:
        note(AnomalyKind.DATA_DESCRIPTOR, "its sizes and CRC stand in a data descriptor behind the data")
    pairs: list[tuple[str, bytes | int, bytes | int]] = [
        ("name", local.name, central.name),
        ("method", local.method, central.method),
        ("flags", local.flags, central.flags),
        ("CRC", local.crc, central.crc),
        ("compressed size", compressed, central.compressed_size),
        ("size", size, central.size),
    ]
    for field, there, here in pairs:
        # With a data descriptor the last three are zero in the local header (4.4.4, bit 3).
        if there != here and not (descriptor and there == 0 and field in _DESCRIBED):
            verb = "are" if field == "flags" else "is"
            words = f"{_in_words(field, there)} in the local header and {_in_words(field, here)}"
            note(AnomalyKind.HEADER_MISMATCH, f"its {field} {verb} {words} in the central directory", field)
    _check_extra(local.extra, "local", note)


def _in_words(field: str, value: bytes | int) -> str:
    """A value of a header as a message shows it."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if field == "CRC":
        return f"{value:08x}"
    return f"{value:#06x}" if field == "flags" else str(value)


def _check_name(name: bytes, flags: int, note: Callable[..., None]) -> None:
    """Record a name that readers decode differently or refuse."""
    if any(_is_control(byte) for byte in name):
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


def _is_control(code: int) -> bool:
    """Whether it is a control character of ASCII."""
    return code < 0x20 or code == 0x7F


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
            _check_unicode_block(block.content, where, note)


def _check_unicode_block(content: bytes, where: str, note: Callable[..., None]) -> None:
    """Record a block of other text that no reader can take: too short, or no printable UTF-8 (4.6.8, 4.6.9)."""
    try:
        text = content[5:].decode("utf-8")
    except UnicodeDecodeError:
        note(AnomalyKind.EXTRA_FIELD, f"the other text in its {where} extra field is not UTF-8", where)
        return
    if len(content) < 5:
        detail = (
            f"the block for another text in its {where} extra field has {len(content)} bytes; 5 come before the text"
        )
        note(AnomalyKind.EXTRA_FIELD, detail, where)
    elif any(_is_control(ord(character)) for character in text):
        note(AnomalyKind.EXTRA_FIELD, f"the other text in its {where} extra field has a control character", where)


def read_local(source: Source, offset: int) -> LocalHeader | None:
    """The local header at `offset`, or None where none lies."""
    content = source.read_at(offset, _LOCAL_READ)
    local = records.parse_local(content, offset)
    if local is None and content.startswith(records.LOCAL_SIGNATURE):
        local = records.parse_local(source.read_at(offset, records.LOCAL_SIZE + 2 * 0xFFFF), offset)
    return local


def data_end(source: Source, central: CentralEntry, local: LocalHeader) -> int:
    """The first byte behind a member's data and its data descriptor, if it has one (4.3.9).

    A descriptor may have a signature or not, and 32-bit or 64-bit sizes: what agrees with the central entry counts.
    """
    end = local.data_offset + central.compressed_size
    if not local.flags & records.FLAG_DESCRIPTOR:
        return end
    tail = source.read_at(end, 24)
    blocks, _ = records.parse_extra(local.extra)
    wide_first = any(block.identifier == records.EXTRA_ZIP64 for block in blocks)
    for width in (8, 4) if wide_first else (4, 8):
        sizes = central.compressed_size.to_bytes(8, "little")[:width] + central.size.to_bytes(8, "little")[:width]
        fields = central.crc.to_bytes(4, "little") + sizes
        for descriptor in (records.DESCRIPTOR_SIGNATURE + fields, fields):
            if tail.startswith(descriptor):
                return end + len(descriptor)
    return end


def check_gap(source: Source, start: int, end: int, anomalies: Anomalies) -> None:
    """Record bytes that belong to no record: members that only local headers know, and what else lies there."""
    if end == source.size:
        nul = _is_nul(source, start, end)
        detail = f"{end - start} {'NUL ' if nul else ''}bytes behind the end of the archive belong to no record"
        field = "trailing-nul" if nul else "trailing"
        anomalies.append(Anomaly(kind=AnomalyKind.STRAY_BYTES, detail=detail, offset=start, field=field))
        return
    while start < end:
        local = read_local(source, start)
        if local is None or local.data_offset > end:
            _check_stray(source, start, end, anomalies)
            return
        name = decode_name(local.name, local.flags)
        detail = f"a local header at byte {start} names `{name}`, which the central directory does not list"
        anomalies.append(Anomaly(kind=AnomalyKind.HIDDEN_MEMBER, detail=detail, member=name, offset=start))
        if local.flags & records.FLAG_DESCRIPTOR:
            return  # only its descriptor, somewhere behind the data, says where it ends
        start = local.data_offset + records.resolve_local_zip64(local)[0]


def _check_stray(source: Source, start: int, end: int, anomalies: Anomalies) -> None:
    """Record bytes that are no member, and say so if a reader could take them for the end of an archive."""
    kind, what = _ELSEWHERE.get(source.read_at(start, 4), (AnomalyKind.STRAY_BYTES, ""))
    if what:
        detail = f"{what} lies at byte {start}, where the end record does not lead: readers may follow it instead"
        anomalies.append(Anomaly(kind=kind, detail=detail, offset=start, field="second"))
        return
    nul = "NUL " if _is_nul(source, start, end) else ""
    where = "before the first record" if start == 0 else f"between two records, at byte {start}"
    detail = f"{end - start} {nul}bytes {where} belong to no record"
    anomalies.append(Anomaly(kind=kind, detail=detail, offset=start))


def _is_nul(source: Source, start: int, end: int) -> bool:
    """Whether the bytes are all zero."""
    return all(piece.count(0) == len(piece) for piece in chunks(source, start, end - start))
