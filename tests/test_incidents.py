"""Releases that went wrong, rebuilt from their file names or their metadata: each is found.

The names are those of the projects' issues; the wheels are empty ones of the same tags. Where an issue shows no list of
files, the list is made from what it tells.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from auditor import audit_release
from tests.builders import WheelSpec, build_wheel, replace
from tests.rules.helpers import evidence

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from auditor.findings import ReleaseReport

Tags = tuple[str, ...]


def cp(platform: str, *minors: int) -> Tags:
    """The tags of one wheel a CPython on one platform."""
    return tuple(f"cp3{minor}-cp3{minor}-{platform}" for minor in minors)


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """A release, and what has to be said of it."""

    project: str
    version: str
    wheels: Tags
    before: Tags = ()
    """The tags of the wheels of the release before."""
    sdist: bool = True
    requires_python: str = ">=3.8"
    rule: str
    severity: str = "warning"
    words: str


LINUX, ARM = "manylinux_2_17_x86_64.manylinux2014_x86_64", "manylinux_2_17_aarch64.manylinux2014_aarch64"
MUSL, ARM_MUSL = "musllinux_1_2_x86_64", "musllinux_1_2_aarch64"
MAC, INTEL, WINDOWS = "macosx_11_0_arm64", "macosx_10_9_x86_64", "win_amd64"

INCIDENTS: dict[str, Incident] = {
    "autobahn-python 1848: an edit of the build matrix": Incident(
        project="autobahn",
        version="25.12.2",
        wheels=(
            *(one for platform in ("manylinux_2_34_x86_64", MAC, WINDOWS) for one in cp(platform, 11, 12, 13, 14)),
            *cp("manylinux_2_17_aarch64", 11, 13, 14),
        ),
        requires_python=">=3.11",
        rule="release-gap",
        words="`manylinux_aarch64` has no wheel for CPython 3.12,",
    ),
    "daqp 155: a job of its own that fell behind": Incident(
        project="daqp",
        version="0.8.7",
        wheels=(
            *(one for platform in (LINUX, MUSL, MAC, WINDOWS) for one in cp(platform, 11, 12, 13, 14)),
            *(one for platform in (ARM, ARM_MUSL) for one in cp(platform, 11, 12, 13)),
        ),
        rule="release-gap",
        words="`manylinux_aarch64`, `musllinux_aarch64` have no wheel for CPython 3.14,",
    ),
    "pyarrow 43289: the quota was reached half way": Incident(
        project="pyarrow",
        version="17.0.0",
        wheels=(
            *(one for platform in (LINUX, ARM, WINDOWS) for one in cp(platform, 10, 11, 12)),
            *(one for platform in (MAC, "macosx_10_15_x86_64") for one in cp(platform, 8, 10, 11, 12)),
        ),
        before=tuple(
            one
            for platform in (LINUX, ARM, WINDOWS, MAC, "macosx_10_15_x86_64")
            for one in cp(platform, 8, 9, 10, 11, 12)
        ),
        sdist=False,
        rule="release-floor-raised",
        words="`manylinux_x86_64`, `manylinux_aarch64`, `win_amd64` have no wheel for CPython 3.8 and 3.9, as `0` had",
    ),
    "python-snappy 106: one architecture was not uploaded": Incident(
        project="python-snappy",
        version="0.6.0",
        wheels=tuple(one for platform in ("manylinux2010_x86_64", INTEL, WINDOWS) for one in cp(platform, 8, 9)),
        before=(
            *(one for platform in ("manylinux2010_x86_64", INTEL, WINDOWS) for one in cp(platform, 8, 9)),
            *cp("manylinux2014_aarch64", 8, 9),
        ),
        rule="release-floor-raised",
        words="`manylinux_aarch64`, which `0` had wheels for, has none",
    ),
    "cmarkgfm 83: only one system was uploaded": Incident(
        project="cmarkgfm",
        version="2025.10.20",
        wheels=cp(MAC, 10, 11, 12, 13),
        before=tuple(one for platform in (LINUX, MUSL, MAC, INTEL, WINDOWS) for one in cp(platform, 10, 11, 12, 13)),
        rule="release-floor-raised",
        words="`macos_x86_64`, `win_amd64`, which `0` had wheels for, have none",
    ),
    "python-fcl 83: the runner changed its processor": Incident(
        project="python-fcl",
        version="0.7.0.7",
        wheels=tuple(one for platform in (LINUX, MAC, WINDOWS) for one in cp(platform, 10, 11, 12)),
        before=tuple(one for platform in (LINUX, MAC, INTEL, WINDOWS) for one in cp(platform, 10, 11, 12)),
        rule="release-floor-raised",
        words="`macos_x86_64`, which `0` had wheels for, has none",
    ),
    "fory 2527: ten of thirty": Incident(
        project="pyfory",
        version="0.12.1a3",
        wheels=(*cp(LINUX, 8, 9, 10, 11, 12, 13), *cp(MAC, 8, 13), *cp(WINDOWS, 8, 13)),
        rule="release-gap",
        words="`macos_arm64`, `win_amd64` have no wheel for CPython 3.9, 3.10, 3.11 and 3.12,",
    ),
    "arcticdb 3262: the Pythons of the release before": Incident(
        project="arcticdb",
        version="6.20.0",
        wheels=tuple(one for platform in (LINUX, MAC, WINDOWS) for one in cp(platform, 10, 11, 12)),
        before=tuple(one for platform in (LINUX, MAC, WINDOWS) for one in cp(platform, 9, 10, 11, 12, 13, 14)),
        sdist=False,
        requires_python=">=3.9",
        rule="release-floor-raised",
        words="have no wheel for CPython 3.9, 3.13 and 3.14, as `0` had",
    ),
    "arcticdb 3262: by its own metadata": Incident(
        project="arcticdb",
        version="6.20.0",
        wheels=tuple(one for platform in (LINUX, MAC, WINDOWS) for one in cp(platform, 10, 11, 12)),
        sdist=False,
        requires_python=">=3.9",
        rule="release-python-unserved",
        words="for CPython 3.9, which the metadata allows",
    ),
    "oso 1354: neither a wheel nor sources for the new Python": Incident(
        project="oso",
        version="0.22.1",
        wheels=tuple(one for platform in (LINUX, INTEL, WINDOWS) for one in cp(platform, 8, 9)),
        sdist=False,
        requires_python=">=3.8,<3.11",
        rule="release-python-unserved",
        words="for CPython 3.10, which the metadata allows",
    ),
    "time-machine 355: the wheels of one machine": Incident(
        project="time-machine",
        version="2.10.0",
        wheels=tuple(one for platform in (MAC, INTEL) for one in cp(platform, 8, 9, 10, 11)),
        before=tuple(one for platform in (MAC, INTEL, LINUX, ARM, MUSL, WINDOWS) for one in cp(platform, 8, 9, 10, 11)),
        rule="release-floor-raised",
        words="`manylinux_x86_64`, `manylinux_aarch64`, `musllinux_x86_64`, `win_amd64`, which `0` had wheels for",
    ),
}


def write(folder: Path, project: str, version: str, tag_sets: Sequence[str], requires_python: str) -> None:
    """The wheels of a release."""
    folder.mkdir()
    for tag_set in tag_sets:
        python, abi, platform = tag_set.split("-")
        spec = WheelSpec(
            name=project,
            version=version,
            python=python,
            abi=abi,
            platform=platform,
            headers={"Requires-Python": requires_python},
        )
        build_wheel(spec).write(folder)


@pytest.mark.parametrize("name", INCIDENTS)
def test_an_incomplete_release_is_found(name: str, tmp_path: Path) -> None:
    """The files that were missing are named."""
    incident = INCIDENTS[name]
    write(tmp_path / "now", incident.project, incident.version, incident.wheels, incident.requires_python)
    if incident.sdist:
        (tmp_path / "now" / f"{incident.project.replace('-', '_')}-{incident.version}.tar.gz").touch()
    previous = None
    if incident.before:
        previous = tmp_path / "before"
        write(previous, incident.project, "0", incident.before, incident.requires_python)
    report = audit_release([tmp_path / "now"], previous=previous)
    found = [one for one in report.findings if one.rule == incident.rule]
    assert any(incident.words in one.message and one.severity.value == incident.severity for one in found), [
        one.message for one in report.findings
    ]


def test_a_wheel_that_two_jobs_built_is_found(tmp_path: Path) -> None:
    """datafusion-ballista 1608: the job for Intel Macs ran on an arm64 one, and built the other job's file again."""
    write(tmp_path / "one", "ballista", "53.0", (f"cp310-abi3-{LINUX}", f"cp310-abi3-{MAC}"), ">=3.10")
    write(tmp_path / "two", "ballista", "53.0", (f"cp310-abi3-{ARM}",), ">=3.10")
    again = WheelSpec(
        name="ballista", version="53.0", python="cp310", abi="abi3", platform=MAC, description="another\n"
    )
    build_wheel(replace(again, headers={"Requires-Python": ">=3.10"})).write(tmp_path / "two")
    report = audit_release([tmp_path / "one", tmp_path / "two"])
    (finding,) = [one for one in report.findings if one.rule == "release-tag-duplicate"]
    assert finding.severity.value == "warning"
    assert finding.message.startswith("2 wheels serve the same tags: `ballista-53.0-cp310-abi3-macosx_11_0_arm64.whl`")


