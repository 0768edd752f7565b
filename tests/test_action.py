"""The GitHub action: each of its shell steps run in bash, with files in place of GitHub's."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.action import ACTION, STEPS, Runner, step
from tests.cli.command import REPOSITORY, fixture

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    MakeRunner = Callable[..., Runner]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="WSL's bash is none of the runner's")

GOOD = fixture("cp311-cp311-manylinux2014_x86_64.manylinux_2_17_x86_64")
BAD = fixture("cp313-cp313-win_amd64", "bad")


@pytest.fixture
def make(tmp_path: Path) -> MakeRunner:
    """A runner on which wheel-audit is installed, as far as the audit's step can tell."""

    def made(*wheels: Path, **inputs: str) -> Runner:
        runner = Runner(
            workspace=tmp_path / "work space",
            temporary=tmp_path / "temporary files",
            inputs={name.replace("_", "-"): value for name, value in inputs.items()},
        )
        programs = runner.temporary / "wheel-audit" / "bin"
        programs.mkdir(parents=True)
        program = programs / "wheel-audit"
        program.write_text(f'#!/bin/sh\nPYTHONPATH="{REPOSITORY}" exec "{sys.executable}" -m auditor "$@"\n', "utf-8")
        program.chmod(0o755)
        folder = runner.workspace / "dist"
        folder.mkdir(parents=True)
        for wheel in wheels:
            shutil.copy(wheel, folder)
        return runner

    return made


def test_a_good_wheel_passes(make: MakeRunner) -> None:
    """The step is green, says so below the run, and leaves both reports where its outputs say."""
    runner = make(GOOD)
    done = runner.run("Audit")
    assert (done.returncode, done.stderr) == (0, "")
    assert runner.outputs["verdict"] == "pass"
    report = json.loads((runner.temporary / "wheel-audit-reports" / "report.json").read_text("utf-8"))
    assert report["wheels"][0]["path"] == f"dist/{GOOD.name}"
    assert runner.outputs["report"].endswith("report.json")
    with open(runner.outputs["sarif"], encoding="utf-8") as file:  # noqa: PTH123
        assert json.load(file)["version"] == "2.1.0"
    assert GOOD.name in runner.summary
    assert "1 wheel audited, passed" in done.stdout


def test_a_spoilt_wheel_fails(make: MakeRunner) -> None:
    """The step is red, every error is an annotation, and the summary names the rule."""
    runner = make(BAD, GOOD)
    done = runner.run("Audit")
    assert done.returncode == 1
    assert runner.outputs["verdict"] == "fail"
    assert re.search(r"^::error [^\n]*::", done.stdout, re.MULTILINE)
    assert "extension-suffix-mismatch" in runner.summary
    assert "Traceback" not in done.stderr


def test_annotations_can_be_left_out(make: MakeRunner) -> None:
    """With `annotate: false` the log holds the text alone."""
    done = make(BAD, annotate="false").run("Audit")
    assert "::error" not in done.stdout
    assert "extension-suffix-mismatch" in done.stdout


def test_what_fails_is_an_input(make: MakeRunner) -> None:
    """`fail-on: never` makes a gate that only looks."""
    runner = make(BAD, fail_on="never")
    assert runner.run("Audit").returncode == 0
    assert runner.outputs["verdict"] == "pass"


def test_the_settings_of_the_project_hold(make: MakeRunner) -> None:
    """Where the action is not told what fails, the project's own settings say it, and are not overruled."""
    runner = make(BAD)
    (runner.workspace / "pyproject.toml").write_text('[tool.wheel-audit]\nfail-on = "never"\n', "utf-8")
    assert runner.run("Audit").returncode == 0


def test_paths_are_lines_and_expand(make: MakeRunner) -> None:
    """A path a line, blank lines do not count, `*` expands and a space is part of a name."""
    runner = make(paths="\nextra folder/*-win_amd64.whl\n\ndist\n")
    folder = runner.workspace / "extra folder"
    folder.mkdir()
    shutil.copy(BAD, folder)
    shutil.copy(GOOD, runner.workspace / "dist")
    assert runner.run("Audit").returncode == 1
    report = json.loads((runner.temporary / "wheel-audit-reports" / "report.json").read_text("utf-8"))
    assert {wheel["path"] for wheel in report["wheels"]} == {f"extra folder/{BAD.name}", f"dist/{GOOD.name}"}


