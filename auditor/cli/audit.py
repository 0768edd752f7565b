"""The command that audits: settings, wheels, reports, exit status."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click
from msgspec import structs

from auditor.cli.choices import chosen_settings
from auditor.cli.outputs import outputs, require_place, write_file
from auditor.cli.paths import expand
from auditor.cli.terminal import complain, use_colour, width, write
from auditor.report.formats import FORMATS, Options

if TYPE_CHECKING:
    from auditor.cli.outputs import Output
    from auditor.findings import ReleaseReport
    from auditor.loading.model import Resolution
    from auditor.settings import Settings

_STATUS_FAILED, _STATUS_BROKEN = 1, 3


@click.command()
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@click.option(
    "--format", "format_", type=click.Choice(list(FORMATS)), default="text", show_default=True, help="What to print."
)
@click.option(
    "--output",
    multiple=True,
    metavar="[FORMAT:]FILE",
    help="Write a report to a file, `-` for standard output; repeat for several. A FILE alone is in the --format, "
    "and nothing is printed.",
)
@click.option("--select", multiple=True, metavar="RULE|FAMILY", help="Run only these; repeat, or separate by commas.")
@click.option("--ignore", multiple=True, metavar="RULE|FAMILY", help="Set these findings aside; repeat, or commas.")
@click.option(
    "--fail-on",
    type=click.Choice(["error", "warning", "info", "never"]),
    help="The least severity that fails.  [default: error]",
)
@click.option(
    "--profile",
    type=click.Choice(["default", "pypi", "strict"]),
    help="Whose eyes judge: pypi makes errors of what PyPI refuses today alone, strict also of what is announced.",
)
@click.option(
    "--config",
    metavar="FILE",
    help="The settings file; without it, wheel-audit.toml or [tool.wheel-audit] in pyproject.toml, in this directory "
    "or the nearest above it. Options stand in place of what it says.",
)
@click.option("--isolated", "--no-config", is_flag=True, help="Use no settings file.")
@click.option("--baseline", metavar="FILE", help="Set the findings aside that are in this file.")
@click.option("--write-baseline", metavar="FILE", help="Write such a file with today's findings.")
@click.option(
    "--against", metavar="DIR|JSON", help="Compare with the previous release: its wheels, or its JSON report."
)
@click.option(
    "--jobs", type=click.IntRange(min=1), metavar="N", help="Wheels to audit at a time.  [default: by itself]"
)
@click.option("-q", "--quiet", is_flag=True, help="Only errors, warnings and the last line.")
@click.option("-v", "--verbose", is_flag=True, help="All evidence, and what was suppressed.")
@click.pass_context
def audit(ctx: click.Context, /, paths: tuple[str, ...], **options: Any) -> None:
    """Say whether wheels keep every promise that their file names make.

    PATH is a wheel, or a directory: every *.whl in it. Several wheels of one project are also judged as a release, with
    the source distributions beside them. Nothing is unpacked, run or fetched.
    """
    settings = chosen_settings(options)
    wanted = outputs(options["output"], options["format_"])
    if options["write_baseline"] is not None:
        require_place(options["write_baseline"])
    report, trees = _report(paths, settings, options, with_trees=any(FORMATS[one.format].needs_trees for one in wanted))
    written = _write_all(report, settings, trees, wanted, options)
    for one in report.unreadable:
        complain(f"error: {one.message}")
    if report.unreadable or report.broken or any(one.broken for one in report.wheels) or not written:
        ctx.exit(_STATUS_BROKEN)
    if report.failed:
        ctx.exit(_STATUS_FAILED)


def _report(
    paths: tuple[str, ...], settings: Settings, options: dict[str, Any], *, with_trees: bool
) -> tuple[ReleaseReport, dict[str, tuple[Resolution, ...]]]:
    """The report on all that the user named, and the dependency trees by path."""
    wheels, sdists = expand(paths)
    from auditor.api import release_report
    from auditor.cli.auditing import audit_wheels, jobs_for
    from auditor.release import read_previous

    previous = read_previous(options["against"]) if options["against"] is not None else ()
    audited, unreadable = audit_wheels(wheels, settings, jobs=jobs_for(wheels, options["jobs"]), with_trees=with_trees)
    if [*paths] == wheels[:1]:
        # Whoever names one wheel does not say that the release has no other.
        settings = structs.replace(settings, expected_matrix=())
    report = release_report(
        [(one.report, one.summary) for one in audited], sdists, settings=settings, previous=previous
    )
    trees = {one.report.path: one.resolutions for one in audited if one.resolutions}
    return structs.replace(report, unreadable=tuple(unreadable)), trees


def _write_all(
    report: ReleaseReport,
    settings: Settings,
    trees: dict[str, tuple[Resolution, ...]],
    wanted: list[Output],
    options: dict[str, Any],
) -> bool:
    """Write every report, and the baseline; whether all could be written. What cannot be is complained of."""
    from auditor.knowledge import KNOWLEDGE

    whole = True
    for one in wanted:
        made = FORMATS[one.format]
        colour = one.path is None and use_colour(sys.stdout)
        given = Options(
            fail_on=settings.fail_on,
            trees=trees,
            colour=colour,
            verbose=options["verbose"],
            quiet=options["quiet"],
            width=width(sys.stdout if one.path is None else None),
        )
        if one.path is not None:
            whole &= _written(one.path, made.encoded(report, KNOWLEDGE, given))
        elif one.format == "text":
            write(made.render(report, KNOWLEDGE, given), colour=colour)
        else:
            # A program reads it, in UTF-8 and not in what the console has.
            write(made.encoded(report, KNOWLEDGE, given))
    if options["write_baseline"] is not None:
        from auditor.baseline import baseline_document

        whole &= _written(options["write_baseline"], baseline_document(report).encode("ascii"))
    return whole


def _written(path: str, content: bytes) -> bool:
    """Write a file; whether it could be written. What is wrong is complained of."""
    try:
        write_file(path, content)
    except OSError as error:
        complain(f"error: `{path}` could not be written: {error.strerror or error}")
        return False
    return True
