"""What the ELF files of a wheel need of the C library and of the libraries that the manylinux policies track.

Shared by the rules that compare it with a tag, and by those that look for the tag that fits.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from auditor.facts.binary import Binary, ElfDetail, FileKind, NeededKind, Slice
from auditor.facts.record import Fact
from auditor.findings import Evidence
from auditor.platforms import glibc, musl
from auditor.platforms.promise import Libc, System
from auditor.rules.context import Role
from auditor.rules.providers import loader_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.facts.wheel import WheelFacts
    from auditor.platforms.glibc import Policy
    from auditor.rules.context import Context


_BIONIC_NODE = re.compile(r"LIBC(_[A-Z]+)?", re.ASCII)
"""Version nodes of Android's libc, libm and libdl: `LIBC`, and `LIBC_N` and the like of later releases."""
_NAMES_LIBC = re.compile(r"(?<![a-z])(linux)?(musl|gnu|glibc|alpine|android)(?![a-z])", re.IGNORECASE)


class Need(Fact, frozen=True, kw_only=True):
    """A version node that a file requires of a system library, with the symbols that ask for it."""

    member: str
    library: str
    node: str
    symbols: tuple[str, ...]
    """Strongly bound symbols first; empty where the file requires the node and no symbol of it."""
    strong_symbols: tuple[str, ...]
    """Those of the symbols that must be there."""

    @property
    def evidence(self) -> Evidence:
        """The need in words: file, symbol and version."""
        shown = ", ".join(f"`{symbol}@{self.node}`" for symbol in self.symbols[:4])
        more = f" and {len(self.symbols) - 4} more" if len(self.symbols) > 4 else ""
        what = f"{shown}{more}" if shown else f"the version `{self.node}`"
        return Evidence(
            text=f"`{self.member}` needs {what} ({self.library})",
            member=self.member,
            symbol=self.symbols[0] if self.symbols else None,
            library=self.library,
            version=self.node,
        )


def version_needs(binary: Binary, part: Slice) -> Iterator[Need]:
    """The binding version needs of one ELF file.

    A need flagged VER_FLG_WEAK does not bind: ld.so only warns where the node is missing. A weak symbol under a need
    that is not flagged does bind, for the loader checks nodes before it looks for symbols.
    """
    if not isinstance(part.detail, ElfDetail):
        return
    symbols: dict[tuple[str, str], list[tuple[bool, str]]] = {}
    for imported in part.imports:
        if imported.version is not None and imported.library is not None:
            symbols.setdefault((imported.library, imported.version), []).append((imported.weak, imported.symbol))
    for need in part.detail.version_needs:
        if not need.weak:
            asking = sorted(symbols.get((need.library, need.version), []))
            yield Need(
                member=binary.member,
                library=need.library,
                node=need.version,
                symbols=tuple(symbol for _, symbol in asking),
                strong_symbols=tuple(symbol for weak, symbol in asking if not weak),
            )


def breaks_glibc(need: Need, version: tuple[int, int], arch: str) -> bool:
    """Whether a glibc of `version` on `arch` lacks what `need` asks for.

    Some architectures have a newer node in an older release (aarch64's glibc 2.17 has `GLIBC_2.18` for `_mcount`): the
    policy lists the node, and refuses the symbols that really came later.
    """
    if not glibc.is_glibc_library(need.library):
        return False
    needed = glibc.node_version(need.node)
    if needed is None or needed <= version:
        return False
    policy = glibc.policy_for(version, arch)
    if policy is None or policy.version != version:
        return True
    _, _, number = need.node.partition("_")
    if number not in policy.versions[arch].get("GLIBC", frozenset()):
        return True
    return any(policy.refuses(symbol) for symbol in need.strong_symbols)


def relr_evidence(binary: Binary, part: Slice) -> Evidence | None:
    """The evidence that a file has relative relocations in DT_RELR, without the version need that announces them."""
    detail = part.detail
    if not isinstance(detail, ElfDetail) or not detail.relative_relocations:
        return None
    if part.kind is FileKind.EXECUTABLE and detail.interpreter is None:
        return None  # a static program applies its relocations itself
    if any(need.version == "GLIBC_ABI_DT_RELR" for need in detail.version_needs):
        return None
    text = f"`{binary.member}` has DT_RELR relocations, which ld.so applies from glibc 2.36 on"
    return Evidence(text=text, member=binary.member, version="DT_RELR")


