"""Bytes of one ELF file -> facts.

Read is what the loader reads: the file header, the program headers, and what PT_DYNAMIC points to. pyelftools
reads the header, the segments, the dynamic section and the notes, from a view that hides the section headers: a
damaged section table must not keep us from the rest. Of the sections we ask what nothing loads by: how large the
debugging sections are, whether the code was left out on purpose (a debug companion), and what the build left behind.

Sources: System V ABI (gABI) chapters "Object Files" and "Program Loading and Dynamic Linking"; the GNU extensions
of <elf.h>; what ld.so refuses (glibc, elf/dl-load.c).
"""

from __future__ import annotations

from struct import unpack_from
from typing import TYPE_CHECKING

from elftools.elf.elffile import ELFFile

from auditor.binary.elf_dynamic import Linkage, read_linkage
from auditor.binary.elf_notes import Notes, read_notes
from auditor.binary.elf_sections import Sections, read_sections
from auditor.binary.elf_segments import (
    PT_DYNAMIC,
    PT_INTERP,
    PT_LOAD,
    interpreter_of,
    loads_of,
    read_segments,
    refusals_of,
)
from auditor.binary.elf_stream import Stream
from auditor.binary.elf_tables import Image
from auditor.binary.marks import find_marks
from auditor.facts.binary import (
    Binary,
    BinaryFormat,
    ElfDetail,
    FileKind,
    MinimumOS,
    Segment,
    Slice,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

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
_PT_GNU_STACK = 0x6474E551
_PF_X = 1
_DF_TEXTREL = 4
_DF_1_PIE = 0x0800_0000


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
    segments = read_segments(elf, order, content, problems)
    sections = read_sections(content, bits, order)
    kind = FileKind.OBJECT if file_type == _ET_REL else FileKind.OTHER
    linkage, notes = Linkage(), Notes()
    if file_type in (_ET_EXEC, _ET_DYN):
        image = Image(content, bits, little_endian, machine_number, loads_of(segments, len(content)))
        refusals = refusals_of(content, order, segments)
        read = read_linkage(elf, stream, image, segments, refusals)
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
    linkage: Linkage,
    notes: Notes,
) -> ElfDetail:
    stacks = [bool(segment.flags & _PF_X) for segment in segments if segment.type == _PT_GNU_STACK]
    return ElfDetail(
        type=file_type,
        os_abi=content[7],
        flags=elf.header["e_flags"],
        interpreter=interpreter_of(content, segments),
        dynamic=any(segment.type == PT_DYNAMIC for segment in segments),
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


def _kind(file_type: int, entry: int, segments: Sequence[Segment], linkage: Linkage) -> FileKind:
    """What a file is that the loader takes (gABI, e_type; ld.so refuses to dlopen what has DF_1_PIE).

    Position-independent executables are ET_DYN as well. An interpreter alone makes no executable: libc.so.6 has
    one, to print its version when it is run; but it has a SONAME too.
    """
    if file_type == _ET_EXEC or linkage.tags.get("DT_FLAGS_1", 0) & _DF_1_PIE:
        return FileKind.EXECUTABLE
    if entry and linkage.soname is None and any(segment.type == PT_INTERP for segment in segments):
        return FileKind.EXECUTABLE
    return FileKind.SHARED_LIBRARY


def _is_companion(
    linkage: Linkage | None, refusals: list[str], segments: Sequence[Segment], sections: Sections
) -> bool:
    """Whether this is the debugging half of another file, which nothing loads: its code was left out on purpose.

    `objcopy --only-keep-debug` leaves program headers whose code has no bytes in the file. `eu-strip -f` leaves
    them as they were, and only the section headers say SHT_NOBITS; those are believed where the loader would
    refuse the file anyway, so that a section table that lies hides nothing.
    """
    if linkage is not None and linkage.tags:
        return False
    code = [segment for segment in segments if segment.type == PT_LOAD and segment.flags & _PF_X]
    if code and not any(segment.file_size for segment in code):
        return True
    return bool(refusals) and sections.code_left_out
