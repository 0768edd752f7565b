"""Which environment markers can be true on a system."""

from __future__ import annotations

import pytest

from auditor.loading.markers import may_hold
from auditor.platforms.promise import System

HOLDS = {
    "": (True, True),
    'sys_platform == "win32"': (False, True),
    "sys_platform=='win32'": (False, True),
    "'win32' == sys_platform": (False, True),
    'sys_platform === "win32"': (False, True),
    'sys_platform != "win32"': (True, False),
    'os_name == "nt"': (False, True),
    'os.name == "nt"': (False, True),
    'platform_system == "Linux"': (True, False),
    'platform_system == "linux"': (False, False),
    'sys_platform in "linux darwin"': (True, False),
    'sys_platform not in "linux darwin"': (False, True),
    '"win" in sys_platform': (False, True),
    '"linux" not in sys_platform': (False, True),
    'sys_platform == "win32" and python_version < "3.12"': (False, True),
    'python_version < "3.12" and sys_platform == "win32"': (False, True),
    'sys_platform == "win32" or python_version < "3.12"': (True, True),
    'sys_platform == "win32" or os_name == "nt"': (False, True),
    'python_version > "3" and (sys_platform == "win32" or sys_platform == "darwin")': (False, True),
    '(sys_platform == "win32") and python_version > "3"': (False, True),
    'sys_platform == "linux" and platform_machine == "x86_64" or sys_platform == "win32"': (True, True),
    'platform_machine == "arm64"': (True, True),
    'sys_platform >= "a"': (True, True),
    'extra == "gpu"': (False, False),
    "extra == 'gpu' and sys_platform == 'linux'": (False, False),
    "extra == 'gpu' or sys_platform == 'linux'": (True, False),
    "extra != 'gpu'": (True, True),
    "'gpu' in extras": (False, False),
    "'a' == 'b'": (False, False),
    # -- no markers
    "sys_platform": (True, True),
    "sys_platform == ": (True, True),
    '(sys_platform == "win32"': (True, True),
    'sys_platform == "win32")': (True, True),
    'sys_platform == "win32': (True, True),
}


@pytest.mark.parametrize(("marker", "expected"), HOLDS.items())
def test_markers_on_two_systems(marker: str, expected: tuple[bool, bool]) -> None:
    """A marker is false only where the system makes it so whatever else is true; no marker rules nothing out."""
    assert (may_hold(marker, System.LINUX), may_hold(marker, System.WINDOWS)) == expected


@pytest.mark.parametrize("system", [None, System.WASM, System.OTHER])
def test_an_unknown_system_settles_nothing(system: System | None) -> None:
    """Where nothing is known of the system, only extras are ruled out."""
    assert may_hold('sys_platform == "win32"', system)
    assert may_hold('sys_platform != "win32"', system)
    assert not may_hold('extra == "gpu"', system)


@pytest.mark.parametrize("unit", ["(", ")", "a", " ", "not ", "a in", '"', "a == a and ", "(a == a)"])
def test_long_markers(unit: str) -> None:
    """Any text is an answer, and soon."""
    assert may_hold(unit * 20_000, System.LINUX) in {True, False}
