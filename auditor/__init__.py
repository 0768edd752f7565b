"""wheel-audit: whether a wheel keeps every promise that its file name makes, from its bytes alone.

from auditor import audit

report = audit("dist/my_extension-0.1.0-cp39-abi3-manylinux_2_17_x86_64.whl")
for finding in report.findings:
    print(finding.severity.value, finding.rule, finding.message)
"""

from __future__ import annotations

from auditor.api import audit, audit_release
from auditor.archive.reader import read_wheel
from auditor.errors import AuditError, NoWheelError, PathNotFoundError, UnreadableError, UsageError
from auditor.facts.wheel import WheelFacts
from auditor.findings import Evidence, Finding, NotJudged, PyPIAnswer, ReleaseReport, Report, Severity, Suppressed
from auditor.judge import judge
from auditor.rules import ALL_RULES, Rule
from auditor.settings import Profile, Settings, UnknownRuleError
from auditor.version import __version__

__all__ = [
    "ALL_RULES",
    "AuditError",
    "Evidence",
    "Finding",
    "NoWheelError",
    "NotJudged",
    "PathNotFoundError",
    "Profile",
    "PyPIAnswer",
    "ReleaseReport",
    "Report",
    "Rule",
    "Settings",
    "Severity",
    "Suppressed",
    "UnknownRuleError",
    "UnreadableError",
    "UsageError",
    "WheelFacts",
    "__version__",
    "audit",
    "audit_release",
    "judge",
    "read_wheel",
]
