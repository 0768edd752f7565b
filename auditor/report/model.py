"""The wire model: what every machine-readable report says, as types. A change needs a new `SCHEMA` number.

The records of the library may grow; these are a contract of their own, so that neither binds the other.
"""

from __future__ import annotations

from typing import Any

import msgspec

from auditor.findings import Finding, ReleaseReport, Report, Severity
from auditor.version import __version__

SCHEMA = 1


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """Which program made the report."""

    name: str = "wheel-audit"
    version: str = __version__


class WireEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """How we know: one observation, in words and in parts."""

    text: str
    member: str | None
    symbol: str | None
    library: str | None
    version: str | None
    offset: int | None


class WireFinding(msgspec.Struct, frozen=True, kw_only=True):
    """One fault."""

    rule: str
    family: str
    severity: str
    pypi: str
    message: str
    member: str | None
    arch: str | None
    evidence: list[WireEvidence]
    help: str


class WireSuppressed(WireFinding, frozen=True, kw_only=True):
    """A finding that the settings set aside."""

    reason: str


class WireNotJudged(msgspec.Struct, frozen=True, kw_only=True):
    """Something that could not be judged."""

    rule: str
    reason: str


class WireWheel(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict on one wheel."""

    path: str
    filename: str
    sha256: str
    size: int
    verdict: str
    tags: list[str]
    findings: list[WireFinding]
    suppressed: list[WireSuppressed]
    not_judged: list[WireNotJudged]


class WireRelease(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict on the wheels as a set."""

    findings: list[WireFinding]


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """Counts over all wheels."""

    wheels: int
    failed: int
    errors: int
    warnings: int
    infos: int


class WireReport(msgspec.Struct, frozen=True, kw_only=True):
    """The whole report."""

    schema: int
    tool: Tool
    knowledge: dict[str, str]
    wheels: list[WireWheel]
    release: WireRelease | None
    summary: Summary


def wire_report(report: ReleaseReport, knowledge: dict[str, str]) -> WireReport:
    """The report in its wire form."""
    return WireReport(
        schema=SCHEMA,
        tool=Tool(),
        knowledge=knowledge,
        wheels=[wire_wheel(one) for one in report.wheels],
        release=wire_release(report),
        summary=summary(report),
    )


def wire_release(report: ReleaseReport) -> WireRelease | None:
    """What is said of the set; None where one wheel is none."""
    if len(report.wheels) < 2:
        return None
    return WireRelease(findings=[WireFinding(**_fields(finding)) for finding in report.findings])


def wire_wheel(report: Report) -> WireWheel:
    """One wheel in its wire form."""
    return WireWheel(
        path=report.path,
        filename=report.filename,
        sha256=report.sha256,
        size=report.size,
        verdict=report.verdict,
        tags=list(report.tags),
        findings=[WireFinding(**_fields(finding)) for finding in report.findings],
        suppressed=[WireSuppressed(**_fields(one.finding), reason=one.reason) for one in report.suppressed],
        not_judged=[WireNotJudged(rule=one.rule, reason=one.reason) for one in report.not_judged],
    )


def _fields(finding: Finding) -> dict[str, Any]:
    """The fields of a finding in their wire form."""
    return {
        "rule": finding.rule,
        "family": finding.family,
        "severity": finding.severity.value,
        "pypi": finding.pypi.value,
        "message": finding.message,
        "member": finding.member,
        "arch": finding.arch,
        "evidence": [
            WireEvidence(
                text=one.text,
                member=one.member,
                symbol=one.symbol,
                library=one.library,
                version=one.version,
                offset=one.offset,
            )
            for one in finding.evidence
        ],
        "help": finding.help,
    }


def summary(report: ReleaseReport) -> Summary:
    """The counts over all wheels."""
    return Summary(
        wheels=len(report.wheels),
        failed=sum(one.failed for one in report.wheels),
        errors=sum(one.count(Severity.ERROR) for one in report.wheels),
        warnings=sum(one.count(Severity.WARNING) for one in report.wheels),
        infos=sum(one.count(Severity.INFO) for one in report.wheels),
    )
