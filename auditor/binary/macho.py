"""Mach-O: macholib for the header and the load commands, `macho_symbols` for what a slice binds and exports.

macholib is given the load commands alone, from memory: it would otherwise read the content of every section, and
give up at the first one that lies behind the end of the file. Universal files are taken apart here, so that one
broken slice does not hide the others.

Sources: <mach-o/loader.h>, <mach-o/fat.h>, <mach/machine.h>.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING, Any

from macholib import mach_o
from macholib.MachO import MachOHeader

from auditor.binary.macho_symbols import (
    MAX_TABLE,
    SymbolTable,
    c_string,
    imports_of,
    merge_weak_bindings,
    read_bind_opcodes,
    read_chained_bindings,
    read_export_trie,
    text,
)
from auditor.facts.binary import (
    Binary,
    BinaryFormat,
    FileKind,
    MachODetail,
    MinimumOS,
    Needed,
    NeededKind,
    SearchPath,
    Slice,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from auditor.binary.macho_symbols import Binding
    from auditor.facts.binary import Export, Import

MAX_SLICES = 16
"""Slices of a universal file. Apple ever had ten architectures; it bounds the cost of a header that lists more."""
MAX_COMMAND_BYTES = 1 << 18
"""Bytes of load commands of a slice. The most in the corpus are 4,200; macholib takes up to 0.4 s for this many."""

_FAT_ROWS = {b"\xca\xfe\xba\xbe": struct.Struct(">IIIII"), b"\xca\xfe\xba\xbf": struct.Struct(">IIQQII")}
"""The first bytes of a universal file and its `fat_arch`: always big-endian."""

_ARCHIVE_MAGIC = b"!<arch>\n"

_HEADERS = {
    b"\xfe\xed\xfa\xce": (">", 32, mach_o.mach_header),
    b"\xce\xfa\xed\xfe": ("<", 32, mach_o.mach_header),
    b"\xfe\xed\xfa\xcf": (">", 64, mach_o.mach_header_64),
    b"\xcf\xfa\xed\xfe": ("<", 64, mach_o.mach_header_64),
}
"""By magic: byte order, bits, and macholib's header."""

_CPU_TYPE_I386 = 7
_CPU_TYPE_X86_64 = 0x01000007
_CPU_TYPE_ARM64 = 0x0100000C
_MACHINES = {
    _CPU_TYPE_I386: ("CPU_TYPE_I386", "i386"),
    _CPU_TYPE_X86_64: ("CPU_TYPE_X86_64", "x86_64"),
    12: ("CPU_TYPE_ARM", None),
    _CPU_TYPE_ARM64: ("CPU_TYPE_ARM64", "arm64"),
    0x0200000C: ("CPU_TYPE_ARM64_32", None),
    18: ("CPU_TYPE_POWERPC", "ppc"),
    0x01000012: ("CPU_TYPE_POWERPC64", "ppc64"),
}
"""By CPU type: its name in <mach/machine.h>, and what platform tags call it."""
_SUBTYPE_ARCHITECTURES = {(_CPU_TYPE_X86_64, 8): "x86_64h", (_CPU_TYPE_ARM64, 2): "arm64e"}
"""Subtypes that only some processors or processes load, and that no tag names: they keep a name of their own."""
_SUBTYPE_MASK = 0x00FFFFFF
"""CPU_SUBTYPE_MASK: the high byte holds capabilities."""

_KINDS = {1: FileKind.OBJECT, 2: FileKind.EXECUTABLE, 6: FileKind.SHARED_LIBRARY, 8: FileKind.BUNDLE}
"""MH_OBJECT, MH_EXECUTE, MH_DYLIB, MH_BUNDLE."""
_MH_DSYM = 10
_MH_TWOLEVEL = 0x80

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


def read_macho(member: str, content: memoryview) -> Binary:
    """The facts of a Mach-O file, one slice an architecture.

    A slice that is a static archive is no slice: nothing loads it. Where all of them are, the result has neither
    slices nor problems, which no other file has.
    """
    problems: list[str] = []
    if bytes(content[:4]) in _FAT_ROWS:
        slices = _read_universal(content, problems)
    else:
        slices = [_read_slice(content, 0, fat=False, problems=problems)]
    read = tuple(slice_ for slice_ in slices if slice_ is not None)
    return Binary(member=member, format=BinaryFormat.MACHO, slices=read, problems=tuple(dict.fromkeys(problems)))


