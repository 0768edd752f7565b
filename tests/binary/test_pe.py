"""PE files give facts, and broken ones a reason: `auditor.binary.pe`."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import lief
import pefile
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.binary import pe, read_binary
from auditor.binary.pe import read_pe
from auditor.facts.archive import ContentKind
from auditor.facts.binary import BinaryFormat, Export, FileKind, Import, MinimumOS, Needed, NeededKind, PeDetail
from tests.builders.pe import PeExport, PeSpec, build_pe, replace

if TYPE_CHECKING:
    from auditor.facts.binary import Binary, Slice

SPEC = PeSpec(
    imports={"python311.dll": ("PyModule_Create2", "PyLong_Type"), "WS2_32.dll": (115, "WSAGetLastError")},
    delay_imports={"libssl.dll": ("SSL_new", 12)},
    exports=(
        PeExport(symbol="PyInit_demo"),
        PeExport(symbol=None),
        PeExport(symbol="heap", forwarder="NTDLL.RtlAllocateHeap"),
    ),
    dll_name="demo.pyd",
)
IMPORTS = (
    Import(symbol="PyModule_Create2", library="python311.dll"),
    Import(symbol="PyLong_Type", library="python311.dll"),
    Import(symbol="#115", raw="#115", library="WS2_32.dll"),
    Import(symbol="WSAGetLastError", library="WS2_32.dll"),
    Import(symbol="SSL_new", library="libssl.dll", delay=True),
    Import(symbol="#12", raw="#12", library="libssl.dll", delay=True),
)
EXPORTS = {
    Export(symbol="PyInit_demo", ordinal=1),
    Export(symbol="#2", ordinal=2),
    Export(symbol="heap", forward="NTDLL.RtlAllocateHeap", ordinal=3),
}
MACHINES: tuple[Any, ...] = ("amd64", "i386", "arm64")

HEADER = 0x3C
"""Where the DOS header says at which byte the PE header starts."""


def read(content: bytes | bytearray) -> Binary:
    """The facts of a file, through the door that the rest of the package uses."""
    return read_binary("demo.pyd", memoryview(content), ContentKind.PE)


def read_clean(content: bytes | bytearray) -> Slice:
    """The one slice of a file without problems."""
    binary = read_pe("demo.pyd", memoryview(content))
    assert binary.problems == ()
    (slice_,) = binary.slices
    return slice_


def detail_of(slice_: Slice) -> PeDetail:
    """The detail of a slice, typed."""
    assert isinstance(slice_.detail, PeDetail)
    return slice_.detail


class Patch:
    """A built file of which single fields are changed."""

    def __init__(self, spec: PeSpec = SPEC) -> None:
        self.content = bytearray(build_pe(spec))
        (self.header,) = struct.unpack_from("<I", self.content, HEADER)
        self.optional = self.header + 24
        self.plus = struct.unpack_from("<H", self.content, self.optional)[0] == 0x20B
        self.directories = self.optional + (112 if self.plus else 96)
        (size,) = struct.unpack_from("<H", self.content, self.header + 20)
        self.sections = self.optional + size

    def directory(self, index: int) -> tuple[int, int]:
        """Address and size of a directory."""
        rva, size = struct.unpack_from("<II", self.content, self.directories + 8 * index)
        return rva, size

    def offset(self, rva: int) -> int:
        """Where an address lies in the file."""
        (count,) = struct.unpack_from("<H", self.content, self.header + 6)
        for index in range(count):
            _size, start, length, offset = struct.unpack_from("<4I", self.content, self.sections + 40 * index + 8)
            if start <= rva < start + length:
                return int(rva - start + offset)
        raise AssertionError(rva)

    def put(self, offset: int, code: str, *values: int) -> Patch:
        """Write numbers at a place in the file."""
        struct.pack_into(f"<{code}", self.content, offset, *values)
        return self

    def put_at(self, rva: int, code: str, *values: int) -> Patch:
        """Write numbers at an address."""
        return self.put(self.offset(rva), code, *values)

    def set_directory(self, index: int, rva: int, size: int) -> Patch:
        """Point a directory elsewhere."""
        return self.put(self.directories + 8 * index, "II", rva, size)

    def problems(self) -> tuple[str, ...]:
        """What is wrong now."""
        return read(self.content).problems


# -- whole files --------------------------------------------------------------------------------------------------


def test_a_dll_becomes_one_slice() -> None:
    """A DLL has one slice with all that its headers and tables say."""
    content = build_pe(SPEC)
    binary = read(content)
    assert (binary.member, binary.format, binary.problems) == ("demo.pyd", BinaryFormat.PE, ())
    slice_ = read_clean(content)
    assert (slice_.arch, slice_.machine, slice_.bits) == ("amd64", "IMAGE_FILE_MACHINE_AMD64", 64)
    assert slice_.little_endian
    assert slice_.kind is FileKind.SHARED_LIBRARY
    assert slice_.needed == (
        Needed(name="python311.dll"),
        Needed(name="WS2_32.dll"),
        Needed(name="libssl.dll", kind=NeededKind.DELAY),
    )
    assert slice_.identity == "demo.pyd"
    assert slice_.imports == IMPORTS
    assert set(slice_.exports) == EXPORTS
    detail = detail_of(slice_)
    assert (detail.machine, detail.linker, detail.subsystem) == (0x8664, (14, 40), 2)
    assert (detail.hybrid, detail.managed) == (False, False)
    assert detail.characteristics & 0x2000
    assert detail.dll_characteristics & 0x0140 == 0x0140


@pytest.mark.parametrize(
    ("machine", "arch", "name", "bits"),
    [
        ("amd64", "amd64", "IMAGE_FILE_MACHINE_AMD64", 64),
        ("i386", "win32", "IMAGE_FILE_MACHINE_I386", 32),
        ("arm64", "arm64", "IMAGE_FILE_MACHINE_ARM64", 64),
        ("arm", None, "IMAGE_FILE_MACHINE_ARMNT", 32),
        (0xA641, None, "IMAGE_FILE_MACHINE_ARM64EC", 64),
        (0x5064, None, "IMAGE_FILE_MACHINE 0x5064", 64),
    ],
)
def test_the_machine_names_the_architecture(machine: Any, arch: str | None, name: str, bits: int) -> None:
    """Machines are spelled as platform tags spell them, or are None where no tag names them."""
    slice_ = read_clean(build_pe(replace(SPEC, machine=machine)))
    assert (slice_.arch, slice_.machine, slice_.bits) == (arch, name, bits)
    assert slice_.imports == IMPORTS
    assert set(slice_.exports) == EXPORTS


def test_a_program_is_an_executable() -> None:
    """Without the DLL flag the image is a program, and without an export table it has no name of its own."""
    slice_ = read_clean(build_pe(PeSpec(is_dll=False)))
    assert slice_.kind is FileKind.EXECUTABLE
    assert (slice_.identity, slice_.needed, slice_.imports, slice_.exports) == (None, (), (), ())


def test_the_oldest_windows_is_that_of_the_subsystem() -> None:
    """The minimum is the subsystem version, which Windows compares, and not that of the operating system."""
    patch = Patch().put(Patch().optional + 48, "HH", 6, 2)
    assert read_clean(patch.content).minimum_os == MinimumOS(platform="windows", version=(6, 2))


@pytest.mark.parametrize("machine", MACHINES)
def test_lief_reads_the_same(machine: Any) -> None:
    """An independent parser finds the same libraries, symbols and names."""
    content = build_pe(replace(SPEC, machine=machine))
    slice_ = read_clean(content)
    oracle: Any = lief.PE.parse(list(content))

    def named(entry: Any) -> str:
        return f"#{entry.ordinal}" if entry.is_ordinal else str(entry.name)

    tables = [(one, False) for one in oracle.imports] + [(one, True) for one in oracle.delay_imports]
    assert [one.name for one in slice_.needed] == [one.name for one, _delay in tables]
    assert [(one.library, one.symbol, one.delay) for one in slice_.imports] == [
        (one.name, named(entry), delay) for one, delay in tables for entry in one.entries
    ]
    exports = oracle.get_export()
    assert {one.symbol for one in slice_.exports} == {one.name or f"#{one.ordinal}" for one in exports.entries}
    assert slice_.identity == exports.name


def test_a_file_may_be_longer_than_its_sections() -> None:
    """What follows the last section, such as an installer's archive, is no fault."""
    assert read_clean(build_pe(replace(SPEC, overlay=b"overlay" * 100))).imports == IMPORTS


