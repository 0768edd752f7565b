"""The tutorial, followed to the letter: every command is run, and what the page shows is what it prints.

Needs cargo and maturin, as tests/test_crate.py does.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cli.command import REPOSITORY, environment
from tests.test_crate import only_linux, program

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.crate, only_linux]

TUTORIAL = (REPOSITORY / "docs" / "tutorial.md").read_text("utf-8")
BLOCK = re.compile(r"^```(\{code-block\} )?(\w+)\n(?::caption: (\S+)\n\n)?(.*?)^```$", re.MULTILINE | re.DOTALL)


def commands(block: str) -> Iterator[tuple[str, str]]:
    """The commands of a console block, each with what is shown below it."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, shown = part.partition("\n")
        yield command, shown


def matches(shown: str, printed: str) -> bool:
    """Whether the page shows what was printed; `…` stands for anything."""
    pattern = ".*".join(re.escape(piece) for piece in shown.strip().split("…"))
    return re.fullmatch(pattern, printed.strip(), re.DOTALL) is not None


def machine(folder: Path) -> dict[str, str]:
    """The environment of the reader: cargo, maturin, and a `wheel-audit` that is this one."""
    folder.mkdir()
    script = folder / "wheel-audit"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m auditor "$@"\n', "utf-8")
    script.chmod(0o755)
    places = [str(folder), *(str(Path(program(name)).parent) for name in ("maturin", "cargo"))]
    kept = {name: os.environ[name] for name in ("CARGO_HOME", "RUSTUP_HOME") if name in os.environ}
    path = os.pathsep.join([*places, os.environ["PATH"]])
    return environment({**kept, "PATH": path, "VIRTUAL_ENV": sys.prefix, "LC_ALL": "C.UTF-8"})


def test_every_command_of_the_tutorial_does_what_it_shows(tmp_path: Path) -> None:
    """From `maturin new` to the gate: each command ends as the page says, and prints what the page shows."""
    variables = machine(tmp_path / "programs")
    folder = tmp_path / "home"
    folder.mkdir()
    run = 0
    for _, _, caption, text in BLOCK.findall(TUTORIAL):
        if caption:
            (folder / caption).parent.mkdir(parents=True, exist_ok=True)
            (folder / caption).write_text(text, "utf-8")
            continue
        for command, shown in commands(text):
            if command.startswith("pip install "):
                # What it installs is here already, in the version that is tested.
                assert set(command.split()[2:]) == {"maturin", "wheel-audit"}
                continue
            if command.startswith("cd "):
                folder = folder / command[3:]
                continue
            done = subprocess.run(
                ["bash", "-c", command], cwd=folder, env=variables, capture_output=True, text=True, check=False
            )
            assert done.returncode == (1 if shown.startswith("FAIL") else 0), done.stdout + done.stderr
            assert not shown or matches(shown, done.stdout), f"$ {command}\n{done.stdout}"
            run += 1
    assert run > 10
    assert (folder / ".github" / "workflows" / "wheels.yml").is_file()
