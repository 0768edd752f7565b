"""A newcomer's first quarter of an hour: maturin's template, the README's few lines of workflow, a red gate.

The workflow is taken from the README and its steps are run here: maturin-action's by maturin itself, ours by the shell
steps of action.yml, which make a fresh virtual environment and install this repository into it. Needs cargo, maturin,
and an index that pip reaches.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.action import ACTION, Runner
from tests.cli.command import REPOSITORY
from tests.test_crate import only_linux, program

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.crate, only_linux]

README = REPOSITORY / "README.md"
OURS = "wheel-audit/wheel-audit"


def workflow() -> str:
    """The README's workflow: its one block of YAML that uses our action."""
    blocks = re.findall(r"```yaml\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    (found,) = (block for block in blocks if OURS in block)
    return str(found)


def steps() -> list[dict[str, Any]]:
    """The steps of its one job."""
    (job,) = yaml.safe_load(workflow())["jobs"].values()
    found: list[dict[str, Any]] = job["steps"]
    return found


def test_the_workflow_is_short_and_valid(tmp_path: Path) -> None:
    """It has less than ten lines, fits the schema of workflows, and passes our action nothing that it does not know."""
    assert len(workflow().splitlines()) < 10
    path = tmp_path / "wheels.yml"
    path.write_text(workflow(), "utf-8")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert set(steps()[-1].get("with", {})) <= set(ACTION["inputs"])


def test_the_tutorial_ends_with_the_same_workflow() -> None:
    """README and tutorial do not drift apart."""
    assert workflow().strip() in (REPOSITORY / "docs" / "tutorial.md").read_text("utf-8")


def maturin(*arguments: str, folder: Path) -> None:
    """Run maturin as a user would, without what the tests' own environment sets."""
    foreign = ("RUSTFLAGS", "CARGO_BUILD", "CARGO_TARGET", "MATURIN", "PYO3", "PYTHON", "COVERAGE")
    variables = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    variables["PATH"] = os.pathsep.join((os.path.dirname(program("cargo")), variables.get("PATH", "")))  # noqa: PTH120
    done = subprocess.run(
        [program("maturin"), *arguments], cwd=folder, env=variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_gate_is_in_place_and_red_where_a_wheel_is_spoilt(tmp_path: Path) -> None:
    """Green on what maturin builds from its template; red as soon as the wheel promises an older glibc than it has."""
    maturin("new", "--bindings", "pyo3", "demo", folder=tmp_path)
    project = tmp_path / "demo"
    runner = Runner(workspace=project, temporary=tmp_path / "runner")
    transcript = []
    for step in steps():
        action = step["uses"].partition("@")[0]
        given = step.get("with", {})
        if action == "PyO3/maturin-action":
            # `manylinux` chooses a container, which there is none of here: the wheel is one for this machine's glibc.
            assert set(given) <= {"args", "manylinux"}
            maturin("build", *shlex.split(given["args"]), "--interpreter", sys.executable, folder=project)
        elif action == OURS:
            runner = Runner(workspace=project, temporary=tmp_path / "runner", inputs=given)
            installed = runner.run("Install wheel-audit")
            assert installed.returncode == 0, installed.stderr
            audited = runner.run("Audit")
            transcript.append((audited.returncode, runner.outputs["verdict"]))
            assert "license-undeclared" in audited.stdout
        else:
            assert action == "actions/checkout"
    assert transcript == [(0, "pass")]

    (wheel,) = (project / "dist").glob("*.whl")
    spoilt = re.sub(r"manylinux_\w+?(?=_(x86_64|aarch64)\.)", "manylinux_2_17", wheel.name)
    assert spoilt != wheel.name
    wheel.rename(wheel.with_name(spoilt))
    (runner.temporary / "output").unlink()
    audited = runner.run("Audit")
    assert (audited.returncode, runner.outputs["verdict"]) == (1, "fail")
    assert re.search(r"^::error .*glibc-newer-than-tag", audited.stdout, re.MULTILINE)
    assert "glibc-newer-than-tag" in runner.summary
