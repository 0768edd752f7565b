"""Sources say which native modules they import, and whether they provide for their absence."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.archive.python_source import imports, loads_libraries

NAMES = frozenset({b"_fast"})


def guards(source: str) -> list[bool]:
    """Whether each import of `_fast` is guarded."""
    return [guarded for _, guarded in imports(source.encode(), NAMES)]


@pytest.mark.parametrize(
    "source",
    [
        "import _fast",
        "from demo import _fast",
        "from demo._fast import add",
        "import demo._fast as fast",
        "    import _fast",
        "import os, _fast",
        "from ._fast import *\r\n",
        "from . import (\n    slow,\n    _fast,\n)",
        "from . import (  # all (of) them\n    slow,\n    _fast,\n)",
        "from . import slow, \\\n    _fast",
        "from . import slow, \\\r\n    _fast\r\n",
        "try:\n    import slow\nexcept ImportError:\n    import _fast",
        "try:\n    import slow\nfinally:\n    pass\nimport _fast",
        "def load():\n    import _fast",
        "class A:\n  try :\n    pass\n  finally:\n    import _fast",
    ],
)
def test_an_import_is_not_guarded(source: str) -> None:
    """Outside of the body of a `try` the module must be there."""
    assert guards(source) == [False]


@pytest.mark.parametrize(
    "source",
    [
        "try:\n    import _fast\nexcept ImportError:\n    _fast = None",
        "try:\n    from demo._fast import add\nexcept ImportError:\n    pass",
        "try:\n# a comment at the margin\n    import _fast\nexcept ImportError: pass",
        "try:\n\n    import _fast\nexcept ImportError: pass",
        "try:\n    if True:\n        import _fast\nexcept ImportError: pass",
        "try:\n    try:\n        pass\n    finally:\n        import _fast\nexcept ImportError: pass",
        "try:\n\tfrom . import (\n\t\tslow,\n\t\t_fast,\n\t)\nexcept ImportError: pass",
        "if x:\n  try :  # maybe\n    import _fast\n  except ImportError: pass",
    ],
)
def test_an_import_is_guarded(source: str) -> None:
    """In the body of a `try` its failure is provided for."""
    assert guards(source) == [True]


@pytest.mark.parametrize(
    "source",
    [
        "",
        "import _faster",
        "import_fast = 1",
        "from_fast()",
        "# import _fast",
        "import slow  # not _fast",
        "x = '_fast'",
        "from . import (\n    slow,  # not _fast\n)",
        "import slow\n_fast = 1",
        "from . import (slow)\n_fast = 1",
    ],
)
def test_no_import_is_none(source: str) -> None:
    """A name elsewhere is no import."""
    assert guards(source) == []


def test_both_forms_are_told() -> None:
    """Each import statement is told by itself."""
    assert guards("try:\n    import _fast\nexcept ImportError:\n    pass\nimport _fast\n") == [True, False]


@pytest.mark.parametrize(
    "pattern",
    [
        b"import (\n",
        b"import \\\n",
        b"try:\n",
        b"try\n \n",
        b" try:\n",
        b"import\n",
        b"from x import (\n_fast\n",
        b"    ",
        b"\n",
        b"x = (\n",
    ],
)
def test_time_is_linear(pattern: bytes) -> None:
    """A source of a megabyte that is nothing but beginnings takes no more than a moment."""
    started = time.monotonic()
    for _ in imports(pattern * (1_000_000 // len(pattern)), NAMES):
        pass
    assert time.monotonic() - started < 5


@given(st.binary(max_size=400))
def test_any_bytes_are_a_source(source: bytes) -> None:
    """No bytes make it fail, and only the names that were asked for come out."""
    assert {word for word, _ in imports(source, NAMES)} <= NAMES
    assert loads_libraries(source) in {True, False}


@pytest.mark.parametrize(
    ("source", "answer"),
    [
        (b"ctypes.CDLL('x')", True),
        (b"os.add_dll_directory(p)", True),
        (b"cffi.dlopen('x')", True),
        (b"from ctypes import windll", True),
        (b"ctypes.cdll.LoadLibrary(x)", True),
        (b"import ctypes.util", False),
        (b"windll = 1", False),
        (b"MYCDLL = 1", False),
        (b"", False),
        (b"import os", False),
    ],
)
def test_a_source_that_loads_libraries_is_known(source: bytes, *, answer: bool) -> None:
    """The functions of ctypes, cffi, numpy and Windows that load libraries are known by name."""
    assert loads_libraries(source) is answer
