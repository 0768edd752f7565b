"""Files that Python runs code from at every start: `.pth` and, from Python 3.15 on, `.start` (PEP 829)."""

from __future__ import annotations

SUFFIXES = (".pth", ".start")
MAX_SIZE = 1 << 20
"""Bytes of such a file that are read. `site` itself has no bound; the largest known has 5 KB."""
_SHOWN = 5
_LONGEST = 160


def startup_lines(name: str, content: bytes) -> tuple[str, ...]:
    """The lines of a `.pth` or `.start` file that run code, at most five, each cut at 160 characters.

    `site` runs the lines of a `.pth` file that begin with `import` and a space or tab, and adds all others to the
    path. Each line of a `.start` file names a function that it calls.
    """
    found = []
    for line in content.decode("utf-8", "backslashreplace").lstrip("\ufeff").split("\n"):
        text = line.rstrip("\r")
        runs = text.startswith(("import ", "import\t"))
        if name.endswith(".start"):
            runs = bool(text.strip()) and not text.lstrip().startswith("#")
        if runs:
            found.append(text[:_LONGEST])
    return tuple(found[:_SHOWN])


def first_line(start: bytes) -> str:
    """The first line of a text, from its first bytes."""
    return start.partition(b"\n")[0].rstrip(b"\r").decode("utf-8", "backslashreplace")
