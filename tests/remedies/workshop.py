"""A folder in which a project is written down, built by its build backend, and worked on by the tools of the page."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Final

from tests.cli.command import WHEELS

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from tests.remedies.model import Build

_KEPT: Final = ("PATH", "HOME", "TMPDIR", "CARGO_HOME", "RUSTUP_HOME")
_FRONT_END: Final = "import importlib, sys; importlib.import_module(sys.argv[1]).build_wheel('dist')"
"""What every front end does in the environment that it has prepared (PEP 517); here that of the tests is taken."""
_TIMEOUT: Final = 600
_CARGO: Final = Lock()


class BuildError(Exception):
    """A step ended with an error; the text has the command and what it said."""


def environment(build: Build, cache: Path) -> dict[str, str]:
    """The variables of a build: nothing of the tests' own, and programs beside the interpreter are found first.

    An interpreter of pyenv or conda hands its own linker flags on, with a search path, and `-g` to each compiler:
    both would be findings everywhere. setuptools takes these variables in place of its own.
    """
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    programs = os.pathsep.join((str(Path(sys.executable).parent), kept.get("PATH", "")))
    plain = {"LC_ALL": "C", "CFLAGS": "-O2 -g0", "LDSHARED": "gcc -shared", "LDCXXSHARED": "g++ -shared"}
    caches = {
        "CARGO_TARGET_DIR": str(cache / "cargo"),
        "ZIG_GLOBAL_CACHE_DIR": str(cache / "zig"),
        "ZIG_LOCAL_CACHE_DIR": str(cache / "zig"),
    }
    return {**kept, **plain, **caches, "PATH": programs, **build.variables}


def turn(build: Build) -> AbstractContextManager[object]:
    """Its turn at the cargo folder that all crates share, from the writing of the sources on.

    maturin moves files about in there, and to cargo these crates are one: it compiles again what is newer than the
    last build.
    """
    return _CARGO if "Cargo.toml" in build.files else nullcontext()


def run(command: list[str], folder: Path, variables: dict[str, str]) -> None:
    """Run to the end; BuildError with everything that was said if the status is not 0."""
    done = subprocess.run(
        command, cwd=folder, env=variables, capture_output=True, text=True, check=False, timeout=_TIMEOUT
    )
    if done.returncode:
        raise BuildError(f"{command} ended with {done.returncode}:\n{done.stdout}{done.stderr}")


def built(build: Build, folder: Path, cache: Path) -> Path:
    """The wheel of a build in an empty folder; what compilers keep for the next time is in `cache`."""
    with turn(build):
        prepare(build, folder)
        make(build, folder, environment(build, cache))
    repaired = folder / "wheelhouse"
    (wheel,) = (repaired if repaired.exists() else folder / "dist").glob("*.whl")
    return wheel


def prepare(build: Build, folder: Path) -> None:
    """Write the sources, and copy the wheels that are kept."""
    (folder / "dist").mkdir()
    for path, text in build.files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    for place, name in zip((folder / "dist", *[folder] * len(build.kept)), build.kept, strict=False):
        shutil.copy(WHEELS / name, place)


def make(build: Build, folder: Path, variables: dict[str, str]) -> None:
    """Run what comes before the build, the backend, and what comes behind it."""
    shell = ["sh", "-euc"]
    if build.before:
        run([*shell, build.before], folder, variables)
    if build.backend is not None:
        run([sys.executable, "-c", _FRONT_END, build.backend], folder, variables)
    if build.script:
        run([*shell, build.script], folder, variables)
