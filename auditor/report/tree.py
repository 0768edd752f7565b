"""The loading of a wheel's native files as a person reads it: who needs what, where it was found, what nobody has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.facts.binary import NeededKind
from auditor.loading.model import ABSENT, Image, Library, Origin, Resolution
from auditor.report.wording import counted, printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.facts.wheel import WheelFacts

_RED, _YELLOW, _GREEN, _BOLD, _DIM = "31", "33", "32", "1", "2"
SYMBOLS_SHOWN = 8
PLACES_SHOWN = 4
ORIGIN_WORDS = {
    Origin.WHEEL: "in the wheel",
    Origin.PLATFORM: "of the platform",
    Origin.PYTHON: "of Python",
    Origin.PROCESS: "in the wheel, if it is loaded before",
    Origin.DEPENDENCY: "of another distribution",
    Origin.DRIVER: "of a device driver",
    Origin.UNKNOWN: "not known",
    Origin.UNREACHABLE: "in the wheel, where the loader does not look",
    Origin.MISSING: "NOT FOUND",
}
_ORIGIN_COLOURS: dict[Origin, tuple[str, ...]] = {
    Origin.WHEEL: (_GREEN,),
    Origin.PLATFORM: (_DIM,),
    Origin.PYTHON: (_DIM,),
    Origin.UNREACHABLE: (_RED, _BOLD),
    Origin.MISSING: (_RED, _BOLD),
}
KIND_WORDS = {
    NeededKind.WEAK: "weak",
    NeededKind.LAZY: "lazy",
    NeededKind.DELAY: "delay-loaded",
    NeededKind.FILTER: "filter",
    NeededKind.REEXPORT: "re-exported",
}


def render_tree(facts: WheelFacts, resolutions: tuple[Resolution, ...], *, colour: bool = False) -> str:
    """The trees of all roots on all promised platforms, as text that ends with a line break.

    A library's own needs are drawn where it is first met below a root; later it is named alone. Names from the wheel
    are shown with their control characters escaped.
    """
    page = _Tree(colour=colour)
    page.line(page.paint(printable(facts.filename), _BOLD))
    if not resolutions:
        page.line("nothing native for a promised platform")
    for resolution in resolutions:
        page.resolution(resolution)
    return page.text()


class _Tree:
    """The lines written so far."""

    def __init__(self, *, colour: bool) -> None:
        self._colour = colour
        self._lines: list[str] = []
        self._images: dict[str, Image] = {}
        self._drawn: set[str] = set()

    def text(self) -> str:
        """All lines."""
        return "".join(f"{line}\n" for line in self._lines)

    def line(self, text: str) -> None:
        """Write one line."""
        self._lines.append(text)

    def paint(self, text: str, *codes: str) -> str:
        """The text in a colour, where colours are wanted."""
        return f"\x1b[{';'.join(codes)}m{text}\x1b[0m" if self._colour else text

    def resolution(self, resolution: Resolution) -> None:
        """The trees of one promised platform."""
        self._images = {image.member: image for image in resolution.images}
        self.line("")
        self.line(self.paint(f"on {', '.join(map(printable, resolution.platforms))} ({resolution.arch})", _BOLD))
        roots = [image for image in resolution.images if image.root]
        for image in sorted(roots, key=lambda one: (not one.reached, one.member)):
            self._drawn = {image.member}
            role = image.role if image.reached else f"{image.role}, which nothing in the wheel loads"
            self.line(f"{self.paint(printable(image.member), _BOLD)}  {self.paint(role, _DIM)}")
            self._branches(image, "")

    def _branches(self, image: Image, indent: str) -> None:
        """What an image needs, a line each, and below them what those need."""
        symbols = {one.by: one.symbols for one in image.providers}
        taken: set[str] = set()
        rows: list[tuple[str, Image | None]] = []
        for library in image.libraries:
            key = library.member or library.name
            taken |= {key, library.name}
            count = symbols.get(key) or symbols.get(library.name)
            rows.append((self._library(library, count), self._images.get(library.member or "")))
        rows += [(line, None) for line in self._others(image, symbols, taken)]
        rows += [(line, None) for line in self._wanting(image)]
        for number, (line, below) in enumerate(rows, 1):
            last = number == len(rows)
            self.line(f"{indent}{'└── ' if last else '├── '}{line}")
            if below is not None and below.member not in self._drawn:
                self._drawn.add(below.member)
                self._branches(below, f"{indent}{'    ' if last else '│   '}")

    def _library(self, library: Library, symbols: int | None) -> str:
        """One needed library in a line."""
        where = ORIGIN_WORDS[library.origin]
        words = [self.paint(where, *_ORIGIN_COLOURS.get(library.origin, (_YELLOW,)))]
        if library.member is not None and library.origin is not Origin.MISSING:
            words.append(printable(library.member))
        if library.how is not None and library.origin is not Origin.PLATFORM:
            words.append(self.paint(f"({printable(library.how)})", _DIM))
        if library.origin in ABSENT and library.searched:
            places = ", ".join(map(printable, library.searched[:PLACES_SHOWN]))
            words.append(self.paint(f"(looked in {places})", _DIM))
        kind = f" [{KIND_WORDS[library.kind]}]" if library.kind in KIND_WORDS else ""
        count = self.paint(f"  {counted(symbols, 'symbol')}", _DIM) if symbols else ""
        return f"{printable(library.name)}{kind}  {' '.join(words)}{count}"

    def _others(self, image: Image, symbols: dict[str, int], taken: set[str]) -> Iterator[str]:
        """Who else gives it symbols: the interpreter, and libraries that it does not name itself."""
        for by, count in symbols.items():
            if by not in taken and by != image.member:
                name = "Python's C API" if by == "python" else printable(by)
                where = "of the interpreter" if by == "python" else "in the process, and not named here"
                words = f"{where}  {counted(count, 'symbol')}"
                yield f"{name}  {self.paint(words, _DIM)}"

    def _wanting(self, image: Image) -> Iterator[str]:
        """What nobody provides."""
        for certain, words, code in ((True, "nobody provides", _RED), (False, "perhaps nobody provides", _YELLOW)):
            missing = [one for one in image.missing if one.certain is certain]
            if missing:
                names = ", ".join(
                    printable(f"{one.symbol}@{one.version}" if one.version else one.symbol)
                    for one in missing[:SYMBOLS_SHOWN]
                )
                more = f" and {len(missing) - SYMBOLS_SHOWN} more" if len(missing) > SYMBOLS_SHOWN else ""
                yield self.paint(f"{words} {counted(len(missing), 'symbol')}: ", code, _BOLD) + names + more
        for library in image.orphan_versions:
            yield self.paint(f"requires versions of {printable(library)}, which nothing loads", _RED, _BOLD)
