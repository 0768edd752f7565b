"""ELF files against the musl of a musllinux tag."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.facts.record import Fact
from auditor.loading.model import SEEN
from auditor.platforms import musl
from auditor.platforms.linux_libraries import MUSL_RELEASES, glibc_first, musl_has, musl_symbols, system_library
from auditor.platforms.promise import Libc, PlatformPromise, System
from auditor.rules.loaded import judged_images
from auditor.rules.rule import ERROR, Evidence, Hit, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.facts.wheel import WheelFacts
    from auditor.loading.model import Image, MissingSymbol
    from auditor.rules.context import Context

_SHOWN = 20
_NAMED = 3
"""How many symbols a message names; the evidence has more of them."""


class Gap(Fact, frozen=True, kw_only=True):
    """A symbol that a file imports and that no patch release of the promised musl has."""

    member: str
    symbol: str
    since: tuple[int, int] | None
    """The first musl release that has it; None where none does, and it is a function of glibc."""
    glibc: tuple[int, int] | None = None
    """For a function of glibc, the release of glibc that first has it on the architecture."""

    @property
    def evidence(self) -> Evidence:
        """The gap in words."""
        where = f"which musl has from {_release(self.since)} on" if self.since else "which glibc has and no musl"
        text = f"`{self.member}` imports `{self.symbol}`, {where}"
        return Evidence(text=text, member=self.member, symbol=self.symbol)


def musllinux(context: Context) -> list[PlatformPromise]:
    """The musl tags, the oldest musl of each architecture alone: what breaks a newer one breaks that as well."""
    oldest: dict[tuple[str, ...], PlatformPromise] = {}
    for one in context.on(System.LINUX):
        if one.libc is Libc.MUSL and one.version is not None:
            known = oldest.setdefault(one.architectures, one)
            if one.version < (known.version or one.version):
                oldest[one.architectures] = one
    return list(oldest.values())


def musl_gap(missing: MissingSymbol, member: str, platform: PlatformPromise) -> Gap | None:
    """The gap that a missing symbol is; None where neither a newer musl nor glibc has it, and nobody can tell more."""
    certain = missing.certain and missing.version is None
    return _gap(missing.symbol, member, platform) if certain else None


def _gap(symbol: str, member: str, platform: PlatformPromise) -> Gap | None:
    """The gap that a symbol is which a file cannot find; None where neither a newer musl nor glibc has it."""
    if platform.libc is not Libc.MUSL or platform.version is None:
        return None
    arch = platform.architectures[0]
    newer = (one for one in MUSL_RELEASES if one > platform.version and musl_has(symbol, one, arch))
    gap = Gap(member=member, symbol=symbol, since=next(newer, None), glibc=glibc_first(symbol, arch))
    return gap if gap.since is not None or gap.glibc is not None else None


def musl_gaps(wheel: WheelFacts, context: Context, platform: PlatformPromise) -> Iterator[Gap]:
    """What the files of a musllinux wheel import, the tag's musl lacks, and nothing else that is loaded provides."""
    for resolution, image in judged_images(wheel, context):
        if platform.tag in resolution.platforms:
            gaps = (musl_gap(missing, image.member, platform) for missing in image.missing)
            yield from (gap for gap in gaps if gap is not None)
            if not image.reached and all(one.origin in SEEN for other in resolution.images for one in other.libraries):
                yield from _gaps_of_unloaded(image, wheel, platform)


def _gaps_of_unloaded(image: Image, wheel: WheelFacts, platform: PlatformPromise) -> Iterator[Gap]:
    """The gaps of a library that nothing in the wheel loads, of which the simulated loader says nothing.

    Python code may load it by ctypes beside any other file, so that whatever some file exports counts as provided.
    """
    promised = musl_symbols(platform.version or (0, 0), platform.architectures[0])
    if promised is None or not any(musl.takes_for_itself(library.name) for library in image.libraries):
        return
    zlib = system_library("libz.so.1", platform.architectures[0])
    provided = promised | {export.symbol for _, part in wheel.slices() for export in part.exports}
    provided |= zlib.exports.keys() if zlib is not None else set()
    wanted = {
        imported.symbol
        for binary, part in wheel.slices()
        if binary.member == image.member
        for imported in part.imports
        if not imported.weak and imported.version is None
    }
    for symbol in sorted(wanted - provided):
        gap = _gap(symbol, image.member, platform)
        if gap is not None:
            yield gap


@rule("musl-newer-than-tag", severity=ERROR, since="0.1")
def musl_newer_than_tag(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A binary needs a function that the musl of the platform tag does not have.

    **What it checks.** Every symbol that an ELF file of a musllinux wheel must find is exported by some release of
    the tag's musl (`1_1`: 1.1.24, `1_2`: 1.2.0 to 1.2.6), or by a file that is loaded with it. Reported are names that
    a newer musl has, and names of glibc that no musl has; any other is `symbol-unresolved`.

    **Why it matters.** musl has no symbol versions, so that no tool sees the need: the wheel installs, and the import
    fails: "Error relocating demo/_core.so: reallocarray: symbol not found".

    **How to fix.** Build in the image of the tag, so that the build finds out what its musl has; or tag the wheel for
    the newer musl. A function of glibc alone comes from code that was configured or compiled for glibc
    (`_FORTIFY_SOURCE` of its headers, a prebuilt object): build that for musl too, or do without the function.

    **Limits.** Among the releases of 1.2 nothing is told apart: a tag cannot either. Files that need a library from
    outside of the wheel are not judged, as that may have the symbol. What is looked up with dlsym is not seen.

    **References.** PEP 656; musl's release notes.
    """
    for platform in musllinux(context):
        gaps = list(musl_gaps(wheel, context, platform))
        for since in sorted({gap.since for gap in gaps}, key=lambda one: one or (0, 0)):
            yield _hit([gap for gap in gaps if gap.since == since], since, platform)


def _hit(gaps: list[Gap], since: tuple[int, int] | None, platform: PlatformPromise) -> Hit:
    """The finding about the symbols that one musl release, or none, has."""
    members = list(dict.fromkeys(gap.member for gap in gaps))
    symbols = list(dict.fromkeys(gap.symbol for gap in gaps))
    subject = f"`{members[0]}` needs" if len(members) == 1 else f"{len(members)} files need"
    names = ", ".join(f"`{symbol}`" for symbol in symbols[:_NAMED])
    if len(symbols) > _NAMED:
        names += f" and {len(symbols) - _NAMED} more"
    arch, promised = platform.architectures[0], _release(platform.version or (0, 0))
    if since is None:
        what = f"{names}, which glibc has and no musl; the tag `{platform.tag}` promises that musl is enough"
        help_ = "build it for musl in the image of the tag, from objects and headers that were made for musl"
    else:
        honest = f"musllinux_{since[0]}_{since[1]}_{arch}"
        what = f"{names} of musl {_release(since)}; the tag `{platform.tag}` promises that {promised} is enough"
        help_ = f"build in an image with musl {promised}, or tag the wheel `{honest}`"
    return Hit(
        message=f"{subject} {what}",
        help=help_,
        member=members[0] if len(members) == 1 else None,
        arch=arch,
        evidence=tuple(gap.evidence for gap in gaps[:_SHOWN]),
    )


def _release(version: tuple[int, int]) -> str:
    """A release as people write it."""
    return f"{version[0]}.{version[1]}"


RULES = (musl_newer_than_tag,)
