"""GitLab's Code Quality report: a JSON array, an object a finding.

The form is that of GitLab's documentation, "Code Quality report format".
GitLab tells findings apart by their fingerprint alone, and shows of two that are alike only one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.findings import PyPIAnswer, Severity
from auditor.report.identity import Identities, identity, set_name
from auditor.report.json import document
from auditor.report.wording import PYPI_WORDS, shown, slashed

if TYPE_CHECKING:
    from auditor.findings import Finding, NotJudged, ReleaseReport

_SEVERITIES = {Severity.ERROR: "critical", Severity.WARNING: "major", Severity.INFO: "info"}
_REFUSED = frozenset({PyPIAnswer.REJECT, PyPIAnswer.SERVER_ERROR})
_LONGEST_HELP = 1000
_SET = "release"


def render_gitlab(report: ReleaseReport) -> str:
    """The array, in ASCII, with a line break at its end.

    An error that PyPI refuses the wheel for is a blocker, and so is what could not be read. What was suppressed is
    left out: this format has no place for it.
    """
    identities = Identities()
    rows = [
        _row(one.message, "unreadable", identity("unreadable", one.path), "blocker", one.path)
        for one in report.unreadable
    ]
    anywhere = report.wheels[0].path if report.wheels else _SET
    name = set_name(report)
    rows += [_finding(one, name, anywhere, identities) for one in report.findings]
    rows += [_missed(one, name, anywhere) for one in report.not_judged]
    for wheel in report.wheels:
        rows += [_finding(one, wheel.filename, wheel.path, identities) for one in wheel.findings]
        rows += [_missed(one, wheel.filename, wheel.path) for one in wheel.not_judged]
    return document(rows)


def _finding(finding: Finding, filename: str, path: str, identities: Identities) -> dict[str, object]:
    """One finding."""
    severity = _SEVERITIES[finding.severity]
    if finding.severity is Severity.ERROR and finding.pypi in _REFUSED:
        severity = "blocker"
    said = [shown(finding.message), PYPI_WORDS.get(finding.pypi, ""), shown(finding.help, _LONGEST_HELP)]
    _, alone = identities.of(finding, filename)
    return _row("; ".join(one for one in said if one), finding.rule, alone, severity, path)


def _missed(one: NotJudged, filename: str, path: str) -> dict[str, object]:
    """Something that could not be judged."""
    fingerprint = identity(one.rule, one.reason, filename)
    return _row(f"not judged: {one.reason}", one.rule, fingerprint, "info", path)


def _row(description: str, check: str, fingerprint: str, severity: str, path: str) -> dict[str, object]:
    """One object. A path is relative to the repository, and without `./` (GitLab shows no other)."""
    return {
        "description": shown(description, 3 * _LONGEST_HELP),
        "check_name": check,
        "fingerprint": fingerprint,
        "severity": severity,
        "location": {"path": shown(slashed(path).removeprefix("./")), "lines": {"begin": 1}},
    }
