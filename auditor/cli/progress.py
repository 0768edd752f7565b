"""A progress line, for a person who waits: on a terminal, after a second."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, TextIO

from auditor.report.text import printable

if TYPE_CHECKING:
    from types import TracebackType

_PATIENCE = 1.0
"""Seconds before the first line."""
_PAUSE = 0.1
"""Seconds between two lines."""


class Progress:
    """A line on standard error that says which wheel is being read; it is gone at the end."""

    def __init__(self, total: int, stream: TextIO) -> None:
        self._total = total
        self._stream = stream
        self._started = time.monotonic()
        self._last = 0.0
        self._done = 0
        self._shown = False
        self._wanted = stream.isatty() and os.environ.get("TERM") != "dumb"

    def __enter__(self) -> Progress:
        return self

    def begin(self, path: str) -> None:
        """Say that `path` is next, if anybody has been waiting."""
        self._done += 1
        now = time.monotonic()
        if not self._wanted or now - self._started < _PATIENCE or now - self._last < _PAUSE:
            return
        self._last = now
        self._shown = True
        name = printable(os.path.basename(path))[:80]  # noqa: PTH119 -- the text is shown, not opened
        self._stream.write(f"\r\x1b[Kauditing {self._done} of {self._total}: {name}")
        self._stream.flush()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
