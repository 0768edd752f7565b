"""Bytes of one native file -> facts. A file is recognised by its first bytes, never by its suffix or a tag.

The containers are parsed by libraries (pyelftools, macholib, pefile) and by our own passes over hostile bytes;
`read_binary` is the one guard around all of them: whatever goes wrong below becomes a problem in the facts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.facts.archive import ContentKind
from auditor.facts.binary import Binary, BinaryFormat

if TYPE_CHECKING:
    from collections.abc import Callable

    Reader = Callable[[str, memoryview], Binary]

RECOGNISE_BYTES = 64
"""How many first bytes `recognise` wants to see."""

_MACHO_MAGICS = frozenset(
    {b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf", b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbf"}
)
_FAT_MAGIC = b"\xca\xfe\xba\xbe"
_JAVA_OLDEST_MAJOR = 45
"""A Java class file shares the universal magic; its next word holds a class-file version of 45 or more, where
a universal file holds its number of slices (<mach-o/fat.h>, JVM specification 4.1)."""


def recognise(start: bytes, size: int) -> ContentKind:
    """What kind of file begins with `start` (its first `RECOGNISE_BYTES` bytes, or all) and has `size` bytes."""
    if size == 0:
        return ContentKind.EMPTY
    if start.startswith(b"\x7fELF"):
        return ContentKind.ELF
    if start[:4] in _MACHO_MAGICS:
        return ContentKind.MACHO
    if start.startswith(_FAT_MAGIC) and len(start) >= 8 and start[4:7] == b"\0\0\0" and start[7] < _JAVA_OLDEST_MAJOR:
        return ContentKind.MACHO
    if start.startswith(b"MZ") and size >= 64:
        return ContentKind.PE
    if start.startswith((b"!<arch>\n", b"!<thin>\n")):
        return ContentKind.AR
    if start.startswith(b"\0asm"):
        return ContentKind.WASM
    return ContentKind.OTHER


def is_named_pe(name: str) -> bool:
    """Whether a file of that name is meant to be PE, whatever is in it."""
    return name.lower().endswith((".pyd", ".dll", ".exe"))


def has_pe_signature(content: memoryview) -> bool:
    """Whether the DOS header leads to a PE signature (PE format, MS-DOS stub: offset 0x3C)."""
    offset = int.from_bytes(content[0x3C:0x40], "little")
    return bytes(content[offset : offset + 4]) == b"PE\0\0"


def read_binary(member: str, content: memoryview, kind: ContentKind) -> Binary:
    """The facts of one native file.

    `content` is the whole file; `kind` is what `recognise` said of it and one of `NATIVE_KINDS`.
    Never raises for any bytes: a parser that fails leaves its reason in `Binary.problems`. What bytes cannot cause, a
    module or a name that is not there, is raised.
    """
    format_, reader = _reader(kind)
    try:
        return reader(member, content)
    except MemoryError:
        reason = "it asks for more memory than there is"
    except RecursionError:
        reason = "its structures refer to each other without end"
    except (ImportError, NameError):
        raise  # a slip of ours or a broken installation, whatever the bytes: it says nothing of the wheel
    except Exception as error:  # noqa: BLE001 -- hostile bytes make the parsers below raise anything
        reason = f"{type(error).__name__}: {error}".rstrip(". :")
    return Binary(member=member, format=format_, slices=(), problems=(reason,))


def _reader(kind: ContentKind) -> tuple[BinaryFormat, Reader]:
    """The reader of `kind`, imported only now: a wheel of one system never loads the parsers of the others."""
    if kind is ContentKind.ELF:
        from auditor.binary.elf import read_elf

        return BinaryFormat.ELF, read_elf
    if kind is ContentKind.MACHO:
        from auditor.binary.macho import read_macho

        return BinaryFormat.MACHO, read_macho
    if kind is ContentKind.PE:
        from auditor.binary.pe import read_pe

        return BinaryFormat.PE, read_pe
    raise ValueError(f"{kind} is no native kind")
