"""Text for a person whose release just went red: grouped by wheel, the fault, how we know, what to do."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from auditor.findings import Report, Severity
from auditor.report.model import summary
from auditor.report.wording import PYPI_WORDS, counted, printable

if TYPE_CHECKING:
    from auditor.findings import Finding, ReleaseReport, Suppressed

__all__ = ["printable", "render_text"]
_RED, _YELLOW, _BLUE, _GREEN, _BOLD, _DIM = "31", "33", "34", "32", "1", "2"
_SEVERITY_COLOURS = {Severity.ERROR: _RED, Severity.WARNING: _YELLOW, Severity.INFO: _BLUE}
_EVIDENCE_SHOWN = 5


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
    page.release(report)
    page.notes(report)
    page.summary(report)
    return page.text()


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
        self._subject(report.path, report)

    def release(self, report: ReleaseReport) -> None:
        """The wheels as a set, where anything is said of them."""
        if report.findings or report.suppressed or report.not_judged:
            matrix = report.matrix
            name = f"the release {matrix.project} {matrix.version}" if matrix is not None else "the wheels as a set"
            self._subject(name, report)

    def _subject(self, name: str, report: Report | ReleaseReport) -> None:
        """The verdict on a wheel or on the set, and the findings."""
        shown = [one for one in report.findings if not (self._quiet and one.severity is Severity.INFO)]
        # A rule that failed by itself gives the command its status, so its reason is always shown.
        missed = report.not_judged if report.broken or not self._quiet else ()
        if self._quiet and not shown and not missed:
            return
        failed = report.failed if isinstance(report, Report) else report.set_failed
        word, colour = ("FAIL", _RED) if failed else ("ok", _GREEN)
        self._lines.append(f"{self._paint(f'{word:<4}', colour, _BOLD)}  {self._paint(printable(name), _BOLD)}")
        for finding in shown:
            self._finding(finding)
        for one in missed:
            self._wrap(one.reason, f"  not judged[{one.rule}]: ", "    ")
        self._suppressed(report.suppressed)
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
        if finding.pypi in PYPI_WORDS:
            self._wrap(PYPI_WORDS[finding.pypi], "    = ", "      ")
        if finding.help:
            self._wrap(finding.help, f"    {self._paint('help', _BOLD)}: ", "          ", 10)

    def _suppressed(self, suppressed: tuple[Suppressed, ...]) -> None:
        """What the settings set aside: the count, or each with its reason."""
        if not suppressed or self._quiet:
            return
        if not self._verbose:
            self._wrap(f"{counted(len(suppressed), 'finding')} suppressed (--verbose shows them)", "  ", "  ")
            return
        for one in suppressed:
            self._wrap(f"{one.finding.message} ({one.reason})", f"  suppressed[{one.finding.rule}]: ", "    ")

    def notes(self, report: ReleaseReport) -> None:
        """What of the settings does nothing any more, and may be taken out."""
        if self._quiet:
            return
        for one in report.unused_ignores:
            self._wrap(f"{one} met no finding", "note: ", "      ")
        for entry in report.unmatched_baseline:
            words = f"the baseline's entry `{entry.rule}` ({entry.fingerprint}) met no finding: {entry.hint}"
            self._wrap(words, "note: ", "      ")

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
        if report.set_failed:
            verdict = f"{verdict}, the release as a set failed"
        self._say(
            f"{counted(counts.wheels, 'wheel')} audited, {verdict}: {counted(counts.errors, 'error')}, "
            f"{counted(counts.warnings, 'warning')}, {counted(counts.infos, 'info')}",
            _RED if report.failed else _GREEN,
            _BOLD,
        )
        findings = [*(one for wheel in report.wheels for one in wheel.findings), *report.findings]
        named = {one.rule: None for one in findings if one.severity is not Severity.INFO}
        if named and not self._quiet:
            rule = next(iter(named))
            self._say(f"`wheel-audit explain {rule}` tells more about a rule", _DIM)
