"""The loader of this machine, and real wheels as its Python would take them.

A wheel for another Python serves as well: its file name, the suffixes of its modules and Requires-Python are changed
for the Python that runs the tests, and the audit gets the same changed bytes as the loader. Needs Linux on x86_64 with
glibc.
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from tests.builders import BuiltWheel
from tests.loading.real import unpack

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

_SUFFIX = re.compile(r"\.cpython-3\d+[a-z]*(-x86_64-linux-gnu)?\.so$")
_REQUIRES_PYTHON = re.compile(rb"^Requires-Python:.*\r?\n", re.IGNORECASE | re.MULTILINE)
_SERVER = """
import ctypes, os, sys
for line in sys.stdin.buffer:
    path = line.rstrip(b"\\n")
    back, front = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(front, 2)
        try:
            ctypes.CDLL(os.fsdecode(path), mode=os.RTLD_NOW)
        except OSError as error:
            os.write(front, str(error).encode(errors="replace")[:2000])
            os._exit(1)
        os._exit(0)
    os.close(front)
    said = b""
    while piece := os.read(back, 65536):
        said += piece
    os.close(back)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    answer = f"{status} {' '.join(said.decode(errors='replace').split())[:500]}"
    sys.stdout.buffer.write(answer.encode() + b"\\n")
    sys.stdout.buffer.flush()
"""
"""Loads one file after the other, each in a child of its own that has loaded nothing but Python and ctypes."""


def glibc_version() -> tuple[int, int]:
    """The release of this machine's glibc. Raises AssertionError on any other machine than the tests need."""
    library, version = platform.libc_ver()
    assert (sys.platform, platform.machine(), library) == ("linux", "x86_64", "glibc"), "needs Linux, x86_64 and glibc"
    major, minor = version.split(".")[:2]
    return int(major), int(minor)


def host_tags() -> str:
    """The tags that promise just what this machine and this Python have."""
    python = f"cp{sys.version_info[0]}{sys.version_info[1]}"
    major, minor = glibc_version()
    return f"{python}-{python}-manylinux_{major}_{minor}_x86_64"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostWheel:
    """A wheel for this machine: the files by name, in the order of the archive."""

    origin: str
    """The file name of the wheel that it was made of."""
    filename: str
    members: Mapping[str, bytes]

    def build(self) -> BuiltWheel:
        """The archive, with a RECORD that lists every file and no digest."""
        record = next(name for name in self.members if name.endswith(".dist-info/RECORD") and name.count("/") == 1)
        rows = "".join(f'"{name}",,\n' for name in self.members if not name.endswith("/"))
        buffer = BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for name, content in self.members.items():
                archive.writestr(name, rows if name == record else content)
        return BuiltWheel(filename=self.filename, data=buffer.getvalue())

    def changed(self, changes: Mapping[str, bytes | None], renamed: Mapping[str, str]) -> HostWheel:
        """The same with other bytes for some members, without those that are None, and others under new names."""
        members = {
            renamed.get(name, name): changed
            for name, content in self.members.items()
            if (changed := changes.get(name, content)) is not None
        }
        return HostWheel(origin=self.origin, filename=self.filename, members=members)


def host_wheel(path: Path) -> HostWheel:
    """A real wheel, retagged for this machine and its Python."""
    with zipfile.ZipFile(path) as archive:
        # Installers leave out what was compiled for another Python.
        files = [one for one in archive.infolist() if not one.is_dir() and not one.filename.endswith(".pyc")]
        members = {one.filename: archive.read(one) for one in files}
    suffix = f".cpython-{sys.version_info[0]}{sys.version_info[1]}-x86_64-linux-gnu.so"
    names = {name: _SUFFIX.sub(suffix, name) for name in members}
    if len(set(names.values())) < len(names):  # one module for several Pythons: this one's is among them
        names = {name: name for name in members}
    parts = path.name.removesuffix(".whl").split("-")[:-3]
    return HostWheel(
        origin=path.name,
        filename=f"{'-'.join(parts)}-{host_tags()}.whl",
        members={names[name]: _for_every_python(name, content) for name, content in members.items()},
    )


def _for_every_python(name: str, content: bytes) -> bytes:
    """METADATA without Requires-Python; any other file as it is."""
    if name.count("/") != 1 or not name.endswith(".dist-info/METADATA"):
        return content
    head, blank, body = content.partition(b"\n\n")
    return _REQUIRES_PYTHON.sub(b"", head + b"\n") + blank[1:] + body


class RealLoader:
    """The machine's ld.so. One program forks a child for each file, so that none sees what another has loaded."""

    def __init__(self) -> None:
        self._empty = tempfile.TemporaryDirectory()
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        self._program = subprocess.Popen(  # it ends with the `with` block
            [sys.executable, "-I", "-S", "-c", _SERVER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=self._empty.name,
            env=kept,
        )
        self._present: dict[str, bool] = {}

    def __enter__(self) -> RealLoader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._program.communicate()
        self._empty.cleanup()

    def load(self, what: Path | str) -> str | None:
        """Load a file, or a library by its name, with RTLD_NOW: None where that works, else what the loader said."""
        stdin, stdout = self._program.stdin, self._program.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(os.fsencode(what) + b"\n")
        stdin.flush()
        status, _, said = stdout.readline().decode().rstrip("\n").partition(" ")
        assert status, "the program that loads has ended"
        if status == "0":
            return None
        return said or f"ended with {status}"

    def holds(self, library: str) -> bool:
        """Whether Python has loaded a library of that name itself, before any module."""
        return f"/{library}\n" in Path(f"/proc/{self._program.pid}/maps").read_text("utf-8")

    def has(self, library: str) -> bool:
        """Whether this machine has a library of its own by that name."""
        if library not in self._present:
            self._present[library] = self.load(library) is None
        return self._present[library]


def installed(wheel: HostWheel, folder: Path) -> Path:
    """Install a wheel below `folder`; the directory that stands for its site-packages."""
    return unpack(wheel.build(), folder)
