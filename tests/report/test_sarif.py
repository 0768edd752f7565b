"""SARIF: against OASIS's schema, and against what code hosts ask of it beyond the schema."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator, FormatChecker

from auditor import ReleaseReport, Severity
from auditor.report.sarif import render_sarif, uri
from auditor.rules import RULES_BY_NAME
from tests.report.fetch import SARIF_SCHEMA
from tests.report.samples import HOSTILE, built, everything, finding, hostile, wheel

FOLDER = os.environ.get("WHEEL_AUDIT_SCHEMAS")
REPORTS = {
    "empty": ReleaseReport(wheels=()),
    "everything": everything(),
    "no wheel": ReleaseReport(wheels=(), findings=(finding(),)),
    **{name: hostile(text) for name, text in HOSTILE.items()},
}


def log(report: ReleaseReport) -> dict[str, Any]:
    """The run of the log."""
    whole = json.loads(render_sarif(report, {"table": "2026-01-01"}))
    assert whole["version"] == "2.1.0"
    (run,) = whole["runs"]
    found: dict[str, Any] = run
    return found


@pytest.mark.skipif(
    FOLDER is None and not os.environ.get("CI"),
    reason="WHEEL_AUDIT_SCHEMAS names no folder: python -m tests.report.fetch DIR",
)
@pytest.mark.parametrize("name", [*REPORTS, "built"])
def test_the_schema_of_oasis(name: str) -> None:
    """Every log keeps the schema of SARIF 2.1.0, whatever a wheel holds."""
    assert FOLDER is not None, "in CI the schema is fetched first, and WHEEL_AUDIT_SCHEMAS names its folder"
    schema = json.loads((Path(FOLDER) / SARIF_SCHEMA).read_text("utf-8"))
    report = built() if name == "built" else REPORTS[name]
    validator = Draft7Validator(schema, format_checker=FormatChecker())
    assert [one.message for one in validator.iter_errors(json.loads(render_sarif(report, {})))] == []
    assert list(validator.iter_errors({"version": "2.1.0", "runs": [{}]})), "the schema must be able to refuse"


def test_each_result_names_its_rule_by_its_place() -> None:
    """`ruleIndex` leads to the rule of `ruleId`, also from a notification; each rule stands there once."""
    run = log(built())
    rules = [one["id"] for one in run["tool"]["driver"]["rules"]]
    assert len(rules) == len(set(rules)) > 3
    assert all(rules[one["ruleIndex"]] == one["ruleId"] for one in run["results"])
    for note in log(everything())["invocations"][0]["toolExecutionNotifications"][1:]:
        assert (
            note["associatedRule"]["id"]
            == log(everything())["tool"]["driver"]["rules"][note["associatedRule"]["index"]]["id"]
        )


def test_a_rule_is_documented() -> None:
    """A rule has its first line, its help in both forms and its severity; help names each section once."""
    rule = RULES_BY_NAME["zip-crc"]
    found = next(one for one in log(everything())["tool"]["driver"]["rules"] if one["id"] == "zip-crc")
    assert found["shortDescription"]["text"] == rule.summary
    assert found["help"]["markdown"] == rule.documentation
    assert "**" not in found["help"]["text"]
    assert "How to fix" in found["help"]["text"]
    assert found["fullDescription"]["text"] in " ".join(rule.documentation.split())
    assert found["defaultConfiguration"] == {"level": "error"}
    assert found["properties"]["tags"] == ["archive"]


def test_levels_suppressions_and_notifications() -> None:
    """Severities become levels; what was set aside is a result with its reason; what was not seen is a notification."""
    run = log(everything())
    assert [one["level"] for one in run["results"]] == [
        "error",
        "error",
        "warning",
        "note",
        "error",
        "error",
        "warning",
    ]
    reasons = [one["suppressions"][0]["justification"] for one in run["results"] if "suppressions" in one]
    assert reasons == ["`zip-bomb` is known, see #1", "not now"]
    (invocation,) = run["invocations"]
    notes = invocation["toolExecutionNotifications"]
    assert [one["level"] for one in notes] == ["error", "warning", "warning"]
    assert [one["message"]["text"] for one in notes][1:] == [
        "not judged: too large",
        "not judged: no `Requires-Python`",
    ]
    assert not invocation["executionSuccessful"]


@pytest.mark.parametrize("broken", [False, True])
def test_a_rule_that_failed_is_no_success(broken: bool) -> None:
    """A wheel with findings is a success of the tool; a rule that failed by itself is not."""
    for report in (ReleaseReport(wheels=(wheel(broken=broken),)), ReleaseReport(wheels=(wheel(),), broken=broken)):
        assert log(report)["invocations"][0]["executionSuccessful"] is not broken


def test_places() -> None:
    """A result is about a wheel, by its path as a URI, and about a file in it as a logical location."""
    result, *_ = log(everything())["results"]
    (place,) = result["locations"]
    assert place["physicalLocation"]["artifactLocation"]["uri"] == "dist/demo-1.0-py3-none-any.whl"
    assert place["logicalLocations"][0]["fullyQualifiedName"] == "demo-1.0-py3-none-any.whl!/a.so"
    of_set = next(one for one in log(everything())["results"] if one["ruleId"] == "matrix-hole")
    assert len(of_set["locations"]) == 2
    assert "hashes" not in log(ReleaseReport(wheels=(wheel(sha256=""),)))["artifacts"][0]
    assert log(everything())["artifacts"][0]["hashes"] == {"sha-256": "0" * 64}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("dist/a b.whl", "dist/a%20b.whl"),
        ("./dist/x:y%.whl", "./dist/x%3Ay%25.whl"),
        ("C:\\dist\\é.whl", "file:///C:/dist/%C3%A9.whl"),
        ("C:/dist/a.whl", "file:///C:/dist/a.whl"),
        ("dist\\x.whl", "dist/x.whl"),
        ("dist/x\\y.whl", "dist/x%5Cy.whl"),
        ("/abs/x.whl", "file:///abs/x.whl"),
        ("\\\\server\\share\\x.whl", "file://server/share/x.whl"),
        ("\udcff.whl", "%FF.whl"),
        ("\ud800.whl", "%5Cud800.whl"),
    ],
)
def test_a_path_becomes_a_uri(path: str, expected: str) -> None:
    """A path of either kind of system is a URI reference that names the same file."""
    assert uri(path) == expected


def test_identities() -> None:
    """The same fault is known again in the next version; in one log no two results are alike."""
    first = ReleaseReport(wheels=(wheel(finding(), finding()),))
    second = ReleaseReport(wheels=(wheel(finding("other words"), filename="demo-2.0-py3-none-any.whl"),))
    old, twin = (one["partialFingerprints"] for one in log(first)["results"])
    (new,) = (one["partialFingerprints"] for one in log(second)["results"])
    assert old == new
    assert old["wheelAudit/v1"] == twin["wheelAudit/v1"]
    assert old["primaryLocationLineHash"] != twin["primaryLocationLineHash"]
    every = [one["partialFingerprints"]["primaryLocationLineHash"] for one in log(built())["results"]]
    assert len(every) == len(set(every))


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ("`{0}` and `{name}`", "`{{0}}` and `{name}`"),
        ("[here](http://evil.example/)", "\\[here](http://evil.example/)"),
        ("`fastapi[all]` (x)", "`fastapi[all]` (x)"),
        ("a\nb\u202e", "a\\nb\\u202e"),
    ],
)
def test_a_name_is_but_a_name(message: str, text: str) -> None:
    """Nothing in a message reads as a placeholder, a link or a control character."""
    (result,) = log(ReleaseReport(wheels=(wheel(finding(message, help="")),)))["results"]
    assert result["message"]["text"] == text


def test_an_unknown_rule() -> None:
    """A rule that this version does not have is named and nothing more."""
    run = log(ReleaseReport(wheels=(wheel(finding(rule="gone", severity=Severity.INFO)),)))
    assert run["tool"]["driver"]["rules"] == [{"id": "gone"}]
