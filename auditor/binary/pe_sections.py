"""The sections of a PE image in which a build leaves its marks, and those that hold debugging information.

Source: Microsoft PE format, "Section Table (Section Headers)" and "COFF String Table".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from auditor.binary.marks import Places

if TYPE_CHECKING:
    from collections.abc import Iterator

_SYMBOL_SIZE = 18
"""Bytes of a row of the COFF symbol table, behind which the string table stands."""


def mark_places(headers: Any, content: memoryview, limit: int) -> Places:
    """Where the image may hold marks, among its first `limit` sections."""
    places = Places(windows=True)
    for name, section in _sections(headers, content, limit):
        if name in {b".rdata", b".rodata"}:
            places.texts.append(section)
        elif name == b".dep-v0":
            places.dependencies = section
    return places


def debug_size(headers: Any, content: memoryview, limit: int) -> int:
    """Bytes of `.debug_*` sections: what GCC and Clang leave in an image for MinGW."""
    return sum(
        len(section)
        for name, section in _sections(headers, content, limit)
        if name.startswith((b".debug_", b".zdebug_"))
    )


def _sections(headers: Any, content: memoryview, limit: int) -> Iterator[tuple[bytes, memoryview]]:
    """The name and the bytes of each section; `/12` stands for a longer name at byte 12 of the string table."""
    file_header = headers.FILE_HEADER
    strings = file_header.PointerToSymbolTable + file_header.NumberOfSymbols * _SYMBOL_SIZE
    for section in headers.sections[:limit]:
        name = section.Name.rstrip(b"\0")
        if file_header.PointerToSymbolTable and name[:1] == b"/" and name[1:].isdigit():
            start = strings + int(name[1:])
            name = bytes(content[start : start + 16]).partition(b"\0")[0]
        size = min(section.SizeOfRawData, section.Misc_VirtualSize or section.SizeOfRawData)
        yield name, content[section.PointerToRawData : section.PointerToRawData + size]
