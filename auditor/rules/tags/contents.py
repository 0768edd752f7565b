"""The tags against the native files of the wheel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.facts.archive import ContentKind
from auditor.platforms.promise import System
from auditor.rules.passengers import fixed_machine_libraries
from auditor.rules.rule import ERROR, INFO, WARNING, Evidence, Hit, rule
from auditor.rules.wider import wider_tag

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.facts.wheel import WheelFacts
    from auditor.rules.context import Context


@rule("tag-wider-possible", severity=INFO, since="0.1")
def tag_wider_possible(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """Every binary would also keep a wider promise than the tag makes.

    **What it checks.** The oldest glibc whose manylinux policy all ELF files keep, or the oldest macOS that all Mach-O
    slices accept, against the tag's.

    **Why it matters.** Users of older systems could install the wheel, and get the sdist in its place.

    **How to fix.** Retag with the message's tag (`python -m wheel tags --platform-tag ...`), if you mean to support
    it.

    **Limits.** musl's floor is not decided; nothing is said where a binary could not be read.

    **References.** PEP 600.
    """
    for tag, wider, evidence in wider_tag(wheel, context):
        yield Hit(
            message=f"the binaries would also keep the promise of `{wider}`, which is wider than `{tag}`",
            help=f"if you support it: `python -m wheel tags --platform-tag {wider}`",
            evidence=evidence,
        )


@rule("native-in-any", severity=ERROR, since="0.1")
def native_in_any(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A wheel for `any` platform holds native code that is imported or loaded.

    **What it checks.** Under the platform tag `any` no binary is an extension module, none is needed by another, and
    none is a shared library under a name that leaves no choice of system or machine while the package's Python code
    loads libraries.

    **Why it matters.** The wheel installs everywhere and works on one system and machine: everywhere else the import
    fails, where without it the sdist would have been built.

    **How to fix.** Build platform wheels: setuptools needs an extension or `Root-Is-Purelib: false` and a tag
    (`bdist_wheel --plat-name`), hatchling a build hook with `infer_tag`, ctypes packages `py3-none-{platform}`.

    **Limits.** A module that the package imports inside `try` alone is provided for. Launchers, and libraries whose
    path names the system or machine they are for, are passengers that a
    package chooses from; they are reported as `binary-foreign`.

    **References.** PEP 425.
    """
    if not any(platform.system is System.ANY for platform in context.platforms):
        return
    loaded = [binary for binary in wheel.binaries if context.is_loaded(binary) and not context.is_optional(binary)]
    found = loaded or fixed_machine_libraries(wheel, context)
    if found:
        yield Hit(
            message=f"the platform tag is `any`, and the wheel holds {len(found)} native "
            f"{'file' if len(found) == 1 else 'files'} that {'is' if len(found) == 1 else 'are'} imported or loaded",
            help="build one wheel a platform; a package that loads its library by ctypes is `py3-none-{platform}`",
            evidence=tuple(
                Evidence(
                    text=f"`{binary.member}` is {describe(binary.format.value)}"
                    f" for {', '.join(part.arch or part.machine for part in binary.slices)}",
                    member=binary.member,
                )
                for binary in found[:8]
            ),
        )


def describe(format_: str) -> str:
    """A format with its article."""
    return {"elf": "an ELF file", "macho": "a Mach-O file", "pe": "a PE file"}[format_]


@rule("platform-without-native", severity=WARNING, since="0.1")
def platform_without_native(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """The platform tag names a system, and there is no native file.

    **What it checks.** A wheel for a platform holds at least one native binary, static library or wasm module.

    **Why it matters.** Either the build dropped its extension (a failed optional build, a wrong package-data pattern),
    or the wheel is pure and should install everywhere.

    **How to fix.** Look at the build log for the extension. If the wheel is pure, tag it `py3-none-any`. Some projects
    do this on purpose, to choose dependencies by platform: ignore the rule then.

    **References.** PEP 425.
    """
    native = {ContentKind.ELF, ContentKind.MACHO, ContentKind.PE, ContentKind.AR, ContentKind.WASM, ContentKind.UNREAD}
    named = [platform.tag for platform in context.platforms if platform.system not in {System.ANY, System.OTHER}]
    if named and wheel.members and not any(member.content in native for member in wheel.files()):
        yield Hit(
            message=f"the platform tag is `{named[0]}`, and the wheel holds no native file",
            help="look for a failed extension build; if the wheel is pure, tag it `py3-none-any`",
        )


RULES = (native_in_any, platform_without_native, tag_wider_possible)
