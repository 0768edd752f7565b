"""The matrix of who is served, for people: interpreters down, platforms across.

`table` is what every view of it shows: rows that say the same are one, and each cell is a word or two.
"""

from __future__ import annotations

import textwrap
from enum import Enum
from itertools import groupby
from typing import TYPE_CHECKING

from auditor.facts.record import Fact
from auditor.findings import MatrixColumn
from auditor.report.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from auditor.findings import Matrix, MatrixCell, MatrixRow

_GREEN, _RED, _YELLOW, _DIM, _BOLD = "32", "31", "33", "2", "1"
_SYSTEM_NAMES = {"manylinux": "glibc", "musllinux": "musl", "any": "any"}


class State(str, Enum):
    """What a cell says."""

    SERVED = "served"
    """A wheel is chosen."""
    SDIST = "sdist"
    """No wheel, but a source distribution: whoever can build is served."""
    MISSING = "missing"
    EXCLUDED = "excluded"
    """`Requires-Python` excludes this Python."""


class Shown(Fact, frozen=True, kw_only=True):
    """A cell as it is shown."""

    state: State
    text: str
    """`2.17`, `11.0 abi3`, `yes`, `any`, `sdist`, `-`; empty where the Python is excluded."""
    wheel: str | None = None
    """The wheel that pip chooses."""


class Line(Fact, frozen=True, kw_only=True):
    """One or more interpreters for which all cells say the same."""

    label: str
    """`CPython 3.12`, or `CPython 3.9 to 3.15`."""
    interpreters: tuple[str, ...]
    cells: tuple[Shown, ...]


class Table(Fact, frozen=True, kw_only=True):
    """The matrix as it is shown."""

    title: str
    columns: tuple[MatrixColumn, ...]
    lines: tuple[Line, ...]
    legend: tuple[str, ...]


def table(matrix: Matrix, *, collapse: bool = True) -> Table:
    """The matrix as it is shown. With `collapse`, interpreters of one kind that say the same share a line."""
    sdist = bool(matrix.sdists)
    rows = [(row, tuple(_shown(cell, row, sdist=sdist) for cell in row.cells)) for row in matrix.rows]
    # `text` stands for the state as well: a run of interpreters is one line where their words are the same.
    runs = groupby(rows, key=lambda one: (_kind(one[0]), tuple((cell.state, cell.text) for cell in one[1])))
    lines: list[Line] = []
    for _, run in runs:
        found = list(run)
        if collapse:
            label = _run_label([row.label for row, _ in found])
            lines.append(Line(label=label, interpreters=tuple(row.interpreter for row, _ in found), cells=found[0][1]))
        else:
            lines += [Line(label=row.label, interpreters=(row.interpreter,), cells=cells) for row, cells in found]
    return Table(
        title=f"{matrix.project} {matrix.version}",
        columns=matrix.columns,
        lines=tuple(lines),
        legend=_legend(matrix, lines),
    )


def _kind(row: MatrixRow) -> tuple[str, bool]:
    """The line of interpreters that a row belongs to: only those of one kind share a line."""
    return row.label.partition(" ")[0], row.label.endswith("t")


def runs(matrix: Matrix, labels: Iterable[str]) -> str:
    """Interpreters in words, those that follow on each other in the matrix as one: `CPython 3.9 to 3.15, PyPy 3.11`."""
    wanted = set(labels)
    found: list[str] = []
    for (_, among), rows in groupby(matrix.rows, key=lambda row: (_kind(row), row.label in wanted)):
        if among:
            found.append(_run_label([row.label for row in rows]))
    return ", ".join(found)


def _run_label(labels: Sequence[str]) -> str:
    """The first and the last of a run of interpreters."""
    if len(labels) == 1:
        return labels[0]
    joint = "and" if len(labels) == 2 else "to"
    return f"{labels[0]} {joint} {labels[-1].partition(' ')[2]}"


