"""The commands: audit (which needs no name), matrix, explain, rules, facts, schema."""

from __future__ import annotations

import io
import sys

import click

from auditor.cli import STATUS_INTERRUPTED
from auditor.cli.audit import audit
from auditor.cli.paths import require_file
from auditor.cli.terminal import complain, drop, has_no_reader, own_fault, use_colour, width, write
from auditor.errors import AuditError
from auditor.version import __version__

_STATUS_USAGE, _STATUS_BROKEN = 2, 3


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
        formatter.write_usage(ctx.command_path, "matrix PATH... | facts WHEEL", prefix="       ")
        formatter.write_usage(ctx.command_path, "explain RULE | rules | schema", prefix="       ")
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
                    ("2", "wrong usage or settings, a path that does not exist, no wheel"),
                    ("3", "the audit itself failed, after all else was reported"),
                    (f"{STATUS_INTERRUPTED}", "interrupted (Control-C)"),
                ]
            )


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="wheel-audit")
def cli() -> None:
    """Audit wheels before the upload."""


cli.add_command(audit)


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


@cli.command()
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "markdown", "json", "html"]),
    default="text",
    show_default=True,
    help="What to print.",
)
@click.option("--config", metavar="FILE", help="As for an audit; no setting has a say in who is served.")
@click.option("--isolated", "--no-config", is_flag=True, help="As for an audit.")
@click.pass_context
def matrix(ctx: click.Context, paths: tuple[str, ...], format_: str, config: str | None, *, isolated: bool) -> None:
    """Draw who is served: which wheel pip would choose for each interpreter on each platform.

    PATH is a wheel, or a directory: every *.whl in it, and the source distributions beside them. Nothing is judged;
    a file that nobody can install is left out, and the exit status is 3.
    """
    from auditor.cli.choices import settings_of_file
    from auditor.cli.matrix import matrices, rendered

    if config is not None:
        settings_of_file(config, isolated=isolated)
    found, unreadable = matrices(paths)
    if format_ == "text":
        colour = use_colour(sys.stdout)
        write(rendered(found, format_, colour=colour, width=width(sys.stdout)), colour=colour)
    else:
        write(rendered(found, format_, unreadable=unreadable).encode("utf-8"))
    if unreadable:
        complain(*(f"error: {one.message}" for one in unreadable))
        ctx.exit(_STATUS_BROKEN)


@cli.command()
def schema() -> None:
    """Print the JSON Schema of the JSON report."""
    from auditor.report.schema import schema_document

    write(schema_document().encode("utf-8"))


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
        return STATUS_INTERRUPTED
    except AuditError as error:
        complain(f"error: {error}")
        return error.exit_status
    except SystemExit:
        # Click's answer where the reader of --help has gone away.
        return 0
    except OSError as error:
        # What a wheel's file raises is an AuditError by now: this is the output.
        drop(sys.stdout)
        if has_no_reader(error):
            return 0
        complain(f"error: the output could not be written: {error.strerror or error}")
        return _STATUS_BROKEN
    except Exception as error:  # noqa: BLE001 -- a traceback's status of 1 would say that a wheel failed
        complain(f"error: {own_fault(error)}")
        return _STATUS_BROKEN
    return outcome if isinstance(outcome, int) else 0


def _usage(error: click.ClickException) -> list[str]:
    """How the command is used, where that is known, and what click says of how it was used."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    usage = context.get_usage().split("\n") if context is not None else []
    return [*usage, f"error: {error.format_message()} (`wheel-audit --help` tells more)"]
