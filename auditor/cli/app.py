"""The commands: audit (which needs no name), explain, rules, facts."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, Any

import click

from auditor.cli.paths import expand, require_file
from auditor.cli.progress import Progress
from auditor.cli.terminal import complain, drop, use_colour, width, write
from auditor.errors import AuditError
from auditor.version import __version__

if TYPE_CHECKING:
    from auditor.findings import Report
    from auditor.settings import Settings

FORMATS = ("text", "json", "jsonl")
_STATUS_FAILED, _STATUS_USAGE, _STATUS_BROKEN, _STATUS_INTERRUPTED = 1, 2, 3, 130


class _Group(click.Group):
    """A group whose first argument need not be a command: what is none is a path to audit."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args:
            # A script whose list of wheels came out empty must not pass.
            complain(*ctx.get_help().split("\n"))
            ctx.exit(_STATUS_USAGE)
        if args[0] not in self.commands and args[0] not in {"--help", "-h", "--version"}:
            args = ["audit", *args]
        return super().parse_args(ctx, args)

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The help of the audit, and the names of the other commands."""
        formatter.write_usage(ctx.command_path, "[OPTIONS] PATH...")
        formatter.write_usage(ctx.command_path, "explain RULE | rules | facts WHEEL", prefix="       ")
        command = self.commands["audit"]
        context = click.Context(command, info_name=ctx.info_name)
        command.format_help_text(context, formatter)
        command.format_options(context, formatter)
        rows = [(name, one.get_short_help_str(90)) for name, one in sorted(self.commands.items()) if name != "audit"]
        with formatter.section("Commands"):
            formatter.write_dl(rows)
        with formatter.section("Exit status"):
            formatter.write_dl(
                [
                    ("0", "nothing at or above --fail-on"),
                    ("1", "a finding at or above --fail-on"),
                    ("2", "wrong usage, a path that does not exist, a directory without wheels"),
                    ("3", "the audit itself failed, after all else was reported"),
                ]
            )


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="wheel-audit")
def cli() -> None:
    """Audit wheels before the upload."""


@cli.command()
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@click.option(
    "--format", "format_", type=click.Choice(FORMATS), default="text", show_default=True, help="What to print."
)
@click.option("--select", multiple=True, metavar="RULE|FAMILY", help="Run only these; repeat, or separate by commas.")
@click.option("--ignore", multiple=True, metavar="RULE|FAMILY", help="Set these findings aside; repeat, or commas.")
@click.option(
    "--fail-on",
    type=click.Choice(["error", "warning", "never"]),
    default="error",
    show_default=True,
    help="The least severity that fails.",
)
@click.option(
    "--profile",
    type=click.Choice(["default", "pypi", "strict"]),
    default="default",
    show_default=True,
    help="Whose eyes judge: pypi makes errors of what PyPI refuses today alone, strict also of what is announced.",
)
@click.option("-q", "--quiet", is_flag=True, help="Only errors, warnings and the last line.")
@click.option("-v", "--verbose", is_flag=True, help="All evidence, and what was suppressed.")
@click.pass_context
def audit(ctx: click.Context, /, paths: tuple[str, ...], **options: Any) -> None:
    """Say whether wheels keep every promise that their file names make.

    PATH is a wheel, or a directory: every *.whl in it. Nothing is unpacked, run or fetched.
    """
    settings = _settings(options)
    reports, failures = _audit_all(expand(paths), settings)
    _print(reports, options)
    for failure in failures:
        complain(f"error: {failure}")
    if failures or any(report.broken for report in reports):
        ctx.exit(_STATUS_BROKEN)
    if any(report.failed for report in reports):
        ctx.exit(_STATUS_FAILED)


def _settings(options: dict[str, Any]) -> Settings:
    """The settings that the options make."""
    from auditor.findings import Severity
    from auditor.settings import Profile, Settings

    fail_on = None if options["fail_on"] == "never" else Severity(options["fail_on"])
    return Settings(
        select=_names(options["select"]),
        ignore=_names(options["ignore"]),
        profile=Profile(options["profile"]),
        fail_on=fail_on,
    )


def _names(values: tuple[str, ...]) -> tuple[str, ...]:
    """Names that were given one by one or separated by commas."""
    return tuple(name.strip() for value in values for name in value.split(",") if name.strip())


def _audit_all(paths: list[str], settings: Settings) -> tuple[list[Report], list[str]]:
    """The reports of all wheels that could be read, and what to say of those that could not."""
    from auditor.api import audit as audit_one

    reports: list[Report] = []
    failures: list[str] = []
    with Progress(len(paths), sys.stderr) as progress:
        for path in paths:
            progress.begin(path)
            try:
                require_file(path)
                reports.append(audit_one(path, settings=settings))
            except AuditError as error:
                failures.append(str(error))
            except Exception as error:  # noqa: BLE001 -- a fault of ours must not hide what the other wheels have
                failures.append(f"`{path}` could not be audited: {_own_fault(error)}")
    return reports, failures


def _print(reports: list[Report], options: dict[str, Any]) -> None:
    """Print the reports in the format that was asked for."""
    from auditor.findings import ReleaseReport
    from auditor.knowledge import KNOWLEDGE

    report = ReleaseReport(wheels=tuple(reports))
    match options["format_"]:
        case "json":
            from auditor.report.json import render_json

            write(render_json(report, KNOWLEDGE).encode("ascii"))
        case "jsonl":
            from auditor.report.json import render_jsonl

            write(render_jsonl(report, KNOWLEDGE).encode("ascii"))
        case _:
            from auditor.report.text import render_text

            colour = use_colour(sys.stdout)
            text = render_text(
                report, colour=colour, verbose=options["verbose"], quiet=options["quiet"], width=width(sys.stdout)
            )
            write(text, colour=colour)


@cli.command()
@click.argument("rule")
def explain(rule: str) -> None:
    """Print what a rule checks, why it matters and how to fix it; of a family, its rules."""
    from auditor.cli.catalogue import explanation

    write(explanation(rule))


@cli.command()
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True)
def rules(format_: str) -> None:
    """List every rule with its severity, what PyPI does, and its first line."""
    from auditor.cli.catalogue import listing, listing_json

    write(listing() if format_ == "text" else listing_json().encode("ascii"))


@cli.command()
@click.argument("wheel")
@click.option("--format", "format_", type=click.Choice(["json", "text"]), default="json", show_default=True)
def facts(wheel: str, format_: str) -> None:
    """Print what was read of a wheel, and how its native files load, before any judgement.

    JSON has all of it; text draws who needs which library, where it is found, and what nobody provides.
    """
    from auditor.archive.reader import read_wheel
    from auditor.rules.context import Context

    require_file(wheel)
    read = read_wheel(wheel)
    resolutions = Context(read).resolutions
    if format_ == "text":
        from auditor.report.tree import render_tree

        colour = use_colour(sys.stdout)
        write(render_tree(read, resolutions, colour=colour), colour=colour)
        return
    from auditor.report.json import facts_document

    write(facts_document(read, resolutions).encode("ascii"))


def run(arguments: list[str]) -> int:
    """Run the command line, and return its exit status. No input makes it raise."""
    for stream in (sys.stdout, sys.stderr):
        # A name that the console's code page lacks is escaped; it must not end the report.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        outcome = cli.main(arguments, prog_name="wheel-audit", standalone_mode=False)
    except click.ClickException as error:
        complain(*_usage(error))
        return _STATUS_USAGE
    except click.exceptions.Abort:
        complain("interrupted")
        return _STATUS_INTERRUPTED
    except AuditError as error:
        complain(f"error: {error}")
        return error.exit_status
    except SystemExit:
        # Click's answer where the reader of --help has gone away.
        return 0
    except OSError as error:
        # What a wheel's file raises is an AuditError by now: this is the output.
        drop(sys.stdout)
        complain(f"error: the output could not be written: {error.strerror or error}")
        return _STATUS_BROKEN
    except Exception as error:  # noqa: BLE001 -- a traceback's status of 1 would say that a wheel failed
        complain(f"error: {_own_fault(error)}")
        return _STATUS_BROKEN
    return outcome if isinstance(outcome, int) else 0


def _usage(error: click.ClickException) -> list[str]:
    """How the command is used, where that is known, and what click says of how it was used."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    usage = context.get_usage().split("\n") if context is not None else []
    return [*usage, f"error: {error.format_message()} (`wheel-audit --help` tells more)"]


def _own_fault(error: Exception) -> str:
    """An exception that nobody foresaw: what it is, and the line that raised it."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = f" in {place.tb_frame.f_globals.get('__name__')}, line {place.tb_lineno}" if place is not None else ""
    return f"a fault of wheel-audit itself, please report it ({type(error).__name__}{where}: {error})"
