"""Mach-O files against the system, the version and the architectures that the tag promises."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.platforms.promise import PlatformPromise, System
from auditor.rules.context import Role
from auditor.rules.native.machine import unloadable
from auditor.rules.rule import ERROR, INFO, Evidence, Hit, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.facts.binary import Binary, MinimumOS, Slice
    from auditor.facts.wheel import WheelFacts
    from auditor.rules.context import Context

_SHOWN = 20
_SPELLINGS = {"x86_64": ("x86_64", "x86-64", "x64", "amd64", "intel"), "arm64": ("arm64", "aarch64")}
_LEGACY = frozenset({"i386", "ppc", "ppc64"})
"""Architectures for which there is no Python any more, and which macOS 10.15 and later do not run."""


def _dotted(version: tuple[int, ...]) -> str:
    """A version as people write it, without a patch of zero."""
    shown = version[:2] if len(version) > 2 and not version[2] else version
    return ".".join(map(str, shown))


def _is_macos(minimum: MinimumOS | None) -> bool:
    """Whether a slice is for macOS. Old slices say nothing, which means macOS."""
    return minimum is None or minimum.platform == "macos"


@rule("macos-newer-than-tag", severity=ERROR, since="0.1")
def macos_newer_than_tag(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A binary needs a newer macOS than the platform tag promises.

    **What it checks.** LC_BUILD_VERSION or LC_VERSION_MIN_MACOSX of every slice that the tag's architectures load.
    An arm64 slice may ask for 11.0 under any tag. From macOS 11 on the minor is no part of a tag: 12.3 under
    `macosx_12_0` is an info.

    **Why it matters.** dyld refuses the file on older systems, or loads it and fails at the first missing symbol: the
    wheel installs and the import fails.

    **How to fix.** Set `MACOSX_DEPLOYMENT_TARGET` to the tag's version for the build of the wheel and of every library
    that goes into it (Homebrew's are built for the newest macOS); or let `delocate-wheel` raise the tag.

    **Limits.** Symbols that are newer than the minimum a slice states are not seen.

    **References.** Platform compatibility tags, macOS; dyld.
    """
    lowest = _lowest(context)
    for platform in dict.fromkeys(lowest.values()):
        broken: dict[tuple[str, str], tuple[tuple[int, ...], Evidence]] = {}
        slight: dict[tuple[str, str], tuple[tuple[int, ...], Evidence]] = {}
        for binary, part in context.judged(platform):
            allowed = platform.minimum_os(part.arch)
            if part.minimum_os is None or not _is_macos(part.minimum_os) or allowed is None:
                continue
            if lowest[part.arch or ""] is not platform:
                continue
            needed = part.minimum_os.version
            if needed[:2] <= allowed:
                continue
            text = f"`{binary.member}` ({part.arch}) needs macOS {_dotted(needed)}"
            evidence = Evidence(text=text, member=binary.member, version=_dotted(needed))
            same_major = allowed[0] >= 11 and needed[0] == allowed[0]
            (slight if same_major else broken).setdefault((binary.member, part.arch or ""), (needed, evidence))
        if broken:
            yield _newer_hit(platform, broken, slight=False)
        if slight:
            yield _newer_hit(platform, slight, slight=True)


def _lowest(context: Context) -> dict[str, PlatformPromise]:
    """For each architecture the tag that promises it from the oldest macOS on: what breaks is said once."""
    tags = sorted(context.on(System.MACOS), key=lambda one: (one.version or (0, 0), -len(one.architectures)))
    lowest: dict[str, PlatformPromise] = {}
    for platform in tags:
        for arch in platform.architectures:
            lowest.setdefault(arch, platform)
    return lowest


