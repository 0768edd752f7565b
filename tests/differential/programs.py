"""Real programs that install wheels: what each says to a wheel, as the reason why it refuses it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import installer
from installer.destinations import SchemeDictionaryDestination
from installer.sources import WheelFile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.builders import BuiltWheel

Answers = dict[str, "str | None"]
"""Why a program refuses the wheels, by their labels; None where it installs them."""

TIMEOUT: Final = 120

# Starting pip costs a second, so one process runs its command for one wheel after the other.
_PIP: Final = """
import json, os, shutil, sys, traceback
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pip._internal.cli.main import main

answers = {}
for label, wheel in json.load(sys.stdin).items():
    target = os.path.join(os.path.dirname(wheel), "target")
    said = StringIO()
    arguments = ["--isolated", "install", "--no-index", "--no-deps", "--no-compile", "--no-cache-dir"]
    arguments += ["--disable-pip-version-check", "--no-color", "--target", target, wheel]
    with redirect_stdout(said), redirect_stderr(said):
        try:
            status = main(arguments)
        except BaseException:
            status = traceback.format_exc()
    answers[label] = None if status == 0 else said.getvalue()[-600:] + str(status)
    shutil.rmtree(target, ignore_errors=True)
json.dump(answers, sys.__stdout__)
"""


class MissingProgramError(Exception):
    """A program that these tests run is not there."""


def pip_answers(wheels: Mapping[str, BuiltWheel], folder: Path) -> Answers:
    """What the pip of the running interpreter says, each wheel into a directory of its own."""
    done = subprocess.run(
        [sys.executable, "-c", _PIP],
        input=json.dumps({label: str(path) for label, path in written(wheels, folder).items()}),
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
        cwd=folder,
    )
    if done.returncode:
        raise MissingProgramError(f"pip must be installed where the tests run (`python -m ensurepip`): {done.stderr}")
    answers: Answers = json.loads(done.stdout)
    return answers


def uv_answers(wheels: Mapping[str, BuiltWheel], folder: Path) -> Answers:
    """What uv says to wheels that are files."""
    uv, answers = uv_program(), {}
    options = ["--no-config", "--offline", "--no-index", "--no-deps", "--python", sys.executable]
    for label, path in written(wheels, folder).items():
        target = path.parent / "target"
        done = subprocess.run(
            [uv, "pip", "install", *options, "--target", target, path],
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
            env={**os.environ, "UV_CACHE_DIR": str(path.parent / "cache"), "UV_NO_PROGRESS": "1"},
        )
        answers[label] = done.stderr.strip() if done.returncode else None
        shutil.rmtree(target, ignore_errors=True)
        shutil.rmtree(path.parent / "cache", ignore_errors=True)
    return answers


def uv_program() -> str:
    """Where uv is: on the path or beside the interpreter."""
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    if uv is None:
        raise MissingProgramError("uv must be installed where the tests run (`pip install uv`)")
    return uv


def installer_answers(wheels: Mapping[str, BuiltWheel], folder: Path) -> Answers:
    """What installer says, with the schemes of an installation in an empty directory."""
    answers: Answers = {}
    for label, path in written(wheels, folder).items():
        target = path.parent / "target"
        schemes = {name: str(target / name) for name in ("purelib", "platlib", "headers", "scripts", "data")}
        destination = SchemeDictionaryDestination(schemes, interpreter=sys.executable, script_kind="posix")
        try:
            with WheelFile.open(path) as source:
                installer.install(source, destination, additional_metadata={})
        except Exception as error:  # noqa: BLE001  # whatever stops it is its way of refusing
            answers[label] = f"{type(error).__name__}: {error}"
        else:
            answers[label] = None
        shutil.rmtree(target, ignore_errors=True)
    return answers


def written(wheels: Mapping[str, BuiltWheel], folder: Path) -> dict[str, Path]:
    """The wheels as files, each in a directory of its own, for their names are often the same."""
    paths = {}
    for number, (label, wheel) in enumerate(wheels.items()):
        (folder / str(number)).mkdir()
        paths[label] = wheel.write(folder / str(number))
    return paths
