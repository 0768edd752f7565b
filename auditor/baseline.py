"""The baseline: a file with the findings that a project lives with for now, so that new ones alone fail.

{"schema": 1, "findings": [{"fingerprint": "9f86...", "rule": "sbom-missing", "count": 1, "hint": "..."}]}
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from auditor.config import read_text
from auditor.errors import ConfigError
from auditor.findings import BaselineEntry
from auditor.fingerprint import fingerprint
from auditor.report.json import document
from auditor.suppression import BASELINE_REASON, OF_A_RELEASE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.findings import Finding, ReleaseReport, Suppressed

SCHEMA = 1


class _Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry, as the file has it."""

    fingerprint: str
    rule: str
    count: int = 1
    hint: str = ""


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file."""

    schema: int
    findings: list[_Entry]


def read_baseline(path: str) -> tuple[BaselineEntry, ...]:
    """The entries of a baseline file, each fingerprint once.

    Raises `PathNotFoundError`, and `ConfigError` for what is no baseline. A rule that there is not (any more) is no
    error: no finding matches its entry, which is then told.
    """
    try:
        file = msgspec.json.decode(read_text(path), type=_File)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ConfigError(path, f"it is no baseline: {error}") from error
    if file.schema != SCHEMA:
        raise ConfigError(path, f"it is a baseline of schema {file.schema}; this version reads schema {SCHEMA}")
    entries = {
        one.fingerprint: BaselineEntry(fingerprint=one.fingerprint, rule=one.rule, count=one.count, hint=one.hint)
        for one in file.findings
    }
    return tuple(entries.values())


def baseline_document(report: ReleaseReport) -> str:
    """The baseline with which all that stands in the report would be set aside, as JSON in ASCII.

    Sorted by rule and fingerprint, with a line for each value, so that two of them can be compared line by line. What
    a baseline set aside stays in it; what another setting set aside is left out.
    """
    counts: Counter[str] = Counter()
    hints: dict[str, tuple[str, str]] = {}
    for filename, findings in _subjects(report):
        here: Counter[str] = Counter()
        for finding in findings:
            known = fingerprint(finding, filename)
            here[known] += 1
            # One of several messages, whatever the order of the wheels.
            hints[known] = min(hints.get(known, (finding.rule, finding.message)), (finding.rule, finding.message))
        # The wheels of one project share their entries: an entry counts the most that one wheel has.
        counts |= here
    entries = [
        _Entry(fingerprint=known, rule=rule, count=counts[known], hint=hint) for known, (rule, hint) in hints.items()
    ]
    return document(_File(schema=SCHEMA, findings=sorted(entries, key=lambda one: (one.rule, one.fingerprint))))


def _subjects(report: ReleaseReport) -> Iterator[tuple[str, list[Finding]]]:
    """(what the fingerprints are made with, findings) of each wheel and of the release."""
    for wheel in report.wheels:
        yield wheel.filename, _lived_with(wheel.findings, wheel.suppressed)
    yield OF_A_RELEASE, _lived_with(report.findings, report.suppressed)


def _lived_with(findings: tuple[Finding, ...], suppressed: tuple[Suppressed, ...]) -> list[Finding]:
    """What stands, and what the baseline of this run set aside."""
    return [*findings, *(one.finding for one in suppressed if one.reason == BASELINE_REASON)]
