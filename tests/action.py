"""Run the shell steps of action.yml as GitHub's runner does: bash, inputs as variables, files in place of GitHub."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import yaml

from tests.cli.command import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ACTION: Final[dict[str, Any]] = yaml.safe_load((REPOSITORY / "action.yml").read_text(encoding="utf-8"))
STEPS: Final[list[dict[str, Any]]] = ACTION["runs"]["steps"]
TIMEOUT: Final = 300
_EXPRESSION: Final = re.compile(r"\$\{\{\s*(\S+)\s*\}\}")
_KEPT: Final = ("PATH", "HOME", "TMPDIR", "PIP_INDEX_URL", "PIP_CONFIG_FILE", "SSL_CERT_FILE")


def step(name: str) -> dict[str, Any]:
    """The step of a name."""
    (found,) = (one for one in STEPS if one.get("name") == name)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """A machine that runs steps: its folders, and the inputs that the user gave."""

    workspace: Path
    temporary: Path
    inputs: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    """Further variables of the environment."""

    @property
    def summary(self) -> str:
        """What the steps wrote below the run."""
        path = self.temporary / "summary"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    @property
    def outputs(self) -> dict[str, str]:
        """The outputs of the steps."""
        path = self.temporary / "output"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return dict(line.split("=", 1) for line in lines)

    def given(self, expression: str) -> str:
        """What `inputs.NAME` stands for: what the user gave, or the default."""
        name = expression.removeprefix("inputs.")
        assert name in ACTION["inputs"], expression
        return self.inputs.get(name, ACTION["inputs"][name]["default"])

    def run(self, name: str) -> subprocess.CompletedProcess[str]:
        """Run a step, with the shell and the options that GitHub documents for `shell: bash`."""
        chosen = step(name)
        assert "${{" not in chosen["run"], "an expression in a script is run as part of it"
        given = {
            key: _EXPRESSION.sub(lambda match: self.given(match[1]), value)
            for key, value in chosen.get("env", {}).items()
        }
        self.temporary.mkdir(parents=True, exist_ok=True)
        script = self.temporary / "step.sh"
        script.write_text(chosen["run"], encoding="utf-8")
        environment = {
            **{key: os.environ[key] for key in _KEPT if key in os.environ},
            "RUNNER_TEMP": str(self.temporary),
            "GITHUB_ACTION_PATH": str(REPOSITORY),
            "GITHUB_OUTPUT": str(self.temporary / "output"),
            "GITHUB_STEP_SUMMARY": str(self.temporary / "summary"),
            "GITHUB_ACTIONS": "true",
            "CI": "true",
            **self.variables,
            **given,
        }
        assert chosen["shell"] == "bash"
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
            cwd=self.workspace,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
