"""The tables that PT_DYNAMIC points to: strings, symbols and symbol versions of an ELF file.

They have one row a symbol, so they are read in plain `struct` passes over the bytes; pyelftools, which builds an
object a row, takes sixty times as long (DESIGN.md section 3). Every address is turned into bytes through PT_LOAD
alone, as the loader does it: what the section headers say changes nothing here.

Sources: System V ABI (gABI) chapters "Symbol Table", "Dynamic Section" and "Hash Table"; LSB 5.0 "Symbol
Versioning"; the GNU hash table as ld.so reads it (glibc, elf/dl-lookup.c).
"""

from __future__ import annotations

import sys
from array import array
from collections import Counter
from dataclasses import dataclass
from struct import Struct
from typing import TYPE_CHECKING

from auditor.facts.binary import Export, Import, VersionNeed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    Tags = Mapping[str | int, int]
    """The dynamic section by pyelftools' name of a tag; of several equal tags the last, as ld.so keeps it."""

MAX_SYMBOLS = 1_000_000
"""Rows of the symbol table: libtorch_cpu has 47,500 and the largest known libraries some 300,000."""
MAX_HASH_BUCKETS = 4 * MAX_SYMBOLS
"""Buckets of a GNU hash table: linkers make fewer buckets than symbols."""
MAX_VERSION_RECORDS = 20_000
"""Version needs and definitions, auxiliary records included: glibc's own libc has some 80."""
MAX_NAME_LENGTH = 65_536
"""Bytes of one name: the longest of our corpus is a C++ name of some 6,000."""
NAME_SHARES = 4
"""How often all names together may use the bytes of the string table. Linkers let names share their tails; a
hostile table lets a million symbols share one long name, of which each copy would cost memory."""

_MANGLED_HASH_MACHINES = frozenset({22, 0x9026})
"""EM_S390 and EM_ALPHA: their 64-bit files have 8-byte words in DT_HASH (glibc's Elf_Symndx)."""
_LINKED_INFO = frozenset(binding << 4 | kind for binding in (1, 2, 10) for kind in range(16))
"""The st_info bytes of STB_GLOBAL, STB_WEAK and STB_GNU_UNIQUE: what symbol lookup ever sees."""
_HIDDEN_VISIBILITY = frozenset({1, 2})
"""STV_INTERNAL and STV_HIDDEN: not visible to other objects (gABI, Symbol Visibility)."""
_VERSION_INDEX_MASK = 0x7FFF
"""Bit 15 is VERSYM_HIDDEN: the version is not the symbol's default one."""
_UNVERSIONED: tuple[str | None, str | None] = (None, None)


class TableError(Exception):
    """A table that cannot be read on, with the reason in words."""


@dataclass(frozen=True, slots=True)
class Load:
    """The part of a PT_LOAD segment that has bytes in the file."""

    address: int
    offset: int
    size: int
    """Cut where the file ends."""


