"""The code signature of a Mach-O slice, held against the bytes that it covers, page by page.

A signature is a super blob of other blobs: code directories, each with a hash a page, and where a certificate signed,
a CMS blob. What is a problem here is what `cs_validate_csblob` of xnu's kernel refuses, and dyld with it. Hashes of
special slots (requirements, entitlements) and certificates are not looked at.

Sources: xnu's <kern/cs_blobs.h> and `bsd/kern/ubc_subr.c`; dyld's `DyldDelegates.cpp`, `registerSignature`. All
numbers of a signature are big-endian.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from auditor.binary.macho_symbols import c_string, text
from auditor.facts.binary import CodeSignature

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAX_BLOBS = 64
"""Blobs of a signature. The most in the corpus are 6, and no more than 18 kinds are known."""
MAX_SHOWN_PAGES = 100
"""Numbers of bad pages that are kept; all of them are counted."""
SMALLEST_PAGE = 0x1000
"""Bytes. The kernel takes no smaller page, and tiny ones would cost a hash for each few bytes."""

_SUPER_BLOB = 0xFADE0CC0
_CODE_DIRECTORY = 0xFADE0C02
_BLOB_WRAPPER = 0xFADE0B01
_DIRECTORY_SLOTS = frozenset({0, *range(0x1000, 0x1005)})
"""CSSLOT_CODEDIRECTORY and CSSLOT_ALTERNATE_CODEDIRECTORIES."""
_SIGNATURE_SLOT = 0x10000
_PAGE_SHIFTS = frozenset({12, 14})
"""Of 4 KiB and 16 KiB: what `cs_validate_codedirectory` takes; 0 means one hash for everything."""
_SCATTER_VERSION, _LONG_LIMIT_VERSION = 0x20100, 0x20300
_AD_HOC, _LINKER_SIGNED = 0x2, 0x20000

_HEADER = struct.Struct(">9L4B")
"""The start of CS_CodeDirectory, which every version has."""


def _sha1(page: memoryview) -> bytes:
    return hashlib.sha1(page, usedforsecurity=False).digest()


def _sha256(page: memoryview) -> bytes:
    return hashlib.sha256(page).digest()


def _sha384(page: memoryview) -> bytes:
    return hashlib.sha384(page).digest()


_HASHES: dict[int, tuple[Callable[[memoryview], bytes], int]] = {
    1: (_sha1, 20),
    3: (_sha256, 20),
    2: (_sha256, 32),
    4: (_sha384, 48),
}
"""By CS_HASHTYPE_ number: the function, and how many bytes of its result are kept. The kernel verifies the last of
these that a signature has (`hashPriorities`)."""
_RANKS = tuple(_HASHES)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Directory:
    """A code directory that the kernel could use."""

    flags: int
    identifier: str | None
    hash_type: int
    page_size: int
    code_limit: int
    hashes: memoryview
    """One behind the other, a page each."""
    scattered: bool
    """Whether the hashes belong to pages that a vector chooses: nothing writes such ones any more."""


def read_signature(content: memoryview, offset: int, size: int) -> CodeSignature:
    """The signature of `size` bytes at `offset` of a slice, and whether the slice's bytes are those that it signs.

    Each byte of the slice is hashed once at most, with the strongest hash that the signature has. Never raises.
    """
    problems: list[str] = []
    directories: dict[int, _Directory] = {}
    cms = False
    for slot, blob in _blobs(content[offset : offset + size], problems):
        if slot in _DIRECTORY_SLOTS:
            directory = _read_directory(blob, problems)
            if directory is not None and directories.setdefault(directory.hash_type, directory) is not directory:
                problems.append(f"two code directories have hashes of type {directory.hash_type}")
        elif slot == _SIGNATURE_SLOT:
            cms = _magic(blob) == _BLOB_WRAPPER and len(blob) > 8
    chosen = max(directories.values(), key=lambda one: _RANKS.index(one.hash_type), default=None)
    if chosen is None:
        problems.append("it has no code directory that can be read")
        return CodeSignature(cms=cms, problems=tuple(dict.fromkeys(problems)))
    covered = -(-chosen.code_limit // chosen.page_size) * chosen.page_size
    if covered < offset:
        problems.append(f"it covers {chosen.code_limit} bytes of the {offset} in front of it")
    pages, bad_pages, bad_page_count = (0, (), 0) if chosen.scattered else _verify(content, chosen)
    return CodeSignature(
        identifier=chosen.identifier,
        ad_hoc=bool(chosen.flags & _AD_HOC),
        linker_signed=bool(chosen.flags & _LINKER_SIGNED),
        cms=cms,
        hash_type=chosen.hash_type,
        page_size=chosen.page_size,
        pages=pages,
        bad_pages=bad_pages,
        bad_page_count=bad_page_count,
        code_limit=chosen.code_limit,
        problems=tuple(dict.fromkeys(problems)),
    )


def _magic(blob: memoryview) -> int:
    return int.from_bytes(blob[:4], "big")


def _blobs(signature: memoryview, problems: list[str]) -> Iterator[tuple[int, memoryview]]:
    """Slot and bytes of each blob (`CS_SuperBlob`); a bare code directory stands for a signature with that one."""
    if len(signature) < 12:
        problems.append(f"it has {len(signature)} bytes, fewer than its header")
        return
    magic, length, count = struct.unpack_from(">3L", signature)
    if length > len(signature):
        problems.append(f"it claims {length} bytes and has {len(signature)}")
    signature = signature[:length]
    if magic == _CODE_DIRECTORY:
        yield 0, signature
        return
    if magic != _SUPER_BLOB:
        problems.append(f"it starts with {magic:#010x}, which no code signature does")
        return
    there = max(0, len(signature) - 12) // 8
    if count > min(there, MAX_BLOBS):
        problems.append(f"it claims {count} blobs; {min(there, MAX_BLOBS)} are read")
    for slot, start in islice(struct.iter_unpack(">2L", signature[12 : 12 + 8 * there]), min(count, MAX_BLOBS)):
        blob = signature[start:]
        size = int.from_bytes(blob[4:8], "big")
        if len(blob) < 8 or size > len(blob):
            problems.append(f"the blob of slot {slot:#x} at byte {start} claims {size} bytes and has {len(blob)}")
        yield slot, blob[:size]


def _read_directory(blob: memoryview, problems: list[str]) -> _Directory | None:
    """A code directory (`CS_CodeDirectory`), or None and a problem where the kernel would not take it."""
    if len(blob) < _HEADER.size or _magic(blob) != _CODE_DIRECTORY:
        problems.append(f"a code directory starts with {_magic(blob):#010x} and has {len(blob)} bytes")
        return None
    (_, _, version, flags, hashes_at, name_at, specials, slots, limit, hash_size, hash_type, _, shift) = (
        _HEADER.unpack_from(blob)
    )
    if hash_type not in _HASHES or hash_size != _HASHES[hash_type][1]:
        problems.append(f"a code directory has hashes of type {hash_type} with {hash_size} bytes each")
        return None
    if shift not in _PAGE_SHIFTS:
        problems.append(f"a code directory has pages of 2^{shift} bytes; the kernel takes 2^12 and 2^14")
    if hashes_at > len(blob) or specials * hash_size > hashes_at or hashes_at + slots * hash_size > len(blob):
        problems.append(f"a code directory of {len(blob)} bytes has no room for its {specials + slots} hashes")
    name = _name(blob, name_at)
    if name_at and name is None:
        problems.append(f"the identifier at byte {name_at} of a code directory has no end")
    scattered = version >= _SCATTER_VERSION and _number(blob, 44, 4) != 0
    if version >= _LONG_LIMIT_VERSION:
        limit = _number(blob, 56, 8) or limit
    return _Directory(
        flags=flags,
        identifier=name,
        hash_type=hash_type,
        page_size=max(SMALLEST_PAGE, 1 << min(shift, 62) if shift else limit),
        code_limit=limit,
        hashes=blob[hashes_at : hashes_at + slots * hash_size],
        scattered=scattered,
    )


def _number(blob: memoryview, start: int, size: int) -> int:
    """A number of the later versions' header; 0 where the blob ends before it."""
    return int.from_bytes(blob[start : start + size], "big") if start + size <= len(blob) else 0


def _name(blob: memoryview, start: int) -> str | None:
    """The identifier, or None where there is none or it has no end."""
    name = c_string(blob, start)
    ended = start > 0 and start + len(name) < len(blob) and blob[start + len(name)] == 0
    return text(name) if ended else None


def _verify(content: memoryview, directory: _Directory) -> tuple[int, tuple[int, ...], int]:
    """How many pages the directory covers; the first numbers, and the count, of those that are not as it says.

    A page without a hash or behind the end of the slice is none that the directory vouches for.
    """
    hash_of, kept = _HASHES[directory.hash_type]
    size = directory.page_size
    pages = -(-directory.code_limit // size)
    limit = min(directory.code_limit, len(content))
    hashed = min(len(directory.hashes) // kept, -(-limit // size))
    expected = bytes(directory.hashes[: hashed * kept])
    bad = [
        page
        for page in range(hashed)
        if hash_of(content[page * size : min((page + 1) * size, limit)])[:kept]
        != expected[page * kept : (page + 1) * kept]
    ]
    count = len(bad) + pages - hashed
    bad = bad[:MAX_SHOWN_PAGES]
    bad += range(hashed, min(pages, hashed + MAX_SHOWN_PAGES - len(bad)))
    return pages, tuple(bad), count
