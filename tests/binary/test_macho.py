"""Mach-O files give facts, and broken ones a reason: `auditor.binary.macho` and its symbol tables."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import lief
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.binary import macho_commands, macho_symbols, read_binary
from auditor.binary.macho import read_macho
from auditor.binary.macho_symbols import (
    SymbolTable,
    imports_of,
    merge_weak_bindings,
    read_bind_opcodes,
    read_chained_bindings,
    read_export_trie,
)
from auditor.facts.archive import ContentKind
from auditor.facts.binary import (
    BinaryFormat,
    Export,
    FileKind,
    Import,
    Lookup,
    MachODetail,
    MinimumOS,
    Needed,
    NeededKind,
    SearchPath,
)
from tests.builders.macho import (
    EXECUTABLE_ORDINAL,
    LIBSYSTEM,
    SELF_ORDINAL,
    WEAK_LOOKUP_ORDINAL,
    MachoExport,
    MachoImport,
    MachoLibrary,
    MachoSpec,
    build_macho,
    build_universal,
    replace,
)

if TYPE_CHECKING:
    from auditor.facts.binary import Binary, Slice

SYSTEM = LIBSYSTEM.name
SPEC = MachoSpec(
    libraries=(LIBSYSTEM, MachoLibrary(name="@rpath/libdemo.dylib")),
    rpaths=("@loader_path/.dylibs",),
    imports=(
        MachoImport(symbol="_malloc", library=SYSTEM),
        MachoImport(symbol="_demo", library="@rpath/libdemo.dylib", weak=True),
        MachoImport(symbol="_PyLong_Type"),
        MachoImport(symbol="dyld_stub_binder", library=SYSTEM),
    ),
    exports=(MachoExport(symbol="_PyInit_demo"), MachoExport(symbol="_PyInit_dear", weak=True)),
)
IMPORTS = {
    Import(symbol="malloc", raw="_malloc", library=SYSTEM),
    Import(symbol="demo", raw="_demo", library="@rpath/libdemo.dylib", weak=True),
    Import(symbol="PyLong_Type", raw="_PyLong_Type", lookup=Lookup.FLAT),
    Import(symbol="dyld_stub_binder", library=SYSTEM),
}
EXPORTS = {Export(symbol="PyInit_demo"), Export(symbol="PyInit_dear", weak=True)}


def read(content: bytes) -> Binary:
    """The facts of a file, through the door that the rest of the package uses."""
    return read_binary("demo.so", memoryview(content), ContentKind.MACHO)


def read_clean(content: bytes) -> Slice:
    """The one slice of a file without problems."""
    binary = read_macho("demo.so", memoryview(content))
    assert binary.problems == ()
    (slice_,) = binary.slices
    return slice_


def macho_detail(slice_: Slice) -> MachODetail:
    """The detail of a slice, typed."""
    assert isinstance(slice_.detail, MachODetail)
    return slice_.detail


# -- the load commands --------------------------------------------------------------------------------------------


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


# -- the oldest system --------------------------------------------------------------------------------------------


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


# -- symbols of whole files ---------------------------------------------------------------------------------------


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


# -- universal files ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fat64", [False, True])
def test_a_universal_file_has_a_slice_an_architecture(fat64: bool) -> None:
    """Each slice has its own facts and its place in the file."""
    thin = tuple(build_macho(replace(SPEC, cpu=cpu)) for cpu in ("x86_64", "arm64"))
    content = build_universal(thin, fat64=fat64)
    binary = read(content)
    assert binary.problems == ()
    assert [one.arch for one in binary.slices] == ["x86_64", "arm64"]
    for slice_, alone in zip(binary.slices, thin, strict=True):
        detail = macho_detail(slice_)
        assert detail.fat
        assert content[detail.offset : detail.offset + detail.size] == alone
        assert set(slice_.imports) == IMPORTS


def fat_file(*slices: tuple[int, bytes], count: int | None = None) -> bytes:
    """A universal file by hand: CPU type and content of each slice."""
    rows, body, start = b"", b"", 8 + 20 * len(slices)
    for cpu_type, content in slices:
        rows += struct.pack(">IIIII", cpu_type, 0, start + len(body), len(content), 0)
        body += content
    return struct.pack(">II", 0xCAFEBABE, len(slices) if count is None else count) + rows + body


def test_static_archives_are_no_slices_and_no_problem() -> None:
    """A universal static library has neither slices nor problems; beside a slice an archive is passed over."""
    archive = b"!<arch>\n" + bytes(60)
    both = read(fat_file((0x01000007, archive), (0x0100000C, archive)))
    assert (both.slices, both.problems) == ((), ())
    mixed = read(fat_file((0x01000007, archive), (0x0100000C, build_macho(SPEC))))
    assert ([one.arch for one in mixed.slices], mixed.problems) == (["arm64"], ())


def test_a_broken_slice_leaves_the_other() -> None:
    """What is wrong in one slice is said with its architecture, and the other is whole."""
    binary = read(fat_file((0x01000007, b"garbage in a slice"), (99, b""), (0x0100000C, build_macho(SPEC))))
    assert [one.arch for one in binary.slices] == ["arm64"]
    assert set(binary.slices[0].imports) == IMPORTS
    assert binary.problems == (
        "in the slice for x86_64: it starts with 67 61 72 62, which no Mach-O file does",
        "the slice for CPU type 0x63 has no bytes in the file",
    )


def test_a_slice_behind_the_end_is_a_problem_with_numbers() -> None:
    """A truncated universal file says how far its slice reaches and where the file ends."""
    content = build_universal((build_macho(replace(SPEC, cpu="x86_64")), build_macho(SPEC)))
    binary = read(content[:-100])
    assert (
        f"the slice for arm64 reaches to byte {len(content)}, behind the end of the file ({len(content) - 100} bytes)"
        in binary.problems
    )
    assert len(binary.slices) == 2


def test_slices_that_overlap_are_read_once() -> None:
    """Many slices over the same bytes cost no more than one."""
    row = struct.pack(">IIIII", 0x0100000C, 0, 48, len(build_macho(SPEC)), 0)
    binary = read(struct.pack(">II", 0xCAFEBABE, 2) + row + row + build_macho(SPEC))
    assert len(binary.slices) == 1
    assert binary.problems == ("the slice for arm64 at byte 48 overlaps another one",)


def test_the_number_of_slices_is_bounded() -> None:
    """A header with more slices than it has room for, or than any file has, is cut and said to be."""
    assert "lists 40 slices and has room for 4" in read(fat_file((7, b"x" * 60), count=40)).problems[0]
    many = read(fat_file(*[(7, b"!<arch>\n")] * 20))
    assert many.problems == ("the universal header lists 20 slices; 16 are read",)
    assert read(fat_file()).problems == ("the universal header lists no slices",)
    assert read(b"\xca\xfe\xba\xbe\0\0\0\1").problems == ("the universal header lists 1 slices and has room for 0",)


# -- broken files -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"\xcf\xfa\xed\xfe" + bytes(20), "its header has 24 of 32 bytes"),
        (b"\xce\xfa\xed\xfe", "its header has 4 of 28 bytes"),
        (b"\0asm", "it starts with 00 61 73 6d, which no Mach-O file does"),
    ],
)
def test_a_file_without_a_header_has_a_reason(content: bytes, problem: str) -> None:
    """Where there is no header there is no slice, and the reason says what is there."""
    binary = read(content)
    assert (binary.slices, binary.problems) == ((), (problem,))


def test_a_truncated_file_keeps_its_load_commands() -> None:
    """With __LINKEDIT cut off the needed libraries stay, and the first missing byte is named."""
    content = build_macho(SPEC)
    binary = read(content[:-200])
    assert binary.problems[0] == (
        f"segment __LINKEDIT reaches to byte {len(content)}, behind the end ({len(content) - 200} bytes)"
    )
    assert [one.name for one in binary.slices[0].needed] == [SYSTEM, "@rpath/libdemo.dylib"]


def test_truncated_load_commands_keep_the_first_ones() -> None:
    """Load commands that reach behind the end are read as far as they go."""
    binary = read(build_macho(SPEC)[:400])
    assert "the load commands reach to byte" in binary.problems[0]
    assert binary.slices[0].arch == "arm64"


def test_a_broken_load_command_keeps_those_before_it() -> None:
    """A command that is shorter than its structure ends the reading with its number and the reason."""
    broken = struct.pack("<II", 0x8000001C, 4)
    content = build_macho(replace(SPEC, extra_commands=(broken + bytes(8),)))
    binary = read(content)
    assert binary.problems[0].startswith("load command ")
    assert "cannot be read" in binary.problems[0]
    assert binary.slices[0].needed[0].name == SYSTEM


def test_load_commands_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """More bytes of load commands than the ceiling are not read."""
    monkeypatch.setattr(macho_commands, "MAX_COMMAND_BYTES", 200)
    assert "; 200 are read" in read(build_macho(SPEC)).problems[0]


def test_tables_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """An opcode stream or a trie longer than the ceiling is read up to it."""
    monkeypatch.setattr(macho_commands, "MAX_TABLE", 4)
    assert "; 4 are read" in read(build_macho(SPEC)).problems[0]


def test_a_debug_companion_keeps_its_old_section_places() -> None:
    """The sections of a debug companion lie where the linked image had them: they say nothing of the file's end."""
    section = b"__debug".ljust(16, b"\0") + b"__DWARF".ljust(16, b"\0") + struct.pack("<QQ8I", 0, 9, 1 << 30, *[0] * 7)
    segment = struct.pack("<II16sQQQQiiII", 0x19, 152, b"__DWARF", 0, 0, 0, 0, 0, 0, 1, 0) + section
    assert read(build_macho(MachoSpec(file_type=10, extra_commands=(segment,)))).problems == ()
    bundle = read(build_macho(MachoSpec(extra_commands=(segment,))))
    assert "section __debug reaches to byte 1073741833" in bundle.problems[0]
    zero_filled = segment[:136] + struct.pack("<I", 1) + segment[140:]
    assert read(build_macho(MachoSpec(extra_commands=(zero_filled,)))).problems == ()


