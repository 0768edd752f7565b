"""The matrix that a project means to serve, stated by hand, and what of it a release lacks.

    {"cp312": ["manylinux_x86_64", "macos_arm64", "win_amd64"], "cp313t": ["manylinux_2_28_x86_64"]}

An interpreter is `cp312`, `cp313t`, `pp311`, `pp311-pp80` or `graalpy312`; `pp311` is the PyPy with the ABI
`pypy311_pp73`, any other ABI is named. A platform is a column of the matrix: `manylinux_x86_64`,
`musllinux_aarch64`, `macos_arm64`, `win_amd64`, `win32`, `win_arm64`, `ios_arm64_iphoneos`, `android_arm64_v8a`; or a
whole platform tag (`manylinux_2_28_x86_64`, `macosx_11_0_arm64`), which is served if a system of that version is.
"""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

from auditor.errors import UsageError
from auditor.facts.record import Fact
from auditor.platforms.promise import Implementation, System, parse_abi, parse_platform
from auditor.platforms.serving import ANYWHERE, build_matrix
from auditor.platforms.targets import (
    MAX_NUMBER,
    USUAL_MACHINES,
    Machine,
    Target,
    cpython_target,
    machines,
    pypy_target,
    targets,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from auditor.facts.release import ReleaseFacts
    from auditor.findings import Matrix

_PYPY = re.compile(r"pp(\d)(\d{1,3})(?:-(pp\d{1,4}))?", re.ASCII)
_GRAALPY = re.compile(r"graalpy(\d)(\d{1,3})", re.ASCII)
_LINUX = re.compile(r"(many|musl)linux_([a-z]\w*)", re.ASCII)
_MOBILE = re.compile(r"(ios|android)_([a-z]\w*)", re.ASCII)
_APPLE = re.compile(r"ios_(arm64|x86_64)_(iphoneos|iphonesimulator)", re.ASCII)
_KNOWN = tuple(one.name for one in USUAL_MACHINES)
_INTERPRETERS = tuple(one.name for one in targets(()))


class UnknownTargetError(UsageError):
    """An expected matrix names an interpreter or a platform that there is not."""

    def __init__(self, what: str, name: str, known: Sequence[str]) -> None:
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
        hint = f"; did you mean `{near[0]}`?" if near else ""
        super().__init__(f"the expected matrix names the {what} `{name}`, which is none{hint}")
        self.name = name
        self.suggestion = near[0] if near else None


class Missing(Fact, frozen=True, kw_only=True):
    """One place of the expected matrix that no wheel serves."""

    interpreter: str
    platform: str
    """As the expected matrix has it."""
    floor: tuple[int, int] | None = None
    """Where wheels begin at a newer system than the expected one: that version."""


def parse_interpreter(name: str) -> Target:
    """The interpreter of that name. Raises `UnknownTargetError`."""
    abi = parse_abi(name)
    if (
        abi.version is not None
        and max(abi.version) <= MAX_NUMBER
        and abi.tag.startswith("cp")
        and abi.flags in {"", "t", "m", "mu"}
    ):
        return cpython_target(abi.version, abi.flags)
    if (match := _PYPY.fullmatch(name)) and int(match[2]) <= MAX_NUMBER:
        return pypy_target((int(match[1]), int(match[2])), *([match[3]] if match[3] else []))
    if (match := _GRAALPY.fullmatch(name)) and int(match[2]) <= MAX_NUMBER:
        version = (int(match[1]), int(match[2]))
        return Target(name=name, implementation=Implementation.GRAALPY, version=version, abi=f"{name}_unknown")
    raise UnknownTargetError("interpreter", name, _INTERPRETERS)


def parse_machine(name: str) -> tuple[tuple[Machine, ...], tuple[int, int] | None]:
    """The kinds of machine of that name, and the version where it names one. Raises `UnknownTargetError`."""
    if name == ANYWHERE.name:
        return (), None
    usual = next((one for one in USUAL_MACHINES if one.name == name), None)
    if usual is not None:
        return (usual,), None
    if match := _LINUX.fullmatch(name):
        return machines(parse_platform(f"{match[1]}linux_1_1_{match[2]}")), None
    if _APPLE.fullmatch(name):
        return machines(parse_platform(name.replace("ios_", "ios_13_0_", 1))), None
    if match := _MOBILE.fullmatch(name):
        promise = parse_platform(f"android_24_{match[2]}")
        if promise.system is System.ANDROID:
            return machines(promise), None
    promise = parse_platform(name)
    if promise.system in {System.OTHER, System.ANY}:
        raise UnknownTargetError("platform", name, _KNOWN)
    return machines(promise), promise.version


def compare(release: ReleaseFacts, expected: Mapping[str, Sequence[str]]) -> tuple[Missing, ...]:
    """What of the expected matrix no wheel serves, in the order in which it is stated.

    Raises `UnknownTargetError` for a name that is no interpreter or no platform.
    """
    rows = {name: parse_interpreter(name) for name in expected}
    parsed = {name: parse_machine(name) for names in expected.values() for name in names}
    matrix = build_matrix(
        release, extra=rows.values(), machines_too=[one for found, _ in parsed.values() for one in found]
    )
    missing = []
    for interpreter, names in expected.items():
        for name in names:
            found, version = parsed[name]
            for column in [machine.name for machine in found] or [ANYWHERE.name]:
                one = _missing(matrix, rows[interpreter].name, column, version)
                if one is not None:
                    missing.append(Missing(interpreter=interpreter, platform=name, floor=one[1]))
                    break
    return tuple(missing)


def _missing(
    matrix: Matrix, interpreter: str, column: str, version: tuple[int, int] | None
) -> tuple[str, tuple[int, int] | None] | None:
    """The column and the floor that it has in place of the expected one; None where all is as expected."""
    if column == ANYWHERE.name and matrix.columns != (ANYWHERE,):
        # Whoever expects `any` expects a wheel for whatever machine: every column is then served.
        cells = [matrix.cell(interpreter, one.name) for one in matrix.columns]
        served = all(cell is not None and cell.wheel is not None for cell in cells)
        return None if served else (column, None)
    cell = matrix.cell(interpreter, column)
    if cell is None or cell.wheel is None:
        return column, None
    if version is not None and cell.floor is not None and cell.floor > version and not _falls_back(cell.older):
        return column, cell.floor
    return None


def _falls_back(older: tuple[str, ...]) -> bool:
    """Whether a wheel for whatever machine serves the systems below the floor."""
    return any(name.endswith("-any.whl") for name in older)


def check_expected(expected: Mapping[str, Sequence[str]]) -> None:
    """Raise `UnknownTargetError` for the first name that is no interpreter or no platform."""
    for interpreter, names in expected.items():
        parse_interpreter(interpreter)
        for name in names:
            parse_machine(name)
