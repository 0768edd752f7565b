"""glibc and the other system libraries that a manylinux tag lets a wheel count on.

Sources: auditwheel's policy file, packed in data/manylinux.json (see its provenance), which surveys the
distributions that PEP 600 calls mainstream; glibc's own version nodes (each is kept for ever, and `GLIBC_2.N` first
appears in glibc 2.N), so glibc itself is judged for any 2.N without a table.
"""

from __future__ import annotations

import functools
import re

import msgspec

from auditor.facts.record import Fact

KNOWN_AT = "2026-11-22"
NEWEST = (2, 44)
"""The newest glibc that had been released then."""
RELR_SINCE = (2, 36)
"""ld.so applies DT_RELR from this version on; an older one leaves the addresses unrelocated (glibc 2.36 news)."""
_MARKERS = {
    "GLIBC_ABI_DT_RELR": RELR_SINCE,
    "GLIBC_ABI_GNU_TLS": (2, 42),
    "GLIBC_ABI_GNU2_TLS": (2, 42),
    "GLIBC_ABI_DT_X86_64_PLT": (2, 43),
}
"""Version nodes without a number, by which a linker makes older loaders refuse a file."""
_NODE = re.compile(r"GLIBC_(\d+)\.(\d+)(?:\.\d+)?", re.ASCII)
_LIBRARIES = re.compile(
    r"lib(c|m|pthread|dl|rt|util|resolv|nsl|anl|mvec|BrokenLocale|thread_db|crypt)\.so\.\d+(\.\d+)?"
    r"|ld(64|-linux[\w-]*)?\.so\.\d+",
    re.ASCII,
)
_LOADER = re.compile(r"ld(64|-linux[\w-]*)?\.so\.\d+", re.ASCII)
TRACKED = {
    "libstdc++.so.6": ("GLIBCXX", "CXXABI"),
    "libgcc_s.so.1": ("GCC",),
    "libatomic.so.1": ("LIBATOMIC",),
    "libz.so.1": ("ZLIB",),
}
"""The libraries beside glibc whose version nodes the policies track, with the prefixes of those nodes."""
FLOORS = {"x86_64": (2, 5), "i686": (2, 5)}
"""The oldest glibc that `packaging` looks for on an architecture; 2.17 on all others."""
DEFAULT_FLOOR = (2, 17)
UV_FLOORS = {"riscv64": (2, 31), "loongarch64": (2, 36)}
"""Where uv begins later than `packaging`."""


class Policy(Fact, frozen=True, kw_only=True):
    """What the mainstream distributions with at least one glibc version have in common."""

    version: tuple[int, int]
    libraries: frozenset[str]
    refused: dict[str, frozenset[str]]
    """Symbols that a library has on some of them only, by library."""
    versions: dict[str, dict[str, frozenset[str]]]
    """Version nodes by architecture and prefix: `versions["x86_64"]["GLIBCXX"]` holds `3.4.19`."""

    def refuses(self, symbol: str) -> bool:
        """Whether one of the libraries lacks `symbol` on some of those distributions.

        glibc has moved symbols between its libraries, so the library's name is not asked.
        """
        return any(symbol in symbols for symbols in self.refused.values())


class _Table(Fact, frozen=True, kw_only=True):
    policies: tuple[Policy, ...]


@functools.cache
def policies() -> tuple[Policy, ...]:
    """Every policy, the oldest glibc first."""
    from importlib import resources  # 10 ms, for wheels with a manylinux tag alone

    text = (resources.files("auditor.platforms") / "data" / "manylinux.json").read_bytes()
    return msgspec.json.decode(text, type=_Table).policies


def policy_for(version: tuple[int, int], arch: str) -> Policy | None:
    """The policy that judges a `manylinux_{version}` tag on `arch`; None where none reaches that far.

    Between two policies the newer one is taken: what breaks that one breaks the tag for certain.
    """
    for policy in policies():
        if policy.version >= version and arch in policy.versions:
            return policy
    return None


def node_version(node: str) -> tuple[int, int] | None:
    """The glibc release that first had this version node; None for `GLIBC_PRIVATE` and nodes of other libraries."""
    if node in _MARKERS:
        return _MARKERS[node]
    match = _NODE.fullmatch(node)
    return (int(match[1]), int(match[2])) if match else None


def is_glibc_library(name: str) -> bool:
    """Whether `name` is the SONAME of one of glibc's libraries."""
    return _LIBRARIES.fullmatch(name) is not None


def is_loader(name: str) -> bool:
    """Whether `name` is the SONAME of glibc's dynamic loader."""
    return _LOADER.fullmatch(name) is not None


def oldest_looked_for(arch: str) -> tuple[int, int]:
    """The oldest `manylinux_2_N` that any installer looks for on `arch`."""
    return FLOORS.get(arch, DEFAULT_FLOOR)


def oldest_looked_for_by_all(arch: str) -> tuple[int, int]:
    """The oldest `manylinux_2_N` that pip and uv both look for on `arch`: what one may advise."""
    return UV_FLOORS.get(arch, oldest_looked_for(arch))


def tag_for(version: tuple[int, int], arch: str) -> str:
    """The manylinux tag of a glibc version."""
    return f"manylinux_{version[0]}_{version[1]}_{arch}"