@pytest.mark.parametrize("fixups", ["opcodes", "chained", "absent"])
def test_every_truncation_gives_facts_or_a_problem(fixups: Any) -> None:
    """Cut at any 64th byte, the file is read without an exception, and never passes for a whole one."""
    thin = build_macho(replace(SPEC, fixups=fixups))
    for content in (thin, build_universal((thin, build_macho(replace(SPEC, cpu="x86_64"))))):
        for end in range(0, len(content), 64):
            assert read_macho("demo.so", memoryview(content[:end])).problems


@settings(max_examples=150, deadline=None)
@given(
    fixups=st.sampled_from(["opcodes", "chained", "absent"]),
    changes=st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(0, 255)), min_size=1, max_size=8),
    tail=st.booleans(),
)
def test_changed_bytes_never_raise(fixups: Any, changes: list[tuple[int, int]], tail: bool) -> None:
    """Any change of bytes in the commands or in __LINKEDIT gives facts, perhaps with problems."""
    content = bytearray(build_macho(replace(SPEC, fixups=fixups, signature="absent")))
    for place, value in changes:
        content[-1 - place % 400 if tail else place % 1200] = value
    assert read(bytes(content)).format is BinaryFormat.MACHO


@settings(max_examples=150, deadline=None)
@given(table=st.binary(max_size=200))
def test_garbage_tables_never_raise(table: bytes) -> None:
    """Each table reader ends on any bytes."""
    problems: list[str] = []
    read_export_trie(table, problems)
    for kind in ("bind", "weak-bind", "lazy-bind"):
        read_bind_opcodes(table, kind=kind, problems=problems)
    read_chained_bindings(memoryview(table), "<", problems)
    symbols = SymbolTable(memoryview(table), memoryview(table), order="<", bits=64, problems=problems)
    symbols.exports()
    imports_of(symbols.bindings(two_level=True), ["one"], None, problems)
    assert all(isinstance(problem, str) for problem in problems)


