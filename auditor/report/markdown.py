"""GitHub Flavored Markdown, for a step summary or a comment: the verdict first, then who is served, then what is wrong.

Findings of one rule that say the same of several wheels stand together. Names from a wheel stand in code spans or are
escaped: none of them can become a heading, a link, a mention or HTML.
"""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

from auditor.findings import Severity
from auditor.report.matrix import render_matrix_markdown
from auditor.report.model import summary
from auditor.report.wording import PYPI_WORDS, counted, headline, idle_settings, passed, shown
from auditor.rules import RULES_BY_NAME

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from auditor.findings import Finding, ReleaseReport

LARGEST = 1_000_000
"""Bytes of a page. GitHub takes 1,048,576 of one step, and of a larger one nothing."""
_KEPT = 1000
"""Of these, for the ends of what folds and the last line."""
_SEVERITIES = {Severity.ERROR: "Errors", Severity.WARNING: "Warnings", Severity.INFO: "Worth knowing"}
_EVIDENCE_SHOWN = 5
_WHEELS_SHOWN = 8
_LONGEST_HELP = 2000
_ITEM = re.compile(r"^(\d*)([-+.)])(?=\s|$)")
_SPECIAL = re.compile(r"[\\*_\[\]<>#|~$&]|(?<=[a-z]):(?=//)|(?<=www)\.", re.IGNORECASE)


def render_markdown(report: ReleaseReport) -> str:
    """The page, at most `LARGEST` bytes of UTF-8; what has no room in it is counted at its end."""
    page = _Page()
    mark = "\N{WHITE HEAVY CHECK MARK}" if passed(report) else "\N{CROSS MARK}"
    page.add(f"## {mark} wheel-audit: {headline(report)}")
    counts = summary(report)
    page.add(
        f"{counted(counts.errors, 'error')}, {counted(counts.warnings, 'warning')}, {counted(counts.infos, 'info')}"
    )
    if report.unreadable:
        page.section("### Could not be audited", (f"- {_prose(one.message)}" for one in report.unreadable))
    if report.matrix is not None:
        page.add(f"### Who is served by {_prose(f'{report.matrix.project} {report.matrix.version}')}")
        page.add(render_matrix_markdown(report.matrix).strip())
    for severity, title in _SEVERITIES.items():
        blocks = list(_findings(report, severity))
        if blocks:
            page.section(f"### {title}", blocks, fold=severity is Severity.INFO)
    suppressed = [(wheel.filename, one) for wheel in report.wheels for one in wheel.suppressed]
    suppressed += [("", one) for one in report.suppressed]
    if suppressed:
        rows = _alike((one.finding.rule, f"{one.finding.message} ({one.reason})", name) for name, one in suppressed)
        page.section(f"### {counted(len(suppressed), 'finding')} suppressed", rows, fold=True)
    missed = [(wheel.filename, one) for wheel in report.wheels for one in wheel.not_judged]
    missed += [("", one) for one in report.not_judged]
    if missed:
        rows = _alike((one.rule, one.reason, name) for name, one in missed)
        page.section(f"### {len(missed):,} not judged", rows, fold=True)
    idle = idle_settings(report)
    if idle:
        page.section("### Settings that did nothing", (f"- {_prose(one)}" for one in idle), fold=True)
    return page.text()


class _Page:
    """The blocks written so far."""

    def __init__(self) -> None:
        self._blocks: list[str] = []
        self._room = LARGEST - _KEPT
        self._left_out = 0

    def text(self) -> str:
        """The whole page."""
        if self._left_out:
            self._blocks.append(f"*{self._left_out:,} more have no room here; `--format json` has all of them.*")
        return "\n\n".join(self._blocks) + "\n"

    def add(self, block: str) -> bool:
        """Write a block, where there is room for it."""
        size = len(block.encode()) + 2
        if size > self._room:
            self._left_out += 1
            return False
        self._room -= size
        self._blocks.append(block)
        return True

    def section(self, heading: str, blocks: Iterable[str], *, fold: bool = False) -> None:
        """Write a section, as far as there is room; folded behind its heading where that is wanted."""
        head = f"<details>\n<summary>{html.escape(heading.lstrip('# '))}</summary>" if fold else heading
        opened = self.add(head)
        for block in blocks:
            if opened:
                self.add(block)
            else:
                self._left_out += 1
        if fold and opened:
            # It has its room among the bytes that are kept for the end.
            self._blocks.append("</details>")


