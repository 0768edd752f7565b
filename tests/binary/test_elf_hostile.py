"""The ELF reader: broken headers, ceilings, and bytes that mean harm cost little and give a reason."""

from __future__ import annotations

import struct
import time
import tracemalloc
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.binary import elf_dynamic, elf_notes, elf_segments, elf_tables, read_binary
from auditor.binary.elf import read_elf
from auditor.facts.archive import ContentKind
from auditor.facts.binary import Binary, BinaryFormat, MinimumOS, Needed
from tests.binary.elf_files import RICH, SMALL, gcc, patched, program_header, read, table_offset, whole
from tests.builders.elf import ElfExport, build_elf

if TYPE_CHECKING:
    from pathlib import Path

# --- Problems of headers, segments and notes


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "the file header is cut off: the file has 0 bytes"),
        (b"\x7fELF\3" + bytes(60), "the file class is 3, neither 1 (32 bits) nor 2 (64 bits)"),
        (b"\x7fELF\1\7" + bytes(60), "the byte order is 7, neither 1 (little endian) nor 2 (big endian)"),
        (b"\x7fELF\2\1" + bytes(57), "the file header is cut off: the file has 63 bytes of 64"),
        (b"\x7fELF\1\1" + bytes(40), "the file header is cut off: the file has 46 bytes of 52"),
    ],
)
def test_no_header(content: bytes, problem: str) -> None:
    """A file whose header cannot be read has no slice and one problem."""
    assert read(content) == Binary(member="demo.so", format=BinaryFormat.ELF, slices=(), problems=(problem,))


@pytest.mark.parametrize(
    ("layout", "offset", "values", "problem"),
    [
        ("<B", 6, (9,), "the ELF version in e_ident is 9, and the only one is 1"),
        ("<I", 20, (0,), "the ELF version in e_version is 0, and the only one is 1"),
        ("<H", 54, (40,), "the program headers have 40 bytes each, where 56 are due"),
        ("<H", 56, (0,), "there is no segment to load (PT_LOAD)"),
        ("<H", 56, (0xFFFF,), "there are 65535 program headers; those after the first 1170 were not read"),
        ("<H", 56, (900,), "the program headers take bytes 64 to 50464, and the file ends at "),
        ("<Q", 32, (2**62,), "the program headers take bytes 4611686018427387904 to "),
    ],
)
def test_broken_headers(layout: str, offset: int, values: tuple[int, ...], problem: str) -> None:
    """A header that the loader refuses, or that hides the segments, is a problem."""
    problems = read(patched(build_elf(SMALL), layout, offset, *values)).problems
    assert any(one.startswith(problem) for one in problems), problems


def test_misplaced_segments() -> None:
    """Segments that cannot be mapped are named with their numbers; the dynamic section, where it should have been."""
    content = build_elf(SMALL)
    load, dynamic = program_header(content, 1), program_header(content, 2)
    size = len(content)
    assert f"it has {size} bytes, and {2**40} are due" in read(patched(content, "<Q", load + 32, 2**40)).problems[0]
    assert read(patched(content, "<Q", load + 16, 8)).problems[0] == (
        "a segment cannot be mapped: its address 0x8 and its offset 0x0 differ modulo its alignment 0x1000"
    )
    nowhere = patched(content, "<Q", dynamic + 16, 2**40)
    assert read(nowhere).problems == (
        "the dynamic section lies at address 0x10000000000, of which no segment to load has bytes",
    )
    assert read(patched(nowhere, "<Q", dynamic + 8, 10**6)).problems == (
        f"the dynamic section lies at offset 1000000, behind the end of the file ({size} bytes)",
    )


def test_dynamic_section_without_end() -> None:
    """A dynamic section that runs to the end of its segment is a problem, and what it says before is kept."""
    content = build_elf(replace(SMALL, imports=(), exports=(ElfExport(symbol="one"),)))
    at = program_header(content, 1, 1) + 32
    shorter = patched(content, "<Q", at, struct.unpack_from("<Q", content, at)[0] - 16)
    binary = read(shorter)
    assert len(binary.problems) == 1
    assert "has no end (DT_NULL) before its segment ends" in binary.problems[0]
    assert binary.slices[0].needed == (Needed(name="libc.so.6"),)


def test_malformed_notes() -> None:
    """A note that ld.so passes over is none; one that only we cannot read is a problem, and of nothing else."""
    content = build_elf(replace(SMALL, android_api=21))
    note = table_offset(content, ".note.android.ident")
    for place, length in ((note, 0xFFFF_FFF0), (note + 4, 4000)):
        part, _ = whole(patched(content, "<I", place, length))
        assert part.minimum_os is None
    binary = read(patched(content, "<I", note, 4))
    assert [one.startswith(f"the notes at offset {note} are malformed: ") for one in binary.problems] == [True]
    assert binary.slices[0].imports
    padded = whole(patched(content, "<I", note + 4, 130))[0]
    assert padded.minimum_os == MinimumOS(platform="android", version=(21,))
    far = patched(content, "<QQ", program_header(content, 4) + 8, 2**40, 2**40)
    assert read(far).slices[0].minimum_os is None


