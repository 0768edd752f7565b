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
"""Rows of the symbol table: libtorch_cpu, the largest that we measured, has 47,500."""
MAX_HASH_BUCKETS = 4 * MAX_SYMBOLS
"""Buckets of a GNU hash table: linkers make fewer buckets than symbols."""
MAX_VERSION_RECORDS = 20_000
"""Version needs and definitions, auxiliary records included: glibc's own libc has some 80."""
MAX_NAME_LENGTH = 65_536
"""Bytes of one name: the longest of our corpus has 582, and C++ templates are known to reach some thousands."""
MAX_STRING_TABLE = 1 << 27
"""Bytes of the string table, which is copied: the largest of our corpus has 3 MB."""
NAME_SHARES = 2
"""How often all names together may use the bytes of the string table. Linkers let names share their tails; a
hostile table lets a million symbols share one long name, of which each copy would cost memory."""

_WIDE_HASH_MACHINES = frozenset({22, 0x9026})
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
        if end < 0 or end - offset > self._allowed:
            self.missed += 1
            return None
        self._allowed -= end - offset
        name = self._text[offset:end]
        if self._ascii or name.isascii():
            return name
        return name.encode("latin-1").decode("utf-8", "backslashreplace")


def read_strings(image: Image, tags: Tags, problems: list[str]) -> Strings:
    """The string table. Its size is DT_STRSZ, or what is left of its segment where the tag is absent."""
    table = image.at(tags["DT_STRTAB"])
    size = tags.get("DT_STRSZ", max(len(table), 1))
    if size > len(table):
        problems.append(f"the string table should have {size} bytes, of which {len(table)} lie in the file")
    if size > MAX_STRING_TABLE:
        problems.append(f"the string table has {size} bytes; those after the first {MAX_STRING_TABLE} were not read")
    return Strings(table[: min(size, MAX_STRING_TABLE)])


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
                raise TableError(f"there are more than {MAX_VERSION_RECORDS} version records; the rest was not read")
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
    rows: Iterable[tuple[tuple[int, int, int, int], int]],
    strings: Strings,
    versions: Versions,
    problems: list[str],
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
    count = max(_count_by_hash(image, tags, problems), _count_by_gnu_hash(image, tags, problems))
    if not count:
        count = _count_by_relocations(image, tags)
    symbols, strings = tags["DT_SYMTAB"], tags["DT_STRTAB"]
    if not count and strings > symbols and (strings - symbols) % row_size == 0:
        count = min(strings - symbols, len(image.content)) // row_size
    if count > MAX_SYMBOLS:
        problems.append(f"the symbol table has {count} rows; those after the first {MAX_SYMBOLS} were not read")
        return MAX_SYMBOLS
    return count


def _count_by_hash(image: Image, tags: Tags, problems: list[str]) -> int:
    """Number of buckets, number of chains: there is a chain word for each symbol (gABI, Hash Table)."""
    if "DT_HASH" not in tags:
        return 0
    wide = image.bits == 64 and image.machine in _WIDE_HASH_MACHINES
    header = image.words("Q" if wide else "I", tags["DT_HASH"], 2)
    if len(header) < 2:
        problems.append(f"the hash table at address {tags['DT_HASH']:#x} lies outside the file")
        return 0
    return header[1]


def _count_by_gnu_hash(image: Image, tags: Tags, problems: list[str]) -> int:
    """Header (buckets, first hashed symbol, Bloom words, shift), Bloom filter, buckets, chains.

    A bucket holds the first symbol of its chain, and chains lie in the order of their symbols.
    """
    if "DT_GNU_HASH" not in tags:
        return 0
    address = tags["DT_GNU_HASH"]
    header = image.words("I", address, 4)
    if len(header) < 4:
        problems.append(f"the GNU hash table at address {address:#x} lies outside the file")
        return 0
    bucket_count, first, bloom_words, _shift = header
    address += 16 + bloom_words * (image.bits // 8)
    buckets = image.words("I", address, min(bucket_count, MAX_HASH_BUCKETS))
    if len(buckets) < bucket_count:
        problems.append(f"the GNU hash table should have {bucket_count} buckets, of which {len(buckets)} were read")
        return 0
    last = max(buckets, default=0)
    if last < first:
        # Nothing is hashed. LLVM's linker still counts all symbols as lying before the first; GNU ld writes 1.
        return max(first, _count_by_relocations(image, tags))
    return _end_of_chain(image, address + 4 * (bucket_count - first), last, problems)


def _end_of_chain(image: Image, chains: int, last: int, problems: list[str]) -> int:
    """One more than the last symbol of a chain: that whose word, `chains` plus four times its number, has bit 0."""
    while last <= MAX_SYMBOLS:
        words = image.words("I", chains + 4 * last, 256)
        if not words:
            problems.append(f"the GNU hash table has no end: its last chain leaves the file at symbol {last}")
            return last
        for word in words:
            last += 1
            if word & 1:
                return last
    return last


def _count_by_relocations(image: Image, tags: Tags) -> int:
    """One more than the highest symbol that a relocation names, 0 where none does (gABI, Relocation)."""
    linkage = "DT_RELA" if tags.get("DT_PLTREL") == 7 else "DT_REL"
    return max(
        _highest_relocated(image, tags, "DT_RELA", "DT_RELASZ", row_words=3),
        _highest_relocated(image, tags, "DT_REL", "DT_RELSZ", row_words=2),
        _highest_relocated(image, tags, "DT_JMPREL", "DT_PLTRELSZ", row_words=3 if linkage == "DT_RELA" else 2),
    )


def _highest_relocated(image: Image, tags: Tags, address_tag: str, size_tag: str, *, row_words: int) -> int:
    """As above, of one table: the second word of a row, r_info, has the symbol in its upper bits."""
    address, code, word_size, shift = tags.get(address_tag), "I", 4, 8
    if image.bits == 64:
        code, word_size, shift = "Q", 8, 32
    if address is None:
        return 0
    left, highest = tags.get(size_tag, 0) // word_size, 0
    while left > 0:
        # In portions, for a table may be as large as the file.
        words = image.words(code, address, min(left, 4096 * row_words))
        if not words:
            break
        highest = max(highest, max(words[1::row_words], default=0))
        left -= len(words)
        address += len(words) * word_size
    return (highest >> shift) + 1 if highest >> shift else 0
