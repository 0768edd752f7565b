"""What users copy, read: the release workflow and the recipes of the how-tos against schemas and linters.

The recipes are run in tests/test_recipes.py.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from importlib.metadata import distribution, metadata
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from auditor import __version__
from tests.cli.command import REPOSITORY

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

HOW_TO = REPOSITORY / "docs" / "how-to"
WORKFLOW = HOW_TO / "release-workflow.yml"
JOBS: dict[str, dict[str, Any]] = yaml.safe_load(WORKFLOW.read_text("utf-8"))["jobs"]


def run(*command: str | Path, folder: Path = REPOSITORY) -> tuple[int, str]:
    """Exit status and words of a command."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)
    return done.returncode, done.stdout + done.stderr


def program(name: str) -> str:
    """The path of a program of the group `test`; where it is missing, that is a failure."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    assert found is not None, f"`{name}` is missing: pip install --group test"
    return found


def blocks(page: str, language: str) -> list[str]:
    """The fenced blocks of a how-to that are in a language."""
    return re.findall(rf"```{language}\n(.*?)```", (HOW_TO / page).read_text("utf-8"), re.DOTALL)


def recipe(page: str, language: str, words: str) -> str:
    """The one block of a page in which these words stand."""
    (found,) = (block for block in blocks(page, language) if words in block)
    return found


CIBUILDWHEEL = blocks("cibuildwheel.md", "toml")
GITHUB = [block for page in ("ci.md", "maturin.md") for block in blocks(page, "yaml") if "uses:" in block]
with_cibuildwheel = pytest.mark.skipif(sys.version_info < (3, 11), reason="cibuildwheel 4 is for Python 3.11 and later")


def uses(job: str) -> list[str]:
    """The actions of a job, without their versions."""
    return [one["uses"].partition("@")[0] for one in JOBS[job]["steps"] if "uses" in one]


@pytest.mark.parametrize("file", ["action.yml", "docs/how-to/release-workflow.yml"])
def test_zizmor_finds_nothing(file: str) -> None:
    """The linter of workflows has nothing to say, at its most pedantic, of the action and of the workflow."""
    status, said = run(program("zizmor"), "--offline", "--persona", "pedantic", "--no-progress", file)
    assert status == 0, said


def test_zizmor_would_find_something(tmp_path: Path) -> None:
    """The same command is red on the workflow with wide permissions and an unpinned action."""
    text = WORKFLOW.read_text("utf-8")
    spoilt = text.replace("permissions:\n      contents: read", "permissions: write-all").replace(
        "@e83996d129638aa358a18fbd1dfb82f0b0fb5d3b # v1.51.0", "@main"
    )
    assert spoilt != text
    (tmp_path / "release.yml").write_text(spoilt, "utf-8")
    status, said = run(program("zizmor"), "--offline", "--no-progress", tmp_path / "release.yml")
    assert status != 0
    assert "unpinned-uses" in said
    assert "excessive-permissions" in said


def test_the_workflow_fits_its_schema() -> None:
    """check-jsonschema's copy of the schema of workflows finds nothing to say."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", WORKFLOW]
    status, said = run(*map(str, command))
    assert status == 0, said


def test_nothing_is_published_before_audit_and_tests() -> None:
    """The upload waits for the audit and for all tests, and those for every build."""
    assert set(JOBS["publish"]["needs"]) == {"audit", "test"}
    assert set(JOBS["audit"]["needs"]) == set(JOBS["test"]["needs"]) == {"build", "sdist"}
    assert uses("audit")[-1] == "wheel-audit/wheel-audit"


def test_only_the_upload_may_write() -> None:
    """No job has more than `contents: read`, but for the identity of the upload, which runs no code of the project."""
    rights = {name: job["permissions"] for name, job in JOBS.items()}
    assert rights.pop("publish") == {"id-token": "write"}
    assert all(right == {"contents": "read"} for right in rights.values())
    assert uses("publish") == ["actions/download-artifact", "pypa/gh-action-pypi-publish"]
    assert all("run" not in one for one in JOBS["publish"]["steps"])
    assert "secrets." not in WORKFLOW.read_text("utf-8")


