"""The ELF reader: what is in a file of every machine, and that pyelftools and lief read the same."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING

import lief
import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerDefSection, GNUVerNeedSection, GNUVerSymSection

from auditor.facts.binary import (
    Export,
    FileKind,
    Import,
    MinimumOS,
    Needed,
    NeededKind,
    SearchPath,
    SearchPathKind,
    VersionNeed,
)
from tests.binary.elf_files import RICH, SMALL, gcc_library, patched, whole
from tests.builders.elf import ElfExport, build_elf

if TYPE_CHECKING:
    from pathlib import Path

# --- What is in a file

EM_AND_NAMES = [
    ("x86_64", "EM_X86_64", 64, True, "x86_64"),
    ("i386", "EM_386", 32, True, "i686"),
    ("aarch64", "EM_AARCH64", 64, True, "aarch64"),
    ("arm", "EM_ARM", 32, True, "armv7l"),
    ("ppc64", "EM_PPC64", 64, False, "ppc64"),
    ("ppc64le", "EM_PPC64", 64, True, "ppc64le"),
    ("s390x", "EM_S390", 64, False, "s390x"),
    ("riscv", "EM_RISCV", 64, True, "riscv64"),
    ("loongarch", "EM_LOONGARCH", 64, True, "loongarch64"),
    ("none", "EM_NONE", 64, True, None),
    (0xBEEF, "EM_48879", 64, True, None),
]


@pytest.mark.parametrize(("machine", "name", "bits", "little_endian", "arch"), EM_AND_NAMES)
@pytest.mark.parametrize("hash_style", ["sysv", "gnu", "both"])
def test_all_facts_on_every_machine(
    machine: str | int, name: str, bits: int, little_endian: bool, arch: str | None, hash_style: str
) -> None:
    """Every machine's file, of either class and byte order, gives the same linkage under its own name."""
    part, detail = whole(build_elf(replace(RICH, machine=machine, hash_style=hash_style)))  # type: ignore[arg-type]
    assert (part.machine, part.bits, part.little_endian, part.arch) == (name, bits, little_endian, arch)
    assert part.kind is FileKind.SHARED_LIBRARY
    assert part.needed == (Needed(name="libc.so.6"), Needed(name="libm.so.6"))
    assert part.identity == "libdemo.so.1"
    assert part.search_paths == (
        SearchPath(path="$ORIGIN/../demo.libs"),
        SearchPath(path=""),
        SearchPath(path="/opt"),
        SearchPath(path="$ORIGIN", kind=SearchPathKind.RUNPATH),
    )
    assert part.imports == (
        Import(symbol="memcpy", library="libc.so.6", version="GLIBC_2.14"),
        Import(symbol="stat", library="libc.so.6", version="GLIBC_2.33", weak=True),
        Import(symbol="exp", library="libm.so.6", version="GLIBC_2.29"),
        Import(symbol="PyModule_Create2"),
    )
    assert part.exports == (
        Export(symbol="PyInit_demo"),
        Export(symbol="demo_new", version="DEMO_2"),
        Export(symbol="demo_new", version="DEMO_1", weak=True),
    )
    assert detail.version_definitions == ("DEMO_2", "DEMO_1")
    assert set(detail.version_needs) == {
        VersionNeed(library="libc.so.6", version="GLIBC_2.14"),
        VersionNeed(library="libc.so.6", version="GLIBC_2.33"),
        VersionNeed(library="libm.so.6", version="GLIBC_2.29", weak=True),
        VersionNeed(library="libc.so.6", version="GLIBC_2.36", weak=True),
    }
    assert (detail.type, detail.dynamic, detail.interpreter, detail.section_headers) == (3, True, None, True)
    assert part.minimum_os is None


@pytest.mark.parametrize(
    ("machine", "bits", "order"),
    [("x86_64", 32, "little"), ("aarch64", 32, "little"), ("arm", 32, "big"), ("s390x", 32, "big")],
)
def test_no_tag_names_these(machine: str, bits: int, order: str) -> None:
    """x32 and other classes or byte orders of a known machine are no architecture that a platform tag names."""
    part, _ = whole(build_elf(replace(SMALL, machine=machine, bits=bits, order=order)))  # type: ignore[arg-type]
    assert part.arch is None
    assert [one.symbol for one in part.exports] == ["PyInit_demo"]


