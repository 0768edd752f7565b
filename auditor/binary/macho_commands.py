"""The load commands of a Mach-O slice: its libraries, search paths, versions, and what they place in the file.

macholib is given the load commands alone, from memory: it would otherwise read the content of every section, and
give up at the first one that lies behind the end of the file.

Source: <mach-o/loader.h>.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING, Any

from macholib import mach_o
from macholib.MachO import MachOHeader

from auditor.binary.macho_fat import INTEL
from auditor.binary.macho_symbols import MAX_TABLE, c_string, text
from auditor.facts.binary import MinimumOS, Needed, NeededKind, SearchPath

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_COMMAND_BYTES = 1 << 18
"""Bytes of load commands of a slice. The most in the corpus are 4,200; macholib takes up to 0.4 s for this many."""

_HEADERS = {
    b"\xfe\xed\xfa\xce": (">", 32, mach_o.mach_header),
    b"\xce\xfa\xed\xfe": ("<", 32, mach_o.mach_header),
    b"\xfe\xed\xfa\xcf": (">", 64, mach_o.mach_header_64),
    b"\xcf\xfa\xed\xfe": ("<", 64, mach_o.mach_header_64),
}
"""By magic: byte order, bits, and macholib's header."""

_MH_DSYM = 10

_NEEDED_KINDS = {
    mach_o.LC_LOAD_DYLIB: NeededKind.NORMAL,
    mach_o.LC_LOAD_WEAK_DYLIB: NeededKind.WEAK,
    mach_o.LC_REEXPORT_DYLIB: NeededKind.REEXPORT,
    mach_o.LC_LOAD_UPWARD_DYLIB: NeededKind.UPWARD,
    mach_o.LC_LAZY_LOAD_DYLIB: NeededKind.LAZY,
}
_DYLIB_USE_MARKER = 0x1A741800
_DYLIB_USE_KINDS = {1: NeededKind.WEAK, 2: NeededKind.REEXPORT, 4: NeededKind.UPWARD, 8: NeededKind.LAZY}
"""DYLIB_USE_WEAK_LINK, _REEXPORT, _UPWARD, _DELAYED_INIT."""

_PLATFORMS = {
    1: "macos",
    2: "ios",
    3: "tvos",
    4: "watchos",
    5: "bridgeos",
    6: "maccatalyst",
    7: "iossimulator",
    8: "tvossimulator",
    9: "watchossimulator",
    10: "driverkit",
    11: "visionos",
    12: "visionossimulator",
}
"""PLATFORM_ numbers of LC_BUILD_VERSION."""
_VERSION_MIN_PLATFORMS = {
    mach_o.LC_VERSION_MIN_MACOSX: "macos",
    mach_o.LC_VERSION_MIN_IPHONEOS: "ios",
    mach_o.LC_VERSION_MIN_TVOS: "tvos",
    mach_o.LC_VERSION_MIN_WATCHOS: "watchos",
}

_ZERO_FILLED_SECTIONS = frozenset({0x1, 0xC, 0x12})
"""S_ZEROFILL, S_GB_ZEROFILL, S_THREAD_LOCAL_ZEROFILL: no bytes in the file."""


@dataclass(slots=True, kw_only=True)
class Image:
    """One slice while it is read: its bytes, its load commands, and what went wrong so far."""

    content: memoryview
    order: str
    bits: int
    header: Any
    commands: list[Any]
    problems: list[str] = field(default_factory=list)

    def having(self, *numbers: int) -> Iterator[Any]:
        """The bodies of the load commands with one of these numbers."""
        return (body for head, body, _rest in self.commands if head.cmd in numbers)

    def table(self, offset: int, size: int) -> memoryview:
        """A table of __LINKEDIT, or as much of it as the slice has; `check_reach` says what is missing."""
        return self.content[offset : offset + size]

    def copy(self, offset: int, size: int) -> bytes:
        """A table as bytes, in which one can search."""
        if size > MAX_TABLE:
            self.problems.append(f"a table of {size} bytes stands at byte {offset}; {MAX_TABLE} are read")
        return bytes(self.table(offset, min(size, MAX_TABLE)))


class _LoadCommands(MachOHeader):  # type: ignore[misc] # macholib has no types
    """macholib's header and load commands; what it read before it failed stays in `commands`."""

    failure: Exception | None = None

    def load(self, stream: BytesIO) -> None:
        try:
            super().load(stream)
        except Exception as error:  # noqa: BLE001 -- what was read before the failure is kept
            self.failure = error


def open_image(content: memoryview, problems: list[str]) -> Image | None:
    """The header and the load commands, or None where there is no header."""
    magic = bytes(content[:4])
    if magic not in _HEADERS:
        problems.append(f"it starts with {magic.hex(' ')}, which no Mach-O file does")
        return None
    order, bits, structure = _HEADERS[magic]
    header_size = 28 if bits == 32 else 32
    if len(content) < header_size:
        problems.append(f"its header has {len(content)} of {header_size} bytes")
        return None
    command_count, command_bytes = struct.unpack_from(order + "II", content, 16)
    end = header_size + command_bytes
    if end > len(content):
        problems.append(f"the load commands reach to byte {end}, behind the end ({len(content)} bytes)")
    if command_bytes > MAX_COMMAND_BYTES:
        problems.append(f"the load commands have {command_bytes} bytes; {MAX_COMMAND_BYTES} are read")
        end = header_size + MAX_COMMAND_BYTES
    # macholib puts a window of the given size around the stream and fails where a section starts outside of it;
    # its contents do not matter here, so the window is as wide as can be.
    stream = BytesIO(bytes(content[:end]))
    loaded = _LoadCommands(None, stream, 0, 1 << 62, magic, structure, order, allow_unknown_load_commands=True)
    if loaded.failure is not None and len(content) >= end:
        problems.append(f"load command {len(loaded.commands) + 1} of {command_count} cannot be read: {loaded.failure}")
    return Image(
        content=content,
        order=order,
        bits=bits,
        header=loaded.header,
        commands=loaded.commands,
        problems=problems,
    )


