"""The rules on who is served by a release: tables of clean releases and of spoiled ones, from the files on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.rules.release_helpers import (
    ARM_LINUX,
    ARM_WINDOWS,
    INTEL_MAC,
    LINUX,
    MAC,
    MUSL,
    NEWER,
    USUAL,
    WINDOWS,
    Release,
    everywhere,
    only,
    pythons,
    said,
    tagged,
    without,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.builders import WheelSpec


PHONE, SIMULATOR = "ios_13_0_arm64_iphoneos", "ios_13_0_arm64_iphonesimulator"
PURE = tagged("py3-none-any")
PURE_NAME = "demo-1.0-py3-none-any.whl"

CLEAN: dict[str, Release] = {
    "a wheel a Python on every platform": Release(wheels=everywhere(*NEWER)),
    "one pure wheel": Release(wheels=[tagged("py3-none-any")]),
    "one stable wheel a platform": Release(wheels=[tagged(f"cp39-abi3-{one}") for one in USUAL]),
    "a stable wheel for old Pythons and one for new": Release(
        wheels=[tagged(f"cp{one}-abi3-{platform}") for platform in USUAL for one in ("38", "312")]
    ),
    "a universal wheel serves both Macs": Release(
        wheels=[*everywhere("cp312", platforms=(LINUX, WINDOWS)), tagged("cp312-cp312-macosx_10_13_universal2")]
    ),
    "a pure wheel beside the same Pythons everywhere": Release(wheels=[*everywhere("cp313", "cp314"), PURE]),
    "a pure wheel for Pythons that have no other": Release(wheels=[*everywhere("cp314"), PURE]),
    "free-threaded builds everywhere": Release(wheels=everywhere("cp313", "cp314", "cp313t", "cp314t")),
    "no free-threaded builds and no PyPy": Release(wheels=everywhere("cp313", "cp314")),
    "PyPy where there is a PyPy": Release(
        wheels=[
            *everywhere("cp311", platforms=(LINUX, MUSL, WINDOWS)),
            *(tagged(f"pp311-pypy311_pp73-{one}") for one in (LINUX, WINDOWS)),
        ]
    ),
    "Windows on ARM begins with 3.11": Release(
        wheels=[*pythons(WINDOWS, "cp310", "cp311", "cp312"), *pythons(ARM_WINDOWS, "cp311", "cp312")]
    ),
    "programs without Python": Release(wheels=[tagged(f"py3-none-{one}") for one in USUAL]),
    "phones have one Python": Release(wheels=[*everywhere("cp312", "cp313", "cp314"), *pythons(PHONE, "cp313")]),
    "phones end with an older Python": Release(
        wheels=[*everywhere("cp313", "cp314", "cp315"), *pythons(PHONE, "cp313", "cp314")]
    ),
    "phones begin with 3.13": Release(wheels=[*everywhere(*NEWER), *pythons(PHONE, "cp313", "cp314", "cp315")]),
    "phones have neither free-threaded builds nor PyPy": Release(
        wheels=[
            *everywhere("cp313", "cp314", "cp314t", platforms=(LINUX, WINDOWS)),
            *(tagged(f"pp311-pypy311_pp73-{one}") for one in (LINUX, WINDOWS)),
            *pythons(PHONE, "cp313", "cp314"),
        ]
    ),
    "Requires-Python leaves one out": Release(
        wheels=[
            one
            for platform in (LINUX, WINDOWS)
            for one in pythons(platform, "cp312", "cp314", headers={"Requires-Python": ">=3.12,!=3.13.*"})
        ]
    ),
    "one phone has a Python that no other platform has": Release(
        wheels=[*everywhere("cp312", "cp314"), *pythons(PHONE, "cp313")]
    ),
    "Requires-Python excludes what is missing": Release(
        wheels=[
            *pythons(LINUX, "cp311", "cp312", headers={"Requires-Python": ">=3.11,<3.13"}),
            *pythons(WINDOWS, "cp311", "cp312", headers={"Requires-Python": ">=3.11,<3.13"}),
        ],
        sdists=(),
    ),
    "Pythons before 3.8 are not compared": Release(
        wheels=[tagged(f"cp36-cp36m-{LINUX}"), tagged(f"cp37-cp37m-{LINUX}"), tagged(f"cp36-cp36m-{WINDOWS}")]
    ),
    "a build of several glibc": Release(wheels=[*pythons(LINUX, "cp312"), *pythons("manylinux_2_28_x86_64", "cp312")]),
}
"""Releases of which nothing is said but, where there is none, of the source distribution."""


@pytest.mark.parametrize("name", CLEAN)
def test_a_good_release_is_left_alone(name: str, tmp_path: Path) -> None:
    """Nothing is said of a release that serves what it names."""
    report = CLEAN[name].audit(tmp_path)
    assert said(report, but=("release-sdist-missing",)) == []


GAPS: dict[str, tuple[Release, str, tuple[str, ...]]] = {
    "a Python in the middle": (
        Release(wheels=without(everywhere(*NEWER), f"cp312-cp312-{ARM_LINUX}")),
        "warning",
        ("`manylinux_aarch64` has no wheel for CPython 3.12,",),
    ),
    "the newest Python on one platform": (
        Release(wheels=without(everywhere(*NEWER), f"cp315-cp315-{WINDOWS}")),
        "warning",
        ("`win_amd64` has no wheel for CPython 3.15,",),
    ),
    "the newest Python on one platform alone": (
        Release(wheels=[*everywhere("cp313", "cp314"), *pythons(LINUX, "cp315")]),
        "warning",
        ("CPython 3.15, as `manylinux_x86_64` has", "and 1 more have no wheel"),
    ),
    "two platforms lack the same": (
        Release(wheels=without(everywhere(*NEWER), f"cp314-cp314-{MAC}", f"cp314-cp314-{INTEL_MAC}")),
        "warning",
        ("`macos_arm64`, `macos_x86_64` have no wheel for CPython 3.14,",),
    ),
    "a free-threaded build in the middle": (
        Release(
            wheels=without(everywhere("cp313", "cp314", "cp315", "cp313t", "cp314t", "cp315t"), f"cp314-cp314t-{MUSL}")
        ),
        "warning",
        ("`musllinux_x86_64` has no wheel for CPython 3.14t,",),
    ),
    "only the free-threaded build": (
        Release(wheels=[*everywhere("cp314", "cp314t", platforms=(LINUX, WINDOWS)), *pythons(MAC, "cp314t")]),
        "warning",
        ("`macos_arm64` has no wheel for CPython 3.14,",),
    ),
    "a stable wheel that begins too late in the middle": (
        Release(wheels=[tagged(f"cp39-abi3-{LINUX}"), *pythons(WINDOWS, "cp39"), tagged(f"cp312-abi3-{WINDOWS}")]),
        "warning",
        ("`win_amd64` has no wheel for CPython 3.10 and 3.11,",),
    ),
    "a platform that begins later": (
        Release(wheels=without(everywhere(*NEWER), f"cp310-cp310-{ARM_LINUX}", f"cp311-cp311-{ARM_LINUX}")),
        "info",
        ("`manylinux_aarch64` has no wheel for CPython 3.10 and 3.11,",),
    ),
    "no free-threaded build on one platform": (
        Release(wheels=[*everywhere("cp314"), *pythons(LINUX, "cp314t"), *pythons(WINDOWS, "cp314t")]),
        "info",
        ("CPython 3.14t",),
    ),
    "the newest Python on a 32-bit machine": (
        Release(wheels=[*everywhere("cp312", "cp313", "cp314"), *pythons("win32", "cp312", "cp313")]),
        "info",
        ("`win32` has no wheel for CPython 3.14,",),
    ),
    "a Python in the middle of a 32-bit machine": (
        Release(wheels=[*everywhere("cp312", "cp313", "cp314"), *pythons("win32", "cp312", "cp314")]),
        "warning",
        ("`win32` has no wheel for CPython 3.13,",),
    ),
    "a Python in the middle of a phone": (
        Release(wheels=[*everywhere("cp313", "cp314", "cp315"), *pythons(PHONE, "cp313", "cp315")]),
        "warning",
        ("`ios_arm64_iphoneos` has no wheel for CPython 3.14,",),
    ),
    "the newest Python on one of two phones": (
        Release(
            wheels=[
                *everywhere("cp313", "cp314", "cp315"),
                *pythons(PHONE, "cp313", "cp314"),
                *pythons(SIMULATOR, "cp313", "cp314", "cp315"),
            ]
        ),
        "warning",
        ("`ios_arm64_iphoneos` has no wheel for CPython 3.15,",),
    ),
    "PyPy on one platform": (
        Release(wheels=[*everywhere("cp311", platforms=(LINUX, WINDOWS)), tagged(f"pp311-pypy311_pp73-{LINUX}")]),
        "info",
        ("`win_amd64` has no wheel for PyPy 3.11, as `manylinux_x86_64` has",),
    ),
}
"""Releases with one gap; the severity; words of the message."""


@pytest.mark.parametrize("name", GAPS)
def test_a_gap_is_told_once(name: str, tmp_path: Path) -> None:
    """A Python that one platform has and another lacks is one finding that names both."""
    release, severity, words = GAPS[name]
    finding = only(release.audit(tmp_path), "release-gap")
    assert finding.severity.value == severity
    assert all(one in finding.message for one in words), finding.message
    assert finding.evidence
    assert all(": none; on `" in one.text for one in finding.evidence)


FALLBACKS: dict[str, tuple[Release, str, str]] = {
    "a Python in the middle": (
        Release(wheels=[*without(everywhere(*NEWER), f"cp312-cp312-{WINDOWS}"), PURE]),
        "warning",
        "`win_amd64` has no wheel of its own for CPython 3.12, as ",
    ),
    "the newest Python on two platforms": (
        Release(
            wheels=[*without(everywhere("cp313", "cp314"), f"cp314-cp314-{MAC}", f"cp314-cp314-{INTEL_MAC}"), PURE]
        ),
        "warning",
        "`macos_arm64`, `macos_x86_64` have no wheel of their own for CPython 3.14, as ",
    ),
    "a platform that begins later": (
        Release(wheels=[*without(everywhere("cp313", "cp314"), f"cp313-cp313-{WINDOWS}"), PURE]),
        "info",
        "`win_amd64` has no wheel of its own for CPython 3.13, as ",
    ),
    "a platform that has free-threaded builds alone": (
        Release(wheels=[*everywhere("cp314", "cp314t", platforms=(LINUX, WINDOWS)), *pythons(MAC, "cp314t"), PURE]),
        "info",
        "`macos_arm64` has no wheel of its own for CPython 3.14, as ",
    ),
    "a Python that no platform has": (
        Release(wheels=[*everywhere("cp312", "cp314"), PURE], sdists=()),
        "warning",
        "no platform has a wheel of its own for CPython 3.13, though there are some for CPython 3.12 and 3.14: ",
    ),
}
"""Releases with a pure wheel that closes a gap; the severity; how the message begins."""


@pytest.mark.parametrize("name", FALLBACKS)
def test_a_pure_wheel_closes_no_gap(name: str, tmp_path: Path) -> None:
    """Where others have a native wheel, the pure one is named as what users fall back to."""
    release, severity, words = FALLBACKS[name]
    (finding,) = [one for one in release.audit(tmp_path).findings if one.rule != "release-sdist-missing"]
    assert (finding.rule, finding.severity.value) == ("release-gap", severity)
    assert finding.message.startswith(words), finding.message
    assert finding.message.endswith(f"installers fall back to the pure wheel `{PURE_NAME}`")


def test_the_evidence_of_a_fallback_names_both_wheels(tmp_path: Path) -> None:
    """What is taken on the platform stands beside what another platform has."""
    wheels = [*pythons(LINUX, "cp313", "cp314"), *pythons(WINDOWS, "cp313"), PURE]
    (evidence,) = only(Release(wheels=wheels).audit(tmp_path), "release-gap").evidence
    assert evidence.text == (
        f"CPython 3.14 on `win_amd64`: only `{PURE_NAME}`; on `manylinux_x86_64`: `demo-1.0-cp314-cp314-{LINUX}.whl`"
    )


NOWHERE: dict[str, tuple[list[WheelSpec], str]] = {
    "one": (everywhere("cp312", "cp314"), "CPython 3.13, though there are some for CPython 3.12 and 3.14"),
    "two": (everywhere("cp311", "cp314"), "CPython 3.12 and 3.13, though there are some for CPython 3.11 and 3.14"),
    "on the only platform": (
        pythons(LINUX, "cp312", "cp314"),
        "CPython 3.13, though there are some for CPython 3.12 and 3.14",
    ),
    "beside free-threaded builds": (
        everywhere("cp313", "cp313t", "cp314t", "cp315", "cp315t"),
        "CPython 3.14, though there are some for CPython 3.13 and 3.15",
    ),
    "where nothing is promised": (
        pythons(LINUX, "cp312", "cp314", headers={"Requires-Python": None}),
        "CPython 3.13, though there are some for CPython 3.12 and 3.14",
    ),
}
"""Releases that leave CPythons between others to the source distribution; words of the message."""


@pytest.mark.parametrize("name", NOWHERE)
def test_a_python_that_no_platform_has_is_told(name: str, tmp_path: Path) -> None:
    """A CPython between two that are served is missed, although it is missing everywhere."""
    wheels, words = NOWHERE[name]
    finding = only(Release(wheels=wheels).audit(tmp_path), "release-gap")
    assert finding.severity.value == "warning"
    assert finding.message == f"no platform has a wheel for {words}"
    assert [one.text.partition(":")[0] for one in finding.evidence] == re.findall(
        r"\bCPython [\d.]+", f"{words.partition('for ')[2].replace(' and', ', CPython')}"
    )


def test_only_platforms_that_have_all_of_it_are_held_up(tmp_path: Path) -> None:
    """Where no platform has all that another lacks, none is named as having it."""
    wheels = [
        *pythons(WINDOWS, "cp311", "cp314"),
        *pythons(LINUX, "cp311", "cp312", "cp314"),
        *pythons(MAC, "cp311", "cp313", "cp314"),
    ]
    report = Release(wheels=wheels).audit(tmp_path)
    assert [one.message for one in report.findings] == [
        "`macos_arm64` has no wheel for CPython 3.12, as `manylinux_x86_64` has",
        "`manylinux_x86_64` has no wheel for CPython 3.13, as `macos_arm64` has",
        "`win_amd64` has no wheel for CPython 3.12 and 3.13, as others have",
    ]
    more = Release(wheels=[*wheels, *pythons(MUSL, "cp311", "cp312", "cp313", "cp314")])
    (tmp_path / "more").mkdir()
    messages = [one.message for one in more.audit(tmp_path / "more").findings]
    assert "`win_amd64` has no wheel for CPython 3.12 and 3.13, as `musllinux_x86_64` has" in messages


EXPECTED_SERVED: dict[str, tuple[list[WheelSpec], dict[str, list[str]]]] = {
    "all of it": (everywhere("cp312"), {"cp312": ["manylinux_x86_64", "macos_arm64", "win_amd64"]}),
    "by the stable ABI": (
        [tagged(f"cp39-abi3-{one}") for one in USUAL],
        {"cp39": ["win_amd64"], "cp315": ["musllinux_x86_64"]},
    ),
    "a gap that is meant": ([*everywhere("cp312"), *pythons(LINUX, "cp313")], {"cp312": ["macos_x86_64"]}),
    "a floor": (pythons(LINUX, "cp312"), {"cp312": ["manylinux_2_28_x86_64", "manylinux_2_17_x86_64"]}),
    "a fallback below the floor": (
        [*pythons("manylinux_2_28_x86_64", "cp312"), tagged("py3-none-any")],
        {"cp312": ["manylinux_2_17_x86_64"]},
    ),
    "any": ([tagged("py3-none-any")], {"cp312": ["any"], "pp311": ["win_arm64", "ios_arm64_iphoneos"]}),
    "any beside platforms": ([*pythons(LINUX, "cp312"), tagged("py3-none-any")], {"cp312": ["any"]}),
    "an old Python": (
        [tagged(f"cp36-abi3-{one}", headers={"Requires-Python": ">=3.6"}) for one in (LINUX, WINDOWS)],
        {"cp36m": ["manylinux_x86_64"], "cp37m": ["win_amd64"]},
    ),
}
EXPECTED_MISSING: dict[str, tuple[list[WheelSpec], dict[str, list[str]], str]] = {
    "a platform without a wheel": (
        everywhere("cp312", platforms=(LINUX, WINDOWS)),
        {"cp312": ["manylinux_x86_64", "macos_arm64"]},
        "cp312 on macos_arm64",
    ),
    "a Python without a wheel": (everywhere("cp312"), {"cp313": ["win_amd64"]}, "cp313 on win_amd64"),
    "a platform that nobody builds for": (
        everywhere("cp312"),
        {"cp312": ["manylinux_s390x"]},
        "cp312 on manylinux_s390x",
    ),
    "a floor that is too high": (
        pythons("manylinux_2_28_x86_64", "cp312"),
        {"cp312": ["manylinux_2_17_x86_64"]},
        "cp312 on manylinux_2_17_x86_64",
    ),
    "any, and one platform lacks it": (everywhere("cp312"), {"cp312": ["any"]}, "cp312 on any"),
    "a phone": (everywhere("cp313"), {"cp313": ["android_arm64_v8a"]}, "cp313 on android_arm64_v8a"),
}


@pytest.mark.parametrize("name", EXPECTED_SERVED)
def test_an_expected_matrix_that_is_served_is_left_alone(name: str, tmp_path: Path) -> None:
    """Where the project states its matrix, nothing else is missed."""
    wheels, expected = EXPECTED_SERVED[name]
    assert said(Release(wheels=wheels, expected=expected).audit(tmp_path)) == []


@pytest.mark.parametrize("name", EXPECTED_MISSING)
def test_what_is_missing_of_an_expected_matrix_is_told(name: str, tmp_path: Path) -> None:
    """Every place of the stated matrix that no wheel serves is named."""
    wheels, expected, place = EXPECTED_MISSING[name]
    finding = only(Release(wheels=wheels, expected=expected).audit(tmp_path), "release-gap")
    assert f"1 place of the expected matrix without a wheel: `{place}`" in finding.message
    assert len(finding.evidence) == 1
