"""Pieces of the HTML page: text made safe, the matrix, the dependency trees, the documentation of a rule.

Every function returns HTML. Nothing that comes from a wheel enters it but through `prose`, `name` or `plain`.
"""

from __future__ import annotations

import html
import re
from itertools import groupby
from typing import TYPE_CHECKING

from auditor.loading.model import ABSENT, SEEN, Image, Library, Origin, Resolution
from auditor.report.matrix import Shown, State, Table, table
from auditor.report.tree import KIND_WORDS, ORIGIN_WORDS, PLACES_SHOWN, SYMBOLS_SHOWN
from auditor.report.wording import counted, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.findings import Matrix
    from auditor.rules import Rule

_LONGEST_TEXT = 2000
_DEEPEST = 40
_STATES = {
    State.SERVED: "served",
    State.SDIST: "no wheel, but a source distribution",
    State.MISSING: "not served",
    State.EXCLUDED: "excluded by Requires-Python",
}
_SIGNS = {"yes": "✓", "-": "–"}
"""How the page draws words of the matrix."""
_BOLD = re.compile(r"\*\*([^*]+)\*\*")


def plain(text: str) -> str:
    """A text as it is, printable, bounded and escaped."""
    return html.escape(shown(text))


def name(text: str) -> str:
    """A name, whose direction of writing stays its own."""
    return f"<bdi>{plain(text)}</bdi>"


def prose(text: str) -> str:
    """A text whose names stand in backticks."""
    parts = shown(text, _LONGEST_TEXT).split("`")
    if len(parts) % 2 == 0:
        # The last backtick opens nothing.
        parts[-2:] = [f"{parts[-2]}`{parts[-1]}"]
    return "".join(
        f"<code>{html.escape(part)}</code>" if place % 2 else html.escape(part)
        for place, part in enumerate(parts)
        if part
    )


def documentation(rule: Rule) -> str:
    """The docstring of a rule: paragraphs with names in backticks, titles in bold, and lists."""
    pieces = []
    for block in re.split(r"\n\s*\n", rule.documentation):
        lines = [line.strip() for line in block.splitlines()]
        if all(line.startswith("- ") for line in lines if line):
            pieces.append("<ul>" + "".join(f"<li>{prose(line[2:])}</li>" for line in lines if line) + "</ul>")
        else:
            text = _BOLD.sub(r"<b>\1</b>", prose(" ".join(lines)))
            pieces.append(f"<p>{text}</p>")
    return "".join(pieces)


def matrix(served: Matrix) -> str:
    """Who is served: interpreters down, machines across."""
    shown_table = table(served)
    rows = [
        f'<tr><th scope="row">{plain(line.label)}</th>{"".join(_cell(cell) for cell in line.cells)}</tr>'
        for line in shown_table.lines
    ]
    legend = "".join(f"<li>{_meaning(one)}</li>" for one in shown_table.legend)
    return (
        '<div class="wide" role="region" aria-label="Who is served" tabindex="0"><div class="track"><table>'
        '<caption class="hidden">Which wheel pip would choose: interpreters down, machines across.</caption>'
        f"<thead>{_head(shown_table)}</thead><tbody>{''.join(rows)}</tbody></table></div></div>"
        f'<ul class="legend">{legend}</ul>'
    )


def _meaning(line: str) -> str:
    """A line of the legend, with the sign that the page draws for its word."""
    word, colon, meaning = line.partition(": ")
    return plain(f"{_SIGNS.get(word, word)}{colon}{meaning}")


def _head(shown_table: Table) -> str:
    """Systems above, architectures below."""
    groups = [(system, len(list(same))) for system, same in groupby(shown_table.columns, key=lambda one: one.system)]
    above = "".join(
        f'<th scope="colgroup" colspan="{count}"><span>{plain(system)}</span></th>' for system, count in groups
    )
    below = "".join(f'<th scope="col">{plain(one.arch)}</th>' for one in shown_table.columns)
    return f"<tr><td></td>{above}</tr><tr><td></td>{below}</tr>"


def _cell(cell: Shown) -> str:
    """What one interpreter gets on one kind of machine: the colour says it, and so do words that are not seen."""
    title = f' title="{plain(cell.wheel)}"' if cell.wheel is not None else ""
    first, _, rest = cell.text.partition(" ")
    seen = _SIGNS.get(first, plain(first)) + (f" <small>{plain(rest)}</small>" if rest else "")
    return f'<td class="{cell.state.value}"{title}><span class="hidden">{_STATES[cell.state]}</span> {seen}</td>'


