"""What of one wheel matters beside the others: made from its facts, which may then be forgotten."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from auditor.archive.names import parse_name
from auditor.facts.archive import ContentKind
from auditor.facts.binary import ElfDetail
from auditor.facts.release import WheelSummary
from auditor.loading.layout import Layout

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.facts.dist_info import EntryPoints, Metadata
    from auditor.facts.wheel import WheelFacts

_CLASSIFIER = re.compile(r"Programming Language :: Python :: (\d)\.(\d{1,3})", re.ASCII)

MAX_SOURCES = 10_000
"""Modules of one wheel whose names are kept: 1 MB. The most in a wheel for a platform of the corpus are 988."""
_NATIVE = frozenset(
    {ContentKind.ELF, ContentKind.MACHO, ContentKind.PE, ContentKind.AR, ContentKind.WASM, ContentKind.UNREAD}
)
"""What may be native code; a file that could not be read may be, too."""


def summarise(facts: WheelFacts) -> WheelSummary | None:
    """The summary of a wheel; None where its file name is not a wheel's, so that it belongs to no release."""
    named = summary_of_name(facts.filename)
    if named is None:
        return None
    layout = Layout(facts)
    modules = layout.modules
    marks = [part.marks for binary, part in facts.slices() if binary.member in modules and part.marks is not None]
    levels = [part.detail.x86_isa_needed for _, part in facts.slices() if isinstance(part.detail, ElfDetail)]
    metadata = facts.metadata
    return WheelSummary(
        filename=facts.filename,
        sha256=facts.sha256,
        project=named.project,
        version=named.version,
        name=named.name,
        requires_python=_once(metadata, "Requires-Python"),
        requires_dist=metadata.values("Requires-Dist") if metadata else (),
        extras=metadata.values("Provides-Extra") if metadata else (),
        classified=_classified(metadata),
        described=metadata is not None and not metadata.problems,
        listed=bool(facts.members),
        native=any(member.content in _NATIVE for member in facts.files()),
        packages=tuple(sorted(_packages(layout))),
        extensions=tuple(sorted({module.dotted for module in modules.values()})),
        sources=_sources(layout),
        entry_points=_entry_points(facts.entry_points),
        pyo3=tuple(sorted({one.pyo3 for one in marks if one.pyo3})),
        rustc=tuple(sorted({one.rustc for one in marks if one.rustc})),
        x86_level=max((level.bit_length() for level in levels), default=0),
    )


def summary_of_name(filename: str) -> WheelSummary | None:
    """What the file name alone says; None where it is not a wheel's."""
    from packaging.utils import canonicalize_name

    name = parse_name(filename)
    if name is None:
        return None
    project = canonicalize_name(name.distribution)
    return WheelSummary(filename=filename, project=project, version=normal_version(name.version), name=name)


def normal_version(version: str) -> str:
    """The version as the specification spells it; as written where it is none."""
    from packaging.version import InvalidVersion, Version

    try:
        return str(Version(version.replace("_", "-")))
    except InvalidVersion:
        return version


def _once(metadata: Metadata | None, field: str) -> str | None:
    """The value of a field that stands once; None where it is absent or repeated."""
    values = metadata.values(field) if metadata is not None else ()
    return values[0] if len(values) == 1 else None


def _classified(metadata: Metadata | None) -> tuple[tuple[int, int], ...]:
    """The Python versions that classifiers name."""
    found = (_CLASSIFIER.fullmatch(value.strip()) for value in (metadata.values("Classifier") if metadata else ()))
    return tuple(sorted({(int(match[1]), int(match[2])) for match in found if match}))


def _packages(layout: Layout) -> set[str]:
    """The top-level names below which there is something to import."""
    found = {module.dotted.partition(".")[0] for module in layout.modules.values()}
    for member in layout.wheel.files():
        path = layout.installed_path(member.name)
        if path is None or not path.endswith(".py"):
            continue
        top = path.removesuffix(".py").partition("/")[0]
        if top.isidentifier():
            found.add(top)
    return found


def _sources(layout: Layout) -> tuple[str, ...] | None:
    """The modules that are there as source, and the marks of typed packages; None where there are too many."""
    found = set(_source_names(layout))
    return tuple(sorted(found)) if len(found) <= MAX_SOURCES else None


def _source_names(layout: Layout) -> Iterator[str]:
    """`package/__init__.py` -> `package`, `package/part.py` -> `package.part`, `package/py.typed` as it is."""
    for member in layout.wheel.files():
        path = layout.installed_path(member.name)
        if path is None:
            continue
        if path.endswith("/py.typed"):
            yield path
        elif path.endswith(".py"):
            parts = path.removesuffix(".py").removesuffix("/__init__").split("/")
            if all(part.isidentifier() for part in parts):
                yield ".".join(parts)


def _entry_points(found: EntryPoints | None) -> tuple[str, ...] | None:
    """Each entry point on a line, without spaces that mean nothing; None where the file has problems."""
    if found is None:
        return ()
    if found.problems:
        return None
    return tuple(sorted(f"{one.group}: {one.name} = {''.join(one.value.split())}" for one in found.entries))
