"""The records of a report: order of severities, counts, verdicts, and that nothing can change them."""

from __future__ import annotations

import pytest

from auditor import Evidence, Finding, PyPIAnswer, ReleaseReport, Report, Severity

FINDING = Finding(rule="a", family="b", severity=Severity.WARNING, pypi=PyPIAnswer.ACCEPT, message="c")
REPORT = Report(path="x", filename="x", sha256="", size=0, failed=False, findings=(FINDING,))


def test_severities_are_ordered() -> None:
    """An error stands above a warning, a warning above an info."""
    assert sorted(Severity, key=lambda one: one.rank) == [Severity.ERROR, Severity.WARNING, Severity.INFO]
    assert [one.value for one in Severity] == ["error", "warning", "info"]


def test_a_report_counts_and_says_its_verdict() -> None:
    """The verdict is that of `failed`, and each severity is counted by itself."""
    assert [REPORT.count(one) for one in Severity] == [0, 1, 0]
    assert REPORT.verdict == "pass"
    failed = Report(path="x", filename="x", sha256="", size=0, failed=True)
    assert failed.verdict == "fail"
    assert ReleaseReport(wheels=(REPORT, failed)).failed
    assert not ReleaseReport(wheels=(REPORT,)).failed
    assert not ReleaseReport(wheels=()).failed


def test_records_are_values() -> None:
    """Records are equal by their fields, hashable, and cannot be changed."""
    assert Evidence(text="a") == Evidence(text="a")
    assert len({FINDING, FINDING}) == 1
    with pytest.raises(AttributeError):
        FINDING.message = "other"  # type: ignore[misc]
