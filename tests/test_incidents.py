"""Releases that went wrong, rebuilt from their file names or their metadata: each is found.

The names are those of the projects' issues; the wheels are empty ones of the same tags.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from auditor import audit_release
from tests.builders import WheelSpec, build_wheel, replace
from tests.incidents import ARM, INCIDENTS, INTEL, LINUX, MAC, WINDOWS, cp
from tests.rules.helpers import evidence

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from auditor.findings import ReleaseReport


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
    report = audit_release([tmp_path / "now"], previous=previous, expected=incident.expected)
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
    "pip 13608: which wheel is seen first decides what is installed": (
        {LINUX: {"Requires-Dist": ("a==2",)}, WINDOWS: {"Requires-Dist": ("a==1",)}},
        "Requires-Dist",
        "`a==2`",
    ),
    "tensorflow-cpu, uv 12588: a dependency that one system's wheels name": (
        {
            LINUX: {"Requires-Dist": ("numpy", 'tensorflow-intel==2.19.0; platform_system == "Windows"')},
            WINDOWS: {"Requires-Dist": ("numpy",)},
        },
        "Requires-Dist",
        "tensorflow-intel==2.19.0",
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


def test_wheels_of_another_version_are_found(tmp_path: Path) -> None:
    """pymatgen-core 104: a wheel was built before the version was raised, the others under the old one as well."""
    write(tmp_path / "wheels", "pymatgen-core", "2026.7.16", cp(LINUX, 11, 12, 13), ">=3.11")
    build_wheel(WheelSpec(name="pymatgen-core", version="2026.7.24", python="cp311", abi="cp311", platform=MAC)).write(
        tmp_path / "wheels"
    )
    report = audit_release([tmp_path / "wheels"])
    (finding,) = [one for one in report.findings if one.rule == "release-version-mixed"]
    assert "`2026.7.16`" in finding.message
    assert "`2026.7.24`" in finding.message


def test_a_version_that_pip_discards_is_found(tmp_path: Path) -> None:
    """pip 9186: a nightly build whose file name has another local version than its metadata is told of that wheel."""
    stated = WheelSpec(
        name="numpy",
        version="1.21.0.dev0+20201129040310.d0a457f",
        python="cp39",
        abi="cp39",
        platform="manylinux2010_x86_64",
        headers={"Version": "1.21.0.dev0+d0a457f"},
    )
    build_wheel(stated).write(tmp_path)
    report = audit_release([tmp_path])
    (finding,) = [one for one in report.wheels[0].findings if one.rule == "version-mismatch"]
    assert finding.severity.value == "error"


def test_a_wheel_that_its_own_metadata_excludes_is_found(tmp_path: Path) -> None:
    """pineappl 264: a wheel for CPython 3.6 that says `>=3.7` is told of that wheel, not of the set."""
    write(tmp_path / "wheels", "pineappl", "0.6.2", ("cp36-cp36m-win_amd64", "cp37-cp37m-win_amd64"), ">=3.7")
    report = audit_release([tmp_path / "wheels"])
    assert "requires-python-excludes-tag" in {one.rule for one in report.wheels[0].findings}
    assert "requires-python-excludes-tag" not in {one.rule for one in report.wheels[1].findings}
