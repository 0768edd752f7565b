"""Workflow commands of GitHub Actions: an annotation on the run for each finding, as far as GitHub shows them.

The form is `::error title=...,file=...::message` on a line of standard output (GitHub's "Workflow commands").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.findings import Severity
from auditor.report.model import summary
from auditor.report.wording import PYPI_WORDS, counted, headline, idle_settings, shown, slashed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.findings import Finding, ReleaseReport

MOST = 10
"""Annotations of each type that GitHub shows of one step; it drops the rest without a word."""
_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}
_EVIDENCE_SHOWN = 5
_LONGEST_HELP = 1000


def render_github(report: ReleaseReport) -> str:
    """The annotations, errors first, and a last line for the log.

    Where one type has more findings than GitHub shows, those of one rule stand together in one annotation; where there
    are too many rules, the last annotation counts them.
    """
    lines: list[str] = []
    for severity, command in _COMMANDS.items():
        rows = [(path, finding) for path, finding in _findings(report) if finding.severity is severity]
        others = _unread(report) if severity is Severity.ERROR else []
        if severity is Severity.WARNING:
            others = _missed(report)
        if severity is Severity.INFO:
            others = _idle(report)
        lines += _annotations(command, rows, others)
    lines.append(_verdict(report))
    return "".join(f"{line}\n" for line in lines)


def _findings(report: ReleaseReport) -> Iterator[tuple[str, Finding]]:
    """Every finding with the path of its wheel; of the set first, without one."""
    for finding in report.findings:
        yield "", finding
    for wheel in report.wheels:
        for finding in wheel.findings:
            yield wheel.path, finding


def _unread(report: ReleaseReport) -> list[str]:
    """An annotation for what could not be read; one for all of them where there are several."""
    if not report.unreadable:
        return []
    first = report.unreadable[0]
    more = len(report.unreadable) - 1
    said = shown(first.message) + (f"\nand {counted(more, 'more path')} could not be audited" if more else "")
    return [_command("error", "could not be audited", first.path, said)]


def _missed(report: ReleaseReport) -> list[str]:
    """One annotation for everything that could not be judged."""
    rows = [(wheel.path, one) for wheel in report.wheels for one in wheel.not_judged]
    rows += [("", one) for one in report.not_judged]
    if not rows:
        return []
    said = [f"{one.rule}: {shown(one.reason)}" for _, one in rows[:MOST]]
    if len(rows) > MOST:
        said.append(f"and {len(rows) - MOST} more")
    return [_command("warning", f"{len(rows)} not judged", rows[0][0], "\n".join(said))]


def _idle(report: ReleaseReport) -> list[str]:
    """One annotation for all settings that do nothing any more."""
    idle = idle_settings(report)
    if not idle:
        return []
    said = [shown(one) for one in idle[:MOST]]
    if len(idle) > MOST:
        said.append(f"and {len(idle) - MOST} more")
    return [_command("notice", "settings that did nothing", "", "\n".join(said))]


def _annotations(command: str, rows: list[tuple[str, Finding]], others: list[str]) -> list[str]:
    """The annotations of one type, no more than GitHub shows."""
    room = MOST - len(others)
    if len(rows) <= room:
        return others + [_command(command, one.rule, path, _message(one)) for path, one in rows]
    by_rule: dict[str, list[tuple[str, Finding]]] = {}
    for path, finding in rows:
        by_rule.setdefault(finding.rule, []).append((path, finding))
    groups = list(by_rule.items())
    lines = [_group(command, rule, found) for rule, found in groups[: room if len(groups) <= room else room - 1]]
    rest = groups[len(lines) :]
    if rest:
        said = [f"{rule}: {counted(len(found), 'finding')}" for rule, found in rest[:50]]
        lines.append(_command(command, f"{counted(len(rest), 'more rule')} with findings", "", "\n".join(said)))
    return others + lines


def _group(command: str, rule: str, found: list[tuple[str, Finding]]) -> str:
    """One annotation for all findings of a rule."""
    path, first = found[0]
    if len(found) == 1:
        return _command(command, rule, path, _message(first))
    wheels = len({path for path, _ in found})
    said = f"{counted(len(found), 'finding')} in {counted(wheels, 'wheel')}; the first:\n{_message(first)}"
    return _command(command, rule, path, said)


def _message(finding: Finding) -> str:
    """What is wrong, how we know, what to do."""
    lines = [shown(finding.message)]
    lines += [f"- {shown(one.text)}" for one in finding.evidence[:_EVIDENCE_SHOWN]]
    if len(finding.evidence) > _EVIDENCE_SHOWN:
        lines.append(f"- and {len(finding.evidence) - _EVIDENCE_SHOWN} more")
    if finding.pypi in PYPI_WORDS:
        lines.append(PYPI_WORDS[finding.pypi])
    if finding.help:
        lines.append(f"help: {shown(finding.help, _LONGEST_HELP)}")
    return "\n".join(lines)


def _command(command: str, title: str, path: str, message: str) -> str:
    """One workflow command."""
    properties = [f"title={_property(f'wheel-audit: {title}')}"]
    if path:
        properties.insert(0, f"file={_property(shown(slashed(path)))}")
    return f"::{command} {','.join(properties)}::{_data(message)}"


def _data(text: str) -> str:
    """A message, escaped as the runner's own toolkit does."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """The value of a property, likewise."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _verdict(report: ReleaseReport) -> str:
    """The last line, for the log."""
    counts = summary(report)
    return (
        f"wheel-audit: {headline(report)}; {counted(counts.wheels, 'wheel')}, {counted(counts.errors, 'error')}, "
        f"{counted(counts.warnings, 'warning')}, {counted(counts.infos, 'info')}"
    )
