"""Text for a person whose release just went red: grouped by wheel, the fault, how we know, what to do.

What many wheels have alike stands there once, behind them; an error stays with its wheel.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from auditor.findings import Report, Severity
from auditor.report.model import summary
from auditor.report.wording import PYPI_WORDS, counted, passed, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from auditor.findings import Finding, ReleaseReport, Suppressed

    Alike = Mapping[tuple[object, ...], Sequence[tuple[str, Finding]]]

__all__ = ["printable", "render_text"]
_RED, _YELLOW, _BLUE, _GREEN, _BOLD, _DIM = "31", "33", "34", "32", "1", "2"
_SEVERITY_COLOURS = {Severity.ERROR: _RED, Severity.WARNING: _YELLOW, Severity.INFO: _BLUE}
_EVIDENCE_SHOWN = 5
_ALIKE = 3
"""Wheels of which the same is said once: two may as well repeat it."""
_WHEELS_SHOWN = 3


def render_text(
    report: ReleaseReport, *, colour: bool = False, verbose: bool = False, quiet: bool = False, width: int = 100
) -> str:
    """The report as text.

    `quiet` leaves out what is neither an error nor a warning, and wheels without either; `verbose` shows all evidence
    and what was suppressed. `colour` adds ANSI sequences. Names from the wheel are shown with their control characters
    escaped, so that no wheel can write to the terminal.
    """
    page = _Page(colour=colour, verbose=verbose, quiet=quiet, width=width)
    alike = page.alike(report.wheels)
    for one in report.wheels:
        page.wheel(one, alike)
    page.common(alike, len(report.wheels))
    page.release(report)
    page.unreadable(report)
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

    def alike(self, wheels: Iterable[Report]) -> Alike:
        """The infos and warnings that many wheels have alike, each with those wheels."""
        found: dict[tuple[object, ...], list[tuple[str, Finding]]] = {}
        for wheel in wheels:
            for key, finding in {self._key(one): one for one in reversed(wheel.findings)}.items():
                if finding.severity is not Severity.ERROR:
                    found.setdefault(key, []).append((wheel.filename, finding))
        return {key: same for key, same in found.items() if len(same) >= _ALIKE}

    def _key(self, finding: Finding) -> tuple[object, ...]:
        """What findings that are alike have in common; their evidence too where all of it is shown."""
        evidence = finding.evidence if self._verbose else ()
        return (finding.severity, finding.rule, finding.message, finding.pypi, finding.help, evidence)

    def wheel(self, report: Report, alike: Alike) -> None:
        """One wheel: its verdict, then the findings that are its own."""
        self._subject(report.path, report, [one for one in report.findings if self._key(one) not in alike])

    def common(self, alike: Alike, total: int) -> None:
        """What many of all wheels have alike, the worst first."""
        groups = [same for same in alike.values() if not (self._quiet and same[0][1].severity is Severity.INFO)]
        if not groups:
            return
        if self._lines and self._lines[-1]:
            self._lines.append("")
        self._lines.append(self._paint("the same in several wheels", _BOLD))
        for same in sorted(groups, key=lambda one: (one[0][1].severity.rank, one[0][1].rule)):
            self._finding(same[0][1], self._places([name for name, _ in same], total, same))
        self._lines.append("")

    def _places(self, names: list[str], total: int, same: Sequence[tuple[str, Finding]]) -> str:
        """The wheels that a finding is in, in words."""
        first = same[0][1]
        told = self._verbose or first.severity is not Severity.INFO
        of_first = told and any(one.evidence != first.evidence for _, one in same)
        words = f"in all {total:,} wheels" if len(names) == total else f"in {len(names):,} of {total:,} wheels"
        if len(names) == total and not of_first:
            return words
        shown = names if self._verbose else names[:_WHEELS_SHOWN]
        listed = ", ".join(f"`{one}`" for one in shown)
        more = f" and {len(names) - len(shown):,} more" if len(shown) < len(names) else ""
        return f"{words}{' (here as in the first)' if of_first else ''}: {listed}{more}"

    def release(self, report: ReleaseReport) -> None:
        """The wheels as a set, where anything is said of them."""
        if report.findings or report.suppressed or report.not_judged:
            matrix = report.matrix
            name = f"the release {matrix.project} {matrix.version}" if matrix is not None else "the wheels as a set"
            self._subject(name, report, report.findings)

    def unreadable(self, report: ReleaseReport) -> None:
        """What could not be audited: nothing is known of it, and the verdict is not a good one."""
        if report.unreadable and self._lines and self._lines[-1]:
            self._lines.append("")
        for one in report.unreadable:
            self._wrap(one.message, f"{self._paint('not audited', _RED, _BOLD)}: ", "  ", len("not audited: "))
        if report.unreadable:
            self._lines.append("")

    def _subject(self, name: str, report: Report | ReleaseReport, findings: Iterable[Finding]) -> None:
        """The verdict on a wheel or on the set, and these of its findings."""
        shown = [one for one in findings if not (self._quiet and one.severity is Severity.INFO)]
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

    def _finding(self, finding: Finding, places: str = "") -> None:
        """One finding: severity and rule, message, the wheels that have it where they are several, evidence, help."""
        label = f"{finding.severity.value}[{finding.rule}]"
        painted = self._paint(label, _SEVERITY_COLOURS[finding.severity], _BOLD)
        self._wrap(finding.message, f"  {painted}: ", "    ", len(label) + 4)
        if places:
            self._wrap(places, "    ", "      ")
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
        self._say(
            f"{counted(counts.wheels, 'wheel')} audited, {_verdict(report)}: {counted(counts.errors, 'error')}, "
            f"{counted(counts.warnings, 'warning')}, {counted(counts.infos, 'info')}",
            _GREEN if passed(report) else _RED,
            _BOLD,
        )
        findings = [*(one for wheel in report.wheels for one in wheel.findings), *report.findings]
        named = {one.rule: None for one in findings if one.severity is not Severity.INFO}
        if named and not self._quiet:
            rule = next(iter(named))
            self._say(f"`wheel-audit explain {rule}` tells more about a rule", _DIM)


def _verdict(report: ReleaseReport) -> str:
    """How the wheels fared, in words. While something was not seen, nobody has passed."""
    wheels = len(report.wheels)
    failed = sum(one.failed for one in report.wheels)
    if failed:
        words = "failed" if wheels == 1 else f"{failed:,} of {wheels:,} failed"
    elif report.unreadable:
        words = "none failed"
    else:
        words = "passed" if wheels == 1 else "all passed"
    if report.set_failed:
        words += ", the release as a set failed"
    if report.unreadable:
        words += f", {counted(len(report.unreadable), 'path')} could not be audited"
    return words
