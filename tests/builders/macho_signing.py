"""The code signature at the end of a Mach-O file, right or with faults.

Specification: <kern/cs_blobs.h> of xnu; all numbers are big-endian.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

AD_HOC, LINKER_SIGNED = 0x2, 0x20000
SHA1, SHA256, SHA256_TRUNCATED, SHA384 = 1, 2, 3, 4

_HASHES: Final[dict[int, tuple[Callable[[bytes], bytes], int]]] = {
    SHA1: (lambda page: hashlib.sha1(page, usedforsecurity=False).digest(), 20),
    SHA256: (lambda page: hashlib.sha256(page).digest(), 32),
    SHA256_TRUNCATED: (lambda page: hashlib.sha256(page).digest()[:20], 20),
    SHA384: (lambda page: hashlib.sha384(page).digest(), 48),
}
_REQUIREMENTS: Final = struct.pack(">3L", 0xFADE0C01, 12, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class MachoSignature:
    """How a file is signed; by default as Apple's linker does it."""

    flags: int = AD_HOC | LINKER_SIGNED
    hash_types: tuple[int, ...] = (SHA256,)
    """A code directory each: the first in slot 0, the others as alternates."""
    page_shift: int = 12
    """The page has 2 to the power of this bytes; 0 means one hash for everything."""
    stale: tuple[int, ...] = ()
    """Numbers of the pages whose hash is another one."""
    stale_hash_types: tuple[int, ...] = (SHA1, SHA256, SHA256_TRUNCATED, SHA384)
    """The code directories in which they are."""
    requirements: bool = False
    """An empty requirements blob, as `codesign -s -` adds it, with its special slot."""
    cms: bytes | None = None
    """What the CMS blob holds, if there is one."""
    limit: int | None = None
    """Bytes that the hashes cover; by default all in front of the signature."""
    long_limit: bool = False
    """codeLimit64 in the place of codeLimit."""


def code_signature(code: bytes, identifier: str, executable_size: int, how: MachoSignature, *, main: bool) -> bytes:
    """CS_SuperBlob with its CS_CodeDirectory blobs, for a file that has `code` in front of it."""
    covered = code if how.limit is None else code[: how.limit]
    blobs = {}
    for number, hash_type in enumerate(how.hash_types):
        slot = 0x1000 + number - 1 if number else 0
        blobs[slot] = _directory(covered, identifier, (0, executable_size, 1 if main else 0), how, hash_type)
    if how.requirements:
        blobs[2] = _REQUIREMENTS
    if how.cms is not None:
        blobs[0x10000] = struct.pack(">2L", 0xFADE0B01, 8 + len(how.cms)) + how.cms
    start = 12 + 8 * len(blobs)
    index, body = b"", b""
    for slot, blob in sorted(blobs.items()):
        index += struct.pack(">2L", slot, start + len(body))
        body += blob
    return struct.pack(">3L", 0xFADE0CC0, start + len(body), len(blobs)) + index + body


def code_signature_size(code_size: int, identifier: str, how: MachoSignature) -> int:
    """The size of `code_signature` for so much code."""
    return len(code_signature(bytes(code_size), identifier, 0, how, main=False))


def _directory(
    code: bytes, identifier: str, executable: tuple[int, int, int], how: MachoSignature, hash_type: int
) -> bytes:
    """One CS_CodeDirectory of version 0x20400; `executable` is base, limit and flags of the text segment."""
    hash_of, hash_size = _HASHES[hash_type]
    page_size = 1 << how.page_shift if how.page_shift else max(1, len(code))
    hashes = [hash_of(code[start : start + page_size]) for start in range(0, len(code), page_size)]
    if hash_type in how.stale_hash_types:
        for page in how.stale:
            hashes[page] = hash_of(b"another page")
    name = identifier.encode() + b"\0"
    special = hash_of(_REQUIREMENTS) + bytes(hash_size) if how.requirements else b""
    hash_offset = 88 + len(name) + len(special)
    return (
        struct.pack(
            ">9L4B4L4Q",
            0xFADE0C02,
            hash_offset + hash_size * len(hashes),
            0x20400,
            how.flags,
            hash_offset,
            88,
            len(special) // hash_size,
            len(hashes),
            0 if how.long_limit else len(code),
            hash_size,
            hash_type,
            0,
            how.page_shift,
            *(0, 0, 0, 0),
            len(code) if how.long_limit else 0,
            *executable,
        )
        + name
        + special
        + b"".join(hashes)
    )