def test_header_and_stack_and_relocations() -> None:
    """The header's flags, PT_GNU_STACK, DT_TEXTREL and DT_RELR arrive in the detail, each by itself."""
    _, plain = whole(build_elf(SMALL))
    assert (plain.executable_stack, plain.text_relocations, plain.relative_relocations) == (False, False, False)
    _, bad = whole(build_elf(replace(SMALL, stack="rwx", textrel=True, relr=True, e_flags=7, os_abi=3)))
    assert (bad.executable_stack, bad.text_relocations, bad.relative_relocations) == (True, True, True)
    assert (bad.flags, bad.os_abi) == (7, 3)
    _, silent = whole(build_elf(replace(SMALL, stack="absent", extra_dynamic=((30, 4),))))
    assert (silent.executable_stack, silent.text_relocations) == (None, True)
    _, android = whole(build_elf(replace(SMALL, extra_dynamic=((0x6FFFE000, 0),))))
    assert not android.relative_relocations


def test_notes() -> None:
    """The notes give the x86 ISA level that ld.so enforces, and Android's API level, also as the minimum system."""
    part, detail = whole(build_elf(replace(SMALL, x86_isa_needed=5)))
    assert (detail.x86_isa_needed, detail.android_api, part.minimum_os) == (5, None, None)
    used = build_elf(replace(SMALL, x86_isa_needed=5)).replace(b"\x02\x80\x00\xc0", b"\x02\x00\x01\xc0")
    assert whole(used)[1].x86_isa_needed == 0
    for machine in ("aarch64", "ppc64", "arm"):
        part, detail = whole(build_elf(replace(SMALL, machine=machine, android_api=24, x86_isa_needed=5)))
        assert (detail.x86_isa_needed, detail.android_api) == (0, 24)
        assert part.minimum_os == MinimumOS(platform="android", version=(24,))


def test_segments_and_interpreter() -> None:
    """Program headers are kept as they are, with numbers for the types, and PT_INTERP is read."""
    content = build_elf(replace(SMALL, interp="/lib64/ld-linux-x86-64.so.2", page=0x4000))
    _, detail = whole(content)
    oracle = ELFFile(io.BytesIO(content))
    assert [
        (one.flags, one.offset, one.address, one.file_size, one.memory_size, one.alignment) for one in detail.segments
    ] == [
        tuple(one[name] for name in ("p_flags", "p_offset", "p_vaddr", "p_filesz", "p_memsz", "p_align"))
        for one in oracle.iter_segments()
    ]
    assert [one.type for one in detail.segments] == [3, 1, 1, 2, 0x6474E551]
    assert detail.interpreter == "/lib64/ld-linux-x86-64.so.2"


def test_filters_are_needed_too() -> None:
    """DT_FILTER and DT_AUXILIARY name libraries, in the order of the dynamic section; strings need not be UTF-8."""
    content = build_elf(
        replace(SMALL, needed=("libc.so.6", "libX.so"), extra_dynamic=((0x7FFFFFFF, 1), (0x7FFFFFFD, 1)))
    )
    content = content.replace(b"libX.so\0", b"lib\xff.so\0")
    part, _ = whole(content)
    assert part.needed[:2] == (Needed(name="libc.so.6"), Needed(name="lib\\xff.so"))
    assert [one.kind for one in part.needed[2:]] == [NeededKind.FILTER] * 2


def test_utf8_names() -> None:
    """A symbol may have a name in UTF-8 (C and Rust allow it) beside names in ASCII."""
    part, _ = whole(build_elf(replace(SMALL, exports=(ElfExport(symbol="größe"), ElfExport(symbol="size")))))
    assert [one.symbol for one in part.exports] == ["größe", "size"]


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({}, FileKind.SHARED_LIBRARY),
        ({"file_type": 2}, FileKind.EXECUTABLE),
        ({"file_type": 4}, FileKind.OTHER),
        ({"file_type": 1}, FileKind.OBJECT),
        ({"extra_dynamic": ((0x6FFFFFFB, 0x08000000),)}, FileKind.EXECUTABLE),
        ({"interp": "/lib/ld.so"}, FileKind.EXECUTABLE),
        ({"interp": "/lib/ld.so", "soname": "libc.so.6"}, FileKind.SHARED_LIBRARY),
    ],
    ids=["shared", "static", "core", "object", "pie", "interpreter", "libc"],
)
def test_kinds(change: dict[str, object], kind: FileKind) -> None:
    """Executables are ET_EXEC, have DF_1_PIE, or have an interpreter and an entry but no SONAME (as libc.so.6 has)."""
    content = patched(build_elf(replace(SMALL, **change)), "<Q", 24, 0x1000)  # type: ignore[arg-type]
    part, _ = whole(content)
    assert part.kind is kind


def test_interpreter_without_entry() -> None:
    """A library that only carries an interpreter, without an entry point, is a library."""
    part, _ = whole(build_elf(replace(SMALL, interp="/lib/ld.so")))
    assert part.kind is FileKind.SHARED_LIBRARY


