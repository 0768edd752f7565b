"""What a Mach-O slice binds and exports: the tables in __LINKEDIT that macholib does not read.

Each reader takes the bytes of one table and a list that it adds its problems to, and gives back what it could
read up to the first of them. Nothing here follows an address into a segment: dyld binds by these tables alone.

Sources: <mach-o/fixup-chains.h> (chained fixups), <mach-o/loader.h> (bind opcodes, export trie),
<mach-o/nlist.h> (symbol table); dyld's `MachOLayout.cpp` for what stands where they are silent.
"""

from __future__ import annotations

import re
import struct
from itertools import islice
from typing import TYPE_CHECKING

from auditor.facts.binary import Export, Import, Lookup

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence, Set

    Binding = tuple[bytes, int, bool]
    """The name in the file, the two-level ordinal of its library, and whether its absence is tolerated."""

MAX_SYMBOLS = 500_000
"""Symbols of one table. The most in the corpus are 159,778 exports; this many take about 1.5 s."""
MAX_NAME = 1 << 16
"""Bytes of one name. The longest in the corpus has 486; without an end a name would be the whole file."""
MAX_NAMES = 128 << 20
"""Bytes of all names of one table: names that overlap in a small table may add up to far more than the file has.
The most in the corpus are 14 MB."""
MAX_TABLE = 32 << 20
"""Bytes of an export trie or of an opcode stream, which are copied. The largest in the corpus has 3.7 MB;
the costliest garbage takes 0.3 s a megabyte."""

_C_STRING = re.compile(rb"[^\0]*")

SELF = 0
"""BIND_SPECIAL_DYLIB_SELF: the image itself."""
MAIN_EXECUTABLE = -1
"""BIND_SPECIAL_DYLIB_MAIN_EXECUTABLE."""
FLAT_LOOKUP = -2
"""BIND_SPECIAL_DYLIB_FLAT_LOOKUP: whichever image has the symbol first."""
WEAK_LOOKUP = -3
"""BIND_SPECIAL_DYLIB_WEAK_LOOKUP: coalesced over all images, as C++ wants its inline functions."""
_LOOKUPS = {
    SELF: Lookup.SELF,
    MAIN_EXECUTABLE: Lookup.MAIN,
    FLAT_LOOKUP: Lookup.FLAT,
    WEAK_LOOKUP: Lookup.COALESCED,
}


def c_string(content: memoryview | bytes, start: int, limit: int = MAX_NAME) -> bytes:
    """The bytes from `start` to the next NUL, at most `limit`; searched in place, as a memoryview cannot `find`."""
    found = _C_STRING.match(content, start, min(start + limit, len(content)))
    return found.group() if found is not None else b""


def text(name: bytes) -> str:
    """Bytes as text; what is no UTF-8 stays visible as an escape."""
    return name.decode("utf-8", "backslashreplace")


def c_name(name: bytes) -> str:
    """The C name of a symbol: Mach-O puts one underscore before it."""
    return text(name[1:] if name.startswith(b"_") else name)


def imports_of(
    bindings: Iterable[Binding],
    libraries: Sequence[str],
    identity: str | None,
    problems: list[str],
    *,
    own: Set[str] = frozenset(),
) -> tuple[Import, ...]:
    """The imports that `bindings` make. An ordinal counts `libraries` from 1; 0 is the image itself, by `identity`.

    A coalesced symbol that the image defines too (`own`, C names) need not come from elsewhere and is no import:
    dyld takes the image's own definition where no other image has one.
    """
    by_ordinal: dict[int, str | None] = dict(enumerate(libraries, start=1))
    by_ordinal |= dict.fromkeys(_LOOKUPS) | {SELF: identity}
    imports: list[Import] = []
    stray: list[str] = []
    for name, ordinal, weak in bindings:
        symbol, raw = c_name(name), text(name) if name.startswith(b"_") else None
        lookup = _LOOKUPS.get(ordinal, Lookup.NAMED)
        if lookup is Lookup.COALESCED and symbol in own:
            continue
        imports.append(Import(symbol=symbol, raw=raw, library=by_ordinal.get(ordinal), lookup=lookup, weak=weak))
        if ordinal not in by_ordinal:
            stray.append(f"`{symbol}` is bound to library {ordinal} of {len(libraries)}")
    if stray:
        problems.append(stray[0] if len(stray) == 1 else f"{stray[0]}, and {len(stray) - 1} more are bound to none")
    return tuple(imports)


