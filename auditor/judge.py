"""Run the rules over the facts, apply the settings, sort: the report of one wheel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.findings import Finding, NotJudged, Report, Suppressed
from auditor.rules import ALL_RULES
from auditor.rules.context import Context
from auditor.settings import DEFAULT, Settings

if TYPE_CHECKING:
    from auditor.facts.wheel import WheelFacts
    from auditor.rules import Hit, Rule


def judge(facts: WheelFacts, settings: Settings = DEFAULT) -> Report:
    """The verdict on a wheel whose facts have been read.

    The same facts and settings give the same report. Never raises: a rule that fails by itself is reported as not
    judged, and `Report.broken` says so.
    """
    context = Context(facts)
    findings: list[Finding] = []
    suppressed: list[Suppressed] = []
    not_judged: list[NotJudged] = []
    broken = False
    for rule in ALL_RULES:
        if not settings.runs(rule):
            continue
        reason = settings.ignore_reason(rule)
        try:
            outcome = list(rule.check(facts, context))
        except Exception as error:  # noqa: BLE001 -- one faulty rule must not hide what the others found
            not_judged.append(NotJudged(rule=rule.name, reason=f"the rule failed: {type(error).__name__}: {error}"))
            broken = True
            continue
        for one in outcome:
            if isinstance(one, NotJudged):
                not_judged.append(one)
            elif reason is not None:
                suppressed.append(Suppressed(finding=_finding(rule, one, settings), reason=reason))
            else:
                findings.append(_finding(rule, one, settings))
    findings.sort(key=_order)
    return Report(
        path=facts.path,
        filename=facts.filename,
        sha256=facts.sha256,
        size=facts.size,
        failed=any(settings.fails(finding.severity) for finding in findings),
        tags=tuple(promise.tag for promise in context.promises),
        findings=tuple(findings),
        suppressed=tuple(sorted(suppressed, key=lambda one: _order(one.finding))),
        not_judged=tuple(sorted(not_judged, key=lambda one: (one.rule, one.reason))),
        broken=broken,
    )


def _finding(rule: Rule, hit: Hit, settings: Settings) -> Finding:
    """A hit with what its rule adds to it."""
    pypi = hit.pypi or rule.pypi
    return Finding(
        rule=rule.name,
        family=rule.family,
        severity=settings.severity(rule, hit.severity or rule.severity, pypi),
        pypi=pypi,
        message=hit.message,
        member=hit.member,
        arch=hit.arch,
        evidence=hit.evidence,
        help=hit.help,
    )


def _order(finding: Finding) -> tuple[int, str, str, str]:
    """Errors first, then by rule, place and words: the same facts give the same order."""
    return finding.severity.rank, finding.rule, finding.member or "", finding.message