# -- bindings -----------------------------------------------------------------------------------------------------


def bound(stream: bytes, kind: str = "bind") -> tuple[list[tuple[bytes, int, bool]], list[str]]:
    """The bindings and the problems of an opcode stream."""
    problems: list[str] = []
    return list(read_bind_opcodes(stream, kind=kind, problems=problems)), problems


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b"\x11\x40_a\0\x90\0", [(b"_a", 1, False)]),
        (b"\x20\x81\x01\x41_a\0\x90\0", [(b"_a", 129, True)]),
        (b"\x3e\x40_a\0\x51\x72\x80\x01\x60\x7f\x80\x08\xa0\x08\xb1\xc0\x02\x08\0", [(b"_a", -2, False)]),
        (b"\x30\x40_a\0\x90\x90\x3d\x90\0", [(b"_a", 0, False), (b"_a", -3, False)]),
        (b"\x11\x40_a\0\x90\0\x40_b\0\x90", [(b"_a", 1, False)]),
        (b"\xd0\x02\x11\x40_a\0\x90\x40_b\0\x90\xd1\0", [(b"_a", 1, False), (b"_b", 1, False)]),
        (b"\x11\x40_never bound\0\0", []),
        (b"", []),
    ],
)
def test_bind_opcodes(stream: bytes, expected: list[tuple[bytes, int, bool]]) -> None:
    """Each opcode moves the state of <mach-o/loader.h>, and only a DO_BIND binds."""
    assert bound(stream) == (expected, [])


