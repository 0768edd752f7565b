"""Mach-O: one slice an architecture, with what its load commands say and what its tables bind and export.

macholib reads the header and the load commands (`macho_commands`); universal files are taken apart by `macho_fat`,
the tables of dyld are read by `macho_symbols`, and `macho_signature` holds the code signature against the bytes.

Sources: <mach-o/loader.h>; dyld's `Loader.cpp` for which table decides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from macholib import mach_o

from auditor.binary.macho_commands import check_reach, libraries, minimum_os, open_image, search_paths, uuid
from auditor.binary.macho_fat import architecture, is_universal, machine_name, universal_slices
from auditor.binary.macho_sections import debug_size, mark_places
from auditor.binary.macho_signature import read_signature
from auditor.binary.macho_symbols import (
    SymbolTable,
    imports_of,
    merge_weak_bindings,
    read_bind_opcodes,
    read_chained_bindings,
    read_export_trie,
)
from auditor.binary.marks import find_marks
from auditor.facts.binary import Binary, BinaryFormat, FileKind, MachODetail, Slice

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from auditor.binary.macho_commands import Image
    from auditor.binary.macho_symbols import Binding
    from auditor.facts.binary import CodeSignature, Export, Import

_KINDS = {1: FileKind.OBJECT, 2: FileKind.EXECUTABLE, 6: FileKind.SHARED_LIBRARY, 8: FileKind.BUNDLE}
"""MH_OBJECT, MH_EXECUTE, MH_DYLIB, MH_BUNDLE."""
_MH_TWOLEVEL = 0x80


def read_macho(member: str, content: memoryview) -> Binary:
    """The facts of a Mach-O file, one slice an architecture.

    A slice that is a static archive is no slice: nothing loads it. Where all of them are, the result has neither
    slices nor problems, which no other file has.
    """
    problems: list[str] = []
    slices: list[Slice | None] = []
    if is_universal(content):
        for arch, offset, slice_content in universal_slices(content, problems):
            own_problems: list[str] = []
            slices.append(_read_slice(slice_content, offset, fat=True, problems=own_problems))
            problems += [f"in the slice for {arch}: {problem}" for problem in own_problems]
    else:
        slices.append(_read_slice(content, 0, fat=False, problems=problems))
    read = tuple(slice_ for slice_ in slices if slice_ is not None)
    return Binary(member=member, format=BinaryFormat.MACHO, slices=read, problems=tuple(dict.fromkeys(problems)))


def _read_slice(content: memoryview, offset: int, *, fat: bool, problems: list[str]) -> Slice | None:
    image = open_image(content, problems)
    if image is None:
        return None
    header = image.header
    cpu_type, cpu_subtype = header.cputype & 0xFFFFFFFF, header.cpusubtype & 0xFFFFFFFF
    needed, identity = libraries(image)
    check_reach(image)
    install_names = [library.name for library in needed]
    exports = _exports(image, install_names)
    return Slice(
        arch=architecture(cpu_type, cpu_subtype),
        machine=machine_name(cpu_type),
        bits=image.bits,
        little_endian=image.order == "<",
        kind=_KINDS.get(header.filetype, FileKind.OTHER),
        needed=needed,
        search_paths=search_paths(image),
        identity=identity,
        imports=_imports(image, install_names, identity, exports),
        exports=exports,
        minimum_os=minimum_os(image, cpu_type),
        detail=MachODetail(
            cpu_type=cpu_type,
            cpu_subtype=cpu_subtype,
            file_type=int(header.filetype),
            flags=int(header.flags),
            offset=offset,
            size=len(content),
            fat=fat,
            uuid=uuid(image),
            signed=any(True for _ in image.having(mach_o.LC_CODE_SIGNATURE)),
            signature=_signature(image),
            debug_size=debug_size(image),
        ),
        marks=find_marks(mark_places(image)),
    )


def _signature(image: Image) -> CodeSignature | None:
    """The code signature; None where there is none, or one of no bytes, which dyld passes over."""
    for body in image.having(mach_o.LC_CODE_SIGNATURE):
        return read_signature(image.content, body.dataoff, body.datasize) if body.datasize else None
    return None


# -- symbols ------------------------------------------------------------------------------------------------------


def _imports(
    image: Image, install_names: list[str], identity: str | None, exports: tuple[Export, ...]
) -> tuple[Import, ...]:
    """What dyld binds: by chained fixups, else by opcodes, else by the undefined symbols."""
    bindings: Mapping[Binding, None] | Iterator[Binding] = {}
    for body in image.having(mach_o.LC_DYLD_CHAINED_FIXUPS):
        bindings = read_chained_bindings(image.table(body.dataoff, body.datasize), image.order, image.problems)
        break
    else:
        for body in image.having(mach_o.LC_DYLD_INFO, mach_o.LC_DYLD_INFO_ONLY):
            bindings = _opcode_bindings(image, body)
            break
        else:
            two_level = bool(image.header.flags & _MH_TWOLEVEL)
            for symbols in _symbol_tables(image):
                bindings = symbols.bindings(two_level=two_level)
    own = {export.symbol for export in exports if export.library is None}
    return imports_of(bindings, install_names, identity, image.problems, own=own)


def _opcode_bindings(image: Image, body: Any) -> Iterator[Binding]:
    bound, lazy, coalesced = (
        read_bind_opcodes(image.copy(offset, size), kind=kind, problems=image.problems)
        for kind, offset, size in (
            ("bind", body.bind_off, body.bind_size),
            ("lazy-bind", body.lazy_bind_off, body.lazy_bind_size),
            ("weak-bind", body.weak_bind_off, body.weak_bind_size),
        )
    )
    return merge_weak_bindings({**bound, **lazy}, coalesced)


def _exports(image: Image, install_names: list[str]) -> tuple[Export, ...]:
    """The export trie; the symbol table only where no command names a trie, which is how dyld decides too."""
    for body in image.having(mach_o.LC_DYLD_EXPORTS_TRIE):
        return read_export_trie(image.copy(body.dataoff, body.datasize), image.problems, install_names)
    for body in image.having(mach_o.LC_DYLD_INFO, mach_o.LC_DYLD_INFO_ONLY):
        return read_export_trie(image.copy(body.export_off, body.export_size), image.problems, install_names)
    for symbols in _symbol_tables(image):
        return symbols.exports()
    return ()


def _symbol_tables(image: Image) -> Iterator[SymbolTable]:
    """The symbol table; dyld knows no more than one."""
    for body in image.having(mach_o.LC_SYMTAB):
        yield SymbolTable(
            image.table(body.symoff, body.nsyms * (16 if image.bits == 64 else 12)),
            image.table(body.stroff, body.strsize),
            order=image.order,
            bits=image.bits,
            problems=image.problems,
        )
        return
