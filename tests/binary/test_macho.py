"""Mach-O files give facts: load commands, the oldest system, the symbols of whole files (`auditor.binary.macho`)."""

from __future__ import annotations

import struct
from typing import Any

import lief
import pytest

from auditor.facts.binary import BinaryFormat, FileKind, Import, Lookup, MinimumOS, Needed, NeededKind, SearchPath
from tests.binary.macho_files import EXPORTS, IMPORTS, SPEC, SYSTEM, macho_detail, read, read_clean
from tests.builders.macho import (
    EXECUTABLE_ORDINAL,
    SELF_ORDINAL,
    WEAK_LOOKUP_ORDINAL,
    MachoExport,
    MachoImport,
    MachoLibrary,
    MachoSpec,
    build_macho,
    replace,
)

# -- the load commands -----------------------------------------------------------------------------------------------


def test_a_thin_bundle_becomes_one_slice() -> None:
    """A thin file has one slice with all that its load commands say."""
    content = build_macho(SPEC)
    binary = read(content)
    assert (binary.member, binary.format, binary.problems) == ("demo.so", BinaryFormat.MACHO, ())
    slice_ = read_clean(content)
    assert (slice_.arch, slice_.machine, slice_.bits, slice_.little_endian) == ("arm64", "CPU_TYPE_ARM64", 64, True)
    assert slice_.kind is FileKind.BUNDLE
    assert slice_.needed == (Needed(name=SYSTEM), Needed(name="@rpath/libdemo.dylib"))
    assert slice_.search_paths == (SearchPath(path="@loader_path/.dylibs"),)
    assert slice_.identity is None
    assert slice_.minimum_os == MinimumOS(platform="macos", version=(11, 0, 0), sdk=(14, 0, 0))
    assert set(slice_.imports) == IMPORTS
    assert set(slice_.exports) == EXPORTS
    detail = macho_detail(slice_)
    assert (detail.cpu_type, detail.cpu_subtype, detail.file_type) == (0x0100000C, 0, 8)
    assert (detail.offset, detail.size, detail.fat, detail.signed) == (0, len(content), False, True)
    assert detail.uuid == "6275696C-6465-7273-206F-662064656D6F"
    assert detail.flags & 0x80


@pytest.mark.parametrize(
    ("cpu", "arch", "machine", "bits"),
    [
        ("x86_64", "x86_64", "CPU_TYPE_X86_64", 64),
        ("x86_64h", "x86_64h", "CPU_TYPE_X86_64", 64),
        ("arm64e", "arm64e", "CPU_TYPE_ARM64", 64),
        ("i386", "i386", "CPU_TYPE_I386", 32),
        ("armv7", None, "CPU_TYPE_ARM", 32),
        ((0x01000018, 0), None, "CPU_TYPE_0x1000018", 64),
    ],
)
def test_the_processor_names_the_architecture(cpu: Any, arch: str | None, machine: str, bits: int) -> None:
    """Architectures are spelled as tags spell them; variants that tags do not name keep their own name."""
    slice_ = read_clean(build_macho(replace(SPEC, cpu=cpu)))
    assert (slice_.arch, slice_.machine, slice_.bits) == (arch, machine, bits)
    assert set(slice_.imports) == IMPORTS


@pytest.mark.parametrize(
    ("file_type", "kind"),
    [
        ("execute", FileKind.EXECUTABLE),
        ("dylib", FileKind.SHARED_LIBRARY),
        ("bundle", FileKind.BUNDLE),
        (1, FileKind.OBJECT),
        (10, FileKind.OTHER),
    ],
)
def test_the_file_type_names_the_kind(file_type: Any, kind: FileKind) -> None:
    """Each file type has its kind; a debug companion is nothing that loads."""
    assert read_clean(build_macho(replace(SPEC, file_type=file_type))).kind is kind


def test_the_install_name_is_no_needed_library() -> None:
    """LC_ID_DYLIB is the identity, and every other dylib command a need, in load order."""
    kinds: tuple[Any, ...] = ("load", "weak", "reexport", "upward", "lazy")
    libraries = tuple(MachoLibrary(name=f"lib{kind}.dylib", kind=kind) for kind in kinds)
    spec = MachoSpec(file_type="dylib", identity=MachoLibrary(name="@rpath/libown.dylib"), libraries=libraries)
    slice_ = read_clean(build_macho(spec))
    assert slice_.identity == "@rpath/libown.dylib"
    assert [one.name for one in slice_.needed] == [one.name for one in libraries]
    assert [one.kind for one in slice_.needed] == [
        NeededKind.NORMAL,
        NeededKind.WEAK,
        NeededKind.REEXPORT,
        NeededKind.UPWARD,
        NeededKind.LAZY,
    ]