def test_the_lazy_stream_goes_on_behind_done() -> None:
    """In the lazy stream DONE ends one symbol, elsewhere the stream."""
    stream = b"\x72\0\x11\x40_a\0\x90\0\x72\x08\x12\x40_b\0\x90\0\0"
    assert bound(stream, "lazy-bind") == ([(b"_a", 1, False), (b"_b", 2, False)], [])


def test_a_coalesced_symbol_that_is_bound_counts_once() -> None:
    """The weak stream adds only what is bound to no library and may be absent; a strong definition binds nothing."""
    weak, problems = bound(b"\x48_strong\0\x40_a\0\x90\x40_b\0\x90\0", "weak-bind")
    merged = merge_weak_bindings({(b"_a", 1, False): None}, dict.fromkeys(weak))
    assert (list(merged), problems) == ([(b"_a", 1, False), (b"_b", -3, True)], [])


@pytest.mark.parametrize(
    ("stream", "reason"),
    [
        (b"\x11\x40_a\0\x90\xe0", "0xe0 is no bind opcode"),
        (b"\x11\x40_a\0\x90\x40no end", "subsection not found"),
        (b"\x11\x40_a\0\x90\x20\x80", "index out of range"),
        (b"\x11\x40_a\0\x90\x20" + b"\xff" * 12, "more than 64 bits"),
    ],
)
def test_opcode_garbage_keeps_what_was_bound(stream: bytes, reason: str) -> None:
    """A stream that breaks off keeps its first bindings and says why it ended."""
    bindings, (problem,) = bound(stream)
    assert bindings == [(b"_a", 1, False)]
    assert problem.startswith(f"the bind opcodes ({len(stream)} bytes) break off: ")
    assert reason in problem


def test_bound_symbols_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """More symbols than the ceiling are a problem."""
    monkeypatch.setattr(macho_symbols, "MAX_SYMBOLS", 2)
    bindings, problems = bound(b"\x11\x40_a\0\x90\x40_b\0\x90\x40_c\0\x90\0")
    assert len(bindings) == 2
    assert problems == ["the bind opcodes bind more than 2 symbols"]


def test_an_ordinal_of_no_library_is_a_problem() -> None:
    """Ordinals behind the last library leave the import without one, and are said once."""
    problems: list[str] = []
    imports = imports_of([(b"_a", 3, False), (b"_b", 1, False)], ["one"], None, problems)
    assert [one.library for one in imports] == [None, "one"]
    assert problems == ["`a` is bound to library 3 of 1"]
    imports_of([(b"_a", 3, False), (b"_b", 4, False)], ["one"], None, problems)
    assert problems[1:] == ["`a` is bound to library 3 of 1, and 1 more are bound to none"]


def chained(count: int, layout: int, rows: bytes, names: bytes = b"\0_a\0", packing: int = 0) -> bytes:
    """A table of chained fixups without chains."""
    return struct.pack("<7I", 0, 28, 28, 28 + len(rows), count, layout, packing) + rows + names


