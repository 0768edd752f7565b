"""The recipes of the how-tos, run: each is cut out of its page and given, as it stands, to the program that it is for.

wheel-audit is installed from a wheel of this checkout, and what it needs from wheels that pip fetches once. Needs gcc,
the headers of Python, git, and an index that pip reaches.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from auditor import __version__
from tests.action import ACTION, Runner
from tests.builders.wheel import WheelSpec, build_wheel
from tests.cli.command import REPOSITORY, environment, fixture, wheel_audit
from tests.test_crate import only_linux
from tests.test_workflows import CIBUILDWHEEL, GITHUB, HOW_TO, blocks, program, recipe, with_cibuildwheel

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Cibuildwheel = Callable[..., tuple[int, str]]

OURS = "https://github.com/wheel-audit/wheel-audit"
GOOD = fixture("cp39-abi3-manylinux2014_x86_64.manylinux_2_17_x86_64")
BAD = fixture("cp39-abi3-manylinux2014_x86_64.manylinux_2_17_x86_64", "bad")
CI = (HOW_TO / "ci.md").read_text("utf-8")
# What a wheel of the checkout is built from.
SOURCES = ("auditor", "pyproject.toml", "README.md", "LICENSE", ".pre-commit-hooks.yaml")


def run(*command: str | Path, folder: Path, variables: Mapping[str, str]) -> tuple[int, str]:
    """Exit status and words of a command that sees no other variables."""
    done = subprocess.run(
        command, cwd=folder, env=variables, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=300
    )
    return done.returncode, (done.stdout + done.stderr).decode("utf-8", "replace")


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The variables of a machine whose index has this wheel-audit and little else; nothing else is reached."""
    folder, home = tmp_path_factory.mktemp("index"), tmp_path_factory.mktemp("home")
    command = (sys.executable, "-m", "pip", "wheel", "--quiet", "--wheel-dir", folder, REPOSITORY)
    further = ("build", "hatchling", "setuptools", "abi3audit")
    status, said = run(*command, *further, folder=home, variables=os.environ)
    assert status == 0, said
    assert len(list(folder.glob("wheel_audit-*.whl"))) == 1
    # The wheels are for this Python; and a `wheel-audit` of another environment must not help out.
    (home / "bin").mkdir()
    (home / "bin" / "python3").symlink_to(Path(sys.executable).resolve())
    others = [one for one in os.environ["PATH"].split(os.pathsep) if not Path(one, "wheel-audit").exists()]
    path = os.pathsep.join((str(home / "bin"), *others))
    assert shutil.which("wheel-audit", path=path) is None
    variables = environment(
        {
            "HOME": str(home),
            "PATH": path,
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_FIND_LINKS": str(folder),
            "PIP_NO_INDEX": "1",
            "PIP_NO_COMPILE": "1",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "UV_FIND_LINKS": str(folder),
            "UV_NO_CONFIG": "1",
            "UV_OFFLINE": "1",
            "VIRTUALENV_NO_PERIODIC_UPDATE": "1",
        }
    )
    # The checkout itself must not be what is imported.
    del variables["PYTHONPATH"]
    variables.pop("VIRTUAL_ENV", None)
    return variables


class Small:
    """A project with one extension module, which setuptools builds and tags as manylinux."""

    SOURCE = """\
#include <Python.h>

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, .m_name = "small"};

PyMODINIT_FUNC
PyInit_small(void)
{
    return PyModuleDef_Init(&module);
}
"""
    SETUP = f"""\
from setuptools import Extension, setup

setup(
    ext_modules=[Extension("small", ["small.c"])],
    options={{"bdist_wheel": {{"plat_name": "manylinux_2_17_{platform.machine()}"}}}},
)
"""
    PROJECT = """\
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "small"
version = "1.0"
description = "One module."

"""

    def __init__(self, folder: Path, *, settings: str = "") -> None:
        self.folder = folder
        self.write("small.c", self.SOURCE)
        self.write("setup.py", self.SETUP)
        self.write("pyproject.toml", self.PROJECT + settings)

    def write(self, name: str, text: str) -> None:
        """Write a file."""
        (self.folder / name).write_text(text, "utf-8")

    def change(self, name: str, before: str, after: str) -> None:
        """Change some words in a file."""
        text = (self.folder / name).read_text("utf-8")
        assert before in text
        self.write(name, text.replace(before, after))

    def wheels(self) -> list[str]:
        """The platform tags of the wheels that were built."""
        return [path.stem.rpartition("-")[2] for path in (self.folder / "dist").glob("*.whl")]


