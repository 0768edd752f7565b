"""Build the smallest DLL that Windows takes, then change one thing.

    spec = PeSpec(imports={"python311.dll": ("PyModule_Create2",)}, exports=(PeExport(symbol="PyInit_demo"),))
    (tmp_path / "demo.pyd").write_bytes(build_pe(spec))
    build_pe(replace(spec, machine="arm64"))

Specification: Microsoft's "PE Format"; its sections are named at each structure.
The sections are .text (code), .data (what the delay-load helper writes), .rdata (all tables) and .reloc.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Literal

from tests.builders._override import either

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PeExport", "PeMachine", "PeSpec", "build_pe", "replace"]

HIGH_ENTROPY_VA, DYNAMIC_BASE, NX_COMPAT, GUARD_CF = 0x20, 0x40, 0x100, 0x4000
CONSOLE_SUBSYSTEM: Final = 3

_EXPORT, _IMPORT, _RELOCATION, _DEBUG, _LOAD_CONFIG, _IAT, _DELAY_IMPORT = 0, 1, 5, 6, 10, 12, 13
_CODE, _CONSTANT, _VARIABLE, _DISCARDABLE = 0x60000020, 0x40000040, 0xC0000040, 0x42000040
_PAGE, _BLOCK = 0x1000, 0x200
_DIRECTORY_COUNT = 16
_RETURN_ZERO: Final = {0x14C: "31c0c3", 0x8664: "31c0c3", 0xAA64: "00008052c0035fd6", 0x1C4: "00207047"}
_DLL_MAIN: Final = {
    0x14C: "b801000000c20c00",
    0x8664: "b801000000c3",
    0xAA64: "20008052c0035fd6",
    0x1C4: "01207047",
}
"""A DllMain that returns TRUE."""

PeMachine = Literal["amd64", "i386", "arm64", "arm"]
Names = tuple["str | int", ...]
"""What is imported of one DLL: names, or ordinals as numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeExport:
    """An entry of the export table; its ordinal is its place in the tuple, counted from 1."""

    symbol: str | None
    """None exports by ordinal alone."""
    forwarder: str | None = None
    """`OTHER.name`: the loader looks there instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeSpec:
    """A DLL or a program."""

    machine: PeMachine | int = "amd64"
    plus: bool | None = None
    """PE32+ rather than PE32; by default as the machine has it."""
    is_dll: bool = True
    imports: Mapping[str, Names] = field(default_factory=dict)
    delay_imports: Mapping[str, Names] = field(default_factory=dict)
    exports: tuple[PeExport, ...] = ()
    dll_name: str = "demo.pyd"
    """The name in the export table."""
    dll_characteristics: int | None = None
    """By default ASLR and DEP, and high-entropy ASLR on 64-bit machines."""
    characteristics: int | None = None
    subsystem: int = 2
    timestamp: int = 0
    checksum: int = 0
    linker_version: tuple[int, int] = (14, 40)
    os_version: tuple[int, int] = (6, 0)
    image_base: int | None = None
    pdb: str | None = None
    """The path of the program database in a CodeView record."""
    load_config: bytes | None = None
    """The load configuration directory as it stands."""
    rodata: bytes = b""
    """Bytes in .rdata that nothing refers to, for whoever searches for strings."""
    code: bytes | None = None
    """The body of all exports; by default a function that returns 0."""
    extra_sections: Mapping[str, bytes] = field(default_factory=dict)
    """Sections of their own, such as .debug_info; names longer than eight bytes are cut."""
    overlay: bytes = b""
    """Bytes behind the last section, where signatures and installers live."""


def build_pe(spec: PeSpec) -> bytes:
    """Fill the sections in the order of their addresses, so that each may point at those before it."""
    frame = _Frame.of(spec)
    text = _Area(name=".text", flags=_CODE, start=_PAGE)
    text.add(bytes.fromhex(_DLL_MAIN.get(frame.machine, "00")))
    code = text.add(either(spec.code, bytes.fromhex(_RETURN_ZERO.get(frame.machine, "00"))))
    data = _Area(name=".data", flags=_VARIABLE, start=text.end)
    # One pointer that must move with the image, so that every file has a relocation and takes part in ASLR.
    pointers = [data.add(frame.words(frame.image_base + text.start))]
    slots = _delay_slots(frame, data, code, pointers)
    rdata = _Area(name=".rdata", flags=_CONSTANT, start=data.end)
    rdata.add(spec.rodata)
    directories = {
        **_import_tables(frame, rdata),
        **_delay_tables(frame, rdata, slots),
        **_export_table(spec, rdata, code),
        **_debug_and_load_config(spec, rdata),
    }
    reloc = _Area(name=".reloc", flags=_DISCARDABLE, start=rdata.end)
    directories[_RELOCATION] = _base_relocations(frame, reloc, pointers)
    areas = [area for area in (text, data, rdata, reloc) if area.content]
    for name, content in spec.extra_sections.items():
        areas.append(_Area(name=name, flags=_DISCARDABLE, start=areas[-1].end))
        areas[-1].add(content)
    return _file(frame, areas, directories) + spec.overlay


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    """The specification with its machine's defaults filled in."""

    spec: PeSpec
    machine: int
    plus: bool
    word: int
    image_base: int

    @classmethod
    def of(cls, spec: PeSpec) -> _Frame:
        numbers = {"amd64": 0x8664, "i386": 0x14C, "arm64": 0xAA64, "arm": 0x1C4}
        machine = spec.machine if isinstance(spec.machine, int) else numbers[spec.machine]
        plus = either(spec.plus, machine not in {0x14C, 0x1C4})
        base = either(spec.image_base, 0x180000000 if plus else 0x10000000)
        return cls(spec=spec, machine=machine, plus=plus, word=8 if plus else 4, image_base=base)

    def words(self, *values: int) -> bytes:
        """Thunks or addresses, in the width of the file."""
        return struct.pack(f"<{len(values)}{'Q' if self.plus else 'L'}", *values)