def _read_universal(content: memoryview, problems: list[str]) -> list[Slice | None]:
    slices: list[Slice | None] = []
    taken: list[range] = []
    for cpu_type, cpu_subtype, offset, size in _fat_slices(content, problems):
        arch = _architecture(cpu_type, cpu_subtype) or f"CPU type {cpu_type:#x}"
        end = offset + size
        if end > len(content):
            problems.append(
                f"the slice for {arch} reaches to byte {end}, behind the end of the file ({len(content)} bytes)"
            )
        slice_content = content[offset:end]
        if not slice_content:
            problems.append(f"the slice for {arch} has no bytes in the file")
            continue
        # Slices that share bytes would make the cost of a small file grow with their number.
        if any(offset < other.stop and other.start < end for other in taken):
            problems.append(f"the slice for {arch} at byte {offset} overlaps another one")
            continue
        taken.append(range(offset, end))
        if bytes(slice_content[:8]) != _ARCHIVE_MAGIC:
            own_problems: list[str] = []
            slices.append(_read_slice(slice_content, offset, fat=True, problems=own_problems))
            problems += [f"in the slice for {arch}: {problem}" for problem in own_problems]
    return slices


def _fat_slices(content: memoryview, problems: list[str]) -> Iterator[tuple[int, int, int, int]]:
    """CPU type, CPU subtype, offset and size of each slice of a universal file (`fat_header`, `fat_arch`)."""
    row = _FAT_ROWS[bytes(content[:4])]
    count = int.from_bytes(content[4:8], "big")
    there = max(0, len(content) - 8) // row.size
    if not count:
        problems.append("the universal header lists no slices")
    if count > there:
        problems.append(f"the universal header lists {count} slices and has room for {there}")
    if count > MAX_SLICES:
        problems.append(f"the universal header lists {count} slices; {MAX_SLICES} are read")
    for index in range(min(count, there, MAX_SLICES)):
        cpu_type, cpu_subtype, offset, size, *_ = row.unpack_from(content, 8 + index * row.size)
        yield cpu_type, cpu_subtype, offset, size


def _architecture(cpu_type: int, cpu_subtype: int) -> str | None:
    own_name = _SUBTYPE_ARCHITECTURES.get((cpu_type, cpu_subtype & _SUBTYPE_MASK))
    return own_name or _MACHINES.get(cpu_type, ("", None))[1]


# -- one slice ----------------------------------------------------------------------------------------------------


@dataclass(slots=True, kw_only=True)
class _Image:
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
        """A table of __LINKEDIT, or as much of it as the slice has; `_check_reach` says what is missing."""
        return self.content[offset : offset + size]

    def copy(self, offset: int, size: int) -> bytes:
        """A table as bytes, in which one can search."""
        if size > MAX_TABLE:
            self.problems.append(f"a table of {size} bytes stands at byte {offset}; {MAX_TABLE} are read")
        return bytes(self.table(offset, min(size, MAX_TABLE)))


def _read_slice(content: memoryview, offset: int, *, fat: bool, problems: list[str]) -> Slice | None:
    image = _open_image(content, problems)
    if image is None:
        return None
    header = image.header
    cpu_type, cpu_subtype = header.cputype & 0xFFFFFFFF, header.cpusubtype & 0xFFFFFFFF
    needed, identity = _libraries(image)
    _check_reach(image)
    libraries = [library.name for library in needed]
    return Slice(
        arch=_architecture(cpu_type, cpu_subtype),
        machine=_MACHINES.get(cpu_type, (f"CPU_TYPE_{cpu_type:#x}",))[0],
        bits=image.bits,
        little_endian=image.order == "<",
        kind=_KINDS.get(header.filetype, FileKind.OTHER),
        needed=needed,
        search_paths=_search_paths(image),
        identity=identity,
        imports=_imports(image, libraries, identity),
        exports=_exports(image),
        minimum_os=_minimum_os(image, cpu_type),
        detail=MachODetail(
            cpu_type=cpu_type,
            cpu_subtype=cpu_subtype,
            file_type=int(header.filetype),
            flags=int(header.flags),
            offset=offset,
            size=len(content),
            fat=fat,
            uuid=_uuid(image),
            signed=any(True for _ in image.having(mach_o.LC_CODE_SIGNATURE)),
        ),
    )


