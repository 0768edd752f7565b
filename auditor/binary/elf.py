"""Bytes of one ELF file -> facts.

Read is what the loader reads: the file header, the program headers, and what PT_DYNAMIC points to. pyelftools
reads the header, the segments, the dynamic section and the notes, from a view that hides the section headers: a
damaged section table must not keep us from the rest. Of the sections we ask what nothing loads by: how large the
debugging sections are, whether the code was left out on purpose (a debug companion), and what the build left behind.

Sources: System V ABI (gABI) chapters "Object Files" and "Program Loading and Dynamic Linking"; the GNU extensions
of <elf.h>; what ld.so refuses (glibc, elf/dl-load.c).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from struct import unpack_from
from typing import TYPE_CHECKING

from elftools.common.exceptions import ELFError
from elftools.elf.dynamic import Dynamic
from elftools.elf.elffile import ELFFile

from auditor.binary.elf_notes import Notes, read_notes
from auditor.binary.elf_sections import Sections, read_sections
from auditor.binary.elf_stream import Stream
from auditor.binary.elf_tables import (
    Image,
    Load,
    Strings,
    Versions,
    read_strings,
    read_symbols,
    read_versions,
)
from auditor.binary.marks import find_marks
from auditor.facts.binary import (
    Binary,
    BinaryFormat,
    ElfDetail,
    FileKind,
    MinimumOS,
    Needed,
    NeededKind,
    SearchPath,
    SearchPathKind,
    Segment,
    Slice,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from auditor.binary.elf_tables import Tags
    from auditor.facts.binary import Export, Import

MAX_SEGMENTS = 1170
"""Program headers: what Linux takes of an executable, 64 KiB of headers of 56 bytes (fs/binfmt_elf.c)."""
MAX_DYNAMIC_ENTRIES = 10_000
"""Entries of the dynamic section: real ones have some 30, and one more for each needed library."""
MAX_NEEDED = 4096
"""DT_NEEDED, DT_FILTER and DT_AUXILIARY entries: no file of our corpus has more than 15."""
MAX_SEARCH_PATHS = 4096
"""Directories of DT_RPATH and DT_RUNPATH together."""
MAX_INTERPRETER_LENGTH = 4096
"""Bytes of PT_INTERP: PATH_MAX, past which Linux refuses the file (fs/binfmt_elf.c)."""

_ARCHITECTURES = {
    ("EM_X86_64", 64, True): "x86_64",
    ("EM_386", 32, True): "i686",
    ("EM_AARCH64", 64, True): "aarch64",
    ("EM_ARM", 32, True): "armv7l",
    ("EM_PPC64", 64, True): "ppc64le",
    ("EM_PPC64", 64, False): "ppc64",
    ("EM_S390", 64, False): "s390x",
    ("EM_RISCV", 64, True): "riscv64",
    ("EM_LOONGARCH", 64, True): "loongarch64",
}
"""Machine, bits and little endian -> the name in platform tags. x32 is EM_X86_64 with 32 bits: no tag names it."""

_ET_REL, _ET_EXEC, _ET_DYN = 1, 2, 3
_PT_LOAD, _PT_DYNAMIC, _PT_INTERP = 1, 2, 3
_PT_GNU_STACK = 0x6474E551
_PF_X = 1
_PAGE = 4096
"""Bytes of the smallest page of any machine that a tag names."""
_DF_TEXTREL = 4
_DF_1_PIE = 0x0800_0000


class _NoStrings:
    """Stands for the string table where pyelftools wants one: we look the strings up ourselves."""

    def get_string(self, _offset: int) -> str:
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Linkage:
    """What the dynamic section says."""

    tags: Tags = field(default_factory=dict)
    needed: tuple[Needed, ...] = ()
    search_paths: tuple[SearchPath, ...] = ()
    soname: str | None = None
    versions: Versions = field(default_factory=lambda: Versions(by_index={}))
    imports: tuple[Import, ...] = ()
    exports: tuple[Export, ...] = ()


def read_elf(member: str, content: memoryview) -> Binary:
    """The facts of an ELF file, which has one slice; none where the file header itself is broken."""
    problem = _header_problem(content)
    if problem:
        return Binary(member=member, format=BinaryFormat.ELF, slices=(), problems=(problem,))
    stream = Stream(content, 64 if content[4] == 2 else 32)
    problems: list[str] = []
    part = _read_slice(ELFFile(stream), stream, content, problems)
    return Binary(member=member, format=BinaryFormat.ELF, slices=(part,), problems=tuple(problems))


def _header_problem(content: memoryview) -> str | None:
    """Why nothing at all can be read (gABI, ELF Header and ELF Identification)."""
    size = len(content)
    if size < 16:
        return f"the file header is cut off: the file has {size} bytes"
    if content[4] not in (1, 2):
        return f"the file class is {content[4]}, neither 1 (32 bits) nor 2 (64 bits)"
    if content[5] not in (1, 2):
        return f"the byte order is {content[5]}, neither 1 (little endian) nor 2 (big endian)"
    due = 64 if content[4] == 2 else 52
    return f"the file header is cut off: the file has {size} bytes of {due}" if size < due else None


def _read_slice(elf: ELFFile, stream: Stream, content: memoryview, problems: list[str]) -> Slice:
    header, bits, little_endian = elf.header, elf.elfclass, elf.little_endian
    order = "<" if little_endian else ">"
    file_type, machine_number = unpack_from(order + "HH", content, 16)
    machine = header["e_machine"] if isinstance(header["e_machine"], str) else f"EM_{machine_number}"
    segments = _read_segments(elf, order, content, problems)
    sections = read_sections(content, bits, order)
    kind = FileKind.OBJECT if file_type == _ET_REL else FileKind.OTHER
    linkage, notes = _Linkage(), Notes()
    if file_type in (_ET_EXEC, _ET_DYN):
        image = Image(content, bits, little_endian, machine_number, _loads(segments, len(content)))
        refusals = _refusals(content, order, segments)
        read = _read_linkage(elf, stream, image, segments, refusals)
        if not _is_companion(read, refusals, segments, sections):
            problems += refusals
            linkage = read or linkage
            kind = _kind(file_type, header["e_entry"], segments, linkage)
        notes = read_notes(elf, stream, image, segments, problems)
    api = notes.android_api
    return Slice(
        arch=_ARCHITECTURES.get((machine, bits, little_endian)),
        machine=machine,
        bits=bits,
        little_endian=little_endian,
        kind=kind,
        detail=_detail(elf, content, file_type, segments, sections, linkage, notes),
        needed=linkage.needed,
        search_paths=linkage.search_paths,
        identity=linkage.soname,
        imports=linkage.imports,
        exports=linkage.exports,
        minimum_os=None if api is None else MinimumOS(platform="android", version=(api,)),
        marks=find_marks(sections.places),
    )


def _detail(
    elf: ELFFile,
    content: memoryview,
    file_type: int,
    segments: Sequence[Segment],
    sections: Sections,
    linkage: _Linkage,
    notes: Notes,
) -> ElfDetail:
    stacks = [bool(segment.flags & _PF_X) for segment in segments if segment.type == _PT_GNU_STACK]
    return ElfDetail(
        type=file_type,
        os_abi=content[7],
        flags=elf.header["e_flags"],
        interpreter=_interpreter(content, segments),
        dynamic=any(segment.type == _PT_DYNAMIC for segment in segments),
        executable_stack=stacks[-1] if stacks else None,
        text_relocations="DT_TEXTREL" in linkage.tags or bool(linkage.tags.get("DT_FLAGS", 0) & _DF_TEXTREL),
        # Not DT_ANDROID_RELR: the same idea under a number that only bionic knows.
        relative_relocations="DT_RELR" in linkage.tags,
        x86_isa_needed=notes.x86_isa_needed,
        android_api=notes.android_api,
        build_id=notes.build_id,
        version_needs=linkage.versions.needs,
        version_definitions=linkage.versions.definitions,
        segments=tuple(segments),
        debug_size=sections.debug_size,
        section_headers=sections.present,
    )


def _kind(file_type: int, entry: int, segments: Sequence[Segment], linkage: _Linkage) -> FileKind:
    """What a file is that the loader takes (gABI, e_type; ld.so refuses to dlopen what has DF_1_PIE).

    Position-independent executables are ET_DYN as well. An interpreter alone makes no executable: libc.so.6 has
    one, to print its version when it is run; but it has a SONAME too.
    """
    if file_type == _ET_EXEC or linkage.tags.get("DT_FLAGS_1", 0) & _DF_1_PIE:
        return FileKind.EXECUTABLE
    if entry and linkage.soname is None and any(segment.type == _PT_INTERP for segment in segments):
        return FileKind.EXECUTABLE
    return FileKind.SHARED_LIBRARY


def _is_companion(
    linkage: _Linkage | None, refusals: list[str], segments: Sequence[Segment], sections: Sections
) -> bool:
    """Whether this is the debugging half of another file, which nothing loads: its code was left out on purpose.

    `objcopy --only-keep-debug` leaves program headers whose code has no bytes in the file. `eu-strip -f` leaves
    them as they were, and only the section headers say SHT_NOBITS; those are believed where the loader would
    refuse the file anyway, so that a section table that lies hides nothing.
    """
    if linkage is not None and linkage.tags:
        return False
    code = [segment for segment in segments if segment.type == _PT_LOAD and segment.flags & _PF_X]
    if code and not any(segment.file_size for segment in code):
        return True
    return bool(refusals) and sections.code_left_out


# --- Segments


def _read_segments(elf: ELFFile, order: str, content: memoryview, problems: list[str]) -> tuple[Segment, ...]:
    """The program headers (gABI, Program Header)."""
    start, row, count = elf.header["e_phoff"], elf.header["e_phentsize"], elf.header["e_phnum"]
    due = 56 if elf.elfclass == 64 else 32
    if not count or not start:
        return ()
    if row != due:
        problems.append(f"the program headers have {row} bytes each, where {due} are due")
        return ()
    if count > MAX_SEGMENTS:
        problems.append(f"there are {count} program headers; those after the first {MAX_SEGMENTS} were not read")
        count = MAX_SEGMENTS
    if start + count * row > len(content):
        problems.append(
            f"the program headers take bytes {start} to {start + count * row}, and the file ends at {len(content)}"
        )
        count = max(0, len(content) - start) // row
    return tuple(_segment(elf, order, content, index) for index in range(count))


def _segment(elf: ELFFile, order: str, content: memoryview, index: int) -> Segment:
    header = elf.get_segment(index).header
    return Segment(
        # pyelftools gives the name of a type that it knows, and the number of others.
        type=unpack_from(order + "I", content, elf.header["e_phoff"] + index * elf.header["e_phentsize"])[0],
        flags=header["p_flags"],
        offset=header["p_offset"],
        address=header["p_vaddr"],
        file_size=header["p_filesz"],
        memory_size=header["p_memsz"],
        alignment=header["p_align"],
    )


def _loads(segments: Sequence[Segment], size: int) -> tuple[Load, ...]:
    """What of the PT_LOAD segments has bytes in a file of `size` bytes.

    Whole pages are mapped, from where the first one begins. Where nothing is zeroed behind a segment, the bytes of the
    file that follow it in its last page are there as well, and a table may run on into a segment that continues it.
    """
    loads: list[Load] = []
    for segment in segments:
        if segment.type == _PT_LOAD and segment.file_size and segment.offset < size:
            end = segment.offset + segment.file_size
            if segment.memory_size <= segment.file_size:
                end += -end % _PAGE
            before = segment.address % _PAGE if segment.address % _PAGE == segment.offset % _PAGE else 0
            start = segment.offset - before
            load = Load(address=segment.address - before, offset=start, size=min(end, size) - start)
            if loads and _continues(loads[-1], load):
                load = Load(
                    address=loads[-1].address,
                    offset=loads[-1].offset,
                    size=max(loads[-1].size, load.offset + load.size - loads[-1].offset),
                )
                loads.pop()
            loads.append(load)
    return tuple(loads)


def _continues(load: Load, other: Load) -> bool:
    """Whether one segment begins where another ends, or before, at the same distance from its place in the file."""
    same = other.address - other.offset == load.address - load.offset
    return same and load.address <= other.address <= load.address + load.size


def _refusals(content: memoryview, order: str, segments: Sequence[Segment]) -> list[str]:
    """Why ld.so would refuse the file by its headers alone (glibc, elf/dl-load.c: open_verify, map_segments)."""
    refusals = []
    for place, version in (("e_ident", content[6]), ("e_version", unpack_from(order + "I", content, 20)[0])):
        if version != 1:
            refusals.append(f"the ELF version in {place} is {version}, and the only one is 1")
    loads = [segment for segment in segments if segment.type == _PT_LOAD]
    if not loads:
        refusals.append("there is no segment to load (PT_LOAD)")
    ends = [load.offset + load.file_size for load in loads if load.offset + load.file_size > len(content)]
    if ends:
        refusals.append(
            f"{len(ends)} of {len(loads)} segments to load reach behind the end of the file:"
            f" it has {len(content)} bytes, and {max(ends)} are due"
        )
    for load in loads:
        if load.alignment > 1 and (load.address - load.offset) % load.alignment:
            refusals.append(
                f"a segment cannot be mapped: its address {load.address:#x} and its offset {load.offset:#x}"
                f" differ modulo its alignment {load.alignment:#x}"
            )
            break
    return refusals


def _interpreter(content: memoryview, segments: Sequence[Segment]) -> str | None:
    for segment in segments:
        if segment.type == _PT_INTERP and segment.offset < len(content):
            size = min(segment.file_size, MAX_INTERPRETER_LENGTH)
            path = bytes(content[segment.offset : segment.offset + size]).partition(b"\0")[0]
            return path.decode("utf-8", "backslashreplace")
    return None


# --- The dynamic section


def _read_linkage(
    elf: ELFFile, stream: Stream, image: Image, segments: Sequence[Segment], refusals: list[str]
) -> _Linkage | None:
    """What PT_DYNAMIC says: an empty record where there is none, None where no loader could use it."""
    dynamic = [segment for segment in segments if segment.type == _PT_DYNAMIC]
    if not dynamic:
        return _Linkage()
    entries = _dynamic_entries(elf, stream, image, dynamic[-1], refusals)
    tags = dict(entries)
    missing = [tag for tag in ("DT_STRTAB", "DT_SYMTAB") if tag not in tags]
    if missing:
        if entries:
            refusals.append(f"the dynamic section has no {' and no '.join(missing)}")
        return None
    strings = read_strings(image, tags, refusals)
    versions = read_versions(image, tags, strings, refusals)
    imports, exports = read_symbols(image, tags, strings, versions, refusals)
    linkage = _Linkage(
        tags=tags,
        needed=_needed(entries, strings, refusals),
        search_paths=_search_paths(tags, strings, refusals),
        soname=strings.at(tags["DT_SONAME"]) if "DT_SONAME" in tags else None,
        versions=versions,
        imports=imports,
        exports=exports,
    )
    if strings.missed:
        refusals.append(
            f"{strings.missed} names could not be read: they start behind the end of the string table"
            f" ({len(strings)} bytes), have no end, or are too long"
        )
    return linkage


def _dynamic_entries(
    elf: ELFFile, stream: Stream, image: Image, segment: Segment, refusals: list[str]
) -> list[tuple[str | int, int]]:
    """Tags with their values up to DT_NULL. Where they lie says p_vaddr, for the loader never looks at p_offset."""
    place = image.offset(segment.address)
    if place is None:
        refusals.append(_unplaced(segment, len(image.content)))
        return []
    offset, end = place
    entries: list[tuple[str | int, int]] = []
    stream.end = end
    tags = Dynamic(stream, elf, _NoStrings(), offset, empty=False).iter_tags()
    try:
        # A list that fails half-way keeps what was read before, which a comprehension would lose.
        entries.extend((tag["d_tag"], tag["d_val"]) for tag in islice(tags, MAX_DYNAMIC_ENTRIES))
    except ELFError:
        refusals.append(f"the dynamic section at offset {offset} has no end (DT_NULL) before its segment ends at {end}")
    finally:
        stream.end = len(image.content)
    if len(entries) == MAX_DYNAMIC_ENTRIES:
        refusals.append(f"the dynamic section has more than {MAX_DYNAMIC_ENTRIES} entries; the rest was not read")
    return entries


def _unplaced(segment: Segment, size: int) -> str:
    """Why the dynamic section is nowhere in the file."""
    if segment.offset >= size:
        return f"the dynamic section lies at offset {segment.offset}, behind the end of the file ({size} bytes)"
    return f"the dynamic section lies at address {segment.address:#x}, of which no segment to load has bytes"


def _needed(entries: list[tuple[str | int, int]], strings: Strings, problems: list[str]) -> tuple[Needed, ...]:
    """DT_NEEDED in its order, and the libraries that this one filters (gABI; DT_AUXILIARY, DT_FILTER of Solaris)."""
    kinds = {
        "DT_NEEDED": NeededKind.NORMAL,
        "DT_FILTER": NeededKind.FILTER,
        "DT_AUXILIARY": NeededKind.FILTER,
    }
    wanted = [(kinds[tag], offset) for tag, offset in entries if isinstance(tag, str) and tag in kinds]
    if len(wanted) > MAX_NEEDED:
        problems.append(f"{len(wanted)} libraries are needed; those after the first {MAX_NEEDED} were not read")
    named = ((kind, strings.at(offset)) for kind, offset in wanted[:MAX_NEEDED])
    return tuple(Needed(name=name, kind=kind) for kind, name in named if name is not None)


def _search_paths(tags: Tags, strings: Strings, problems: list[str]) -> tuple[SearchPath, ...]:
    """DT_RPATH, then DT_RUNPATH, split at the colons; an empty directory means the current one."""
    paths: list[SearchPath] = []
    for tag, kind in (("DT_RPATH", SearchPathKind.RPATH), ("DT_RUNPATH", SearchPathKind.RUNPATH)):
        text = strings.at(tags[tag]) if tag in tags else None
        if text is not None:
            paths += [SearchPath(path=path, kind=kind) for path in text.split(":")]
    if len(paths) > MAX_SEARCH_PATHS:
        problems.append(f"there are {len(paths)} search paths; those after the first {MAX_SEARCH_PATHS} were left out")
    return tuple(paths[:MAX_SEARCH_PATHS])
