"""The platform tags: what PyPI takes, what installers look for, what there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.platforms import pypi
from auditor.platforms.installers import unmatchable, unreleased
from auditor.platforms.promise import Libc, System
from auditor.rules.rule import ERROR, REJECT, WARNING, Evidence, Hit, rule
from auditor.rules.tags.spelling import TAG

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.facts.wheel import WheelFacts
    from auditor.platforms.promise import PlatformPromise
    from auditor.rules.context import Context


@rule("platform-not-on-pypi", severity=ERROR, pypi=REJECT, since="0.1")
def platform_not_on_pypi(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """PyPI refuses the platform tag.

    **What it checks.** Each platform tag of the set is on PyPI's list, which is dated in the evidence.

    **Why it matters.** PyPI answers "unsupported platform tag" and takes no file of that name. `linux_x86_64` is the
    usual one: what a plain build gives, and what says nothing about the machines that the wheel runs on.

    **How to fix.** Linux: `auditwheel repair`, cibuildwheel, or `maturin build --compatibility pypi`. macOS: set
    `MACOSX_DEPLOYMENT_TARGET` to a version whose tag exists (the minor is 0 from macOS 11 on).

    **Limits.** The list is PyPI's at the date given; an index of your own may take any tag.

    **References.** Platform compatibility tags; PyPI's upload code.
    """
    for platform in context.platforms:
        if pypi.accepts_platform(platform.tag) or not TAG.fullmatch(platform.tag):
            continue
        yield Hit(
            message=f"PyPI does not accept the platform tag `{platform.tag}`",
            help=pypi.nearest(platform),
            evidence=(Evidence(text=f"PyPI's list of platform tags as of {pypi.KNOWN_AT}"),),
        )


@rule("platform-unmatchable", severity=WARNING, since="0.1")
def platform_unmatchable(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """No installer looks for the platform tag, although PyPI accepts it.

    **What it checks.** The tag is one that pip (packaging) or uv generates on some machine: no `macosx_10_*_arm64`, no
    manylinux below glibc 2.5 on x86 or 2.17 elsewhere, no Android below API level 16, no `win_ia64`, and so on.

    **Why it matters.** The upload succeeds, and nobody can install the file.

    **How to fix.** Tag the wheel with the oldest version that installers look for; the message names it.

    **References.** `packaging.tags`; uv's platform tags.
    """
    for platform in context.platforms:
        reason = unmatchable(platform) if pypi.accepts_platform(platform.tag) else None
        if reason:
            yield Hit(message=f"no installer looks for the platform tag `{platform.tag}`: {reason[0]}", help=reason[1])


@rule("platform-unreleased", severity=WARNING, since="0.1")
def platform_unreleased(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """The platform tag asks for a system that has not been released.

    **What it checks.** glibc, musl, macOS, iOS or Android of that version existed when this version was made.

    **Why it matters.** Usually a slip of the keyboard: nobody can install the wheel.

    **How to fix.** Correct the tag. If the system is new, update wheel-audit.

    **Limits.** The list of releases has the date that stands in the evidence.

    **References.** PEP 600, PEP 656.
    """
    for platform in context.platforms:
        newest = unreleased(platform)
        if newest:
            yield Hit(
                message=f"the platform tag `{platform.tag}` asks for a release that does not exist: {newest[0]}",
                help="correct the tag, or update wheel-audit if the release is new",
                evidence=(Evidence(text=newest[1]),),
            )


@rule("platform-mixed", severity=WARNING, since="0.1")
def platform_mixed(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """One tag set mixes operating systems or C libraries.

    **What it checks.** All platform tags of the set name one system; glibc and musl tags stand together only where no
    ELF file of the wheel needs a C library (a static executable runs on both).

    **Why it matters.** A dynamically linked binary is for one C library: on the other it does not load. A wheel for
    several systems carries to each the files of all.

    **How to fix.** One wheel a system and C library.

    **References.** PEP 600, PEP 656.
    """
    systems = {_system(platform) for platform in context.platforms if TAG.fullmatch(platform.tag)}
    if len(systems) > 1:
        names = ", ".join(f"`{platform.tag}`" for platform in context.platforms)
        yield Hit(message=f"the platform tags mix operating systems: {names}", help="build one wheel a system")
    libcs = {platform.libc for platform in context.on(System.LINUX)} - {Libc.ANY}
    linked = [binary for binary, part, _ in wheel.elf_slices() if part.needed]
    if len(libcs) > 1 and linked:
        yield Hit(
            message="the platform tags promise both glibc and musl, and binaries are linked dynamically",
            help="build one wheel for manylinux and one for musllinux, or link statically",
            evidence=tuple(
                Evidence(text=f"`{binary.member}` needs `{binary.slices[0].needed[0].name}`", member=binary.member)
                for binary in linked[:3]
            ),
        )


def _system(platform: PlatformPromise) -> System:
    """The system of a platform tag; Windows also for the machines that no Python is built for any more."""
    return System.WINDOWS if platform.tag.startswith("win_") else platform.system


RULES = (platform_mixed, platform_not_on_pypi, platform_unmatchable, platform_unreleased)
