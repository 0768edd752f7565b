"""ELF files against the API level of an Android tag."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.facts.binary import ElfDetail
from auditor.platforms.promise import System
from auditor.rules.rule import ERROR, Evidence, Hit, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.facts.wheel import WheelFacts
    from auditor.platforms.promise import PlatformPromise
    from auditor.rules.context import Context

_SHOWN = 20


@rule("android-newer-than-tag", severity=ERROR, since="0.1")
def android_newer_than_tag(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A binary is built for a newer Android than the platform tag promises.

    **What it checks.** The API level in the Android ident note of each ELF file is at most the tag's, which is the
    `24` of `android_24_arm64_v8a`.

    **Why it matters.** The compiler and the linker take the level as the oldest system that there is: they use
    functions, relocations (DT_RELR from 28 on) and thread-local storage (from 29 on) that older ones do not have, and
    there the import fails: "cannot locate symbol".

    **How to fix.** Build for the tag's level: `ANDROID_API_LEVEL` for cibuildwheel, the number in the name of the
    NDK's compiler (`aarch64-linux-android24-clang`), `-DANDROID_PLATFORM=android-24` for CMake. Or promise less, by a
    tag with the higher level.

    **Limits.** Without the note nothing is judged, and single symbols are not held against the level.

    **References.** PEP 738; Android's NDK, .note.android.ident; Android's "Changes for NDK developers".
    """
    found: dict[str, Evidence] = {}
    broken: dict[str, PlatformPromise] = {}
    newest = 0
    arch = None
    for platform in sorted(context.on(System.ANDROID), key=_level):
        for binary, part in context.judged(platform):
            level = part.detail.android_api if isinstance(part.detail, ElfDetail) else None
            if level is not None and level > _level(platform):
                text = f"the Android note of `{binary.member}` has the API level {level}"
                found.setdefault(binary.member, Evidence(text=text, member=binary.member, version=str(level)))
                broken.setdefault(platform.tag, platform)
                newest = max(newest, level)
                arch = part.arch
    if found:
        lowest = next(iter(broken.values()))
        what = f"`{next(iter(found))}` is" if len(found) == 1 else f"{len(found)} files are"
        yield Hit(
            message=f"{what} built for Android's API level {newest}; the tag `{lowest.tag}` promises that"
            f" {_level(lowest)} is enough",
            help=f"build for the API level {_level(lowest)}, or tag the wheel for {newest}",
            member=next(iter(found)) if len(found) == 1 else None,
            arch=arch,
            evidence=tuple(found.values())[:_SHOWN],
        )


def _level(platform: PlatformPromise) -> int:
    """The API level of an Android tag."""
    return platform.version[0] if platform.version is not None else 0


RULES = (android_newer_than_tag,)
