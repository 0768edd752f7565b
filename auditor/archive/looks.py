"""What a file that is no wheel seems to be, for a message that helps."""

from __future__ import annotations

_TAR_BLOCK = 512
_TAR_CHECKSUM = slice(148, 156)
_BINARY = frozenset({0o200, 0o377})


def is_tar(start: bytes) -> bool:
    """Whether the first block of a file is the header of a tar archive, as `tarfile` and so PyPI see it.

    The checksum decides (POSIX 1003.1, ustar): a ZIP archive has it in its first name or extra field, or not at all.
    """
    block = start[:_TAR_BLOCK]
    if len(block) < _TAR_BLOCK or not block[_TAR_CHECKSUM].strip(b"\0 "):
        return False
    if not _is_number(block[_TAR_CHECKSUM]):
        return False
    import tarfile  # 4 ms that hardly any wheel costs

    try:
        tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True


def _is_number(field: bytes) -> bool:
    """Whether `tarfile` takes a field for a number: octal digits, or a marker of binary ones."""
    if field[0] in _BINARY:
        return True
    try:
        int(field.partition(b"\0")[0].decode("ascii").strip() or "0", 8)
    except ValueError:
        return False
    return True


def looks_like(start: bytes) -> str:
    """What a file that is no ZIP archive seems to be, from its first bytes."""
    if not start:
        return "it is an empty file"
    signatures = (
        (b"\x1f\x8b", "gzip data (an sdist?)"),
        (b"BZh", "bzip2 data"),
        (b"\xfd7zXZ\0", "xz data"),
        (b"\x28\xb5\x2f\xfd", "Zstandard data"),
        (b"7z\xbc\xaf", "a 7z archive"),
        (b"Rar!", "a RAR archive"),
        (b"%PDF", "a PDF document"),
        (b"\x7fELF", "an ELF binary"),
        (b"MZ", "a Windows program"),
        (b"PK", "the start of a ZIP record"),
        (b"version https://git-lfs", "a Git LFS pointer instead of the file"),
    )
    for signature, words in signatures:
        if start.startswith(signature):
            return f"it looks like {words}"
    if start[257:262] == b"ustar":
        return "it looks like a tar archive"
    head = start.lstrip().lower()
    if head.startswith((b"<!doctype html", b"<html")):
        return "it looks like an HTML page (a failed download?)"
    if b"\0" not in start:
        return "it looks like a text file"
    return f"it begins with the bytes {start[:4].hex(' ')}"
