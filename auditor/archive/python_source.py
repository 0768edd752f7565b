"""What the Python sources of a wheel say of its native files: two questions, answered from their lines.

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
_STATEMENT = re.compile(rb"^([ \t]*)(?:(try)\s*:|(?:from|import)\s+(\S.*)|(\S))", re.MULTILINE)
_WORD = re.compile(rb"\w+")


def loads_libraries(source: bytes) -> bool:
    """Whether a source names one of the functions by which Python code loads a native library."""
    return any(place in source for place in _PLACES) and _LOADING.search(source) is not None


def imports(source: bytes, names: frozenset[bytes]) -> Iterator[tuple[bytes, bool]]:
    """(name, guarded) for each import statement of a source that mentions one of `names`.

    An import is guarded where it stands in the body of a `try`, so that its failure is provided for.
    """
    tries: list[int] = []
    for match in _STATEMENT.finditer(source):
        indent = len(match[1].expandtabs())
        while tries and tries[-1] >= indent:
            tries.pop()
        if match[2]:
            tries.append(indent)
        elif match[3]:
            for word in _WORD.findall(match[3].partition(b"#")[0]):
                if word in names:
                    yield word, bool(tries)