def _shown(cell: MatrixCell, row: MatrixRow, *, sdist: bool) -> Shown:
    """What a cell says, in a word or two."""
    if not row.allowed:
        return Shown(state=State.EXCLUDED, text="")
    if cell.wheel is None or cell.tag is None:
        return Shown(state=State.SDIST, text="sdist") if sdist else Shown(state=State.MISSING, text="-")
    python, abi, platform = cell.tag.split("-")
    if platform == "any":
        return Shown(state=State.SERVED, text="any", wheel=cell.wheel)
    words = [floor_text(cell)]
    if abi in {"abi3", "abi3t"}:
        words.append(abi)
    elif abi == "none":
        words.append(python)
    return Shown(state=State.SERVED, text=" ".join(words), wheel=cell.wheel)


def floor_text(cell: MatrixCell) -> str:
    """The oldest system in words; `yes` where versions are not counted."""
    if cell.floor is None:
        return "yes"
    major, minor = cell.floor
    return str(major) if cell.platform.startswith("android_") else f"{major}.{minor}"


def _legend(matrix: Matrix, lines: Iterable[Line]) -> tuple[str, ...]:
    """What the words in the cells mean, for those that are there."""
    shown = [cell for line in lines for cell in line.cells]
    words = {word for cell in shown for word in cell.text.split()}
    versions = list(dict.fromkeys(one.versions for one in matrix.columns if one.versions and one.named))
    what = " or ".join(filter(None, (", ".join(versions[:-1]), *versions[-1:])))
    legend = []
    if any(word[0].isdigit() for word in words):
        legend.append(f"a number is the oldest {what} that a wheel installs on")
    if "yes" in words:
        legend.append("yes: a wheel, whatever the system's version")
    if words & {"abi3", "abi3t"}:
        legend.append("abi3: one wheel for this and later Pythons")
    if any(word.startswith(("py", "cp", "pp")) for word in words):
        legend.append("py3 and the like: a wheel that binds to no Python's ABI")
    if "any" in words:
        legend.append("any: the wheel for every platform")
    states = {cell.state for cell in shown}
    if State.SDIST in states:
        legend.append("sdist: to be built from source")
    if State.MISSING in states:
        legend.append("-: nothing to install")
    if State.EXCLUDED in states:
        legend.append("empty: Requires-Python excludes it")
    return tuple(legend)


def render_matrix_text(matrix: Matrix, *, width: int = 100, colour: bool = False, wheels: bool = True) -> str:
    """The matrix as text: as many platforms side by side as fit into `width`, the others below.

    With `wheels`, the files follow, each with whom it serves.
    """
    shown = table(matrix)
    left = max((len(line.label) for line in shown.lines), default=0)
    lines = [_paint(printable(f"{shown.title}: who is served"), colour, _BOLD), ""]
    for block in _blocks(shown, max(width, 40) - left):
        lines += _block(shown, block, left, colour=colour)
        lines.append("")
    for one in shown.legend:
        wrapped = textwrap.wrap(one, max(width, 40), initial_indent="  ", subsequent_indent="    ")
        lines += [_paint(line, colour, _DIM) for line in wrapped]
    if wheels:
        lines += _files(matrix, width=max(width, 40), colour=colour)
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _column_width(shown: Table, number: int) -> int:
    """The widest text of a column."""
    column = shown.columns[number]
    texts = [*_heading(column), *(line.cells[number].text for line in shown.lines)]
    return max(map(len, texts))


def _heading(column: MatrixColumn) -> tuple[str, str]:
    """The two words above a column."""
    return _SYSTEM_NAMES.get(column.system, column.system), printable(column.arch)


def _blocks(shown: Table, room: int) -> list[list[int]]:
    """The columns that fit side by side, block by block."""
    blocks: list[list[int]] = [[]]
    used = 0
    for number in range(len(shown.columns)):
        wide = _column_width(shown, number) + 2
        if blocks[-1] and used + wide > room:
            blocks.append([])
            used = 0
        blocks[-1].append(number)
        used += wide
    return blocks


