"""What the user named -> wheels to audit, and source distributions that lie beside them."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from auditor.errors import UnreadableError
from auditor.facts.record import Fact
from auditor.release.summary import normal_version

if TYPE_CHECKING:
    from collections.abc import Iterable

    AnyPath = str | os.PathLike[str]


class Sdist(Fact, frozen=True, kw_only=True):
    """A source distribution, as its file name has it. Its contents are not read."""

    filename: str
    project: str
    """Normalised."""
    version: str
    """Normalised."""


def split_paths(paths: Iterable[AnyPath]) -> tuple[list[AnyPath], list[Sdist]]:
    """The wheels to audit, in their order, and the source distributions among the paths.

    A directory stands for what lies in it: every `*.whl`, and what is named like a source distribution. A file is
    taken for a source distribution only where its name is one's (a `.zip` also needs a PKG-INFO): anything else is a
    wheel to audit. Raises `UnreadableError` for a directory that cannot be listed.
    """
    wheels: list[AnyPath] = []
    sdists: dict[str, Sdist] = {}
    for path in paths:
        if os.path.isdir(path):  # noqa: PTH112 -- `Path("")` would be the current directory
            inside = _inside(path)
            wheels += [str(one) for one in inside if one.suffix == ".whl"]
            found = [sdist_at(one) for one in inside]
            sdists.update({one.filename: one for one in found if one is not None})
        elif (sdist := sdist_at(path)) is not None:
            sdists[sdist.filename] = sdist
        else:
            wheels.append(path)
    return wheels, [sdists[name] for name in sorted(sdists)]


def _inside(directory: AnyPath) -> list[Path]:
    """What is in a directory, sorted by name: paths themselves sort in another way on Windows."""
    try:
        return sorted(Path(directory).iterdir(), key=lambda one: one.name)
    except OSError as error:
        raise UnreadableError(os.fspath(directory), error.strerror or str(error)) from error


def sdist_at(path: AnyPath) -> Sdist | None:
    """The source distribution at a path; None where its name is not one's."""
    filename = os.path.basename(os.fspath(path))  # noqa: PTH119
    sdist = sdist_of_name(filename)
    if sdist is not None and filename.endswith(".zip") and not _has_pkg_info(path):
        return None
    return sdist


def sdist_of_name(filename: str) -> Sdist | None:
    """What a file name says of a source distribution; None where it is not one's."""
    from packaging.utils import InvalidSdistFilename, parse_sdist_filename

    if not filename.endswith((".tar.gz", ".zip")):
        return None
    try:
        project, version = parse_sdist_filename(filename)
    except InvalidSdistFilename:
        return None
    return Sdist(filename=filename, project=project, version=normal_version(str(version)))


def _has_pkg_info(path: AnyPath) -> bool:
    """Whether an archive has `*/PKG-INFO`, as a source distribution in the old form has."""
    if not os.path.isfile(path):  # noqa: PTH113 -- a named pipe would keep us waiting
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.count("/") == 1 and name.endswith("/PKG-INFO") for name in archive.namelist())
    except Exception:  # noqa: BLE001 -- any bytes may stand there, and none of them make it one
        return False
