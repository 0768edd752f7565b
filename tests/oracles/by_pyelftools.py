"""ELF as pyelftools reads it, by the section headers: another way than ours, which goes by the program headers."""

from __future__ import annotations

from collections import Counter
from io import BytesIO
from typing import TYPE_CHECKING, Any

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile

from tests.oracles.model import OracleError, ordered, single

if TYPE_CHECKING:
    from tests.oracles.model import Fields, Row

Versions = dict[int, tuple[str | None, str | None]]
"""Library and version by version index."""
_NONE = (None, None)


def read_elf(content: bytes) -> Fields:
    """The fields of an ELF file. Raises OracleError."""
    try:
        elf = ELFFile(BytesIO(content))
        sections: dict[str, Any] = {}
        for section in elf.iter_sections():
            sections.setdefault(section["sh_type"], section)
        return {**_dynamic(sections.get("SHT_DYNAMIC")), **_symbols(sections), **_segments(elf)}
    except (ELFError, ValueError, KeyError) as error:
        raise OracleError(str(error)) from error


def _dynamic(section: Any) -> Fields:
    """The dynamic section's own strings."""
    tags = [] if section is None or section["sh_size"] == 0 else list(section.iter_tags())
    rpaths = [tag.rpath.split(":") for tag in tags if tag.entry.d_tag == "DT_RPATH"]
    runpaths = [tag.runpath.split(":") for tag in tags if tag.entry.d_tag == "DT_RUNPATH"]
    return {
        "needed": ordered(tag.needed for tag in tags if tag.entry.d_tag == "DT_NEEDED"),
        "soname": single(next((tag.soname for tag in tags if tag.entry.d_tag == "DT_SONAME"), None)),
        "rpath": ordered(rpaths[-1] if rpaths else []),
        "runpath": ordered(runpaths[-1] if runpaths else []),
    }


def _symbols(sections: dict[str, Any]) -> Fields:
    """.dynsym with the versions that .gnu.version, .gnu.version_r and .gnu.version_d give."""
    versions: Versions = {}
    needs, definitions = _needs(sections, versions), _definitions(sections, versions)
    imports: Counter[Row] = Counter()
    libraries: Counter[Row] = Counter()
    exports: Counter[Row] = Counter()
    table, indexes = sections.get("SHT_DYNSYM"), sections.get("SHT_GNU_versym")
    for number, symbol in enumerate(() if table is None else table.iter_symbols()):
        bind, name, visibility = symbol["st_info"]["bind"], symbol.name, symbol["st_other"]["visibility"]
        defined = symbol["st_shndx"] != "SHN_UNDEF"
        if bind not in {"STB_GLOBAL", "STB_WEAK", "STB_LOOS"} or not name:
            continue
        if defined and visibility in {"STV_HIDDEN", "STV_INTERNAL"}:
            continue
        index: int | str = 1 if indexes is None else indexes.get_symbol(number)["ndx"]
        # pyelftools has names for 0 and 1, local and global, which say no version.
        library, version = versions.get(index & 0x7FFF, _NONE) if isinstance(index, int) else _NONE
        weak = bind == "STB_WEAK"
        if defined:
            exports[name, version, weak] += 1
        else:
            imports[name, version, weak] += 1
            libraries[name, library, version] += 1
    return {
        "version needs": needs,
        "version definitions": definitions,
        "imports": imports,
        "import libraries": libraries,
        "exports": exports,
    }


def _needs(sections: dict[str, Any], versions: Versions) -> Counter[Row]:
    needs: Counter[Row] = Counter()
    section = sections.get("SHT_GNU_verneed")
    for need, auxiliaries in () if section is None else section.iter_versions():
        for one in auxiliaries:
            versions[one["vna_other"] & 0x7FFF] = (need.name, one.name)
            needs[need.name, one.name, bool(one["vna_flags"] & 2)] += 1
    return needs


def _definitions(sections: dict[str, Any], versions: Versions) -> Counter[Row]:
    names = []
    section = sections.get("SHT_GNU_verdef")
    for definition, auxiliaries in () if section is None else section.iter_versions():
        first = next(iter(auxiliaries)).name
        if not definition["vd_flags"] & 1:
            versions[definition["vd_ndx"]] = (None, first)
            names.append(first)
    return ordered(names)


def _segments(elf: ELFFile) -> Fields:
    stack, interpreter = None, None
    for segment in elf.iter_segments():
        if segment["p_type"] == "PT_GNU_STACK":
            stack = bool(segment["p_flags"] & 1)
        elif segment["p_type"] == "PT_INTERP" and interpreter is None:
            interpreter = segment.get_interp_name()
    return {"executable stack": single(stack), "interpreter": single(interpreter)}