class _LoadCommands(MachOHeader):  # type: ignore[misc] # macholib has no types
    """macholib's header and load commands; what it read before it failed stays in `commands`."""

    failure: Exception | None = None

    def load(self, stream: BytesIO) -> None:
        try:
            super().load(stream)
        except Exception as error:  # noqa: BLE001 -- what was read before the failure is kept
            self.failure = error


def _open_image(content: memoryview, problems: list[str]) -> _Image | None:
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
    return _Image(
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


def _libraries(image: _Image) -> tuple[tuple[Needed, ...], str | None]:
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


def _search_paths(image: _Image) -> tuple[SearchPath, ...]:
    return tuple(
        SearchPath(path=_command_string(body, rest, body.path))
        for head, body, rest in image.commands
        if head.cmd == mach_o.LC_RPATH
    )


def _uuid(image: _Image) -> str | None:
    """LC_UUID, spelled as Apple's tools spell it."""
    for body in image.having(mach_o.LC_UUID):
        digits = bytes(body.uuid).hex().upper()
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
    return None


def _minimum_os(image: _Image, cpu_type: int) -> MinimumOS | None:
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
        if platform != "macos" and cpu_type in {_CPU_TYPE_I386, _CPU_TYPE_X86_64}:
            platform += "simulator"  # No such device ever had an Intel processor.
        return MinimumOS(
            platform=platform, version=_version(body.version), sdk=_version(body.sdk) if body.sdk else None
        )
    return None


def _version(packed: int) -> tuple[int, int, int]:
    """A version packed as xxxx.yy.zz."""
    return packed >> 16, packed >> 8 & 0xFF, packed & 0xFF


def _check_reach(image: _Image) -> None:
    """One problem where the file ends before what the load commands describe: it names what reaches furthest."""
    name, end = max(_extents(image), key=lambda extent: extent[1], default=("", 0))
    if end > len(image.content):
        image.problems.append(f"{name} reaches to byte {end}, behind the end ({len(image.content)} bytes)")


def _extents(image: _Image) -> Iterator[tuple[str, int]]:
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


# -- symbols ------------------------------------------------------------------------------------------------------


def _imports(image: _Image, libraries: list[str], identity: str | None) -> tuple[Import, ...]:
    """What dyld binds: by chained fixups, else by opcodes, else by the undefined symbols."""
    bindings: Mapping[Binding, None] | Iterator[Binding] = {}
    for body in image.having(mach_o.LC_DYLD_CHAINED_FIXUPS):
        bindings = read_chained_bindings(image.table(body.dataoff, body.datasize), image.order, image.problems)
        break
    else:
        for body in image.having(mach_o.LC_DYLD_INFO, mach_o.LC_DYLD_INFO_ONLY):
            bindings = _opcode_bindings(image, body)
            break
        else:
            two_level = bool(image.header.flags & _MH_TWOLEVEL)
            for symbols in _symbol_tables(image):
                bindings = symbols.bindings(two_level=two_level)
    return imports_of(bindings, libraries, identity, image.problems)


def _opcode_bindings(image: _Image, body: Any) -> Iterator[Binding]:
    bound, lazy, coalesced = (
        read_bind_opcodes(image.copy(offset, size), kind=kind, problems=image.problems)
        for kind, offset, size in (
            ("bind", body.bind_off, body.bind_size),
            ("lazy-bind", body.lazy_bind_off, body.lazy_bind_size),
            ("weak-bind", body.weak_bind_off, body.weak_bind_size),
        )
    )
    return merge_weak_bindings({**bound, **lazy}, coalesced)


def _exports(image: _Image) -> tuple[Export, ...]:
    """The export trie; the symbol table only where no command names a trie, which is how dyld decides too."""
    for body in image.having(mach_o.LC_DYLD_EXPORTS_TRIE):
        return read_export_trie(image.copy(body.dataoff, body.datasize), image.problems)
    for body in image.having(mach_o.LC_DYLD_INFO, mach_o.LC_DYLD_INFO_ONLY):
        return read_export_trie(image.copy(body.export_off, body.export_size), image.problems)
    for symbols in _symbol_tables(image):
        return symbols.exports()
    return ()


def _symbol_tables(image: _Image) -> Iterator[SymbolTable]:
    """The symbol table; dyld knows no more than one."""
    for body in image.having(mach_o.LC_SYMTAB):
        yield SymbolTable(
            image.table(body.symoff, body.nsyms * (16 if image.bits == 64 else 12)),
            image.table(body.stroff, body.strsize),
            order=image.order,
            bits=image.bits,
            problems=image.problems,
        )
        return
