"""The previous release: a directory of wheels, or a JSON report of this tool."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import structs

from auditor.archive.reader import read_wheel
from auditor.errors import PathNotFoundError, UnreadableError, UsageError
from auditor.release.files import Sdist, sdist_of_name, split_paths
from auditor.release.grouping import group
from auditor.release.summary import summarise, summary_of_name

if TYPE_CHECKING:
    from auditor.facts.release import ReleaseFacts, WheelSummary

MAX_REPORT = 64 * 1024 * 1024
"""Bytes of a JSON report that are read. One of 1,000 wheels with 100 findings each has 40 MB."""


class _Wheel(msgspec.Struct, frozen=True):
    """What is read of a wheel's entry: the rest may be whatever it is."""

    filename: str


class _Member(msgspec.Struct, frozen=True):
    """What is read of an entry of the release's `wheels`."""

    filename: str
    requires_python: str | None = None
    x86_level: int = 0


class _Matrix(msgspec.Struct, frozen=True):
    """What is read of the matrix."""

    sdists: list[str] = []


class _Release(msgspec.Struct, frozen=True):
    """What is read of the release."""

    wheels: list[_Member] = []
    matrix: _Matrix | None = None


class _Report(msgspec.Struct, frozen=True):
    """What is read of a report."""

    schema: int
    wheels: list[_Wheel]
    release: _Release | None = None


def read_previous(path: str | os.PathLike[str]) -> tuple[ReleaseFacts, ...]:
    """The releases in a directory of wheels, or in a JSON report; one for each version of each project.

    From a directory everything is known; from a report what it says: without its `release`, the tags alone. Raises
    `PathNotFoundError`, `UnreadableError`, and `UsageError` for what is neither.
    """
    text = os.fspath(path)
    if os.path.isdir(path):  # noqa: PTH112 -- `Path("")` would be the current directory
        wheels, sdists = split_paths([text])
        found = [summarise(read_wheel(one)) for one in wheels]
        return _some(text, [one for one in found if one is not None], sdists)
    return _from_report(text)


def _from_report(path: str) -> tuple[ReleaseFacts, ...]:
    """The releases of a JSON report."""
    try:
        with Path(path).open("rb") as file:
            content = file.read(MAX_REPORT + 1)
    except FileNotFoundError as error:
        raise PathNotFoundError(path) from error
    except (OSError, ValueError) as error:
        raise UnreadableError(path, str(error)) from error
    if len(content) > MAX_REPORT:
        raise UsageError(f"`{path}` is larger than any report ({MAX_REPORT:,} bytes)")
    try:
        report = msgspec.json.decode(content, type=_Report)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"`{path}` is neither a directory nor a JSON report of wheel-audit: {error}") from error
    said = {one.filename: one for one in report.release.wheels} if report.release else {}
    wheels = []
    for name in dict.fromkeys([*(one.filename for one in report.wheels), *said]):
        one = summary_of_name(name)
        if one is not None and name in said:
            wheels.append(
                structs.replace(
                    one, requires_python=said[name].requires_python, x86_level=said[name].x86_level, described=True
                )
            )
        elif one is not None:
            wheels.append(one)
    names = report.release.matrix.sdists if report.release and report.release.matrix else []
    return _some(path, wheels, [one for one in map(sdist_of_name, names) if one is not None])


def _some(path: str, wheels: list[WheelSummary], sdists: list[Sdist]) -> tuple[ReleaseFacts, ...]:
    """The releases; a previous release without a wheel is a mistake of whoever named it."""
    if not wheels:
        raise UsageError(f"`{path}` has no wheel of a previous release")
    return group(wheels, sdists)


def before(release: ReleaseFacts, previous: tuple[ReleaseFacts, ...]) -> ReleaseFacts | None:
    """The previous release of the same project: the newest where there are several; None where there is none."""
    same = [one for one in previous if one.project == release.project]
    return same[-1] if same else None
