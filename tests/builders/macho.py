"""Build the smallest Mach-O file that dyld takes, then change one thing.

    spec = MachoSpec(libraries=(LIBSYSTEM,), exports=(MachoExport(symbol="_PyInit_demo"),))
    (tmp_path / "demo.so").write_bytes(build_macho(spec))
    build_universal((build_macho(spec), build_macho(replace(spec, cpu="x86_64"))))

Specifications: Apple's <mach-o/loader.h> for header and load commands, <mach-o/fat.h> for universal files;
what stands in __LINKEDIT is in `macho_linkedit` and `macho_signing`. Symbols have their raw spelling, with the
leading underscore. The segments are __TEXT (header, code), __DATA (a pointer an import) and __LINKEDIT.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from tests.builders._override import either
from tests.builders.macho_linkedit import (
    EXECUTABLE_ORDINAL,
    FLAT_LOOKUP_ORDINAL,
    SELF_ORDINAL,
    WEAK_LOOKUP_ORDINAL,
    Bound,
    MachoExport,
    MachoImport,
    Slots,
    bind_opcodes,
    chained_fixups,
    chained_pointers,
    export_record,
    export_trie,
    symbol_table,
)
from tests.builders.macho_signing import MachoSignature, code_signature, code_signature_size

__all__ = [
    "EXECUTABLE_ORDINAL",
    "FLAT_LOOKUP_ORDINAL",
    "LIBSYSTEM",
    "SELF_ORDINAL",
    "WEAK_LOOKUP_ORDINAL",
    "MachoExport",
    "MachoImport",
    "MachoLibrary",
    "MachoSignature",
    "MachoSpec",
    "build_macho",
    "build_universal",
    "replace",
]

MachoCpu = Literal["x86_64", "x86_64h", "arm64", "arm64e", "i386", "armv7"]
LibraryKind = Literal["load", "weak", "reexport", "lazy", "upward"]

_CPUS: Final = {
    "x86_64": (0x01000007, 3),
    "x86_64h": (0x01000007, 8),
    "arm64": (0x0100000C, 0),
    "arm64e": (0x0100000C, 0x80000002),
    "i386": (7, 3),
    "armv7": (12, 9),
}
_FILE_TYPES: Final = {"execute": 2, "dylib": 6, "bundle": 8}
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
_ARM_64: Final = 0x0100000C
_WIDE: Final = 0x01000000


@dataclass(frozen=True, slots=True, kw_only=True)
class MachoLibrary:
    """A library that the file loads, or the identity of the file itself."""

    name: str
    kind: LibraryKind = "load"
    current_version: str = "1.0.0"
    compatibility_version: str = "1.0.0"


LIBSYSTEM: Final = MachoLibrary(name="/usr/lib/libSystem.B.dylib", current_version="1336.0.0")
"""The C library of every Apple platform."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MachoSpec:
    """One thin Mach-O file."""

    cpu: MachoCpu | tuple[int, int] = "arm64"
    """A name, or a bare (cputype, cpusubtype)."""
    file_type: Literal["execute", "dylib", "bundle"] | int = "bundle"
    platform: str | int = "macos"
    minos: str = "11.0"
    sdk: str = "14.0"
    version_command: Literal["build", "min", "absent"] = "build"
    """LC_BUILD_VERSION, or the older LC_VERSION_MIN_* of the platform, or neither."""
    identity: MachoLibrary | None = None
    """LC_ID_DYLIB."""
    libraries: tuple[MachoLibrary, ...] = ()
    rpaths: tuple[str, ...] = ()
    imports: tuple[MachoImport, ...] = ()
    exports: tuple[MachoExport, ...] = ()
    two_level: bool = True
    """MH_TWOLEVEL; without it every import is looked up in every file."""
    fixups: Literal["opcodes", "chained", "absent"] = "opcodes"
    """Binding and exports in LC_DYLD_INFO_ONLY; in LC_DYLD_CHAINED_FIXUPS and LC_DYLD_EXPORTS_TRIE; or nowhere."""
    chained_import_format: Literal[1, 2, 3] = 1
    symbol_table: bool = True
    """LC_SYMTAB and LC_DYSYMTAB."""
    signature: MachoSignature | Literal["adhoc", "absent"] | None = None
    """By default ad hoc on arm64, absent elsewhere, as Apple's linker has it."""
    identifier: str = "demo.so"
    """The name in the signature."""
    uuid: bytes | None = b"builders of demo"
    code: bytes | None = None
    """The body of all exports; by default a function that returns 0."""
    rodata: bytes = b""
    """Bytes in __TEXT,__const that nothing refers to, for whoever searches for strings."""
    page: int | None = None
    extra_commands: tuple[bytes, ...] = ()
    """Whole load commands behind all others."""


