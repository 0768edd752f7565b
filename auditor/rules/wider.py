"""The widest tag that the binaries of a wheel would keep, where it is wider than the one they have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.facts.binary import ElfDetail, MachODetail
from auditor.findings import Evidence
from auditor.platforms import glibc, macos
from auditor.platforms.promise import Libc, System
from auditor.rules.floors import breaks_glibc, breaks_policy, outside_policy, relr_evidence, version_needs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.facts.binary import Binary, Slice
    from auditor.facts.wheel import WheelFacts
    from auditor.platforms.promise import PlatformPromise
    from auditor.rules.context import Context

    Wider = tuple[str, str, tuple[Evidence, ...]]


def wider_tag(wheel: WheelFacts, context: Context) -> Iterator[Wider]:
    """(tag, wider tag, evidence) for the widest tag of each system and architecture that could be wider still."""
    if any(binary.problems for binary in wheel.binaries):
        return
    linux = [platform for platform in context.on(System.LINUX) if platform.libc is Libc.GLIBC and platform.version]
    for arch in dict.fromkeys(platform.architectures[0] for platform in linux):
        widest = min(
            (platform for platform in linux if platform.architectures[0] == arch), key=lambda one: one.version or (0, 0)
        )
        yield from _wider_manylinux(widest, context)
    apple = context.on(System.MACOS)
    if len(apple) == 1:
        yield from _wider_macos(apple[0], context)


def _wider_manylinux(platform: PlatformPromise, context: Context) -> Iterator[Wider]:
    """The oldest policy below the tag's glibc that every ELF file keeps."""
    arch = platform.architectures[0]
    slices = list(context.judged(platform))
    if not slices or platform.version is None:
        return
    for policy in glibc.policies():
        if policy.version >= platform.version:
            return
        reachable = policy.version >= glibc.oldest_looked_for_by_all(arch) and arch in policy.versions
        if reachable and keeps_manylinux(slices, policy.version, arch, context):
            within = f"{policy.version[0]}.{policy.version[1]}"
            text = f"all that its {len(slices)} ELF files need is in the policy of glibc {within}"
            yield platform.tag, glibc.tag_for(policy.version, arch), (Evidence(text=text),)
            return


def keeps_manylinux(slices: list[tuple[Binary, Slice]], version: tuple[int, int], arch: str, context: Context) -> bool:
    """Whether every one of these slices keeps the promise of `manylinux_{version}_{arch}`."""
    policy = glibc.policy_for(version, arch)
    if policy is None:
        return False
    for binary, part in slices:
        if not isinstance(part.detail, ElfDetail):
            continue
        if version < glibc.RELR_SINCE and relr_evidence(binary, part):
            return False
        if outside_policy(part, policy, context):
            return False
        for need in version_needs(binary, part):
            if breaks_glibc(need, version, arch) or breaks_policy(need, policy, arch, context.bundled):
                return False
    return True


def _wider_macos(platform: PlatformPromise, context: Context) -> Iterator[Wider]:
    """The oldest macOS that every slice accepts, where it is older than the tag's."""
    versions: dict[str, tuple[int, int]] = {}
    for _, part in context.judged(platform):
        if part.minimum_os is None or part.minimum_os.platform != "macos" or part.arch is None:
            return
        if not isinstance(part.detail, MachODetail):
            return
        major, minor = (*part.minimum_os.version, 0, 0)[:2]
        oldest = max((major, minor), versions.get(part.arch, (0, 0)))
        versions[part.arch] = oldest
    if not versions or platform.version is None or set(versions) != set(platform.architectures):
        return
    # An arm64 slice for 11.0 is what every universal2 wheel for macOS 10 has.
    floors = [
        version if arch != "arm64" or len(versions) == 1 or version > (11, 0) else (10, 0)
        for arch, version in versions.items()
    ]
    needed = max(*floors, (10, 9))
    tag_version = _tag_version(needed)
    if tag_version is not None and tag_version < platform.version:
        arch = platform.tag.split("_", 3)[3]
        wider = f"macosx_{tag_version[0]}_{tag_version[1]}_{arch}"
        text = f"no slice asks for more than macOS {needed[0]}.{needed[1]}"
        yield platform.tag, wider, (Evidence(text=text),)


def _tag_version(needed: tuple[int, int]) -> tuple[int, int] | None:
    """The version of the oldest tag that promises `needed`. From macOS 11 on tags have no minor: 11.3 asks for 12."""
    if needed[0] == 10 or not needed[1]:
        return needed
    return next(((major, 0) for major in macos.RELEASED if major > needed[0]), None)
