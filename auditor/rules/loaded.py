"""What the simulated loader said of the images that a rule may judge: those that no other fault has spoilt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.facts.binary import NeededKind
from auditor.facts.record import Fact
from auditor.loading.model import Image, Library, Origin, Resolution
from auditor.platforms.promise import Libc, System, parse_platform
from auditor.rules.alien import aliens
from auditor.rules.floors import libc_of
from auditor.rules.rule import ERROR, INFO, WARNING, Evidence, Hit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.facts.wheel import WheelFacts
    from auditor.findings import Severity
    from auditor.rules.context import Context


_SHOWN = 20


def judged_images(wheel: WheelFacts, context: Context) -> Iterator[tuple[Resolution, Image]]:
    """Every image on every promise, but for those that are of another system, machine or C library.

    What is missing for such a file is an echo of its one fault.
    """
    blamed = aliens(context)
    kinds = {binary.member: libc_of(part) for binary, part, _detail in wheel.elf_slices()}
    for resolution in context.resolutions:
        promised = parse_platform(resolution.platforms[0]).libc
        for image in resolution.images:
            kind = kinds.get(image.member)
            if image.member in blamed or (promised not in {None, Libc.ANY, kind} and kind is not None):
                continue
            yield resolution, image


class Lack(Fact, frozen=True, kw_only=True):
    """A library, and who in the wheel asks for it in vain."""

    name: str
    library: Library
    """As the first of the images has it."""
    images: tuple[Image, ...]
    resolution: Resolution

    @property
    def severity(self) -> Severity:
        """An error where a module or a program is sure to ask for it at once, and nothing may bring it.

        A warning where it may come from elsewhere, is asked for later, or only Python code of the wheel loads the file
        that needs it. What nothing in the wheel loads may be a plug-in for software that is not there: an info.
        """
        later = self.library.kind in {NeededKind.DELAY, NeededKind.LAZY}
        if any(image.reached for image in self.images):
            return WARNING if later or self.library.doubt is not None else ERROR
        return WARNING if any(image.named for image in self.images) else INFO


def unloaded(lacks: list[Lack]) -> tuple[list[Lack], list[Lack]]:
    """Those that get a finding each, and those of files that nothing in the wheel loads, which get one together."""
    told: tuple[list[Lack], list[Lack]] = ([], [])
    for lack in lacks:
        told[lack.severity is INFO].append(lack)
    return told


def lacking(wheel: WheelFacts, context: Context, *origins: Origin) -> list[Lack]:
    """The libraries of these origins, each once with all that need it, in the order of their names.

    Where the wheel has a file of that name which is no library of the system, that is the fault, and is told already.
    """
    found: dict[str, tuple[Library, Resolution, dict[str, Image]]] = {}
    windows = bool(context.on(System.WINDOWS))
    for resolution, image in judged_images(wheel, context):
        for library in image.libraries:
            if library.origin in origins and not _is_unfit_here(library, context):
                name = library.name.lower() if windows else library.name
                _, _, images = found.setdefault(name, (library, resolution, {}))
                images.setdefault(image.member, image)
    return [
        Lack(name=library.name, library=library, images=tuple(images.values()), resolution=resolution)
        for _, (library, resolution, images) in sorted(found.items())
    ]


def _is_unfit_here(library: Library, context: Context) -> bool:
    """Whether the wheel has a file of a missing library's name, for another system or machine."""
    name = library.name.rpartition("/")[2]
    windows = bool(context.on(System.WINDOWS))
    return library.origin is Origin.MISSING and (name.lower() in context.bundled if windows else name in context.files)


def together(lacks: list[Lack], fault: str) -> Hit:
    """The one finding for libraries of files that nothing in the wheel loads.

    `fault` is what comes behind "which", with `{are}` for the verb.
    """
    what, are = (f"`{lacks[0].name}`", "is") if len(lacks) == 1 else (f"{len(lacks)} libraries", "are")
    return Hit(
        message=f"{what}, which {fault.format(are=are)}, {are} needed by files that nothing in the wheel loads: they"
        " may be optional",
        help="nothing, if they are plug-ins for software that the user may have; else leave them out",
        arch=lacks[0].resolution.arch,
        severity=INFO,
        evidence=tuple(
            Evidence(
                text=f"`{lack.images[0].member}` needs `{lack.name}`", member=lack.images[0].member, library=lack.name
            )
            for lack in lacks[:_SHOWN]
        ),
    )
