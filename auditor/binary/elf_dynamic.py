"""ELF: the dynamic section, and the tables that it points to.

Sources: gABI, Dynamic Section; the GNU extensions of <elf.h>.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from elftools.common.exceptions import ELFError
from elftools.elf.dynamic import Dynamic

from auditor.binary.elf_segments import PT_DYNAMIC
from auditor.binary.elf_tables import Strings, Versions, read_strings, read_symbols, read_versions
from auditor.facts.binary import Needed, NeededKind, SearchPath, SearchPathKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from elftools.elf.elffile import ELFFile

    from auditor.binary.elf_stream import Stream
    from auditor.binary.elf_tables import Image, Tags
    from auditor.facts.binary import Export, Import, Segment

MAX_DYNAMIC_ENTRIES = 10_000
"""Entries of the dynamic section: real ones have some 30, and one more for each needed library."""
MAX_NEEDED = 4096
"""DT_NEEDED, DT_FILTER and DT_AUXILIARY entries: no file of our corpus has more than 15."""
MAX_SEARCH_PATHS = 4096
"""Directories of DT_RPATH and DT_RUNPATH together."""


class _NoStrings:
    """Stands for the string table where pyelftools wants one: we look the strings up ourselves."""

    def get_string(self, _offset: int) -> str:
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Linkage:
    """What the dynamic section says."""

    tags: Tags = field(default_factory=dict)
    needed: tuple[Needed, ...] = ()
    search_paths: tuple[SearchPath, ...] = ()
    soname: str | None = None
    versions: Versions = field(default_factory=lambda: Versions(by_index={}))
    imports: tuple[Import, ...] = ()
    exports: tuple[Export, ...] = ()


def read_linkage(
    elf: ELFFile, stream: Stream, image: Image, segments: Sequence[Segment], refusals: list[str]
) -> Linkage | None:
    """What PT_DYNAMIC says: an empty record where there is none, None where no loader could use it."""
    dynamic = [segment for segment in segments if segment.type == PT_DYNAMIC]
    if not dynamic:
        return Linkage()
    entries = _dynamic_entries(elf, stream, image, dynamic[-1], refusals)
    tags = dict(entries)
    missing = [tag for tag in ("DT_STRTAB", "DT_SYMTAB") if tag not in tags]
    if missing:
        if entries:
            refusals.append(f"the dynamic section has no {' and no '.join(missing)}")
        return None
    strings = read_strings(image, tags, refusals)
    versions = read_versions(image, tags, strings, refusals)
    imports, exports = read_symbols(image, tags, strings, versions, refusals)
    linkage = Linkage(
        tags=tags,
        needed=_needed(entries, strings, refusals),
        search_paths=_search_paths(tags, strings, refusals),
        soname=strings.at(tags["DT_SONAME"]) if "DT_SONAME" in tags else None,
        versions=versions,
        imports=imports,
        exports=exports,
    )
    if strings.missed:
        refusals.append(
            f"{strings.missed} names could not be read: they start behind the end of the string table"
            f" ({len(strings)} bytes), have no end, or are too long"
        )
    return linkage


def _dynamic_entries(
    elf: ELFFile, stream: Stream, image: Image, segment: Segment, refusals: list[str]
) -> list[tuple[str | int, int]]:
    """Tags with their values up to DT_NULL. Where they lie says p_vaddr, for the loader never looks at p_offset."""
    place = image.offset(segment.address)
    if place is None:
        refusals.append(_unplaced(segment, len(image.content)))
        return []
    offset, end = place
    entries: list[tuple[str | int, int]] = []
    stream.end = end
    tags = Dynamic(stream, elf, _NoStrings(), offset, empty=False).iter_tags()
    try:
        # A list that fails half-way keeps what was read before, which a comprehension would lose.
        entries.extend((tag["d_tag"], tag["d_val"]) for tag in islice(tags, MAX_DYNAMIC_ENTRIES))
    except ELFError:
        refusals.append(f"the dynamic section at offset {offset} has no end (DT_NULL) before its segment ends at {end}")
    finally:
        stream.end = len(image.content)
    if len(entries) == MAX_DYNAMIC_ENTRIES:
        refusals.append(f"the dynamic section has more than {MAX_DYNAMIC_ENTRIES} entries; the rest was not read")
    return entries


def _unplaced(segment: Segment, size: int) -> str:
    """Why the dynamic section is nowhere in the file."""
    if segment.offset >= size:
        return f"the dynamic section lies at offset {segment.offset}, behind the end of the file ({size} bytes)"
    return f"the dynamic section lies at address {segment.address:#x}, of which no segment to load has bytes"


def _needed(entries: list[tuple[str | int, int]], strings: Strings, problems: list[str]) -> tuple[Needed, ...]:
    """DT_NEEDED in its order, and the libraries that this one filters (gABI; DT_AUXILIARY, DT_FILTER of Solaris)."""
    kinds = {
        "DT_NEEDED": NeededKind.NORMAL,
        "DT_FILTER": NeededKind.FILTER,
        "DT_AUXILIARY": NeededKind.FILTER,
    }
    wanted = [(kinds[tag], offset) for tag, offset in entries if isinstance(tag, str) and tag in kinds]
    if len(wanted) > MAX_NEEDED:
        problems.append(f"{len(wanted)} libraries are needed; those after the first {MAX_NEEDED} were not read")
    named = ((kind, strings.at(offset)) for kind, offset in wanted[:MAX_NEEDED])
    return tuple(Needed(name=name, kind=kind) for kind, name in named if name is not None)


def _search_paths(tags: Tags, strings: Strings, problems: list[str]) -> tuple[SearchPath, ...]:
    """DT_RPATH, then DT_RUNPATH, split at the colons; an empty directory means the current one."""
    paths: list[SearchPath] = []
    for tag, kind in (("DT_RPATH", SearchPathKind.RPATH), ("DT_RUNPATH", SearchPathKind.RUNPATH)):
        text = strings.at(tags[tag]) if tag in tags else None
        if text is not None:
            paths += [SearchPath(path=path, kind=kind) for path in text.split(":")]
    if len(paths) > MAX_SEARCH_PATHS:
        problems.append(f"there are {len(paths)} search paths; those after the first {MAX_SEARCH_PATHS} were left out")
    return tuple(paths[:MAX_SEARCH_PATHS])