@pytest.mark.parametrize(
    ("flags", "kind"),
    [(0, NeededKind.NORMAL), (1, NeededKind.WEAK), (3, NeededKind.WEAK), (8, NeededKind.LAZY)],
)
def test_the_newer_dylib_command_has_flags(flags: int, kind: NeededKind) -> None:
    """A `dylib_use_command` says by flags how the library is used, whatever its number says."""
    command = struct.pack("<7I", 0x80000018, 40, 28, 0x1A741800, 0x10000, 0x10000, flags) + b"libuse.dylib"
    slice_ = read_clean(build_macho(MachoSpec(extra_commands=(command,))))
    assert slice_.needed == (Needed(name="libuse.dylib", kind=kind),)


def test_a_name_outside_of_its_command_is_empty() -> None:
    """A string that starts before its command's body is not read from elsewhere."""
    command = struct.pack("<3I", 0x8000001C, 16, 4) + b"abc\0"
    assert read_clean(build_macho(MachoSpec(extra_commands=(command,)))).search_paths == (SearchPath(path=""),)


def test_names_that_are_no_text_stay_visible() -> None:
    """Bytes that are no UTF-8 become escapes."""
    command = struct.pack("<3I", 0x8000001C, 16, 12) + b"\xff/a\0"
    assert read_clean(build_macho(MachoSpec(extra_commands=(command,)))).search_paths == (SearchPath(path="\\xff/a"),)


def test_an_unknown_load_command_is_passed_over() -> None:
    """A command of a newer system does not hide the others."""
    unknown = struct.pack("<4I", 0x7F, 16, 1, 2)
    rpath = struct.pack("<3I", 0x8000001C, 16, 12) + b"/a\0\0"
    assert read_clean(build_macho(MachoSpec(extra_commands=(unknown, rpath)))).search_paths == (SearchPath(path="/a"),)


@pytest.mark.parametrize("uuid", [None, bytes(range(16))])
def test_the_uuid_may_be_absent(uuid: bytes | None) -> None:
    """LC_UUID is spelled as Apple's tools spell it, and None where it is absent."""
    detail = macho_detail(read_clean(build_macho(replace(SPEC, uuid=uuid))))
    assert detail.uuid == (None if uuid is None else "00010203-0405-0607-0809-0A0B0C0D0E0F")


def test_big_endian_files_are_read() -> None:
    """A PowerPC object is read in its own byte order."""
    name = b"/a\0\0"
    rpath = struct.pack(">3I", 0x8000001C, 16, 12) + name
    names = b"\0_a\0"
    symtab = struct.pack(">6I", 0x2, 24, 28 + 40, 1, 28 + 52, len(names))
    header = struct.pack(">7I", 0xFEEDFACE, 18, 0, 1, 2, 40, 0)
    slice_ = read_clean(header + rpath + symtab + struct.pack(">IBBHI", 1, 1, 0, 0, 0) + names)
    assert (slice_.arch, slice_.bits, slice_.little_endian, slice_.kind) == ("ppc", 32, False, FileKind.OBJECT)
    assert slice_.search_paths == (SearchPath(path="/a"),)
    assert slice_.imports == (Import(symbol="a", raw="_a", lookup=Lookup.FLAT),)


# -- the oldest system -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "platform", "cpu", "expected"),
    [
        ("build", "macos", "arm64", "macos"),
        ("build", "iossimulator", "arm64", "iossimulator"),
        ("build", "visionos", "arm64", "visionos"),
        ("build", 99, "arm64", "platform-99"),
        ("min", "macos", "x86_64", "macos"),
        ("min", "ios", "arm64", "ios"),
        ("min", "ios", "x86_64", "iossimulator"),
        ("min", "watchos", "i386", "watchossimulator"),
        ("min", "tvos", "arm64", "tvos"),
    ],
)
def test_both_version_commands_name_platform_and_version(command: Any, platform: Any, cpu: Any, expected: str) -> None:
    """LC_BUILD_VERSION names the platform by number, LC_VERSION_MIN_* by command and, for simulators, processor."""
    spec = MachoSpec(version_command=command, platform=platform, cpu=cpu, minos="10.9.5", sdk="12.3")
    minimum = read_clean(build_macho(spec)).minimum_os
    assert minimum == MinimumOS(platform=expected, version=(10, 9, 5), sdk=(12, 3, 0))


def test_no_version_command_is_no_minimum() -> None:
    """Without a version command nothing is known, and an SDK of 0 is none."""
    assert read_clean(build_macho(MachoSpec(version_command="absent"))).minimum_os is None
    for command in ("build", "min"):
        minimum = read_clean(build_macho(MachoSpec(version_command=command, sdk="0"))).minimum_os
        assert minimum is not None
        assert minimum.sdk is None


