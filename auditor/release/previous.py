"""The previous release: a directory of wheels, or a JSON report of this tool."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import structs

from auditor.archive.reader import read_wheel
from auditor.errors import PathNotFoundError, UnreadableError, UsageError
from auditor.release.files import Sdist, sdist_of_name, split_paths
from auditor.release.grouping import comparable, group
from auditor.release.summary import summarise, summary_of_name

if TYPE_CHECKING:
    from auditor.facts.release import ReleaseFacts, WheelSummary

MAX_REPORT = 64 * 1024 * 1024
"""Bytes of a JSON report that are read. One of 1,000 wheels with 100 findings each has 40 MB."""


class _Wheel(msgspec.Struct, frozen=True):
    """What is read of a wheel's entry: the rest may be whatever it is."""

    filename: str
    sha256: str | None = None


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
        if not stat.S_ISREG(Path(path).stat().st_mode):  # a named pipe would keep us waiting
            raise UnreadableError(path, "it is neither a directory nor a regular file")
        with Path(path).open("rb") as file:
            content = file.read(MAX_REPORT + 1)
    except FileNotFoundError as error:
        raise PathNotFoundError(path) from error
    except (OSError, ValueError) as error:
        raise UnreadableError(path, getattr(error, "strerror", None) or str(error)) from error
    if len(content) > MAX_REPORT:
        raise UsageError(f"`{path}` is larger than any report ({MAX_REPORT:,} bytes)")
    try:
        report = msgspec.json.decode(content, type=_Report)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"`{path}` is neither a directory nor a JSON report of wheel-audit: {error}") from error
    said = {one.filename: one for one in report.release.wheels} if report.release else {}
    digests = {one.filename: one.sha256 or "" for one in report.wheels}
    wheels = []
    for name in dict.fromkeys([*digests, *said]):
        one = summary_of_name(name)
        if one is None:
            continue
        one = structs.replace(one, sha256=digests.get(name, ""))
        if name in said:
            of_set = said[name]
            one = structs.replace(
                one, requires_python=of_set.requires_python, x86_level=of_set.x86_level, described=True
            )
        wheels.append(one)
    names = report.release.matrix.sdists if report.release and report.release.matrix else []
    return _some(path, wheels, [one for one in map(sdist_of_name, names) if one is not None])


def _some(path: str, wheels: list[WheelSummary], sdists: list[Sdist]) -> tuple[ReleaseFacts, ...]:
    """The releases; a previous release without a wheel is a mistake of whoever named it."""
    if not wheels:
        raise UsageError(f"`{path}` has no wheel of a previous release")
    return group(wheels, sdists)


def before(release: ReleaseFacts, previous: tuple[ReleaseFacts, ...]) -> ReleaseFacts | None:
    """The newest of the previous releases of the same project that is not newer than this one; None without one.

    It may be of the same version: between two releases many a project keeps the number of the last one. Texts that are
    no versions have no order: each counts as older.
    """
    own = comparable(release.version)
    older = [
        one
        for one in previous
        if one.project == release.project and (not own[0] or comparable(one.version) <= own) and not _same(one, release)
    ]
    return older[-1] if older else None


def _same(previous: ReleaseFacts, release: ReleaseFacts) -> bool:
    """Whether both are the very same wheels, byte for byte."""
    now = {(one.filename, one.sha256) for one in release.wheels}
    return all(one.sha256 for one in previous.wheels) and now == {(one.filename, one.sha256) for one in previous.wheels}


def refuse_unrelated(releases: tuple[ReleaseFacts, ...], previous: tuple[ReleaseFacts, ...]) -> None:
    """Raise `UsageError` where none of the previous releases can be held against one of these: what is compared with
    itself, or with a later release, would pass whatever was lost.
    """
    if not previous or not releases or any(before(one, previous) for one in releases):
        return
    of_project = {one.project: one for one in previous}
    same = [(one, of_project[one.project]) for one in releases if one.project in of_project]
    if not same:
        names = ", ".join(f"`{name}`" for name in sorted(of_project))
        raise UsageError(f"the previous release is of {names}, and the wheels are of `{releases[0].project}`")
    now, then = same[-1]
    what = f"`{then.project} {then.version}`"
    if comparable(then.version) == comparable(now.version):
        raise UsageError(f"the previous release, {what}, is made of the very wheels that are audited")
    raise UsageError(f"the previous release is {what}, which is newer than the wheels of `{now.version}`")