def read_uleb(table: bytes, position: int) -> tuple[int, int]:
    """A ULEB128 number and the position behind it. Raises IndexError behind the end of the table."""
    number = shift = 0
    while True:
        byte = table[position]
        position += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, position
        shift += 7
        if shift > 63:
            raise ValueError(f"a number of more than 64 bits ends at byte {position}")


# -- chained fixups (macOS 12 and later, arm64e) ------------------------------------------------------------------

_IMPORT_LAYOUTS = {1: "I", 2: "Ii", 3: "QQ"}
"""DYLD_CHAINED_IMPORT, _ADDEND, _ADDEND64: `struct` formats of one row."""


def read_chained_bindings(table: memoryview, order: str, problems: list[str]) -> Mapping[Binding, None]:
    """The imports table of LC_DYLD_CHAINED_FIXUPS (`dyld_chained_fixups_header`)."""
    bindings: dict[Binding, None] = {}
    if len(table) < 28:
        problems.append(f"the chained fixups have {len(table)} bytes, fewer than their header")
        return bindings
    _version, _starts, rows, names, count, layout, packing = struct.unpack_from(f"{order}7I", table)
    if not count:
        return bindings
    if layout not in _IMPORT_LAYOUTS or packing != 0:
        problems.append(f"the chained fixups have imports of format {layout} and names of format {packing}")
        return bindings
    row = struct.Struct(order + _IMPORT_LAYOUTS[layout])
    there = max(0, len(table) - rows) // row.size
    if count > min(there, MAX_SYMBOLS):
        problems.append(f"the chained fixups claim {count} imports; {min(there, MAX_SYMBOLS)} are read")
        count = min(there, MAX_SYMBOLS)
    names_left = MAX_NAMES
    for packed, *_addend in row.iter_unpack(table[rows : rows + count * row.size]):
        ordinal, weak, name_at = _unpack_wide(packed) if layout == 3 else _unpack_narrow(packed)
        if names + name_at >= len(table):
            problems.append(f"the name of a chained import stands at byte {names + name_at} of {len(table)}")
            break
        name = c_string(table, names + name_at)
        names_left -= len(name)
        if names_left < 0:
            problems.append(f"the names of the chained imports have more than {MAX_NAMES} bytes")
            break
        bindings[name, ordinal, weak] = None
    return bindings


def _unpack_narrow(packed: int) -> tuple[int, bool, int]:
    """`dyld_chained_import`: lib_ordinal:8, weak_import:1, name_offset:23; ordinals over 0xF0 are negative."""
    ordinal = packed & 0xFF
    return ordinal - 0x100 if ordinal > 0xF0 else ordinal, bool(packed & 0x100), packed >> 9


def _unpack_wide(packed: int) -> tuple[int, bool, int]:
    """`dyld_chained_import_addend64`: lib_ordinal:16, weak_import:1, reserved:15, name_offset:32."""
    ordinal = packed & 0xFFFF
    return ordinal - 0x10000 if ordinal > 0xFFF0 else ordinal, bool(packed & 0x10000), packed >> 32


# -- bind opcodes (LC_DYLD_INFO) ----------------------------------------------------------------------------------


def read_bind_opcodes(stream: bytes, *, kind: str, problems: list[str]) -> Mapping[Binding, None]:
    """The bindings of one opcode stream; `kind` is `bind`, `weak-bind` or `lazy-bind`.

    Only what selects a symbol is decoded; how often and where it is stored does not matter here. Each opcode
    moves on by at least one byte, so that garbage ends with the stream.
    """
    bindings: dict[Binding, None] = {}
    try:
        for name, ordinal, weak in _bound(stream, kind):
            bindings[name, ordinal, weak] = None
            if len(bindings) >= MAX_SYMBOLS:
                problems.append(f"the {kind} opcodes bind more than {MAX_SYMBOLS} symbols")
                break
    except (IndexError, ValueError) as error:
        problems.append(f"the {kind} opcodes ({len(stream)} bytes) break off: {error}")
    return bindings


