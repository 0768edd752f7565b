"""The rules that hold METADATA against the file name and the tags."""

from __future__ import annotations

import pytest

from auditor.findings import PyPIAnswer, Severity
from tests.builders import DEMO, WheelSpec, replace
from tests.rules.helpers import assert_house_style, evidence, findings, only, report, rules_hit

LINUX = "manylinux_2_17_x86_64"
METADATA = "demo-1.0.dist-info/METADATA"


def requiring(tags: str, specifier: str | None) -> WheelSpec:
    """A wheel with these tags and this Requires-Python."""
    python, abi, platform = tags.split("-")
    return replace(DEMO, python=python, abi=abi, platform=platform, headers={"Requires-Python": specifier})


def test_a_wheel_without_metadata_is_one_error() -> None:
    """A missing METADATA is an error with its path, and its fields are not missed one by one."""
    wheel = replace(DEMO, metadata=None)
    finding = only(wheel, rule="metadata-missing")
    assert f"`{METADATA}`" in finding.message
    assert (finding.severity, finding.pypi) == (Severity.ERROR, PyPIAnswer.REJECT)
    assert rules_hit(wheel, "metadata") == {"metadata-missing"}


@pytest.mark.parametrize("name", ["other", "demo2", "demo.two"])
def test_a30_a_name_that_is_not_the_file_names(name: str) -> None:
    """Another name in METADATA is an error with both."""
    finding = only(replace(DEMO, headers={"Name": name}), rule="name-mismatch")
    assert f"`{name}`" in finding.message
    assert "`demo`" in finding.message
    assert finding.member == METADATA
    assert (finding.severity, finding.pypi) == (Severity.ERROR, PyPIAnswer.REJECT)


@pytest.mark.parametrize("name", ["Demo.Two", "demo-two", "DEMO__two", " demo_two "])
def test_a_name_in_another_spelling_is_the_same(name: str) -> None:
    """Names are compared in normal form."""
    assert not findings(replace(DEMO, name="demo-two", headers={"Name": name}), rule="name-mismatch")


@pytest.mark.parametrize(
    ("filename", "version"), [("1.0", "1.1"), ("1.0", "1!1.0"), ("1.0", "1.0+local"), ("1.0", "1.0rc1")]
)
def test_a31_a_version_that_is_not_the_file_names(filename: str, version: str) -> None:
    """Another version in METADATA is an error with both; a local version or an epoch is another version."""
    finding = only(replace(DEMO, version=filename, headers={"Version": version}), rule="version-mismatch")
    assert f"`{version}`" in finding.message
    assert f"`{filename}`" in finding.message
    assert finding.member == METADATA
    assert (finding.severity, finding.pypi) == (Severity.ERROR, PyPIAnswer.REJECT)


@pytest.mark.parametrize(
    ("filename", "version"),
    [("1.0", "1.0.0"), ("1.0rc1", "1.0.RC1"), ("1.0+ubuntu_1", "1.0+ubuntu-1"), ("1!1.0", "1!1"), ("1.0", "v1.0")],
)
def test_a_version_in_another_spelling_is_the_same(filename: str, version: str) -> None:
    """Versions are compared as versions."""
    assert not findings(replace(DEMO, version=filename, headers={"Version": version}), rule="version-mismatch")


@pytest.mark.parametrize("header", ["Name", "Version"])
def test_a_field_that_is_absent_is_no_mismatch(header: str) -> None:
    """What METADATA does not say contradicts nothing."""
    assert not rules_hit(replace(DEMO, headers={header: None}), "metadata") & {"name-mismatch", "version-mismatch"}


def test_a_version_that_is_none_is_no_mismatch() -> None:
    """What is not a version is another rule's matter."""
    assert not findings(replace(DEMO, headers={"Version": "one"}), rule="version-mismatch")


