"""What the C libraries of Linux and the system libraries of the manylinux policies export, by architecture.

Sources: the symbols files and dynamic symbol tables of Debian's packages, packed in data/ (see their provenance).
glibc, libstdc++ and libgcc_s keep every version node for ever, so the table of a current release, cut at a node,
tells what each older release exports. musl has no versions: its names are listed for each release that a tag can name.

Architectures are spelled as platform tags spell them. A table is read when it is first asked for, one architecture
at a time, and kept.
"""

from __future__ import annotations

import functools
import gzip
from typing import TYPE_CHECKING

from auditor.facts.record import Fact
from auditor.platforms import glibc

if TYPE_CHECKING:
    from collections.abc import Iterable

KNOWN_AT = "2026-11-22"
ARCHITECTURES = frozenset({"x86_64", "i686", "aarch64", "armv7l", "ppc64le", "s390x", "riscv64", "loongarch64"})
"""What there are tables of."""
GLIBC_RELEASE = (2, 43)
"""The glibc that the tables were taken from: of a later one they know what it exports, not what it lacks."""
MUSL_RELEASES = ((1, 1), (1, 2))
"""The musl releases that there are tables of."""
PRIVATE = "GLIBC_PRIVATE"
"""glibc's node for what its own libraries share: it exists, and no release promises what is in it."""
_POOL = ("libc", "libm", "libpthread", "libdl", "librt", "libutil", "ld")


class SystemLibrary(Fact, frozen=True, kw_only=True):
    """The exports of one library of the system on one architecture."""

    soname: str
    exports: dict[str, tuple[str, ...]]
    """Symbol -> the version nodes under which it is exported; an empty node for an export without a version."""
    defined: frozenset[str]
    """The version nodes that the library defines, those without a symbol included."""

    @property
    def versioned(self) -> bool:
        """Whether the library defines version nodes at all."""
        return bool(self.defined)

    def nodes(self, symbol: str) -> tuple[str, ...]:
        """The version nodes under which `symbol` is exported: `("",)` without versions, empty where it is not."""
        return self.exports.get(symbol, ())

    def has(self, symbol: str, node: str | None) -> bool:
        """Whether a reference to `symbol` at `node` (None: without a version) finds something in the library.

        As ld.so has it: an export without a version satisfies every reference. For a reference without a version any
        node will do, though ld.so takes the base version or the default alone: the tables do not tell those apart.
        """
        nodes = self.exports.get(symbol, ())
        return bool(nodes) and (node is None or node in nodes or "" in nodes)

    def defines(self, node: str) -> bool:
        """Whether the library defines the version `node`, which ld.so checks before it looks for any symbol."""
        return node in self.defined


def system_library(soname: str, arch: str) -> SystemLibrary | None:
    """The exports of a library that the manylinux policies allow, on `arch`; None where there is no table of it.

    For a library of glibc it is all of `glibc_pool`, with the library's own on top, because glibc has moved symbols
    between its libraries. libstdc++ and the others are as new as the table: ask the policies about older ones.
    """
    if soname in glibc_libraries(arch):
        pool = glibc_pool(arch)
        return _merged(soname, (pool, _library("glibc", soname, arch))) if pool else None
    if glibc.is_glibc_library(soname):
        return None
    return _library("compiler_libraries", soname, arch) or _library("policy_libraries", soname, arch)


def glibc_libraries(arch: str) -> frozenset[str]:
    """The SONAMEs of glibc's libraries on `arch`, that of its loader among them; empty without a table of `arch`."""
    return frozenset(soname for soname, defines in _defined("glibc").items() if arch in defines)


@functools.cache
def glibc_pool(arch: str) -> SystemLibrary | None:
    """The exports of libc, libm, libpthread, libdl, librt, libutil and ld.so of `GLIBC_RELEASE`, as one library.

    Python itself loads them, and 2.34 moved 316 symbols between them. None where there is no table of `arch`.
    """
    names = sorted(name for name in glibc_libraries(arch) if glibc.is_loader(name) or name.split(".")[0] in _POOL)
    return _merged("libc.so.6", (_library("glibc", name, arch) for name in names)) if names else None


