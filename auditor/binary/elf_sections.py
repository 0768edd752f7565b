"""The section headers of an ELF file: two things that nothing loads by, as if absent where the table is damaged.

Source: System V ABI (gABI), Sections.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct, unpack_from

MAX_SECTIONS = 1_000_000
"""Section headers. Only object files come near it (-ffunction-sections); nothing that is loaded needs them."""
_SHT_NOBITS = 8
_SHF_EXECINSTR = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Sections:
    """What we ask of the section headers (gABI, Sections)."""

    present: bool = False
    """Whether there is a table and it lies in the file."""
    debug_size: int = 0
    """Bytes of the sections named `.debug_*` and `.zdebug_*`."""
    code_left_out: bool = False
    """Whether a section of code has no bytes (SHT_NOBITS and SHF_EXECINSTR)."""


def read_sections(content: memoryview, bits: int, order: str) -> Sections:
    """The section headers, as if absent where the table is damaged: that hinders no loader."""
    row = Struct(order + ("IIQQQQIIQQ" if bits == 64 else "10I"))
    layout, place = ("Q10xHHH", 40) if bits == 64 else ("I10xHHH", 32)
    start, row_size, count, names_index = unpack_from(order + layout, content, place)
    if not start or row_size != row.size or start + row.size > len(content):
        return Sections()
    first = row.unpack_from(content, start)
    # With 0xff00 or more sections, the true numbers stand in the first header (gABI, e_shnum and e_shstrndx).
    count = count or first[5]
    names_index = first[6] if names_index == 0xFFFF else names_index
    end = start + count * row.size
    if not 0 < count <= MAX_SECTIONS or end > len(content):
        return Sections()
    names = content[:0]
    if names_index < count:
        offset, size = row.unpack_from(content, start + names_index * row.size)[4:6]
        names = content[offset : offset + size]
    debug_size, code_left_out = 0, False
    for name, kind, flags, _address, offset, size, *_ in row.iter_unpack(content[start:end]):
        if kind == _SHT_NOBITS:
            code_left_out |= bool(flags & _SHF_EXECINSTR)
        elif bytes(names[name : name + 8]).startswith((b".debug_", b".zdebug_")) and offset + size <= len(content):
            debug_size += size
    return Sections(present=True, debug_size=debug_size, code_left_out=code_left_out)
