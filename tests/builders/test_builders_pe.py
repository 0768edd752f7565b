"""The PE builder against pefile and lief."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lief
import pefile
import pytest

from tests.builders.pe import PeExport, PeSpec, build_pe, replace

if TYPE_CHECKING:
    from tests.builders.pe import PeMachine

DIRECTORIES = [
    pefile.DIRECTORY_ENTRY[f"IMAGE_DIRECTORY_ENTRY_{name}"]
    for name in ("IMPORT", "DELAY_IMPORT", "EXPORT", "LOAD_CONFIG", "DEBUG", "BASERELOC", "IAT")
]
RICH = PeSpec(
    imports={"python311.dll": ("PyModule_Create2", "PyArg_ParseTuple"), "KERNEL32.dll": ("Sleep", 17)},
    delay_imports={"USER32.dll": ("MessageBoxW",), "WS2_32.dll": (3, "WSAStartup")},
    exports=(
        PeExport(symbol="PyInit_demo"),
        PeExport(symbol=None),
        PeExport(symbol="Beep", forwarder="KERNEL32.Beep"),
    ),
)


def parsed(spec: PeSpec) -> pefile.PE:
    """The file as pefile reads it; a warning of pefile's is a fault of ours."""
    binary = pefile.PE(data=build_pe(spec), fast_load=True)
    binary.parse_data_directories(directories=DIRECTORIES)
    assert binary.get_warnings() == []
    return binary


def lief_parsed(spec: PeSpec) -> lief.PE.Binary:
    """The file as lief reads it."""
    binary = lief.parse(build_pe(spec))
    assert isinstance(binary, lief.PE.Binary)
    return binary


def names(entries: list[pefile.ImportDescData]) -> dict[bytes, list[bytes | int]]:
    """The imports by DLL, an ordinal as a number."""
    return {
        entry.dll: [row.ordinal if row.import_by_ordinal else row.name for row in entry.imports] for entry in entries
    }


@pytest.mark.parametrize(
    ("machine", "number", "magic"),
    [("amd64", 0x8664, 0x20B), ("i386", 0x14C, 0x10B), ("arm64", 0xAA64, 0x20B), ("arm", 0x1C4, 0x10B)],
)
def test_pefile_reads_it_on_every_machine(machine: PeMachine, number: int, magic: int) -> None:
    """Machine, format, imports, delayed imports and exports read back, whatever the machine."""
    binary = parsed(replace(RICH, machine=machine))
    assert (binary.FILE_HEADER.Machine, binary.OPTIONAL_HEADER.Magic) == (number, magic)
    assert names(binary.DIRECTORY_ENTRY_IMPORT) == {
        b"python311.dll": [b"PyModule_Create2", b"PyArg_ParseTuple"],
        b"KERNEL32.dll": [b"Sleep", 17],
    }
    assert names(binary.DIRECTORY_ENTRY_DELAY_IMPORT) == {
        b"USER32.dll": [b"MessageBoxW"],
        b"WS2_32.dll": [3, b"WSAStartup"],
    }
    exports = {each.ordinal: (each.name, each.forwarder) for each in binary.DIRECTORY_ENTRY_EXPORT.symbols}
    assert exports == {1: (b"PyInit_demo", None), 2: (None, None), 3: (b"Beep", b"KERNEL32.Beep")}


@pytest.mark.parametrize("machine", ["amd64", "i386", "arm64"])
def test_lief_agrees(machine: PeMachine) -> None:
    """lief sees the same imports, delayed imports, exports and forwarders."""
    binary = lief_parsed(replace(RICH, machine=machine))
    assert {each.name: [row.name or row.ordinal for row in each.entries] for each in binary.imports} == {
        "python311.dll": ["PyModule_Create2", "PyArg_ParseTuple"],
        "KERNEL32.dll": ["Sleep", 17],
    }
    assert {each.name: [row.name or row.ordinal for row in each.entries] for each in binary.delay_imports} == {
        "USER32.dll": ["MessageBoxW"],
        "WS2_32.dll": [3, "WSAStartup"],
    }
    exports = binary.get_export()
    assert exports is not None
    assert exports.name == "demo.pyd"
    assert [each.name for each in exports.entries if each.is_forwarded] == ["Beep"]
    assert "PyInit_demo" in {each.name for each in exports.entries}


