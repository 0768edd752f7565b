"""The header and the load commands of a Mach-O file (Apple's <mach-o/loader.h>)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from tests.builders.macho_spec import FILE_TYPES, number_of, round_up

if TYPE_CHECKING:
    from tests.builders.macho_spec import Frame, Layout, MachoLibrary, MachoSpec

_PLATFORMS: Final = {
    "macos": 1,
    "ios": 2,
    "tvos": 3,
    "watchos": 4,
    "bridgeos": 5,
    "maccatalyst": 6,
    "iossimulator": 7,
    "tvossimulator": 8,
    "watchossimulator": 9,
    "driverkit": 10,
    "visionos": 11,
    "visionossimulator": 12,
}
_VERSION_MIN: Final = {"macos": 0x24, "ios": 0x25, "iossimulator": 0x25, "tvos": 0x2F, "watchos": 0x30}
_LIBRARY_COMMANDS: Final = {
    "load": 0xC,
    "weak": 0x80000018,
    "reexport": 0x8000001F,
    "lazy": 0x20,
    "upward": 0x80000023,
}


def load_commands(frame: Frame, layout: Layout) -> list[bytes]:
    """All load commands, in the order of Apple's linker."""
    spec = frame.spec
    commands = _segments(frame, layout)
    if spec.identity is not None:
        commands.append(_library_command(frame, 0xD, spec.identity))
    commands += _fixup_commands(spec, layout)
    if spec.symbol_table:
        commands += _symbol_commands(frame, layout)
    if "__PAGEZERO" in frame.segment_names:
        commands.append(_text_command(frame, 0xE, (), "/usr/lib/dyld"))
    if spec.uuid is not None:
        commands.append(struct.pack("<2L16s", 0x1B, 24, spec.uuid))
    commands += _version_command(spec)
    if "__PAGEZERO" in frame.segment_names:
        commands.append(struct.pack("<2L2Q", 0x80000028, 24, layout.code_offset, 0))
    commands += [_library_command(frame, _LIBRARY_COMMANDS[each.kind], each) for each in spec.libraries]
    commands += [_text_command(frame, 0x8000001C, (), path) for path in spec.rpaths]
    if frame.signature is not None:
        commands.append(struct.pack("<4L", 0x1D, 16, layout.signature_offset, layout.signature_size))
    return [*commands, *spec.extra_commands]


def _segments(frame: Frame, layout: Layout) -> list[bytes]:
    """LC_SEGMENT or LC_SEGMENT_64 (segment_command, section)."""
    sections = [(b"__text", layout.code_offset, len(frame.code), 0x80000400)]
    if frame.spec.rodata:
        sections.append((b"__const", layout.code_offset + len(frame.code), len(frame.spec.rodata), 0))
    data_size = layout.linkedit_offset - layout.data_offset
    extents = {
        "__TEXT": (0, layout.data_offset, layout.data_offset, 5),
        "__DATA": (layout.data_offset, data_size, data_size, 3),
        "__LINKEDIT": (
            layout.linkedit_offset,
            round_up(layout.end - layout.linkedit_offset, frame.page),
            layout.end - layout.linkedit_offset,
            1,
        ),
    }
    held = {
        "__TEXT": sections,
        "__DATA": [(b"__got", layout.data_offset, frame.word * len(frame.bound), 0)],
    }
    commands = []
    for name in frame.segment_names:
        if name == "__PAGEZERO":
            commands.append(_segment(frame, name, (-frame.base, frame.base, 0, 0), []))
        else:
            commands.append(_segment(frame, name, extents[name], held.get(name, [])))
    return commands


