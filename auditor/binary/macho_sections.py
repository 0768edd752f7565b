"""The sections of a Mach-O slice in which a build leaves its marks, and those that hold debugging information.

Source: <mach-o/loader.h> (`section`, `section_64`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from macholib import mach_o

from auditor.binary.marks import Places

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.binary.macho_commands import Image

_TEXTS = frozenset({(b"__TEXT", b"__const"), (b"__TEXT", b"__cstring"), (b"__DATA_CONST", b"__const")})
_DEPENDENCIES = (b"__DATA", b".dep-v0")
_DWARF = b"__DWARF"


def mark_places(image: Image) -> Places:
    """Where the slice may hold marks; a section that reaches behind the end is cut there."""
    places = Places()
    for segment, name, section in _sections(image):
        if (segment, name) in _TEXTS:
            places.texts.append(image.table(section.offset, section.size))
        elif (segment, name) == _DEPENDENCIES:
            places.dependencies = image.table(section.offset, section.size)
    return places


def debug_size(image: Image) -> int:
    """Bytes of the sections of a `__DWARF` segment, which a linker leaves to the object files and `dsymutil`."""
    return sum(len(image.table(one.offset, one.size)) for segment, _, one in _sections(image) if segment == _DWARF)


def _sections(image: Image) -> Iterator[tuple[bytes, bytes, Any]]:
    """The name of the segment, the name of the section, and its header."""
    for head, _body, rest in image.commands:
        if head.cmd in (mach_o.LC_SEGMENT, mach_o.LC_SEGMENT_64):
            for section in rest:
                yield bytes(section.segname).rstrip(b"\0"), bytes(section.sectname).rstrip(b"\0"), section
