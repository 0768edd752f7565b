"""ELF, PE and Mach-O as LIEF reads them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import lief

from tests.oracles.model import OracleError, ordered, single

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.oracles.model import Fields, Row

lief.logging.disable()


def read_elf(content: bytes) -> Fields:
    """The fields of an ELF file. Raises OracleError."""
    config = lief.ELF.ParserConfig()
    config.parse_relocations = config.parse_symtab_symbols = config.parse_overlay = config.parse_notes = False
    elf = lief.ELF.parse(content, config)
    if elf is None:
        raise OracleError("it is not parsed")
    tags: dict[str, list[Any]] = {}
    for entry in elf.dynamic_entries:
        tags.setdefault(entry.tag.name, []).append(entry)
    kind = lief.ELF.Segment.TYPE.GNU_STACK
    stack: Any = elf.get(kind)
    return {
        "needed": ordered(one.name for one in tags.get("NEEDED", [])),
        "soname": single(tags["SONAME"][-1].name if "SONAME" in tags else None),
        "rpath": ordered(tags["RPATH"][-1].rpath.split(":") if "RPATH" in tags else []),
        "runpath": ordered(tags["RUNPATH"][-1].runpath.split(":") if "RUNPATH" in tags else []),
        "version needs": _needs(elf),
        "version definitions": ordered(
            _text(next(iter(one.auxiliary_symbols)).name) for one in elf.symbols_version_definition if not one.flags & 1
        ),
        "executable stack": single(None if stack is None else bool(int(stack.flags) & 1)),
        "interpreter": single(elf.interpreter if elf.has_interpreter else None),
        **_elf_symbols(elf),
    }


def _needs(elf: Any) -> Counter[Row]:
    return Counter(
        (need.name, one.name, bool(one.flags & 2))
        for need in elf.symbols_version_requirement
        for one in need.get_auxiliary_symbols()
    )


def _elf_symbols(elf: Any) -> Fields:
    imports: Counter[Row] = Counter()
    exports: Counter[Row] = Counter()
    for symbol in elf.dynamic_symbols:
        # The numbers, for LIEF has no names for all of them: 1 global, 2 weak, 10 unique; 1 internal, 2 hidden.
        binding, visibility = symbol.information >> 4, symbol.other & 3
        name, defined = _text(symbol.name), symbol.shndx != 0
        if binding not in {1, 2, 10} or not name or (defined and visibility in {1, 2}):
            continue
        version = symbol.symbol_version if symbol.has_version else None
        named = version is not None and version.has_auxiliary_version
        found = version.symbol_version_auxiliary.name if version is not None and named else None
        (exports if defined else imports)[name, found, binding == 2] += 1
    return {"imports": imports, "exports": exports}


def read_pe(content: bytes) -> Fields:
    """The fields of a PE image. Raises OracleError."""
    config = lief.PE.ParserConfig()
    config.parse_signature = config.parse_rsrc = config.parse_reloc = config.parse_exceptions = False
    image = lief.PE.parse(content, config)
    if image is None:
        raise OracleError("it is not parsed")
    export = image.get_export()
    return {
        "needed": ordered(_text(one.name) for one in image.imports),
        "delay": ordered(_text(one.name) for one in image.delay_imports),
        "imports": Counter(_pe_imports(image.imports)),
        "delayed imports": Counter(_pe_imports(image.delay_imports)),
        "exports": Counter(_pe_exports(export.entries if export is not None else ())),
    }


def _pe_imports(libraries: Any) -> Iterator[Row]:
    for library in libraries:
        for one in library.entries:
            yield library.name, f"#{one.ordinal}" if one.is_ordinal else _text(one.name)


def _pe_exports(entries: Any) -> Iterator[Row]:
    for one in entries:
        forward = None
        if one.is_forwarded:
            target = one.forward_information
            forward = f"{target.library}.{target.function}"
        if one.name or one.address or forward:
            yield _text(one.name) or f"#{one.ordinal}", forward


def read_macho(content: bytes) -> dict[int, Fields]:
    """The fields of each slice, by its offset in the file. Raises OracleError."""
    config = lief.MachO.ParserConfig()
    config.parse_dyld_exports = config.parse_dyld_bindings = True
    config.parse_dyld_rebases = False
    fat = lief.MachO.parse(content, config)
    if fat is None:
        raise OracleError("it is not parsed")
    return {one.fat_offset: _slice(one) for one in fat}


_KINDS = {
    "LOAD_DYLIB": "normal",
    "LOAD_WEAK_DYLIB": "weak",
    "REEXPORT_DYLIB": "reexport",
    "LOAD_UPWARD_DYLIB": "upward",
    "LAZY_LOAD_DYLIB": "lazy",
}
_COALESCED = -3
_LOOKUPS = {0: "self", -1: "main", -2: "flat", _COALESCED: "coalesced"}
"""What BIND_SPECIAL_DYLIB_ says."""


def _slice(image: Any) -> Fields:
    names = [one.name for one in image.libraries if one.command.name in _KINDS]
    own = [one.name for one in image.commands if one.command.name == "ID_DYLIB"]
    fields: Fields = {
        "libraries": ordered(
            f"{_KINDS[one.command.name]} {one.name}" for one in image.libraries if one.command.name in _KINDS
        ),
        "rpaths": ordered(one.path for one in image.rpaths),
        "id": single(own[-1] if own else None),
        "minimum OS": _minimum(image),
        "uuid": single(_uuid(bytes(image.uuid.uuid).hex().upper()) if image.has_uuid else None),
        "signed": single(bool(image.has_code_signature)),
    }
    if image.dyld_exports_trie is not None or image.dyld_info is not None:
        exports, defined = _macho_exports(image)
        fields |= {**exports, "imports": _macho_imports(image, names, own[-1] if own else None, defined)}
    return fields


def _uuid(digits: str) -> str:
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _minimum(image: Any) -> Counter[Row]:
    if image.has_build_version:
        command = image.build_version
        return Counter([(command.platform.name.lower().replace("_", ""), *command.minos)])
    if image.has_version_min:
        command = image.version_min
        platform = {"VERSION_MIN_MACOSX": "macos", "VERSION_MIN_IPHONEOS": "ios"}[command.command.name]
        return Counter([(platform, *command.version)])
    return Counter()


def _macho_imports(image: Any, names: list[str], identity: str | None, own: set[str]) -> Counter[Row]:
    """What is bound; one row a symbol and library, however often it is stored.

    A symbol that is only coalesced may be absent, and is no import where the image defines it too (`own`).
    """
    libraries: dict[int, str | None] = {0: identity, **dict(enumerate(names, start=1))}
    bound: dict[tuple[str, int, bool], None] = {}
    coalesced: dict[str, None] = {}
    chained = image.has_dyld_chained_fixups
    for one in image.bindings:
        if not one.has_symbol:
            continue
        name = _text(one.symbol.name)
        if not chained and one.binding_class.name == "WEAK":
            coalesced[name] = None
        else:
            bound[name, one.library_ordinal, bool(one.weak_import)] = None
    there = {name for name, _ordinal, _weak in bound}
    bound.update({(name, _COALESCED, True): None for name in coalesced if name not in there})
    return Counter(
        (name, libraries.get(ordinal), _LOOKUPS.get(ordinal, "named"), weak)
        for name, ordinal, weak in bound
        if ordinal != _COALESCED or name not in own
    )


def _macho_exports(image: Any) -> tuple[Fields, set[str]]:
    """The fields, and the names of what the image itself defines."""
    exports: Counter[Row] = Counter()
    again: Counter[Row] = Counter()
    own = set()
    for one in (image.dyld_exports_trie or image.dyld_info).exports:
        name = _text(one.symbol.name)
        symbol = name.removeprefix("_")
        exports[symbol, bool(one.flags & 4)] += 1
        if one.flags & 8:
            alias = symbol if one.alias is None else _text(one.alias.name).removeprefix("_")
            again[symbol, alias, None if one.alias_library is None else one.alias_library.name] += 1
        else:
            own.add(name)
    return {"exports": exports, "re-exports": again}, own


def _text(name: str | bytes) -> str:
    return name if isinstance(name, str) else name.decode("utf-8", "backslashreplace")
