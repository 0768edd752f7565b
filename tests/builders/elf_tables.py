"""The tables of an ELF file that do not depend on addresses: strings, symbols, hashes, versions, notes.

Specifications: System V gABI, chapters 4 and 5 (string table, symbol table, note section, hash table);
LSB Core, section 10.7 "Symbol Versioning"; the GNU hash section has no specification but binutils and glibc;
"Linux Extensions to gABI" for the property note.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tests.builders.elf_machines import ByteOrder

_LOCAL_INDEX, _GLOBAL_INDEX = 0, 1
_HIDDEN = 0x8000
_BASE_FLAG, _WEAK_FLAG = 1, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ElfImport:
    """An undefined dynamic symbol. A relocation binds it at load time, so a strong one must exist."""

    symbol: str
    library: str | None = None
    """The file that the version is required of; without a version ELF has no place for it."""
    version: str | None = None
    weak: bool = False
    """STB_WEAK: the loader may leave it unresolved."""
    version_weak: bool = False
    """VER_FLG_WEAK: the loader only warns when the library lacks the version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ElfExport:
    """A defined dynamic symbol; all exports share one function body."""

    symbol: str
    version: str | None = None
    weak: bool = False
    hidden: bool = False
    """A version that is not the default one (`symbol@version`, not `symbol@@version`)."""
    type: Literal["function", "object"] = "function"


@dataclass(frozen=True, slots=True, kw_only=True)
class ElfVersionNeed:
    """A version required of a library although no symbol uses it, such as GLIBC_ABI_DT_RELR."""

    library: str
    version: str
    weak: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """Class and byte order: everything that makes the same table differ between ELF files."""

    bits: Literal[32, 64]
    order: ByteOrder

    @property
    def word_size(self) -> int:
        """The size of an address."""
        return self.bits // 8

    def pack(self, layout: str, *values: int) -> bytes:
        """`struct.pack` in the file's byte order, with `A` for an address."""
        prefix, address = "<" if self.order == "little" else ">", "Q" if self.bits == 64 else "L"
        return struct.pack(prefix + layout.replace("A", address), *values)


@dataclass(slots=True)
class StringTable:
    """Strings by offset (gABI, "String Table")."""

    content: bytearray = field(default_factory=lambda: bytearray(1))

    def add(self, text: str) -> int:
        """The offset of `text`, which is appended when it is new."""
        needle = b"\0" + text.encode() + b"\0"
        if text and needle not in self.content:
            self.content += needle[1:]
        return self.content.index(needle) + 1 if text else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Versions:
    """.gnu.version, .gnu.version_d and .gnu.version_r (LSB, section 10.7)."""

    indices: bytes
    definitions: bytes
    definition_count: int
    needs: bytes
    need_count: int


def encode_symbols(
    encoding: Encoding,
    strings: StringTable,
    imports: Sequence[ElfImport],
    exports: Sequence[ElfExport],
    code: tuple[int, int, int],
) -> bytes:
    """.dynsym, the imports first; `code` is section index, address and size of what is exported."""
    rows = [encode_symbol(encoding, 0, 0, (0, 0, 0))]
    for imported in imports:
        st_info = binding(imported.weak) | (0 if imported.version is None else 2)
        rows.append(encode_symbol(encoding, strings.add(imported.symbol), st_info, (0, 0, 0)))
    for exported in exports:
        st_info = binding(exported.weak) | (2 if exported.type == "function" else 1)
        rows.append(encode_symbol(encoding, strings.add(exported.symbol), st_info, code))
    return b"".join(rows)


def binding(weak: bool) -> int:
    """STB_WEAK or STB_GLOBAL in its place in st_info."""
    return (2 if weak else 1) << 4


def encode_symbol(encoding: Encoding, name: int, st_info: int, place: tuple[int, int, int]) -> bytes:
    """One Elf32_Sym or Elf64_Sym (gABI, "Symbol Table"); `place` is section index, value and size."""
    section, value, size = place
    if encoding.bits == 64:
        return encoding.pack("LBBHAA", name, st_info, 0, section, value, size)
    return encoding.pack("LAABBH", name, value, size, st_info, 0, section)


def sysv_hash_table(encoding: Encoding, symbol_count: int, *, wide: bool) -> bytes:
    """DT_HASH with one bucket (gABI, "Hash Table"); `wide` entries have 8 bytes, as on s390x."""
    chain = [*range(1, symbol_count), 0]
    first, links = (chain[0], [0, *chain[1:]]) if symbol_count > 1 else (0, [0])
    return encoding.pack(f"{3 + len(links)}{'Q' if wide else 'L'}", 1, symbol_count, first, *links)


def gnu_hash_table(encoding: Encoding, exports: Sequence[ElfExport], first_export: int) -> bytes:
    """DT_GNU_HASH with one bucket and a Bloom filter that lets everything pass."""
    header = encoding.pack("4LA", 1, first_export, 1, encoding.word_size, (1 << encoding.bits) - 1)
    hashes = [gnu_hash(exported.symbol) & ~1 for exported in exports]
    if hashes:
        hashes[-1] |= 1
    return header + encoding.pack(f"{1 + len(hashes)}L", first_export if hashes else 0, *hashes)


