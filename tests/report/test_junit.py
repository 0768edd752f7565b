"""JUnit XML: read back by junitparser, and held to the elements and attributes that Jenkins' junit-10.xsd names."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

import pytest
from junitparser import JUnitXml

from auditor import Evidence, ReleaseReport, Severity
from auditor.report.junit import render_junit
from tests.report.samples import HOSTILE, built, everything, finding, hostile, wheel

ALLOWED = {
    "testsuites": {"name", "tests", "failures", "errors"},
    "testsuite": {"name", "tests", "failures", "errors", "skipped", "time"},
    "testcase": {"name", "classname", "time"},
    "failure": {"type", "message"},
    "error": {"message"},
    "skipped": {"message"},
    "system-out": set(),
}
"""What we write, all of it in that schema."""


def parsed(report: ReleaseReport, fail_on: Severity | None = Severity.ERROR) -> Any:
    """The report as junitparser reads it."""
    return JUnitXml.fromstring(render_junit(report, fail_on).encode())


def outcomes(report: ReleaseReport, fail_on: Severity | None = Severity.ERROR) -> list[list[str]]:
    """For each suite, its cases with what became of them."""
    return [
        [f"{case.name}: {type(case.result[0]).__name__ if case.result else 'Passed'}" for case in suite]
        for suite in parsed(report, fail_on)
    ]


def test_what_becomes_of_each_thing() -> None:
    """Unreadable is an error, a failing finding a failure, a lesser one passes, what was set aside is skipped."""
    gone, bad, good, of_set = outcomes(everything())
    assert gone == ["audit: Error"]
    assert bad == [
        "audit: Passed",
        "zip-crc: Failure",
        "record-self: Failure",
        "debug-info: Passed",
        "abi3-possible: Passed",
        "zip-bomb (suppressed): Skipped",
        "zip-crc (not judged): Skipped",
    ]
    assert good == ["audit: Passed"]
    assert of_set[:2] == ["audit: Passed", "matrix-hole: Failure"]


@pytest.mark.parametrize(
    ("fail_on", "failures"), [(None, 0), (Severity.ERROR, 3), (Severity.WARNING, 4), (Severity.INFO, 5)]
)
def test_what_fails_is_what_the_settings_fail(fail_on: Severity | None, failures: int) -> None:
    """A finding is a failure at and above the severity that fails, and at none other."""
    assert parsed(everything(), fail_on).failures == failures


def test_the_findings_of_one_rule_stand_together() -> None:
    """Consumers show one failure a case, so one holds all, and says in its message how many there are."""
    (suite,) = parsed(ReleaseReport(wheels=(wheel(*(finding(f"`{number}`") for number in range(150))),)))
    _, case = suite
    (failure,) = case.result
    assert failure.message == "`0` (and 149 more findings)"
    assert "`99`" in failure.text
    assert failure.text.endswith("... and 50 more findings")


def test_a_rule_that_failed_by_itself_is_an_error() -> None:
    """The case `audit` is an error where the audit itself was broken, of a wheel and of the set."""
    assert outcomes(ReleaseReport(wheels=(wheel(broken=True),))) == [["audit: Error"]]
    assert outcomes(ReleaseReport(wheels=(wheel(),), broken=True)) == [["audit: Passed"], ["audit: Error"]]


def check(text: str) -> None:
    """Hold a document to the form: elements, attributes, one outcome a case, and counts that are right."""
    root = ET.fromstring(text)  # noqa: S314 -- our own document
    for element in root.iter():
        assert set(element.attrib) <= ALLOWED[element.tag], element.tag
    cases = list(root.iter("testcase"))
    assert all(len(case) <= 1 for case in cases)
    assert root.get("tests") == str(len(cases))
    for suite in root.iter("testsuite"):
        assert suite.get("tests") == str(len(list(suite)))
        assert suite.get("failures") == str(len(list(suite.iter("failure"))))
        assert suite.get("errors") == str(len(list(suite.iter("error"))))
        assert suite.get("skipped") == str(len(list(suite.iter("skipped"))))
        assert len({case.get("name") for case in suite}) == len(suite)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_names(text: str) -> None:
    """Any name gives well-formed XML with the same elements."""
    document = render_junit(hostile(text), Severity.ERROR)
    check(document)
    assert outcomes(hostile(text)) == outcomes(hostile("plain"))


def test_real_wheels_and_one_of_each() -> None:
    """Built wheels and a report with one of each thing keep the form."""
    for report in (built(), everything(), ReleaseReport(wheels=())):
        check(render_junit(report, Severity.ERROR))
    assert parsed(built()).failures == sum(
        len({one.rule for one in wheel.findings if one.severity is Severity.ERROR}) for wheel in built().wheels
    )


def test_a_body_is_bounded() -> None:
    """Of much evidence the first lines are told; a finding without help has none."""
    long = finding(evidence=(Evidence(text="e"),) * 25, help="")
    (suite,) = parsed(ReleaseReport(wheels=(wheel(long),)))
    _, case = suite
    lines = case.result[0].text.splitlines()
    assert len(lines) == 22
    assert lines[-1] == "  | ... and 5 more"
