"""Who is served, as a command: wheels -> matrices -> text, Markdown, JSON, HTML."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.cli.paths import expand, require_file
from auditor.errors import UsageError

if TYPE_CHECKING:
    from auditor.findings import Matrix


def matrices(paths: tuple[str, ...]) -> tuple[Matrix, ...]:
    """A matrix for each version of each project. Raises `UsageError` where no file name is a wheel's."""
    from auditor.archive.reader import read_wheel
    from auditor.platforms.serving import build_matrix
    from auditor.release import group, summarise

    wheels, sdists = expand(paths)
    found = []
    for path in wheels:
        require_file(path)
        one = summarise(read_wheel(path))
        if one is None:
            raise UsageError(f"`{path}` has not the name of a wheel, so nobody would be given it")
        found.append(one)
    return tuple(build_matrix(one) for one in group(found, sdists))


def rendered(found: tuple[Matrix, ...], format_: str, *, colour: bool = False, width: int = 100) -> str:
    """The matrices in one of the formats; ends with a line break."""
    match format_:
        case "markdown":
            from auditor.report.matrix import render_matrix_markdown

            return "\n".join(f"### {one.project} {one.version}\n\n{render_matrix_markdown(one)}" for one in found)
        case "json":
            from auditor.report.json import document
            from auditor.report.model import SCHEMA, Tool, wire_matrix

            return document({"schema": SCHEMA, "tool": Tool(), "matrices": [wire_matrix(one) for one in found]})
        case "html":
            from auditor.report.html import render_matrix_html

            return render_matrix_html(found)
        case _:
            from auditor.report.matrix import render_matrix_text

            return "\n".join(render_matrix_text(one, width=width, colour=colour) for one in found)
