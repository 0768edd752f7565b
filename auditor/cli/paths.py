"""What the user named -> the wheels to audit."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from auditor.errors import NoWheelError, PathNotFoundError, UnreadableError

_NOT_THERE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG})
_SPECIAL = {
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def expand(paths: tuple[str, ...]) -> list[str]:
    """The wheels to audit, in the order given, each once; a directory stands for every `*.whl` in it, sorted.

    A file is taken whatever its name: what it is, is for the audit to say. Raises `PathNotFoundError` and
    `NoWheelError` before anything is read.
    """
    found: dict[str, None] = {}
    for text in paths:
        kind = _kind(text)
        if kind == stat.S_IFDIR:
            wheels = sorted(str(one) for one in Path(text).glob("*.whl"))
            if not wheels:
                raise NoWheelError(text)
            found.update(dict.fromkeys(wheels))
        else:
            found[text] = None
    return list(found)


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
        if error.errno in _NOT_THERE:
            raise PathNotFoundError(path) from error
        return 0
    except ValueError as error:
        # A NUL, which no path holds.
        raise PathNotFoundError(path) from error
