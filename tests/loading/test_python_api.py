"""Which symbols count as the interpreter's, and which libraries of glibc answer for themselves."""

from __future__ import annotations

import pytest

from auditor.loading.elf_platform import ElfPlatform, Verdict
from auditor.loading.python_api import PythonApi
from auditor.platforms.cpython import Interpreter
from auditor.platforms.promise import Implementation, parse_platform

CPYTHON = Interpreter(implementation=Implementation.CPYTHON, version=(3, 12))
PYPY = Interpreter(implementation=Implementation.PYPY, version=(3, 11))
NEWER = Interpreter(implementation=Implementation.CPYTHON, version=(3, 99))

CASES = {
    "of-every-cpython": (CPYTHON, "PyLong_FromLong", True),
    "of-an-older-cpython": (CPYTHON, "PyNode_New", True),
    "of-no-cpython": (CPYTHON, "PyFoo_Helper", False),
    "pypy-in-cpython": (CPYTHON, "pypy_init_embedded_cffi_module", False),
    "pypy-in-pypy": (PYPY, "pypy_init_embedded_cffi_module", True),
    "any-name-of-a-cpython-to-come": (NEWER, "PyFoo_New", True),
    "another-name": (PYPY, "vendored_answer", False),
}


@pytest.mark.parametrize(("interpreter", "symbol", "expected"), CASES.values(), ids=list(CASES))
def test_what_the_interpreter_gives(interpreter: Interpreter, symbol: str, expected: bool) -> None:
    """A name is the interpreter's where some CPython exports it; of one that is not known here any of its spelling."""
    assert PythonApi((interpreter,)).has(symbol) is expected


def test_every_library_of_glibc_answers_for_itself() -> None:
    """A symbol of libmvec is found there, though it is in none of the libraries that Python loads."""
    platform = ElfPlatform(promises=(parse_platform("manylinux_2_28_x86_64"),), arch="x86_64")
    assert platform.has_versioned("_ZGVbN2v_cos", "GLIBC_2.22", "libmvec.so.1").verdict is Verdict.YES
    assert platform.has_versioned("_ZGVbN2v_cosine", "GLIBC_2.22", "libmvec.so.1").verdict is Verdict.NO