Headers = dict[str, "str | tuple[str, ...]"]
DISAGREEMENTS: dict[str, tuple[Mapping[str, Headers], str, str]] = {
    "nmslib 558, uv 7606: some wheels without markers": (
        {
            ARM: {
                "Requires-Dist": (
                    'numpy (<1.17,>=1.10.0) ; python_version == "2.7"',
                    'numpy (>=1.10.0) ; python_version >= "3.5"',
                )
            },
            INTEL: {"Requires-Dist": ("numpy (<1.17,>=1.10.0)", "numpy (>=1.10.0)")},
        },
        "Requires-Dist",
        "`numpy<1.17,>=1.10.0`",
    ),
    "pysam 154: one architecture without its dependencies": (
        {LINUX: {"Requires-Dist": ("pandas", "python-dotenv", "requests")}, ARM: {}},
        "Requires-Dist",
        "`pandas`, `python-dotenv`, `requests`",
    ),
    "openmm, uv 15876: an extra for one system": (
        {
            LINUX: {"Provides-Extra": ("cuda12",), "Requires-Dist": ('OpenMM-CUDA-12; extra == "cuda12"',)},
            INTEL: {},
        },
        "Provides-Extra",
        "`cuda12`",
    ),
    "torch, uv 10119: dependencies of one system": (
        {
            LINUX: {"Requires-Dist": ("filelock", 'nvidia-cudnn-cu12==9.5.1.17; platform_system == "Linux"')},
            MAC: {"Requires-Dist": ("filelock",)},
        },
        "Requires-Dist",
        "nvidia-cudnn-cu12==9.5.1.17",
    ),
    "a Python that one wheel allows and another does not": (
        {LINUX: {"Requires-Python": ">=3.8"}, WINDOWS: {"Requires-Python": ">=3.9"}},
        "Requires-Python",
        "`>=3.9`",
    ),
}


