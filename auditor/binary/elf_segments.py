"""ELF: the program headers, what of them is mapped, and what ld.so refuses by them alone.

Sources: gABI, Program Header and Program Loading; glibc, elf/dl-load.c.
"""

from __future__ import annotations

from struct import unpack_from
from typing import TYPE_CHECKING

from auditor.binary.elf_tables import Load
from auditor.facts.binary import Segment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from elftools.elf.elffile import ELFFile

MAX_SEGMENTS = 1170
"""Program headers: what Linux takes of an executable, 64 KiB of headers of 56 bytes (fs/binfmt_elf.c)."""
MAX_INTERPRETER_LENGTH = 4096
"""Bytes of PT_INTERP: PATH_MAX, past which Linux refuses the file (fs/binfmt_elf.c)."""

PT_LOAD, PT_DYNAMIC, PT_INTERP = 1, 2, 3
_PAGE = 4096
"""Bytes of the smallest page of any machine that a tag names."""


def read_segments(elf: ELFFile, order: str, content: memoryview, problems: list[str]) -> tuple[Segment, ...]:
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


def loads_of(segments: Sequence[Segment], size: int) -> tuple[Load, ...]:
    """What of the PT_LOAD segments has bytes in a file of `size` bytes.

    Whole pages are mapped, from where the first one begins. Where nothing is zeroed behind a segment, the bytes of the
    file that follow it in its last page are there as well, and a table may run on into a segment that continues it.
    """
    loads: list[Load] = []
    for segment in segments:
        if segment.type == PT_LOAD and segment.file_size and segment.offset < size:
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


def refusals_of(content: memoryview, order: str, segments: Sequence[Segment]) -> list[str]:
    """Why ld.so would refuse the file by its headers alone (glibc, elf/dl-load.c: open_verify, map_segments)."""
    refusals = []
    for place, version in (("e_ident", content[6]), ("e_version", unpack_from(order + "I", content, 20)[0])):
        if version != 1:
            refusals.append(f"the ELF version in {place} is {version}, and the only one is 1")
    loads = [segment for segment in segments if segment.type == PT_LOAD]
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


def interpreter_of(content: memoryview, segments: Sequence[Segment]) -> str | None:
    """The path of PT_INTERP, up to its first NUL; None without one."""
    for segment in segments:
        if segment.type == PT_INTERP and segment.offset < len(content):
            size = min(segment.file_size, MAX_INTERPRETER_LENGTH)
            path = bytes(content[segment.offset : segment.offset + size]).partition(b"\0")[0]
            return path.decode("utf-8", "backslashreplace")
    return None
