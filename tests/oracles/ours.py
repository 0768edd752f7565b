"""The facts of the project, in the form that they are compared in."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from auditor.binary import RECOGNISE_BYTES, read_binary, recognise
from auditor.facts.archive import NATIVE_KINDS
from auditor.facts.binary import ElfDetail, MachODetail, NeededKind, SearchPathKind
from tests.oracles.model import ordered, single

if TYPE_CHECKING:
    from auditor.facts.binary import Binary, Slice
    from tests.oracles.model import Fields


def read(member: str, content: bytes) -> Binary | None:
    """The facts; None for what is no native file in spite of its first bytes (a Java class, for one)."""
    kind = recognise(content[:RECOGNISE_BYTES], len(content))
    return read_binary(member, memoryview(content), kind) if kind in NATIVE_KINDS else None


def fields(part: Slice) -> Fields:
    """The fields of one slice."""
    if isinstance(part.detail, ElfDetail):
        return elf_fields(part, part.detail)
    return macho_fields(part, part.detail) if isinstance(part.detail, MachODetail) else pe_fields(part)


def elf_fields(part: Slice, detail: ElfDetail) -> Fields:
    """Of an ELF file."""
    paths: dict[SearchPathKind, list[str]] = {kind: [] for kind in SearchPathKind}
    for one in part.search_paths:
        paths[one.kind].append(one.path)
    return {
        "needed": ordered(one.name for one in part.needed if one.kind is NeededKind.NORMAL),
        "soname": single(part.identity),
        "rpath": ordered(paths[SearchPathKind.RPATH]),
        "runpath": ordered(paths[SearchPathKind.RUNPATH]),
        "imports": Counter((one.symbol, one.version, one.weak) for one in part.imports),
        "import libraries": Counter((one.symbol, one.library, one.version) for one in part.imports),
        "exports": Counter((one.symbol, one.version, one.weak) for one in part.exports),
        "version needs": Counter((one.library, one.version, one.weak) for one in detail.version_needs),
        "version definitions": ordered(detail.version_definitions),
        "executable stack": single(detail.executable_stack),
        "interpreter": single(detail.interpreter),
    }


def pe_fields(part: Slice) -> Fields:
    """Of a PE image."""
    return {
        "needed": ordered(one.name for one in part.needed if one.kind is NeededKind.NORMAL),
        "delay": ordered(one.name for one in part.needed if one.kind is NeededKind.DELAY),
        "imports": Counter((one.library, one.symbol) for one in part.imports if not one.delay),
        "delayed imports": Counter((one.library, one.symbol) for one in part.imports if one.delay),
        "exports": Counter((one.symbol, one.forward) for one in part.exports),
    }


def macho_fields(part: Slice, detail: MachODetail) -> Fields:
    """Of a slice of a Mach-O file."""
    minimum = part.minimum_os
    return {
        "libraries": ordered(f"{one.kind.value} {one.name}" for one in part.needed),
        "rpaths": ordered(one.path for one in part.search_paths),
        "id": single(part.identity),
        "minimum OS": Counter() if minimum is None else Counter([(minimum.platform, *minimum.version)]),
        "uuid": single(detail.uuid),
        "signed": single(detail.signed),
        "imports": Counter((one.raw or one.symbol, one.library, one.lookup.value, one.weak) for one in part.imports),
        "exports": Counter((one.symbol, one.weak) for one in part.exports),
        "re-exports": Counter(
            (one.symbol, one.forward, one.library) for one in part.exports if one.forward is not None
        ),
    }
