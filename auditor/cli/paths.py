"""What the user named -> the wheels to audit."""

from __future__ import annotations

from pathlib import Path

from auditor.errors import NoWheelError, PathNotFoundError


def expand(paths: tuple[str, ...]) -> list[str]:
    """The wheels to audit, in the order given, each once; a directory stands for every `*.whl` in it, sorted.

    A file is taken whatever its name: what it is, is for the audit to say. Raises `PathNotFoundError` and
    `NoWheelError` before anything is read.
    """
    found: dict[str, None] = {}
    for text in paths:
        path = Path(text)
        if path.is_dir():
            wheels = sorted(str(one) for one in path.glob("*.whl"))
            if not wheels:
                raise NoWheelError(text)
            found.update(dict.fromkeys(wheels))
        elif path.exists():
            found[text] = None
        else:
            raise PathNotFoundError(text)
    return list(found)