def _command_string(body: Any, rest: bytes, offset: int) -> str:
    """An `lc_str`: its offset counts from the start of the load command, `rest` is what follows the body."""
    start = offset - 8 - body._size_
    return text(c_string(rest, start)) if start >= 0 else ""


def libraries(image: Image) -> tuple[tuple[Needed, ...], str | None]:
    """The needed libraries in load order, which two-level ordinals count by, and the image's own install name."""
    needed: list[Needed] = []
    identity: str | None = None
    for head, body, rest in image.commands:
        if head.cmd in _NEEDED_KINDS:
            kind = _used_as(body, rest, image.order) or _NEEDED_KINDS[head.cmd]
            needed.append(Needed(name=_command_string(body, rest, body.name), kind=kind))
        elif head.cmd == mach_o.LC_ID_DYLIB:
            identity = _command_string(body, rest, body.name)
    return tuple(needed), identity


def _used_as(body: Any, rest: bytes, order: str) -> NeededKind | None:
    """What the flags of a `dylib_use_command` say (macOS 15); None for a `dylib_command`.

    It has a marker in the place of the timestamp, and the flags behind all that both have. Where several flags are
    set, whether the library may be absent says most about it.
    """
    if body.timestamp != _DYLIB_USE_MARKER or len(rest) < 4:
        return None
    (flags,) = struct.unpack_from(order + "I", rest)
    return next((kind for flag, kind in _DYLIB_USE_KINDS.items() if flags & flag), NeededKind.NORMAL)


def search_paths(image: Image) -> tuple[SearchPath, ...]:
    """LC_RPATH, in order."""
    return tuple(
        SearchPath(path=_command_string(body, rest, body.path))
        for head, body, rest in image.commands
        if head.cmd == mach_o.LC_RPATH
    )


def uuid(image: Image) -> str | None:
    """LC_UUID, spelled as Apple's tools spell it."""
    for body in image.having(mach_o.LC_UUID):
        digits = bytes(body.uuid).hex().upper()
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
    return None


def minimum_os(image: Image, cpu_type: int) -> MinimumOS | None:
    """LC_BUILD_VERSION, before macOS 10.14 LC_VERSION_MIN_*.

    An image for macOS and Mac Catalyst at once has a command for each; macOS is what a wheel is for.
    """
    built = [
        MinimumOS(
            platform=_PLATFORMS.get(body.platform, f"platform-{body.platform}"),
            version=_version(body.minos),
            sdk=_version(body.sdk) if body.sdk else None,
        )
        for body in image.having(mach_o.LC_BUILD_VERSION)
    ]
    if built:
        return next((minimum for minimum in built if minimum.platform == "macos"), built[0])
    for head, body, _rest in image.commands:
        platform = _VERSION_MIN_PLATFORMS.get(head.cmd)
        if platform is None:
            continue
        if platform != "macos" and cpu_type in INTEL:
            platform += "simulator"  # No such device ever had an Intel processor.
        return MinimumOS(
            platform=platform, version=_version(body.version), sdk=_version(body.sdk) if body.sdk else None
        )
    return None


def _version(packed: int) -> tuple[int, int, int]:
    """A version packed as xxxx.yy.zz."""
    return packed >> 16, packed >> 8 & 0xFF, packed & 0xFF


def check_reach(image: Image) -> None:
    """One problem where the file ends before what the load commands describe: it names what reaches furthest."""
    name, end = max(_extents(image), key=lambda extent: extent[1], default=("", 0))
    if end > len(image.content):
        image.problems.append(f"{name} reaches to byte {end}, behind the end ({len(image.content)} bytes)")


def _extents(image: Image) -> Iterator[tuple[str, int]]:
    """What the load commands place in the file, and the first byte behind it."""
    for head, body, rest in image.commands:
        match head.cmd:
            case mach_o.LC_SEGMENT | mach_o.LC_SEGMENT_64:
                yield f"segment {_fixed_text(body.segname)}", body.fileoff + body.filesize
                # The sections of a debug companion keep the places that they had in the linked image.
                for section in rest if image.header.filetype != _MH_DSYM else ():
                    if section.flags & 0xFF not in _ZERO_FILLED_SECTIONS:
                        yield f"section {_fixed_text(section.sectname)}", section.offset + section.size
            case mach_o.LC_SYMTAB:
                yield "the symbol table", body.symoff + body.nsyms * (16 if image.bits == 64 else 12)
                yield "the string table", body.stroff + body.strsize
            case mach_o.LC_DYLD_INFO | mach_o.LC_DYLD_INFO_ONLY:
                yield "the bind opcodes", body.bind_off + body.bind_size
                yield "the weak-bind opcodes", body.weak_bind_off + body.weak_bind_size
                yield "the lazy-bind opcodes", body.lazy_bind_off + body.lazy_bind_size
                yield "the export trie", body.export_off + body.export_size
            case mach_o.LC_DYLD_CHAINED_FIXUPS:
                yield "the chained fixups", body.dataoff + body.datasize
            case mach_o.LC_DYLD_EXPORTS_TRIE:
                yield "the export trie", body.dataoff + body.datasize
            case mach_o.LC_CODE_SIGNATURE:
                yield "the code signature", body.dataoff + body.datasize
            case _:
                pass


def _fixed_text(name: bytes) -> str:
    """A name in a field of 16 bytes."""
    return text(c_string(bytes(name), 0))
