"""ELF: what a Linux or Android tag promises to a loaded file, as one question each for libraries and for symbols.

Sources: PEP 600, PEP 656 and auditwheel's policies (`auditor.platforms.glibc`, `musl`); PEP 738 and Android's list of
stable native libraries (`auditor.platforms.android`).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from auditor.platforms import android, glibc, musl
from auditor.platforms.linux_libraries import glibc_pool, musl_has, system_library
from auditor.platforms.promise import Libc, PlatformPromise, System

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.platforms.glibc import Policy
    from auditor.platforms.linux_libraries import SystemLibrary

_IN_EVERY_PYTHON = ("libc.so.6", "libm.so.6")
"""What each CPython on glibc has loaded itself, whatever the module needs (measured on 3.8 to 3.14). Those that were
built on glibc 2.34 or later, where libpthread, libdl, librt and libutil are empty, do not load these."""
_BROUGHT = {"libstdc++.so.6": ("libm.so.6", "libgcc_s.so.1")}
"""What a library of the platform needs itself, on every distribution."""
_BRING_NO_MORE = frozenset(
    {
        *("libgcc_s.so.1", "libz.so.1", "libexpat.so.1", "libatomic.so.1", "libnsl.so.1"),
        *("libX11.so.6", "libXext.so.6", "libXrender.so.1", "libICE.so.6", "libSM.so.6"),
        *("libglib-2.0.so.0", "libgobject-2.0.so.0", "libgthread-2.0.so.0"),
    }
)
"""Libraries of the policies that need nothing with versions but the C library (measured on Debian 12). Of libGL nothing
can be said: it comes with the graphics driver."""


class Verdict(str, Enum):
    """Whether the platform provides a symbol."""

    YES = "yes"
    NEWER = "newer"
    """A newer release than the promised one has it, or the rules on version nodes speak of it."""
    NO = "no"
    UNKNOWN = "unknown"
    """A library of the platform may have it, whose exports are not known."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The verdict, and which library it rests on."""

    verdict: Verdict
    library: str | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class _Searched:
    """What a process has loaded of the platform, as far as its exports are known."""

    tables: tuple[SystemLibrary, ...]
    absent: Answer
    """What there is to say of a symbol that none of the tables has."""