def _newer_hit(
    platform: PlatformPromise, found: dict[tuple[str, str], tuple[tuple[int, ...], Evidence]], *, slight: bool
) -> Hit:
    """The finding for all slices that break a tag's version."""
    newest = max(version for version, _ in found.values())
    members = dict.fromkeys(member for member, _ in found)
    archs = {arch for _, arch in found}
    what = f"`{next(iter(members))}` needs" if len(members) == 1 else f"{len(members)} files need"
    arch = platform.tag.split("_", 3)[3]
    honest = f"macosx_{newest[0]}_{newest[1] if newest[0] == 10 else 0}_{arch}"
    ordered = sorted(found.values(), key=lambda one: (tuple(-number for number in one[0]), one[1].text))
    version = platform.version or (0, 0)
    if slight:
        message = f"{what} macOS {_dotted(newest)}, and a tag cannot say more than {version[0]}.0: `{platform.tag}`"
        advice = f"build with `MACOSX_DEPLOYMENT_TARGET={version[0]}.0`"
    else:
        message = f"{what} macOS {_dotted(newest)}; the tag `{platform.tag}` promises that {_dotted(version)} is enough"
        advice = (
            f"build with `MACOSX_DEPLOYMENT_TARGET={_dotted(version)}`, bundled libraries too, or tag it `{honest}`"
        )
    return Hit(
        message=message,
        help=advice,
        member=next(iter(members)) if len(members) == 1 else None,
        arch=archs.pop() if len(archs) == 1 else None,
        evidence=tuple(evidence for _, evidence in ordered[:_SHOWN]),
        severity=INFO if slight else ERROR,
    )


