"""The programs that rebuild the fixture wheels: their table is the manifest's, and a rebuild has the same facts."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from auditor import audit, read_wheel
from auditor.facts.binary import ElfDetail
from fixtures_crate.build_wheels.__main__ import parse
from fixtures_crate.build_wheels.recipes import RECIPES, SPOILINGS
from tests.cli.command import REPOSITORY, WHEELS

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = [sys.executable, "-m", "fixtures_crate.build_wheels"]
"""To be run in the folder of the repository."""


def command(destination: Path, work: Path) -> list[str]:
    """The command line that rebuilds every good wheel."""
    return [*PROGRAM, "build", str(destination), "--work", str(work)]


def described(wheel: Path) -> dict[str, Any]:
    """What must be the same in every rebuild, whatever the versions of the tools."""
    facts = read_wheel(wheel)
    (binary,) = facts.binaries
    return {
        "name": facts.name,
        "files": sorted(member.name for member in facts.files()),
        "tags": facts.wheel_file and facts.wheel_file.tags,
        "findings": [finding.rule for finding in audit(wheel).findings],
        "module": (binary.member, binary.format, binary.problems),
        "slices": [
            {
                "arch": part.arch,
                "kind": part.kind,
                "minimum": part.minimum_os and (part.minimum_os.platform, part.minimum_os.version),
                "needed": sorted(one.name.lower() for one in part.needed),
                "init": sorted(one.symbol for one in part.exports if one.symbol.startswith("PyInit")),
                "python": sorted(one.symbol for one in part.imports if one.symbol.startswith(("Py", "_Py"))),
                "stack": part.detail.executable_stack if isinstance(part.detail, ElfDetail) else None,
            }
            for part in binary.slices
        ],
    }


def test_the_recipes_are_the_manifest() -> None:
    """Each wheel of the manifest has a recipe of the same name and file name, and none is left over."""
    manifest = json.loads((WHEELS / "manifest.json").read_text(encoding="utf-8"))
    tables = {
        "good": {(one.identifier, one.filename) for one in RECIPES},
        "bad": {(one.identifier, one.filename) for one in SPOILINGS},
    }
    for folder, table in tables.items():
        assert {(entry["recipe"], entry["filename"]) for entry in manifest[folder]} == table


def test_the_recipes_can_be_listed() -> None:
    """The program lists every good wheel without building anything."""
    done = subprocess.run([*PROGRAM, "list"], capture_output=True, text=True, check=True, cwd=REPOSITORY)
    assert {line.split()[1] for line in done.stdout.splitlines()} == {one.name for one in (WHEELS / "good").iterdir()}


def test_the_command_line_of_a_rebuild_is_right(tmp_path: Path) -> None:
    """The program takes the command line below, for all recipes, into the folder that it names."""
    line = command(tmp_path / "wheels", tmp_path / "work")
    options = parse(line[len(PROGRAM) :])
    assert line[: len(PROGRAM)] == PROGRAM
    assert (options.command, options.recipes, options.install) == ("build", [], False)
    assert (options.destination, options.work) == (tmp_path / "wheels", tmp_path / "work")


@pytest.mark.slow
@pytest.mark.crate
def test_a_rebuild_has_the_same_facts(tmp_path: Path) -> None:
    """Every recipe, built again, gives a wheel with the name and the facts of the one that is kept."""
    line = command(tmp_path / "wheels", tmp_path / "work")
    done = subprocess.run(line, capture_output=True, text=True, check=False, cwd=REPOSITORY)
    if done.returncode:
        pytest.fail(f"the program ended with {done.returncode}:\n{done.stderr}")
    rebuilt = {wheel.name: described(wheel) for wheel in (tmp_path / "wheels" / "good").glob("*.whl")}
    assert rebuilt == {wheel.name: described(wheel) for wheel in (WHEELS / "good").glob("*.whl")}