def _bound(stream: bytes, kind: str) -> Iterator[Binding]:
    """Each binding of the stream, repeated only where its symbol or its library was set anew."""
    name, weak, fresh = b"", False, False
    ordinal = WEAK_LOOKUP if kind == "weak-bind" else 0
    position, end = 0, len(stream)
    while position < end:
        byte = stream[position]
        position += 1
        opcode, immediate = byte & 0xF0, byte & 0x0F
        if opcode >= 0x90:  # DO_BIND and its variants, THREADED
            for _ in range(_numbers_of_bind(opcode, immediate)):
                _number, position = read_uleb(stream, position)
            if opcode != 0xD0 and fresh:
                yield name, ordinal, weak
                fresh = False
        elif opcode == 0x40:  # SET_SYMBOL_TRAILING_FLAGS_IMM; flag 1 is BIND_SYMBOL_FLAGS_WEAK_IMPORT
            terminator = stream.index(0, position)
            name, weak = stream[position:terminator], bool(immediate & 1)
            # A strong definition of this image (flag 8, NON_WEAK_DEFINITION) is announced and not bound.
            position, fresh = terminator + 1, True
        elif opcode == 0x10:  # SET_DYLIB_ORDINAL_IMM
            ordinal, fresh = immediate, True
        elif opcode == 0x20:  # SET_DYLIB_ORDINAL_ULEB
            ordinal, position = read_uleb(stream, position)
            fresh = True
        elif opcode == 0x30:  # SET_DYLIB_SPECIAL_IMM, a signed number of four bits
            ordinal, fresh = (immediate - 16 if immediate else 0), True
        elif opcode in {0x60, 0x70, 0x80}:  # SET_ADDEND_SLEB, SET_SEGMENT_AND_OFFSET_ULEB, ADD_ADDR_ULEB
            _number, position = read_uleb(stream, position)
        elif opcode == 0 and kind != "lazy-bind":
            return  # DONE; in the lazy stream it only ends one symbol


def _numbers_of_bind(opcode: int, immediate: int) -> int:
    """How many ULEB numbers follow a binding opcode."""
    if opcode == 0xD0:  # THREADED: SET_BIND_ORDINAL_TABLE_SIZE_ULEB (0) or APPLY (1)
        return 0 if immediate else 1
    if opcode not in _BIND_NUMBERS:
        raise ValueError(f"{opcode:#x} is no bind opcode")
    return _BIND_NUMBERS[opcode]


_BIND_NUMBERS = {0x90: 0, 0xA0: 1, 0xB0: 0, 0xC0: 2}
"""DO_BIND, DO_BIND_ADD_ADDR_ULEB, DO_BIND_ADD_ADDR_IMM_SCALED, DO_BIND_ULEB_TIMES_SKIPPING_ULEB."""


def merge_weak_bindings(bound: Mapping[Binding, None], coalesced: Mapping[Binding, None]) -> Iterator[Binding]:
    """What is bound, then what is only coalesced: most coalesced symbols are bound to a library first.

    What is only coalesced keeps the address that the linker gave it where dyld finds no definition, so that its
    absence is tolerated (dyld's `Loader::forEachBindTarget`: "it was also ok for a weak bind to be missing").
    """
    yield from bound
    names = {name for name, _ordinal, _weak in bound}
    for name, ordinal, _weak in coalesced:
        if name not in names:
            yield name, ordinal, True


# -- export trie --------------------------------------------------------------------------------------------------


def read_export_trie(trie: bytes, problems: list[str], libraries: Sequence[str] = ()) -> tuple[Export, ...]:
    """The exports of LC_DYLD_EXPORTS_TRIE or of the export part of LC_DYLD_INFO, in the order of the trie.

    The ordinal of a re-exported symbol counts `libraries` from 1; one that no library has gives no name.
    Each node is reached once in a well-formed trie; a second arrival is a cycle, or would be a cost without bound.
    """
    exports: list[Export] = []
    try:
        for name, flags, forward, ordinal in _trie_entries(trie):
            weak = bool(flags & 0x04)  # EXPORT_SYMBOL_FLAGS_WEAK_DEFINITION
            library = libraries[ordinal - 1] if 0 < ordinal <= len(libraries) else None
            exports.append(Export(symbol=c_name(name), weak=weak, forward=forward, library=library))
            if len(exports) >= MAX_SYMBOLS:
                problems.append(f"the export trie has more than {MAX_SYMBOLS} symbols")
                break
    except (IndexError, ValueError) as error:
        problems.append(f"the export trie ({len(trie)} bytes) breaks off: {error}")
    return tuple(exports)


def _trie_entries(trie: bytes) -> Iterator[tuple[bytes, int, str | None, int]]:
    """Name, flags, re-exported name and its ordinal of each terminal node.

    Raises IndexError or ValueError where the trie is broken.
    """
    pending: list[tuple[int, bytes]] = [(0, b"")] if trie else []
    reached = bytearray(len(trie))
    names_left = MAX_NAMES
    while pending:
        node, name = pending.pop()
        if reached[node]:
            raise ValueError(f"the node at byte {node} is reached twice")
        reached[node] = 1
        size, position = trie[node], node + 1
        if size >= 0x80:
            size, position = read_uleb(trie, node)
        children = position + size
        if size:
            yield name, *_terminal(trie, position, name)
        position = children + 1
        branches = []
        for _ in range(trie[children]):
            terminator = trie.index(0, position)
            child = trie[terminator + 1]
            edge = trie[position:terminator]
            position = terminator + 2
            if child >= 0x80:
                child, position = read_uleb(trie, terminator + 1)
            branches.append((child, name + edge))
            names_left -= len(name) + len(edge)
            if names_left < 0 or len(name) + len(edge) > MAX_NAME:
                raise ValueError(f"its names pass the ceiling of {MAX_NAME} bytes, or of {MAX_NAMES} together")
        branches.reverse()
        pending += branches


