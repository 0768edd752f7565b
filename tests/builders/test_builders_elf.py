"""The ELF builder against pyelftools, lief and the loader of the host."""

from __future__ import annotations

import ctypes
import io
import os
import platform
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import lief
import pytest
from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerDefSection, GNUVerNeedSection

from tests.builders.elf import ElfExport, ElfImport, ElfSpec, ElfVersionNeed, build_elf, replace
from tests.builders.elf_machines import MACHINES

if TYPE_CHECKING:
    from pathlib import Path

EXPORT = ElfExport(symbol="PyInit_demo")
MEMCPY = ElfImport(symbol="memcpy", library="libc.so.6", version="GLIBC_2.14")
LOADABLE = ElfSpec(needed=("libc.so.6",), imports=(MEMCPY,), exports=(EXPORT,))
RICH = ElfSpec(
    needed=("libc.so.6", "libm.so.6"),
    soname="libdemo.so.1",
    rpath="$ORIGIN/../demo.libs",
    runpath="$ORIGIN",
    imports=(
        MEMCPY,
        ElfImport(symbol="stat", library="libc.so.6", version="GLIBC_2.33", weak=True),
        ElfImport(symbol="exp", library="libm.so.6", version="GLIBC_2.29", version_weak=True),
        ElfImport(symbol="PyModule_Create2"),
    ),
    exports=(
        EXPORT,
        ElfExport(symbol="demo_new", version="DEMO_2"),
        ElfExport(symbol="demo_new", version="DEMO_1", hidden=True),
    ),
    version_needs=(ElfVersionNeed(library="libc.so.6", version="GLIBC_2.36", weak=True),),
)

linux_x86_64 = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64" or platform.libc_ver()[0] != "glibc",
    reason="the loader of glibc on x86_64 is asked",
)


def parsed(spec: ElfSpec) -> ELFFile:
    """The file as pyelftools reads it."""
    return ELFFile(io.BytesIO(build_elf(spec)))


def dynamic(elf: ELFFile) -> DynamicSegment:
    """The dynamic section, found through the program headers."""
    (segment,) = (each for each in elf.iter_segments() if isinstance(each, DynamicSegment))
    return segment


def tags(elf: ELFFile) -> dict[str, list[object]]:
    """The dynamic entries by tag, those that name a string as that string."""
    values: dict[str, list[object]] = {}
    for tag in dynamic(elf).iter_tags():
        text = next((getattr(tag, key) for key in ("needed", "soname", "rpath", "runpath") if hasattr(tag, key)), None)
        values.setdefault(tag.entry.d_tag, []).append(tag.entry.d_val if text is None else text)
    return values


def lief_parsed(spec: ElfSpec) -> lief.ELF.Binary:
    """The file as lief reads it."""
    binary = lief.parse(build_elf(spec))
    assert isinstance(binary, lief.ELF.Binary)
    return binary


def load(spec: ElfSpec, directory: Path) -> ctypes.CDLL:
    """Hand the file to the loader of the host, which binds every symbol at once."""
    path = directory / "demo.so"
    path.write_bytes(build_elf(spec))
    return ctypes.CDLL(str(path), mode=os.RTLD_NOW)


@linux_x86_64
@pytest.mark.parametrize(
    "spec",
    [
        ElfSpec(exports=(EXPORT,)),
        LOADABLE,
        replace(LOADABLE, section_headers=False),
        replace(LOADABLE, hash_style="sysv"),
        replace(LOADABLE, hash_style="gnu"),
        replace(LOADABLE, page=0x10000),
        replace(LOADABLE, x86_isa_needed=1),
        replace(LOADABLE, android_api=24),
        replace(LOADABLE, textrel=True),
        replace(LOADABLE, interp="/lib64/ld-linux-x86-64.so.2"),
        replace(LOADABLE, soname="libdemo.so", rpath="$ORIGIN", runpath="$ORIGIN", rodata=b"pyo3-0.22.0"),
        replace(LOADABLE, extra_sections={".comment": b"rustc"}),
        replace(LOADABLE, imports=(MEMCPY, ElfImport(symbol="no_such_function", weak=True))),
        replace(LOADABLE, exports=(EXPORT, ElfExport(symbol="demo_new", version="DEMO_1"))),
        replace(LOADABLE, version_needs=(ElfVersionNeed(library="libc.so.6", version="GLIBC_9.9", weak=True),)),
    ],
)
def test_the_loader_takes_it(spec: ElfSpec, tmp_path: Path) -> None:
    """A shared object without a planted fault loads with RTLD_NOW, and its code runs."""
    assert load(spec, tmp_path).PyInit_demo() == 0