@only_linux
def test_nox_is_red_where_the_module_cannot_be_imported(tmp_path: Path, machine: dict[str, str]) -> None:
    """The session builds and passes; with the module's init function under another name it fails."""
    small = Small(tmp_path)
    small.write("noxfile.py", recipe("ci.md", "python", "nox.session"))
    command = [program("nox"), "--session", "wheels"]
    status, said = run(*command, folder=tmp_path, variables=machine)
    assert status == 0, said
    assert "1 wheel audited, passed" in said
    assert "Session wheels was successful" in said

    small.change("small.c", "PyInit_small", "PyInit_smell")
    status, said = run(*command, "--reuse-existing-virtualenvs", "--no-install", folder=tmp_path, variables=machine)
    assert status == 1, said
    assert "error[module-init-missing]" in said
    assert small.wheels() == [f"manylinux_2_17_{platform.machine()}"]


@only_linux
def test_tox_is_red_where_the_wheel_was_not_repaired(tmp_path: Path, machine: dict[str, str]) -> None:
    """The environment builds and passes; with the tag that a build on Linux has by itself it fails, as said."""
    settings = recipe("ci.md", "toml", "tool.tox")
    small = Small(tmp_path, settings=settings)
    command = [program("tox"), "run", "-e", "wheels"]
    status, said = run(*command, folder=tmp_path, variables=machine)
    assert status == 0, said
    assert "1 wheel audited, passed" in said

    shutil.rmtree(tmp_path / "dist")
    small.change("setup.py", "options=", "# options=")
    status, said = run(*command, folder=tmp_path, variables=machine)
    assert status == 1, said
    assert "error[platform-not-on-pypi]" in said
    assert small.wheels() == [f"linux_{platform.machine()}"]
    assert "`linux_x86_64`" in CI
    assert "(#platform-not-on-pypi)" in CI


def git(*arguments: str | Path, folder: Path, variables: Mapping[str, str]) -> None:
    """Run git, with a name and an address."""
    name = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.org", "-c", "init.defaultBranch=main")
    status, said = run("git", *name, *arguments, folder=folder, variables=variables)
    assert status == 0, said


@pytest.fixture(scope="module")
def cloned(tmp_path_factory: pytest.TempPathFactory, machine: dict[str, str]) -> dict[str, str]:
    """The machine, where git finds this checkout at the address and under the tag that the page names."""
    folder = tmp_path_factory.mktemp("ours")
    for name in SOURCES:
        source = REPOSITORY / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder)
    git("init", "--quiet", folder=folder, variables=machine)
    git("add", "--all", folder=folder, variables=machine)
    git("commit", "--quiet", "--message", "All", folder=folder, variables=machine)
    git("tag", f"v{__version__}", folder=folder, variables=machine)
    git("config", "--global", f"url.{folder.as_uri()}.insteadOf", OURS, folder=folder, variables=machine)
    return machine


