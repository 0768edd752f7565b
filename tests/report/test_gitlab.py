"""GitLab's Code Quality report, held to the form that its documentation states."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from auditor import ReleaseReport
from auditor.report.gitlab import render_gitlab
from tests.report.samples import HOSTILE, built, everything, finding, hostile, wheel


def rows(report: ReleaseReport) -> list[dict[str, Any]]:
    """The objects of the report, each of which has the form."""
    found: list[dict[str, Any]] = json.loads(render_gitlab(report))
    for one in found:
        assert list(one) == ["description", "check_name", "fingerprint", "severity", "location"]
        assert one["severity"] in {"info", "minor", "major", "critical", "blocker"}
        assert one["description"].isprintable()
        assert one["location"] == {"path": one["location"]["path"], "lines": {"begin": 1}}
        assert not one["location"]["path"].startswith("./")
        assert re.fullmatch("[0-9a-f]{32}(:[0-9]+)?", one["fingerprint"])
    return found


def test_one_of_each() -> None:
    """Severities are GitLab's; nothing that was suppressed is there."""
    assert [(one["check_name"], one["severity"]) for one in rows(everything())] == [
        ("unreadable", "blocker"),
        ("matrix-hole", "critical"),
        ("matrix-hole", "info"),
        ("zip-crc", "critical"),
        ("record-self", "blocker"),
        ("debug-info", "major"),
        ("abi3-possible", "info"),
        ("zip-crc", "info"),
    ]


def test_one_finding() -> None:
    """What is wrong and what to do, and where."""
    (row,) = rows(ReleaseReport(wheels=(wheel(finding(), path="./dist/x.whl"),)))
    assert row["description"] == "`a.so` is broken; mend it with `tool`"
    assert row["location"]["path"] == "dist/x.whl"


@pytest.mark.parametrize("report", [built(), everything(), ReleaseReport(wheels=(wheel(*[finding()] * 3),))])
def test_no_two_are_alike(report: ReleaseReport) -> None:
    """GitLab shows of two findings with one fingerprint only one, so no two have the same."""
    found = [one["fingerprint"] for one in rows(report)]
    assert len(found) == len(set(found))


def test_the_next_version_is_known_again() -> None:
    """A fault keeps its fingerprint in the next version's wheel, and has another in a wheel with other tags."""

    def given(filename: str) -> str:
        (row,) = rows(ReleaseReport(wheels=(wheel(finding(), filename=filename),)))
        found: str = row["fingerprint"]
        return found

    assert given("demo-1.0-cp312-cp312-win_amd64.whl") == given("demo-2.0-cp312-cp312-win_amd64.whl")
    assert given("demo-1.0-cp312-cp312-win_amd64.whl") != given("demo-1.0-cp313-cp313-win_amd64.whl")


def test_the_set_of_wheels() -> None:
    """A finding on the set stands at the first wheel, for the host wants a path."""
    report = ReleaseReport(wheels=(wheel(),), findings=(finding(),))
    assert rows(report)[0]["location"]["path"] == "dist/demo-1.0-py3-none-any.whl"
    assert rows(ReleaseReport(wheels=(), findings=(finding(),)))[0]["location"]["path"] == "release"
    assert rows(ReleaseReport(wheels=())) == []


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_names(text: str) -> None:
    """Any name gives the same rows, in ASCII and bounded."""
    assert [one["check_name"] for one in rows(hostile(text))] == [one["check_name"] for one in rows(hostile("plain"))]
    assert render_gitlab(hostile(text)).isascii()
    assert all(len(one["description"]) <= 3000 for one in rows(hostile(text)))
