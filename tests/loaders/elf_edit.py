"""Changes single values in an ELF file of x86_64, in place: the file keeps its size and everything else.

Strings are renamed by letting them begin one byte later, where that will do: what shares the string table's bytes is
left alone. Sources: System V ABI (gABI), Dynamic Section, Symbol Table; Linux Standard Base, Symbol Versioning.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from io import BytesIO

from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile

_DYNAMIC = struct.Struct("<qQ")
_SYMBOL = struct.Struct("<IBBHQQ")
_NEED = struct.Struct("<HHIII")
_AUX = struct.Struct("<IHHII")
DT_NEEDED, DT_SONAME, DT_RPATH, DT_RUNPATH = 1, 14, 15, 29
DT_IGNORED = 0x6FFFFDF5
"""DT_GNU_PRELINKED, which ld.so reads in no library that was not prelinked."""
_DT_VERSYM, _DT_VERNEED, _DT_VERNEEDNUM = 0x6FFFFFF0, 0x6FFFFFFE, 0x6FFFFFFF
_PT_GNU_STACK = 0x6474E551
_PROGRAM_HEADER, _SEGMENT_FLAGS = 56, 4
_MACHINE = 18
_GLOBAL, _WEAK = 1, 2


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the dynamic section whose value is a string."""

    place: int
    """Where it is in the file."""
    tag: int
    text: str


@dataclass(frozen=True, slots=True)
class Symbol:
    """A dynamic symbol."""

    place: int
    name: str
    defined: bool
    weak: bool
    version: int
    """The number of its version; 0 and 1 stand for none."""


@dataclass(frozen=True, slots=True)
class Need:
    """One version that is required of a library."""

    place: int
    library: str
    name: str
    number: int