def _block(shown: Table, numbers: list[int], left: int, *, colour: bool) -> list[str]:
    """Some columns of all rows, with their headings."""
    widths = [_column_width(shown, number) for number in numbers]
    rows = []
    for place in (0, 1):
        words = [_heading(shown.columns[number])[place] for number in numbers]
        cells = "".join(f"  {word:<{wide}}" for word, wide in zip(words, widths, strict=True))
        rows.append(_paint(" " * left + cells, colour, _BOLD))
    for line in shown.lines:
        cells = "".join(
            "  " + _paint_cell(line.cells[number], wide, colour=colour)
            for number, wide in zip(numbers, widths, strict=True)
        )
        rows.append(f"{line.label:<{left}}{cells}")
    return rows


def _paint_cell(cell: Shown, wide: int, *, colour: bool) -> str:
    """A cell, filled up to the width of its column."""
    codes = {State.SERVED: _GREEN, State.SDIST: _YELLOW, State.MISSING: _RED, State.EXCLUDED: _DIM}
    return _paint(f"{cell.text:<{wide}}", colour and bool(cell.text), codes[cell.state])


def _paint(text: str, colour: bool, *codes: str) -> str:
    """The text in a colour, where colours are wanted."""
    return f"\x1b[{';'.join(codes)}m{text}\x1b[0m" if colour else text


def served_by(matrix: Matrix) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    """Wheel -> the labels of the interpreters and the names of the platforms that get it, in the matrix's order."""
    found: dict[str, tuple[dict[str, None], dict[str, None]]] = {}
    for row in matrix.rows:
        for cell in row.cells:
            for name in filter(None, (cell.wheel, *cell.older)):
                labels, platforms = found.setdefault(name, ({}, {}))
                labels[row.label] = None
                platforms[cell.platform] = None
    return {name: (tuple(labels), tuple(platforms)) for name, (labels, platforms) in sorted(found.items())}


def whom(matrix: Matrix) -> Iterator[tuple[str, str]]:
    """Each file that somebody gets, and whom it serves in words: `CPython 3.9 to 3.15 on macos_arm64`."""
    for name, (labels, platforms) in served_by(matrix).items():
        every = len(platforms) == len(matrix.columns) > 1
        yield name, f"{runs(matrix, labels)} on {'every platform' if every else ', '.join(map(printable, platforms))}"


def _files(matrix: Matrix, *, width: int, colour: bool) -> list[str]:
    """The files, each with whom it serves."""
    lines = []
    for name, text in whom(matrix):
        lines.append(_paint(f"  {printable(name)}", colour, _BOLD))
        lines += textwrap.wrap(
            text,
            width,
            initial_indent=" " * 6,
            subsequent_indent=" " * 8,
            break_long_words=False,
            break_on_hyphens=False,
        )
    return ["", *lines] if lines else []


def render_matrix_markdown(matrix: Matrix) -> str:
    """The matrix as a Markdown table, with its legend as a paragraph."""
    shown = table(matrix)
    heads = [" ".join(dict.fromkeys(_heading(column))) for column in shown.columns]
    lines = [
        "| | " + " | ".join(_escaped(head) for head in heads) + " |",
        "|---|" + "---|" * len(heads),
        *(
            f"| {_escaped(line.label)} | " + " | ".join(_escaped(cell.text) or " " for cell in line.cells) + " |"
            for line in shown.lines
        ),
    ]
    legend = "; ".join(shown.legend)
    paragraph = ["", f"{legend[:1].upper()}{legend[1:]}."] if legend else []
    return "".join(f"{line}\n" for line in [*lines, *paragraph])


def _escaped(text: str) -> str:
    """The text without what Markdown would read as markup in a table."""
    return "".join(f"\\{one}" if one in "\\`*_{}[]<>#|!~" else one for one in printable(text))
