"""Words that several reports share, and names from a wheel made fit to be shown."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from auditor.findings import PyPIAnswer

if TYPE_CHECKING:
    from auditor.findings import ReleaseReport

LONGEST_NAME = 400
"""Characters of one text that a page for people shows; a longer one is cut in its middle. A path of the file systems
that wheels are installed on has at most 4,096 bytes, and the longest in the published wheels we have read has 230."""
PYPI_WORDS = {
    PyPIAnswer.REJECT: "PyPI refuses the upload",
    PyPIAnswer.SERVER_ERROR: "PyPI answers the upload with a server error",
    PyPIAnswer.MAIL: "PyPI accepts the upload and warns its maintainers by mail",
    PyPIAnswer.FUTURE: "PyPI accepts the upload today, and has announced to refuse it",
}
"""What to say of PyPI's answer, where it is more than acceptance."""


def printable(text: str) -> str:
    """The text with control characters, line breaks and invisible characters escaped."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in text)


def shown(text: str, longest: int = LONGEST_NAME) -> str:
    """The text as a page shows it: printable, and at most `longest` characters, its middle left out."""
    if len(text) > longest:
        # Cut before the escaping, which makes ten characters of one, and once more after it.
        text = text[:longest] + text[-longest:]
    text = printable(text)
    if len(text) <= longest:
        return text
    head = (longest - 3) * 2 // 3
    return f"{text[:head]}...{text[head + 3 - longest :]}"


def slashed(path: str) -> str:
    """A path with slashes, which is how GitHub and GitLab name files; on Windows alone a backslash separates."""
    return path.replace("\\", "/") if os.name == "nt" else path


def counted(number: int, noun: str) -> str:
    """A number with its noun."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def headline(report: ReleaseReport) -> str:
    """The verdict in a few words. What was not seen has not passed."""
    wheels = len(report.wheels)
    failed = sum(one.failed for one in report.wheels)
    if report.unreadable and not failed:
        return f"{counted(len(report.unreadable), 'path')} could not be audited"
    if not wheels:
        return "no wheel was audited"
    if failed:
        return "the wheel failed" if wheels == 1 else f"{failed:,} of {wheels:,} wheels failed"
    if report.failed:
        return "the release as a set failed"
    return "the wheel passed" if wheels == 1 else f"all {wheels:,} wheels passed"


def passed(report: ReleaseReport) -> bool:
    """Whether the verdict is a good one: something was seen, all of it, and nothing failed."""
    return bool(report.wheels) and not report.failed and not report.unreadable


def idle_settings(report: ReleaseReport) -> list[str]:
    """What of the settings does nothing any more, and may be taken out, a text each."""
    idle = [f"{one} met no finding" for one in report.unused_ignores]
    for entry in report.unmatched_baseline:
        hint = f": {entry.hint}" if entry.hint else ""
        idle.append(f"the baseline's entry `{entry.rule}` ({entry.fingerprint}) met no finding{hint}")
    return idle
