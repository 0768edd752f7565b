"""What kind of place the output goes to."""

from __future__ import annotations

import os
import shutil
from typing import TextIO

_DEFAULT_WIDTH = 100
_WIDEST = 120


def use_colour(stream: TextIO) -> bool:
    """Whether to use colour: on a terminal, unless NO_COLOR is set; elsewhere only with FORCE_COLOR."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def width(stream: TextIO) -> int:
    """The width to wrap at: the terminal's, but no wider than one reads with ease; a fixed one elsewhere."""
    if not stream.isatty():
        return _DEFAULT_WIDTH
    return min(shutil.get_terminal_size((_DEFAULT_WIDTH, 24)).columns, _WIDEST)
