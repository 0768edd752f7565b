"""One HTML page that needs nothing but itself: no network, no script, no file beside it.

The verdict stands first, then who is served, then each wheel with its findings and what its binaries load. What folds
is `<details>`, which browsers fold by themselves. A policy in the page forbids it to fetch or run anything, should some
text from a wheel ever get past the escaping.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from auditor.findings import Severity
from auditor.report.html_parts import Trees, documentation, matrix, plain, prose
from auditor.report.matrix import whom
from auditor.report.model import Tool, summary
from auditor.report.wording import PYPI_WORDS, counted, headline, idle_settings, passed
from auditor.rules import RULES_BY_NAME

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from auditor.findings import Finding, Matrix, NotJudged, ReleaseReport, Report, Suppressed
    from auditor.loading.model import Resolution

_Item = TypeVar("_Item")
MOST_FINDINGS = 3000
"""Findings of a page; a browser folds so many on a phone without a pause."""
_MOST_LINES = 5000
"""Of all dependency trees."""
_EVIDENCE_SHOWN = 20
_TAGS_SHOWN = 30
_STYLE = Path(__file__).with_name("page.css")


def render_html(
    report: ReleaseReport, knowledge: Mapping[str, str], trees: Mapping[str, tuple[Resolution, ...]] | None = None
) -> str:
    """The page, which ends with a line break.

    `trees` has what the simulated loader says of each wheel, by its path as the report has it; without one, the page
    has no dependency trees.
    """
    return _document(headline(report), _Page(report, trees or {}).body(knowledge))


def render_matrix_html(matrices: Iterable[Matrix]) -> str:
    """A page with matrices alone: who is served by each release, and by which file."""
    shown = list(matrices)
    one_only = len(shown) == 1
    title = f"Who is served by {shown[0].project} {shown[0].version}" if one_only else "Who is served"
    pieces = [f'<header><div class="brand">wheel-audit</div><h1>{plain(title)}</h1></header>', "<main>"]
    for one in shown:
        table = f'<div class="card"><div class="inside">{matrix(one)}</div></div>'
        pieces.append(table if one_only else f"<h2>{plain(one.project)} {plain(one.version)}</h2>{table}")
        rows = [f'<dt class="name">{plain(name)}</dt><dd>{plain(words)}</dd>' for name, words in whom(one)]
        if rows:
            head = f"<summary><span>{counted(len(rows), 'file')}, and whom each serves</span></summary>"
            pieces.append(f'<details class="card">{head}<dl class="inside files">{"".join(rows)}</dl></details>')
    return _document(title[0].lower() + title[1:], "\n".join([*pieces, "</main>"]))


def _document(title: str, body: str) -> str:
    """A whole page, whose policy allows its own style and nothing else."""
    style = _STYLE.read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">\n'
        f"<title>wheel-audit: {plain(title)}</title>\n"
        '<link rel="icon" href="data:,">\n'
        f"<style>{style}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


class _Page:
    """The sections of the page, and how much room there is."""

    def __init__(self, report: ReleaseReport, trees: Mapping[str, tuple[Resolution, ...]]) -> None:
        self._report = report
        self._resolutions = trees
        self._trees = Trees(_MOST_LINES)
        self._room = MOST_FINDINGS
        self._named: set[str] = set()

    def body(self, knowledge: Mapping[str, str]) -> str:
        """Everything that is seen."""
        sections = [self._header(), "<main>", self._unreadable(), self._matrix(), self._set()]
        if self._report.wheels:
            sections.append("<h2>Wheels</h2>")
        sections += [self._wheel(one) for one in self._report.wheels]
        sections += [self._idle(), self._rules(), "</main>", _footer(knowledge)]
        return "\n".join(one for one in sections if one)

    def _header(self) -> str:
        """The verdict and the counts."""
        report = self._report
        counts = summary(report)
        word = "pass" if passed(report) else "fail"
        of = f" · {plain(report.matrix.project)} {plain(report.matrix.version)}" if report.matrix else ""
        said = headline(report)
        rows = (
            ("", counts.wheels, "wheel"),
            ("error", counts.errors, "error"),
            ("warning", counts.warnings, "warning"),
            ("info", counts.infos, "info"),
        )
        tiles = "".join(
            f'<li class="{kind if number else ""}"><b>{number:,}</b>{noun if number == 1 else f"{noun}s"}</li>'
            for kind, number, noun in rows
        )
        return (
            f'<header><div class="brand">wheel-audit{of}</div>'
            f'<h1 class="{word}">{said[0].upper()}{plain(said[1:])}</h1><ul class="counts">{tiles}</ul></header>'
        )

    def _unreadable(self) -> str:
        """What could not be audited."""
        if not self._report.unreadable:
            return ""
        rows = "".join(f"<li>{prose(one.message)}</li>" for one in self._report.unreadable[:MOST_FINDINGS])
        return _card("Could not be audited", f'<ul class="plain">{rows}</ul>')

    def _matrix(self) -> str:
        """Who is served."""
        if self._report.matrix is None:
            return ""
        return _card("Who is served", matrix(self._report.matrix))

    def _set(self) -> str:
        """What is said of the wheels as a set."""
        report = self._report
        inside = self._judged(report.findings, report.suppressed, report.not_judged)
        if not inside:
            return ""
        return _card("The release as a set", inside)

    def _wheel(self, wheel: Report) -> str:
        """One wheel: open where it failed."""
        tally = [
            counted(wheel.count(severity), noun)
            for severity, noun in ((Severity.ERROR, "error"), (Severity.WARNING, "warning"), (Severity.INFO, "info"))
            if wheel.count(severity)
        ]
        word = "Failed" if wheel.failed else "Passed"
        trees = "".join(self._trees.of(one) for one in self._resolutions.get(wheel.path, ()))
        return (
            f'<details class="card"{" open" if wheel.failed else ""}><summary>'
            f'<span class="chip {wheel.verdict}">{word}</span><span class="name">{plain(wheel.filename)}</span>'
            f'<span class="tally">{", ".join(tally)}</span></summary><div class="inside">{_facts(wheel)}'
            f"{self._judged(wheel.findings, wheel.suppressed, wheel.not_judged)}{trees}</div></details>"
        )

    def _judged(
        self, findings: tuple[Finding, ...], suppressed: tuple[Suppressed, ...], missed: tuple[NotJudged, ...]
    ) -> str:
        """Findings, then what was set aside, then what could not be judged."""
        seen = self._taken(findings)
        pieces = [self._finding(one) for one in seen]
        if len(seen) < len(findings):
            pieces.append(f'<p class="dim">And {_more(len(findings) - len(seen))}.</p>')
        if suppressed:
            rows = [
                f"<li>{prose(one.finding.message)} ({prose(one.reason)})"
                f'<span class="rule">{plain(one.finding.rule)}</span></li>'
                for one in self._taken(suppressed)
            ]
            pieces.append(_folded(f"{counted(len(suppressed), 'finding')} suppressed", rows, len(suppressed)))
        if missed:
            rows = [
                f'<li>{prose(one.reason)}<span class="rule">{plain(one.rule)}</span></li>'
                for one in self._taken(missed)
            ]
            pieces.append(_folded(f"{len(missed):,} not judged", rows, len(missed)))
        return "".join(pieces)

    def _taken(self, items: tuple[_Item, ...]) -> tuple[_Item, ...]:
        """As many of the items as the page has room for."""
        taken = items[: self._room]
        self._room -= len(taken)
        return taken

    def _finding(self, finding: Finding) -> str:
        """One finding: what is wrong; folded behind it how we know, and what to do."""
        self._named.add(finding.rule)
        rule = plain(finding.rule)
        pieces = []
        if finding.evidence:
            rows = [f"<li>{prose(one.text)}</li>" for one in finding.evidence[:_EVIDENCE_SHOWN]]
            if len(finding.evidence) > _EVIDENCE_SHOWN:
                rows.append(f"<li>and {len(finding.evidence) - _EVIDENCE_SHOWN:,} more</li>")
            pieces.append(f'<p class="label">How we know</p><ul>{"".join(rows)}</ul>')
        if finding.pypi in PYPI_WORDS:
            pieces.append(f"<p>{PYPI_WORDS[finding.pypi]}.</p>")
        if finding.help:
            pieces.append(f'<p class="label">What to do</p><p class="todo">{prose(finding.help)}</p>')
        if finding.rule in RULES_BY_NAME:
            pieces.append(f'<p><a href="#rule-{rule}">About this rule</a></p>')
        return (
            f'<details class="finding"{" open" if finding.severity is Severity.ERROR else ""}><summary>'
            f'<span class="chip {finding.severity.value}">{finding.severity.value.capitalize()}</span>'
            f'<div>{prose(finding.message)}<span class="rule">{rule}</span></div></summary>'
            f'<div class="said">{"".join(pieces)}</div></details>'
        )

    def _idle(self) -> str:
        """What of the settings does nothing any more."""
        idle = idle_settings(self._report)
        if not idle:
            return ""
        rows = "".join(f"<li>{prose(one)}</li>" for one in idle[:MOST_FINDINGS])
        return _card("Settings that did nothing", f'<ul class="plain">{rows}</ul>')

    def _rules(self) -> str:
        """The documentation of the rules that the page names."""
        rules = [RULES_BY_NAME[one] for one in sorted(self._named) if one in RULES_BY_NAME]
        if not rules:
            return ""
        rows = "".join(
            f'<section class="documented" id="rule-{plain(one.name)}"><h3>{plain(one.name)}</h3>'
            f"{documentation(one)}</section>"
            for one in rules
        )
        return _card("About the rules", rows)


def _card(title: str, inside: str) -> str:
    """A section with its heading."""
    return f'<h2>{title}</h2><div class="card"><div class="inside">{inside}</div></div>'


def _facts(wheel: Report) -> str:
    """What tells this wheel from others."""
    tags = ", ".join(f"<code>{plain(one)}</code>" for one in wheel.tags[:_TAGS_SHOWN])
    if len(wheel.tags) > _TAGS_SHOWN:
        tags += f" and {len(wheel.tags) - _TAGS_SHOWN:,} more"
    rows = [("Path", f"<code>{plain(wheel.path)}</code>"), ("Tags", tags), ("Size", f"{wheel.size:,} bytes")]
    rows.append(("SHA-256", f"<code>{plain(wheel.sha256)}</code>" if wheel.sha256 else ""))
    cells = "".join(f"<dt>{title}</dt><dd>{what}</dd>" for title, what in rows if what)
    return f'<dl class="facts">{cells}</dl>'


def _folded(title: str, rows: list[str], total: int) -> str:
    """A list that is folded behind its title."""
    if len(rows) < total:
        rows = [*rows, f"<li>and {_more(total - len(rows))}</li>"]
    return (
        f'<details class="more"><summary><span>{title}</span></summary><ul class="plain">{"".join(rows)}</ul></details>'
    )


def _more(number: int) -> str:
    """What has no room on the page, and where it is."""
    return f"{number:,} more, for which this page has no room: <code>--format json</code> has all"


def _footer(knowledge: Mapping[str, str]) -> str:
    """Which program judged, and by the knowledge of which day."""
    days = sorted(set(knowledge.values()))
    known = f", by what was known of platforms and indexes on {plain(days[0])}" if days else ""
    if len(days) > 1:
        known = f", by what was known of platforms and indexes between {plain(days[0])} and {plain(days[-1])}"
    return (
        f"<footer><p>Made by wheel-audit {plain(Tool().version)}{known}. "
        "<code>wheel-audit explain RULE</code> tells more about a rule.</p></footer>"
    )
