"""What the Python sources of a wheel say of its native files: four questions, answered from their lines.

The sources are neither run nor parsed: a parse would depend on the Python that runs the audit, and hostile sources
make it slow. Lines and their indentation tell enough.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_SOURCE_SIZE = 4 << 20
"""Bytes of one source that are looked at."""
_LOADING = re.compile(rb"\b(CDLL|WinDLL|OleDLL|PyDLL|cdll|windll|LoadLibrary|dlopen|add_dll_directory|load_library)\b")
_PLACES = (b"ctypes", b"dlopen", b"add_dll_directory", b"load_library")
"""One of these stands in every source that loads libraries: a plain search costs a twentieth of the pattern."""
_PYARMOR = b"__pyar" + b"mor_"
_PYARMOR_MARKS = (b"_(__name__, __file__,", b"enter__", b"exit__", b"assert__", b"bcc__")
_SOURCE_DEFENDER_MARKS = (b"---BEGIN " + b"PYE FILE---", b"---END " + b"PYE FILE---")
"""What PyPI scans uploads for, in parts: as wholes they would keep this very file from PyPI."""
_MAX_LINES = 1000
"""Lines of one import statement."""
_STATEMENT = re.compile(rb"^([ \t]*)(?:(try)[ \t]*:|(?:from|import)\b(.*)|([^\s#]))", re.MULTILINE)
_WORD = re.compile(rb"\w+")
_COMMENT = re.compile(rb"#.*")


def loads_libraries(source: bytes) -> bool:
    """Whether a source names one of the functions by which Python code loads a native library."""
    return any(place in source for place in _PLACES) and next(_loading_calls(source), None) is not None


def _loading_calls(source: bytes) -> Iterator[int]:
    """Where a source names a function that loads a library, comments aside."""
    for match in _LOADING.finditer(source):
        line = source.rfind(b"\n", 0, match.start()) + 1
        if b"#" not in source[line : match.start()]:
            yield match.start()


_NAME = re.compile(rb"[\w.+-]{3,}")
_LISTING = re.compile(rb"\b(i?glob|rglob|listdir|scandir|iterdir)\b")
_CALLS = 100
"""Calls of one source that are compared with its listings."""
_NEAR = 800
"""Bytes between a call that lists a directory and one that loads a library, where the one is for the other."""


def loaded_names(source: bytes, names: frozenset[bytes]) -> tuple[str, ...]:
    """Which of `names` (stems of native files, names of directories, in lower case) a source mentions, sorted.

    A word counts whole, up to its first dot, and without `lib` before it: `CDLL(f"lib{name}.so")` is rarely spelled
    out. `*` stands for a source that goes through a directory where it loads libraries.
    """
    calls = list(_loading_calls(source))
    listings = (match.start() for match in _LISTING.finditer(source))
    found = {"*"} if any(abs(listing - call) <= _NEAR for listing in listings for call in calls[:_CALLS]) else set()
    for word in set(_NAME.findall(source)):
        plain = word.lower()
        for spelling in (plain, plain.partition(b".")[0], b"lib" + plain.partition(b".")[0]):
            if spelling in names:
                found.add(spelling.decode("utf-8", "replace"))
    return tuple(sorted(found))


def obfuscator(source: bytes) -> str | None:
    """The obfuscator whose marks PyPI would find in a source, or None."""
    if _PYARMOR in source and any(_PYARMOR + mark in source for mark in _PYARMOR_MARKS):
        return "PyArmor"
    return "SourceDefender" if all(mark in source for mark in _SOURCE_DEFENDER_MARKS) else None


def imports(source: bytes, names: frozenset[bytes]) -> Iterator[tuple[bytes, bool]]:
    """(name, guarded) for each import statement of a source that mentions one of `names`.

    An import is guarded where it stands in the body of a `try`, so that its failure is provided for.
    """
    tries: list[int] = []
    position = 0
    while (match := _STATEMENT.search(source, position)) is not None:
        position = match.end()
        indent = len(match[1].expandtabs())
        while tries and tries[-1] >= indent:
            tries.pop()
        if match[2]:
            tries.append(indent)
        elif match[3] is not None:
            position = _statement_end(source, match.start(3))
            for word in _WORD.findall(_COMMENT.sub(b"", source[match.start(3) : position])):
                if word in names:
                    yield word, bool(tries)


def _statement_end(source: bytes, start: int) -> int:
    """Where the import statement that goes on at `start` ends: lines go on in parentheses or behind a backslash."""
    end = start
    opened = False
    for _ in range(_MAX_LINES):
        line_end = source.find(b"\n", end)
        line_end = len(source) if line_end < 0 else line_end
        code = source[end:line_end].partition(b"#")[0].rstrip()
        end = line_end
        opened = (opened or b"(" in code) and b")" not in code
        if end == len(source) or not (opened or code.endswith(b"\\")):
            break
        end += 1
    return end
