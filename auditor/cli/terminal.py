"""What kind of place the output goes to, and how to write there."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from typing import TextIO

import click

from auditor.report.text import printable

_DEFAULT_WIDTH = 100
_WIDEST = 120


def use_colour(stream: TextIO | None) -> bool:
    """Whether to use colour: on a terminal, unless NO_COLOR is set; elsewhere only with FORCE_COLOR."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return is_terminal(stream) and os.environ.get("TERM") != "dumb"


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a person looks at it. A stream that was closed before the start is None."""
    return stream is not None and stream.isatty()


def width(stream: TextIO | None) -> int:
    """The width to wrap at: the terminal's, but no wider than one reads with ease; a fixed one elsewhere."""
    if not is_terminal(stream):
        return _DEFAULT_WIDTH
    return min(shutil.get_terminal_size((_DEFAULT_WIDTH, 24)).columns, _WIDEST)


def write(text: str | bytes, *, colour: bool = False) -> None:
    """Write to standard output; bytes as they are, whatever its encoding.

    The stream is named, because click would replace one whose encoding is ASCII by one in UTF-8.
    A reader that has gone away (`| head`) has seen enough: what is left is dropped, and the verdict stands.
    """
    try:
        click.echo(text, sys.stdout, nl=False, color=colour)
    except BrokenPipeError:
        drop(sys.stdout)


def complain(*lines: str) -> None:
    """Write lines to standard error, with the control characters in names escaped; never raises."""
    try:
        click.echo("\n".join(map(printable, lines)), sys.stderr)
    except OSError:
        drop(sys.stderr)


def drop(stream: TextIO) -> None:
    """Send what the stream still holds, and all that follows, nowhere: writing it at exit would fail once more."""
    with contextlib.suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
