"""JUnit XML, as Jenkins, GitLab and their kin read it: each wheel a suite, each rule with something to say a case.

The form is the one that Jenkins' `junit-10.xsd` states. A consumer shows one failure a case, so the findings of one
rule on one wheel stand together in one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar
from xml.sax.saxutils import escape, quoteattr

from auditor.report.wording import PYPI_WORDS, counted, shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from auditor.findings import Finding, NotJudged, ReleaseReport, Report, Severity, Suppressed

_Row = TypeVar("_Row")
_EVIDENCE_SHOWN = 20
_FINDINGS_SHOWN = 100
"""Of one rule on one wheel, in full."""
_SET = "release"


def render_junit(report: ReleaseReport, fail_on: Severity | None) -> str:
    """The report as an XML document that ends with a line break.

    A finding at or above `fail_on` (None: nothing) makes its case a failure; others are the output of a case that
    passed. What was suppressed or could not be judged is skipped, with the reason. What could not be read is an error.
    Each suite has a case `audit` of its own, so that a wheel without findings counts as a test that passed.
    """
    suites = [_Suite(one.path, one.path).unreadable(one.message) for one in report.unreadable]
    suites += [_wheel(one, fail_on) for one in report.wheels]
    if report.findings or report.suppressed or report.not_judged or report.broken:
        suite = _Suite(_SET, _SET)
        suite.audit(broken=report.broken)
        suite.judged(report.findings, report.suppressed, report.not_judged, fail_on)
        suites.append(suite)
    totals = (
        f'tests="{sum(one.tests for one in suites)}" failures="{sum(one.failures for one in suites)}" '
        f'errors="{sum(one.errors for one in suites)}"'
    )
    body = "".join(one.xml() for one in suites)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="wheel-audit" {totals}>\n{body}</testsuites>\n'


def _wheel(report: Report, fail_on: Severity | None) -> _Suite:
    """The suite of one wheel."""
    suite = _Suite(report.path, report.filename)
    suite.audit(broken=report.broken)
    suite.judged(report.findings, report.suppressed, report.not_judged, fail_on)
    return suite


class _Suite:
    """The cases of one wheel."""

    def __init__(self, path: str, filename: str) -> None:
        self._name = quoteattr(shown(path))
        # Jenkins takes what stands before the last dot for a package.
        self._class = quoteattr(shown(filename).removesuffix(".whl").replace(".", "_"))
        self._cases: list[str] = []
        self.tests = self.failures = self.errors = self.skipped = 0

    def xml(self) -> str:
        """The whole suite."""
        counts = f'tests="{self.tests}" failures="{self.failures}" errors="{self.errors}" skipped="{self.skipped}"'
        return f'<testsuite name={self._name} {counts} time="0">\n{"".join(self._cases)}</testsuite>\n'

    def unreadable(self, message: str) -> _Suite:
        """The one case of a path that could not be read."""
        self.errors += 1
        self._case("audit", _element("error", shown(message), "could not be audited"))
        return self

    def audit(self, *, broken: bool) -> None:
        """The case that says that the wheel was read and judged."""
        self.errors += broken
        said = _element("error", "a rule failed by itself: this is a fault of wheel-audit", "") if broken else ""
        self._case("audit", said)

    def judged(
        self,
        findings: Iterable[Finding],
        suppressed: Iterable[Suppressed],
        missed: Iterable[NotJudged],
        fail_on: Severity | None,
    ) -> None:
        """A case for each rule with findings, then for each that has some set aside, or could not judge."""
        for rule, found in _by_rule((one.rule, one) for one in findings).items():
            failing = [one for one in found if fail_on is not None and one.severity.rank <= fail_on.rank]
            if failing:
                self.failures += 1
                more = f" (and {counted(len(found) - 1, 'more finding')})" if len(found) > 1 else ""
                self._case(rule, _element("failure", shown(failing[0].message) + more, _body(found), rule))
            else:
                self._case(rule, f"<system-out>{escape(_body(found))}</system-out>")
        for rule, aside in _by_rule((one.finding.rule, one) for one in suppressed).items():
            self._skip(f"{rule} (suppressed)", shown(aside[0].reason), _body(one.finding for one in aside))
        for rule, lost in _by_rule((one.rule, one) for one in missed).items():
            self._skip(f"{rule} (not judged)", shown(lost[0].reason), "\n".join(shown(one.reason) for one in lost))

    def _skip(self, name: str, reason: str, body: str) -> None:
        """A case that was skipped."""
        self.skipped += 1
        self._case(name, _element("skipped", reason, body))

    def _case(self, name: str, content: str) -> None:
        """One case. No clock may be in a report, and a reader may want a time."""
        self.tests += 1
        self._cases.append(f'<testcase classname={self._class} name={quoteattr(name)} time="0">{content}</testcase>\n')


def _by_rule(rows: Iterable[tuple[str, _Row]]) -> dict[str, list[_Row]]:
    """Rows by rule, in the order in which the rules first come."""
    by: dict[str, list[_Row]] = {}
    for rule, row in rows:
        by.setdefault(rule, []).append(row)
    return by


def _element(name: str, message: str, body: str, kind: str = "") -> str:
    """An element with a message. What is written is printable, so XML can hold it."""
    type_ = f" type={quoteattr(kind)}" if kind else ""
    return f"<{name}{type_} message={quoteattr(message)}>{escape(body)}</{name}>"


def _body(findings: Iterable[Finding]) -> str:
    """Findings in words, as the text report has them."""
    found = list(findings)
    blocks = ["\n".join(_lines(one)) for one in found[:_FINDINGS_SHOWN]]
    if len(found) > _FINDINGS_SHOWN:
        blocks.append(f"... and {counted(len(found) - _FINDINGS_SHOWN, 'more finding')}")
    return "\n\n".join(blocks)


def _lines(finding: Finding) -> list[str]:
    """One finding in lines."""
    lines = [f"{finding.severity.value}[{finding.rule}]: {shown(finding.message)}"]
    lines += [f"  | {shown(one.text)}" for one in finding.evidence[:_EVIDENCE_SHOWN]]
    if len(finding.evidence) > _EVIDENCE_SHOWN:
        lines.append(f"  | ... and {len(finding.evidence) - _EVIDENCE_SHOWN} more")
    if finding.pypi in PYPI_WORDS:
        lines.append(f"  = {PYPI_WORDS[finding.pypi]}")
    if finding.help:
        lines.append(f"  help: {shown(finding.help, 2000)}")
    return lines