@pytest.mark.parametrize(("first", "second"), [("macos", 6), ("maccatalyst", 1)])
def test_an_image_for_macos_and_catalyst_is_for_macos(first: str, second: int) -> None:
    """Of several LC_BUILD_VERSION that of macOS counts, wherever it stands."""
    other = struct.pack("<6I", 0x32, 24, second, 11 << 16, 0, 0)
    minimum = read_clean(build_macho(MachoSpec(platform=first, extra_commands=(other,)))).minimum_os
    assert minimum is not None
    assert minimum.platform == "macos"


# -- symbols of whole files ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"fixups": "opcodes"},
        {"fixups": "chained", "chained_import_format": 1},
        {"fixups": "chained", "chained_import_format": 2},
        {"fixups": "chained", "chained_import_format": 3},
        {"fixups": "absent"},
        {"fixups": "opcodes", "symbol_table": False},
        {"fixups": "absent", "cpu": "i386"},
    ],
)
def test_every_kind_of_binding_gives_the_same_symbols(change: dict[str, Any]) -> None:
    """Opcodes, the three chained formats and the bare symbol table say the same of the same file."""
    slice_ = read_clean(build_macho(replace(SPEC, **change)))
    assert set(slice_.imports) == IMPORTS
    assert set(slice_.exports) == EXPORTS


@pytest.mark.parametrize("fixups", ["opcodes", "chained", "absent"])
def test_ordinals_of_the_image_and_of_the_program(fixups: Any) -> None:
    """Ordinal 0 is the image itself, by its install name; the main executable has none."""
    imports = (
        MachoImport(symbol="_own", library=SELF_ORDINAL),
        MachoImport(symbol="_main", library=EXECUTABLE_ORDINAL),
    )
    spec = MachoSpec(
        file_type="dylib", identity=MachoLibrary(name="@rpath/libown.dylib"), imports=imports, fixups=fixups
    )
    slice_ = read_clean(build_macho(spec))
    assert {(one.symbol, one.library, one.lookup) for one in slice_.imports} == {
        ("own", "@rpath/libown.dylib", Lookup.SELF),
        ("main", None, Lookup.MAIN),
    }


@pytest.mark.parametrize("fixups", ["opcodes", "chained"])
def test_a_coalesced_symbol_of_the_image_itself_is_no_import(fixups: Any) -> None:
    """What the image defines need not come from elsewhere; what it does not is looked for in all images."""
    imports = tuple(MachoImport(symbol=symbol, library=WEAK_LOOKUP_ORDINAL) for symbol in ("_own", "_other"))
    exports = (MachoExport(symbol="_own", weak=True),)
    slice_ = read_clean(build_macho(replace(SPEC, imports=imports, exports=exports, fixups=fixups)))
    assert slice_.imports == (Import(symbol="other", raw="_other", lookup=Lookup.COALESCED),)


def test_a_flat_symbol_table_binds_to_any_library() -> None:
    """Without two-level names the ordinals of the symbol table mean nothing."""
    slice_ = read_clean(build_macho(replace(SPEC, fixups="absent", two_level=False)))
    assert {(one.library, one.lookup) for one in slice_.imports} == {(None, Lookup.FLAT)}


def test_without_any_table_there_are_no_symbols() -> None:
    """A slice without fixups and symbol table imports and exports nothing."""
    slice_ = read_clean(build_macho(replace(SPEC, fixups="absent", symbol_table=False)))
    assert (slice_.imports, slice_.exports) == ((), ())


@pytest.mark.parametrize("fixups", ["opcodes", "chained", "absent"])
@pytest.mark.parametrize("cpu", ["arm64", "x86_64", "i386"])
def test_lief_reads_the_same(fixups: Any, cpu: Any) -> None:
    """An independent parser finds the same libraries, paths, symbols and version."""
    content = build_macho(replace(SPEC, fixups=fixups, cpu=cpu))
    slice_ = read_clean(content)
    fat: Any = lief.MachO.parse(list(content))
    oracle = fat.at(0)
    assert [one.name for one in slice_.needed] == [one.name for one in oracle.libraries]
    assert [one.path for one in slice_.search_paths] == [one.path for one in oracle.rpaths]
    assert {one.raw or one.symbol for one in slice_.imports} == {one.name for one in oracle.imported_symbols}
    if fixups != "absent":  # Of exports without a trie it knows nothing.
        exported_names = {one.name.removeprefix("_") for one in oracle.exported_symbols}
        assert {one.symbol for one in slice_.exports} == exported_names
    assert slice_.minimum_os is not None
    assert list(slice_.minimum_os.version) == list(oracle.build_version.minos)
    assert macho_detail(slice_).signed == oracle.has_code_signature
