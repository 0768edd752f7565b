"""What users copy: the release workflow, the recipes of the how-tos, pre-commit's hook; each against its reader."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.command import REPOSITORY, fixture

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

HOW_TO = REPOSITORY / "docs" / "how-to"
WORKFLOW = HOW_TO / "release-workflow.yml"
JOBS: dict[str, dict[str, Any]] = yaml.safe_load(WORKFLOW.read_text("utf-8"))["jobs"]
BAD = fixture("cp313-cp313-win_amd64", "bad")


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


def test_recipes_of_github_and_pre_commit_are_yaml() -> None:
    """Each YAML block of the how-tos parses."""
    found = [yaml.safe_load(block) for page in ("ci.md", "maturin.md") for block in blocks(page, "yaml")]
    assert len(found) == 5
    assert all(found)


def test_the_recipe_of_gitlab_fits_its_schema(tmp_path: Path) -> None:
    """check-jsonschema's copy of GitLab's schema has nothing to say, and both reports are in formats that there are."""
    from auditor.report.formats import FORMATS

    (recipe,) = (block for block in blocks("ci.md", "yaml") if "codequality" in block)
    (tmp_path / ".gitlab-ci.yml").write_text(recipe, "utf-8")
    status, said = run(
        sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.gitlab-ci", tmp_path / ".gitlab-ci.yml"
    )
    assert status == 0, said
    assert set(re.findall(r"--output (\w+):", recipe)) == {"gitlab", "junit"} <= set(FORMATS)


def test_the_recipe_of_nox_is_a_session() -> None:
    """The file compiles and defines one session, which audits `dist`."""
    (recipe,) = blocks("ci.md", "python")
    compile(recipe, "noxfile.py", "exec")
    assert 'session.run("wheel-audit", "dist")' in recipe


def test_the_recipe_of_tox_is_toml() -> None:
    """The environment has the keys of tox's own TOML format."""
    (recipe,) = blocks("ci.md", "toml")
    settings = tomllib.loads(recipe)["tool"]["tox"]["env"]["wheels"]
    assert settings["commands"][-1] == ["wheel-audit", "dist"]
    assert settings["skip_install"] is True


def test_the_recipes_of_cibuildwheel_name_its_placeholders() -> None:
    """Each command has exactly one of the placeholders that cibuildwheel asks for, and is installed."""
    for recipe in blocks("cibuildwheel.md", "toml"):
        settings = tomllib.loads(recipe)["tool"]["cibuildwheel"]
        commands = settings.get("audit-command", [])
        for command in [commands] if isinstance(commands, str) else commands:
            assert len(re.findall(r"\{(?:abi3_)?wheel\}", command)) == 1
            assert command.split()[0] in settings["audit-requires"]


def test_the_manifest_of_pre_commit_is_valid() -> None:
    """pre-commit itself accepts the manifest."""
    status, said = run(program("pre-commit"), "validate-manifest", REPOSITORY / ".pre-commit-hooks.yaml")
    assert status == 0, said


def test_pre_commit_runs_the_hook(tmp_path: Path) -> None:
    """In a repository with a spoilt wheel in dist/ pre-commit is red and shows the rule; without it, green."""
    (hook,) = yaml.safe_load((REPOSITORY / ".pre-commit-hooks.yaml").read_text("utf-8"))
    assert hook["entry"] == "wheel-audit"
    # As the manifest has it, but for the installation, which would need the network.
    hook |= {"language": "system", "entry": f"env PYTHONPATH={REPOSITORY} {sys.executable} -m auditor"}
    (tmp_path / ".pre-commit-config.yaml").write_text(json.dumps({"repos": [{"repo": "local", "hooks": [hook]}]}))
    (tmp_path / "dist").mkdir()
    shutil.copy(BAD, tmp_path / "dist")
    assert run("git", "init", "--quiet", folder=tmp_path)[0] == 0
    assert run("git", "add", ".pre-commit-config.yaml", folder=tmp_path)[0] == 0
    command = [program("pre-commit"), "run", "wheel-audit", "--hook-stage", "manual"]
    status, said = run(*command, folder=tmp_path)
    assert status == 1, said
    assert "extension-suffix-mismatch" in said
    (tmp_path / "dist" / BAD.name).unlink()
    shutil.copy(fixture("cp39-abi3-win_amd64"), tmp_path / "dist")
    status, said = run(*command, folder=tmp_path)
    assert status == 0, said
