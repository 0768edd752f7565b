"""What stands in __LINKEDIT: symbols, bind opcodes or chained fixups, the export trie.

Specifications: Apple's <mach-o/nlist.h>, <mach-o/loader.h> and <mach-o/fixup-chains.h>.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SELF_ORDINAL, WEAK_LOOKUP_ORDINAL, FLAT_LOOKUP_ORDINAL, EXECUTABLE_ORDINAL = 0, 0xFD, 0xFE, 0xFF

_N_EXT, _N_SECT = 0x01, 0x0E
_N_WEAK_REF, _N_WEAK_DEF = 0x40, 0x80


@dataclass(frozen=True, slots=True, kw_only=True)
class MachoImport:
    """An undefined symbol, in its raw spelling with the leading underscore."""

    symbol: str
    library: str | int | None = None
    """An install name among the libraries, a raw ordinal (0 this file, 255 the program), or None for flat lookup."""
    weak: bool = False
    """The loader may leave it unresolved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MachoExport:
    """A defined symbol, in its raw spelling; all exports share one function body."""

    symbol: str
    weak: bool = False
    """A weak definition: the loader takes the first one of all files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """An import whose library has become an ordinal."""

    symbol: bytes
    ordinal: int
    weak: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Slots:
    """Where the pointers lie that binding fills: one behind the other at the start of a segment."""

    segment: int
    segment_count: int
    segment_offset: int
    """Of the segment in memory, from the Mach-O header."""
    word: int
    page: int


def uleb(number: int) -> bytes:
    """The shortest unsigned LEB128."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*out, number))


def symbol_table(word: int, exports: Sequence[MachoExport], imports: Sequence[Bound], code: int) -> tuple[bytes, bytes]:
    """nlist or nlist_64 for the exports, then the imports, and the string table (<mach-o/nlist.h>)."""
    rows, strings = b"", b" \0"
    row = struct.Struct("<LBBHQ" if word == 8 else "<LBBHL")
    for export in sorted(exports, key=lambda each: each.symbol):
        rows += row.pack(len(strings), _N_SECT | _N_EXT, 1, _N_WEAK_DEF if export.weak else 0, code)
        strings += export.symbol.encode() + b"\0"
    for bound in imports:
        rows += row.pack(len(strings), _N_EXT, 0, bound.ordinal << 8 | (_N_WEAK_REF if bound.weak else 0), 0)
        strings += bound.symbol + b"\0"
    return rows, strings + bytes(-len(strings) % word)


def bind_opcodes(imports: Sequence[Bound], slots: Slots) -> bytes:
    """BIND_OPCODE_*, one pointer at a time (<mach-o/loader.h>)."""
    program = b""
    for number, bound in enumerate(imports):
        if bound.ordinal == SELF_ORDINAL or bound.ordinal >= WEAK_LOOKUP_ORDINAL:
            program += bytes((0x30 | bound.ordinal & 0x0F,))
        else:
            program += bytes((0x10 | bound.ordinal,)) if bound.ordinal < 16 else b"\x20" + uleb(bound.ordinal)
        program += bytes((0x40 | bound.weak,)) + bound.symbol + b"\0"
        program += bytes((0x51, 0x70 | slots.segment)) + uleb(number * slots.word) + b"\x90"
    return _padded(program + b"\0") if imports else b""


def chained_fixups(imports: Sequence[Bound], slots: Slots, import_format: int, pointer_format: int) -> bytes:
    """dyld_chained_fixups_header and all behind it (<mach-o/fixup-chains.h>); one chain holds every pointer."""
    names, rows = b"\0", b""
    for bound in imports:
        rows += _chained_import(bound, len(names), import_format)
        names += bound.symbol + b"\0"
    starts_size = 4 + 4 * slots.segment_count
    starts_size += -starts_size % 8
    segment = struct.pack("<L2HQLHH", 24, slots.page, pointer_format, slots.segment_offset, 0, 1, 0)
    offsets = [starts_size if imports and index == slots.segment else 0 for index in range(slots.segment_count)]
    starts = struct.pack(f"<{1 + len(offsets)}L", len(offsets), *offsets).ljust(starts_size, b"\0")
    starts += _padded(segment) if imports else b""
    place = 32 + len(starts)
    header = struct.pack("<7L", 0, 32, place, place + len(rows), len(imports), import_format, 0)
    return _padded(header.ljust(32, b"\0") + starts + rows + names)


