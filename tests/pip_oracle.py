"""Ask pip itself which wheel of a folder it would choose for an interpreter on a machine."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from auditor.platforms.promise import Implementation, System
from auditor.platforms.targets import platform_tags

if TYPE_CHECKING:
    from pathlib import Path

    from auditor.platforms.targets import Machine, Target

_IMPLEMENTATIONS = {Implementation.CPYTHON: "cp", Implementation.PYPY: "pp"}


def pips_choice(
    folder: Path, requirement: str, target: Target, machine: Machine, version: tuple[int, int] | None, scratch: Path
) -> str | None:
    """The file name of the wheel that `pip download` brings for that target; None where it finds none.

    On macOS and for iOS pip makes the older platforms itself; on Linux it takes those that it is given.
    """
    given = list(platform_tags(machine, version))
    if machine.system in {System.MACOS, System.IOS}:
        assert version is not None
        prefix = "macosx" if machine.system is System.MACOS else "ios"
        given = [f"{prefix}_{version[0]}_{version[1]}_{machine.arch}"]
    command = [sys.executable, "-m", "pip", "--isolated", "--disable-pip-version-check", "--no-cache-dir", "download"]
    command += ["--quiet", "--no-deps", "--no-index", "--find-links", str(folder), "--only-binary=:all:"]
    command += ["--python-version", f"{target.version[0]}{target.version[1]}", "--abi", target.abi]
    command += ["--implementation", _IMPLEMENTATIONS[target.implementation], "--dest", str(scratch)]
    for platform in given:
        command += ["--platform", platform]
    environment = {"PATH": os.environ.get("PATH", ""), "PYTHONWARNINGS": "ignore"}
    done = subprocess.run([*command, requirement], env=environment, capture_output=True, check=False, timeout=120)
    found = sorted(one.name for one in scratch.iterdir())
    for one in scratch.iterdir():
        one.unlink()
    if done.returncode == 0:
        (name,) = found
        return name
    message = done.stderr.decode()
    assert "No matching distribution found" in message or "requires a different Python" in message, message
    return None
