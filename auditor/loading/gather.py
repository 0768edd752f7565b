"""Gathers what is seen of each image under one root after the other, into one record an image."""

from __future__ import annotations

import posixpath
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from msgspec import structs

from auditor.loading.layout import Role
from auditor.loading.model import ABSENT, Image, Library, MissingSymbol, Origin, Provided, Resolution

if TYPE_CHECKING:
    from collections.abc import Iterable

    from auditor.loading.external import Surroundings
    from auditor.platforms.promise import PlatformPromise

_ROOTS_SHOWN = 10
ROOT_ROLES = frozenset({Role.EXTENSION, Role.EXECUTABLE})
_RANKS = {origin: rank for rank, origin in enumerate(Origin)}
"""The later, the worse: of one library under several roots the worst is shown."""
_UNREACHED = "nothing in the wheel loads it: where its symbols come from is up to who does"


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What came of one image's imports under all of its roots."""

    providers: Counter[str] = field(default_factory=Counter)
    missing: dict[tuple[str, str | None], MissingSymbol] = field(default_factory=dict)
    orphans: dict[str, None] = field(default_factory=dict)
    unknown: dict[str, None] = field(default_factory=dict)

    def miss(self, symbol: MissingSymbol, root: str) -> None:
        """Record that a symbol is not found under a root."""
        key = symbol.symbol, symbol.version
        known = self.missing.get(key)
        roots = known.roots if known is not None else ()
        self.missing[key] = structs.replace(
            symbol,
            certain=symbol.certain or (known is not None and known.certain),
            roots=tuple(dict.fromkeys((*roots, root)))[:_ROOTS_SHOWN],
        )


@dataclass(slots=True)
class _Seen:
    """One image, while its roots are loaded one after the other."""

    role: Role
    libraries: dict[str, Library] = field(default_factory=dict)
    outcome: Outcome = field(default_factory=Outcome)
    root: bool = False
    reached: bool = False


class Gathering:
    """All images of one wheel on one platform, by member."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        self._seen: dict[str, _Seen] = {}

    def outcome(self, member: str) -> Outcome:
        """What came of an image's imports so far."""
        return self._seen[member].outcome

    def is_reached(self, member: str) -> bool:
        """Whether a root that is imported or started has loaded it."""
        return member in self._seen and self._seen[member].reached

    def is_known(self, member: str) -> bool:
        """Whether it was loaded under any root."""
        return member in self._seen

    def begin(self, member: str, role: Role) -> None:
        """A root is loaded next."""
        self._seen.setdefault(member, _Seen(role)).root = True

    def remember(self, member: str, role: Role, libraries: Iterable[Library], *, root: str, root_role: Role) -> None:
        """Keep, of each library that an image needs, the worst that happens under any root."""
        seen = self._seen.setdefault(member, _Seen(role))
        seen.reached = seen.reached or root_role in ROOT_ROLES
        for library in libraries:
            before = seen.libraries.get(library.name)
            if library.origin not in ABSENT:
                if before is None:
                    seen.libraries[library.name] = library
                continue
            roots: tuple[str, ...] = ()
            worst = library
            if before is not None and before.origin in ABSENT:
                roots = before.roots
                worst = before if _RANKS[before.origin] >= _RANKS[library.origin] else library
            roots = tuple(dict.fromkeys((*roots, root)))[:_ROOTS_SHOWN]
            seen.libraries[library.name] = structs.replace(worst, roots=roots)

    def resolution(self, promises: tuple[PlatformPromise, ...], arch: str) -> Resolution:
        """The whole."""
        return Resolution(
            platforms=tuple(promise.tag for promise in promises),
            arch=arch,
            images=tuple(self._image(member, seen) for member, seen in sorted(self._seen.items())),
        )

    def _image(self, member: str, seen: _Seen) -> Image:
        """The record of one image."""
        outcome = seen.outcome
        libraries = tuple(seen.libraries.values())
        named = not seen.reached and self._surroundings.loads(f"/{member}")
        if not seen.reached:
            libraries = tuple(self._in_its_host(member, library, named=named) for library in libraries)
        return Image(
            member=member,
            role=seen.role.value,
            root=seen.root,
            reached=seen.reached,
            named=named,
            libraries=libraries,
            providers=tuple(Provided(by=by, symbols=count) for by, count in sorted(outcome.providers.items())),
            missing=tuple(
                outcome.missing[key] for key in sorted(outcome.missing, key=lambda key: (key[0], key[1] or ""))
            ),
            orphan_versions=tuple(outcome.orphans),
            unknown=tuple(outcome.unknown) if seen.reached else (_UNREACHED,),
        )

    def _in_its_host(self, member: str, library: Library, *, named: bool) -> Library:
        """A library that a plug-in would not find by itself, and that its host has loaded by then.

        A file that nothing in the wheel loads or names has its host elsewhere. So it is with two libraries in one
        directory: who finds the one finds the other (LD_LIBRARY_PATH, a linker).
        """
        if library.origin is not Origin.UNREACHABLE or library.member is None:
            return library
        together = posixpath.dirname(member) == posixpath.dirname(library.member)
        if not named or together or self.is_reached(library.member):
            how = "what loads it may have loaded the library before"
            return structs.replace(library, origin=Origin.PROCESS, how=how, roots=())
        return library