@pytest.mark.parametrize(
    ("table", "bindings", "problem"),
    [
        (b"short", [], "the chained fixups have 5 bytes, fewer than their header"),
        (chained(0, 0, b""), [], None),
        (chained(1, 1, struct.pack("<I", 1 << 9 | 0xFD)), [(b"_a", -3, False)], None),
        (chained(1, 3, struct.pack("<QQ", 1 << 32 | 1 << 16 | 0xFFFE, 0)), [(b"_a", -2, True)], None),
        (chained(1, 4, bytes(8)), [], "the chained fixups have imports of format 4 and names of format 0"),
        (chained(1, 1, bytes(4), packing=1), [], "the chained fixups have imports of format 1 and names of format 1"),
        (
            chained(9, 1, struct.pack("<I", 1 << 9 | 2)),
            [(b"_a", 2, False)],
            "the chained fixups claim 9 imports; 2 are read",
        ),
        (
            chained(2, 1, struct.pack("<II", 1 << 9 | 2, 77 << 9)),
            [(b"_a", 2, False)],
            "the name of a chained import stands at byte 113 of 40",
        ),
    ],
)
def test_chained_imports(table: bytes, bindings: list[Any], problem: str | None) -> None:
    """Rows and names of <mach-o/fixup-chains.h>; whatever is wrong keeps the rows before it."""
    problems: list[str] = []
    read_bindings = read_chained_bindings(memoryview(table), "<", problems)
    assert problems[:1] == ([] if problem is None else [problem])
    assert list(read_bindings) == bindings


def test_chained_names_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names that add up to more than the ceiling end the reading."""
    monkeypatch.setattr(macho_symbols, "MAX_NAMES", 3)
    problems: list[str] = []
    table = chained(2, 1, struct.pack("<II", 1 << 9 | 1, 1 << 9 | 2))
    assert list(read_chained_bindings(memoryview(table), "<", problems)) == [(b"_a", 1, False)]
    assert problems == ["the names of the chained imports have more than 3 bytes"]


# -- exports ------------------------------------------------------------------------------------------------------


def exported(trie: bytes) -> tuple[list[Export], list[str]]:
    """The exports and the problems of a trie."""
    problems: list[str] = []
    return list(read_export_trie(trie, problems)), problems


def test_reexports_have_the_name_in_the_other_library() -> None:
    """A re-export forwards to its name in the library of its ordinal, and an empty name means the same one."""
    same = b"\x03\x08\x01\x00\x00"
    renamed = b"\x08\x08\x81\x00_oth\0\x00"
    trie = b"\x00\x02_a\0\x0a_b\0\x0f" + same + renamed
    assert exported(trie) == ([Export(symbol="a", forward="a"), Export(symbol="b", forward="oth")], [])
    assert {one.library for one in read_export_trie(trie, [], ["libone.dylib", "libtwo.dylib"])} == {"libone.dylib"}


def test_an_address_or_a_child_may_take_several_bytes() -> None:
    """Numbers of more than seven bits are read in full: flags, sizes, and offsets of children."""
    far = b"\x00\x01_a\0\x90\x01" + bytes(137) + b"\x84\x00\x84\x00\x80\x01\x00"
    assert exported(far) == ([Export(symbol="a", weak=True)], [])


@pytest.mark.parametrize(
    ("trie", "reason"),
    [
        (b"\x00\x01_a\0\x00", "the node at byte 0 is reached twice"),
        (b"\x00\x01_a\0\x7f", "index out of range"),
        (b"\x00\x01_a", "subsection not found"),
        (b"\x00\x01_a\0", "index out of range"),
        (b"\x7f", "index out of range"),
    ],
)
def test_a_broken_trie_ends(trie: bytes, reason: str) -> None:
    """Cycles and edges out of the trie end the walk with a reason."""
    exports, (problem,) = exported(trie)
    assert exports == []
    assert problem.startswith(f"the export trie ({len(trie)} bytes) breaks off: ")
    assert reason in problem


def test_an_empty_trie_exports_nothing() -> None:
    """A trie of no bytes is no fault: most programs have it so."""
    assert exported(b"") == ([], [])


def test_a_trie_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the number of exports nor the length of their names is without end."""
    trie = b"\x00\x02_a\0\x0a_b\0\x0e" + b"\x02\x00\x00\x00" * 2
    assert exported(trie) == ([Export(symbol="a"), Export(symbol="b")], [])
    monkeypatch.setattr(macho_symbols, "MAX_SYMBOLS", 1)
    assert exported(trie) == ([Export(symbol="a")], ["the export trie has more than 1 symbols"])
    monkeypatch.setattr(macho_symbols, "MAX_NAME", 1)
    assert "ceiling of 1 bytes" in exported(trie)[1][0]


