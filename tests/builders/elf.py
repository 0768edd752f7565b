"""Build the smallest ELF shared object that the dynamic loader takes, then change one thing.

    spec = ElfSpec(needed=("libc.so.6",), exports=(ElfExport(symbol="PyInit_demo"),))
    (tmp_path / "demo.so").write_bytes(build_elf(spec))
    build_elf(replace(spec, stack="rwx"))

Specifications: System V gABI, chapters 4 (object files) and 5 (program loading and dynamic linking);
the tables behind the dynamic section are in `elf_tables`, the machines in `elf_machines`.
Two segments are loaded: headers, read-only tables and code; then the dynamic section and the slots.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Literal

from tests.builders._override import either
from tests.builders.elf_machines import MACHINES, ByteOrder, Machine
from tests.builders.elf_tables import (
    ElfExport,
    ElfImport,
    ElfVersionNeed,
    Encoding,
    StringTable,
    android_note,
    encode_symbols,
    encode_versions,
    gnu_hash_table,
    sysv_hash_table,
    x86_isa_note,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ElfExport", "ElfImport", "ElfSpec", "ElfVersionNeed", "build_elf", "replace"]

ET_EXEC, ET_DYN, ET_CORE = 2, 3, 4

_PT_LOAD, _PT_DYNAMIC, _PT_INTERP, _PT_NOTE = 1, 2, 3, 4
_PT_GNU_STACK, _PT_GNU_PROPERTY = 0x6474E551, 0x6474E553
_SHT_PROGBITS, _SHT_STRTAB, _SHT_RELA, _SHT_HASH, _SHT_DYNAMIC, _SHT_NOTE, _SHT_REL = 1, 3, 4, 5, 6, 7, 9
_SHT_DYNSYM, _SHT_RELR = 11, 19
_SHT_GNU_HASH, _SHT_VERDEF, _SHT_VERNEED, _SHT_VERSYM = 0x6FFFFFF6, 0x6FFFFFFD, 0x6FFFFFFE, 0x6FFFFFFF
_WRITE, _ALLOC, _EXECUTE = 1, 2, 4
_STACK_FLAGS: Final = {"rw": 6, "rwx": 7}


@dataclass(frozen=True, slots=True, kw_only=True)
class ElfSpec:
    """A shared object."""

    machine: str | int = "x86_64"
    """A name of `elf_machines.MACHINES`, or a bare EM_* number."""
    bits: Literal[32, 64] | None = None
    order: ByteOrder | None = None
    e_flags: int | None = None
    file_type: int = ET_DYN
    os_abi: int = 0
    interp: str | None = None
    needed: tuple[str, ...] = ()
    soname: str | None = None
    rpath: str | None = None
    runpath: str | None = None
    imports: tuple[ElfImport, ...] = ()
    exports: tuple[ElfExport, ...] = ()
    version_needs: tuple[ElfVersionNeed, ...] = ()
    hash_style: Literal["sysv", "gnu", "both", "none"] = "both"
    stack: Literal["rw", "rwx", "absent"] = "rw"
    """The flags of PT_GNU_STACK."""
    relr: bool = False
    """One relative relocation in DT_RELR; glibc also wants a version need GLIBC_ABI_DT_RELR of libc.so.6."""
    textrel: bool = False
    """DT_TEXTREL and DF_TEXTREL."""
    writable_code: bool = False
    """The segment with the code is loaded writable too."""
    page: int | None = None
    """p_align of PT_LOAD."""
    x86_isa_needed: int | None = None
    """GNU_PROPERTY_X86_ISA_1_NEEDED: 1 baseline, 2 x86-64-v2, 4 x86-64-v3, 8 x86-64-v4."""
    android_api: int | None = None
    """The API level in .note.android.ident."""
    code: bytes | None = None
    """The body of all exports; by default a function that returns 0."""
    rodata: bytes = b""
    """Loaded bytes that nothing refers to, for whoever searches for strings."""
    extra_dynamic: tuple[tuple[int, int], ...] = ()
    """Further (tag, value) pairs in front of DT_NULL."""
    section_headers: bool = True
    extra_sections: Mapping[str, bytes] = field(default_factory=dict)
    """Sections that are not loaded, such as .debug_info or .comment; they need `section_headers`."""


def build_elf(spec: ElfSpec) -> bytes:
    """Lay the file out with all addresses 0 to learn the sizes, then once more with the true ones."""
    frame = _Frame.of(spec)
    places = _placed(frame, _sections(frame, defaultdict(_Place)))
    sections = _sections(frame, places)
    headers = _program_headers(frame, places)
    content = bytearray(frame.ehdr_size) + b"".join(headers)
    for section in sections:
        content = content.ljust(places[section.name].offset, b"\0") + section.content
    table_offset = 0
    if spec.section_headers:
        table_offset = len(content) + -len(content) % frame.encoding.word_size
        content = content.ljust(table_offset, b"\0") + _section_headers(frame, sections, places)
    content[: frame.ehdr_size] = _file_header(frame, len(headers), table_offset, len(sections) + 1)
    return bytes(content)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    """The specification with its machine's defaults filled in."""

    spec: ElfSpec
    machine: Machine
    encoding: Encoding
    code: bytes
    page: int
    ehdr_size: int
    phdr_size: int

    @classmethod
    def of(cls, spec: ElfSpec) -> _Frame:
        known = MACHINES["none"] if isinstance(spec.machine, int) else MACHINES[spec.machine]
        number = spec.machine if isinstance(spec.machine, int) else known.number
        encoding = Encoding(bits=either(spec.bits, known.bits), order=either(spec.order, known.order))
        wide = encoding.bits == 64
        return cls(
            spec=spec,
            machine=replace(known, number=number, flags=either(spec.e_flags, known.flags)),
            encoding=encoding,
            code=either(spec.code, known.return_zero),
            page=either(spec.page, known.page),
            ehdr_size=64 if wide else 52,
            phdr_size=56 if wide else 32,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Section:
    """One section, which is also the unit of the layout."""

    name: str
    content: bytes
    type: int = _SHT_PROGBITS
    flags: int = _ALLOC
    align: int = 8
    entry_size: int = 0
    link: str = ""
    detail: int = 0
    """sh_info."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a section lies in the file and in memory, and its number."""

    index: int = 0
    offset: int = 0
    address: int = 0
    size: int = 0


_Places = dict[str, _Place]


def _placed(frame: _Frame, sections: list[_Section]) -> _Places:
    """One section behind the other; writable ones are loaded a page further on, so that none is shared."""
    places: _Places = defaultdict(_Place)
    offset = frame.ehdr_size + frame.phdr_size * len(_program_headers(frame, defaultdict(_Place)))
    for index, section in enumerate(sections, start=1):
        offset += -offset % section.align
        loaded = offset + (frame.page if section.flags & _WRITE else 0)
        address = loaded if section.flags & _ALLOC else 0
        places[section.name] = _Place(index=index, offset=offset, address=address, size=len(section.content))
        offset += len(section.content)
    return places


def _sections(frame: _Frame, places: _Places) -> list[_Section]:
    """All sections in file order, without the empty ones that nothing refers to."""
    strings = StringTable()
    tables = [
        *_note_sections(frame),
        *_symbol_sections(frame, strings, places),
        *_slot_sections(frame, places),
    ]
    dynamic = _dynamic_section(frame, strings, tables, places)
    strtab = _Section(name=".dynstr", content=bytes(strings.content), type=_SHT_STRTAB, align=1)
    loaded = [strtab if section.name == ".dynstr" else section for section in tables]
    readable = [section for section in loaded if not section.flags & _WRITE]
    writable = [section for section in loaded if section.flags & _WRITE]
    extra = [
        _Section(name=name, content=content, flags=0, align=1) for name, content in frame.spec.extra_sections.items()
    ]
    sections = [*readable, dynamic, *writable, *extra]
    if not frame.spec.section_headers:
        return sections[: len(sections) - len(extra)]
    names = bytes(_section_names(sections).content)
    return [*sections, _Section(name=".shstrtab", content=names, type=_SHT_STRTAB, flags=0, align=1)]


def _section_names(sections: list[_Section]) -> StringTable:
    names = StringTable()
    for section in sections:
        names.add(section.name)
    names.add(".shstrtab")
    return names


def _note_sections(frame: _Frame) -> list[_Section]:
    """.interp and the notes (gABI, "Program Interpreter" and "Note Section")."""
    spec, sections = frame.spec, []
    if spec.interp is not None:
        sections.append(_Section(name=".interp", content=spec.interp.encode() + b"\0", align=1))
    if spec.x86_isa_needed is not None:
        note = x86_isa_note(frame.encoding, spec.x86_isa_needed)
        align = frame.encoding.word_size
        sections.append(_Section(name=".note.gnu.property", content=note, type=_SHT_NOTE, align=align))
    if spec.android_api is not None:
        note = android_note(frame.encoding, spec.android_api)
        sections.append(_Section(name=".note.android.ident", content=note, type=_SHT_NOTE, align=4))
    return sections


def _symbol_sections(frame: _Frame, strings: StringTable, places: _Places) -> list[_Section]:
    """Hash, symbol, string and version tables, and the code that the exports name."""
    spec, encoding = frame.spec, frame.encoding
    text = places[".text"]
    code = (text.index, text.address, len(frame.code))
    symbols = encode_symbols(encoding, strings, spec.imports, spec.exports, code)
    count = 1 + len(spec.imports) + len(spec.exports)
    wide = frame.machine.number == 22 and encoding.bits == 64  # glibc's Elf_Symndx on s390x
    sysv = sysv_hash_table(encoding, count, wide=wide) if spec.hash_style in {"sysv", "both"} else b""
    gnu = b""
    if spec.hash_style in {"gnu", "both"}:
        gnu = gnu_hash_table(encoding, spec.exports, count - len(spec.exports))
    base_name = spec.soname or "demo.so"
    versions = encode_versions(encoding, strings, (spec.imports, spec.exports), spec.version_needs, base_name)
    tables = [
        _Section(name=".hash", content=sysv, type=_SHT_HASH, entry_size=8 if wide else 4, link=".dynsym"),
        _Section(name=".gnu.hash", content=gnu, type=_SHT_GNU_HASH, link=".dynsym"),
        _Section(name=".dynsym", content=symbols, type=_SHT_DYNSYM, entry_size=len(symbols) // count,
                 link=".dynstr", detail=1),
        _Section(name=".dynstr", content=b"\0", type=_SHT_STRTAB, align=1),
        _Section(name=".gnu.version", content=versions.indices, type=_SHT_VERSYM, align=2, entry_size=2,
                 link=".dynsym"),
        _Section(name=".gnu.version_d", content=versions.definitions, type=_SHT_VERDEF, link=".dynstr",
                 detail=versions.definition_count),
        _Section(name=".gnu.version_r", content=versions.needs, type=_SHT_VERNEED, link=".dynstr",
                 detail=versions.need_count),
        _Section(name=".rodata", content=spec.rodata),
        _Section(name=".text", content=frame.code, flags=_ALLOC | _EXECUTE, align=16),
    ]  # fmt: skip
    return [table for table in tables if table.content]


def _slot_sections(frame: _Frame, places: _Places) -> list[_Section]:
    """.got with a slot an import and one for DT_RELR, and what fills them (gABI, "Relocation")."""
    spec, encoding, machine = frame.spec, frame.encoding, frame.machine
    imports = spec.imports if machine.address_relocation is not None else ()
    word, got = encoding.word_size, places[".got"].address
    slots = encoding.pack("A", got) if spec.relr else b""
    rows = b""
    for number, _ in enumerate(imports, start=1):
        target = (number << (32 if encoding.bits == 64 else 8)) | (machine.address_relocation or 0)
        rows += encoding.pack("AA", got + len(slots), target) + bytes(word if machine.addends else 0)
        slots += bytes(word)
    name, kind = (".rela.dyn", _SHT_RELA) if machine.addends else (".rel.dyn", _SHT_REL)
    entry_size = word * (3 if machine.addends else 2)
    relative = encoding.pack("A", got) if spec.relr else b""
    sections = [
        _Section(name=name, content=rows, type=kind, entry_size=entry_size, link=".dynsym"),
        _Section(name=".relr.dyn", content=relative, type=_SHT_RELR, entry_size=word),
        _Section(name=".got", content=slots, flags=_ALLOC | _WRITE, entry_size=word),
    ]
    return [section for section in sections if section.content]


def _dynamic_section(frame: _Frame, strings: StringTable, tables: list[_Section], places: _Places) -> _Section:
    """.dynamic (gABI, "Dynamic Section"); it adds its strings to .dynstr, whose size it takes last."""
    spec, sizes = frame.spec, {table.name: table for table in tables}
    named = [(1, text) for text in spec.needed]
    named += [
        (tag, text) for tag, text in ((14, spec.soname), (15, spec.rpath), (29, spec.runpath)) if text is not None
    ]
    pairs = [(tag, strings.add(text)) for tag, text in named]
    for name, tag in {".hash": 4, ".gnu.hash": 0x6FFFFEF5, ".dynstr": 5, ".dynsym": 6}.items():
        pairs += [(tag, places[name].address)] if name in sizes else []
    pairs += [(10, len(strings.content)), (11, sizes[".dynsym"].entry_size)]
    relocations = {".rela.dyn": (7, 8, 9), ".rel.dyn": (17, 18, 19), ".relr.dyn": (36, 35, 37)}
    for name, (address_tag, size_tag, entry_tag) in relocations.items():
        if table := sizes.get(name):
            pairs += [(address_tag, places[name].address), (size_tag, len(table.content))]
            pairs += [(entry_tag, table.entry_size)]
    pairs += [(0x6FFFFFF0, places[".gnu.version"].address)] if ".gnu.version" in sizes else []
    counted = {".gnu.version_d": 0x6FFFFFFC, ".gnu.version_r": 0x6FFFFFFE}
    for name, tag in counted.items():
        if table := sizes.get(name):
            pairs += [(tag, places[name].address), (tag + 1, table.detail)]
    pairs += [(22, 0), (30, 4)] if spec.textrel else []
    pairs += [*spec.extra_dynamic, (0, 0)]
    content = b"".join(frame.encoding.pack("AA", *pair) for pair in pairs)
    word = frame.encoding.word_size
    return _Section(name=".dynamic", content=content, type=_SHT_DYNAMIC, flags=_ALLOC | _WRITE, link=".dynstr",
                    entry_size=2 * word)  # fmt: skip


def _program_headers(frame: _Frame, places: _Places) -> list[bytes]:
    """The program header table (gABI, "Program Header")."""
    spec, dynamic = frame.spec, places[".dynamic"]
    last = places[".got"] if places[".got"].size else dynamic
    head = _Place(size=dynamic.offset)
    tail = replace(dynamic, size=last.offset + last.size - dynamic.offset)
    headers = [
        _program_header(frame, _PT_LOAD, 7 if spec.writable_code else 5, head, frame.page),
        _program_header(frame, _PT_LOAD, 6, tail, frame.page),
        _program_header(frame, _PT_DYNAMIC, 6, dynamic, 8),
    ]
    if spec.interp is not None:
        headers.insert(0, _program_header(frame, _PT_INTERP, 4, places[".interp"], 1))
    if spec.x86_isa_needed is not None:
        place, align = places[".note.gnu.property"], frame.encoding.word_size
        headers += [_program_header(frame, kind, 4, place, align) for kind in (_PT_NOTE, _PT_GNU_PROPERTY)]
    if spec.android_api is not None:
        headers.append(_program_header(frame, _PT_NOTE, 4, places[".note.android.ident"], 4))
    if spec.stack != "absent":
        headers.append(_program_header(frame, _PT_GNU_STACK, _STACK_FLAGS[spec.stack], _Place(), 16))
    return headers


def _program_header(frame: _Frame, kind: int, flags: int, place: _Place, align: int) -> bytes:
    pack, where = frame.encoding.pack, (place.offset, place.address, place.address, place.size, place.size)
    if frame.encoding.bits == 64:
        return pack("2L6A", kind, flags, *where, align)
    return pack("8L", kind, *where, flags, align)


def _section_headers(frame: _Frame, sections: list[_Section], places: _Places) -> bytes:
    """The section header table (gABI, "Sections"), whose first entry is empty."""
    names, rows = _section_names(sections), [bytes(64 if frame.encoding.bits == 64 else 40)]
    for section in sections:
        place, link = places[section.name], places[section.link].index if section.link else 0
        rows.append(
            frame.encoding.pack(
                "2L4A2L2A",
                names.add(section.name),
                section.type,
                section.flags,
                place.address,
                place.offset,
                place.size,
                link,
                section.detail,
                section.align,
                section.entry_size,
            )
        )
    return b"".join(rows)


def _file_header(frame: _Frame, segment_count: int, table_offset: int, section_count: int) -> bytes:
    """Elf32_Ehdr or Elf64_Ehdr (gABI, "ELF Header")."""
    encoding, wide = frame.encoding, frame.encoding.bits == 64
    identity = b"\x7fELF" + bytes((2 if wide else 1, 1 if encoding.order == "little" else 2, 1, frame.spec.os_abi))
    section_header_size = 64 if wide else 40
    table = (section_header_size, section_count, section_count - 1) if table_offset else (0, 0, 0)
    return identity.ljust(16, b"\0") + encoding.pack(
        "2HL3AL6H",
        frame.spec.file_type,
        frame.machine.number,
        1,
        0,
        frame.ehdr_size,
        table_offset,
        frame.machine.flags,
        frame.ehdr_size,
        frame.phdr_size,
        segment_count,
        *table,
    )
