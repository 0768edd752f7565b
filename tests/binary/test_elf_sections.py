"""The ELF reader: what the section table may not change, and files that have little but sections."""

from __future__ import annotations

import struct
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from msgspec import structs

from auditor.binary import elf_sections
from auditor.facts.binary import FileKind
from tests.binary.elf_files import SMALL, SOURCE, gcc, patched, program_header, read, whole, without_sections
from tests.builders.elf import build_elf

if TYPE_CHECKING:
    from pathlib import Path

# --- What the section table may not change


def test_no_section_table(library: bytes) -> None:
    """A file without section headers gives the same facts but for the sections themselves."""
    part, detail = whole(library)
    bare, bare_detail = whole(without_sections(library))
    assert not bare_detail.section_headers
    assert bare_detail.debug_size == 0
    restored = structs.replace(bare_detail, section_headers=True, debug_size=detail.debug_size)
    assert structs.replace(bare, detail=restored) == part


@pytest.mark.parametrize(
    ("layout", "offset", "values"),
    [
        ("<Q", 40, (2**63,)),
        ("<Q", 40, (0,)),
        ("<HHH", 58, (64, 65535, 65535)),
        ("<HHH", 58, (3, 5, 5)),
        ("<HHH", 58, (64, 0, 0)),
    ],
    ids=["far", "none", "many", "narrow", "uncounted"],
)
def test_damaged_section_table(layout: str, offset: int, values: tuple[int, ...]) -> None:
    """A section table that is nonsense is taken as absent, and is no problem: nothing loads by it."""
    part, detail = whole(patched(build_elf(SMALL), layout, offset, *values))
    assert not detail.section_headers
    assert [one.symbol for one in part.imports] == ["memcpy"]


def test_extended_section_numbers() -> None:
    """With e_shnum 0 and e_shstrndx 0xffff, the first section header has the numbers (gABI, e_shnum)."""
    content = build_elf(
        replace(SMALL, extra_sections={".debug_info": b"12345", ".zdebug_line": b"12", ".comment": b"1"})
    )
    assert whole(content)[1].debug_size == 7
    start, count, names = struct.unpack_from("<Q", content, 40)[0], *struct.unpack_from("<HH", content, 60)
    content = patched(patched(content, "<HH", 60, 0, 0xFFFF), "<Q", start + 32, count)
    _, detail = whole(patched(content, "<I", start + 40, names))
    assert (detail.section_headers, detail.debug_size) == (True, 7)
    _, nameless = whole(patched(content, "<I", start + 40, count))
    assert (nameless.section_headers, nameless.debug_size) == (True, 0)


def test_more_sections_than_the_ceiling(monkeypatch: pytest.MonkeyPatch) -> None:
    """Section headers past the ceiling are not looked at."""
    monkeypatch.setattr(elf_sections, "MAX_SECTIONS", 3)
    assert not whole(build_elf(SMALL))[1].section_headers


def test_dynamic_section_is_where_it_is_mapped() -> None:
    """The loader finds the dynamic section by p_vaddr; what p_offset and p_filesz say of it changes nothing."""
    content = build_elf(SMALL)
    lying = patched(patched(content, "<Q", program_header(content, 2) + 8, 7), "<Q", program_header(content, 2) + 32, 0)
    part, _ = whole(lying)
    assert part.imports == whole(content)[0].imports


# --- Files without a dynamic section, and debug companions


def test_object_file(tmp_path: Path) -> None:
    """A relocatable file has no segments and no problems."""
    part, detail = whole(gcc(tmp_path, SOURCE, "-c", "-g", name="demo.o"))
    assert part.kind is FileKind.OBJECT
    assert (detail.segments, detail.dynamic) == ((), False)
    assert detail.debug_size > 0


@pytest.mark.parametrize(
    ("options", "kind", "dynamic", "interpreted"),
    [
        (["-static"], FileKind.EXECUTABLE, False, False),
        (["-static-pie"], FileKind.EXECUTABLE, True, False),
        (["-pie"], FileKind.EXECUTABLE, True, True),
        (["-no-pie"], FileKind.EXECUTABLE, True, True),
    ],
    ids=["static", "static-pie", "pie", "no-pie"],
)
def test_executables(tmp_path: Path, options: list[str], kind: FileKind, dynamic: bool, interpreted: bool) -> None:
    """Executables of every make are executables, a static one without a dynamic section."""
    content = gcc(tmp_path, "int main(void) { return 0; }", "-fPIE" if "pie" in options[0] else "-O1", *options)
    part, detail = whole(content)
    assert (part.kind, detail.dynamic, detail.interpreter is not None) == (kind, dynamic, interpreted)
    assert (part.needed == ()) is not interpreted


@pytest.mark.parametrize("options", [["-shared", "-fPIC"], ["-static"]], ids=["shared", "static"])
def test_debug_companion_of_objcopy(tmp_path: Path, options: list[str]) -> None:
    """What `objcopy --only-keep-debug` leaves is no malformed library: it is the debugging half of one."""
    main = "int main(void) { return 0; }"
    gcc(tmp_path, main, "-g", "-Wl,--build-id", *options, name="demo")
    companion = tmp_path / "demo.debug"
    subprocess.run(["objcopy", "--only-keep-debug", tmp_path / "demo", companion], check=True)
    part, detail = whole(companion.read_bytes())
    assert part.kind is FileKind.OTHER
    assert (part.needed, part.imports, part.exports) == ((), (), ())
    assert detail.debug_size > 0
    assert detail.build_id


def hollow(content: bytes) -> bytes:
    """As `eu-strip -f` does it: the code marked SHT_NOBITS, its program headers kept, its content gone."""
    start, size, count = struct.unpack_from("<Q", content, 40)[0], *struct.unpack_from("<HH", content, 58)
    for at in range(start, start + size * count, size):
        kind, flags = struct.unpack_from("<IQ", content, at + 4)
        if kind == 1 and flags & 4:
            content = patched(content, "<I", at + 4, 8)
    return content


def test_debug_companion_of_elfutils(library: bytes) -> None:
    """A companion whose program headers are the library's own is known by its code that has no bytes."""
    offset = struct.unpack_from("<Q", library, program_header(library, 2) + 8)[0]
    broken = patched(library, "<QQQQ", offset, 0x6FFFFFFB, 0, 0, 0)
    assert read(broken).problems == ("the dynamic section has no DT_STRTAB and no DT_SYMTAB",)
    part, detail = whole(hollow(broken))
    assert (part.kind, detail.dynamic) == (FileKind.OTHER, True)


def test_a_lying_section_table_hides_nothing(library: bytes) -> None:
    """Sections that claim to have no bytes change nothing in a file that the loader would take."""
    assert whole(hollow(library)) == whole(library)
    reaching = patched(library, "<Q", program_header(library, 1, 3) + 32, 2**40)
    assert read(hollow(reaching)).problems == read(reaching).problems != ()