def test_the_layout_is_sound() -> None:
    """lief's check of headers, sections and directories finds nothing wrong."""
    binary = lief_parsed(RICH)
    assert binary.has_relocations
    assert lief.PE.check_layout(binary) == (True, "")
    addresses = [section.virtual_address for section in binary.sections]
    assert addresses == sorted(addresses)
    assert binary.optional_header.sizeof_image == addresses[-1] + 0x1000


def test_exports_run_the_code() -> None:
    """An export's address is that of the code."""
    binary = parsed(RICH)
    (address,) = (each.address for each in binary.DIRECTORY_ENTRY_EXPORT.symbols if each.name == b"PyInit_demo")
    assert binary.get_data(address, 3) == b"\x31\xc0\xc3"


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (RICH, 0x160),
        (replace(RICH, machine="i386"), 0x140),
        (replace(RICH, dll_characteristics=0), 0),
    ],
)
def test_mitigations(spec: PeSpec, expected: int) -> None:
    """ASLR and DEP are on until a test turns them off; high-entropy ASLR exists only on 64-bit machines."""
    assert parsed(spec).OPTIONAL_HEADER.DllCharacteristics == expected


def test_header_fields_are_written_as_given() -> None:
    """Timestamps are 0, and what the specification sets is what stands there."""
    plain = parsed(RICH)
    assert (plain.FILE_HEADER.TimeDateStamp, plain.DIRECTORY_ENTRY_EXPORT.struct.TimeDateStamp) == (0, 0)
    assert plain.is_dll()
    changed = parsed(
        replace(RICH, machine=0x5064, plus=True, is_dll=False, timestamp=7, linker_version=(2, 40), subsystem=3)
    )
    assert not changed.is_dll()
    assert (changed.FILE_HEADER.Machine, changed.FILE_HEADER.TimeDateStamp) == (0x5064, 7)
    header = changed.OPTIONAL_HEADER
    assert (header.MajorLinkerVersion, header.MinorLinkerVersion, header.Subsystem) == (2, 40, 3)


def test_pdb_path_and_overlay() -> None:
    """The CodeView record is found by address and by file offset, and the overlay lies behind everything."""
    content = build_pe(replace(RICH, pdb=r"C:\Users\ci\demo.pdb", overlay=b"signature"))
    binary = pefile.PE(data=content, fast_load=True)
    binary.parse_data_directories(directories=DIRECTORIES)
    (entry,) = binary.DIRECTORY_ENTRY_DEBUG
    assert entry.entry.PdbFileName.rstrip(b"\0") == rb"C:\Users\ci\demo.pdb"
    assert content[entry.struct.PointerToRawData :].startswith(b"RSDS")
    assert content[binary.get_overlay_data_start_offset() :] == b"signature"


def test_load_configuration_and_sections() -> None:
    """A raw load configuration is in its directory, and extra sections are there under their names."""
    config = (312).to_bytes(4, "little") + bytes(308)
    binary = parsed(replace(RICH, load_config=config, rodata=b"pyo3-0.22", extra_sections={".debug_i": b"dwarf"}))
    assert binary.DIRECTORY_ENTRY_LOAD_CONFIG.struct.Size == 312
    sections = {section.Name.rstrip(b"\0"): section.get_data() for section in binary.sections}
    assert sections[b".debug_i"].startswith(b"dwarf")
    assert b"pyo3-0.22" in sections[b".rdata"]


def test_the_smallest_dll_reads() -> None:
    """A DLL with nothing in it is a DLL."""
    binary = parsed(PeSpec())
    assert binary.is_dll()
    assert not hasattr(binary, "DIRECTORY_ENTRY_IMPORT")
