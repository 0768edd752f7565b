"""Where reports go: standard output, files, several at once."""

from __future__ import annotations

import contextlib
import difflib
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from auditor.cli.paths import real_path
from auditor.errors import UsageError
from auditor.report.formats import FORMATS

_NAMED = re.compile(r"([A-Za-z][A-Za-z0-9-]+):(.*)", re.DOTALL | re.ASCII)
"""`FORMAT:FILE`. A single letter before the colon is a drive of Windows."""
STANDARD_OUTPUT = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One report to write."""

    format: str
    path: str | None
    """None for standard output."""


def outputs(values: tuple[str, ...], default: str) -> list[Output]:
    """The reports that `--output` and `--format` ask for.

    A value is `FORMAT:FILE`, or `FILE` for one in the format `default`; `-` is standard output, which gets a report in
    the format `default` unless a value without a format or with `-` takes its place. Raises `UsageError` for an unknown
    format, for a place named twice, and for a place where no file can be written.
    """
    found = [_output(value, default) for value in values]
    if not any(one.path is None or _is_bare(value) for one, value in zip(found, values, strict=True)):
        found.insert(0, Output(format=default, path=None))
    taken: set[str] = set()
    for one in found:
        if one.path is not None:
            require_place(one.path)
        place = STANDARD_OUTPUT if one.path is None else real_path(one.path)
        if place in taken:
            raise UsageError(f"two reports would be written to `{one.path or STANDARD_OUTPUT}`")
        taken.add(place)
    return found


def _is_bare(value: str) -> bool:
    """Whether a value names no format."""
    return _NAMED.fullmatch(value) is None


def _output(value: str, default: str) -> Output:
    """One value of `--output`."""
    match = _NAMED.fullmatch(value)
    name, path = (match[1], match[2]) if match is not None else (default, value)
    if name not in FORMATS:
        near = difflib.get_close_matches(name.lower(), FORMATS, n=1, cutoff=0.5)
        hint = f"; did you mean `{near[0]}`?" if near else ""
        known = ", ".join(FORMATS)
        raise UsageError(f"`--output {value}`: there is no format `{name}`{hint} (there are {known})")
    if not path:
        raise UsageError(f"`--output {value}` names no file")
    return Output(format=name, path=None if path == STANDARD_OUTPUT else path)


def require_place(path: str) -> None:
    """Raise `UsageError` where no file can be written at `path`, before anything is audited."""
    directory = os.path.dirname(path) or os.curdir  # noqa: PTH120
    if "\0" in path:
        raise UsageError(f"`{path}` cannot be written: no path holds a NUL")
    if not os.path.isdir(directory):  # noqa: PTH112 -- `Path("")` would be the current directory
        raise UsageError(f"`{path}` cannot be written: the directory `{directory}` does not exist")
    if os.path.isdir(path):  # noqa: PTH112
        raise UsageError(f"`{path}` cannot be written: it is a directory")


def write_file(path: str, content: bytes) -> None:
    """Write a whole file or nothing: whoever reads it meanwhile sees the old one or the new one.

    What is no regular file (a device, a pipe) is written into. Raises `OSError`.
    """
    target = Path(real_path(path))
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISREG(target.stat().st_mode):
            target.write_bytes(content)
            return
    # Beside the target, for only within one file system is a file replaced in one step.
    passing = target.with_name(f".{target.name[:100]}.{os.getpid()}.part")
    try:
        with passing.open("xb") as file:
            file.write(content)
        passing.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            passing.unlink()
        raise
