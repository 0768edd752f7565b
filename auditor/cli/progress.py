"""A progress line, for a person who waits: on a terminal, after a second."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, TextIO

from auditor.cli.terminal import is_terminal, width
from auditor.report.text import printable

if TYPE_CHECKING:
    from types import TracebackType

_PATIENCE = 1.0
"""Seconds before the first line."""
_PAUSE = 0.1
"""Seconds between two lines."""


class Progress:
    """A line on standard error that says which wheel is being read; it is gone at the end."""

    def __init__(self, total: int, stream: TextIO | None) -> None:
        self._total = total
        # A terminal, or None where nobody waits.
        self._stream = stream if is_terminal(stream) and os.environ.get("TERM") != "dumb" else None
        self._started = time.monotonic()
        self._last = 0.0
        self._done = 0
        self._shown = False

    def __enter__(self) -> Progress:
        return self

    def begin(self, path: str) -> None:
        """Say that `path` is next, if anybody has been waiting."""
        self._done += 1
        now = time.monotonic()
        if self._stream is None or now - self._started < _PATIENCE or now - self._last < _PAUSE:
            return
        self._last = now
        self._shown = True
        name = printable(os.path.basename(path))  # noqa: PTH119 -- the text is shown, not opened
        # One line and no more: only the line that the cursor is in can be erased.
        line = f"auditing {self._done} of {self._total}: {name}"[: width(self._stream) - 1]
        self._stream.write(f"\r\x1b[K{line}")
        self._stream.flush()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown and self._stream is not None:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