def libc_of(part: Slice) -> Libc | None:
    """The C library that an ELF slice is linked to; None where nothing tells.

    musl and bionic both have the SONAME `libc.so`. bionic's has version nodes, which musl's never had, and what the
    NDK links has an Android note. glibc's names that musl's loader takes for its own (`libc.so.6`) tell nothing without
    a version of glibc: prebuilt libraries are linked so on purpose, to run on both.
    """
    names = [needed.name for needed in part.needed]
    detail = part.detail
    if isinstance(detail, ElfDetail) and detail.interpreter is not None and part.kind is FileKind.EXECUTABLE:
        names.append(detail.interpreter.rpartition("/")[2])
    nodes = detail.version_needs if isinstance(detail, ElfDetail) else ()
    noted = isinstance(detail, ElfDetail) and detail.android_api is not None
    if any(_BIONIC_NODE.fullmatch(need.version) for need in nodes) or (noted and "libc.so" in names):
        return Libc.BIONIC
    if any(musl.is_musl_library(name) for name in names):
        return Libc.MUSL
    if any(glibc.is_glibc_library(name) and not musl.takes_for_itself(name) for name in names):
        return Libc.GLIBC
    needs_glibc = any(glibc.is_glibc_library(need.library) and need.version.startswith("GLIBC_") for need in nodes)
    return Libc.GLIBC if needs_glibc else None


def promised_libc(context: Context) -> Libc | None:
    """The one C library that the Linux and Android tags promise; None where they promise several, or none."""
    kinds = {platform.libc for platform in context.on(System.LINUX, System.ANDROID)} - {Libc.ANY}
    return kinds.pop() if len(kinds) == 1 else None


def wrong_libc(wheel: WheelFacts, context: Context) -> list[tuple[Binary, Slice]]:
    """The ELF files that are linked to another C library than the promised one, where that is a fault.

    A package may carry programs for both libraries and choose at run time: what says in its path which one it is for,
    and what another file of the same name stands in for, is a passenger.
    """
    promised = promised_libc(context)
    if promised is None:
        return []
    tags = context.on(System.LINUX, System.ANDROID)
    judged = {binary.member: (binary, part) for platform in tags for binary, part in context.judged(platform)}
    wrong = {member for member, (_, part) in judged.items() if libc_of(part) not in {None, promised}}
    right = [binary for binary, part in judged.values() if binary.member not in wrong]
    served = {context.module_key(binary) for binary in right} - {None}
    needed = {one.name.rpartition("/")[2].lower() for other in right for part in other.slices for one in part.needed}
    found = []
    for binary, part in judged.values():
        if binary.member in wrong:
            names = loader_names(binary)
            if context.roles[binary.member] is Role.EXTENSION:
                passenger = context.module_key(binary) in served
            elif names & needed:
                passenger = any(names & loader_names(other) for other in right)
            else:
                passenger = _NAMES_LIBC.search(binary.member) is not None
            if not passenger:
                found.append((binary, part))
    return found


def breaks_policy(need: Need, policy: Policy, arch: str, bundled: frozenset[str]) -> bool:
    """Whether `need` asks a tracked library other than glibc for a node that `policy` does not have on `arch`.

    A library that the wheel brings itself answers for its own nodes.
    """
    prefixes = glibc.TRACKED.get(need.library)
    if prefixes is None or need.library.lower() in bundled:
        return False
    prefix, _, number = need.node.partition("_")
    return prefix in prefixes and number not in policy.versions[arch].get(prefix, frozenset())


def honest_tag(needs: list[Need], glibc_floor: tuple[int, int], arch: str, context: Context) -> str | None:
    """The oldest manylinux tag that keeps every one of `needs`, where glibc itself must be `glibc_floor`.

    None where no policy has what the other libraries are asked for: then no tag is honest.
    """
    for policy in glibc.policies():
        if policy.version < glibc_floor or arch not in policy.versions:
            continue
        if not any(breaks_policy(need, policy, arch, context.bundled) for need in needs):
            first = glibc.policy_for(glibc_floor, arch)
            return glibc.tag_for(glibc_floor if policy is first else policy.version, arch)
    beyond = glibc.policy_for(glibc_floor, arch) is None and not any(need.library in glibc.TRACKED for need in needs)
    return glibc.tag_for(glibc_floor, arch) if beyond else None


def outside_policy(part: Slice, policy: Policy, context: Context) -> list[str]:
    """The libraries that a slice needs, the policy does not allow, and the wheel does not bring."""
    return [
        needed.name
        for needed in part.needed
        # The loader goes on where the library of a DT_AUXILIARY is not there.
        if needed.kind is not NeededKind.FILTER
        and needed.name not in policy.libraries
        and not glibc.is_loader(needed.name)
        and needed.name.rpartition("/")[2].lower() not in context.bundled
    ]