# -- single fields ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bits", [32, 64])
def test_chpe_metadata_makes_a_hybrid(bits: int) -> None:
    """A load configuration that points to CHPE metadata is that of an image with ARM64 code for x64 processes."""
    offset, code = (124, "<I") if bits == 32 else (200, "<Q")
    size = offset + struct.calcsize(code)
    machine: Any = "i386" if bits == 32 else "amd64"
    for pointer, length, hybrid in ((0x1234, size, True), (0, size, False), (0x1234, size - 4, False)):
        table = bytearray(size)
        struct.pack_into("<I", table, 0, length)
        struct.pack_into(code, table, offset, pointer)
        spec = replace(SPEC, machine=machine, load_config=bytes(table))
        assert detail_of(read_clean(build_pe(spec))).hybrid is hybrid


def test_a_clr_header_makes_a_managed_image() -> None:
    """A .NET assembly is known by its CLR header."""
    assert detail_of(read_clean(Patch().set_directory(14, 0x1000, 72).content)).managed


def test_an_import_table_without_lookup_tables_is_read_by_addresses() -> None:
    """Old Borland linkers fill the address table alone."""
    patch = Patch()
    table, _size = patch.directory(1)
    assert read_clean(patch.put_at(table, "I", 0).content).imports == IMPORTS


