"""Run the rules over the facts, apply the settings, sort: the report of one wheel, or of a release as a set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.facts.record import Fact
from auditor.findings import Finding, NotJudged, Report, Suppressed
from auditor.rules import ALL_RULES
from auditor.rules.context import Context
from auditor.rules.release.context import ReleaseContext
from auditor.settings import DEFAULT, Settings
from auditor.suppression import OF_A_RELEASE, Suppressor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from auditor.facts.release import ReleaseFacts
    from auditor.facts.wheel import WheelFacts
    from auditor.rules import Hit, Rule


def judge(facts: WheelFacts, settings: Settings = DEFAULT) -> Report:
    """The verdict on a wheel whose facts have been read.

    The same facts and settings give the same report. Never raises: a rule that fails by itself is reported as not
    judged, and `Report.broken` says so.
    """
    context = Context(facts, size_limit=settings.size_limit)
    outcome = _run(
        (rule for rule in ALL_RULES if not rule.of_release),
        lambda rule: rule.check(facts, context),
        settings,
        Suppressor(settings, facts.filename, facts.metadata),
    )
    return Report(
        path=facts.path,
        filename=facts.filename,
        sha256=facts.sha256,
        size=facts.size,
        failed=any(settings.fails(finding.severity) for finding in outcome.findings),
        tags=tuple(promise.tag for promise in context.promises),
        findings=outcome.findings,
        suppressed=outcome.suppressed,
        not_judged=outcome.not_judged,
        broken=outcome.broken,
    )


class Outcome(Fact, frozen=True, kw_only=True):
    """What rules said of one subject, sorted, with the settings applied."""

    findings: tuple[Finding, ...] = ()
    suppressed: tuple[Suppressed, ...] = ()
    not_judged: tuple[NotJudged, ...] = ()
    broken: bool = False


def judge_release(
    release: ReleaseFacts,
    settings: Settings = DEFAULT,
    *,
    previous: ReleaseFacts | None = None,
    expected: Mapping[str, Sequence[str]] | None = None,
) -> Outcome:
    """The verdict on the wheels of a release as a set.

    `previous` is the release before, `expected` the matrix that the project means to serve: interpreter -> platforms
    (see `auditor.platforms.expected`). Never raises, as `judge`.
    """
    context = ReleaseContext(release, previous=previous, expected=expected, floors=settings.floors)
    return _run(
        (rule for rule in ALL_RULES if rule.of_release),
        lambda rule: rule.check(release, context),
        settings,
        Suppressor(settings, OF_A_RELEASE),
    )


def _run(
    rules: Iterable[Rule],
    check: Callable[[Rule], Iterable[Hit | NotJudged]],
    settings: Settings,
    suppressor: Suppressor,
) -> Outcome:
    """What the rules say that the settings let run, sorted out by the settings."""
    findings: list[Finding] = []
    not_judged: list[NotJudged] = []
    broken = False
    for rule in rules:
        if not settings.runs(rule):
            continue
        try:
            outcome = list(check(rule))
        except Exception as error:  # noqa: BLE001 -- one faulty rule must not hide what the others found
            not_judged.append(NotJudged(rule=rule.name, reason=f"the rule failed: {type(error).__name__}: {error}"))
            broken = True
            continue
        for one in outcome:
            if isinstance(one, NotJudged):
                not_judged.append(one)
            else:
                findings.append(_finding(rule, one, settings))
    standing, aside = suppressor.sort_out(findings)
    return Outcome(
        findings=standing,
        suppressed=aside,
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
