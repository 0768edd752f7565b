"""What a Mach-O file is to be: the specification, what follows from its processor, and where everything lies."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

from tests.builders._override import either
from tests.builders.macho_linkedit import FLAT_LOOKUP_ORDINAL, Bound, MachoExport, MachoImport
from tests.builders.macho_signing import MachoSignature

MachoCpu = Literal["x86_64", "x86_64h", "arm64", "arm64e", "i386", "armv7"]
LibraryKind = Literal["load", "weak", "reexport", "lazy", "upward"]

CPUS: Final = {
    "x86_64": (0x01000007, 3),
    "x86_64h": (0x01000007, 8),
    "arm64": (0x0100000C, 0),
    "arm64e": (0x0100000C, 0x80000002),
    "i386": (7, 3),
    "armv7": (12, 9),
}
FILE_TYPES: Final = {"execute": 2, "dylib": 6, "bundle": 8}
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
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
    def of(cls, spec: MachoSpec) -> Frame:
        """What the specification leaves to the processor is filled in."""
        cpu = CPUS[spec.cpu] if isinstance(spec.cpu, str) else spec.cpu
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
        zero = ["__PAGEZERO"] if number_of(FILE_TYPES, self.spec.file_type) == 2 else []
        return [*zero, "__TEXT", *(["__DATA"] if self.bound else []), "__LINKEDIT"]

    @property
    def base(self) -> int:
        """The address of the Mach-O header."""
        if "__PAGEZERO" not in self.segment_names:
            return 0
        return 1 << 32 if self.word == 8 else 0x4000


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
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


def _ordinal(spec: MachoSpec, library: str | int | None) -> int:
    """The library ordinal: libraries count from 1 in the order of their commands."""
    match library:
        case None:
            return FLAT_LOOKUP_ORDINAL
        case int():
            return library
        case str():
            return 1 + [each.name for each in spec.libraries].index(library)


def number_of(table: dict[str, int], name: str | int) -> int:
    """A number as it is, a name by the table."""
    return name if isinstance(name, int) else table[name]


def round_up(size: int, unit: int) -> int:
    """The next multiple of `unit`."""
    return -(-size // unit) * unit