def _findings(report: ReleaseReport, severity: Severity) -> Iterator[str]:
    """The findings of one severity, a block for each rule and message."""
    groups: dict[tuple[str, str, str], list[tuple[str, Finding]]] = {}
    found = [("", one) for one in report.findings]
    found += [(wheel.filename, one) for wheel in report.wheels for one in wheel.findings]
    for name, finding in found:
        if finding.severity is severity:
            groups.setdefault((finding.rule, finding.message, finding.help), []).append((name, finding))
    last = ""
    for (rule, _, _), same in sorted(groups.items(), key=lambda group: group[0][0]):
        documented = RULES_BY_NAME.get(rule)
        head = f"**{_code(rule)}**" + (f" {_prose(documented.summary)}\n\n" if documented else "\n\n")
        yield (head if rule != last else "") + _group([name for name, _ in same if name], same[0][1])
        last = rule


def _group(wheels: list[str], finding: Finding) -> str:
    """What is said of one wheel or of several, how we know, and what to do."""
    lines = [f"- {_prose(finding.message)}"]
    if wheels:
        lines.append(f"  - {_in(wheels)}")
    lines += [f"  - {_prose(one.text)}" for one in finding.evidence[:_EVIDENCE_SHOWN]]
    if len(finding.evidence) > _EVIDENCE_SHOWN:
        lines.append(f"  - ... and {len(finding.evidence) - _EVIDENCE_SHOWN} more")
    if finding.pypi in PYPI_WORDS:
        lines.append(f"  - {PYPI_WORDS[finding.pypi]}")
    if finding.help:
        lines.append(f"  - **help:** {_prose(finding.help, _LONGEST_HELP)}")
    return "\n".join(lines)


def _alike(rows: Iterable[tuple[str, str, str]]) -> Iterator[str]:
    """Rules and texts, each once with the wheels that it is said of."""
    groups: dict[tuple[str, str], list[str]] = {}
    for rule, text, name in rows:
        groups.setdefault((rule, text), []).append(name)
    for (rule, text), names in groups.items():
        wheels = [name for name in names if name]
        yield f"- {_code(rule)} {_prose(text)}" + (f"\n  - {_in(wheels)}" if wheels else "")


def _in(wheels: list[str]) -> str:
    """The wheels that something is said of, the first few by name."""
    names = ", ".join(_code(one) for one in wheels[:_WHEELS_SHOWN])
    return f"in {names}" + (f" and {len(wheels) - _WHEELS_SHOWN} more" if len(wheels) > _WHEELS_SHOWN else "")


def _code(text: str) -> str:
    """A name as a code span."""
    return _prose("`" + shown(text).replace("`", "'") + "`")


def _prose(text: str, longest: int = 400) -> str:
    """A text whose names stand in backticks: they become code spans, and all else is escaped.

    What stands between backticks has none of its own, so each span ends where it should, whatever a name holds.
    """
    parts = shown(text, longest).split("`")
    if len(parts) % 2 == 0:
        # The last backtick opens nothing.
        parts[-2:] = [f"{parts[-2]}'{parts[-1]}"]
    pieces: list[str] = []
    for place, part in enumerate(parts):
        if not part:
            continue
        if place % 2 and part.strip():
            # Two backticks side by side would be one mark: a blank parts spans that touch.
            pieces.append(f" `{part}`" if pieces and pieces[-1].endswith("`") else f"`{part}`")
        else:
            pieces.append(_escaped(part))
    # Blanks at the beginning would be the indentation of a block, and a dash or number the mark of a list.
    return _ITEM.sub(r"\1\\\2", "".join(pieces).strip())


def _escaped(text: str) -> str:
    """Plain text in which nothing is Markdown, a link or a mention."""
    text = _SPECIAL.sub(r"\\\g<0>", text)
    # GitHub finds mentions in the text that comes out, where no escape is left: a comment parts them.
    return text.replace("@", "@<!-- -->")