def test_every_system_of_the_fixture_wheels_is_built() -> None:
    """Linux with glibc and musl, macOS and Windows, each on both processors, for the stable ABI and free-threaded."""
    targets = {row["target"] for row in JOBS["build"]["strategy"]["matrix"]["include"]}
    systems = ("unknown-linux-gnu", "unknown-linux-musl", "apple-darwin", "pc-windows-msvc")
    assert targets == {f"{machine}-{system}" for machine in ("x86_64", "aarch64") for system in systems}
    arguments = [one["with"]["args"] for one in JOBS["build"]["steps"] if "args" in one.get("with", {})]
    assert ["--features abi3" in one for one in arguments] == [True, False]
    assert "python3.14t" in arguments[1]
    features = tomllib.loads((REPOSITORY / "fixtures_crate" / "Cargo.toml").read_text("utf-8"))["features"]
    assert features["abi3"] == ["pyo3/abi3-py39"]


def test_maturin_knows_every_option_of_the_workflow() -> None:
    """The options that the build passes are in maturin's own help."""
    _, known = run(program("maturin"), "build", "--help")
    arguments = " ".join(one["with"]["args"] for one in JOBS["build"]["steps"] if "args" in one.get("with", {}))
    for option in set(re.findall(r"--[a-z-]+", arguments)):
        assert option in known


def test_the_manifest_of_pre_commit_is_valid() -> None:
    """pre-commit itself accepts the manifest."""
    status, said = run(program("pre-commit"), "validate-manifest", REPOSITORY / ".pre-commit-hooks.yaml")
    assert status == 0, said


def checked(schema: str, text: str, path: Path) -> tuple[int, str]:
    """The verdict of check-jsonschema's copy of a published schema on a text."""
    path.write_text(text, "utf-8")
    command = (sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, path)
    return run(*command)


def test_the_recipe_of_gitlab_fits_its_schema(tmp_path: Path) -> None:
    """GitLab's own schema of `.gitlab-ci.yml` accepts the job, and would not accept a word that it does not know."""
    job = recipe("ci.md", "yaml", "codequality")
    status, said = checked("vendor.gitlab-ci", job, tmp_path / "job.yml")
    assert status == 0, said
    for before, after in (("when: always", "when: ever"), ("codequality:", "code-quality:")):
        assert before in job
        assert checked("vendor.gitlab-ci", job.replace(before, after), tmp_path / "job.yml")[0] == 1


@pytest.mark.parametrize("steps", GITHUB, ids=["shortest", "every input", "maturin"])
def test_the_recipes_of_github_fit_its_schema(tmp_path: Path, steps: str) -> None:
    """As the steps of a job each fits the schema of workflows, and each names this version."""
    assert re.findall(r"wheel-audit@(\S+)", steps) == [f"v{__version__}"]
    head = "on: push\njobs:\n  wheels:\n    runs-on: ubuntu-latest\n    steps:\n"
    text = head + "".join(f"      {line}\n" for line in steps.splitlines())
    status, said = checked("vendor.github-workflows", text, tmp_path / "workflow.yml")
    assert status == 0, said
    assert checked("vendor.github-workflows", text.replace("uses:", "use:"), tmp_path / "workflow.yml")[0] == 1


@with_cibuildwheel
@pytest.mark.parametrize("settings", CIBUILDWHEEL, ids=["alone", "beside abi3audit", "Pyodide"])
def test_the_recipes_of_cibuildwheel_fit_its_schema(settings: str) -> None:
    """The schema that it ships accepts each, and would not accept a setting that there is none of."""
    (path,) = (file for file in distribution("cibuildwheel").files or () if file.name == "cibuildwheel.schema.json")
    validator = jsonschema.Draft7Validator(json.loads(path.read_text("utf-8")))
    validator.validate(tomllib.loads(settings)["tool"]["cibuildwheel"])
    spoilt = tomllib.loads(settings.replace("audit-command", "audit-commands"))["tool"]["cibuildwheel"]
    assert not validator.is_valid(spoilt)


def test_maturin_knows_what_its_page_says() -> None:
    """Every option of the page is in maturin's help, but the one of which it says that there is none."""
    status, known = run(program("maturin"), "build", "--help")
    assert status == 0
    page = (HOW_TO / "maturin.md").read_text("utf-8")
    commands = " ".join(re.findall(r"`[^`]*`|^\$ maturin.*$", page, re.MULTILINE))
    options = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", commands))
    assert options > {"-i", "--compatibility", "--find-interpreter", "--out", "--release", "--zig"}
    missing = {option for option in options if re.search(rf"(?<![\w-]){option}(?![\w-])", known) is None}
    assert missing == {"--python-version"}
    assert "zig" in (metadata("maturin").get_all("Provides-Extra") or [])
