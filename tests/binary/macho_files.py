"""Shared by the tests of the Mach-O reader: a bundle that has a bit of everything, and the facts of a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.binary import read_binary
from auditor.binary.macho import read_macho
from auditor.facts.archive import ContentKind
from auditor.facts.binary import Export, Import, Lookup, MachODetail
from tests.builders.macho import LIBSYSTEM, MachoExport, MachoImport, MachoLibrary, MachoSpec

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
