"""The judge: every rule over the facts, settings applied, sorted, and no rule can stop it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from auditor import ALL_RULES, Evidence, NotJudged, PyPIAnswer, Rule, Settings, Severity, judge, read_wheel
from auditor.rules import Hit
from tests.builders import build_wheel
from tests.cli.command import fixture

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor import WheelFacts
    from auditor.rules.context import Context
    from auditor.rules.rule import Check

BUILT = build_wheel()
FACTS = read_wheel(BUILT.data, filename=BUILT.filename)
BAD = read_wheel(fixture("cp313-cp313-win_amd64", "bad"))


def made(name: str, *outcome: Hit | NotJudged | Exception, severity: Severity = Severity.WARNING) -> Rule:
    """A rule that always says this."""

    def check(_wheel: WheelFacts, _context: Context) -> Iterator[Hit | NotJudged]:
        for one in outcome:
            if isinstance(one, Exception):
                raise one
            yield one

    ready: Check = check
    return Rule(name, severity=severity, pypi=PyPIAnswer.ACCEPT, since="0.1", check=ready)


@pytest.fixture
def rules(monkeypatch: pytest.MonkeyPatch) -> list[Rule]:
    """The rules that the judge runs, to be filled by the test."""
    chosen: list[Rule] = []
    monkeypatch.setattr(sys.modules["auditor.judge"], "ALL_RULES", chosen)
    return chosen


def test_a_clean_wheel_passes() -> None:
    """The smallest good wheel has no finding, and all that was asked could be judged."""
    report = judge(FACTS)
    assert (report.verdict, report.findings, report.suppressed, report.not_judged) == ("pass", (), (), ())
    assert not report.broken


def test_the_report_names_the_wheel() -> None:
    """Path, file name, digest, size and expanded tags are those of the facts."""
    report = judge(BAD)
    assert (report.path, report.filename) == (BAD.path, BAD.filename)
    assert (report.sha256, report.size) == (BAD.sha256, BAD.size)
    assert report.tags == ("cp313-cp313-win_amd64",)
    assert report.failed


def test_judging_again_says_the_same() -> None:
    """A report is a function of the facts and the settings."""
    assert judge(BAD) == judge(BAD)
    assert judge(BAD, Settings(fail_on=None)) != judge(BAD)


def test_a_hit_becomes_a_finding(rules: list[Rule]) -> None:
    """A rule's name, family, severity and answer of PyPI are added, unless the hit has its own."""
    evidence = (Evidence(text="e"),)
    rules.append(made("a-rule", Hit(message="m", help="h", member="x", arch="arm64", evidence=evidence)))
    rules.append(made("b-rule", Hit(message="m", help="h", severity=Severity.ERROR, pypi=PyPIAnswer.MAIL)))
    own, plain = judge(FACTS).findings
    assert (plain.rule, plain.family) == ("a-rule", "tests")
    assert (plain.severity, plain.pypi) == (Severity.WARNING, PyPIAnswer.ACCEPT)
    assert (plain.message, plain.help, plain.member, plain.arch, plain.evidence) == ("m", "h", "x", "arm64", evidence)
    assert (own.rule, own.severity, own.pypi) == ("b-rule", Severity.ERROR, PyPIAnswer.MAIL)


def test_findings_are_sorted(rules: list[Rule]) -> None:
    """Errors come first, then the order is that of rule, member and message, whatever the rules yield."""
    rules.append(made("b", Hit(message="2", help=""), Hit(message="1", help=""), Hit(message="0", help="", member="z")))
    rules.append(made("a", Hit(message="3", help=""), severity=Severity.INFO))
    rules.append(made("c", NotJudged(rule="c", reason="2"), NotJudged(rule="c", reason="1")))
    rules.append(made("d", Hit(message="4", help=""), severity=Severity.ERROR))
    report = judge(FACTS)
    assert [one.message for one in report.findings] == ["4", "1", "2", "0", "3"]
    assert [one.reason for one in report.not_judged] == ["1", "2"]


def test_a_failing_rule_is_not_judged(rules: list[Rule]) -> None:
    """A rule that raises loses its findings, says so, and marks the report as broken; the others stand."""
    rules.append(made("a", Hit(message="lost", help=""), RuntimeError("oh")))
    rules.append(made("b", Hit(message="kept", help=""), severity=Severity.ERROR))
    report = judge(FACTS)
    assert [one.message for one in report.findings] == ["kept"]
    assert report.not_judged == (NotJudged(rule="a", reason="the rule failed: RuntimeError: oh"),)
    assert report.broken
    assert report.failed


def test_an_ignored_rule_that_fails_is_still_said(rules: list[Rule], monkeypatch: pytest.MonkeyPatch) -> None:
    """To ignore a rule's findings does not hide that it failed."""
    rules.append(made("a", RuntimeError("oh")))
    monkeypatch.setattr("auditor.settings.RULES_BY_NAME", {"a": rules[0]})
    assert judge(FACTS, Settings(ignore=("a",))).broken


def test_ignored_findings_are_suppressed() -> None:
    """An ignored finding keeps its words, has a reason, and neither counts nor fails."""
    report = judge(BAD, Settings(ignore=("layout", "extension-suffix-mismatch")))
    assert not report.failed
    assert [one.rule for one in report.findings] == ["sbom-missing"]
    assert [(one.finding.rule, one.reason) for one in report.suppressed] == [
        ("extension-suffix-mismatch", "`extension-suffix-mismatch` is ignored"),
        ("wheel-tag-mismatch", "`layout` is ignored"),
    ]
    assert {one.finding for one in report.suppressed} == set(judge(BAD).findings) - set(report.findings)


def test_only_selected_rules_run(rules: list[Rule], monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule that is not selected is not even called."""
    rules.extend((made("a", RuntimeError("called")), made("b", Hit(message="m", help=""))))
    monkeypatch.setattr("auditor.settings.RULES_BY_NAME", {"a": rules[0], "b": rules[1]})
    report = judge(FACTS, Settings(select=("b",)))
    assert not report.broken
    assert [one.rule for one in report.findings] == ["b"]


def test_each_rule_alone_says_what_it_says_among_all() -> None:
    """Rules do not depend on one another: selected alone, each finds what it finds among all."""
    for name in ("my_extension", "renamed"):
        facts = BAD if name == "my_extension" else read_wheel(BUILT.data, filename="other-2.0-cp39-abi3-win32.whl")
        whole = judge(facts)
        for rule in ALL_RULES:
            alone = judge(facts, Settings(select=(rule.name,)))
            assert alone.findings == tuple(one for one in whole.findings if one.rule == rule.name)
