"""Who is served, as a command: wheels -> matrices -> text, Markdown, JSON, HTML."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.cli.paths import expand, require_file
from auditor.errors import AuditError
from auditor.findings import Unreadable

if TYPE_CHECKING:
    from auditor.facts.release import WheelSummary
    from auditor.findings import Matrix


def matrices(paths: tuple[str, ...]) -> tuple[tuple[Matrix, ...], tuple[Unreadable, ...]]:
    """A matrix for each version of each project, and the files that serve nobody, whatever their names promise.

    Raises `UsageError` where there is nothing to look at.
    """
    from auditor.platforms.serving import build_matrix
    from auditor.release import group

    wheels, sdists = expand(paths)
    seen = [_seen(path) for path in wheels]
    releases = group((one for one in seen if not isinstance(one, Unreadable)), sdists)
    return tuple(build_matrix(one) for one in releases), tuple(one for one in seen if isinstance(one, Unreadable))


def _seen(path: str) -> WheelSummary | Unreadable:
    """What of a wheel matters beside the others, or why nobody can install it."""
    from auditor.archive.reader import read_wheel
    from auditor.release import summarise

    try:
        require_file(path)
        facts = read_wheel(path)
    except AuditError as error:
        return Unreadable(path=path, message=str(error))
    summary = summarise(facts)
    if summary is None:
        return Unreadable(path=path, message=f"`{path}` has not the name of a wheel, so nobody would be given it")
    if not facts.members:
        return Unreadable(path=path, message=f"`{path}` cannot be opened as an archive, so it serves nobody")
    if facts.dist_info is None:
        return Unreadable(path=path, message=f"`{path}` has no dist-info directory, so it serves nobody")
    return summary


def rendered(
    found: tuple[Matrix, ...],
    format_: str,
    *,
    unreadable: tuple[Unreadable, ...] = (),
    colour: bool = False,
    width: int = 100,
) -> str:
    """The matrices in one of the formats; ends with a line break. What serves nobody is in the JSON alone."""
    match format_:
        case "markdown":
            from auditor.report.matrix import render_matrix_markdown

            return "\n".join(f"### {one.project} {one.version}\n\n{render_matrix_markdown(one)}" for one in found)
        case "json":
            from auditor.report.json import document
            from auditor.report.model import SCHEMA, Tool, WireUnreadable, wire_matrix

            left_out = [WireUnreadable(path=one.path, message=one.message) for one in unreadable]
            shown = [wire_matrix(one) for one in found]
            return document({"schema": SCHEMA, "tool": Tool(), "matrices": shown, "unreadable": left_out})
        case "html":
            from auditor.report.html import render_matrix_html

            return render_matrix_html(found)
        case _:
            from auditor.report.matrix import render_matrix_text

            return "\n".join(render_matrix_text(one, width=width, colour=colour) for one in found)
