"""Universal Mach-O files: the slices that the header lists, and what the processors are called.

They are taken apart here, so that one broken slice does not hide the others.

Sources: <mach-o/fat.h>, <mach/machine.h>.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_SLICES = 16
"""Slices of a universal file. Apple ever had ten architectures; it bounds the cost of a header that lists more."""

_FAT_ROWS = {b"\xca\xfe\xba\xbe": struct.Struct(">IIIII"), b"\xca\xfe\xba\xbf": struct.Struct(">IIQQII")}
"""The first bytes of a universal file and its `fat_arch`: always big-endian."""

_ARCHIVE_MAGIC = b"!<arch>\n"

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

INTEL = frozenset({_CPU_TYPE_I386, _CPU_TYPE_X86_64})
"""The CPU types of Intel's processors."""


def is_universal(content: memoryview) -> bool:
    """Whether the file begins as a universal one does."""
    return bytes(content[:4]) in _FAT_ROWS


def universal_slices(content: memoryview, problems: list[str]) -> Iterator[tuple[str, int, memoryview]]:
    """The name of the architecture, the offset and the bytes of each slice that is no static archive.

    A slice that reaches behind the end of the file is cut there, one without bytes or over another one is left out;
    `problems` says so.
    """
    taken: list[range] = []
    for cpu_type, cpu_subtype, offset, size in _fat_slices(content, problems):
        arch = architecture(cpu_type, cpu_subtype) or f"CPU type {cpu_type:#x}"
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
            yield arch, offset, slice_content


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


def architecture(cpu_type: int, cpu_subtype: int) -> str | None:
    """What platform tags call the processor; None where no tag does."""
    own_name = _SUBTYPE_ARCHITECTURES.get((cpu_type, cpu_subtype & _SUBTYPE_MASK))
    return own_name or _MACHINES.get(cpu_type, ("", None))[1]


def machine_name(cpu_type: int) -> str:
    """The processor as <mach/machine.h> calls it."""
    return _MACHINES.get(cpu_type, (f"CPU_TYPE_{cpu_type:#x}",))[0]
