"""What the loader tests share: where the loaders are, wheels with one module, and what an import answered."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from auditor import Severity, audit
from tests.builders import WheelSpec, build_wheel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.builders import BuiltWheel

VARIABLE = "WHEEL_AUDIT_LOADERS"
SOURCES = Path(__file__).parent / "c"
WHEELS = Path(__file__).parents[1] / "wheels"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a real import did."""

    loaded: bool
    output: str
    """Standard output and standard error."""


def loader_folder(part: str, command: str) -> Path:
    """The folder of one loader. Without it a test is skipped and says how to get it; in CI it fails."""
    named = os.environ.get(VARIABLE)
    place = Path(named) / part if named else None
    if place is not None and place.exists():
        return place.resolve()
    reason = f"{VARIABLE} names no folder with {part}: {command}"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def module_wheel(tags: str, member: str, content: bytes, files: Mapping[str, bytes]) -> BuiltWheel:
    """A wheel of the package `demo` with one module and further files."""
    python, abi, platform = tags.split("-")
    members = {"demo/__init__.py": b'"""A demo."""\n', **files, member: content}
    return build_wheel(WheelSpec(python=python, abi=abi, platform=platform, members=members))


def errors(wheel: BuiltWheel) -> set[str]:
    """The rules by which the audit predicts that the wheel does not work."""
    report = audit(wheel.data, filename=wheel.filename)
    assert not report.broken, report.not_judged
    return {one.rule for one in report.findings if one.severity is Severity.ERROR}


def compile_c(compiler: str, source: str, output: Path, *options: str) -> bytes:
    """Compile one C file of this package into a shared library, and give its bytes."""
    command = [compiler, "-O1", "-shared", "-o", str(output), str(SOURCES / source), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
    return output.read_bytes()
