"""JSON, whole or a line at a time.

Everything outside of ASCII is written as `\\uXXXX`: the same bytes come out whatever the console's encoding is, and no
name in a wheel can write to a terminal.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from auditor.report import model

if TYPE_CHECKING:
    from auditor.facts.wheel import WheelFacts
    from auditor.findings import ReleaseReport
    from auditor.loading.model import Resolution

_BEYOND_ASCII = re.compile("[\x7f-\U0010ffff]")


def render_json(report: ReleaseReport, knowledge: dict[str, str]) -> str:
    """One JSON document, indented, with a line break at its end."""
    return document(model.wire_report(report, knowledge))


def render_jsonl(report: ReleaseReport, knowledge: dict[str, str]) -> str:
    """A line with schema, tool and knowledge; a line a wheel; a line with all else."""
    head = model.WireHead(schema=model.SCHEMA, tool=model.Tool(), knowledge=knowledge)
    tail = model.WireTail(
        unreadable=model.wire_unreadable(report), release=model.wire_release(report), summary=model.summary(report)
    )
    rows: list[object] = [head, *(model.wire_wheel(one) for one in report.wheels), tail]
    return "".join(_escaped(_encoded(row)) + "\n" for row in rows)


def document(value: object) -> str:
    """A record or a container of them as one JSON document, indented, with a line break at its end."""
    return _escaped(msgspec.json.format(_encoded(value), indent=2)) + "\n"


def facts_document(facts: WheelFacts, resolutions: tuple[Resolution, ...]) -> str:
    """The facts of one wheel as a JSON document, with the loading of its native files under `loading`."""
    whole: dict[str, object] = msgspec.to_builtins(facts)
    if resolutions:
        whole["loading"] = msgspec.to_builtins(resolutions)
    return document(whole)


def _encoded(value: object) -> bytes:
    """The value as JSON on one line."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        # A file name that is not UTF-8 reaches us with lone surrogates (PEP 383), which no JSON text can hold.
        return msgspec.json.encode(_without_surrogates(msgspec.to_builtins(value)))


def _without_surrogates(value: object) -> object:
    """The same value with each lone surrogate spelled out, as the text report does."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {key: _without_surrogates(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_surrogates(one) for one in value]
    return value


def _escaped(encoded: bytes) -> str:
    """JSON in ASCII alone: what lies beyond stands within strings, where the two spellings mean the same."""
    return _BEYOND_ASCII.sub(_escape, encoded.decode())


def _escape(found: re.Match[str]) -> str:
    r"""One character as `\uXXXX`, or as a pair of them beyond the first plane (RFC 8259, section 7)."""
    units = found[0].encode("utf-16-be")
    return "".join(f"\\u{units[at] << 8 | units[at + 1]:04x}" for at in range(0, len(units), 2))
