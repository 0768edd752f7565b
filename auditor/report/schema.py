"""The JSON Schema of the JSON report, made of the types of the wire model, and served by `wheel-audit schema`.

The committed copy, `schema/report-1.json` beside this file, is for whoever points an editor or a validator at it;
a test holds it against the types.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from auditor.report import model

SCHEMA_FILE = Path(__file__).with_name("schema") / f"report-{model.SCHEMA}.json"
"""The committed copy."""
LINES = ("Head", "Wheel", "Tail")
"""The definitions that a first line, a line of a wheel and a last line of `--format jsonl` keep."""


def schema_document() -> str:
    """The schema (draft 2020-12) as a JSON document that ends with a line break.

    It describes the whole report of `--format json`; a line of `--format jsonl` keeps one of `LINES` among its
    definitions.
    """
    _, components = msgspec.json.schema_components(
        [model.WireReport, model.WireHead, model.WireTail], ref_template="#/$defs/{name}"
    )
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The report of wheel-audit",
        "$ref": "#/$defs/WireReport",
        "$defs": components,
    }
    text = msgspec.json.format(msgspec.json.encode(document), indent=2).decode()
    # In the library the types say that they are the wire's; to a reader of the schema there are no others.
    return text.replace('"Wire', '"').replace("#/$defs/Wire", "#/$defs/") + "\n"
