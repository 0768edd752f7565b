"""Shared by the tests of the ELF reader: files of the builder and of gcc, and their facts."""

from __future__ import annotations

import io
import shutil
import struct
import subprocess
from typing import TYPE_CHECKING

from elftools.elf.elffile import ELFFile

from auditor.binary.elf import read_elf
from auditor.facts.binary import Binary, BinaryFormat, ElfDetail, Slice
from tests.builders.elf import ElfExport, ElfImport, ElfSpec, ElfVersionNeed

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = """
#include <math.h>
#include <stdio.h>
extern int from_nowhere(int);
extern int perhaps(void) __attribute__((weak));
__asm__(".symver old_area, area@DEMO_1");
__asm__(".symver new_area, area@@DEMO_2");
int old_area(int side) { return side; }
int new_area(int side) { return puts("x") + (int)pow(side, from_nowhere(2)) + (perhaps ? perhaps() : 0); }
int guarded __attribute__((visibility("protected"))) = 3;
int inside __attribute__((visibility("hidden"))) = 4;
int soft(void) __attribute__((weak));
int soft(void) { return inside; }
"""
VERSION_SCRIPT = "DEMO_1 { global: soft; }; DEMO_2 { global: area; guarded; local: *; } DEMO_1;"
LINK = ["-lm", "-Wl,-soname,libdemo.so.1", "-Wl,-rpath,$ORIGIN:/opt/demo", "-Wl,--enable-new-dtags", "-Wl,--build-id"]

MEMCPY = ElfImport(symbol="memcpy", library="libc.so.6", version="GLIBC_2.14")
RICH = ElfSpec(
    needed=("libc.so.6", "libm.so.6"),
    soname="libdemo.so.1",
    rpath="$ORIGIN/../demo.libs::/opt",
    runpath="$ORIGIN",
    imports=(
        MEMCPY,
        ElfImport(symbol="stat", library="libc.so.6", version="GLIBC_2.33", weak=True),
        ElfImport(symbol="exp", library="libm.so.6", version="GLIBC_2.29", version_weak=True),
        ElfImport(symbol="PyModule_Create2"),
    ),
    exports=(
        ElfExport(symbol="PyInit_demo"),
        ElfExport(symbol="demo_new", version="DEMO_2"),
        ElfExport(symbol="demo_new", version="DEMO_1", hidden=True, weak=True),
    ),
    version_needs=(ElfVersionNeed(library="libc.so.6", version="GLIBC_2.36", weak=True),),
)
SMALL = ElfSpec(needed=("libc.so.6",), imports=(MEMCPY,), exports=(ElfExport(symbol="PyInit_demo"),))


def read(content: bytes) -> Binary:
    """The facts, by way of the reader itself: what it raises, a test sees."""
    return read_elf("demo.so", memoryview(content))


def whole(content: bytes) -> tuple[Slice, ElfDetail]:
    """The one slice of a file that must be free of problems."""
    binary = read(content)
    assert binary.problems == ()
    assert binary.format is BinaryFormat.ELF
    (part,) = binary.slices
    assert isinstance(part.detail, ElfDetail)
    return part, part.detail


def patched(content: bytes, layout: str, offset: int, *values: int) -> bytes:
    """The file with other numbers at one offset."""
    changed = bytearray(content)
    struct.pack_into(layout, changed, offset, *values)
    return bytes(changed)


def without_sections(content: bytes) -> bytes:
    """A 64-bit little-endian file whose header knows of no section table."""
    return patched(patched(content, "<Q", 40, 0), "<HHH", 58, 0, 0, 0)


def program_header(content: bytes, kind: int, number: int = 0) -> int:
    """The offset of the program header of a type, in a 64-bit little-endian file."""
    start, count = struct.unpack_from("<Q", content, 32)[0], struct.unpack_from("<H", content, 56)[0]
    found = [at for at in range(start, start + 56 * count, 56) if struct.unpack_from("<I", content, at)[0] == kind]
    return found[number]


def gcc(directory: Path, source: str, *options: str, name: str = "libdemo.so", suffix: str = "c") -> bytes:
    """What gcc makes of a source. gcc is required: without it these tests prove nothing."""
    compiler = shutil.which("gcc")
    assert compiler, "gcc is required by the tests of the ELF reader"
    path = directory / f"{name}.{suffix}"
    path.write_text(source)
    subprocess.run([compiler, str(path), "-o", str(directory / name), *options], check=True, capture_output=True)
    return (directory / name).read_bytes()


def gcc_library(directory: Path, *options: str) -> bytes:
    """The library of `SOURCE`, with two symbol versions."""
    script = directory / "versions"
    script.write_text(VERSION_SCRIPT)
    return gcc(directory, SOURCE, "-shared", "-fPIC", f"-Wl,--version-script={script}", *LINK, *options)


def table_offset(content: bytes, name: str) -> int:
    """The file offset of a section."""
    offset = ELFFile(io.BytesIO(content)).get_section_by_name(name)["sh_offset"]
    assert isinstance(offset, int)
    return offset
