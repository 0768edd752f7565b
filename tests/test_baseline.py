"""The baseline: what is written, what it sets aside, what is new, and what is there no more."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from auditor import ConfigError, PathNotFoundError, Settings, Severity, audit, audit_release
from auditor.baseline import baseline_document, read_baseline
from auditor.findings import BaselineEntry, Evidence, Finding, PyPIAnswer, ReleaseReport
from auditor.fingerprint import fingerprint
from auditor.suppression import BASELINE_REASON, Suppressor
from tests.cli.command import fixture, wheel_audit

if TYPE_CHECKING:
    from pathlib import Path

BAD = fixture("cp313-cp313-win_amd64", "bad")
OTHER = fixture("cp39-abi3-manylinux2014_x86_64.manylinux_2_17_x86_64", "bad")
NAME = "demo-1.0-py3-none-any.whl"


def finding(rule: str = "record-hash-mismatch", message: str = "m", member: str | None = "demo/a.py") -> Finding:
    """A finding."""
    return Finding(
        rule=rule, family="record", severity=Severity.ERROR, pypi=PyPIAnswer.ACCEPT, message=message, member=member
    )


def entries(report: ReleaseReport, folder: Path) -> tuple[BaselineEntry, ...]:
    """The entries that a report is written as, read again."""
    path = folder / "baseline.json"
    path.write_text(baseline_document(report), newline="\r\n")
    return read_baseline(str(path))


def test_todays_findings_are_set_aside(tmp_path: Path) -> None:
    """With the baseline of a run the same run passes; all of it stays in the report with its reason."""
    before = audit_release([BAD, OTHER])
    assert before.failed
    settings = Settings(baseline=entries(before, tmp_path))
    after = audit_release([BAD, OTHER], settings=settings)
    assert not after.failed
    assert after.findings == ()
    for old, new in zip(before.wheels, after.wheels, strict=True):
        assert new.findings == ()
        assert [one.finding for one in new.suppressed] == list(old.findings)
        assert {one.reason for one in new.suppressed} == {BASELINE_REASON}
    assert after.unmatched_baseline == ()
    # Written again under itself, it is the same.
    assert baseline_document(after) == baseline_document(before)


def test_a_new_finding_stands(tmp_path: Path) -> None:
    """What is not in the baseline fails as ever."""
    known = audit_release([OTHER])
    report = audit_release([OTHER, BAD], settings=Settings(baseline=entries(known, tmp_path)))
    assert [bool(one.failed) for one in report.wheels] == [False, True]
    assert report.wheels[1].findings


def test_entries_that_meet_nothing_are_told(tmp_path: Path) -> None:
    """An entry whose finding is gone is told, but not where its rule did not run, or where an ignore met it first."""
    both = entries(audit_release([BAD, OTHER]), tmp_path)
    report = audit_release([OTHER], settings=Settings(baseline=both))
    gone = {one.rule for one in report.unmatched_baseline}
    assert {"extension-suffix-mismatch", "wheel-tag-mismatch"} <= gone
    assert "glibc-newer-than-tag" not in gone
    narrow = audit_release([OTHER], settings=Settings(baseline=both, select=("wheel-tag-mismatch",)))
    assert [one.rule for one in narrow.unmatched_baseline] == ["wheel-tag-mismatch"]
    ignored = Settings(baseline=both, ignore=("glibc-newer-than-tag",))
    assert "glibc-newer-than-tag" not in {
        one.rule for one in audit_release([OTHER], settings=ignored).unmatched_baseline
    }


def test_findings_that_are_alike_are_counted() -> None:
    """One more of what is in the baseline is new: the count is the most that one wheel had."""
    alike = [finding(message=str(number)) for number in range(3)]
    known = BaselineEntry(fingerprint=fingerprint(alike[0], NAME), rule="record-hash-mismatch", count=2)
    settings = Settings(baseline=(known,))
    standing, aside = Suppressor(settings, NAME).sort_out(alike)
    assert ([one.message for one in standing], len(aside)) == (["2"], 2)
    assert Suppressor(settings, NAME).sort_out(alike[:2])[0] == ()


def test_the_document(tmp_path: Path) -> None:
    """It is sorted, in ASCII, the same whatever the order of the wheels, and says what it is about."""
    first = audit_release([BAD, OTHER])
    text = baseline_document(first)
    assert text.isascii()
    assert text.endswith("}\n")
    assert text == baseline_document(ReleaseReport(wheels=first.wheels[::-1], findings=first.findings))
    rows = json.loads(text)["findings"]
    assert rows == sorted(rows, key=lambda one: (one["rule"], one["fingerprint"]))
    row = next(one for one in rows if one["rule"] == "glibc-newer-than-tag")
    assert list(row) == ["fingerprint", "rule", "count", "hint"]
    assert "needs glibc 2.34" in row["hint"]
    assert str(tmp_path) not in text
    assert baseline_document(ReleaseReport(wheels=())) == '{\n  "schema": 1,\n  "findings": []\n}\n'


def test_counts_and_ignores_in_the_document() -> None:
    """A count is of one wheel; what another setting set aside is not written."""
    report = audit(BAD, settings=Settings(ignore=("layout",)))
    rows = json.loads(baseline_document(ReleaseReport(wheels=(report, report))))["findings"]
    assert {one["count"] for one in rows} == {1}
    assert "wheel-tag-mismatch" not in {one["rule"] for one in rows}
    evidence = (Evidence(text="\udcff"),)
    odd = Finding(
        rule="a", family="b", severity=Severity.INFO, pypi=PyPIAnswer.ACCEPT, message="\udcff", evidence=evidence
    )
    assert json.loads(baseline_document(ReleaseReport(wheels=(), findings=(odd, odd))))["findings"][0]["count"] == 2


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "it is no baseline: "),
        (b"[]", "it is no baseline: "),
        (b'{"schema": 1}', "it is no baseline: "),
        (b'{"schema": 1, "findings": [{"fingerprint": 1, "rule": "a"}]}', "it is no baseline: "),
        (b'{"schema": 1, "findings": [{"fingerprint": "1", "rule": "a", "x": 1}]}', "it is no baseline: "),
        (b'{"schema": 2, "findings": []}', "it is a baseline of schema 2; this version reads schema 1"),
        (b"\xff\xfe", "it is not UTF-8: "),
        (b"[" * 100_000, "it is no baseline: "),
    ],
)
def test_what_is_no_baseline(content: bytes, problem: str, tmp_path: Path) -> None:
    """A file of another kind is an error that names it."""
    path = tmp_path / "b.json"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as raised:
        read_baseline(str(path))
    assert str(raised.value).startswith(f"`{path}`: {problem}")
    with pytest.raises(PathNotFoundError):
        read_baseline(str(tmp_path / "missing.json"))


def test_the_commands(tmp_path: Path) -> None:
    """--write-baseline writes and keeps the verdict; --baseline makes the next run green and tells what is gone."""
    written = wheel_audit("--isolated", "--write-baseline", "b.json", BAD, folder=tmp_path)
    assert (written.status, written.errors) == (1, "")
    assert written.output == wheel_audit("--isolated", BAD).output
    accepted = wheel_audit("--baseline", "b.json", BAD, folder=tmp_path)
    assert (accepted.status, accepted.errors) == (0, "")
    assert "suppressed (--verbose shows them)" in accepted.output
    good = fixture("cp311-cp311-win_amd64")
    gone = wheel_audit("--baseline", "b.json", good, folder=tmp_path)
    assert gone.status == 0
    assert "note: the baseline's entry `wheel-tag-mismatch`" in gone.output
    summary = json.loads(wheel_audit("--baseline", "b.json", "--format", "json", good, folder=tmp_path).output)[
        "summary"
    ]
    assert "wheel-tag-mismatch" in {one["rule"] for one in summary["unmatched_baseline"]}
    missing = wheel_audit("--baseline", "missing.json", good, folder=tmp_path)
    assert (missing.status, missing.output, missing.errors) == (2, "", "error: `missing.json` does not exist\n")
    nowhere = wheel_audit("--write-baseline", "no/b.json", good, folder=tmp_path)
    assert (nowhere.status, nowhere.output) == (2, "")
