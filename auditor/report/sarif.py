"""SARIF 2.1.0 (OASIS standard; section numbers below are its own): what code scanning reads.

A wheel is an artifact of bytes, so a result is about the whole of it, and the file within it is a logical location.
"""

from __future__ import annotations

import re
import string
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from auditor.findings import Severity
from auditor.report.identity import Identities, set_name
from auditor.report.json import document
from auditor.report.model import Tool, wire_evidence
from auditor.report.wording import PYPI_WORDS, printable
from auditor.rules import RULES_BY_NAME

if TYPE_CHECKING:
    from collections.abc import Iterable

    from auditor.findings import Finding, NotJudged, ReleaseReport, Report, Suppressed
    from auditor.rules import Rule

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_PLACEHOLDER = re.compile(r"\{(\d+)\}")
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")
_RELEASE = "release"
_MOST_LOCATIONS = 100
"""Of a result on the set: no host shows more of one result."""


def render_sarif(report: ReleaseReport, knowledge: dict[str, str]) -> str:
    """A log of one run, in ASCII, with a line break at its end.

    Findings are results, those that were set aside with their reason as justification; what could not be judged or
    read is a notification of the invocation.
    """
    return document(_Log(report).whole(knowledge))


class _Log:
    """The parts of the log, and the rules that they name."""

    def __init__(self, report: ReleaseReport) -> None:
        self._report = report
        self._rules: dict[str, int] = {}
        self._identities = Identities()

    def whole(self, knowledge: dict[str, str]) -> dict[str, Any]:
        """The log (3.13) with its run (3.14)."""
        tool = Tool()
        results: list[dict[str, Any]] = []
        notes = [_notification(one.message, "error", [_location(one.path)]) for one in self._report.unreadable]
        for wheel in self._report.wheels:
            results += self._results(wheel.findings, wheel.suppressed, wheel)
            notes += self._missed(wheel.not_judged, [_location(wheel.path)])
        results += self._results(self._report.findings, self._report.suppressed, None)
        notes += self._missed(self._report.not_judged, [])
        broken = self._report.broken or any(wheel.broken for wheel in self._report.wheels)
        driver = {
            "name": tool.name,
            "version": tool.version,
            "semanticVersion": tool.version,
            "rules": [_descriptor(name) for name in self._rules],
        }
        return {
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [
                {
                    "tool": {"driver": driver},
                    "invocations": [
                        {
                            "executionSuccessful": not (broken or self._report.unreadable),
                            "toolExecutionNotifications": notes,
                        }
                    ],
                    "artifacts": [_artifact(wheel) for wheel in self._artifacts()],
                    "results": results,
                    "properties": {"knowledge": knowledge},
                }
            ],
        }

    def _artifacts(self) -> list[Report]:
        """The wheels, each once: `artifacts` holds unique items (3.14.15)."""
        return list({uri(wheel.path): wheel for wheel in self._report.wheels}.values())

    def _index(self, rule: str) -> int:
        """The place of a rule among those of the log."""
        return self._rules.setdefault(rule, len(self._rules))

    def _results(
        self, findings: Iterable[Finding], suppressed: Iterable[Suppressed], wheel: Report | None
    ) -> list[dict[str, Any]]:
        """The results on one wheel, or on the wheels as a set."""
        rows = [self._result(finding, wheel) for finding in findings]
        for one in suppressed:
            row = self._result(one.finding, wheel)
            row["suppressions"] = [{"kind": "external", "justification": printable(one.reason)}]
            rows.append(row)
        return rows

    def _result(self, finding: Finding, wheel: Report | None) -> dict[str, Any]:
        """One result (3.27)."""
        if wheel is None:
            # A host takes no result without a place: that of a set is all of its wheels.
            locations = [_location(one.path) for one in self._report.wheels[:_MOST_LOCATIONS]]
        else:
            locations = [_location(wheel.path, finding.member)]
        if not locations:
            locations = [_location(_RELEASE)]
        fault, alone = self._identities.of(finding, wheel.filename if wheel is not None else set_name(self._report))
        return {
            "ruleId": finding.rule,
            "ruleIndex": self._index(finding.rule),
            "level": _LEVELS[finding.severity],
            "message": {"text": _message(finding)},
            "locations": locations,
            # The second is the one that GitHub tells alerts by; without it, it would hash the wheel's first bytes.
            "partialFingerprints": {"wheelAudit/v1": fault, "primaryLocationLineHash": alone},
            "properties": {
                "family": finding.family,
                "pypi": finding.pypi.value,
                "arch": finding.arch,
                "evidence": [msgspec.to_builtins(one) for one in wire_evidence(finding)],
            },
        }

    def _missed(self, missed: Iterable[NotJudged], places: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """A notification (3.58) for each thing that could not be judged."""
        rows = []
        for one in missed:
            row = _notification(f"not judged: {one.reason}", "warning", places)
            row["associatedRule"] = {"id": one.rule, "index": self._index(one.rule)}
            rows.append(row)
        return rows


def _notification(text: str, level: str, places: list[dict[str, Any]]) -> dict[str, Any]:
    """What happened while the tool ran, and where."""
    row: dict[str, Any] = {"message": {"text": _plain(text)}, "level": level}
    return {**row, "locations": places} if places else row


def _message(finding: Finding) -> str:
    """What is wrong, and below it what PyPI does and what to do."""
    said = [finding.message, PYPI_WORDS.get(finding.pypi, ""), finding.help]
    return "\n\n".join(_plain(one) for one in said if one)


def _plain(text: str) -> str:
    """A text in which nothing reads as a placeholder (3.11.5) or as a link (3.11.6): a name is but a name."""
    text = _PLACEHOLDER.sub(r"{{\1}}", printable(text))
    return text.replace("[", r"\[") if "](" in text else text


def _artifact(wheel: Report) -> dict[str, Any]:
    """A wheel as an artifact (3.24)."""
    row: dict[str, Any] = {"location": {"uri": uri(wheel.path)}, "length": wheel.size, "roles": ["analysisTarget"]}
    if wheel.sha256:
        row["hashes"] = {"sha-256": wheel.sha256}
    return row


def _location(path: str, member: str | None = None) -> dict[str, Any]:
    """A wheel (3.29), and where a file of it is meant, that file as a logical location (3.33)."""
    # A wheel has no lines; GitHub takes no result whose location has none.
    place: dict[str, Any] = {"physicalLocation": {"artifactLocation": {"uri": uri(path)}, "region": {"startLine": 1}}}
    if member is not None:
        name = path.replace("\\", "/").rpartition("/")[2]
        place["logicalLocations"] = [
            {"fullyQualifiedName": printable(f"{name}!/{member}"), "name": printable(member), "kind": "member"}
        ]
    return place


def uri(path: str) -> str:
    """A path as a URI reference (RFC 3986): relative as it was given, or with the scheme `file`."""
    drive = _DRIVE.match(path) is not None
    # A backslash parts the folders of a Windows path; in the name of a file elsewhere it is a letter.
    spelled = path.replace("\\", "/") if drive or "/" not in path else path
    try:
        encoded = spelled.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        encoded = spelled.encode("utf-8", "backslashreplace")
    if drive:
        return f"file:///{spelled[0]}:{quote(encoded[2:])}"
    if spelled.startswith("/"):
        return f"{'file:' if spelled.startswith('//') else 'file://'}{quote(encoded)}"
    return quote(encoded)


def _descriptor(name: str) -> dict[str, Any]:
    """A rule (3.49), with its documentation."""
    rule = RULES_BY_NAME.get(name)
    if rule is None:
        return {"id": name}
    return {
        "id": name,
        "name": string.capwords(name, "-").replace("-", ""),
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": _section(rule, "Why it matters") or rule.summary},
        "help": {"text": rule.documentation.replace("**", ""), "markdown": rule.documentation},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {
            "tags": [rule.family],
            "problem.severity": {"error": "error", "warning": "warning"}.get(rule.severity.value, "recommendation"),
        },
    }


def _section(rule: Rule, title: str) -> str:
    """One section of a rule's documentation on one line; empty where it has none."""
    _, _, rest = rule.documentation.partition(f"**{title}.**")
    return " ".join(re.split(r"\n\s*\n(?=\*\*)", rest, maxsplit=1)[0].split())
