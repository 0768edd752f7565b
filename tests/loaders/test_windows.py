"""What the audit says of Windows wheels is what CPython 3.11 for Windows does: it imports them, or fails to.

One table: a row is a wheel with one thing changed, the error that the audit gives, and words of the failed import.
Wine stands for Windows; where it is more patient, `tests/loaders/windows.py` says so.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from auditor import audit
from tests.loaders import windows
from tests.loaders.fetch import WINDOWS
from tests.loaders.model import WHEELS, compile_c, errors, loader_folder, module_wheel

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.builders import BuiltWheel

pytestmark = pytest.mark.wine
TAGS = "cp311-cp311-win_amd64"
ABI3 = "cp39-abi3-win_amd64"
MODULE = "demo/_core.cp311-win_amd64.pyd"
LIBGCC = "libgcc_s_seh-1.dll"
NOT_FOUND = "DLL load failed while importing _core"
ADD_DIRECTORY = b'''"""A demo."""
import os
os.add_dll_directory(os.path.join(os.path.dirname(os.path.dirname(__file__)), "demo.libs"))
'''
LOAD_FIRST = b'''"""A demo."""
import ctypes, os
ctypes.CDLL(os.path.join(os.path.dirname(os.path.dirname(__file__)), "demo.libs", "vendored.dll"))
'''


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A wheel, the error that the audit gives, and what the import does."""

    python: str | None = windows.PYTHON_DLL
    """The DLL that PyModule_Create2 is taken from."""
    takes: tuple[str, str] | None = None
    """A DLL and the function that is taken from it."""
    options: tuple[str, ...] = ()
    """Of the compiler."""
    bundled: Mapping[str, str] = field(default_factory=dict)
    """Member -> the function that the bundled DLL exports, and behind `<` a DLL of which it calls `vendored`."""
    files: Mapping[str, bytes] = field(default_factory=dict)
    tags: str = TAGS
    member: str = MODULE
    compiler: str = windows.COMPILER
    rule: str | None = None
    """The error; None where there is none."""
    says: str = ""
    """Words of the failed import."""
    here: str = ""
    """Why this Python imports it all the same: what fails is another one that the tags promise."""


VENDORED = ("vendored.dll", "vendored")
FIRST = ("first.dll", "first")
ROWS = {
    # What loads.
    "nothing more": Row(),
    "the stable ABI": Row(python="python3.dll", tags=ABI3, member="demo/_core.pyd"),
    "the stable ABI in a wheel of one version": Row(python="python3.dll"),
    "a module without a tag in its name": Row(member="demo/_core.pyd"),
    "the C runtime of Windows": Row(takes=("msvcrt.dll", "memcpy")),
    "an API set": Row(takes=("api-ms-win-crt-runtime-l1-1-0.dll", "_initterm")),
    "the C++ runtime that CPython brings": Row(takes=("VCRUNTIME140.dll", "memcpy")),
    "a DLL beside the module": Row(takes=VENDORED, bundled={"demo/vendored.dll": "vendored"}),
    "a DLL of an added directory": Row(
        takes=VENDORED, bundled={"demo.libs/vendored.dll": "vendored"}, files={"demo/__init__.py": ADD_DIRECTORY}
    ),
    "a DLL that the package loads first": Row(
        takes=VENDORED, bundled={"demo.libs/vendored.dll": "vendored"}, files={"demo/__init__.py": LOAD_FIRST}
    ),
    "a chain of DLLs beside the module": Row(
        takes=FIRST, bundled={"demo/first.dll": "first<vendored.dll", "demo/vendored.dll": "vendored"}
    ),
    "a chain of DLLs in an added directory": Row(
        takes=FIRST,
        bundled={"demo.libs/first.dll": "first<vendored.dll", "demo.libs/vendored.dll": "vendored"},
        files={"demo/__init__.py": ADD_DIRECTORY},
    ),
    "a chain of DLLs from an added directory back to the module's": Row(
        takes=FIRST,
        bundled={"demo.libs/first.dll": "first<vendored.dll", "demo/vendored.dll": "vendored"},
        files={"demo/__init__.py": ADD_DIRECTORY},
    ),
    "a DLL in another case": Row(takes=("VENDORED.DLL", "vendored"), bundled={"demo/vendored.dll": "vendored"}),
    # Python.
    "the DLL of another Python": Row(python="python310.dll", rule="windows-wrong-python", says=NOT_FOUND),
    "a versioned DLL in a wheel of the stable ABI": Row(
        tags=ABI3,
        member="demo/_core.pyd",
        rule="windows-wrong-python",
        here="python311.dll is the DLL of this Python; 3.9, 3.10 and 3.12 have another",
    ),
    "the DLL of a debug Python": Row(python="python311_d.dll", rule="windows-debug-runtime", says=NOT_FOUND),
    "a function that this Python has not": Row(
        takes=(windows.PYTHON_DLL, "PyErr_GetRaisedException"),
        rule="python-symbol-unavailable",
        says="PyErr_GetRaisedException",
    ),
    "a function outside the stable ABI": Row(
        python="python3.dll",
        takes=("python3.dll", "PyUnicode_AsUTF8"),
        tags=ABI3,
        member="demo/_core.pyd",
        rule="abi3-symbol-outside",
        says="PyUnicode_AsUTF8",
    ),
    "a function newer in the stable ABI": Row(
        python="python3.dll",
        takes=("python3.dll", "PyType_FromMetaclass"),
        tags=ABI3,
        member="demo/_core.pyd",
        rule="abi3-symbol-too-new",
        says="PyType_FromMetaclass",
    ),
    "another name than the file's": Row(
        options=("-DINIT=PyInit_other",), rule="module-init-missing", says="(PyInit__core)"
    ),
    "the file name of another Python": Row(
        member="demo/_core.cp310-win_amd64.pyd", rule="extension-suffix-mismatch", says="No module named 'demo._core'"
    ),
    "another machine": Row(compiler=windows.COMPILER_32, rule="binary-wrong-arch", says="DLL load failed"),
    # Runtimes.
    "a debug runtime": Row(takes=("ucrtbased.dll", "memcpy"), rule="windows-debug-runtime", says=NOT_FOUND),
    "a debug C++ runtime": Row(takes=("VCRUNTIME140D.dll", "memcpy"), rule="windows-debug-runtime", says=NOT_FOUND),
    "the C++ library, which CPython does not bring": Row(
        takes=("MSVCP140.dll", "_Thrd_yield"), rule="windows-runtime-missing", says=NOT_FOUND
    ),
    "the runtime of MinGW": Row(takes=(LIBGCC, "__divti3"), rule="windows-runtime-missing", says=NOT_FOUND),
    "the runtime of MinGW, bundled": Row(takes=(LIBGCC, "__divti3"), bundled={f"demo/{LIBGCC}": "__divti3"}),
    # Libraries of the wheel's own.
    "a DLL that is nowhere": Row(takes=VENDORED, rule="library-unresolved", says=NOT_FOUND),
    "a DLL in a directory that nobody adds": Row(
        takes=VENDORED, bundled={"demo.libs/vendored.dll": "vendored"}, rule="library-unreachable", says=NOT_FOUND
    ),
    "a DLL whose own DLL is nowhere": Row(
        takes=FIRST,
        bundled={"demo/first.dll": "first<vendored.dll"},
        rule="library-unresolved",
        says=NOT_FOUND,
    ),
    "a DLL whose own DLL lacks the function": Row(
        takes=FIRST,
        bundled={"demo/first.dll": "first<vendored.dll", "demo/vendored.dll": "other"},
        rule="symbol-unresolved",
        says="vendored",
    ),
    "a DLL without the function": Row(
        takes=VENDORED, bundled={"demo/vendored.dll": "other"}, rule="symbol-unresolved", says="vendored"
    ),
}
SHIPPED = (
    "my_extension-0.1.0-cp311-cp311-win_amd64.whl",
    "my_extension-0.1.0-cp39-abi3-win_amd64.whl",
)


