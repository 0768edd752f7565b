"""What kind of place the output goes to, and how to write there."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import sys
from typing import TextIO

import click

from auditor.report.text import printable

_DEFAULT_WIDTH = 100
_WIDEST = 120
_NO_READER = {errno.EPIPE, errno.EINVAL} if os.name == "nt" else {errno.EPIPE}
"""What a write into a pipe fails with that nobody reads any more. The C runtime of Windows has EINVAL for
ERROR_NO_DATA (Lib/subprocess.py, `_stdin_write`). Python has EINVAL also for each error of Windows that it has no errno
for, and then there is its number."""
_BRANCHES = re.compile("^(?:│   |    |├── |└── )+", re.MULTILINE)
_PLAIN_BRANCHES = str.maketrans("│├└─", "||`-")


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
    if isinstance(text, str):
        text = drawable(text, getattr(sys.stdout, "encoding", None))
    try:
        click.echo(text, sys.stdout, nl=False, color=colour)
    except OSError as error:
        if not has_no_reader(error):
            raise
        drop(sys.stdout)


def has_no_reader(error: OSError) -> bool:
    """Whether a write failed because whoever read the output has gone away."""
    return error.errno in _NO_READER and error.filename is None and getattr(error, "winerror", None) is None


def drawable(text: str, encoding: str | None) -> str:
    """The text, with the branches of trees in ASCII where the encoding has no letters for them (cp1252 of Windows)."""
    try:
        "│├└─".encode(encoding or "utf-8")
    except UnicodeEncodeError:
        return _BRANCHES.sub(lambda branch: branch[0].translate(_PLAIN_BRANCHES), text)
    return text


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


def own_fault(error: Exception) -> str:
    """An exception that nobody foresaw: what it is, and the line that raised it."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = f" in {place.tb_frame.f_globals.get('__name__')}, line {place.tb_lineno}" if place is not None else ""
    return f"a fault of wheel-audit itself, please report it ({type(error).__name__}{where}: {error})"