@dataclass(slots=True, kw_only=True)
class _Area:
    """One section while it fills."""

    name: str
    flags: int
    start: int
    content: bytearray = field(default_factory=bytearray)

    @property
    def end(self) -> int:
        """The first address of the section behind this one; an empty section takes no room."""
        return self.start + -(-len(self.content) // _PAGE) * _PAGE

    def add(self, piece: bytes, align: int = 8) -> int:
        """Append `piece`, and say at which address (RVA)."""
        if piece:
            self.content += bytes(-len(self.content) % align)
        address = self.start + len(self.content)
        self.content += piece
        return address


_Directories = dict[int, tuple[int, int]]


def _thunks(frame: _Frame, area: _Area, names: Names) -> bytes:
    """An Import Lookup Table, and the Hint/Name entries it points at ("Import Lookup Table")."""
    by_ordinal = 1 << (8 * frame.word - 1)
    values = [
        by_ordinal | name if isinstance(name, int) else area.add(struct.pack("<H", 0) + _c_string(name), 2)
        for name in names
    ]
    return frame.words(*values, 0)


def _import_tables(frame: _Frame, area: _Area) -> _Directories:
    """Import Directory Table, lookup tables and Import Address Table ("The .idata Section")."""
    if not frame.spec.imports:
        return {}
    tables = [_thunks(frame, area, names) for names in frame.spec.imports.values()]
    together = b"".join(tables)
    lookup, address = area.add(together), area.add(together)
    directory, position = b"", 0
    for dll, table in zip(frame.spec.imports, tables, strict=True):
        name = area.add(_c_string(dll), 2)
        directory += struct.pack("<5L", lookup + position, 0, 0, name, address + position)
        position += len(table)
    directory += bytes(20)
    return {_IMPORT: (area.add(directory, 4), len(directory)), _IAT: (address, len(together))}


def _delay_slots(frame: _Frame, area: _Area, code: int, pointers: list[int]) -> list[tuple[int, int]]:
    """A module handle and an address table for each delay-loaded DLL; `pointers` gets what must be relocated."""
    places = []
    for names in frame.spec.delay_imports.values():
        handle = area.add(frame.words(0))
        table = area.add(frame.words(*[frame.image_base + code] * len(names), 0))
        places.append((handle, table))
        pointers += [table + frame.word * index for index in range(len(names))]
    return places


def _delay_tables(frame: _Frame, area: _Area, places: list[tuple[int, int]]) -> _Directories:
    """The Delay Load Directory Table, version 2: all addresses are RVAs ("Delay-Load Import Tables")."""
    if not frame.spec.delay_imports:
        return {}
    directory = b""
    for (dll, names), (handle, table) in zip(frame.spec.delay_imports.items(), places, strict=True):
        thunks = area.add(_thunks(frame, area, names))
        directory += struct.pack("<8L", 1, area.add(_c_string(dll), 2), handle, table, thunks, 0, 0, 0)
    directory += bytes(32)
    return {_DELAY_IMPORT: (area.add(directory, 4), len(directory))}


def _export_table(spec: PeSpec, area: _Area, code: int) -> _Directories:
    """The Export Directory with everything it points at, in one piece ("The .edata Section").

    A forwarder is known by its address, which lies within the piece.
    """
    if not spec.exports:
        return {}
    named = sorted((each.symbol.encode(), index) for index, each in enumerate(spec.exports) if each.symbol)
    start = area.add(bytes(40), 4)
    addresses = area.add(bytes(4 * len(spec.exports)), 4)
    names = area.add(bytes(4 * len(named)), 4)
    ordinals = area.add(struct.pack(f"<{len(named)}H", *(index for _, index in named)), 4)
    forwarders = [area.add(_c_string(each.forwarder), 1) if each.forwarder else code for each in spec.exports]
    strings = [area.add(name + b"\0", 1) for name, _ in named]
    dll_name = area.add(_c_string(spec.dll_name), 1)
    counts = (1, len(spec.exports), len(named))
    struct.pack_into("<2L2H4L3L", area.content, start - area.start, 0, spec.timestamp, 0, 0, dll_name, *counts,
                     addresses, names, ordinals)  # fmt: skip
    struct.pack_into(f"<{len(forwarders)}L", area.content, addresses - area.start, *forwarders)
    struct.pack_into(f"<{len(strings)}L", area.content, names - area.start, *strings)
    return {_EXPORT: (start, area.start + len(area.content) - start)}


def _debug_and_load_config(spec: PeSpec, area: _Area) -> _Directories:
    """The debug directory with a CodeView record, and the load configuration ("The .debug Section")."""
    directories = {}
    if spec.pdb is not None:
        record = b"RSDS" + bytes(16) + struct.pack("<L", 1) + _c_string(spec.pdb)
        where = area.add(record, 4)
        # The file offset is filled in once it is known: it stands 24 bytes into the entry.
        entry = struct.pack("<2L2H4L", 0, spec.timestamp, 0, 0, 2, len(record), where, where)
        directories[_DEBUG] = (area.add(entry, 4), len(entry))
    if spec.load_config is not None:
        directories[_LOAD_CONFIG] = (area.add(spec.load_config), len(spec.load_config))
    return directories


def _base_relocations(frame: _Frame, area: _Area, pointers: list[int]) -> tuple[int, int]:
    """Base Relocation Blocks, one a page ("The .reloc Section")."""
    kind = 10 if frame.plus else 3
    blocks: dict[int, list[int]] = {}
    for pointer in pointers:
        blocks.setdefault(pointer & -_PAGE, []).append(kind << 12 | pointer & (_PAGE - 1))
    content = b""
    for start, rows in blocks.items():
        even = [*rows, *[0] * (len(rows) % 2)]
        content += struct.pack(f"<2L{len(even)}H", start, 8 + 2 * len(even), *even)
    return area.add(content, 4), len(content)


def _file(frame: _Frame, areas: list[_Area], directories: _Directories) -> bytes:
    """Headers and sections, each a multiple of the file alignment ("File Headers")."""
    optional_size = (112 if frame.plus else 96) + 8 * _DIRECTORY_COUNT
    header_size = _blocks(64 + 4 + 20 + optional_size + 40 * len(areas))
    offset, rows, body = header_size, b"", b""
    for area in areas:
        size = _blocks(len(area.content))
        rows += struct.pack("<8s6L2HL", area.name.encode()[:8], len(area.content), area.start, size, offset,
                            0, 0, 0, 0, area.flags)  # fmt: skip
        if _DEBUG in directories and area.name == ".rdata":
            _fill_debug_offset(area, directories[_DEBUG][0], offset)
        body += bytes(area.content.ljust(size, b"\0"))
        offset += size
    headers = _dos_header() + _coff_header(frame, len(areas), optional_size)
    headers += _optional_header(frame, areas, header_size) + _directory_table(directories) + rows
    return headers.ljust(header_size, b"\0") + body


def _fill_debug_offset(area: _Area, directory: int, offset: int) -> None:
    """PointerToRawData of the debug entry, which repeats its address as a file offset."""
    position = directory - area.start
    (address,) = struct.unpack_from("<L", area.content, position + 20)
    struct.pack_into("<L", area.content, position + 24, address - area.start + offset)


def _dos_header() -> bytes:
    """The MS-DOS header, of which only the signature and e_lfanew count ("MS-DOS Stub")."""
    return b"MZ".ljust(60, b"\0") + struct.pack("<L", 64)


def _coff_header(frame: _Frame, section_count: int, optional_size: int) -> bytes:
    """Signature and COFF File Header ("COFF File Header (Object and Image)")."""
    computed = 0x0002 | (0x0020 if frame.plus else 0x0100) | (0x2000 if frame.spec.is_dll else 0)
    flags = either(frame.spec.characteristics, computed)
    return b"PE\0\0" + struct.pack("<2H3L2H", frame.machine, section_count, frame.spec.timestamp, 0, 0,
                                   optional_size, flags)  # fmt: skip


def _optional_header(frame: _Frame, areas: list[_Area], header_size: int) -> bytes:
    """The optional header without its directories ("Optional Header (Image Only)")."""
    spec, text = frame.spec, areas[0]
    defaults = DYNAMIC_BASE | NX_COMPAT | (HIGH_ENTROPY_VA if frame.plus else 0)
    initialized = sum(_blocks(len(area.content)) for area in areas[1:])
    standard = struct.pack("<H2B5L", 0x20B if frame.plus else 0x10B, *spec.linker_version,
                           _blocks(len(text.content)), initialized, 0, text.start, text.start)  # fmt: skip
    standard += b"" if frame.plus else struct.pack("<L", text.end)
    windows = frame.words(frame.image_base) + struct.pack("<2L", _PAGE, _BLOCK)
    windows += struct.pack("<6HL", *spec.os_version, 0, 0, *spec.os_version, 0)
    windows += struct.pack("<3L", areas[-1].end, header_size, spec.checksum)
    windows += struct.pack("<2H", spec.subsystem, either(spec.dll_characteristics, defaults))
    windows += frame.words(0x100000, 0x1000, 0x100000, 0x1000)
    return standard + windows + struct.pack("<2L", 0, _DIRECTORY_COUNT)


def _directory_table(directories: _Directories) -> bytes:
    """All directories by number ("Optional Header Data Directories")."""
    rows = [directories.get(index, (0, 0)) for index in range(_DIRECTORY_COUNT)]
    return b"".join(struct.pack("<2L", *row) for row in rows)


def _blocks(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK


def _c_string(text: str) -> bytes:
    return text.encode() + b"\0"