def test_arguments_are_words_and_never_run(make: MakeRunner, tmp_path: Path) -> None:
    """`args` is split at white space and line ends; what a shell would run or expand in it stays text."""
    runner = make(BAD, args="--ignore extension-suffix-mismatch,sbom-missing\n  --ignore wheel-tag-mismatch")
    done = runner.run("Audit")
    assert (done.returncode, runner.outputs["verdict"]) == (0, "pass"), done.stderr
    marker = tmp_path / "was-run"
    hostile = Runner(
        workspace=runner.workspace,
        temporary=runner.temporary,
        inputs={"args": f"--ignore $(touch {marker}) `touch {marker}` ; touch {marker}", "paths": f"$(touch {marker})"},
    )
    assert hostile.run("Audit").returncode == 2
    assert not marker.exists()


@pytest.mark.parametrize("paths", ["dist", "nowhere", "dist/*.whl", "--help"])
def test_nothing_to_audit_is_an_error(make: MakeRunner, paths: str) -> None:
    """An empty folder, a folder that is not there, a pattern without a match: red, and no report is claimed."""
    runner = make(paths=paths)
    done = runner.run("Audit")
    assert done.returncode == 2
    assert runner.outputs["verdict"] == "error"
    assert "report" not in runner.outputs
    assert "error" in done.stderr


def test_reports_of_an_earlier_step_are_not_taken_for_new_ones(make: MakeRunner) -> None:
    """The action twice in one job: the second, which finds no wheel, does not show the first's report."""
    runner = make(GOOD)
    assert runner.run("Audit").returncode == 0
    (runner.temporary / "output").unlink()
    shutil.rmtree(runner.workspace / "dist")
    assert runner.run("Audit").returncode == 2
    assert "report" not in runner.outputs


@pytest.mark.parametrize(("version", "what"), [("", str(REPOSITORY)), ("0.1.0", "wheel-audit==0.1.0")])
def test_what_is_installed(tmp_path: Path, version: str, what: str) -> None:
    """An environment of its own is made and gets the action's own version, or the one that was asked for."""
    programs = tmp_path / "programs"
    programs.mkdir()
    said = tmp_path / "said"
    # Stands for the runner's Python: `-m venv DIR` makes a folder with another of its kind.
    fake = f"""#!/bin/sh
printf '%s\\n' "$*" >> "{said}"
if [ "$2" = venv ]; then mkdir -p "$3/bin"; cp "$0" "$3/bin/python"; fi
"""
    python = programs / "python3"
    python.write_text(fake, encoding="utf-8")
    python.chmod(0o755)
    runner = Runner(
        workspace=tmp_path,
        temporary=tmp_path / "temporary files",
        inputs={"version": version},
        variables={"PATH": f"{programs}:/usr/bin:/bin"},
    )
    done = runner.run("Install wheel-audit")
    assert done.returncode == 0, done.stderr
    first, second = said.read_text("utf-8").splitlines()
    assert first == f"-m venv {runner.temporary}/wheel-audit"
    assert second.split()[:3] == ["-m", "pip", "install"]
    assert second.endswith(f" {what}")


def test_no_expression_stands_in_a_script() -> None:
    """Inputs reach the scripts as variables: a script with an input pasted in would run it."""
    assert [one["name"] for one in STEPS if "run" in one] == ["Install wheel-audit", "Audit"]
    assert all("${{" not in one["run"] for one in STEPS if "run" in one)


def test_foreign_actions_are_pinned() -> None:
    """Every action that is used is named by a full commit, with its version beside it."""
    lines = [line for line in (REPOSITORY / "action.yml").read_text("utf-8").splitlines() if "uses:" in line]
    assert len(lines) == 2
    assert all(re.search(r"@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line) for line in lines)


def test_sarif_is_uploaded_also_from_a_red_audit() -> None:
    """The upload waits neither for success nor for a file that there is not, and only happens on demand."""
    upload = step("Upload to code scanning")
    assert upload["if"] == "${{ !cancelled() && inputs.sarif == 'true' && steps.audit.outputs.sarif != '' }}"


def test_every_input_and_output_is_documented() -> None:
    """The how-to shows each input; each output is described, and each is one that the step sets."""
    page = (REPOSITORY / "docs" / "how-to" / "ci.md").read_text("utf-8")
    blocks = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)]
    (shown,) = (block[0]["with"] for block in blocks if isinstance(block, list) and "with" in block[0])
    assert set(shown) == set(ACTION["inputs"])
    assert all(f"`{name}`" in page for name in ACTION["outputs"])
    assert all(f'echo "{name}=' in step("Audit")["run"] for name in ACTION["outputs"])


def test_the_action_fits_its_schema() -> None:
    """check-jsonschema's copy of the schema of actions finds nothing to say."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-actions", "action.yml"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
