"""CPython 3.11 for Windows, run by Wine: how it is put together and how it is asked.

The interpreter, its C runtime and its extension modules are python.org's own bytes. What they have not is built here
by MinGW: python.exe, a python3.dll that forwards the stable ABI, and the bcryptprimitives.dll that Wine lacks.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pefile
from abi3info import DATAS, FUNCTIONS
from abi3info.models import PyVersion

from tests.loaders.model import SOURCES, Answer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

COMPILER = "x86_64-w64-mingw32-gcc"
COMPILER_32 = "i686-w64-mingw32-gcc"
DLLTOOL = "x86_64-w64-mingw32-dlltool"
PYTHON_DLL = "python311.dll"
PRETENDED = "win10"
"""The Windows that Wine says it is, in the words of winecfg. A new prefix of Wine 8 says Windows 7, which CPython has
not run on since 3.9, and there `concurrent.futures.ProcessPoolExecutor` hangs. It wakes its own thread by a message of
no bytes. A read of no bytes takes such a message out of the pipe on Windows from 8 on, and under Wine always; CPython
asks for the version to know whether it is still there (Lib/multiprocessing/connection.py, `wait`), and waits for it.
"""
_WINE = ("/usr/lib/wine/wine64", "wine64", "wine")
_NOT_FOUND = re.compile(r"err:module:import_dll .*|.*No implementation for .*")


def wine() -> str | None:
    """The 64-bit Wine of this machine."""
    return next((found for name in _WINE if (found := shutil.which(name))), None)


def environment(folder: Path) -> dict[str, str]:
    """Wine without a screen and without what a fresh Windows has not (msvcp140.dll), and Python's own variables."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "WINE", "DISPLAY"))}
    return {
        **kept,
        "WINEPREFIX": str(folder / "prefix"),
        "WINEARCH": "win64",
        "WINEDEBUG": "-all,err+module,warn+module",
        "WINEDLLOVERRIDES": "mscoree,mshtml,msvcp140,ucrtbased,vcruntime140d=",
        "PYTHONHOME": f"Z:{folder / 'home'}",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def run_python(folder: Path, code: str, *, path: Path | None = None) -> Answer:
    """Run `code` under that Python, with `path` to import from.

    Windows refuses a module that wants a function which a DLL has not; Wine lets it load and says "No implementation"
    (dlls/ntdll/loader.c, allocate_stub). That is a refusal here as well.
    """
    start = f"import sys; sys.path.insert(0, {f'Z:{path}'!r}); " if path else ""
    done = subprocess.run(
        [wine() or "wine", str(folder / "python" / "python.exe"), "-S", "-c", start + code],
        env=environment(folder),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        timeout=120,
    )
    said = [line for line in done.stderr.splitlines() if ":module:" not in line or _NOT_FOUND.search(line)]
    stubbed = any("No implementation for" in line and str(path) in line.replace("\\\\", "/") for line in said)
    return Answer(loaded=done.returncode == 0 and not stubbed, output=done.stdout + "\n".join(said))


@contextlib.contextmanager
def kept_running(folder: Path) -> Iterator[None]:
    """Keep Wine running meanwhile.

    Its services start with the first program, hold the pipes of that program open, and end seconds after the last one.
    So this one is the first: nothing else starts before it has said a word.
    """
    code = "import sys; print('here', flush=True); sys.stdin.read()"
    command = [wine() or "wine", str(folder / "python" / "python.exe"), "-S", "-c", code]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environment(folder), stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL) as kept:
        assert kept.stdin is not None
        assert kept.stdout is not None
        try:
            assert kept.stdout.readline().strip() == b"here"
            yield
        finally:
            kept.stdin.close()
            kept.wait(60)


def run_module(
    folder: Path,
    *arguments: str,
    working: Path,
    paths: tuple[Path, ...] = (),
    variables: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Run that Python in the folder `working`, with `paths` to import from. Arguments are as for the interpreter.

    Its output goes into pipes: CPython under Wine 8 does not start with a file for one ("Invalid handle").
    """
    return subprocess.run(
        [wine() or "wine", str(folder / "python" / "python.exe"), *arguments],
        env={
            **environment(folder),
            "WINEDEBUG": "-all",
            "PYTHONPATH": ";".join(f"Z:{path}" for path in paths),
            **(variables or {}),
        },
        cwd=working,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=300,
    )


def import_library(name: str, functions: list[str], folder: Path, machine: str = "i386:x86-64") -> Path:
    """An import library of a DLL that need not exist. On i386 the linker knows C names by an underscore before them."""
    definition = folder / f"{name}.def"
    definition.write_text(f"LIBRARY {name}\nEXPORTS\n" + "".join(f"{one}\n" for one in functions), "utf-8")
    library = folder / f"lib{name}.a"
    target = ["-m", "i386", "--as-flags=--32", "--add-underscore"] if machine == "i386" else ["-m", machine]
    subprocess.run([DLLTOOL, *target, "-d", str(definition), "-l", str(library)], check=True)
    return library


def exports(path: Path) -> list[str]:
    """The names that a DLL exports."""
    image = pefile.PE(str(path), fast_load=True)
    image.parse_data_directories(directories=[pefile.DIRECTORY_ENTRY["IMAGE_DIRECTORY_ENTRY_EXPORT"]])
    return [one.name.decode() for one in image.DIRECTORY_ENTRY_EXPORT.symbols if one.name]


def build_host(folder: Path) -> None:
    """Build what the wheel with python311.dll has not, into `python` and `lib` below `folder`."""
    python, library = folder / "python", folder / "lib"
    names = exports(python / PYTHON_DLL)
    linked = import_library(PYTHON_DLL, names, library)
    _compile(["python_main.c", "-municode"], python / "python.exe", str(linked))
    # As PC/python3dll.c has it: the stable ABI alone, each name forwarded to the versioned DLL.
    stable = {
        one.name for table in (FUNCTIONS, DATAS) for one, entry in table.items() if entry.added <= PyVersion(3, 11)
    }
    forwards = "".join(f"{one}={PYTHON_DLL.removesuffix('.dll')}.{one}\n" for one in names if one in stable)
    (library / "python3.def").write_text(f"LIBRARY python3.dll\nEXPORTS\n{forwards}", "utf-8")
    _compile([str(library / "python3.def"), "-shared", "-nostdlib"], python / "python3.dll")
    _compile(["bcryptprimitives.c", "-shared"], library / "bcryptprimitives.dll", "-ladvapi32")


def _compile(sources: list[str], output: Path, *libraries: str) -> None:
    named = [str(SOURCES / one) if one.endswith(".c") else one for one in sources]
    subprocess.run([COMPILER, "-O1", "-s", "-o", str(output), *named, *libraries], check=True)