@linux_x86_64
@pytest.mark.parametrize(
    ("spec", "complaint"),
    [
        (replace(LOADABLE, imports=(ElfImport(symbol="no_such_function"),)), "undefined symbol: no_such_function"),
        (replace(LOADABLE, needed=("libnone.so.1",)), "libnone.so.1: cannot open shared object file"),
        (
            replace(LOADABLE, imports=(replace(MEMCPY, version="GLIBC_9.9"),)),
            "version `GLIBC_9.9' not found",
        ),
        (replace(LOADABLE, relr=True), "DT_RELR without GLIBC_ABI_DT_RELR dependency"),
        (replace(LOADABLE, machine="aarch64"), "cannot open shared object file"),
        (replace(LOADABLE, bits=32), "wrong ELF class: ELFCLASS32"),
    ],
)
def test_the_loader_refuses_a_planted_fault(spec: ElfSpec, complaint: str, tmp_path: Path) -> None:
    """The loader reads the planted fault as the test means it."""
    if spec.relr and tuple(map(int, platform.libc_ver()[1].split("."))) < (2, 36):
        pytest.skip("glibc below 2.36 does not know DT_RELR")
    with pytest.raises(OSError, match=re.escape(complaint)):
        load(spec, tmp_path)


@linux_x86_64
def test_the_loader_aborts_where_a_version_names_a_library_that_nobody_loaded(tmp_path: Path) -> None:
    """A version need of a library that is not among the needed ones ends the process, not only the load."""
    need = ElfVersionNeed(library="libnone.so.1", version="NONE_1")
    path = tmp_path / "demo.so"
    path.write_bytes(build_elf(replace(LOADABLE, version_needs=(need,))))
    program = f"import ctypes; ctypes.CDLL({str(path)!r})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "Inconsistency detected by ld.so" in done.stderr


@linux_x86_64
def test_relr_loads_with_the_version_it_asks_for(tmp_path: Path) -> None:
    """DT_RELR is well-formed: glibc applies it once the version need is there."""
    if tuple(map(int, platform.libc_ver()[1].split("."))) < (2, 36):
        pytest.skip("glibc below 2.36 does not know DT_RELR")
    need = ElfVersionNeed(library="libc.so.6", version="GLIBC_ABI_DT_RELR")
    assert load(replace(LOADABLE, relr=True, version_needs=(need,)), tmp_path).PyInit_demo() == 0


@pytest.mark.parametrize("section_headers", [True, False])
@pytest.mark.parametrize("machine", sorted(MACHINES))
def test_every_machine_reads_the_same(machine: str, section_headers: bool) -> None:
    """Class, byte order, dynamic strings and symbols read alike on each machine, with section headers or not."""
    elf = parsed(replace(RICH, machine=machine, section_headers=section_headers))
    known = MACHINES[machine]
    assert (elf.elfclass, elf.little_endian) == (known.bits, known.order == "little")
    assert elf.header.e_flags == known.flags
    assert elf.num_sections() == (0 if not section_headers else elf.header.e_shnum)
    names = tags(elf)
    assert names["DT_NEEDED"] == ["libc.so.6", "libm.so.6"]
    assert (names["DT_SONAME"], names["DT_RPATH"], names["DT_RUNPATH"]) == (
        ["libdemo.so.1"],
        ["$ORIGIN/../demo.libs"],
        ["$ORIGIN"],
    )
    symbols = [symbol.name for symbol in dynamic(elf).iter_symbols()]
    assert symbols == ["", "memcpy", "stat", "exp", "PyModule_Create2", "PyInit_demo", "demo_new", "demo_new"]


@pytest.mark.parametrize("machine", sorted(set(MACHINES) - {"none"}))
def test_lief_agrees_on_symbol_versions(machine: str) -> None:
    """lief, which reads through the dynamic section, sees each symbol with its version."""
    # lief takes the eight-byte DT_HASH entries of s390x for four-byte ones, so it is shown DT_GNU_HASH alone.
    binary = lief_parsed(replace(RICH, machine=machine, section_headers=False, hash_style="gnu"))
    versions = {}
    for symbol in binary.dynamic_symbols:
        version = symbol.symbol_version
        auxiliary = version.symbol_version_auxiliary if version is not None else None
        versions[symbol.name, symbol.shndx == 0] = auxiliary.name if auxiliary else None
    assert versions["memcpy", True] == "GLIBC_2.14"
    assert versions["exp", True] == "GLIBC_2.29"
    assert versions["PyModule_Create2", True] is None
    assert versions["PyInit_demo", False] is None
    assert versions["demo_new", False] == "DEMO_1"


def test_version_sections_read_back() -> None:
    """Needed and defined versions are what was asked, with their weak flags."""
    elf = parsed(RICH)
    (need,) = (each for each in elf.iter_sections() if isinstance(each, GNUVerNeedSection))
    needed = {
        (library.name, version.name, version.entry.vna_flags)
        for library, versions in need.iter_versions()
        for version in versions
    }
    assert needed == {
        ("libc.so.6", "GLIBC_2.14", 0),
        ("libc.so.6", "GLIBC_2.33", 0),
        ("libc.so.6", "GLIBC_2.36", 2),
        ("libm.so.6", "GLIBC_2.29", 2),
    }
    (defined,) = (each for each in elf.iter_sections() if isinstance(each, GNUVerDefSection))
    assert [next(names).name for _, names in defined.iter_versions()] == ["libdemo.so.1", "DEMO_2", "DEMO_1"]


