"""The JSON Schema of the report: made of the types, committed, and kept by every report."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from auditor import ReleaseReport
from auditor.knowledge import KNOWLEDGE
from auditor.report.json import render_json, render_jsonl
from auditor.report.schema import LINES, SCHEMA_FILE, schema_document
from tests.report.samples import HOSTILE, built, everything, hostile

SCHEMA = json.loads(schema_document())
WHOLE = Draft202012Validator(SCHEMA)
REPORTS = {"empty": ReleaseReport(wheels=()), "everything": everything(), "built": built()}
REPORTS |= {name: hostile(text) for name, text in HOSTILE.items()}


def test_the_committed_schema_is_that_of_the_types() -> None:
    """The file says what the types say: `wheel-audit schema > auditor/report/schema/report-1.json` brings it there."""
    assert SCHEMA_FILE.read_text("utf-8") == schema_document()


def test_it_is_a_schema() -> None:
    """It is one of draft 2020-12, has no address, and describes every object; each reference leads somewhere."""
    Draft202012Validator.check_schema(SCHEMA)
    assert "$id" not in SCHEMA
    definitions = SCHEMA["$defs"]
    assert all(one["description"] for one in definitions.values())
    assert all(one["title"] == name for name, one in definitions.items())
    text = schema_document()
    assert "Wire" not in text
    assert {one.split('"')[0] for one in text.split('"#/$defs/')[1:]} <= set(definitions)


@pytest.mark.parametrize("name", REPORTS)
def test_reports_keep_it(name: str) -> None:
    """Every report keeps it, whatever a wheel holds."""
    assert [one.message for one in WHOLE.iter_errors(json.loads(render_json(REPORTS[name], KNOWLEDGE)))] == []


@pytest.mark.parametrize("name", REPORTS)
def test_lines_keep_it(name: str) -> None:
    """The first line, each line of a wheel and the last keep their definitions."""
    head, *wheels, tail = (json.loads(line) for line in render_jsonl(REPORTS[name], KNOWLEDGE).splitlines())
    kinds = [LINES[0], *[LINES[1]] * len(wheels), LINES[2]]
    for kind, line in zip(kinds, [head, *wheels, tail], strict=True):
        validator = Draft202012Validator({**SCHEMA, "$ref": f"#/$defs/{kind}"})
        assert [one.message for one in validator.iter_errors(line)] == []


def _changed(*path: str | int, value: Any = None) -> dict[str, Any]:
    """A good report in which one thing is another, or is gone."""
    report: dict[str, Any] = copy.deepcopy(json.loads(render_json(everything(), {})))
    place: Any = report
    for step in path[:-1]:
        place = place[step]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return report


@pytest.mark.parametrize(
    "report",
    [
        _changed("schema", value=2),
        _changed("wheels"),
        _changed("unreadable"),
        _changed("wheels", 0, "verdict", value="maybe"),
        _changed("wheels", 0, "size", value=-1),
        _changed("wheels", 0, "findings", 0, "severity", value="fatal"),
        _changed("wheels", 0, "findings", 0, "pypi", value="?"),
        _changed("wheels", 0, "findings", 0, "help"),
        _changed("wheels", 0, "suppressed", 0, "reason"),
        _changed("release", "matrix", "rows", 0, "cells", 0, "floor", value=[1]),
        _changed("summary", "errors", value="1"),
    ],
)
def test_it_refuses_what_is_none(report: dict[str, Any]) -> None:
    """A report that breaks the contract in one place breaks the schema."""
    assert list(WHOLE.iter_errors(report))


def test_an_addition_is_no_breach() -> None:
    """A later version may add keys: whoever validates by this schema goes on."""
    assert not list(WHOLE.iter_errors(_changed("wheels", 0, "later", value=1)))