@pytest.fixture(scope="module")
def python311() -> Iterator[Path]:
    """The folder of CPython for Windows."""
    folder = loader_folder(WINDOWS, "python3 dev.py wine DIR")
    with windows.kept_running(folder):
        yield folder


def shared_library(name: str, content: str, folder: Path) -> bytes:
    """A DLL with one function, as `Row.bundled` describes it."""
    folder.mkdir(parents=True)
    function, _, other = content.partition("<")
    options = [f"-DEXPORTS={function}", "-nostdlib", "-s"]
    if other:
        options += ["-DCALLS=vendored", str(windows.import_library(other, ["vendored"], folder))]
    return compile_c(windows.COMPILER, "library.c", folder / name, *options)


def built(row: Row, folder: Path) -> BuiltWheel:
    """The wheel of a row."""
    folder.mkdir()
    wanted: dict[str, list[str]] = {} if row.python is None else {row.python: ["PyModule_Create2"]}
    options = ["-nostdlib", "-s", *row.options]
    if row.takes is not None:
        wanted.setdefault(row.takes[0], []).append(row.takes[1])
        options.append(f"-DTAKES={row.takes[1]}")
    machine = "i386" if row.compiler == windows.COMPILER_32 else "i386:x86-64"
    libraries = [str(windows.import_library(name, functions, folder, machine)) for name, functions in wanted.items()]
    content = compile_c(row.compiler, "module.c", folder / "_core.pyd", *options, *libraries)
    bundled = {
        member: shared_library(Path(member).name, function, folder / member) for member, function in row.bundled.items()
    }
    return module_wheel(row.tags, row.member, content, {**row.files, **bundled})


@pytest.mark.parametrize("name", ROWS)
def test_windows_does_what_the_audit_says(name: str, python311: Path, tmp_path: Path) -> None:
    """A wheel without an error is imported; one with an error fails, and for that reason."""
    row = ROWS[name]
    wheel = built(row, tmp_path / "build")
    with zipfile.ZipFile(BytesIO(wheel.data)) as archive:
        archive.extractall(tmp_path / "site")
    answer = windows.run_python(python311, "import demo._core; print('imported')", path=tmp_path / "site")
    assert answer.loaded is (row.rule is None or bool(row.here)), answer.output
    assert row.says in answer.output
    assert errors(wheel) == ({row.rule} if row.rule else set())


@pytest.mark.parametrize("filename", SHIPPED)
def test_the_fixtures_are_imported(filename: str, python311: Path, tmp_path: Path) -> None:
    """The crate's wheels for Windows have no error, and CPython imports them and calls into them."""
    assert not audit(WHEELS / "good" / filename).failed
    with zipfile.ZipFile(WHEELS / "good" / filename) as archive:
        archive.extractall(tmp_path)
    code = "import my_extension; print(my_extension.sum_as_string(20, 22))"
    answer = windows.run_python(python311, code, path=tmp_path)
    assert answer.loaded, answer.output
    assert answer.output.startswith("42")