def test_old_delay_tables_hold_addresses() -> None:
    """VC++ 6 wrote addresses instead of RVAs on x86, in the descriptor and in the lookup table."""
    patch = Patch(replace(SPEC, machine="i386"))
    table, _size = patch.directory(13)
    (base,) = struct.unpack_from("<I", patch.content, patch.optional + 28)
    fields = list(struct.unpack_from("<8I", patch.content, patch.offset(table)))
    (first,) = struct.unpack_from("<I", patch.content, patch.offset(fields[4]))
    patch.put_at(fields[4], "I", first + base)
    patch.put_at(table, "8I", 0, *(one + base for one in fields[1:5]), *fields[5:])
    assert read_clean(patch.content).imports == IMPORTS


def test_fewer_directories_are_absent_ones() -> None:
    """Directories behind NumberOfRvaAndSizes are not there, whatever the bytes say."""
    patch = Patch()
    slice_ = read_clean(patch.put(patch.directories - 4, "I", 1).content)
    assert (slice_.imports, slice_.needed) == ((), ())
    assert set(slice_.exports) == EXPORTS


def test_an_export_table_may_have_no_name_and_no_entries() -> None:
    """An empty export table without a name gives neither exports nor an identity."""
    patch = Patch()
    table, _size = patch.directory(0)
    patch.put_at(table + 12, "I", 0).put_at(table + 20, "II", 0, 0)
    slice_ = read_clean(patch.content)
    assert (slice_.identity, slice_.exports) == (None, ())


def test_a_forward_by_ordinal_alone_is_an_export() -> None:
    """An entry without a name may stand for a symbol elsewhere too; an empty one is no export."""
    spec = replace(SPEC, exports=(PeExport(symbol=None, forwarder="other.#7"), PeExport(symbol=None)))
    patch = Patch(spec)
    table, _size = patch.directory(0)
    (addresses,) = struct.unpack_from("<I", patch.content, patch.offset(table + 28))
    patch.put_at(addresses + 4, "I", 0)
    assert read_clean(patch.content).exports == (Export(symbol="#1", forward="other.#7", ordinal=1),)


@pytest.mark.parametrize("base", [1, 5, 0, 40_000])
@pytest.mark.parametrize("machine", MACHINES)
def test_every_export_has_the_ordinal_that_pefile_reads(machine: Any, base: int) -> None:
    """Ordinals count from the directory's base; names come in another order than they, and one place has two."""
    names = ("zlib_last", "alpha", None, "middle", None)
    forwards = (None, None, "other.#7", None, None)
    exports = tuple(PeExport(symbol=name, forwarder=to) for name, to in zip(names, forwards, strict=True))
    patch = Patch(replace(SPEC, machine=machine, exports=exports))
    table, _size = patch.directory(0)
    patch.put_at(table + 16, "I", base)
    (indices,) = struct.unpack_from("<I", patch.content, patch.offset(table + 36))
    patch.put_at(indices + 2, "H", 0)  # the second name, `middle`, now stands for what the last one stands for
    oracle = pefile.PE(data=bytes(patch.content))
    wanted = {(one.name.decode() if one.name else f"#{one.ordinal}", one.ordinal) for one in _exports_of(oracle)}
    found = [(one.symbol, one.ordinal) for one in read_clean(patch.content).exports]
    assert set(found) == wanted
    assert len(found) == len(wanted)
    assert dict(found)["middle"] == dict(found)["zlib_last"] == base