def glibc_has(symbol: str, node: str | None, arch: str, release: tuple[int, int]) -> bool | None:
    """Whether glibc `release` on `arch` exports `symbol` at `node`, or for None `symbol` at any node.

    None where the tables cannot tell: there is none of `arch`, a release after `GLIBC_RELEASE` may have added what
    is asked for, or the symbol is private to glibc, which no release promises.
    """
    pool = glibc_pool(arch)
    if pool is None or node == PRIVATE:
        return None
    nodes = pool.nodes(symbol)
    versions = [glibc.node_version(one) for one in nodes if node is None or one == node]
    if any(version is not None and version <= release for version in versions):
        return True
    if nodes == (PRIVATE,) or (release > GLIBC_RELEASE and not versions):
        return None
    return False


def glibc_first(symbol: str, arch: str) -> tuple[int, int] | None:
    """The first glibc release that exports `symbol` on `arch`: the floor of a reference without a version.

    None where none does, where the symbol is private to glibc, or where there is no table of `arch`.
    """
    pool = glibc_pool(arch)
    versions = (glibc.node_version(node) for node in pool.nodes(symbol)) if pool else ()
    return min((version for version in versions if version is not None), default=None)


@functools.cache
def musl_symbols(release: tuple[int, int], arch: str) -> frozenset[str] | None:
    """Every name that some patch release of musl `release` (major, minor) exports on `arch`.

    None where there is no table: an architecture that Debian has no musl for, or a release not in `MUSL_RELEASES`.
    1.2.4 took the names of large-file support (`open64`) out of what one can link to, but its loader still finds
    them for programs that were linked before: they are in, wherever 1.2.3 has them.
    """
    library = _library("musl", "libc.so", arch)
    node = f"{release[0]}.{release[1]}"
    if library is None or not library.defines(node):
        return None
    return frozenset(symbol for symbol, releases in library.exports.items() if node in releases)


def musl_has(symbol: str, release: tuple[int, int], arch: str) -> bool | None:
    """Whether some patch release of musl `release` finds `symbol` on `arch`; None where there is no table."""
    symbols = musl_symbols(release, arch)
    return symbol in symbols if symbols is not None else None


def _merged(soname: str, libraries: Iterable[SystemLibrary | None]) -> SystemLibrary:
    """Several libraries as one, under the name of one of them."""
    present = [library for library in libraries if library is not None]
    exports: dict[str, tuple[str, ...]] = {}
    for library in present:
        for symbol, nodes in library.exports.items():
            known = exports.get(symbol, ())
            exports[symbol] = tuple(dict.fromkeys(known + nodes)) if known else nodes
    return SystemLibrary(soname=soname, exports=exports, defined=frozenset().union(*(one.defined for one in present)))


@functools.cache
def _sections(table: str) -> dict[str, list[str]]:
    """The lines of each library of a data file, by SONAME: the first says which nodes it defines."""
    from importlib import resources  # 10 ms, and not every wheel is for Linux

    packed = (resources.files("auditor.platforms") / "data" / f"{table}.txt.gz").read_bytes()
    sections = gzip.decompress(packed).decode("ascii").split("library ")[1:]
    return {lines[0]: lines[1:] for lines in (section.splitlines() for section in sections)}


@functools.cache
def _defined(table: str) -> dict[str, dict[str, tuple[str, ...]]]:
    """The version nodes that each library of a data file defines, by SONAME and architecture."""
    return {soname: _pattern(lines[0].removeprefix("defines ")) for soname, lines in _sections(table).items()}


@functools.cache
def _library(table: str, soname: str, arch: str) -> SystemLibrary | None:
    """One library of one data file (the refresh script says how it is written)."""
    defines = _defined(table).get(soname, {})
    if arch not in defines:
        return None
    exports: dict[str, tuple[str, ...]] = {}
    lines = _sections(table)[soname]
    for shown, symbols in zip(lines[1::2], lines[2::2], strict=True):
        nodes = _pattern(shown, arch).get(arch)
        if nodes is not None:
            exports.update(dict.fromkeys(symbols.split(), nodes))
    return SystemLibrary(soname=soname, exports=exports, defined=frozenset(filter(None, defines[arch])))


def _pattern(shown: str, arch: str | None = None) -> dict[str, tuple[str, ...]]:
    """The nodes by architecture as a line of the table shows them; `*` stands for every architecture."""
    nodes = {name: tuple(of.split(",")) for name, _, of in (one.partition("=") for one in shown.split())}
    if "*" in nodes:
        return dict.fromkeys(ARCHITECTURES if arch is None else (arch,), nodes["*"])
    return nodes
