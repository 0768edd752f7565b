"""Text for a person whose release just went red: grouped by wheel, the fault, how we know, what to do."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from auditor.findings import PyPIAnswer, Severity
from auditor.report.model import summary

if TYPE_CHECKING:
    from auditor.findings import Finding, ReleaseReport, Report

_RED, _YELLOW, _BLUE, _GREEN, _BOLD, _DIM = "31", "33", "34", "32", "1", "2"
_SEVERITY_COLOURS = {Severity.ERROR: _RED, Severity.WARNING: _YELLOW, Severity.INFO: _BLUE}
_EVIDENCE_SHOWN = 5
_PYPI_WORDS = {
    PyPIAnswer.REJECT: "PyPI refuses the upload",
    PyPIAnswer.SERVER_ERROR: "PyPI answers the upload with a server error",
    PyPIAnswer.MAIL: "PyPI accepts the upload and warns its maintainers by mail",
    PyPIAnswer.FUTURE: "PyPI accepts the upload today, and has announced to refuse it",
}


def render_text(
    report: ReleaseReport, *, colour: bool = False, verbose: bool = False, quiet: bool = False, width: int = 100
) -> str:
    """The report as text.

    `quiet` leaves out what is neither an error nor a warning, and wheels without either; `verbose` shows all evidence
    and what was suppressed. `colour` adds ANSI sequences. Names from the wheel are shown with their control characters
    escaped, so that no wheel can write to the terminal.
    """
    page = _Page(colour=colour, verbose=verbose, quiet=quiet, width=width)
    for one in report.wheels:
        page.wheel(one)
    page.summary(report)
    return page.text()


def printable(text: str) -> str:
    """The text with control characters, line breaks and invisible characters escaped."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in text)


class _Page:
    """The lines written so far, and how to write."""

    def __init__(self, *, colour: bool, verbose: bool, quiet: bool, width: int) -> None:
        self._lines: list[str] = []
        self._colour = colour
        self._verbose = verbose
        self._quiet = quiet
        self._width = max(width, 40)

    def text(self) -> str:
        """All lines, each with its line break."""
        return "".join(f"{line}\n" for line in self._lines)

    def _paint(self, text: str, *codes: str) -> str:
        """The text in a colour, where colours are wanted."""
        return f"\x1b[{';'.join(codes)}m{text}\x1b[0m" if self._colour else text

    def _wrap(self, text: str, first: str, rest: str, width_of_first: int | None = None) -> None:
        """Write a paragraph that begins with `first`, and whose further lines begin with `rest`.

        Names stay in one piece, so that one can copy them: a name longer than the line stands on a line of its own.
        """
        head = len(first) if width_of_first is None else width_of_first
        # What stands for `first` may end a line by itself where the next line leaves more room.
        placeholder = "\0" * (head - 1) + (" " if head > len(rest) else "\0")
        wrapped = textwrap.wrap(
            placeholder + printable(text),
            self._width,
            subsequent_indent=rest,
            break_long_words=False,
            break_on_hyphens=False,
        )
        self._lines.append((first + wrapped[0][head:]).rstrip())
        self._lines += wrapped[1:]

    def _say(self, text: str, *codes: str) -> None:
        """Write a paragraph of our own words, all in one colour."""
        self._lines += [self._paint(line, *codes) for line in textwrap.wrap(text, self._width)]

    def wheel(self, report: Report) -> None:
        """One wheel: its verdict, then its findings."""
        shown = [one for one in report.findings if not (self._quiet and one.severity is Severity.INFO)]
        # A rule that failed by itself gives the command its status, so its reason is always shown.
        missed = report.not_judged if report.broken or not self._quiet else ()
        if self._quiet and not shown and not missed:
            return
        word, colour = ("FAIL", _RED) if report.failed else ("ok", _GREEN)
        self._lines.append(f"{self._paint(f'{word:<4}', colour, _BOLD)}  {self._paint(printable(report.path), _BOLD)}")
        for finding in shown:
            self._finding(finding)
        for one in missed:
            self._wrap(one.reason, f"  not judged[{one.rule}]: ", "    ")
        self._suppressed(report)
        if shown or missed:
            self._lines.append("")

    def _finding(self, finding: Finding) -> None:
        """One finding: severity and rule, message, evidence, help."""
        label = f"{finding.severity.value}[{finding.rule}]"
        painted = self._paint(label, _SEVERITY_COLOURS[finding.severity], _BOLD)
        self._wrap(finding.message, f"  {painted}: ", "    ", len(label) + 4)
        if finding.severity is Severity.INFO and not self._verbose:
            return
        count = len(finding.evidence) if self._verbose else _EVIDENCE_SHOWN
        for evidence in finding.evidence[:count]:
            self._wrap(evidence.text, "    | ", "    |   ")
        if len(finding.evidence) > count:
            self._wrap(f"... and {len(finding.evidence) - count} more (--verbose shows all)", "    | ", "    |   ")
        if finding.pypi in _PYPI_WORDS:
            self._wrap(_PYPI_WORDS[finding.pypi], "    = ", "      ")
        if finding.help:
            self._wrap(finding.help, f"    {self._paint('help', _BOLD)}: ", "          ", 10)

    def _suppressed(self, report: Report) -> None:
        """What the settings set aside: the count, or each with its reason."""
        if not report.suppressed or self._quiet:
            return
        if not self._verbose:
            count = len(report.suppressed)
            self._wrap(f"{_count(count, 'finding')} suppressed (--verbose shows them)", "  ", "  ")
            return
        for one in report.suppressed:
            self._wrap(f"{one.finding.message} ({one.reason})", f"  suppressed[{one.finding.rule}]: ", "    ")

    def summary(self, report: ReleaseReport) -> None:
        """The last line: how many wheels, how many failed, how many findings of each severity."""
        counts = summary(report)
        if not counts.wheels:
            # Nothing was seen, so nothing has passed.
            self._say("no wheel was audited", _RED, _BOLD)
            return
        verdict = f"{counts.failed} of {counts.wheels} failed" if counts.failed else "all passed"
        if counts.wheels == 1:
            verdict = "failed" if counts.failed else "passed"
        self._say(
            f"{_count(counts.wheels, 'wheel')} audited, {verdict}: {_count(counts.errors, 'error')}, "
            f"{_count(counts.warnings, 'warning')}, {_count(counts.infos, 'info')}",
            _RED if counts.failed else _GREEN,
            _BOLD,
        )
        named = {
            one.rule: None for wheel in report.wheels for one in wheel.findings if one.severity is not Severity.INFO
        }
        if named and not self._quiet:
            rule = next(iter(named))
            self._say(f"`wheel-audit explain {rule}` tells more about a rule", _DIM)


def _count(number: int, noun: str) -> str:
    """A number with its noun."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