def _segment(
    frame: Frame, name: str, extent: tuple[int, int, int, int], sections: list[tuple[bytes, int, int, int]]
) -> bytes:
    """One segment; `extent` is offset, size in memory, size in the file and protection."""
    offset, memory_size, file_size, protection = extent
    wide, file_offset = frame.word == 8, max(offset, 0)
    rows = b""
    for section, place, size, flags in sections:
        rows += struct.pack("<16s16s2Q8L" if wide else "<16s16s2L7L", section, name.encode(), frame.base + place, size,
                            place, 3, 0, 0, flags, *((0, 0, 0) if wide else (0, 0)))  # fmt: skip
    where = (frame.base + offset, memory_size, file_offset, file_size)
    layout = "<2L16s4Q4L" if wide else "<2L16s4L4L"
    size = struct.calcsize(layout) + len(rows)
    numbers = (protection, protection, len(sections), 0)
    return struct.pack(layout, 0x19 if wide else 0x1, size, name.encode(), *where, *numbers) + rows


def _fixup_commands(spec: MachoSpec, layout: Layout) -> list[bytes]:
    """LC_DYLD_INFO_ONLY, or LC_DYLD_CHAINED_FIXUPS and LC_DYLD_EXPORTS_TRIE."""
    trie = layout.place("trie")
    match spec.fixups:
        case "opcodes":
            bind = layout.place("bind")
            return [struct.pack("<12L", 0x80000022, 48, 0, 0, *bind, 0, 0, 0, 0, *trie)]
        case "chained":
            fixups = struct.pack("<4L", 0x80000034, 16, *layout.place("chained"))
            return [fixups, struct.pack("<4L", 0x80000033, 16, *trie)]
        case "absent":
            return []


def _symbol_commands(frame: Frame, layout: Layout) -> list[bytes]:
    """LC_SYMTAB and LC_DYSYMTAB; no symbol is local."""
    defined, undefined = len(frame.spec.exports), len(frame.bound)
    symbols, _ = layout.place("symbols")
    table = struct.pack("<6L", 0x2, 24, symbols, defined + undefined, *layout.place("strings"))
    return [table, struct.pack("<8L12L", 0xB, 80, 0, 0, 0, defined, defined, undefined, *[0] * 12)]


def _version_command(spec: MachoSpec) -> list[bytes]:
    """LC_BUILD_VERSION or LC_VERSION_MIN_*."""
    versions = (version_of(spec.minos), version_of(spec.sdk))
    match spec.version_command:
        case "build":
            return [struct.pack("<6L", 0x32, 24, number_of(_PLATFORMS, spec.platform), *versions, 0)]
        case "min":
            return [struct.pack("<4L", number_of(_VERSION_MIN, spec.platform), 16, *versions)]
        case "absent":
            return []


def _library_command(frame: Frame, command: int, library: MachoLibrary) -> bytes:
    """dylib_command, with the timestamp 2 of Apple's linker (1 for the file's own identity)."""
    versions = (version_of(library.current_version), version_of(library.compatibility_version))
    return _text_command(frame, command, (1 if command == 0xD else 2, *versions), library.name)


def _text_command(frame: Frame, command: int, numbers: tuple[int, ...], text: str) -> bytes:
    """A command that ends in a string (lc_str), padded to the word."""
    start = 12 + 4 * len(numbers)
    name = text.encode() + b"\0"
    size = round_up(start + len(name), frame.word)
    return struct.pack(f"<3L{len(numbers)}L", command, size, start, *numbers) + name.ljust(size - start, b"\0")


def mach_header(frame: Frame, commands: list[bytes]) -> bytes:
    """mach_header or mach_header_64."""
    kind = number_of(FILE_TYPES, frame.spec.file_type)
    undefined_known, dyld, two_level, pie = 0x1, 0x4, 0x80, 0x200000
    flags = undefined_known | dyld | (two_level if frame.spec.two_level else 0) | (pie if kind == 2 else 0)
    numbers = (*frame.cpu, kind, len(commands), sum(map(len, commands)), flags)
    if frame.word == 8:
        return struct.pack("<8L", 0xFEEDFACF, *numbers, 0)
    return struct.pack("<7L", 0xFEEDFACE, *numbers)


def version_of(text: str) -> int:
    """`major.minor.patch` in 16, 8 and 8 bits; what is missing is 0."""
    major, minor, patch = (*map(int, text.split(".")), 0, 0)[:3]
    return major << 16 | minor << 8 | patch