class Trees:
    """The dependency trees of a page, which together have a bounded number of lines."""

    def __init__(self, most: int) -> None:
        self._room = most
        self._images: dict[str, Image] = {}
        self._drawn: set[str] = set()

    def of(self, resolution: Resolution) -> str:
        """The trees of all roots on one promised platform, folded; empty where the page has no room left.

        A library's own needs are drawn where it is first met below a root; later it is named alone.
        """
        if self._room <= 0:
            return ""
        self._images = {image.member: image for image in resolution.images}
        trees = []
        roots = [image for image in resolution.images if image.root]
        for image in sorted(roots, key=lambda one: (not one.reached, one.member)):
            self._drawn = {image.member}
            role = image.role if image.reached else f"{image.role}, which nothing in the wheel loads"
            trees.append(
                f'<ul><li>{name(image.member)} <span class="dim">{plain(role)}</span>{self._below(image, 0)}</li></ul>'
            )
        if self._room <= 0:
            trees.append('<p class="dim">This page has no room for more: <code>wheel-audit facts</code> draws all.</p>')
        on = ", ".join(resolution.platforms)
        return (
            f'<details class="loading"><summary><span>What it loads on <span class="name">{plain(on)}</span> '
            f'<span class="dim">({plain(resolution.arch)})</span></span></summary>'
            f'<div class="tree">{"".join(trees)}</div></details>'
        )

    def _below(self, image: Image, depth: int) -> str:
        """What an image needs, and below each what that needs."""
        if depth > _DEEPEST:
            return ""
        rows = []
        for line, below in self._rows(image):
            self._room -= 1
            if self._room <= 0:
                break
            deeper = ""
            if below is not None and below.member not in self._drawn:
                self._drawn.add(below.member)
                deeper = self._below(below, depth + 1)
            rows.append(f"<li>{line}{deeper}</li>")
        return f"<ul>{''.join(rows)}</ul>" if rows else ""

    def _rows(self, image: Image) -> Iterator[tuple[str, Image | None]]:
        """The lines of one image: its libraries, who else gives it symbols, and what nobody has."""
        symbols = {one.by: one.symbols for one in image.providers}
        taken = {image.member}
        for library in image.libraries:
            key = library.member or library.name
            taken |= {key, library.name}
            count = symbols.get(key) or symbols.get(library.name)
            yield _library(library, count), self._images.get(library.member or "")
        for by, count in symbols.items():
            if by not in taken:
                who = "Python's C API" if by == "python" else by
                where = "of the interpreter" if by == "python" else "in the process, and not named here"
                yield f'{name(who)} <span class="dim">{where}, {counted(count, "symbol")}</span>', None
        for line in _wanting(image):
            yield line, None


def _library(library: Library, symbols: int | None) -> str:
    """One needed library."""
    kind = "bad" if library.origin in ABSENT else "good" if library.origin in SEEN else "unsure"
    words = [name(library.name), f'<span class="{kind}">{plain(ORIGIN_WORDS[library.origin])}</span>']
    more = [KIND_WORDS[library.kind]] if library.kind in KIND_WORDS else []
    if library.member is not None and library.origin is not Origin.MISSING:
        more.append(library.member)
    if library.how is not None and library.origin is not Origin.PLATFORM:
        more.append(library.how)
    if library.origin in ABSENT and library.searched:
        more.append(f"looked in {', '.join(shown(one) for one in library.searched[:PLACES_SHOWN])}")
    if symbols:
        more.append(counted(symbols, "symbol"))
    if more:
        words.append(f'<span class="dim">{", ".join(plain(one) for one in more)}</span>')
    return " ".join(words)


def _wanting(image: Image) -> Iterator[str]:
    """What nobody provides."""
    for certain, words, kind in ((True, "nobody provides", "bad"), (False, "perhaps nobody provides", "unsure")):
        missing = [one for one in image.missing if one.certain is certain]
        if missing:
            names = ", ".join(
                name(f"{one.symbol}@{one.version}" if one.version else one.symbol) for one in missing[:SYMBOLS_SHOWN]
            )
            more = f" and {len(missing) - SYMBOLS_SHOWN:,} more" if len(missing) > SYMBOLS_SHOWN else ""
            yield f'<span class="{kind}">{words} {counted(len(missing), "symbol")}:</span> {names}{more}'
    for library in image.orphan_versions[:SYMBOLS_SHOWN]:
        yield f'<span class="bad">requires versions of {name(library)}, which nothing loads</span>'