def test_hash_tables_find_the_exports() -> None:
    """Both hash tables lead to the exports, and neither to a name that is not there."""
    elf = parsed(RICH)
    for name in (".hash", ".gnu.hash"):
        table = elf.get_section_by_name(name)
        assert table.get_symbol("PyInit_demo").name == "PyInit_demo"
        assert table.get_symbol("nothing") is None


@pytest.mark.parametrize(("style", "expected"), [("sysv", {".hash"}), ("gnu", {".gnu.hash"}), ("none", set())])
def test_hash_style(style: str, expected: set[str]) -> None:
    """Only the hash tables that were asked for are there."""
    spec = {"sysv": replace(RICH, hash_style="sysv"), "gnu": replace(RICH, hash_style="gnu")}
    elf = parsed(spec.get(style, replace(RICH, hash_style="none")))
    assert {section.name for section in elf.iter_sections()} & {".hash", ".gnu.hash"} == expected


@pytest.mark.parametrize(
    ("spec", "flags"),
    [(RICH, [6]), (replace(RICH, stack="rwx"), [7]), (replace(RICH, stack="absent"), [])],
)
def test_stack(spec: ElfSpec, flags: list[int]) -> None:
    """PT_GNU_STACK has the flags that were asked for, or is absent."""
    headers = [segment.header for segment in parsed(spec).iter_segments()]
    assert [each.p_flags for each in headers if each.p_type == "PT_GNU_STACK"] == flags


def test_loaded_segments_keep_write_and_execute_apart_until_told_otherwise() -> None:
    """One segment is executable, one is writable, and `writable_code` makes the first one both."""
    for spec, flags in ((RICH, [5, 6]), (replace(RICH, writable_code=True), [7, 6])):
        loads = [each.header for each in parsed(spec).iter_segments() if each.header.p_type == "PT_LOAD"]
        assert [load.p_flags for load in loads] == flags
        assert all((load.p_vaddr - load.p_offset) % load.p_align == 0 for load in loads)


def test_page_alignment_and_machine_numbers_can_be_chosen() -> None:
    """Alignment, class, byte order, flags and a bare machine number are written as given."""
    elf = parsed(replace(RICH, machine=0x1234, bits=32, order="big", e_flags=9, page=0x4000))
    assert (elf.header.e_machine, elf.elfclass, elf.little_endian, elf.header.e_flags) == (0x1234, 32, False, 9)
    assert {s.header.p_align for s in elf.iter_segments() if s.header.p_type == "PT_LOAD"} == {0x4000}


@pytest.mark.parametrize("machine", ["x86_64", "i386"])
def test_isa_note(machine: str) -> None:
    """The property note says which x86-64 level is needed."""
    elf = parsed(replace(RICH, machine=machine, x86_isa_needed=0b111))
    (note,) = elf.get_section_by_name(".note.gnu.property").iter_notes()
    (prop,) = note["n_desc"]
    assert (note["n_type"], prop.pr_type, prop.pr_data) == (
        "NT_GNU_PROPERTY_TYPE_0",
        "GNU_PROPERTY_X86_ISA_1_NEEDED",
        0b111,
    ) or (prop.pr_type, prop.pr_data) == (0xC0008002, 0b111)
    kinds = {segment.header.p_type for segment in elf.iter_segments()}
    assert {"PT_NOTE", "PT_GNU_PROPERTY"} <= kinds


def test_android_note() -> None:
    """The Android note says its API level to lief."""
    binary = lief_parsed(replace(RICH, machine="aarch64", android_api=24))
    (note,) = (each for each in binary.notes if isinstance(each, lief.ELF.AndroidIdent))
    assert note.sdk_version == 24


def test_interpreter_textrel_relr_and_extra_tags() -> None:
    """PT_INTERP, text relocations, DT_RELR and bare dynamic entries read back."""
    elf = parsed(replace(RICH, interp="/lib/ld.so", textrel=True, relr=True, extra_dynamic=((0x6FFFFFFB, 1),)))
    (interp,) = (segment for segment in elf.iter_segments() if segment.header.p_type == "PT_INTERP")
    assert interp.get_interp_name() == "/lib/ld.so"
    names = tags(elf)
    assert {"DT_TEXTREL", "DT_FLAGS", "DT_RELR", "DT_RELRSZ", "DT_RELRENT"} <= set(names)
    assert names["DT_FLAGS_1"] == [1]


def test_sections_that_are_not_loaded() -> None:
    """Extra sections are in the file and in no segment, and loaded strings are in one."""
    elf = parsed(replace(RICH, extra_sections={".debug_info": b"x" * 40}, rodata=b"/home/ci"))
    assert elf.get_section_by_name(".debug_info").data() == b"x" * 40
    section = elf.get_section_by_name(".rodata")
    load = next(iter(each for each in elf.iter_segments() if each.header.p_type == "PT_LOAD"))
    assert load.section_in_segment(section)


def test_a_version_without_a_library_cannot_be_written() -> None:
    """The builder refuses what the format has no place for."""
    with pytest.raises(ValueError, match="has the version `V1` of no library"):
        build_elf(ElfSpec(imports=(ElfImport(symbol="f", version="V1"),)))