def _exports_of(oracle: Any) -> list[Any]:
    """What pefile finds in the export table."""
    return list(oracle.DIRECTORY_ENTRY_EXPORT.symbols)


# -- broken files -------------------------------------------------------------------------------------------------


def test_a_dos_program_is_no_pe() -> None:
    """A DOS header without a PE signature gives no slice and says so."""
    for content in (b"MZ" + bytes(100), b"MZ", Patch().put(HEADER, "I", 0x7FFFFFFF).content):
        binary = read(content)
        assert binary.slices == ()
        assert binary.problems == ("it has a DOS header and no PE signature",)


def test_an_unknown_optional_header_has_a_reason() -> None:
    """Neither PE32 nor PE32+: nothing else can be believed."""
    patch = Patch()
    assert patch.put(patch.optional, "H", 0x107).problems() == (
        "its optional header has the magic 0x107, which no loadable image has",
    )


def test_headers_that_end_early_have_a_reason() -> None:
    """A file that ends within its headers says so."""
    patch = Patch()
    (problem,) = read(patch.content[: patch.optional + 10]).problems
    assert problem.startswith("its headers cannot be read: ")


def test_a_truncated_file_keeps_its_headers() -> None:
    """With the last sections cut off the headers stay, and the first missing byte is named."""
    content = build_pe(SPEC)
    binary = read(content[:-10])
    assert f"section .reloc reaches to byte {len(content)}, behind the end of the file ({len(content) - 10} bytes)" in (
        binary.problems
    )
    assert binary.slices[0].imports == IMPORTS


def test_a_certificate_behind_the_end_is_a_truncation() -> None:
    """The certificate table is found by its place in the file."""
    patch = Patch().set_directory(4, 0x100000, 16)
    assert patch.problems() == (
        f"the certificate table reaches to byte 1048592, behind the end of the file ({len(patch.content)} bytes)",
    )


@pytest.mark.parametrize(
    ("index", "name"),
    [(0, "export table"), (1, "import table"), (10, "load configuration"), (13, "delay-load import table")],
)
def test_a_directory_in_no_section_leaves_the_others(index: int, name: str) -> None:
    """A directory that points nowhere is a problem of its own."""
    patch = Patch(replace(SPEC, load_config=struct.pack("<I", 4) + bytes(300)))
    binary = read(patch.set_directory(index, 0x700000, 40).content)
    assert binary.problems == (f"the {name} cannot be read to its end: address 0x700000 lies in no section",)
    (slice_,) = binary.slices
    assert bool(slice_.exports) is (index != 0)
    assert any(not one.delay for one in slice_.imports) is (index != 1)
    assert any(one.delay for one in slice_.imports) is (index != 13)


def test_a_table_that_the_file_cuts_off_is_a_problem() -> None:
    """A directory whose first bytes are missing says so."""
    patch = Patch()
    reloc = struct.unpack_from("<I", patch.content, patch.sections + 40 * 3 + 12)[0]
    size = struct.unpack_from("<I", patch.content, patch.sections + 40 * 3 + 16)[0]
    (problem,) = patch.set_directory(0, reloc + size - 4, 40).problems()
    assert problem.startswith("the export table cannot be read to its end: ")


