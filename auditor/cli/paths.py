"""What the user named -> the wheels to audit."""

from __future__ import annotations

import errno
import glob
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from auditor.errors import NoWheelError, PathNotFoundError, UnreadableError, UsageError

if TYPE_CHECKING:
    from auditor.release.files import Sdist

_NOT_THERE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG})
_INVALID_NAME = 123
"""ERROR_INVALID_NAME of Windows (`a<b>.whl`). Its errno is EINVAL, which other failures have as well."""
_SPECIAL = {
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def expand(paths: tuple[str, ...]) -> tuple[list[str], list[Sdist]]:
    """The wheels to audit, in the order given, each file once; and the source distributions that lie beside them.

    A directory stands for what is in it: every `*.whl`, sorted, and what is named like a source distribution. A file
    that is not named like one is taken for a wheel whatever its name: what it is, is for the audit to say. A pattern
    stands for what matches it. Raises `PathNotFoundError` and `NoWheelError` before anything is read.
    """
    from auditor.release.files import sdist_at

    found: dict[Path, str] = {}
    sdists: dict[str, Sdist] = {}
    for text in (one for path in paths for one in _matching(path)):
        if _kind(text) == stat.S_IFDIR:
            inside = _inside(text)
            wheels = [str(one) for one in inside if one.suffix == ".whl"]
            if not wheels:
                raise NoWheelError(text)
            for one in wheels:
                found.setdefault(_place(one), one)
            beside = [sdist_at(one) for one in inside]
        else:
            beside = [sdist_at(text)]
            if beside == [None]:
                found.setdefault(_place(text), text)
        sdists.update({one.filename: one for one in beside if one is not None})
    if not found:
        raise UsageError(f"`{paths[0]}` is a source distribution, and there is no wheel to audit")
    return list(found.values()), [sdists[name] for name in sorted(sdists)]


def _place(path: str) -> Path:
    """Where a file is, however it was named: `./a.whl`, its full path; on Windows `dist/a.whl` and `DIST\\A.whl` too.

    A link with a name of its own is a wheel of its own: the name is what is judged.
    """
    directory, name = os.path.split(path)
    return Path(real_path(directory or os.curdir), name)


def real_path(path: str) -> str:
    """Where a path leads to, through links; the path as it is where Windows cannot tell (some network drives)."""
    try:
        return os.path.realpath(path)
    except OSError:
        return os.path.abspath(path)  # noqa: PTH100 -- `Path("")` would be the current directory


def _matching(path: str) -> list[str]:
    """The path itself; where nothing is, what matches it as a pattern: shells of Windows leave that to programs."""
    if os.path.lexists(path):
        return [path]
    try:
        return sorted(glob.glob(path)) or [path]  # noqa: PTH207 -- `Path.glob` takes no absolute pattern
    except ValueError:
        # A NUL, which no path holds.
        return [path]


def _inside(directory: str) -> list[Path]:
    """What is in a directory, sorted by name: paths themselves sort in another way on Windows."""
    try:
        return sorted(Path(directory).iterdir(), key=lambda one: one.name)
    except OSError as error:
        raise UnreadableError(directory, error.strerror or str(error)) from error


def require_file(path: str) -> None:
    """Raise `UnreadableError` for what is no file: to open a pipe would wait for whoever writes into it."""
    what = _SPECIAL.get(_kind(path))
    if what is not None:
        raise UnreadableError(path, f"it is {what}, not a file")


def _kind(path: str) -> int:
    """The kind of what stands at `path`, 0 where only opening it can tell. Raises `PathNotFoundError`."""
    try:
        return stat.S_IFMT(os.stat(path).st_mode)  # noqa: PTH116 -- `Path("")` would be the current directory
    except OSError as error:
        if error.errno in _NOT_THERE or getattr(error, "winerror", None) == _INVALID_NAME:
            raise PathNotFoundError(path) from error
        return 0
    except ValueError as error:
        # A NUL, which no path holds.
        raise PathNotFoundError(path) from error