@dataclass(frozen=True, slots=True)
class Image:
    """A file as the loader maps it."""

    content: memoryview
    bits: int
    little_endian: bool
    machine: int
    """e_machine."""
    loads: tuple[Load, ...]

    @property
    def order(self) -> str:
        """The byte order as `struct` spells it."""
        return "<" if self.little_endian else ">"

    def offset(self, address: int) -> tuple[int, int] | None:
        """The file offset of an address, and where the bytes of its segment end; None outside all segments.

        The last segment wins: ld.so maps each over those before it.
        """
        for load in reversed(self.loads):
            if load.address <= address < load.address + load.size:
                return load.offset + address - load.address, load.offset + load.size
        return None

    def at(self, address: int) -> memoryview:
        """The bytes from an address to the end of its segment, without a copy; empty outside all segments."""
        found = self.offset(address)
        return self.content[found[0] : found[1]] if found else self.content[:0]

    def words(self, code: str, address: int, count: int) -> array[int]:
        """At most `count` unsigned integers of one type (`H`, `I` or `Q`) from an address on."""
        words = array(code)
        size = words.itemsize
        table = self.at(address)
        words.frombytes(table[: min(count, len(table) // size) * size])
        if self.little_endian != (sys.byteorder == "little"):
            words.byteswap()
        return words


class Strings:
    """The string table of DT_STRTAB and DT_STRSZ."""

    __slots__ = ("_allowed", "_ascii", "_text", "missed")

    def __init__(self, table: memoryview) -> None:
        # Latin-1 keeps every offset, and a table of ASCII, as nearly all are, needs no second look.
        self._text = str(table, "latin-1")
        self._ascii = self._text.isascii()
        self._allowed = NAME_SHARES * len(self._text) + MAX_NAME_LENGTH
        self.missed = 0
        """How many strings were asked for and could not be had."""

    def __len__(self) -> int:
        return len(self._text)

    def at(self, offset: int) -> str | None:
        """The string that starts at `offset`; None behind the table's end, without an end, or past a ceiling."""
        end = self._text.find("\0", offset, offset + MAX_NAME_LENGTH)
        self._allowed -= end - offset
        if end < 0 or self._allowed < 0:
            self.missed += 1
            return None
        name = self._text[offset:end]
        if self._ascii or name.isascii():
            return name
        return name.encode("latin-1").decode("utf-8", "backslashreplace")


def read_strings(image: Image, tags: Tags, problems: list[str]) -> Strings:
    """The string table. Its size is DT_STRSZ, or what is left of its segment where the tag is absent."""
    table = image.at(tags["DT_STRTAB"])
    size = tags.get("DT_STRSZ", len(table))
    if size > len(table):
        problems.append(f"the string table should have {size} bytes, of which {len(table)} lie in the file")
    return Strings(table[:size])


@dataclass(frozen=True, slots=True)
class Versions:
    """What DT_VERNEED and DT_VERDEF say."""

    by_index: dict[int, tuple[str | None, str | None]]
    """Library and version of each version index. 0 (local) and 1 (global) have neither (LSB 5.0, 10.7.2)."""
    needs: tuple[VersionNeed, ...] = ()
    definitions: tuple[str, ...] = ()
    """Without the base definition, which names the file itself."""


class _Chain:
    """Walks linked version records; each ends with the distance to the next, 0 at the last."""

    def __init__(self, table: memoryview, name: str) -> None:
        self.table = table
        self.name = name
        self.left = MAX_VERSION_RECORDS

    def walk(self, record: Struct, offset: int) -> Iterator[tuple[int, tuple[int, ...]]]:
        """Each record with its offset in the table, as ld.so follows them: it trusts the distances only."""
        while True:
            if offset + record.size > len(self.table):
                raise TableError(f"{self.name} record lies {offset} bytes into a table of {len(self.table)} bytes")
            if not self.left:
                raise TableError(f"{self.name} records are more than {MAX_VERSION_RECORDS}; the rest was not read")
            self.left -= 1
            fields = record.unpack_from(self.table, offset)
            yield offset, fields
            if not fields[-1]:
                return
            offset += fields[-1]


def read_versions(image: Image, tags: Tags, strings: Strings, problems: list[str]) -> Versions:
    """The version needs, then the definitions, into one table of indexes as ld.so fills it (elf/dl-version.c)."""
    by_index = {0: _UNVERSIONED, 1: _UNVERSIONED}
    needs: list[VersionNeed] = []
    definitions: list[str] = []
    try:
        if "DT_VERNEED" in tags:
            _read_needs(image, tags["DT_VERNEED"], strings, by_index, needs)
        if "DT_VERDEF" in tags:
            _read_definitions(image, tags["DT_VERDEF"], strings, by_index, definitions)
    except TableError as error:
        problems.append(str(error))
    return Versions(by_index=by_index, needs=tuple(needs), definitions=tuple(definitions))


def _read_needs(
    image: Image,
    address: int,
    strings: Strings,
    by_index: dict[int, tuple[str | None, str | None]],
    needs: list[VersionNeed],
) -> None:
    """Elf_Verneed: version, count, file, aux, next. Elf_Vernaux: hash, flags, other, name, next."""
    need = Struct(image.order + "HHIII")
    auxiliary = Struct(image.order + "IHHII")
    chain = _Chain(image.at(address), "a version need")
    for offset, (revision, _count, file, first, _next) in chain.walk(need, 0):
        if revision != 1:
            raise TableError(f"a version need record has revision {revision}, and ld.so knows revision 1 only")
        library = strings.at(file)
        for _offset, (_hash, flags, index, name, _) in chain.walk(auxiliary, offset + first):
            version = strings.at(name)
            if library is None or version is None:
                continue
            by_index[index & _VERSION_INDEX_MASK] = (library, version)
            needs.append(VersionNeed(library=library, version=version, weak=bool(flags & 2)))


def _read_definitions(
    image: Image,
    address: int,
    strings: Strings,
    by_index: dict[int, tuple[str | None, str | None]],
    definitions: list[str],
) -> None:
    """Elf_Verdef: version, flags, index, count, hash, aux, next. The first Elf_Verdaux (name, next) names it."""
    definition = Struct(image.order + "HHHHIII")
    auxiliary = Struct(image.order + "II")
    chain = _Chain(image.at(address), "a version definition")
    for offset, (revision, flags, index, _count, _hash, first, _next) in chain.walk(definition, 0):
        if revision != 1:
            raise TableError(f"a version definition record has revision {revision}, and ld.so knows revision 1 only")
        if flags & 1:  # VER_FLG_BASE
            continue
        _offset, (name, _) = next(chain.walk(auxiliary, offset + first))
        version = strings.at(name)
        if version is not None:
            by_index[index & _VERSION_INDEX_MASK] = (None, version)
            definitions.append(version)


def read_symbols(
    image: Image, tags: Tags, strings: Strings, versions: Versions, problems: list[str]
) -> tuple[tuple[Import, ...], tuple[Export, ...]]:
    """The dynamic symbols, with their versions from DT_VERSYM (gABI, Symbol Table; LSB 5.0, 10.7.2)."""
    row = Struct(image.order + ("IBBH16x" if image.bits == 64 else "I8xBBH"))
    table = image.at(tags["DT_SYMTAB"])
    count = _symbol_count(image, tags, row.size, problems)
    if count * row.size > len(table):
        present = len(table) // row.size
        problems.append(f"the symbol table should have {count} rows, of which {present} lie in the file")
        count = present
    rows: Iterable[tuple[int, int, int, int]] = row.iter_unpack(table[: count * row.size])
    indexes = image.words("H", tags["DT_VERSYM"], count) if "DT_VERSYM" in tags else array("H", bytes(2 * count))
    if len(indexes) < count:
        problems.append(f"the {count} symbols have version indexes of which {len(indexes)} lie in the file")
        indexes.extend(array("H", bytes(2 * (count - len(indexes)))))
    return _sort_symbols(zip(rows, indexes, strict=True), strings, versions, problems)


def _sort_symbols(
    rows: Iterable[tuple[tuple[int, int, int, int], int]], strings: Strings, versions: Versions, problems: list[str]
) -> tuple[tuple[Import, ...], tuple[Export, ...]]:
    """The rows (st_name, st_info, st_other, st_shndx) with a version index, as imports and exports."""
    imports: list[Import] = []
    exports: list[Export] = []
    unknown: Counter[int] = Counter()
    name_at, by_index = strings.at, versions.by_index
    for (name_offset, info, other, section), index in rows:
        if info not in _LINKED_INFO or not name_offset or (section and other & 3 in _HIDDEN_VISIBILITY):
            continue
        symbol = name_at(name_offset)
        if not symbol:
            continue
        found = by_index.get(index & _VERSION_INDEX_MASK)
        if found is None:
            unknown[index & _VERSION_INDEX_MASK] += 1
            found = _UNVERSIONED
        weak = info >> 4 == 2
        if section:
            exports.append(Export(symbol=symbol, version=found[1], weak=weak))
        else:
            imports.append(Import(symbol=symbol, library=found[0], version=found[1], weak=weak))
    if unknown:
        named = ", ".join(map(str, sorted(unknown)[:3]))
        problems.append(f"{unknown.total()} symbols have a version index that no version record has ({named})")
    return tuple(imports), tuple(exports)


def _symbol_count(image: Image, tags: Tags, row_size: int, problems: list[str]) -> int:
    """How many rows DT_SYMTAB has, which no tag says.

    DT_HASH says it in nchain (gABI, Hash Table); DT_GNU_HASH by its last chain. The larger one counts, so that
    neither hides a symbol. Without a hash table, or with a GNU one that is empty (a file that defines nothing),
    the loader reaches symbols by relocations only: then the highest that one names is the last. Where nothing is
    relocated the linkers' habit is left, that the strings follow the symbols.
    """
    count = max(_count_by_hash(image, tags), _count_by_gnu_hash(image, tags, problems))
    if not count:
        count = _count_by_relocations(image, tags)
    symbols, strings = tags["DT_SYMTAB"], tags["DT_STRTAB"]
    if not count and strings > symbols and (strings - symbols) % row_size == 0:
        count = min(strings - symbols, len(image.content)) // row_size
    if count > MAX_SYMBOLS:
        problems.append(f"the symbol table has {count} rows; those after the first {MAX_SYMBOLS} were not read")
        return MAX_SYMBOLS
    return count


def _count_by_hash(image: Image, tags: Tags) -> int:
    if "DT_HASH" not in tags:
        return 0
    wide = image.bits == 64 and image.machine in _MANGLED_HASH_MACHINES
    header = image.words("Q" if wide else "I", tags["DT_HASH"], 2)
    return header[1] if len(header) == 2 else 0


def _count_by_gnu_hash(image: Image, tags: Tags, problems: list[str]) -> int:
    """Header (buckets, first hashed symbol, Bloom words, shift), Bloom filter, buckets, chains.

    A bucket holds the first symbol of its chain; the chain word with bit 0 set is the last.
    """
    address = tags.get("DT_GNU_HASH")
    header = image.words("I", address, 4) if address is not None else array("I")
    if address is None or len(header) < 4:
        return 0
    bucket_count, first, bloom_words, _shift = header
    if bucket_count > MAX_HASH_BUCKETS:
        problems.append(f"the hash table has {bucket_count} buckets; more than {MAX_HASH_BUCKETS} are not read")
        return 0
    buckets_address = address + 16 + bloom_words * (image.bits // 8)
    last = max(image.words("I", buckets_address, bucket_count), default=0)
    if last < first:
        # Nothing is hashed. LLVM's linker still counts all symbols as lying before the first; GNU ld writes 1.
        return max(first, _count_by_relocations(image, tags))
    chain_address = buckets_address + 4 * bucket_count + 4 * (last - first)
    while last <= MAX_SYMBOLS:
        words = image.words("I", chain_address, 256)
        ends = [position for position, word in enumerate(words) if word & 1]
        if ends or not words:
            return last + (ends[0] if ends else 0) + 1
        last += len(words)
        chain_address += 4 * len(words)
    return last + 1


def _count_by_relocations(image: Image, tags: Tags) -> int:
    """One more than the highest symbol that a relocation names (gABI, Relocation): r_info is the second word."""
    rows = {"DT_RELA": 3, "DT_REL": 2}
    code, shift = ("Q", 32) if image.bits == 64 else ("I", 8)
    linkage = "DT_RELA" if tags.get("DT_PLTREL") == 7 else "DT_REL"
    highest = 0
    for address_tag, size_tag, words in (
        ("DT_RELA", "DT_RELASZ", rows["DT_RELA"]),
        ("DT_REL", "DT_RELSZ", rows["DT_REL"]),
        ("DT_JMPREL", "DT_PLTRELSZ", rows[linkage]),
    ):
        if address_tag in tags:
            count = tags.get(size_tag, 0) // (image.bits // 8)
            highest = max(highest, *image.words(code, tags[address_tag], count)[1::words], 0)
    return (highest >> shift) + 1 if highest >> shift else 0