@only_linux
def test_pre_commit_runs_the_hook(tmp_path: Path, cloned: dict[str, str]) -> None:
    """It clones and installs us; when it is called, a spoilt wheel in dist/ is red and a good one green."""
    by_hand, before_push = (block for block in blocks("ci.md", "yaml") if "hooks:" in block)
    (tmp_path / ".pre-commit-config.yaml").write_text(by_hand, "utf-8")
    git("init", "--quiet", folder=tmp_path, variables=cloned)
    git("add", "--all", folder=tmp_path, variables=cloned)
    (tmp_path / "dist").mkdir()
    shutil.copy(BAD, tmp_path / "dist")
    pre_commit = program("pre-commit")
    status, said = run(pre_commit, "run", "--all-files", folder=tmp_path, variables=cloned)
    assert (status, "glibc" in said) == (0, False), said
    command = shlex.split(re.findall(r"`pre-commit (run [^`]*)`", CI)[0])
    status, said = run(pre_commit, *command, folder=tmp_path, variables=cloned)
    assert status == 1, said
    assert f"Installing environment for {OURS}" in said
    assert "error[glibc-newer-than-tag]" in said
    shutil.copy(GOOD, tmp_path / "dist")
    status, said = run(pre_commit, *command, folder=tmp_path, variables=cloned)
    assert status == 0, said

    # The second recipe: a push waits, and here it is another folder that is audited.
    (tmp_path / ".pre-commit-config.yaml").write_text(before_push, "utf-8")
    command = shlex.split(re.findall(r"`pre-commit (install [^`]*)`", CI)[0])
    status, said = run(pre_commit, *command, folder=tmp_path, variables=cloned)
    assert status == 0, said
    git("add", ".pre-commit-config.yaml", folder=tmp_path, variables=cloned)
    git("commit", "--quiet", "--message", "All", folder=tmp_path, variables=cloned)
    git("init", "--quiet", "--bare", "theirs", folder=tmp_path, variables=cloned)
    (tmp_path / "wheelhouse").mkdir()
    shutil.copy(BAD, tmp_path / "wheelhouse")
    push = ("git", "push", "theirs", "HEAD:main")
    status, said = run(*push, folder=tmp_path, variables=cloned)
    assert status == 1, said
    assert "error[glibc-newer-than-tag]" in said
    shutil.copy(GOOD, tmp_path / "wheelhouse")
    status, said = run(*push, folder=tmp_path, variables=cloned)
    assert status == 0, said


ALONE, BESIDE, UNDER_PYODIDE = CIBUILDWHEEL
LINUX, PYODIDE = "cp311-manylinux_x86_64", "cp314-pyodide_wasm32"
# cibuildwheel whole, but for the build itself, which needs the containers and machines of the platforms: the wheel is
# there already. Its environment is made by uv, as virtualenv would be downloaded.
DRIVER = """\
import dataclasses
import sys
from pathlib import Path

from cibuildwheel import __main__ as command
from cibuildwheel.audit import run_audit
from cibuildwheel.frontend import BuildFrontendConfig
from cibuildwheel.platforms import ALL_PLATFORM_MODULES

wheel = Path(sys.argv.pop(1))


def build(options, tmp_path):
    chosen = options.build_options(options.globals.build_selector.build_config)
    chosen = dataclasses.replace(chosen, build_frontend=BuildFrontendConfig("uv"))
    run_audit(tmp_dir=tmp_path, build_options=chosen, wheel=wheel)


for module in ALL_PLATFORM_MODULES.values():
    module.build = build
command.main()
"""


def emscripten(folder: Path, platform_tag: str) -> Path:
    """A wheel of the stable ABI for WebAssembly."""
    members = {"demo/__init__.py": b"", "demo/_core.abi3.so": b"\0asm\1\0\0\0"}
    built = build_wheel(WheelSpec(python="cp314", abi="abi3", platform=platform_tag, members=members))
    path = folder / built.filename
    path.write_bytes(built.data)
    return path