# -- the symbol table ---------------------------------------------------------------------------------------------

NAMES = b"\0_a\0_b\0"


def symbols(*rows: tuple[int, int, int, int, int], problems: list[str] | None = None) -> SymbolTable:
    """A 64-bit symbol table: name, type, section, description and value of each row."""
    packed = b"".join(struct.pack("<IBBHQ", *row) for row in rows)
    return SymbolTable(
        memoryview(packed),
        memoryview(NAMES),
        order="<",
        bits=64,
        problems=[] if problems is None else problems,
    )


@pytest.mark.parametrize(
    ("row", "bindings", "exports"),
    [
        ((1, 0x01, 0, 0x0100, 0), [(b"_a", 1, False)], []),
        ((1, 0x01, 0, 0xFE40, 0), [(b"_a", -2, True)], []),
        ((1, 0x01, 0, 0xFF00, 0), [(b"_a", -1, False)], []),
        ((1, 0x0D, 0, 0x0200, 0), [(b"_a", 2, False)], []),
        ((1, 0x01, 0, 0x0000, 8), [], [Export(symbol="a")]),
        ((1, 0x0F, 1, 0x0080, 8), [], [Export(symbol="a", weak=True)]),
        ((1, 0x1F, 1, 0x0000, 8), [], []),
        ((1, 0x0E, 1, 0x0000, 8), [], []),
        ((1, 0x2F, 1, 0x0000, 8), [], []),
        ((1, 0x0B, 1, 0x0000, 4), [], [Export(symbol="a", forward="b")]),
    ],
)
def test_rows_of_the_symbol_table(row: tuple[int, int, int, int, int], bindings: list[Any], exports: list[Any]) -> None:
    """Undefined rows bind; common, defined and indirect ones export; private, local and debugging ones do neither."""
    table = symbols(row)
    assert list(table.bindings(two_level=True)) == bindings
    assert list(table.exports()) == exports


def test_a_name_outside_of_the_strings_ends_the_table() -> None:
    """A name behind the string table is a problem, and the rows before it stay."""
    problems: list[str] = []
    table = symbols((1, 1, 0, 0x100, 0), (99, 1, 0, 0x100, 0), (4, 1, 0, 0x100, 0), problems=problems)
    assert list(table.bindings(two_level=True)) == [(b"_a", 1, False)]
    assert problems == ["a symbol's name stands at byte 99 of 7 of the string table"]
    assert symbols((99, 0x0F, 1, 0, 8)).exports() == ()
    assert symbols((1, 0x0B, 1, 0, 99)).exports() == (Export(symbol="a"),)


def test_the_symbol_table_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither rows nor names are without end."""
    rows = ((1, 1, 0, 0x100, 0), (4, 1, 0, 0x100, 0))
    problems: list[str] = []
    monkeypatch.setattr(macho_symbols, "MAX_SYMBOLS", 1)
    assert list(symbols(*rows, problems=problems).bindings(two_level=True)) == [(b"_a", 1, False)]
    monkeypatch.setattr(macho_symbols, "MAX_SYMBOLS", 9)
    monkeypatch.setattr(macho_symbols, "MAX_NAMES", 3)
    assert list(symbols(*rows, problems=problems).bindings(two_level=True)) == [(b"_a", 1, False)]
    assert problems == [
        "the symbol table has more than 1 external symbols",
        "the names of the symbol table have more than 3 bytes",
    ]


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
