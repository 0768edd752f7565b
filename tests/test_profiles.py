"""The profiles: whose eyes judge a finding's severity, from Python and from the command line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from auditor import ALL_RULES, Profile, Settings, Severity, audit
from auditor.findings import PyPIAnswer
from tests.builders import DEMO, CentralFields, Member, WheelSpec, build_wheel, replace
from tests.cli.command import wheel_audit
from tests.differential.anomalies import changed

if TYPE_CHECKING:
    from pathlib import Path

ERROR, WARNING, INFO = Severity.ERROR, Severity.WARNING, Severity.INFO
DEFAULT, PYPI, STRICT = Profile.DEFAULT, Profile.PYPI, Profile.STRICT
REFUSED = {PyPIAnswer.REJECT, PyPIAnswer.SERVER_ERROR}
ANNOUNCED = {PyPIAnswer.FUTURE, PyPIAnswer.MAIL}

DIST_INFO = "demo-1.0.dist-info"
WHEELS: dict[str, tuple[WheelSpec, str, dict[Profile, Severity]]] = {
    "PyPI refuses": (
        replace(DEMO, members={**DEMO.members, "demo/a.txt": Member(comment=b"x")}),
        "zip-member-comment",
        {DEFAULT: ERROR, PYPI: ERROR, STRICT: ERROR},
    ),
    "PyPI fails": (changed(version_needed=64), "zip-version-needed", {DEFAULT: ERROR, PYPI: ERROR, STRICT: ERROR}),
    "installers refuse": (changed(crc=1), "zip-crc", {DEFAULT: ERROR, PYPI: WARNING, STRICT: ERROR}),
    "PyPI sends mail": (
        replace(DEMO, members={**DEMO.members, "demo/a.txt": Member(recorded=False)}),
        "record-file-not-listed",
        {DEFAULT: ERROR, PYPI: WARNING, STRICT: ERROR},
    ),
    "a specification says MUST": (
        replace(DEMO, members={**DEMO.members, f"{DIST_INFO}/INSTALLER": b"pip\n"}),
        "dist-info-installer-file",
        {DEFAULT: WARNING, PYPI: WARNING, STRICT: ERROR},
    ),
    "nobody has announced anything": (
        replace(DEMO, members={**DEMO.members, "demo/nul.txt": b""}),
        "zip-path-windows",
        {DEFAULT: WARNING, PYPI: WARNING, STRICT: WARNING},
    ),
    "worth knowing": (
        replace(DEMO, members={**DEMO.members, "demo/a.txt": Member(central=CentralFields(date=0))}),
        "zip-timestamps",
        {DEFAULT: INFO, PYPI: INFO, STRICT: INFO},
    ),
}


@pytest.mark.parametrize(("wheel", "rule", "severities"), WHEELS.values(), ids=WHEELS)
@pytest.mark.parametrize("profile", Profile)
def test_a_profile_judges_wheels(
    wheel: WheelSpec, rule: str, severities: dict[Profile, Severity], profile: Profile
) -> None:
    """Each kind of fault has the severity that the profile gives it, and fails the wheel where that is an error."""
    built = build_wheel(wheel)
    judged = audit(built.data, filename=built.filename, settings=Settings(profile=profile))
    assert {one.rule: one.severity for one in judged.findings} == {rule: severities[profile]}
    assert judged.failed is (severities[profile] is ERROR)


@pytest.mark.parametrize("profile", Profile)
def test_a_clean_wheel_is_clean_for_all(profile: Profile) -> None:
    """No profile finds a fault in a wheel that has none."""
    built = build_wheel(DEMO)
    assert audit(built.data, filename=built.filename, settings=Settings(profile=profile)).findings == ()


@pytest.mark.parametrize("profile", Profile)
def test_a_profile_changes_severities_alone(profile: Profile) -> None:
    """Every profile gives the same findings, in whatever order, with the same words and the same answer of PyPI."""
    for wheel, _, _ in WHEELS.values():
        built = build_wheel(wheel)
        both = [
            audit(built.data, filename=built.filename, settings=settings).findings
            for settings in (Settings(), Settings(profile=profile))
        ]
        plain, other = ([(one.rule, one.message, one.pypi) for one in found] for found in both)
        assert sorted(plain) == sorted(other)


@pytest.mark.parametrize("answer", PyPIAnswer)
@pytest.mark.parametrize("severity", Severity)
def test_the_table_of_severities(severity: Severity, answer: PyPIAnswer) -> None:
    """`pypi` lowers errors that PyPI takes, `strict` raises warnings that are announced or break a MUST, no more."""
    for rule in ALL_RULES:
        lowered = severity is ERROR and answer not in REFUSED
        raised = severity is WARNING and (answer in ANNOUNCED or rule.must)
        assert Settings().severity(rule, severity, answer) is severity
        assert Settings(profile=PYPI).severity(rule, severity, answer) is (WARNING if lowered else severity)
        assert Settings(profile=STRICT).severity(rule, severity, answer) is (ERROR if raised else severity)


def test_fail_on_counts_what_the_profile_says() -> None:
    """`fail_on` and `ignore` are applied to the severity under the profile."""
    built = build_wheel(WHEELS["installers refuse"][0])
    lowered = Settings(profile=PYPI, fail_on=WARNING)
    assert audit(built.data, filename=built.filename, settings=lowered).failed
    ignored = Settings(profile=STRICT, ignore=("zip-crc",))
    assert not audit(built.data, filename=built.filename, settings=ignored).failed


@pytest.mark.parametrize(
    ("kind", "arguments", "status"),
    [
        ("installers refuse", (), 1),
        ("installers refuse", ("--profile", "default"), 1),
        ("installers refuse", ("--profile", "pypi"), 0),
        ("installers refuse", ("--profile", "strict"), 1),
        ("PyPI refuses", ("--profile", "pypi"), 1),
        ("a specification says MUST", (), 0),
        ("a specification says MUST", ("--profile", "strict"), 1),
    ],
)
def test_the_command_takes_a_profile(kind: str, arguments: tuple[str, ...], status: int, tmp_path: Path) -> None:
    """`--profile` decides the exit status and the severity that is shown."""
    wheel, rule, severities = WHEELS[kind]
    profile = Profile(arguments[1]) if arguments else DEFAULT
    outcome = wheel_audit(*arguments, build_wheel(wheel).write(tmp_path))
    assert outcome.status == status
    assert f"{severities[profile].value}[{rule}]" in outcome.output


def test_the_command_refuses_an_unknown_profile(tmp_path: Path) -> None:
    """A profile that does not exist is wrong usage, and the profiles are listed."""
    outcome = wheel_audit("--profile", "tomorrow", build_wheel(DEMO).write(tmp_path))
    assert outcome.status == 2
    assert all(profile.value in outcome.errors for profile in Profile)


def test_the_json_report_has_the_severity_of_the_profile(tmp_path: Path) -> None:
    """The report for programs says what the profile makes of a finding, and still what PyPI does."""
    path = build_wheel(WHEELS["installers refuse"][0]).write(tmp_path)
    outcome = wheel_audit("--profile", "pypi", "--format", "json", path)
    text = json.dumps(json.loads(outcome.output))
    assert '"severity": "warning"' in text
    assert '"pypi": "accept"' in text