def build_macho(spec: MachoSpec) -> bytes:
    """Encode the commands once to learn their size, lay out the file, encode them again with the true offsets."""
    frame = _Frame.of(spec)
    commands = _commands(frame, _Layout())
    header_size = 32 if frame.word == 8 else 28
    code_offset = header_size + sum(map(len, commands))
    code_offset += -code_offset % 16
    layout = _laid_out(frame, code_offset)
    commands = _commands(frame, layout)
    header = _mach_header(frame, commands)
    content = b"".join((header, *commands)).ljust(code_offset, b"\0") + frame.code + spec.rodata
    content = content.ljust(layout.data_offset, b"\0") + _pointers(frame)
    content = content.ljust(layout.linkedit_offset, b"\0") + b"".join(layout.pieces.values())
    if frame.signature is not None:
        content = content.ljust(layout.signature_offset, b"\0")
        main = _number(_FILE_TYPES, spec.file_type) == 2
        content += code_signature(content, spec.identifier, layout.data_offset, frame.signature, main=main)
    return content


def build_universal(slices: tuple[bytes, ...], *, fat64: bool = False) -> bytes:
    """A universal file of thin ones, each aligned to 16 KiB (<mach-o/fat.h>)."""
    header = struct.pack(">2L", 0xCAFEBABF if fat64 else 0xCAFEBABE, len(slices))
    body, start = b"", 0x4000
    for thin in slices:
        offset = start + len(body)
        cpu = struct.unpack_from("<2L", thin, 4)
        if fat64:
            header += struct.pack(">2L2Q2L", *cpu, offset, len(thin), 14, 0)
        else:
            header += struct.pack(">5L", *cpu, offset, len(thin), 14)
        padding = bytes(-len(thin) % 0x4000) if thin is not slices[-1] else b""
        body += thin + padding
    return header.ljust(start, b"\0") + body


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    """The specification with its processor's defaults filled in."""

    spec: MachoSpec
    cpu: tuple[int, int]
    word: int
    page: int
    code: bytes
    signature: MachoSignature | None
    bound: tuple[Bound, ...]
    pointer_format: int

    @classmethod
    def of(cls, spec: MachoSpec) -> _Frame:
        cpu = _CPUS[spec.cpu] if isinstance(spec.cpu, str) else spec.cpu
        arm, word = cpu[0] == _ARM_64, 8 if cpu[0] & _WIDE else 4
        code = either(spec.code, bytes.fromhex("00008052c0035fd6" if arm else "31c0c3"))
        return cls(
            spec=spec,
            cpu=cpu,
            word=word,
            page=either(spec.page, 0x4000 if arm else 0x1000),
            code=code + bytes(-len(code) % 8),
            signature=_signature(either(spec.signature, "adhoc" if arm else "absent")),
            bound=tuple(
                Bound(symbol=each.symbol.encode(), ordinal=_ordinal(spec, each.library), weak=each.weak)
                for each in spec.imports
            ),
            pointer_format=3 if word == 4 else 12 if cpu[1] & 0xFF == 2 and arm else 2,
        )

    @property
    def segment_names(self) -> list[str]:
        """The segments in order; their numbers are places in this list."""
        zero = ["__PAGEZERO"] if _number(_FILE_TYPES, self.spec.file_type) == 2 else []
        return [*zero, "__TEXT", *(["__DATA"] if self.bound else []), "__LINKEDIT"]

    @property
    def base(self) -> int:
        """The address of the Mach-O header."""
        if "__PAGEZERO" not in self.segment_names:
            return 0
        return 1 << 32 if self.word == 8 else 0x4000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    """Offsets in the file; in memory everything lies at the same distance from the header."""

    code_offset: int = 0
    data_offset: int = 0
    linkedit_offset: int = 0
    signature_size: int = 0
    pieces: dict[str, bytes] = field(default_factory=dict)
    """What stands in __LINKEDIT, in order, without the signature."""

    @property
    def signature_offset(self) -> int:
        """Behind all pieces, aligned to 16 bytes."""
        end = self.linkedit_offset + sum(map(len, self.pieces.values()))
        return end + -end % 16

    @property
    def end(self) -> int:
        """The size of the file."""
        if self.signature_size:
            return self.signature_offset + self.signature_size
        return self.linkedit_offset + sum(map(len, self.pieces.values()))

    def place(self, name: str) -> tuple[int, int]:
        """Offset and size of a piece; what is empty has neither."""
        position = self.linkedit_offset
        for each, piece in self.pieces.items():
            if each == name:
                return (position, len(piece)) if piece else (0, 0)
            position += len(piece)
        return 0, 0


def _signature(signature: MachoSignature | Literal["adhoc", "absent"]) -> MachoSignature | None:
    """How to sign, if at all."""
    if isinstance(signature, MachoSignature):
        return signature
    return MachoSignature() if signature == "adhoc" else None


def _laid_out(frame: _Frame, code_offset: int) -> _Layout:
    spec, page = frame.spec, frame.page
    data_offset = _up(code_offset + len(frame.code) + len(spec.rodata), page)
    linkedit_offset = data_offset + _up(frame.word * len(frame.bound), page)
    layout = _Layout(
        code_offset=code_offset,
        data_offset=data_offset,
        linkedit_offset=linkedit_offset,
        pieces=_linkedit(frame, code_offset, data_offset),
    )
    if frame.signature is None:
        return layout
    size = code_signature_size(layout.signature_offset, spec.identifier, frame.signature)
    return replace(layout, signature_size=size)