def chained_pointers(count: int, pointer_format: int) -> bytes:
    """The pointers before binding: each holds its import's number and the distance to the next one."""
    pointers = b""
    for number in range(count):
        last = number == count - 1
        match pointer_format:
            case 2:  # DYLD_CHAINED_PTR_64, distances in 4 bytes
                pointers += struct.pack("<Q", number | (0 if last else 2) << 51 | 1 << 63)
            case 12:  # DYLD_CHAINED_PTR_ARM64E_USERLAND24, distances in 8 bytes
                pointers += struct.pack("<Q", number | (0 if last else 1) << 51 | 1 << 62)
            case _:  # DYLD_CHAINED_PTR_32, distances in 4 bytes
                pointers += struct.pack("<L", number | (0 if last else 1) << 26 | 1 << 31)
    return pointers


def export_trie(exports: Mapping[bytes, bytes]) -> bytes:
    """The trie of exported names with their terminal records (<mach-o/loader.h>, "dyld_info_command")."""
    if not exports:
        return b""
    nodes: list[_TrieNode] = []
    _grow(dict(exports), nodes)
    offsets = [0] * len(nodes)
    while (found := _node_offsets(nodes, offsets)) != offsets:
        offsets = found
    return _padded(b"".join(node.encode(offsets) for node in nodes))


def export_record(export: MachoExport, address: int) -> bytes:
    """What the trie says of a defined symbol: flags and the distance from the Mach-O header."""
    return uleb(4 if export.weak else 0) + uleb(address)


@dataclass(slots=True)
class _TrieNode:
    """One node: the record of the name that ends here, and the edges to longer names."""

    terminal: bytes = b""
    edges: list[tuple[bytes, int]] = field(default_factory=list)

    def encode(self, offsets: Sequence[int]) -> bytes:
        edges = b"".join(label + b"\0" + uleb(offsets[child]) for label, child in self.edges)
        return uleb(len(self.terminal)) + self.terminal + bytes((len(self.edges),)) + edges


def _grow(exports: Mapping[bytes, bytes], nodes: list[_TrieNode]) -> int:
    """Append the node for these names and, behind it, all below it; say which one it is."""
    node, index = _TrieNode(terminal=exports.get(b"", b"")), len(nodes)
    nodes.append(node)
    longer = sorted(name for name in exports if name)
    for _, group in groupby(longer, key=lambda name: name[:1]):
        names = list(group)
        label = _common_prefix(names[0], names[-1])
        node.edges.append((label, _grow({name[len(label) :]: exports[name] for name in names}, nodes)))
    return index


def _common_prefix(first: bytes, last: bytes) -> bytes:
    """The prefix of all names between these two in sorted order."""
    pairs = enumerate(zip(first, last, strict=False))
    return first[: next((index for index, (one, other) in pairs if one != other), len(first))]


def _node_offsets(nodes: Sequence[_TrieNode], offsets: Sequence[int]) -> list[int]:
    """Where the nodes lie if their edges are written with the given offsets."""
    found, position = [], 0
    for node in nodes:
        found.append(position)
        position += len(node.encode(offsets))
    return found


def _chained_import(bound: Bound, name: int, import_format: int) -> bytes:
    """dyld_chained_import, dyld_chained_import_addend or dyld_chained_import_addend64."""
    if import_format == 3:
        ordinal = bound.ordinal | (0xFF00 if bound.ordinal >= WEAK_LOOKUP_ORDINAL else 0)
        return struct.pack("<2Q", ordinal | bound.weak << 16 | name << 32, 0)
    short = struct.pack("<L", bound.ordinal | bound.weak << 8 | name << 9)
    return short + (struct.pack("<l", 0) if import_format == 2 else b"")


def _padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % 8)