@pytest.mark.parametrize(
    ("tags", "specifier"),
    [
        (f"cp38-cp38-{LINUX}", ">=3.12"),
        (f"cp38-cp38-{LINUX}", ">=3.9"),
        ("cp312-cp312-win32", "<3.12"),
        ("cp313-cp313t-win32", ">=3.14"),
        ("cp38-none-any", ">=3.9"),
        ("py2-none-any", ">=3"),
        ("py3-none-any", "<3"),
        ("py3-none-any", ">=4"),
        (f"cp38-abi3-{LINUX}", "<3.8"),
        (f"pp39-pypy39_pp73-{LINUX}", ">=3.10"),
    ],
)
def test_a_requirement_that_no_selected_python_satisfies_is_an_error(tags: str, specifier: str) -> None:
    """Where tags and Requires-Python exclude each other, the wheel installs nowhere."""
    finding = only(requiring(tags, specifier), rule="requires-python-excludes-tag")
    assert f"`Requires-Python: {specifier}`" in finding.message
    assert finding.message.startswith("no interpreter")
    assert evidence(finding).startswith("the tags select ")
    assert finding.member == METADATA
    assert (finding.severity, finding.pypi) == (Severity.ERROR, PyPIAnswer.ACCEPT)


@pytest.mark.parametrize(
    ("tags", "specifier", "refused"),
    [
        (f"cp38-abi3-{LINUX}", ">=3.12", "CPython 3.8"),
        (f"cp310-abi3-{LINUX}", ">=3.11,<4", "CPython 3.10"),
        ("cp38.cp39-none-win32", ">=3.9", "CPython 3.8"),
        ("py38-none-any", ">=3.10", "CPython 3.8"),
        ("cp310.cp311-none-win32", "<3.11", "CPython 3.11"),
        ("py27.py3-none-any", ">=3.8", "CPython 2.7"),
    ],
)
def test_a33_a_tag_whose_own_python_is_excluded_is_an_info(tags: str, specifier: str, refused: str) -> None:
    """Where later versions satisfy Requires-Python, the tag says more than the wheel keeps, and that is all."""
    finding = only(requiring(tags, specifier), rule="requires-python-excludes-tag")
    assert f"select {refused}," in finding.message
    assert finding.severity is Severity.INFO


@pytest.mark.parametrize(
    ("tags", "specifier"),
    [
        ("py3-none-any", ">=3.12"),
        ("py2.py3-none-any", ">=3.8"),
        ("py2.py3-none-any", ">=2.7, !=3.0.*, !=3.1.*, !=3.2.*"),
        ("py3-none-any", ">=3.6,<3.7"),
        ("py2-none-any", ">=2.6,<3"),
        ("py2-none-any", "<2.7"),
        ("py3-none-any", None),
        ("py3-none-any", ""),
        ("py3-none-any", ">=3.6.*"),
        ("pp3-none-any", ">=3.8"),
        ("cp38-cp38-win32", ">=3.8.1"),
        ("cp38-cp38-win32", "~=3.8"),
        ("cp38-cp38-win32", "==3.8.17"),
        (f"cp38-abi3-{LINUX}", ">=3.8,<3.13"),
        (f"cp37-abi3-{LINUX}", ">=3.8"),
        (f"cp36-abi3-{LINUX}", ">=3.6,<3.8"),
        (f"cp36-cp36m-{LINUX}", ">=3.6"),
        (f"cp315-cp315-{LINUX}", ">=3.15.0rc1"),
        ("cp27-cp27mu-win32", ">=2.7,<3"),
        ("ip27-none-any", ">=3.8"),
        (f"cp399-cp399-{LINUX}", ">=3.8"),
        ("cp40-abi3-win32", ">=3.8"),
    ],
)
def test_a_requirement_that_the_tags_keep_is_clean(tags: str, specifier: str | None) -> None:
    """Generic tags with any bound, old Pythons, caps, and what cannot be judged have no finding."""
    assert not findings(requiring(tags, specifier), rule="requires-python-excludes-tag")


def test_findings_on_metadata_keep_the_house_style() -> None:
    """Every message of the family is worded as the others are, and says what to do."""
    wheels = (
        replace(DEMO, metadata=None),
        replace(DEMO, headers={"Name": "other", "Version": "2"}),
        requiring("cp38-cp38-win32", ">=3.9"),
        requiring("cp38-abi3-win32", ">=3.9"),
    )
    found = [one for wheel in wheels for one in report(wheel).findings if one.family == "metadata"]
    assert_house_style(found)
    assert len({one.rule for one in found}) >= 4