def _linkedit(frame: _Frame, code_offset: int, data_offset: int) -> dict[str, bytes]:
    """Fixups, export trie, symbols and strings; a kind that the specification leaves out is not there."""
    spec, names = frame.spec, frame.segment_names
    slots = Slots(
        segment=names.index("__DATA") if "__DATA" in names else 0,
        segment_count=len(names),
        segment_offset=data_offset,
        word=frame.word,
        page=frame.page,
    )
    pieces = {}
    if spec.fixups == "opcodes":
        pieces["bind"] = bind_opcodes(frame.bound, slots)
    elif spec.fixups == "chained":
        pieces["chained"] = chained_fixups(frame.bound, slots, spec.chained_import_format, frame.pointer_format)
    if spec.fixups != "absent":
        pieces["trie"] = export_trie({each.symbol.encode(): export_record(each, code_offset) for each in spec.exports})
    if spec.symbol_table:
        code = frame.base + code_offset
        pieces["symbols"], pieces["strings"] = symbol_table(frame.word, spec.exports, frame.bound, code)
    return pieces


def _commands(frame: _Frame, layout: _Layout) -> list[bytes]:
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


def _segments(frame: _Frame, layout: _Layout) -> list[bytes]:
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
            _up(layout.end - layout.linkedit_offset, frame.page),
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
    frame: _Frame, name: str, extent: tuple[int, int, int, int], sections: list[tuple[bytes, int, int, int]]
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


def _fixup_commands(spec: MachoSpec, layout: _Layout) -> list[bytes]:
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


def _symbol_commands(frame: _Frame, layout: _Layout) -> list[bytes]:
    """LC_SYMTAB and LC_DYSYMTAB; no symbol is local."""
    defined, undefined = len(frame.spec.exports), len(frame.bound)
    symbols, _ = layout.place("symbols")
    table = struct.pack("<6L", 0x2, 24, symbols, defined + undefined, *layout.place("strings"))
    return [table, struct.pack("<8L12L", 0xB, 80, 0, 0, 0, defined, defined, undefined, *[0] * 12)]


def _version_command(spec: MachoSpec) -> list[bytes]:
    """LC_BUILD_VERSION or LC_VERSION_MIN_*."""
    versions = (_version(spec.minos), _version(spec.sdk))
    match spec.version_command:
        case "build":
            return [struct.pack("<6L", 0x32, 24, _number(_PLATFORMS, spec.platform), *versions, 0)]
        case "min":
            return [struct.pack("<4L", _number(_VERSION_MIN, spec.platform), 16, *versions)]
        case "absent":
            return []


def _library_command(frame: _Frame, command: int, library: MachoLibrary) -> bytes:
    """dylib_command, with the timestamp 2 of Apple's linker (1 for the file's own identity)."""
    versions = (_version(library.current_version), _version(library.compatibility_version))
    return _text_command(frame, command, (1 if command == 0xD else 2, *versions), library.name)


def _text_command(frame: _Frame, command: int, numbers: tuple[int, ...], text: str) -> bytes:
    """A command that ends in a string (lc_str), padded to the word."""
    start = 12 + 4 * len(numbers)
    name = text.encode() + b"\0"
    size = _up(start + len(name), frame.word)
    return struct.pack(f"<3L{len(numbers)}L", command, size, start, *numbers) + name.ljust(size - start, b"\0")


def _mach_header(frame: _Frame, commands: list[bytes]) -> bytes:
    """mach_header or mach_header_64."""
    kind = _number(_FILE_TYPES, frame.spec.file_type)
    undefined_known, dyld, two_level, pie = 0x1, 0x4, 0x80, 0x200000
    flags = undefined_known | dyld | (two_level if frame.spec.two_level else 0) | (pie if kind == 2 else 0)
    numbers = (*frame.cpu, kind, len(commands), sum(map(len, commands)), flags)
    if frame.word == 8:
        return struct.pack("<8L", 0xFEEDFACF, *numbers, 0)
    return struct.pack("<7L", 0xFEEDFACE, *numbers)


def _pointers(frame: _Frame) -> bytes:
    """The contents of __DATA before binding."""
    if frame.spec.fixups == "chained":
        return chained_pointers(len(frame.bound), frame.pointer_format)
    return bytes(frame.word * len(frame.bound))


def _ordinal(spec: MachoSpec, library: str | int | None) -> int:
    """The library ordinal: libraries count from 1 in the order of their commands."""
    match library:
        case None:
            return FLAT_LOOKUP_ORDINAL
        case int():
            return library
        case str():
            return 1 + [each.name for each in spec.libraries].index(library)


def _number(table: dict[str, int], name: str | int) -> int:
    return name if isinstance(name, int) else table[name]


def _version(text: str) -> int:
    """`major.minor.patch` in 16, 8 and 8 bits; what is missing is 0."""
    major, minor, patch = (*map(int, text.split(".")), 0, 0)[:3]
    return major << 16 | minor << 8 | patch


def _up(size: int, unit: int) -> int:
    return -(-size // unit) * unit
