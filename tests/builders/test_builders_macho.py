"""The Mach-O builder against macholib and lief."""

from __future__ import annotations

import hashlib
import struct
from io import BytesIO
from typing import TYPE_CHECKING

import lief
import pytest
from macholib.mach_o import LC_LOAD_DYLIB, LC_LOAD_WEAK_DYLIB, LC_REEXPORT_DYLIB
from macholib.MachO import MachO

from tests.builders.macho import (
    EXECUTABLE_ORDINAL,
    LIBSYSTEM,
    MachoExport,
    MachoImport,
    MachoLibrary,
    MachoSpec,
    build_macho,
    build_universal,
    replace,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.builders.macho import MachoCpu

LIBCXX = MachoLibrary(name="/usr/lib/libc++.1.dylib", kind="weak", current_version="1600.157.1")
BUNDLED = MachoLibrary(name="@loader_path/.dylibs/libz.1.dylib", kind="reexport", compatibility_version="1.2.3")
RICH = MachoSpec(
    file_type="dylib",
    minos="11.2",
    sdk="14.5",
    identity=MachoLibrary(name="@rpath/libdemo.1.dylib", current_version="1.2.3", compatibility_version="1.0"),
    libraries=(LIBSYSTEM, LIBCXX, BUNDLED),
    rpaths=("@loader_path/.dylibs", "/opt/homebrew/lib"),
    imports=(
        MachoImport(symbol="_PyModule_Create2"),
        MachoImport(symbol="_memcpy", library="/usr/lib/libSystem.B.dylib"),
        MachoImport(symbol="__Znwm", library="/usr/lib/libc++.1.dylib", weak=True),
        MachoImport(symbol="_main_only", library=EXECUTABLE_ORDINAL),
    ),
    exports=(
        MachoExport(symbol="_PyInit_demo"),
        MachoExport(symbol="_PyInit_demo2"),
        MachoExport(symbol="_other", weak=True),
    ),
)
CPUS: list[MachoCpu] = ["x86_64", "arm64", "arm64e", "i386"]


def lief_parsed(content: bytes) -> lief.MachO.Binary:
    """The first slice as lief reads it."""
    fat = lief.MachO.parse(BytesIO(content))
    assert fat is not None
    binary = fat.at(0)
    assert binary is not None
    return binary


def macholib_parsed(content: bytes, directory: Path) -> MachO:
    """The file as macholib reads it."""
    path = directory / "demo.so"
    path.write_bytes(content)
    return MachO(str(path))


@pytest.mark.parametrize("fixups", ["opcodes", "chained", "absent"])
@pytest.mark.parametrize("cpu", CPUS)
def test_macholib_reads_the_commands(cpu: MachoCpu, fixups: str, tmp_path: Path) -> None:
    """Libraries, identity, search paths and platform read back on each processor, whatever the fixups."""
    specs = {
        "opcodes": replace(RICH, cpu=cpu),
        "chained": replace(RICH, cpu=cpu, fixups="chained"),
        "absent": replace(RICH, cpu=cpu, fixups="absent"),
    }
    (header,) = macholib_parsed(build_macho(specs[fixups]), tmp_path).headers
    loaded = [
        (command.cmd, body.rstrip(b"\0").decode())
        for command, _, body in header.commands
        if command.cmd in {LC_LOAD_DYLIB, LC_LOAD_WEAK_DYLIB, LC_REEXPORT_DYLIB}
    ]
    assert loaded == [
        (LC_LOAD_DYLIB, LIBSYSTEM.name),
        (LC_LOAD_WEAK_DYLIB, LIBCXX.name),
        (LC_REEXPORT_DYLIB, BUNDLED.name),
    ]
    assert header.filetype == "dylib"
    assert header.id_cmd is not None


@pytest.mark.parametrize("fixups", ["opcodes", "chained"])
@pytest.mark.parametrize("cpu", CPUS)
def test_lief_agrees(cpu: MachoCpu, fixups: str) -> None:
    """lief sees versions, paths, imports with their library and exports."""
    spec = replace(RICH, cpu=cpu, fixups="chained") if fixups == "chained" else replace(RICH, cpu=cpu)
    binary = lief_parsed(build_macho(spec))
    assert binary.build_version is not None
    assert binary.build_version.minos == [11, 2, 0]
    assert binary.build_version.sdk == [14, 5, 0]
    assert binary.build_version.platform == lief.MachO.BuildVersion.PLATFORMS.MACOS
    assert [each.path for each in binary.rpaths] == list(RICH.rpaths)
    identity = binary.get(lief.MachO.LoadCommand.TYPE.ID_DYLIB)
    assert isinstance(identity, lief.MachO.DylibCommand)
    assert (identity.name, identity.current_version) == ("@rpath/libdemo.1.dylib", [1, 2, 3])
    bound = {
        each.symbol.name: (each.library.name if each.library else None, each.library_ordinal, each.weak_import)
        for each in binary.bindings
        if each.symbol is not None
    }
    assert bound == {
        "_PyModule_Create2": (None, -2, False),
        "_memcpy": (LIBSYSTEM.name, 1, False),
        "__Znwm": (LIBCXX.name, 2, True),
        "_main_only": (None, -1, False),
    }
    exports = {each.name for each in binary.symbols if each.has_export_info}
    assert exports == {"_PyInit_demo", "_PyInit_demo2", "_other"}


@pytest.mark.parametrize("cpu", CPUS)
def test_symbol_table(cpu: MachoCpu) -> None:
    """The symbol table has exports before imports, and the ordinals in the upper byte of n_desc."""
    binary = lief_parsed(build_macho(replace(RICH, cpu=cpu, fixups="absent")))
    rows = [(each.name, each.raw_type, each.description) for each in binary.symbols]
    assert rows == [
        ("_PyInit_demo", 0xF, 0),
        ("_PyInit_demo2", 0xF, 0),
        ("_other", 0xF, 0x80),
        ("_PyModule_Create2", 0x1, 0xFE00),
        ("_memcpy", 0x1, 0x0100),
        ("__Znwm", 0x1, 0x0240),
        ("_main_only", 0x1, 0xFF00),
    ]


@pytest.mark.parametrize("import_format", [1, 2, 3])
def test_chained_import_formats(import_format: int) -> None:
    """All three formats of chained imports give the same bindings."""
    specs = (RICH, replace(RICH, chained_import_format=2), replace(RICH, chained_import_format=3))
    binary = lief_parsed(build_macho(replace(specs[import_format - 1], fixups="chained")))
    assert binary.dyld_chained_fixups is not None
    assert binary.dyld_chained_fixups.imports_format.value == import_format
    assert [(each.symbol.name, each.library_ordinal) for each in binary.bindings if each.symbol] == [
        ("_PyModule_Create2", -2),
        ("_memcpy", 1),
        ("__Znwm", 2),
        ("_main_only", -1),
    ]


def test_the_export_trie_splits_where_names_differ() -> None:
    """A name that is a prefix of another, and names that only share a prefix, are all found at the code."""
    names = ["_a", "_ab", "_abc", "_b", "_abd", "_long_name_of_a_function", "_long_name_of_another"]
    spec = replace(RICH, symbol_table=False, exports=tuple(MachoExport(symbol=name) for name in names))
    binary = lief_parsed(build_macho(spec))
    assert binary.dyld_info is not None
    assert {each.symbol.name for each in binary.dyld_info.exports if each.symbol} == set(names)
    text = binary.get_section("__text")
    assert text is not None
    assert {each.address for each in binary.dyld_info.exports} == {text.offset}


@pytest.mark.parametrize(
    ("platform", "number"),
    [("macos", 1), ("ios", 2), ("iossimulator", 7), ("visionos", 11), (99, 99)],
)
def test_platform_numbers(platform: str | int, number: int) -> None:
    """LC_BUILD_VERSION has the number of the platform."""
    content = build_macho(replace(RICH, platform=platform))
    assert struct.pack("<3L", 0x32, 24, number) in content


@pytest.mark.parametrize(("platform", "command"), [("macos", "VERSION_MIN_MACOSX"), ("ios", "VERSION_MIN_IPHONEOS")])
def test_older_version_commands(platform: str, command: str) -> None:
    """LC_VERSION_MIN_* stands in for LC_BUILD_VERSION, and either may be absent."""
    binary = lief_parsed(build_macho(replace(RICH, platform=platform, version_command="min", minos="10.9")))
    assert binary.version_min is not None
    assert binary.version_min.version == [10, 9, 0]
    assert binary.version_min.command == getattr(lief.MachO.LoadCommand.TYPE, command)
    bare = lief_parsed(build_macho(replace(RICH, version_command="absent")))
    assert not bare.has_version_min
    assert not bare.has_build_version


def test_adhoc_signature_matches_the_bytes() -> None:
    """The code directory holds the SHA-256 of each 4 KiB page in front of it; a changed byte belies it."""
    content = build_macho(RICH)
    command = lief_parsed(content).code_signature
    assert command is not None
    assert command.data_offset + command.data_size == len(content)
    blob = content[command.data_offset :]
    magic, length, count, slot, start = struct.unpack_from(">5L", blob)
    assert (magic, length, count, slot) == (0xFADE0CC0, len(blob), 1, 0)
    directory = blob[start:]
    hash_offset, name_offset, _, pages, limit = struct.unpack_from(">5L", directory, 16)
    assert directory[name_offset:].startswith(b"demo.so\0")
    assert limit == command.data_offset
    for index in range(pages):
        page = content[index * 4096 : min(limit, (index + 1) * 4096)]
        place = hash_offset + 32 * index
        assert directory[place : place + 32] == hashlib.sha256(page).digest()
    assert hash_offset + 32 * pages == len(directory)


@pytest.mark.parametrize(
    ("spec", "signed"),
    [
        (RICH, True),
        (replace(RICH, cpu="x86_64"), False),
        (replace(RICH, cpu="x86_64", signature="adhoc"), True),
        (replace(RICH, signature="absent"), False),
    ],
)
def test_signature_by_processor(spec: MachoSpec, signed: bool) -> None:
    """arm64 is signed and x86_64 is not, until a test says otherwise."""
    assert lief_parsed(build_macho(spec)).has_code_signature is signed


@pytest.mark.parametrize(("cpu", "fixups"), [(cpu, fixups) for cpu in CPUS for fixups in ("opcodes", "chained")])
def test_lief_finds_the_layout_sound(cpu: MachoCpu, fixups: str) -> None:
    """lief's check of segments and load commands finds nothing wrong."""
    for kind in (replace(RICH, cpu=cpu), replace(RICH, cpu=cpu, file_type="execute", identity=None)):
        spec = replace(kind, fixups="chained") if fixups == "chained" else kind
        assert lief.MachO.check_layout(lief_parsed(build_macho(spec))) == (True, "")


def test_file_types_and_flags() -> None:
    """A bundle, a dylib and a program are what their header says; flat namespaces can be asked for."""
    types = lief.MachO.Header.FILE_TYPE
    assert lief_parsed(build_macho(MachoSpec())).header.file_type == types.BUNDLE
    program = lief_parsed(build_macho(replace(RICH, file_type="execute", identity=None)))
    assert program.header.file_type == types.EXECUTE
    assert program.has_main_command
    assert program.get_segment("__PAGEZERO") is not None
    flags = lief.MachO.Header.FLAGS
    assert lief_parsed(build_macho(RICH)).header.has(flags.TWOLEVEL)
    assert not lief_parsed(build_macho(replace(RICH, two_level=False))).header.has(flags.TWOLEVEL)


def test_loaded_strings_and_extra_commands() -> None:
    """Strings lie in a section of __TEXT, and further load commands are read."""
    source_version = struct.pack("<2LQ", 0x2A, 16, 0)
    binary = lief_parsed(build_macho(replace(RICH, rodata=b"/Users/runner/work", extra_commands=(source_version,))))
    section = binary.get_section("__const")
    assert section is not None
    assert bytes(section.content) == b"/Users/runner/work"
    assert binary.has_source_version


@pytest.mark.parametrize("fat64", [False, True])
def test_universal_files(fat64: bool, tmp_path: Path) -> None:
    """A universal file holds its slices unchanged, in both header formats."""
    slices = tuple(build_macho(replace(RICH, cpu=cpu)) for cpu in ("x86_64", "arm64"))
    content = build_universal(slices, fat64=fat64)
    headers = macholib_parsed(content, tmp_path).headers
    assert [content[each.offset : each.offset + each.size] for each in headers] == list(slices)
    if fat64:
        return  # lief does not read them
    fat = lief.MachO.parse(BytesIO(content))
    assert fat is not None
    assert [str(each.header.cpu_type).rpartition(".")[2] for each in fat] == ["X86_64", "ARM64"]
