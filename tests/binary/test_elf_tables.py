"""The ELF reader: how many symbols there are, and tables that are broken, too long or in odd places."""

from __future__ import annotations

import io
import struct
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from elftools.elf.elffile import ELFFile

from auditor.binary import elf_tables
from auditor.facts.binary import Import
from tests.binary.elf_files import RICH, SMALL, gcc, patched, read, table_offset, whole
from tests.builders.elf import ElfExport, build_elf

if TYPE_CHECKING:
    from pathlib import Path

# --- Counting symbols


@pytest.mark.parametrize("linker_options", [[], ["-Wl,-z,now"]])
def test_empty_gnu_hash(tmp_path: Path, linker_options: list[str]) -> None:
    """A library that defines nothing has an empty GNU hash table; its imports are found by their relocations."""
    source = "extern int one(int); extern int two(int);\n"
    source += (
        "static int quiet(int x) { return one(x) + two(x); }\nstatic int (*used)(int) __attribute__((used)) = quiet;"
    )
    options = ["-shared", "-fPIC", "-nostdlib", "-Wl,--hash-style=gnu", *linker_options]
    part, _ = whole(gcc(tmp_path, source, *options))
    assert {one.symbol for one in part.imports} == {"one", "two"}
    assert part.exports == ()


@pytest.mark.parametrize("machine", ["x86_64", "i386", "s390x"])
def test_no_hash_table(machine: str) -> None:
    """Without a hash table the relocations tell how many symbols there are."""
    spec = replace(RICH, machine=machine, exports=(), hash_style="none")
    part, _ = whole(build_elf(spec))
    assert [one.symbol for one in part.imports] == [one.symbol for one in RICH.imports]


def test_neither_hash_table_nor_relocations() -> None:
    """Where nothing else tells, the symbols are taken to end where the strings begin."""
    part, _ = whole(build_elf(replace(RICH, machine="none", bits=64, hash_style="none")))
    assert len(part.imports) + len(part.exports) == 7


def test_the_larger_hash_table_counts() -> None:
    """A DT_HASH that counts too few symbols hides none from the GNU hash table's count."""
    content = build_elf(replace(SMALL, hash_style="both"))
    section = ELFFile(io.BytesIO(content)).get_section_by_name(".hash")
    part, _ = whole(patched(content, "<I", section["sh_offset"] + 4, 1))
    assert len(part.imports) + len(part.exports) == 2


def test_jump_slots_are_relocations(tmp_path: Path) -> None:
    """Imports that only the procedure linkage table refers to are counted as well (DT_JMPREL)."""
    source = ".section .text\n call zero@PLT\n call one@PLT\n"
    content = gcc(tmp_path, source, "-shared", "-nostdlib", "-Wl,--hash-style=gnu", suffix="s")
    assert {one.symbol for one in whole(content)[0].imports} == {"zero", "one"}


def test_endless_gnu_hash_chain(monkeypatch: pytest.MonkeyPatch) -> None:
    """A GNU hash chain without its end mark stops where its segment does, or at the ceiling."""
    content = build_elf(replace(SMALL, hash_style="gnu", rodata=bytes(4096)))
    load = next(at for at in range(64, 64 + 56 * content[56], 56) if content[at] == 1)
    memory_size = struct.unpack_from("<Q", content, load + 40)[0]
    content = patched(content, "<Q", load + 40, memory_size + 1)  # what follows in its last page is zeroed
    chain = table_offset(content, ".gnu.hash") + 16 + 8 + 4
    endless = bytearray(content)
    for at in range(chain, table_offset(content, ".dynamic"), 4):
        endless[at] &= 0xFE
    problems = read(bytes(endless)).problems
    assert any(one.startswith("the GNU hash table has no end: its last chain leaves the file") for one in problems)
    far = patched(content, "<I", chain - 4, 0x0100_0000)
    assert read(far).problems[0] == ("the symbol table has 16777216 rows; those after the first 1000000 were not read")
    monkeypatch.setattr(elf_tables, "MAX_SYMBOLS", 1 << 30)
    assert read(far).problems[0].endswith("its last chain leaves the file at symbol 16777216")


# --- Symbols, names and versions


@pytest.mark.parametrize(
    ("tag", "value", "problem"),
    [
        (10, 9999, "the string table should have 9999 bytes, of which "),
        (5, 0x7000_0000, "the string table should have "),
        (10, 2, "names could not be read: they start behind the end of the string table (2 bytes), "),
        (6, 0x7000_0000, "the symbol table should have 3 rows, of which 0 lie in the file"),
        (4, 0x7000_0000, "the hash table at address 0x70000000 lies outside the file"),
        (0x6FFFFEF5, 0x7000_0000, "the GNU hash table at address 0x70000000 lies outside the file"),
        (0x6FFFFFF0, 0x7000_0000, "the 3 symbols have version indexes of which 0 lie in the file"),
        (0x6FFFFFFE, 0x7000_0000, "a version need record lies 0 bytes into a table of 0 bytes"),
        (0x6FFFFFFC, 0x7000_0000, "a version definition record lies 0 bytes into a table of 0 bytes"),
        (0x6FFFFFFE, 0, "a version need record has revision 17791, and ld.so knows revision 1 only"),
        (0x6FFFFFFC, 0, "a version definition record has revision 17791, and ld.so knows revision 1 only"),
        (1, 9999, "1 names could not be read: they start behind the end of the string table"),
    ],
)
def test_broken_tables(tag: int, value: int, problem: str) -> None:
    """A table that is not where its tag says becomes a problem that quotes the numbers; the rest is read."""
    binary = read(build_elf(replace(SMALL, extra_dynamic=((tag, value),))))
    assert any(problem in one for one in binary.problems), binary.problems
    assert binary.slices[0].arch == "x86_64"