@pytest.fixture
def cibuildwheel(tmp_path: Path, machine: dict[str, str]) -> Cibuildwheel:
    """cibuildwheel, called in the folder of a project with these settings, for a wheel that it has built."""

    def called(settings: str, wheel: Path, identifier: str = LINUX) -> tuple[int, str]:
        (tmp_path / "pyproject.toml").write_text(settings, "utf-8")
        command = (sys.executable, "-c", DRIVER, wheel, "--only", identifier)
        # The versions that cibuildwheel pins may not be those that pip chose.
        return run(*command, folder=tmp_path, variables=machine | {"CIBW_DEPENDENCY_VERSIONS": "latest"})

    return called


@only_linux
@with_cibuildwheel
def test_cibuildwheel_runs_abi3audit_alone_where_nothing_is_set(cibuildwheel: Cibuildwheel) -> None:
    """Without the recipe a spoilt wheel passes: of the stable ABI it sees nothing else, of others nothing at all."""
    status, said = cibuildwheel("", fixture("cp313-cp313-win_amd64", "bad"))
    assert status == 0, said
    assert "No audit required for this wheel, as it is not abi3" in said
    status, said = cibuildwheel("", BAD)
    assert status == 0, said
    assert f"Running audit command: abi3audit --strict --report {BAD}" in said


@only_linux
@with_cibuildwheel
def test_cibuildwheel_is_red_where_the_wheel_is_spoilt(cibuildwheel: Cibuildwheel) -> None:
    """Its status is the one that the page names, and our report is in its log."""
    status, said = cibuildwheel(ALONE, BAD)
    assert status == 9, said
    assert "ends with status 9" in (HOW_TO / "cibuildwheel.md").read_text("utf-8")
    assert "error[glibc-newer-than-tag]" in said


@only_linux
@with_cibuildwheel
def test_cibuildwheel_runs_abi3audit_beside_us(cibuildwheel: Cibuildwheel) -> None:
    """With the second recipe a good wheel of the stable ABI is audited by both, and passes."""
    status, said = cibuildwheel(BESIDE, GOOD)
    assert status == 0, said
    assert "1 wheel audited, passed" in said
    assert "Running audit command: abi3audit" in said


@only_linux
@with_cibuildwheel
def test_the_settings_of_the_project_hold_below_cibuildwheel(cibuildwheel: Cibuildwheel) -> None:
    """What the project ignores is ignored, and one wheel alone is not the release that is expected."""
    settings = """
[tool.wheel-audit]
ignore = ["glibc-newer-than-tag"]
fail-on = "warning"
expected-matrix = { cp39 = ["macos_arm64", "win_amd64"] }
"""
    status, said = cibuildwheel(ALONE + settings, BAD)
    assert status == 0, said
    assert "1 finding suppressed" in said


@only_linux
@with_cibuildwheel
def test_under_pyodide_wheel_audit_alone_is_run(tmp_path: Path, cibuildwheel: Cibuildwheel) -> None:
    """By default there is no audit; abi3audit fails there, and we do not; tags of before PEP 783 are red."""
    wheel = emscripten(tmp_path, "pyemscripten_2026_0_wasm32")
    status, said = cibuildwheel("", wheel, PYODIDE)
    assert status == 0, said
    assert "No audit configured" in said
    status, said = cibuildwheel(BESIDE, wheel, PYODIDE)
    assert status == 9, said
    assert "1 wheel audited, passed" in said
    assert "Audit command failed: abi3audit" in said
    settings = f"{BESIDE}\n{UNDER_PYODIDE}"
    status, said = cibuildwheel(settings, wheel, PYODIDE)
    assert status == 0, said
    assert "1 wheel audited, passed" in said

    older = emscripten(tmp_path, "pyodide_2024_0_wasm32")
    status, said = cibuildwheel(settings, older, PYODIDE)
    assert status == 9, said
    assert "error[platform-not-on-pypi]" in said
    taken_back = settings.replace(UNDER_PYODIDE, '[tool.cibuildwheel.pyodide]\naudit-command = ""\n')
    status, said = cibuildwheel(taken_back, older, PYODIDE)
    assert status == 0, said
    assert "No audit configured" in said


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory, machine: dict[str, str]) -> Runner:
    """A runner of GitHub on which the action's first step has been, with every input that the page gives."""
    ((step,),) = (steps for steps in map(yaml.safe_load, GITHUB) if len(steps) == 1 and "with" in steps[0])
    given = {name: str(value).lower() if isinstance(value, bool) else value for name, value in step["with"].items()}
    assert set(given) == set(ACTION["inputs"])
    folder = tmp_path_factory.mktemp("runner")
    found = Runner(workspace=folder / "project", temporary=folder / "temporary", inputs=given, variables=machine)
    found.workspace.mkdir()
    done = found.run("Install wheel-audit")
    assert done.returncode == 0, done.stderr
    return found


