"""The script that rebuilds the fixture wheels: its table is the manifest's, and a rebuild has the same facts."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from auditor import audit, read_wheel
from auditor.facts.binary import ElfDetail
from tests.cli.command import REPOSITORY, WHEELS

if TYPE_CHECKING:
    from pathlib import Path

SCRIPT = REPOSITORY / "fixtures_crate" / "build_wheels.py"


def command(destination: Path, work: Path) -> list[str]:
    """The command line that rebuilds every good wheel."""
    return [sys.executable, str(SCRIPT), "build", str(destination), "--work", str(work)]


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


@pytest.fixture(scope="module")
def script() -> Any:
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("build_wheels", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up by its name.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_the_recipes_are_the_manifest(script: Any) -> None:
    """Each wheel of the manifest has a recipe of the same name and file name, and none is left over."""
    manifest = json.loads((WHEELS / "manifest.json").read_text(encoding="utf-8"))
    for folder, table in (("good", script.RECIPES), ("bad", script.SPOILINGS)):
        entries = {(entry["recipe"], entry["filename"]) for entry in manifest[folder]}
        assert entries == {(one.identifier, one.filename) for one in table}


def test_the_recipes_can_be_listed() -> None:
    """The script lists every good wheel without building anything."""
    done = subprocess.run([sys.executable, str(SCRIPT), "list"], capture_output=True, text=True, check=True)
    assert {line.split()[1] for line in done.stdout.splitlines()} == {one.name for one in (WHEELS / "good").iterdir()}


def test_the_command_line_of_a_rebuild_is_right(script: Any, tmp_path: Path) -> None:
    """The script takes the command line below, for all recipes, into the folder that it names."""
    interpreter, path, *arguments = command(tmp_path / "wheels", tmp_path / "work")
    options = script.parse(arguments)
    assert (interpreter, path) == (sys.executable, str(SCRIPT))
    assert (options.command, options.recipes, options.install) == ("build", [], False)
    assert (options.destination, options.work) == (tmp_path / "wheels", tmp_path / "work")


@pytest.mark.slow
@pytest.mark.crate
def test_a_rebuild_has_the_same_facts(tmp_path: Path) -> None:
    """Every recipe, built again, gives a wheel with the name and the facts of the one that is kept."""
    done = subprocess.run(command(tmp_path / "wheels", tmp_path / "work"), capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.fail(f"the script ended with {done.returncode}:\n{done.stderr}")
    rebuilt = {wheel.name: described(wheel) for wheel in (tmp_path / "wheels" / "good").glob("*.whl")}
    assert rebuilt == {wheel.name: described(wheel) for wheel in (WHEELS / "good").glob("*.whl")}
