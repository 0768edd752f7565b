"""JSON, whole or a line at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from auditor.report import model

if TYPE_CHECKING:
    from auditor.findings import ReleaseReport


def render_json(report: ReleaseReport, knowledge: dict[str, str]) -> str:
    """One JSON document, indented, with a line break at its end."""
    encoded = msgspec.json.encode(model.wire_report(report, knowledge))
    return msgspec.json.format(encoded, indent=2).decode() + "\n"


def render_jsonl(report: ReleaseReport, knowledge: dict[str, str]) -> str:
    """A line with schema, tool and knowledge; a line a wheel; a line with release and summary."""
    head = {"schema": model.SCHEMA, "tool": model.Tool(), "knowledge": knowledge}
    tail = {"release": model.wire_release(report), "summary": model.summary(report)}
    rows: list[object] = [head, *(model.wire_wheel(one) for one in report.wheels), tail]
    return "".join(msgspec.json.encode(row).decode() + "\n" for row in rows)
