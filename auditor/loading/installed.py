"""A native file where it is installed, and as one of those that a process has loaded."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from auditor.loading.model import Library, Origin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.facts.binary import Binary, Needed, Slice
    from auditor.loading.layout import Layout, Role


@dataclass(frozen=True, slots=True, eq=False)
class Installed:
    """A slice of a file of the wheel, where it is installed. Two are the same only if they are one object."""

    binary: Binary
    part: Slice
    role: Role
    path: str
    """Its absolute path below `/prefix`; in lower case on Windows, which does not tell the cases apart."""

    @property
    def member(self) -> str:
        """Its name in the archive."""
        return self.binary.member

    @property
    def directory(self) -> str:
        """What `$ORIGIN` and `@loader_path` stand for."""
        return posixpath.dirname(self.path)


File = TypeVar("File", bound=Installed)


@dataclass(slots=True, eq=False)
class Loaded(Generic[File]):
    """A file in a process: who asked for it first decides how its own libraries are looked for."""

    file: File
    loader: Loaded[File] | None
    libraries: list[Library] = field(default_factory=list)

    def chain(self) -> Iterator[Loaded[File]]:
        """This file, the one that loaded it, and so on up to the root."""
        one: Loaded[File] | None = self
        while one is not None:
            yield one
            one = one.loader


def directories_of(layout: Layout) -> frozenset[str]:
    """The directories in which a wheel installs a file, as absolute paths below `/prefix`."""
    places = (layout.place(member.name) for member in layout.wheel.files())
    return frozenset(posixpath.dirname(place) for place in places if place is not None)


def not_found(
    needed: Needed,
    origin: Origin,
    why: str | None = None,
    *,
    member: str | None = None,
    searched: tuple[str, ...] = (),
) -> Library:
    """A library that the loader does not find by itself; of a missing one `why` says how it may be there after all."""
    missing = origin is Origin.MISSING
    return Library(
        name=needed.name,
        kind=needed.kind,
        origin=origin,
        how=None if missing else why,
        doubt=why if missing else None,
        member=member,
        searched=searched,
    )