# --- Ceilings


@pytest.mark.parametrize(
    ("module", "name", "ceiling", "problem"),
    [
        (elf_segments, "MAX_SEGMENTS", 4, "there are 6 program headers; those after the first 4 were not read"),
        (elf_dynamic, "MAX_DYNAMIC_ENTRIES", 9, "the dynamic section has more than 9 entries; the rest was not read"),
        (elf_dynamic, "MAX_NEEDED", 1, "2 libraries are needed; those after the first 1 were not read"),
        (elf_dynamic, "MAX_SEARCH_PATHS", 2, "there are 4 search paths; those after the first 2 were left out"),
        (elf_notes, "MAX_NOTES_SIZE", 8, "the notes take more than 8 bytes; those from offset "),
        (elf_tables, "MAX_SYMBOLS", 2, "the symbol table has 8 rows; those after the first 2 were not read"),
        (elf_tables, "MAX_HASH_BUCKETS", 0, "the GNU hash table should have 1 buckets, of which 0 were read"),
        (elf_tables, "MAX_VERSION_RECORDS", 3, "there are more than 3 version records; the rest was not read"),
        (elf_tables, "MAX_NAME_LENGTH", 6, "names could not be read: they start behind the end of the string table"),
        (elf_tables, "MAX_STRING_TABLE", 40, "; those after the first 40 were not read"),
    ],
)
def test_ceilings(monkeypatch: pytest.MonkeyPatch, module: object, name: str, ceiling: int, problem: str) -> None:
    """Reaching a ceiling is said."""
    content = build_elf(replace(RICH, x86_isa_needed=1))
    assert read(content).problems == ()
    monkeypatch.setattr(module, name, ceiling)
    problems = read(content).problems
    assert any(problem in one for one in problems), problems


# --- Hostile bytes, time and memory


def test_truncation(library: bytes) -> None:
    """Cut at any 64th byte, a library gives a problem as long as a byte is missing that is loaded; never an error."""
    _, detail = whole(library)
    end = max(one.offset + one.file_size for one in detail.segments if one.type == 1)
    for size in range(0, len(library), 64):
        binary = read_binary("demo.so", memoryview(library[:size]), ContentKind.ELF)
        assert bool(binary.problems) is (size < end), size


@pytest.mark.parametrize("machine", ["i386", "s390x"])
def test_truncation_at_every_byte(machine: str) -> None:
    """The same holds at every single byte of the smallest files."""
    content = build_elf(replace(RICH, machine=machine, section_headers=False))
    for size in range(len(content)):
        assert read(content[:size]).problems, size


FUZZED = {
    machine: build_elf(replace(RICH, machine=machine, x86_isa_needed=1)) for machine in ("x86_64", "i386", "ppc64")
}


@settings(max_examples=400, deadline=2000)
@given(
    machine=st.sampled_from(sorted(FUZZED)),
    changes=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), min_size=1, max_size=20),
)
def test_changed_bytes(machine: str, changes: list[tuple[int, int]]) -> None:
    """Any changed bytes give facts, in short time, and nothing is raised."""
    content = bytearray(FUZZED[machine])
    for offset, value in changes:
        content[offset % len(content)] = value
    content[:4] = b"\x7fELF"
    assert read(bytes(content)).member == "demo.so"


def test_garbage() -> None:
    """A file header with anything behind it gives facts or problems."""
    for fill in (0, 1, 0x41, 0xFF):
        for start in (b"\x7fELF\2\1\1", b"\x7fELF\1\2\1", b"\x7fELF\2\2\1"):
            assert read(start + bytes([fill]) * 5000).format is BinaryFormat.ELF


def test_time_is_linear_in_the_symbols(tmp_path: Path) -> None:
    """40,000 symbols take far less than the second allowed here (30 ms where it was measured)."""
    count = 40_000
    lines = (f".globl some_rather_long_name_{n}\n.set some_rather_long_name_{n}, {n + 1}\n" for n in range(count))
    content = gcc(tmp_path, "".join(lines), "-shared", "-nostdlib", suffix="s")
    start = time.process_time()
    part, _ = whole(content)
    assert len(part.exports) >= count
    assert time.process_time() - start < 1


def test_memory_stays_small() -> None:
    """The file is never copied: what reading takes has nothing to do with its size."""
    content = bytearray(build_elf(SMALL)) + bytes(64 << 20)
    tracemalloc.start()
    try:
        read_elf("demo.so", memoryview(content))
        assert tracemalloc.get_traced_memory()[1] < 2 << 20
    finally:
        tracemalloc.stop()