# --- Agreement with oracles


def oracle_facts(content: bytes) -> dict[str, object]:
    """The linkage as pyelftools reads it through the sections, in the manner of readelf."""
    file = ELFFile(io.BytesIO(content))
    dynamic = file.get_section_by_name(".dynamic")
    tags = list(dynamic.iter_tags())
    versions: dict[int, tuple[str | None, str]] = {}
    for section in file.iter_sections():
        if isinstance(section, GNUVerNeedSection):
            for library, auxiliaries in section.iter_versions():
                versions |= {one["vna_other"]: (library.name, one.name) for one in auxiliaries}
        elif isinstance(section, GNUVerDefSection):
            for definition, auxiliaries in section.iter_versions():
                if not definition["vd_flags"] & 1:
                    versions[definition["vd_ndx"]] = (None, next(auxiliaries).name)
    indexes = next(one for one in file.iter_sections() if isinstance(one, GNUVerSymSection))
    imports, exports = [], []
    for number, symbol in enumerate(file.get_section_by_name(".dynsym").iter_symbols()):
        if not symbol.name or symbol["st_info"]["bind"] == "STB_LOCAL":
            continue
        index = indexes.get_symbol(number)["ndx"]
        owner, version = versions.get(index & 0x7FFF, (None, None)) if isinstance(index, int) else (None, None)
        weak = symbol["st_info"]["bind"] == "STB_WEAK"
        if symbol["st_shndx"] == "SHN_UNDEF":
            imports.append(Import(symbol=symbol.name, library=owner, version=version, weak=weak))
        else:
            exports.append(Export(symbol=symbol.name, version=version, weak=weak))
    return {
        "needed": tuple(Needed(name=tag.needed) for tag in tags if tag.entry.d_tag == "DT_NEEDED"),
        "identity": next(tag.soname for tag in tags if tag.entry.d_tag == "DT_SONAME"),
        "imports": tuple(imports),
        "exports": tuple(exports),
    }


@pytest.mark.parametrize(
    "options",
    [[], ["-Wl,--hash-style=sysv"], ["-Wl,--hash-style=gnu"], ["-Wl,--hash-style=both", "-s"]],
    ids=["default", "sysv", "gnu", "both"],
)
def test_agrees_with_pyelftools(tmp_path: Path, options: list[str]) -> None:
    """Of a library that gcc builds, the facts are what pyelftools reads from its sections."""
    content = gcc_library(tmp_path, *options)
    part, detail = whole(content)
    assert {name: getattr(part, name) for name in ("needed", "identity", "imports", "exports")} == oracle_facts(content)
    assert {one.symbol: one.version for one in part.imports}["from_nowhere"] is None
    assert Import(symbol="perhaps", weak=True) in part.imports
    assert {(one.symbol, one.version, one.weak) for one in part.exports if one.symbol != one.version} == {
        ("area", "DEMO_1", False),
        ("area", "DEMO_2", False),
        ("guarded", "DEMO_2", False),
        ("soft", "DEMO_1", True),
    }
    assert detail.version_definitions == ("DEMO_1", "DEMO_2")


def test_agrees_with_lief(library: bytes) -> None:
    """Of a library that gcc builds, lief sees the same symbols, versions, libraries, paths and sizes."""
    part, detail = whole(library)
    oracle = lief.ELF.parse(list(library))
    assert oracle is not None
    soname = oracle.get(lief.ELF.DynamicEntry.TAG.SONAME)
    runpath = oracle.get(lief.ELF.DynamicEntry.TAG.RUNPATH)
    assert isinstance(soname, lief.ELF.DynamicSharedObject)
    assert isinstance(runpath, lief.ELF.DynamicEntryRunPath)
    assert [one.name for one in part.needed] == list(oracle.libraries)
    assert part.identity == soname.name
    assert ":".join(one.path for one in part.search_paths) == runpath.runpath
    assert {one.kind for one in part.search_paths} == {SearchPathKind.RUNPATH}
    named = [one for one in oracle.dynamic_symbols if one.name]
    assert [one.symbol for one in part.imports] == [one.name for one in named if one.shndx == 0]
    assert [one.symbol for one in part.exports] == [one.name for one in named if one.shndx != 0]
    assert {(one.library, one.version) for one in detail.version_needs} == {
        (need.name, one.name) for need in oracle.symbols_version_requirement for one in need.get_auxiliary_symbols()
    }
    sizes = [one.size for one in oracle.sections if str(one.name).startswith(".debug_")]
    assert detail.debug_size == sum(sizes) > 0
    assert detail.build_id is not None
    assert bytes.fromhex(detail.build_id) in library