class ElfPlatform:
    """What the platform tags of one architecture with the same C library of the same version promise."""

    def __init__(self, promises: tuple[PlatformPromise, ...], arch: str) -> None:
        self.promises = promises
        self.arch = arch
        self._tables: dict[str, SystemLibrary | None] = {}
        self._searched_in: dict[tuple[str, ...], _Searched] = {}

    @property
    def promise(self) -> PlatformPromise:
        """The first of the tags, which stands for all."""
        return self.promises[0]

    @property
    def vague(self) -> bool:
        """Whether the tag promises no libraries: `linux_*` does not, nor does one that is newer than every policy."""
        libc = self.promise.libc
        return libc is Libc.ANY or (libc is Libc.GLIBC and self._policy is None)

    @property
    def release(self) -> tuple[int, int]:
        """The promised release of the C library; where none is promised, the newest that is known."""
        if self.promise.version is not None:
            return self.promise.version
        return glibc.NEWEST

    @functools.cached_property
    def _policy(self) -> Policy | None:
        return glibc.policy_for(self.release, self.arch)

    def promised(self, library: str) -> str | None:
        """In words why a library is there on every machine of the platform; None where it need not be."""
        promise = self.promise
        if promise.system is System.ANDROID:
            return f"`{promise.tag}` promises it" if android.is_system_library(library) else None
        if promise.libc is Libc.MUSL or (self.vague and musl.is_musl_library(library)):
            own = musl.takes_for_itself if promise.libc is Libc.MUSL else musl.is_musl_library
            return f"`{promise.tag}` promises it" if own(library) or library in musl.LIBRARIES else None
        policy = self._policy
        if policy is None:
            return f"glibc {self.release[0]}.{self.release[1]} has it" if glibc.is_glibc_library(library) else None
        if library in policy.libraries or glibc.is_loader(library):
            return f"`{promise.tag}` promises it"
        return None

    def is_loader(self, library: str) -> bool:
        """Whether a library is glibc's dynamic loader, which is in every process."""
        return glibc.is_loader(library)

    def brought(self, library: str) -> tuple[str, ...] | None:
        """The libraries with versions that a promised one brings into the process; None where that is not known.

        Of the C library's own it is what they bring on glibc 2.34 and later: nothing but the C library itself.
        """
        if self.promise.libc is Libc.MUSL or self.promise.system is not System.LINUX:
            return None
        if glibc.is_glibc_library(library) or glibc.is_loader(library) or library in _BRING_NO_MORE:
            return ()
        return _BROUGHT.get(library)

    def table(self, library: str) -> SystemLibrary | None:
        """The exports of a promised library; None where they are not known."""
        if library not in self._tables:
            own = musl.takes_for_itself if self.promise.libc is Libc.MUSL else musl.is_musl_library
            known = self.promise.system is System.LINUX and not own(library)
            self._tables[library] = system_library(library, self.arch) if known else None
        return self._tables[library]

    @functools.cached_property
    def _pool(self) -> SystemLibrary | None:
        return glibc_pool(self.arch) if self.promise.system is System.LINUX else None

    def has_versioned(self, symbol: str, node: str, library: str) -> Answer:
        """Whether the platform provides `symbol@node`; `library` is the one that the file names for the node."""
        if self._is_newer(node, library):
            return Answer(Verdict.NEWER, library)
        table = self.table(library)
        if table is None:
            return Answer(Verdict.UNKNOWN, library)
        if table.has(symbol, node):
            return Answer(Verdict.YES, library)
        if not table.defines(node):
            known = self._is_tracked(node, library)  # then a newer release has it, of which the rules on versions speak
            return Answer(Verdict.NEWER if known else Verdict.NO, library, f"`{library}` has no version `{node}`")
        return Answer(Verdict.NO, library, f"`{library}` has no `{symbol}` at `{node}`")

    def _is_tracked(self, node: str, library: str) -> bool:
        """Whether the rules on versions look at a node of this library at all."""
        if glibc.is_glibc_library(library):
            return glibc.node_version(node) is not None
        return node.partition("_")[0] in glibc.TRACKED.get(library, ())

    def _is_newer(self, node: str, library: str) -> bool:
        """Whether the promised release does not have a version node at all: the rules on versions speak of it."""
        if glibc.is_glibc_library(library):
            version = glibc.node_version(node)
            return version is not None and version > self.release
        prefixes, policy = glibc.TRACKED.get(library, ()), self._policy
        prefix, _, number = node.partition("_")
        if policy is None or prefix not in prefixes:
            return False
        return number not in policy.versions[self.arch].get(prefix, frozenset())

    def has_plain(self, symbol: str, loaded: tuple[str, ...]) -> Answer:
        """Whether a library of the platform provides a symbol that is asked for without a version."""
        if self.promise.system is System.ANDROID:
            return Answer(Verdict.UNKNOWN, "libc.so")
        if self.promise.libc is Libc.MUSL:
            return self._musl(symbol, loaded)
        pool = self._pool
        if pool is not None and (nodes := pool.nodes(symbol)):
            first = min((version for node in nodes if (version := glibc.node_version(node))), default=None)
            if first is None or first <= self.release:
                return Answer(Verdict.YES, "libc.so.6")
            return Answer(Verdict.NO, "libc.so.6", f"glibc has it from {first[0]}.{first[1]} on")
        searched = self._searched(loaded)
        giver = next((table for table in searched.tables if table.has(symbol, None)), None)
        return Answer(Verdict.YES, giver.soname) if giver is not None else searched.absent

    def _searched(self, loaded: tuple[str, ...]) -> _Searched:
        """The tables of these libraries, looked up once for all symbols of a process."""
        if loaded not in self._searched_in:
            tables = {library: self.table(library) for library in loaded}
            unknown = [name for name, table in tables.items() if table is None and not glibc.is_glibc_library(name)]
            absent = Answer(Verdict.NO)
            if self._pool is None or unknown or self.vague:
                absent = Answer(Verdict.UNKNOWN, unknown[0] if unknown else None)
            known = tuple(table for table in tables.values() if table is not None)
            self._searched_in[loaded] = _Searched(tables=known, absent=absent)
        return self._searched_in[loaded]

    def _musl(self, symbol: str, loaded: tuple[str, ...]) -> Answer:
        """musl has no version nodes: its names of the promised release are all there is."""
        there = musl_has(symbol, self.release, self.arch)
        if there:
            return Answer(Verdict.YES, "libc.so")
        others = [one for one in loaded if not musl.takes_for_itself(one)]
        for library in others:  # zlib, whose exports are the same on musl
            table = self.table(library)
            if table is not None and table.has(symbol, None):
                return Answer(Verdict.YES, library)
        if there is None or any(self.table(one) is None for one in others):
            return Answer(Verdict.UNKNOWN, others[0] if others else None)
        return Answer(Verdict.NO, "libc.so", self._where_else(symbol))

    def _where_else(self, symbol: str) -> str:
        """What else than the promised musl has a symbol."""
        for release in ((1, 2),):
            if release > self.release and musl_has(symbol, release, self.arch):
                return f"musl has it from {release[0]}.{release[1]} on"
        pool = self._pool
        return "it is a function of glibc" if pool is not None and pool.nodes(symbol) else ""


def process_libraries(platform: ElfPlatform) -> tuple[str, ...]:
    """What the interpreter itself has loaded before any module."""
    return _IN_EVERY_PYTHON if platform.promise.libc is not Libc.MUSL else ()


def elf_platforms(promises: tuple[PlatformPromise, ...]) -> Iterator[ElfPlatform]:
    """The distinct promises among Linux and Android tags, each by its lowest release.

    A newer release of the same C library has all that an older one has: what loads on the oldest loads on all.
    """
    groups: dict[tuple[System, Libc | None, str], list[PlatformPromise]] = {}
    for promise in promises:
        if promise.system in {System.LINUX, System.ANDROID}:
            for arch in promise.architectures:
                groups.setdefault((promise.system, promise.libc, arch), []).append(promise)
    for (_system, _libc, arch), group in groups.items():
        lowest = min(one.version or (0, 0) for one in group)
        same = tuple(one for one in group if (one.version or (0, 0)) == lowest)
        yield ElfPlatform(promises=same, arch=_known_arch(arch))


def _known_arch(arch: str) -> str:
    """The spelling under which the tables know an architecture."""
    if arch == "i386":
        return "i686"
    return "armv7l" if arch.startswith("armv") else arch