class ElfEditor:
    """The bytes of one file, and what can be changed in them."""

    def __init__(self, content: bytes) -> None:
        self.content = bytearray(content)
        elf = ELFFile(BytesIO(content))
        segment = next(one for one in elf.iter_segments() if isinstance(one, DynamicSegment))
        self._strings = segment.get_table_offset("DT_STRTAB")[1]
        self._symbols = segment.get_table_offset("DT_SYMTAB")[1]
        self._count = segment.num_symbols()
        self._start = segment["p_offset"]
        self._values = dict(self._tags())
        self._loads: list[tuple[int, int, int]] = [
            (one["p_vaddr"], one["p_filesz"], one["p_offset"])
            for one in elf.iter_segments()
            if one["p_type"] == "PT_LOAD"
        ]
        self._headers = elf["e_phoff"]
        self._header_count = elf["e_phnum"]

    def _to_offset(self, address: int) -> int:
        """Where in the file an address is."""
        return next(offset + address - start for start, size, offset in self._loads if start <= address < start + size)

    def _tags(self) -> list[tuple[int, int]]:
        found = []
        for number in range(4096):
            tag, value = _DYNAMIC.unpack_from(self.content, self._start + number * _DYNAMIC.size)
            if tag == 0:
                break
            found.append((tag, value))
        return found

    def string(self, offset: int) -> str:
        """The string at an offset of the string table."""
        start = self._strings + offset
        return self.content[start : self.content.index(0, start)].decode("utf-8", "replace")

    def entries(self, *tags: int) -> list[Entry]:
        """The entries of the dynamic section with these tags, in the order of the file."""
        return [
            Entry(self._start + number * _DYNAMIC.size, tag, self.string(value))
            for number, (tag, value) in enumerate(self._tags())
            if tag in tags
        ]

    def symbols(self) -> list[Symbol]:
        """The dynamic symbols that are not local."""
        versions = self._to_offset(self._values[_DT_VERSYM]) if _DT_VERSYM in self._values else None
        found = []
        for number in range(1, self._count):
            place = self._symbols + number * _SYMBOL.size
            name, kind, _other, section, _value, _size = _SYMBOL.unpack_from(self.content, place)
            if name and kind >> 4 in {_GLOBAL, _WEAK}:
                version = struct.unpack_from("<H", self.content, versions + 2 * number)[0] if versions else 0
                found.append(Symbol(place, self.string(name), section != 0, kind >> 4 == _WEAK, version & 0x7FFF))
        return found

    def version_needs(self) -> list[Need]:
        """What the file requires of versions, in its order."""
        if _DT_VERNEED not in self._values:
            return []
        found, place = [], self._to_offset(self._values[_DT_VERNEED])
        for _ in range(self._values[_DT_VERNEEDNUM]):
            _version, count, library, first, following = _NEED.unpack_from(self.content, place)
            inner = place + first
            for _ in range(count):
                _hash, _flags, number, name, after = _AUX.unpack_from(self.content, inner)
                found.append(Need(inner, self.string(library), self.string(name), number))
                inner += after
            place += following
        return found

    # -- changes ------------------------------------------------------------------------------------------------------

    def shorten(self, entry: Entry) -> None:
        """Let the string of an entry begin one byte later: `ibfoo.so.1`."""
        _tag, value = _DYNAMIC.unpack_from(self.content, entry.place)
        _DYNAMIC.pack_into(self.content, entry.place, entry.tag, value + 1)

    def retag(self, entry: Entry, tag: int) -> None:
        """Give an entry another tag."""
        struct.pack_into("<q", self.content, entry.place, tag)

    def overwrite(self, entry: Entry, text: str) -> None:
        """Write another string of the same length over that of an entry."""
        assert len(text) == len(entry.text)
        value = _DYNAMIC.unpack_from(self.content, entry.place)[1]
        self._write(value, text)

    def shorten_symbol(self, symbol: Symbol) -> None:
        """Let the name of a symbol begin one byte later."""
        name = struct.unpack_from("<I", self.content, symbol.place)[0]
        struct.pack_into("<I", self.content, symbol.place, name + 1)

    def rename_symbol(self, symbol: Symbol, text: str) -> None:
        """Write a name that is no longer over that of a symbol."""
        assert len(text) <= len(symbol.name)
        self._write(struct.unpack_from("<I", self.content, symbol.place)[0], text + "\0")

    def _write(self, offset: int, text: str) -> None:
        start = self._strings + offset
        self.content[start : start + len(text)] = text.encode()

    def weaken(self, symbol: Symbol) -> None:
        """Make a symbol weak."""
        self.content[symbol.place + 4] = _WEAK << 4 | self.content[symbol.place + 4] & 0xF

    def raise_version(self, need: Need, text: str, *, weak: bool = False) -> None:
        """Require another version, whose name is as long, by its string and its hash."""
        assert len(text) == len(need.name)
        _hash, flags, number, name, after = _AUX.unpack_from(self.content, need.place)
        self._write(name, text)
        _AUX.pack_into(self.content, need.place, elf_hash(text), flags | 2 * weak, number, name, after)

    def make_stack_executable(self) -> bool:
        """Set PF_X in PT_GNU_STACK; whether there is such a header, and it was not set."""
        for number in range(self._header_count):
            place = self._headers + number * _PROGRAM_HEADER
            kind, flags = struct.unpack_from("<II", self.content, place)
            if kind == _PT_GNU_STACK and not flags & 1:
                struct.pack_into("<I", self.content, place + _SEGMENT_FLAGS, flags | 1)
                return True
        return False

    def set_machine(self, machine: int) -> None:
        """Set e_machine."""
        struct.pack_into("<H", self.content, _MACHINE, machine)


def elf_hash(name: str) -> int:
    """The System V hash of a name (gABI, Hash Table)."""
    value = 0
    for byte in name.encode():
        value = (value << 4) + byte
        high = value & 0xF0000000
        value = (value ^ high >> 24) & ~high & 0xFFFFFFFF
    return value
