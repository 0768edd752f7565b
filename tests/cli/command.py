"""Run `wheel-audit` in a process of its own, in an environment that says nothing of the machine."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

REPOSITORY: Final = Path(__file__).resolve().parents[2]
WHEELS: Final = REPOSITORY / "tests" / "wheels"
TIMEOUT: Final = 60
"""Seconds after which a command counts as hanging."""
_KEPT: Final = ("PATH", "HOME", "TMPDIR", "SYSTEMROOT", "TEMP", "TMP", "USERPROFILE", "VIRTUAL_ENV")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a command said, and its exit status."""

    status: int
    raw: bytes
    output: str
    errors: str


def environment(changes: Mapping[str, str] | None = None) -> dict[str, str]:
    """The variables of a command: no NO_COLOR, FORCE_COLOR, CI, TERM or COLUMNS unless a test sets it."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {**kept, "PYTHONPATH": str(REPOSITORY), "PYTHONIOENCODING": "utf-8", **(changes or {})}


def command_line(*arguments: str | bytes | Path) -> list[str | bytes | Path]:
    """The command with its arguments."""
    return [sys.executable, "-m", "auditor", *arguments]


def wheel_audit(
    *arguments: str | bytes | Path, variables: Mapping[str, str] | None = None, folder: Path | None = None
) -> Outcome:
    """Run the command to its end, and hold it to the promise that no input prints a traceback."""
    done = subprocess.run(
        command_line(*arguments),
        env=environment(variables),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=TIMEOUT,
        check=False,
    )
    errors = done.stderr.decode("utf-8", "backslashreplace")
    assert "Traceback" not in errors, errors
    return Outcome(
        status=done.returncode,
        raw=done.stdout,
        output=done.stdout.decode("utf-8", "backslashreplace"),
        errors=errors,
    )


def fixture(part: str, folder: str = "good") -> Path:
    """The one built wheel whose file name holds `-{part}.whl` at its end."""
    (found,) = (WHEELS / folder).glob(f"*-{part}.whl")
    return found