@rule("macos-arch-missing", severity=ERROR, since="0.1")
def macos_arch_missing(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """An architecture that the tag promises has no slice.

    **What it checks.** Under a tag for several architectures (`universal2`), or several tags, each extension module,
    library and program has a slice for each, or another file of the wheel that has it. What says in its path which
    architecture it is for, and is needed by nothing in the wheel, may be chosen at run time and is passed over. The
    architectures for which there is no Python any more (i386, ppc, ppc64) give an info.

    **Why it matters.** The wheel installs on the other machine and the import fails: "incompatible architecture (have
    'x86_64', need 'arm64')".

    **How to fix.** Build both architectures (`ARCHFLAGS="-arch arm64 -arch x86_64"`, `maturin --target
    universal2-apple-darwin`, cibuildwheel `universal2`), join with `delocate-merge`, or tag the wheel for the one.

    **Limits.** Two single-architecture files that complete each other count as one.

    **References.** Platform compatibility tags, macOS.
    """
    promised = {arch: platform for platform in context.on(System.MACOS) for arch in platform.architectures}
    if len(promised) < 2:
        return
    alien = context.once(unloadable)
    for arch, platform in sorted(promised.items()):
        lacking = [
            binary
            for binary, archs in _loadable(wheel, context)
            if arch not in archs
            and binary.member not in alien
            and not _is_passenger(binary, archs, context)
            and not _completed(binary, archs, arch, wheel, context)
        ]
        if lacking:
            yield _missing_hit(arch, platform, lacking)


def _is_passenger(binary: Binary, archs: frozenset[str], context: Context) -> bool:
    """Whether the path says for which architecture the file is, and nothing in the wheel loads it by that name."""
    names = {name for arch in archs for name in _SPELLINGS.get(arch, ())}
    path = binary.member.lower()
    return not context.is_loaded(binary) and any(name in path for name in names)


def _missing_hit(arch: str, platform: PlatformPromise, lacking: list[Binary]) -> Hit:
    """The finding for one architecture."""
    what = f"`{lacking[0].member}` has" if len(lacking) == 1 else f"{len(lacking)} files have"
    return Hit(
        message=f"{what} no {arch} slice; the tag `{platform.tag}` promises {' and '.join(platform.architectures)}",
        help="build for both architectures and join them (`delocate-merge`, `lipo`), or tag the wheel for the one",
        member=lacking[0].member if len(lacking) == 1 else None,
        arch=arch,
        evidence=tuple(
            Evidence(
                text=f"`{binary.member}` has {', '.join(part.arch or part.machine for part in binary.slices)}",
                member=binary.member,
            )
            for binary in lacking[:_SHOWN]
        ),
        severity=INFO if arch in _LEGACY else ERROR,
    )


def _loadable(wheel: WheelFacts, context: Context) -> Iterator[tuple[Binary, frozenset[str]]]:
    """The Mach-O files that are loaded or run on macOS, with their architectures."""
    for binary in wheel.binaries:
        if context.roles[binary.member] is Role.OTHER:
            continue
        archs = frozenset(_machine(part) for part in binary.slices if _is_macho(binary) and _is_macos(part.minimum_os))
        if archs:
            yield binary, archs


def _is_macho(binary: Binary) -> bool:
    """Whether the file is Mach-O."""
    return binary.format.value == "macho"


def _machine(part: Slice) -> str:
    """The architecture of a slice; a variant (x86_64h) runs on some machines of it, and does not count."""
    return part.arch or part.machine


def _completed(binary: Binary, archs: frozenset[str], arch: str, wheel: WheelFacts, context: Context) -> bool:
    """Whether another file brings the architecture: the same module, or the other half of a pair of thin files."""
    module = context.modules.get(binary.member)
    for other, others in _loadable(wheel, context):
        if other is binary or arch not in others:
            continue
        twin = context.modules.get(other.member)
        if module is not None:
            if twin is not None and (twin.package, twin.name.module) == (module.package, module.name.module):
                return True
        elif twin is None and not archs & others:
            return True
    return False


@rule("ios-invalid", severity=ERROR, since="0.1")
def ios_invalid(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A binary is not what an iOS tag promises.

    **What it checks.** Under an iOS tag every Mach-O file is thin, for iOS or its simulator as the tag says, and asks
    for no newer version than the tag's.

    **Why it matters.** The App Store takes no universal libraries, and the simulator loads nothing of the device.

    **How to fix.** Build with the SDK of the tag (cibuildwheel's iOS builds), one wheel each for device and simulator.

    **References.** PEP 730; Platform compatibility tags, iOS.
    """
    alien = context.once(unloadable)
    for platform in context.on(System.IOS):
        wanted = "iossimulator" if platform.simulator else "ios"
        for binary in wheel.binaries:
            if not _is_macho(binary) or binary.member in alien or context.roles[binary.member] is Role.OTHER:
                continue
            problem = _ios_problem(binary, platform, wanted)
            if problem is not None:
                yield Hit(
                    message=f"`{binary.member}` is not for `{platform.tag}`: {problem}",
                    help="build with the SDK of the tag, one wheel each for device and simulator",
                    member=binary.member,
                    arch=binary.slices[0].arch if binary.slices else None,
                    evidence=tuple(_slice_evidence(binary, part) for part in binary.slices),
                )


def _slice_evidence(binary: Binary, part: Slice) -> Evidence:
    """What a slice says of its system."""
    minimum = part.minimum_os
    system = f"{minimum.platform} {_dotted(minimum.version)}" if minimum else "no system"
    return Evidence(text=f"`{binary.member}` ({part.arch or part.machine}) is for {system}", member=binary.member)


def _ios_problem(binary: Binary, platform: PlatformPromise, wanted: str) -> str | None:
    """What keeps a Mach-O file from being one for that iOS tag; None where nothing does."""
    if len(binary.slices) > 1:
        return "it is a universal file"
    for part in binary.slices:
        minimum = part.minimum_os
        if minimum is None or minimum.platform != wanted:
            return f"it is for {minimum.platform if minimum else 'no stated system'}"
        allowed = platform.minimum_os(part.arch)
        if allowed is not None and minimum.version[:2] > allowed:
            return f"it needs iOS {_dotted(minimum.version)}"
    return None


RULES = (ios_invalid, macos_arch_missing, macos_newer_than_tag)