def _terminal(trie: bytes, position: int, name: bytes) -> tuple[int, str | None, int]:
    """Flags of a terminal node and, for a re-export (flag 8), name and ordinal of the other library, otherwise 0.

    An empty name there means the same one.
    """
    flags = trie[position]
    if flags >= 0x80:
        flags, position = read_uleb(trie, position)
    else:
        position += 1
    if not flags & 0x08:  # EXPORT_SYMBOL_FLAGS_REEXPORT
        return flags, None, 0
    ordinal, position = read_uleb(trie, position)
    return flags, c_name(c_string(trie, position) or name), ordinal


# -- symbol table -------------------------------------------------------------------------------------------------

_N_STAB, _N_PEXT, _N_TYPE, _N_EXT = 0xE0, 0x10, 0x0E, 0x01
_N_UNDF, _N_PBUD, _N_INDR = 0x0, 0xC, 0xA
_N_WEAK_REF, _N_WEAK_DEF = 0x40, 0x80
_SPECIAL_ORDINALS = {0xFE: FLAT_LOOKUP, 0xFF: MAIN_EXECUTABLE}
"""DYNAMIC_LOOKUP_ORDINAL and EXECUTABLE_ORDINAL of <mach-o/nlist.h>."""


class SymbolTable:
    """The external symbols of LC_SYMTAB, for slices without the tables of dyld: objects and old images."""

    def __init__(self, rows: memoryview, names: memoryview, *, order: str, bits: int, problems: list[str]) -> None:
        self._names = names
        self._names_left = MAX_NAMES
        self._problems = problems
        row = struct.Struct(order + ("IBBHQ" if bits == 64 else "IBBHI"))
        table = rows[: len(rows) // row.size * row.size]
        external = (entry for entry in row.iter_unpack(table) if entry[1] & _N_EXT and not entry[1] & _N_STAB)
        self._external = tuple(islice(external, MAX_SYMBOLS))
        if next(external, None) is not None:
            problems.append(f"the symbol table has more than {MAX_SYMBOLS} external symbols")

    def bindings(self, *, two_level: bool) -> Mapping[Binding, None]:
        """The undefined symbols. Without two-level names (MH_TWOLEVEL) any library may provide them."""
        bindings: dict[Binding, None] = {}
        for name_at, kind, _section, description, address in self._external:
            # An undefined symbol with a value is a common symbol, which its own file provides (<mach-o/nlist.h>).
            if kind & _N_TYPE not in {_N_UNDF, _N_PBUD} or (address and kind & _N_TYPE == _N_UNDF):
                continue
            ordinal = description >> 8
            ordinal = _SPECIAL_ORDINALS.get(ordinal, ordinal) if two_level else FLAT_LOOKUP
            name = self._name(name_at)
            if name is None:
                break
            bindings[name, ordinal, bool(description & _N_WEAK_REF)] = None
        return bindings

    def exports(self) -> tuple[Export, ...]:
        """The defined symbols that are not private to the linked image (N_PEXT)."""
        exports: list[Export] = []
        for name_at, kind, _section, description, address in self._external:
            undefined = kind & _N_TYPE in {_N_UNDF, _N_PBUD}
            if kind & _N_PEXT or (undefined and not address):
                continue
            name = self._name(name_at)
            if name is None:
                break
            alias = self._name(address) if kind & _N_TYPE == _N_INDR else None
            weak = bool(description & _N_WEAK_DEF) and not undefined
            exports.append(Export(symbol=c_name(name), weak=weak, forward=None if alias is None else c_name(alias)))
        return tuple(exports)

    def _name(self, start: int) -> bytes | None:
        """A name of the string table, or None (and a problem) where it lies outside or the names have no end."""
        if start >= len(self._names):
            self._problems.append(f"a symbol's name stands at byte {start} of {len(self._names)} of the string table")
            return None
        name = c_string(self._names, start)
        self._names_left -= len(name)
        if self._names_left < 0:
            self._problems.append(f"the names of the symbol table have more than {MAX_NAMES} bytes")
            return None
        return name
