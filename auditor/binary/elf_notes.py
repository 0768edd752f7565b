"""The notes of an ELF file: build ID, Android API level, needed x86 ISA.

Sources: System V ABI (gABI), Note Section; the GNU property note; Android's ident note.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import TYPE_CHECKING, Any

from elftools.common.exceptions import ELFError
from elftools.construct import ConstructError
from elftools.elf.notes import iter_notes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from elftools.elf.elffile import ELFFile

    from auditor.binary.elf_stream import Stream
    from auditor.binary.elf_tables import Image
    from auditor.facts.binary import Segment

MAX_NOTES_SIZE = 65_536
"""Bytes of all note segments together: real ones have a few hundred. pyelftools takes 0.1 s for as many."""
_PT_NOTE, _PT_GNU_PROPERTY = 4, 0x6474E553


@dataclass(slots=True)
class Notes:
    """What the note segments say."""

    build_id: str | None = None
    android_api: int | None = None
    x86_isa_needed: int = 0


def read_notes(elf: ELFFile, stream: Stream, image: Image, segments: Sequence[Segment], problems: list[str]) -> Notes:
    """Build ID, Android API level and needed x86 ISA, of PT_NOTE and PT_GNU_PROPERTY (gABI, Note Section)."""
    notes, left = Notes(), MAX_NOTES_SIZE
    places = {
        ((image.offset(segment.address) or (segment.offset, 0))[0], segment.file_size): None
        for segment in segments
        if segment.type in (_PT_NOTE, _PT_GNU_PROPERTY) and segment.file_size
    }
    for offset, size in places:
        if offset + size > len(image.content):
            continue  # Where the loader would see it, the segment to load that it lies in was found cut off.
        if size > left:
            problems.append(
                f"the notes take more than {MAX_NOTES_SIZE} bytes; those from offset {offset} on were not read"
            )
            break
        left -= size
        stream.end = _whole_notes(image, offset, offset + size)
        try:
            for note in iter_notes(elf, offset, stream.end - offset):
                _take_note(notes, note, elf)
        except (ELFError, ConstructError) as error:
            problems.append(f"the notes at offset {offset} are malformed: {error}")
        finally:
            stream.end = len(image.content)
    return notes


def _whole_notes(image: Image, offset: int, end: int) -> int:
    """Where the last note ends that lies in its segment: ld.so stops there too, without a word.

    46 libraries of two published i686 wheels (psycopg2_binary 2.8.6, scipy 1.1.0) have a PT_NOTE that points into
    their program headers instead.
    """
    header = Struct(image.order + "II4x")
    while offset + header.size <= end:
        name_size, descriptor_size = header.unpack_from(image.content, offset)
        descriptor = offset + header.size + (name_size + 3 & ~3)
        if descriptor + descriptor_size > end:
            break
        offset = min(end, descriptor + (descriptor_size + 3 & ~3))
    return offset


def _take_note(notes: Notes, note: Mapping[str, Any], elf: ELFFile) -> None:
    """Keep what is wanted of one note. pyelftools names types as if GNU owned every note: 1 is NT_GNU_ABI_TAG."""
    owner, kind, descriptor = note["n_name"], note["n_type"], note["n_descdata"]
    if owner == "GNU" and kind == "NT_GNU_BUILD_ID":
        notes.build_id = notes.build_id or descriptor.hex()
    elif owner == "GNU" and kind == "NT_GNU_PROPERTY_TYPE_0":
        if elf.header["e_machine"] in ("EM_X86_64", "EM_386"):
            for entry in note["n_desc"]:
                if entry["pr_type"] == "GNU_PROPERTY_X86_ISA_1_NEEDED" and isinstance(entry["pr_data"], int):
                    notes.x86_isa_needed |= entry["pr_data"]
    elif owner == "Android" and kind == "NT_GNU_ABI_TAG" and len(descriptor) >= 4:
        notes.android_api = int.from_bytes(descriptor[:4], "little" if elf.little_endian else "big")