def test_unknown_version_index() -> None:
    """A version index that no record has is reported once for all symbols, and the symbols are kept."""
    content = build_elf(RICH)
    versions = table_offset(content, ".gnu.version")
    binary = read(patched(content, "<3H", versions + 2, 77, 0x8000 | 77, 78))
    assert binary.problems == ("3 symbols have a version index that no version record has (77, 78)",)
    assert binary.slices[0].imports[0] == Import(symbol="memcpy")


def test_import_of_an_own_version() -> None:
    """An import may carry a version that the file defines itself; no library is bound to it."""
    content = build_elf(RICH)
    part, _ = whole(patched(content, "<H", table_offset(content, ".gnu.version") + 2, 2))
    assert part.imports[0] == Import(symbol="memcpy", version="DEMO_2")


def test_local_hidden_and_nameless_symbols() -> None:
    """Local symbols, hidden definitions and symbols without a name are neither imports nor exports."""
    content = build_elf(
        replace(SMALL, exports=tuple(ElfExport(symbol=name) for name in ("one", "two", "three", "four")))
    )
    rows = table_offset(content, ".dynsym")
    content = patched(content, "<IBB", rows + 2 * 24, 0, 0x12, 0)
    content = patched(content, "<BB", rows + 3 * 24 + 4, 0x02, 0)
    content = patched(content, "<BB", rows + 4 * 24 + 4, 0xA2, 0x62)
    part, _ = whole(content)
    assert [one.symbol for one in part.exports] == ["four"]
    part, _ = whole(patched(content, "<BB", rows + 4 * 24 + 4, 0xA2, 0x63))
    assert [one.symbol for one in part.exports] == ["three", "four"]


def test_empty_names_are_left_out() -> None:
    """A name that starts at another's end is empty, and an empty name names nothing."""
    content = build_elf(SMALL)
    rows, strings = table_offset(content, ".dynsym"), table_offset(content, ".dynstr")
    part, _ = whole(patched(content, "<I", rows + 24, content.index(b"\0", strings + 1) - strings))
    assert part.imports == ()


def test_names_cannot_multiply(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many symbols that share one long name may not take more memory than the string table warrants."""
    content = build_elf(
        replace(SMALL, exports=(ElfExport(symbol="x" * 3000), *(ElfExport(symbol=f"s{n}") for n in range(9))))
    )
    rows = table_offset(content, ".dynsym")
    long = struct.unpack_from("<I", content, rows + 2 * 24)[0]
    for number in range(3, 12):
        content = patched(content, "<I", rows + number * 24, long)
    monkeypatch.setattr(elf_tables, "MAX_NAME_LENGTH", 4096)
    binary = read(content)
    assert "names could not be read" in binary.problems[0]
    assert len(binary.slices[0].exports) == 3


# --- Where tables lie


def test_a_table_in_the_last_page_of_a_segment_is_there() -> None:
    """Whole pages are mapped: a segment that ends too early still brings its last page, unless that is zeroed."""
    content = build_elf(SMALL)
    loads = [at for at in range(64, 64 + 56 * content[56], 56) if content[at] == 1]
    offset, size = (struct.unpack_from("<Q", content, loads[-1] + place)[0] for place in (8, 32))
    dynamic = table_offset(content, ".dynamic")
    assert offset <= dynamic < offset + size
    short = content
    for place in (32, 40):
        short = patched(short, "<Q", loads[-1] + place, dynamic - offset + 8)
    assert read(short).slices[0].needed == read(content).slices[0].needed != ()
    zeroed = patched(short, "<Q", loads[-1] + 40, size + 4096)
    assert read(zeroed).problems


def test_a_table_that_runs_on_into_the_next_segment() -> None:
    """Segments that continue each other in memory and in the file are one place, as they are for the loader."""
    content = build_elf(SMALL)
    loads = [at for at in range(64, 64 + 56 * content[56], 56) if content[at] == 1]
    offset, address, size = (struct.unpack_from("<Q", content, loads[-1] + place)[0] for place in (8, 16, 32))
    middle = table_offset(content, ".dynamic") + 32
    # The first segment's place is taken by the second half of the last one, whose own size is cut to the first half.
    split = content
    first = middle - offset
    for place, value in ((32, first), (40, first)):
        split = patched(split, "<Q", loads[-1] + place, value)
    stack = next(at for at in range(64, 64 + 56 * content[56], 56) if content[at : at + 4] == b"\x51\xe5\x74\x64")
    for place, value in ((8, middle), (16, address + first), (32, size - first), (40, size - first)):
        split = patched(split, "<Q", stack + place, value)
    split = patched(split, "<I", stack, 1)
    assert read(split).slices[0].needed == read(content).slices[0].needed != ()
