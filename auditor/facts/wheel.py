"""The facts of one wheel, whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.facts.archive import Anomaly, Member
from auditor.facts.attestation import Attestation
from auditor.facts.binary import Binary, ElfDetail, MachODetail, PeDetail, Slice
from auditor.facts.dist_info import EntryPoints, Metadata, Record, WheelFile
from auditor.facts.record import Fact
from auditor.facts.sbom import Sbom

if TYPE_CHECKING:
    from collections.abc import Iterator


class WheelName(Fact, frozen=True, kw_only=True):
    """The parts of a wheel's file name, as written ("Binary distribution format", File name convention)."""

    distribution: str
    version: str
    build: str | None
    python: str
    """The Python tag, perhaps a compressed set such as `cp310.cp311`."""
    abi: str
    platform: str

    @property
    def prefix(self) -> str:
        """`{distribution}-{version}`: what the dist-info and data directories are named after."""
        return f"{self.distribution}-{self.version}"

    @property
    def tag_set(self) -> str:
        """The three tags as the file name has them, joined by `-`."""
        return f"{self.python}-{self.abi}-{self.platform}"


class WheelFacts(Fact, frozen=True, kw_only=True):
    """Everything that was read of one wheel."""

    path: str
    """As the caller gave it."""
    filename: str
    size: int
    sha256: str
    name: WheelName | None
    """None where the file name has not the five or six parts of a wheel's."""
    members: tuple[Member, ...] = ()
    """In the order of the central directory."""
    anomalies: tuple[Anomaly, ...] = ()
    dist_info: str | None = None
    """The dist-info directory that the files below were read from, without a slash."""
    dist_infos: tuple[str, ...] = ()
    """Every top-level `*.dist-info` directory."""
    wheel_file: WheelFile | None = None
    metadata: Metadata | None = None
    record: Record | None = None
    entry_points: EntryPoints | None = None
    attestations: tuple[Attestation, ...] = ()
    """Those that lie beside the wheel; a wheel that is no file of a directory has none."""
    guarded_imports: tuple[str, ...] = ()
    """Under the ABI tag `none`: native modules, by the last part of their names, that the Python sources of the wheel
    import, and only in the body of a `try`: the package provides for their absence."""
    sboms: tuple[Sbom, ...] = ()
    """The documents below the dist-info directory's `sboms/`, by member name."""
    binaries: tuple[Binary, ...] = ()

    def files(self) -> Iterator[Member]:
        """The members that are no directories."""
        return (member for member in self.members if not member.is_directory)

    def elf_slices(self) -> Iterator[tuple[Binary, Slice, ElfDetail]]:
        """Every ELF file with its one slice."""
        for binary, part in self.slices():
            if isinstance(part.detail, ElfDetail):
                yield binary, part, part.detail

    def macho_slices(self) -> Iterator[tuple[Binary, Slice, MachODetail]]:
        """Every slice of every Mach-O file."""
        for binary, part in self.slices():
            if isinstance(part.detail, MachODetail):
                yield binary, part, part.detail

    def pe_slices(self) -> Iterator[tuple[Binary, Slice, PeDetail]]:
        """Every PE file with its one slice."""
        for binary, part in self.slices():
            if isinstance(part.detail, PeDetail):
                yield binary, part, part.detail

    def slices(self) -> Iterator[tuple[Binary, Slice]]:
        """Every slice of every binary."""
        for binary in self.binaries:
            for part in binary.slices:
                yield binary, part
