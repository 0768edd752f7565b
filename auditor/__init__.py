"""wheel-audit: whether a wheel keeps every promise that its file name makes, from its bytes alone.

from auditor import audit

report = audit("dist/my_extension-0.1.0-cp39-abi3-manylinux_2_17_x86_64.whl")
for finding in report.findings:
    print(finding.severity.value, finding.rule, finding.message)
"""

from __future__ import annotations

from auditor.api import audit, audit_release, matrices_of, matrix_of
from auditor.archive.reader import read_wheel
from auditor.config import load_settings
from auditor.errors import AuditError, ConfigError, NoWheelError, PathNotFoundError, UnreadableError, UsageError
from auditor.facts.wheel import WheelFacts
from auditor.findings import (
    BaselineEntry,
    Evidence,
    Finding,
    Matrix,
    MatrixCell,
    MatrixColumn,
    MatrixRow,
    NotJudged,
    PyPIAnswer,
    ReleaseReport,
    Report,
    Severity,
    Suppressed,
    Unreadable,
)
from auditor.judge import judge
from auditor.platforms.stated import Floors
from auditor.rules import ALL_RULES, Rule
from auditor.settings import ExternalLibrary, Ignore, Profile, Settings, UnknownRuleError
from auditor.version import __version__

__all__ = [
    "ALL_RULES",
    "AuditError",
    "BaselineEntry",
    "ConfigError",
    "Evidence",
    "ExternalLibrary",
    "Finding",
    "Floors",
    "Ignore",
    "Matrix",
    "MatrixCell",
    "MatrixColumn",
    "MatrixRow",
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
    "Unreadable",
    "UnreadableError",
    "UsageError",
    "WheelFacts",
    "__version__",
    "audit",
    "audit_release",
    "judge",
    "load_settings",
    "matrices_of",
    "matrix_of",
    "read_wheel",
]
