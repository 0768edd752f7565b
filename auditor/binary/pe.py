"""PE: pefile for the headers and the section table, one `struct` pass for each table with a row a symbol.

pefile's own readers of imports and exports are not used: they stop at 8,192 thunks (one file of the corpus loses
253 imports so), call a library whose name they find odd `*invalid*`, and put names for ordinals from a list of their
own; and they take 110 ms where one pass takes 10 (arrow.dll, 8,526 exports).
Each directory is read on its own, so that a broken one does not hide the others.

Source: Microsoft PE format (sections are quoted by their titles), <winnt.h>, <delayimp.h>.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pefile

from auditor.binary.marks import find_marks
from auditor.binary.pe_sections import debug_size, mark_places
from auditor.facts.binary import (
    Binary,
    BinaryFormat,
    Export,
    FileKind,
    Import,
    MinimumOS,
    Needed,
    NeededKind,
    PeDetail,
    Slice,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_HEADER_BYTES = 1 << 20
"""Bytes that pefile gets at once. Headers of 96 sections have some 5 KB."""
MAX_SECTIONS = 96
"""Sections of an image: Windows loads no more ("COFF File Header"), and each address is looked for in all of them."""
MAX_LIBRARIES = 4_096
"""Libraries of an import table. The most in the corpus are 59."""
MAX_IMPORTS = 250_000
"""Imports of a file. The most in the corpus are 5,837; this many take 0.3 s."""
MAX_EXPORTS = 65_536
"""Exports of a file: export ordinals have 16 bits. The most in the corpus are 23,986."""
MAX_NAME = 1 << 16
"""Bytes of one name. The longest in the corpus has 1,207; without an end a name would be the whole file."""
MAX_NAMES = 64 << 20
"""Bytes of all names of a file: names that overlap may add up to far more than the file has."""

_MACHINES = {
    0x014C: ("IMAGE_FILE_MACHINE_I386", "win32"),
    0x8664: ("IMAGE_FILE_MACHINE_AMD64", "amd64"),
    0xAA64: ("IMAGE_FILE_MACHINE_ARM64", "arm64"),
    0x01C4: ("IMAGE_FILE_MACHINE_ARMNT", None),
    0xA641: ("IMAGE_FILE_MACHINE_ARM64EC", None),
    0xA64E: ("IMAGE_FILE_MACHINE_ARM64X", None),
    0x0200: ("IMAGE_FILE_MACHINE_IA64", None),
}
"""By machine: its name in <winnt.h>, and what platform tags call it. An ARM64EC image says AMD64 and an ARM64X
image ARM64; their own numbers stand in object files."""
_MACHINE_I386 = 0x014C
_BITS = {0x10B: 32, 0x20B: 64}
"""By magic of the optional header: PE32 and PE32+."""
_IMAGE_FILE_DLL = 0x2000

_EXPORT, _IMPORT, _SECURITY, _LOAD_CONFIG, _DELAY_IMPORT, _CLR_HEADER = 0, 1, 4, 10, 13, 14
"""Positions in "Optional Header Data Directories"."""

_EXPORT_DIRECTORY = struct.Struct("<IIHHIIIIIII")
_IMPORT_DESCRIPTOR = struct.Struct("<5I")
_DELAY_DESCRIPTOR = struct.Struct("<8I")
_CHPE_POINTER = {32: (124, "<I"), 64: (200, "<Q")}
"""By bits: where IMAGE_LOAD_CONFIG_DIRECTORY has CHPEMetadataPointer, and its format."""

_C_STRING = re.compile(rb"[^\0]*")


def read_pe(member: str, content: memoryview) -> Binary:
    """The facts of a PE image, which has one slice."""
    problems: list[str] = []
    slice_ = _read_slice(content, problems)
    slices = () if slice_ is None else (slice_,)
    return Binary(member=member, format=BinaryFormat.PE, slices=slices, problems=tuple(problems))


def _read_slice(content: memoryview, problems: list[str]) -> Slice | None:
    image = _open_image(content, problems)
    if image is None:
        return None
    file_header, optional_header = image.headers.FILE_HEADER, image.headers.OPTIONAL_HEADER
    machine, arch = _MACHINES.get(file_header.Machine, (f"IMAGE_FILE_MACHINE {file_header.Machine:#06x}", None))
    _check_reach(image)
    tables = _Tables()
    for index, name, read in _DIRECTORIES:
        rva, size = image.directory(index)
        if not rva:
            continue
        try:
            read(image, rva, size, tables)
        except (_BrokenTableError, struct.error) as error:
            problems.append(f"the {name} cannot be read to its end: {error}")
    return Slice(
        arch=arch,
        machine=machine,
        bits=image.bits,
        little_endian=True,
        kind=FileKind.SHARED_LIBRARY if file_header.Characteristics & _IMAGE_FILE_DLL else FileKind.EXECUTABLE,
        needed=tuple(tables.needed),
        identity=tables.identity,
        imports=tuple(tables.imports),
        exports=tuple(tables.exports),
        minimum_os=MinimumOS(
            platform="windows",
            version=(optional_header.MajorSubsystemVersion, optional_header.MinorSubsystemVersion),
        ),
        detail=PeDetail(
            machine=file_header.Machine,
            characteristics=file_header.Characteristics,
            dll_characteristics=optional_header.DllCharacteristics,
            linker=(optional_header.MajorLinkerVersion, optional_header.MinorLinkerVersion),
            subsystem=optional_header.Subsystem,
            hybrid=tables.hybrid,
            managed=image.directory(_CLR_HEADER)[0] != 0,
            debug_size=debug_size(image.headers, content, MAX_SECTIONS),
        ),
        marks=find_marks(mark_places(image.headers, content, MAX_SECTIONS)),
    )


# -- headers and the way from an address to the file --------------------------------------------------------------


class _Window:
    """The file as pefile wants it: a thing with a length, of which small parts come as bytes.

    A memoryview has no `count` before Python 3.14, and cannot be added to; the whole file as bytes is a copy.
    """

    def __init__(self, content: memoryview) -> None:
        self._content = content

    def __len__(self) -> int:
        return len(self._content)

    def __getitem__(self, part: slice) -> bytes:
        return bytes(self._content[part][:MAX_HEADER_BYTES])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Section:
    """What a section maps: from `start` on, `size` bytes of the file from `offset` on."""

    start: int
    size: int
    offset: int


@dataclass(slots=True, kw_only=True)
class _Image:
    """A PE image while it is read."""

    content: memoryview
    headers: Any
    bits: int
    sections: tuple[_Section, ...]
    problems: list[str]
    last: _Section = field(default_factory=lambda: _Section(start=0, size=0, offset=0))
    names_left: int = MAX_NAMES

    def directory(self, index: int) -> tuple[int, int]:
        """Address and size of a data directory; (0, 0) where the image has none."""
        directories = self.headers.OPTIONAL_HEADER.DATA_DIRECTORY
        if index >= len(directories):
            return 0, 0
        return directories[index].VirtualAddress, directories[index].Size

    def section_at(self, rva: int) -> _Section:
        """The section whose bytes in the file hold this address; the last one is tried first."""
        if not 0 <= rva - self.last.start < self.last.size:
            for section in self.sections:
                if 0 <= rva - section.start < section.size:
                    self.last = section
                    break
            else:
                raise _BrokenTableError(f"address {rva:#x} lies in no section")
        return self.last

    def offset(self, rva: int) -> int:
        """Where in the file this address lies."""
        section = self.section_at(rva)
        return rva - section.start + section.offset

    def rest(self, rva: int) -> memoryview:
        """The bytes from this address to the end of its section."""
        section = self.section_at(rva)
        return self.content[rva - section.start + section.offset : section.offset + section.size]

    def name(self, rva: int) -> str:
        """The NUL-terminated string at this address."""
        start = self.offset(rva)
        found = _C_STRING.match(self.content, start, min(start + MAX_NAME, len(self.content)))
        name = found.group() if found is not None else b""
        self.names_left -= len(name)
        if self.names_left < 0:
            raise _BrokenTableError(f"its names have more than {MAX_NAMES} bytes")
        return name.decode("utf-8", "backslashreplace")


@dataclass(slots=True, kw_only=True)
class _Tables:
    """What the directories hold, filled while they are read: a broken table leaves what stands before the break."""

    needed: list[Needed] = field(default_factory=list)
    imports: list[Import] = field(default_factory=list)
    exports: list[Export] = field(default_factory=list)
    identity: str | None = None
    hybrid: bool = False


class _BrokenTableError(Exception):
    """A table that cannot be followed further."""


def _open_image(content: memoryview, problems: list[str]) -> _Image | None:
    """The headers, or None where there are none."""
    header_at = struct.unpack_from("<I", content, 60)[0] if len(content) >= 64 else len(content)
    if bytes(content[header_at : header_at + 4]) != b"PE\0\0":
        problems.append("it has a DOS header and no PE signature")
        return None
    try:
        headers = pefile.PE(data=_Window(content), fast_load=True)
    except pefile.PEFormatError as error:
        problems.append(f"its headers cannot be read: {str(error.value).rstrip('.')}")
        return None
    magic = headers.OPTIONAL_HEADER.Magic
    if magic not in _BITS:
        problems.append(f"its optional header has the magic {magic:#x}, which no loadable image has")
        return None
    count, read = headers.FILE_HEADER.NumberOfSections, len(headers.sections)
    if read != count:
        problems.append(f"the section table has {read} of {count} sections")
    if read > MAX_SECTIONS:
        problems.append(f"the section table has {read} sections; {MAX_SECTIONS} are read")
    return _Image(
        content=content,
        headers=headers,
        bits=_BITS[magic],
        sections=_mapped(headers),
        problems=problems,
    )


def _mapped(headers: Any) -> tuple[_Section, ...]:
    """The sections as Windows maps them, and the headers as the first of them.

    The loader rounds a section's place in the file down to 512 bytes, whatever FileAlignment says.
    """
    return (
        *(
            _Section(start=one.VirtualAddress, size=one.SizeOfRawData, offset=one.PointerToRawData & ~0x1FF)
            for one in headers.sections[:MAX_SECTIONS]
        ),
        _Section(start=0, size=headers.OPTIONAL_HEADER.SizeOfHeaders, offset=0),
    )


def _check_reach(image: _Image) -> None:
    """One problem where the file ends before what its headers describe: it names what reaches furthest."""
    name, end = max(_extents(image), key=lambda extent: extent[1], default=("", 0))
    if end > len(image.content):
        image.problems.append(f"{name} reaches to byte {end}, behind the end of the file ({len(image.content)} bytes)")


def _extents(image: _Image) -> Iterator[tuple[str, int]]:
    for section in image.headers.sections:
        name = section.Name.rstrip(b"\0").decode("utf-8", "backslashreplace")
        yield f"section {name}", section.PointerToRawData + section.SizeOfRawData
    # The certificate table alone is found by its place in the file ("The Attribute Certificate Table").
    yield "the certificate table", sum(image.directory(_SECURITY))


# -- imports ------------------------------------------------------------------------------------------------------


def _read_imports(image: _Image, rva: int, _size: int, tables: _Tables) -> None:
    """The section ".idata": descriptors up to one without a name, each with its lookup table."""
    for lookup, _time, _chain, name_at, addresses in _descriptors(image, rva, _IMPORT_DESCRIPTOR):
        if not name_at or not addresses:
            return
        library = image.name(name_at)
        tables.needed.append(Needed(name=library))
        # Old Borland linkers leave the lookup table out: until it is bound, the address table is its twin.
        _read_lookup_table(image, lookup or addresses, tables.imports, library=library, delay=False, base=0)


def _read_delay_imports(image: _Image, rva: int, _size: int, tables: _Tables) -> None:
    """The "Delay-Load Import Tables": the same with other descriptors, which VC++ 6 filled with addresses, not RVAs."""
    for attributes, name_at, _module, _addresses, lookup, *_ in _descriptors(image, rva, _DELAY_DESCRIPTOR):
        if not name_at:
            return
        by_address = not attributes & 1 and image.headers.FILE_HEADER.Machine == _MACHINE_I386
        base = image.headers.OPTIONAL_HEADER.ImageBase if by_address else 0
        library = image.name(name_at - base)
        tables.needed.append(Needed(name=library, kind=NeededKind.DELAY))
        _read_lookup_table(image, lookup - base, tables.imports, library=library, delay=True, base=base)


def _descriptors(image: _Image, rva: int, descriptor: struct.Struct) -> Iterator[tuple[int, ...]]:
    """The rows of a descriptor table. Windows does not heed the directory's size, so neither does this."""
    table = image.rest(rva)
    for index in range(min(len(table) // descriptor.size, MAX_LIBRARIES)):
        yield descriptor.unpack_from(table, index * descriptor.size)
    raise _BrokenTableError(f"no end within {min(len(table) // descriptor.size, MAX_LIBRARIES)} libraries")


def _read_lookup_table(image: _Image, rva: int, imports: list[Import], *, library: str, delay: bool, base: int) -> None:
    """An "Import Lookup Table": a row a symbol, up to a zero; the top bit says that it is an ordinal."""
    by_ordinal, row = (1 << 63, struct.Struct("<Q")) if image.bits == 64 else (1 << 31, struct.Struct("<I"))
    table = image.rest(rva)
    for (entry,) in row.iter_unpack(table[: len(table) // row.size * row.size]):
        if not entry:
            return
        if len(imports) >= MAX_IMPORTS:
            raise _BrokenTableError(f"more than {MAX_IMPORTS} symbols")
        if entry & by_ordinal:
            symbol = f"#{entry & 0xFFFF}"
            imports.append(Import(symbol=symbol, raw=symbol, library=library, delay=delay))
        else:
            # "Hint/Name Table": two bytes of hint, then the name.
            imports.append(Import(symbol=image.name(entry - base + 2), library=library, delay=delay))
    raise _BrokenTableError(f"no end of the symbols of `{library}`")


# -- exports ------------------------------------------------------------------------------------------------------


def _read_exports(image: _Image, rva: int, size: int, tables: _Tables) -> None:
    """The section ".edata": the image's own name, the exported names, and as `#12` what has an ordinal alone.

    The ordinal is the place in the address table, counted from the directory's Ordinal Base. An address within the
    directory is no code: there stands `DLL.name`, which Windows follows instead.
    """
    (_flags, _time, _major, _minor, name_at, first_ordinal, address_count, name_count, addresses, names, ordinals) = (
        _EXPORT_DIRECTORY.unpack_from(image.rest(rva))
    )
    if name_at:
        tables.identity = image.name(name_at)
    targets = _numbers(image, addresses, address_count, "I")
    named: set[int] = set()
    name_rvas, indices = _numbers(image, names, name_count, "I"), _numbers(image, ordinals, name_count, "H")
    for name_rva, index in zip(name_rvas, indices, strict=False):
        symbol = image.name(name_rva)
        if index >= len(targets):
            raise _BrokenTableError(f"`{symbol}` is number {index} of {len(targets)}")
        named.add(index)
        target = targets[index]
        forward = image.name(target) if rva <= target < rva + size else None
        tables.exports.append(Export(symbol=symbol, forward=forward, ordinal=index + first_ordinal))
    for index, target in enumerate(targets):
        if target and index not in named:
            forward = image.name(target) if rva <= target < rva + size else None
            ordinal = index + first_ordinal
            tables.exports.append(Export(symbol=f"#{ordinal}", forward=forward, ordinal=ordinal))


def _numbers(image: _Image, rva: int, count: int, code: str) -> tuple[int, ...]:
    """An array of `count` numbers; as much of it as its section has, or as the ceiling allows."""
    if not count:
        return ()
    table = image.rest(rva)
    there = min(count, len(table) // struct.calcsize(f"<{code}"), MAX_EXPORTS)
    if there < count:
        image.problems.append(f"the export table claims {count} entries; {there} are read")
    return struct.unpack_from(f"<{there}{code}", table)


# -- load configuration -------------------------------------------------------------------------------------------


def _read_load_configuration(image: _Image, rva: int, _size: int, tables: _Tables) -> None:
    """The "Load Configuration Structure": whether it points to metadata of ARM64EC or ARM64X code.

    Its own first field says how long it is; older ones end before the pointer.
    """
    table = image.rest(rva)
    offset, code = _CHPE_POINTER[image.bits]
    (size,) = struct.unpack_from("<I", table)
    if size >= offset + struct.calcsize(code):
        tables.hybrid = bool(struct.unpack_from(code, table, offset)[0])


_DIRECTORIES = (
    (_IMPORT, "import table", _read_imports),
    (_DELAY_IMPORT, "delay-load import table", _read_delay_imports),
    (_EXPORT, "export table", _read_exports),
    (_LOAD_CONFIG, "load configuration", _read_load_configuration),
)
"""Position, name and reader of each directory that is read."""
