"""The real loader of the host: a wheel is installed into a folder, and a child process loads its modules by dlopen.

Needs Linux on x86_64 with glibc, which is where the tests run; elsewhere they fail and say so.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from typing import TYPE_CHECKING

from installer import install
from installer.destinations import SchemeDictionaryDestination
from installer.sources import WheelFile

if TYPE_CHECKING:
    from pathlib import Path

    from tests.builders import BuiltWheel

_LOAD = "import ctypes, os, sys; ctypes.CDLL(sys.argv[1], mode=os.RTLD_NOW)"


def host_tag() -> str:
    """The manylinux tag that promises just what the host has."""
    library, version = platform.libc_ver()
    assert (sys.platform, platform.machine(), library) == ("linux", "x86_64", "glibc"), "needs Linux, x86_64 and glibc"
    major, minor = version.split(".")[:2]
    return f"cp311-cp311-manylinux_{major}_{minor}_x86_64"


def unpack(wheel: BuiltWheel, folder: Path) -> Path:
    """Install a wheel below `folder` as an installer lays it out; the directory that stands for site-packages."""
    schemes = {
        "purelib": folder / "lib/python3.11/site-packages",
        "platlib": folder / "lib/python3.11/site-packages",
        "scripts": folder / "bin",
        "data": folder,
        "headers": folder / "include",
    }
    destination = SchemeDictionaryDestination(
        {name: os.fspath(path) for name, path in schemes.items()}, interpreter=sys.executable, script_kind="posix"
    )
    path = wheel.write(folder)
    with WheelFile.open(path) as source:
        install(source=source, destination=destination, additional_metadata={})
    path.unlink()
    return schemes["purelib"]


def load(path: Path) -> str | None:
    """Load one file with RTLD_NOW in a child process: None where that works, else what the loader said."""
    child = subprocess.run(
        [sys.executable, "-S", "-c", _LOAD, os.fspath(path)],
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"]},
        check=False,
    )
    if child.returncode == 0:
        return None
    lines = [line for line in child.stderr.splitlines() if line.strip()]
    return lines[-1] if lines else f"ended by signal {-child.returncode}"
