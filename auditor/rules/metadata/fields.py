"""The fields of METADATA as rules look at them: what an upload sends, where it stands, and how much is shown."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from auditor.rules.rule import Evidence, Hit, NotJudged

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.facts.dist_info import Field, Metadata
    from auditor.facts.wheel import WheelFacts
    from auditor.rules.context import Context
    from auditor.rules.rule import Check

SHOWN = 20
"""Findings of one rule about one file: the rest is counted."""
JUDGED_MAX = 4096
"""Fields of one name that are parsed one by one: the largest METADATA known has 1,200 dependencies."""
LENGTH_MAX = 16 << 10
"""Characters of one field that are parsed: the longest requirement known has 400."""
_CUT = 200


def place(wheel: WheelFacts) -> str:
    """The member that metadata findings are about."""
    return f"{wheel.dist_info}/METADATA"


def fields_named(wheel: WheelFacts, *names: str) -> list[Field]:
    """The fields of these names, in their order in the file, as an upload sends them.

    PyPI drops the value `UNKNOWN`, and takes a field whose one value is empty for absent; of an empty `Project-URL`
    clients make a comma.
    """
    wanted = {name.lower() for name in names}
    fields = wheel.metadata.fields if wheel.metadata else ()
    found = [field for field in fields if field.name.lower() in wanted and field.value.strip() != "UNKNOWN"]
    if any(not field.value for field in found):
        counts: dict[str, int] = {}
        for field in found:
            counts[field.name.lower()] = counts.get(field.name.lower(), 0) + 1
        kept = {name for name, count in counts.items() if count > 1 or name == "project-url"}
        found = [field for field in found if field.value or field.name.lower() in kept]
    return found


def field_named(wheel: WheelFacts, name: str) -> Field | None:
    """The first field of a name, as an upload sends it."""
    return next(iter(fields_named(wheel, name)), None)


def parsed_fields(wheel: WheelFacts, *names: str) -> list[Field]:
    """The fields of these names that are parsed one by one: not too many, and none that is too long.

    What is left out is counted by `unjudged`.
    """
    return [field for field in fields_named(wheel, *names) if len(field.value) <= LENGTH_MAX][:JUDGED_MAX]


def unjudged(wheel: WheelFacts, rule: str, *names: str) -> Iterator[NotJudged]:
    """That some fields were not parsed."""
    rest = len(fields_named(wheel, *names)) - len(parsed_fields(wheel, *names))
    if rest:
        reason = f"{rest} of the fields {', '.join(f'`{name}`' for name in names)} are too long or too many to be read"
        yield NotJudged(rule=rule, reason=reason)


def capped(check: Check) -> Check:
    """A rule that gives at most `SHOWN` hits; a last one says how many more there are."""

    @functools.wraps(check)
    def first_ones(wheel: WheelFacts, context: Context) -> Iterator[Hit | NotJudged]:
        shown = more = 0
        last = None
        for one in check(wheel, context):
            if isinstance(one, NotJudged):
                yield one
            elif shown < SHOWN:
                shown += 1
                last = one
                yield one
            else:
                more += 1
        if last is not None and more:
            yield Hit(
                message=f"{more} more of the same kind, which are not listed",
                help=f"{last.help}; correct those that are listed, and audit again",
                member=last.member,
                severity=last.severity,
                pypi=last.pypi,
            )

    return first_ones


def cut(text: str) -> str:
    """As much of a text as a message shows."""
    return text if len(text) <= _CUT else f"{text[:_CUT]}..."


def line_evidence(field: Field) -> Evidence:
    """A field with its line."""
    where = f"line {field.line}: " if field.line else ""
    return Evidence(text=f"{where}`{cut(field.name)}: {cut(field.value)}`")


def field_evidence(metadata: Metadata, name: str) -> tuple[Evidence, ...]:
    """Every line of a field."""
    return tuple(line_evidence(field) for field in metadata.fields if field.name.lower() == name.lower())[:12]