def test_a_table_without_an_end_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither libraries nor symbols go on for ever."""
    monkeypatch.setattr(pe, "MAX_LIBRARIES", 1)
    assert Patch().problems() == (
        "the import table cannot be read to its end: no end within 1 libraries",
        "the delay-load import table cannot be read to its end: no end within 1 libraries",
    )


def test_symbols_without_an_end_are_a_problem() -> None:
    """A lookup table that runs to the end of its section was never closed."""
    patch = Patch()
    table, _size = patch.directory(1)
    reloc, size = (struct.unpack_from("<I", patch.content, patch.sections + 40 * 3 + field)[0] for field in (12, 16))
    patch.put_at(table, "I", reloc + size - 8).put_at(reloc + size - 8, "Q", 1 << 63 | 7)
    binary = read(patch.content)
    assert binary.problems == ("the import table cannot be read to its end: no end of the symbols of `python311.dll`",)
    assert binary.slices[0].imports[0] == Import(symbol="#7", raw="#7", library="python311.dll")


def test_symbols_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """More symbols than the ceiling end the table with a problem."""
    monkeypatch.setattr(pe, "MAX_IMPORTS", 3)
    binary = read(build_pe(SPEC))
    assert binary.problems[0] == "the import table cannot be read to its end: more than 3 symbols"
    assert binary.slices[0].imports == IMPORTS[:3]


def test_names_that_overlap_are_bounded() -> None:
    """Many references to one long name add up, and end the table at the ceiling."""
    long_name = b"x" * pe.MAX_NAME
    count = pe.MAX_NAMES // pe.MAX_NAME + 8
    patch = Patch(PeSpec(imports={"a.dll": ("first",)}, rodata=bytes(16 * count) + b"hint" + long_name))
    rdata = next(
        struct.unpack_from("<I", patch.content, patch.sections + 40 * index + 12)[0]
        for index in range(4)
        if patch.content[patch.sections + 40 * index :].startswith(b".rdata\0")
    )
    name = patch.content.index(b"hint" + long_name) - patch.offset(rdata) + rdata
    patch.put_at(rdata, f"{count}Q", *[name] * count)
    table, _size = patch.directory(1)
    patch.put_at(table, "I", rdata)
    assert patch.problems() == (
        f"the import table cannot be read to its end: its names have more than {pe.MAX_NAMES} bytes",
    )


def test_exports_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """More entries than the ceiling are cut and said to be."""
    monkeypatch.setattr(pe, "MAX_EXPORTS", 2)
    binary = read(build_pe(SPEC))
    assert binary.problems[0] == "the export table claims 3 entries; 2 are read"


def test_an_export_without_an_address_is_a_problem() -> None:
    """A name whose number is behind the addresses ends the table."""
    patch = Patch()
    table, _size = patch.directory(0)
    (ordinals,) = struct.unpack_from("<I", patch.content, patch.offset(table + 36))
    patch.put_at(ordinals, "H", 9)
    assert patch.problems() == ("the export table cannot be read to its end: `PyInit_demo` is number 9 of 3",)


def test_missing_sections_are_a_problem() -> None:
    """Fewer sections than the header counts, and more than Windows loads, are both said."""
    patch = Patch()
    blank = patch.sections + 40 * 2
    patch.content[blank : blank + 40] = bytes(40)
    assert "the section table has 2 of 4 sections" in patch.problems()


def test_sections_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """More sections than the ceiling map nothing."""
    monkeypatch.setattr(pe, "MAX_SECTIONS", 1)
    assert "the section table has 4 sections; 1 are read" in Patch().problems()


@pytest.mark.parametrize("machine", MACHINES)
def test_every_truncation_gives_facts_or_a_problem(machine: Any) -> None:
    """Cut at any 64th byte, the file is read without an exception, and never passes for a whole one."""
    content = build_pe(replace(SPEC, machine=machine))
    for end in range(0, len(content), 64):
        assert read(content[:end]).problems


@settings(max_examples=200, deadline=None)
@given(
    machine=st.sampled_from(MACHINES),
    changes=st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(0, 255)), min_size=1, max_size=8),
    tables=st.booleans(),
)
def test_changed_bytes_never_raise(machine: Any, changes: list[tuple[int, int]], tables: bool) -> None:
    """Any change of bytes in the headers or in the tables gives facts, perhaps with problems."""
    content = bytearray(build_pe(replace(SPEC, machine=machine)))
    for place, value in changes:
        content[0x600 + place % (len(content) - 0x600) if tables else place % 0x400] = value
    assert read(content).format is BinaryFormat.PE