def gnu_hash(name: str) -> int:
    """The hash of DT_GNU_HASH."""
    value = 5381
    for byte in name.encode():
        value = (value * 33 + byte) & 0xFFFFFFFF
    return value


def sysv_hash(name: str) -> int:
    """The hash of DT_HASH and of version names (gABI, "Hash Table")."""
    value = 0
    for byte in name.encode():
        value = (value << 4) + byte
        high = value & 0xF0000000
        value = (value ^ (high >> 24)) & ~high
    return value


def encode_versions(
    encoding: Encoding,
    strings: StringTable,
    symbols: tuple[Sequence[ElfImport], Sequence[ElfExport]],
    version_needs: Iterable[ElfVersionNeed],
    base_name: str,
) -> Versions:
    """The three version tables; all of them are empty when nothing has a version."""
    imports, exports = symbols
    defined = list(dict.fromkeys(exported.version for exported in exports if exported.version is not None))
    needed = _needed_versions(imports, version_needs)
    if not defined and not needed:
        return Versions(indices=b"", definitions=b"", definition_count=0, needs=b"", need_count=0)
    first = _GLOBAL_INDEX + 1
    definition_index = {version: first + position for position, version in enumerate(defined)}
    need_index = {key: first + len(defined) + position for position, key in enumerate(needed)}
    rows = [_LOCAL_INDEX]
    rows += [need_index.get((each.library or "", each.version or ""), _GLOBAL_INDEX) for each in imports]
    rows += [definition_index.get(each.version or "", _GLOBAL_INDEX) | _HIDDEN * each.hidden for each in exports]
    names = [base_name, *defined] if defined else []
    return Versions(
        indices=encoding.pack(f"{len(rows)}H", *rows),
        definitions=_encode_definitions(encoding, strings, names),
        definition_count=len(names),
        needs=_encode_needs(encoding, strings, needed, need_index),
        need_count=len({library for library, _ in needed}),
    )


def encode_note(encoding: Encoding, owner: bytes, kind: int, description: bytes) -> bytes:
    """One note; `description` is already padded (gABI, "Note Section")."""
    name = owner + b"\0"
    padding = bytes(-len(name) % 4)
    return encoding.pack("3L", len(name), len(description), kind) + name + padding + description


def x86_isa_note(encoding: Encoding, isa_needed: int) -> bytes:
    """NT_GNU_PROPERTY_TYPE_0 with GNU_PROPERTY_X86_ISA_1_NEEDED: bit 0 baseline, 1 v2, 2 v3, 3 v4."""
    description = encoding.pack("3L", 0xC0008002, 4, isa_needed)
    return encode_note(encoding, b"GNU", 5, description.ljust(16 if encoding.bits == 64 else 12, b"\0"))


def android_note(encoding: Encoding, api_level: int) -> bytes:
    """The note of the NDK's crtbegin: API level, NDK version and build number."""
    description = encoding.pack("L", api_level) + b"r27".ljust(64, b"\0") + b"12077973".ljust(64, b"\0")
    return encode_note(encoding, b"Android", 1, description)


def _version_need(imported: ElfImport) -> ElfVersionNeed | None:
    """What an import requires; a version without a library cannot be written."""
    if imported.version is None:
        return None
    if imported.library is None:
        raise ValueError(f"`{imported.symbol}` has the version `{imported.version}` of no library")
    return ElfVersionNeed(library=imported.library, version=imported.version, weak=imported.version_weak)


def _needed_versions(
    imports: Iterable[ElfImport], version_needs: Iterable[ElfVersionNeed]
) -> dict[tuple[str, str], bool]:
    """Whether each (library, version) is weak: only if everyone who needs it says so."""
    needed: dict[tuple[str, str], bool] = {}
    for need in (*map(_version_need, imports), *version_needs):
        if need is not None:
            key = (need.library, need.version)
            needed[key] = needed.get(key, True) and need.weak
    return needed


def _encode_definitions(encoding: Encoding, strings: StringTable, names: Sequence[str]) -> bytes:
    """Elfxx_Verdef and one Elfxx_Verdaux each (LSB, section 10.7.3); the first names the file itself."""
    table = b""
    for index, name in enumerate(names, start=_GLOBAL_INDEX):
        flags = _BASE_FLAG if index == _GLOBAL_INDEX else 0
        following = 28 if index < len(names) else 0
        table += encoding.pack("4H3L", 1, flags, index, 1, sysv_hash(name), 20, following)
        table += encoding.pack("2L", strings.add(name), 0)
    return table


def _encode_needs(
    encoding: Encoding,
    strings: StringTable,
    needed: dict[tuple[str, str], bool],
    indices: dict[tuple[str, str], int],
) -> bytes:
    """Elfxx_Verneed for a library and Elfxx_Vernaux for a version (LSB, section 10.7.4)."""
    libraries = list(dict.fromkeys(library for library, _ in needed))
    table = b""
    for library in libraries:
        keys = [key for key in needed if key[0] == library]
        following = 16 + 16 * len(keys) if library != libraries[-1] else 0
        table += encoding.pack("2H3L", 1, len(keys), strings.add(library), 16, following)
        for key in keys:
            flags = _WEAK_FLAG if needed[key] else 0
            name, link = strings.add(key[1]), 16 if key != keys[-1] else 0
            table += encoding.pack("L2H2L", sysv_hash(key[1]), flags, indices[key], name, link)
    return table