def mixed(folder: Path, by_platform: Mapping[str, Headers]) -> ReleaseReport:
    """The report on a wheel a platform, each with its own headers."""
    folder.mkdir()
    for platform, headers in by_platform.items():
        headers_of: dict[str, Any] = dict(headers)
        build_wheel(WheelSpec(python="cp39", abi="cp39", platform=platform, headers=headers_of)).write(folder)
    return audit_release([folder])


@pytest.mark.parametrize("name", DISAGREEMENTS)
def test_metadata_that_disagrees_is_found(name: str, tmp_path: Path) -> None:
    """The field in which the wheels of a release disagree is named, with what each states."""
    by_platform, field, words = DISAGREEMENTS[name]
    report = mixed(tmp_path / "wheels", by_platform)
    found = [one for one in report.findings if f"`{field}`" in one.message]
    assert [one.rule for one in found] == ["release-metadata-disagrees"]
    assert words in evidence(found[0])


def test_one_agreement_among_the_disagreements(tmp_path: Path) -> None:
    """What those releases should have stated, markers in all wheels, is no disagreement."""
    headers: Headers = {"Requires-Dist": ("filelock", 'nvidia-cudnn-cu12==9.5.1.17; platform_system == "Linux"')}
    report = mixed(tmp_path / "wheels", {LINUX: headers, MAC: headers, WINDOWS: headers})
    assert "release-metadata-disagrees" not in {one.rule for one in report.findings}


def test_a_wheel_that_its_own_metadata_excludes_is_found(tmp_path: Path) -> None:
    """pineappl 264: a wheel for CPython 3.6 that says `>=3.7` is told of that wheel, not of the set."""
    write(tmp_path / "wheels", "pineappl", "0.6.2", ("cp36-cp36m-win_amd64", "cp37-cp37m-win_amd64"), ">=3.7")
    report = audit_release([tmp_path / "wheels"])
    assert "requires-python-excludes-tag" in {one.rule for one in report.wheels[0].findings}
    assert "requires-python-excludes-tag" not in {one.rule for one in report.wheels[1].findings}
