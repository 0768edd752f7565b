"""The section headers of an ELF file: what nothing loads by, as if absent where the table is damaged.

Source: System V ABI (gABI), Sections.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from struct import Struct, unpack_from

from auditor.binary.marks import Places

MAX_SECTIONS = 1_000_000
"""Section headers. Only object files come near it (-ffunction-sections); nothing that is loaded needs them."""
_SHT_NOBITS = 8
_SHF_EXECINSTR = 4
_MARKED = (b".rodata", b".comment\0", b".dep-v0\0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sections:
    """What we ask of the section headers (gABI, Sections)."""

    present: bool = False
    """Whether there is a table and it lies in the file."""
    debug_size: int = 0
    """Bytes of the sections named `.debug_*` and `.zdebug_*`."""
    code_left_out: bool = False
    """Whether a section of code has no bytes (SHT_NOBITS and SHF_EXECINSTR)."""
    places: Places = field(default_factory=Places)
    """The sections in which a build leaves its marks."""


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
    debug_size, code_left_out, places = 0, False, Places()
    for name, kind, flags, _address, offset, size, *_ in row.iter_unpack(content[start:end]):
        if kind == _SHT_NOBITS:
            code_left_out |= bool(flags & _SHF_EXECINSTR)
        elif size and offset + size <= len(content):
            start_of_name = bytes(names[name : name + 9])
            if start_of_name.startswith((b".debug_", b".zdebug_")):
                debug_size += size
            elif start_of_name.startswith(_MARKED):
                _note_place(places, start_of_name, content[offset : offset + size])
    return Sections(present=True, debug_size=debug_size, code_left_out=code_left_out, places=places)


def _note_place(places: Places, start_of_name: bytes, section: memoryview) -> None:
    """Keep one of the sections in `_MARKED`, by the first 9 bytes of its name."""
    if start_of_name.startswith(b".rodata"):
        places.texts.append(section)
    elif start_of_name == b".comment\0":
        places.comment = section
    else:
        places.dependencies = section
