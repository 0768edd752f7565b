"""Symbol versions of libraries that nothing loads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.rules.loaded import judged_images
from auditor.rules.rule import ERROR, Evidence, Hit, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.facts.wheel import WheelFacts
    from auditor.rules.context import Context


@rule("version-need-without-library", severity=ERROR, since="0.1")
def version_need_without_library(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A file requires a symbol version of a library that nothing loads.

    **What it checks.** Each library that an entry of `.gnu.version_r` names is among the needed libraries of the file,
    of one that is loaded with it, or is one that the interpreter itself has loaded.

    **Why it matters.** ld.so ends the whole process: "Inconsistency detected by ld.so: dl-version.c: Assertion
    `needed != NULL' failed". No `try` around the import helps.

    **How to fix.** A tool removed or renamed a needed library without its version needs: `patchelf
    --replace-needed` does both, `--remove-needed` alone does not. Repair the wheel again from the unrepaired one.

    **Limits.** Only what an extension module or a program of the wheel loads is looked at.

    **References.** glibc, elf/dl-version.c (`_dl_check_map_versions`); LSB 5.0, Symbol Versioning.
    """
    for resolution, image in judged_images(wheel, context):
        if not image.orphan_versions or not image.reached:
            continue
        names = ", ".join(f"`{name}`" for name in image.orphan_versions)
        yield Hit(
            message=f"`{image.member}` requires symbol versions of {names}, which nothing loads: the loader aborts",
            help="repair the wheel again, with a tool that changes needed libraries and their versions together",
            member=image.member,
            arch=resolution.arch,
            evidence=tuple(
                Evidence(text=f"`{name}` is not among the needed libraries", member=image.member, library=name)
                for name in image.orphan_versions
            ),
        )


RULES = (version_need_without_library,)