@only_linux
def test_the_action_takes_every_input_of_the_recipe(runner: Runner) -> None:
    """With the version that was asked for both paths are audited, green and then red with an annotation."""
    for name, wheel in (("dist", GOOD), ("extra", fixture("cp39-abi3-win_amd64"))):
        (runner.workspace / name).mkdir()
        shutil.copy(wheel, runner.workspace / name)
    done = runner.run("Audit")
    assert (done.returncode, runner.outputs["verdict"]) == (0, "pass"), done.stdout
    assert "2 wheels audited" in done.stdout
    shutil.copy(fixture("cp313-cp313-win_amd64", "bad"), runner.workspace / "extra")
    done = runner.run("Audit")
    assert done.returncode == 1
    assert re.search(r"^::error .*extension-suffix-mismatch", done.stdout, re.MULTILINE)


@only_linux
def test_the_script_of_gitlab_writes_both_reports_of_a_red_run(
    tmp_path: Path, machine: dict[str, str], runner: Runner
) -> None:
    """Its lines, in an environment with pip: red with both reports, which are kept, then green."""
    (job,) = yaml.safe_load(recipe("ci.md", "yaml", "codequality")).values()
    variables = machine | {"PATH": f"{runner.temporary / 'wheel-audit' / 'bin'}{os.pathsep}{machine['PATH']}"}
    (tmp_path / "dist").mkdir()
    shutil.copy(BAD, tmp_path / "dist")
    script = ("bash", "-eo", "pipefail", "-c", "\n".join(job["script"]))
    status, said = run(*script, folder=tmp_path, variables=variables)
    assert status == 1, said
    assert "error[glibc-newer-than-tag]" in said
    assert job["artifacts"]["when"] == "always"
    reports = {kind: (tmp_path / name).read_text("utf-8") for kind, name in job["artifacts"]["reports"].items()}
    assert "glibc-newer-than-tag" in {issue["check_name"] for issue in json.loads(reports["codequality"])}
    assert "glibc-newer-than-tag" in reports["junit"]

    shutil.copy(GOOD, tmp_path / "dist")
    status, said = run(*script, folder=tmp_path, variables=variables)
    assert status == 0, said


def test_the_baseline_sets_aside_what_is_known(tmp_path: Path) -> None:
    """The two commands of the page, in order: after the first the second is green, and red again for what is new."""
    (tmp_path / "dist").mkdir()
    shutil.copy(BAD, tmp_path / "dist")
    write, compare = re.findall(r"^\$ wheel-audit (.*)$", recipe("ci.md", "console", "baseline"), re.MULTILINE)
    assert wheel_audit("dist/", folder=tmp_path).status == 1
    wheel_audit(*write.split(), folder=tmp_path)
    assert wheel_audit(*compare.split(), folder=tmp_path).status == 0
    shutil.copy(fixture("cp313-cp313-win_amd64", "bad"), tmp_path / "dist")
    done = wheel_audit(*compare.split(), folder=tmp_path)
    assert done.status == 1
    assert "error[extension-suffix-mismatch]" in done.output
    assert "error[glibc-newer-than-tag]" not in done.output
