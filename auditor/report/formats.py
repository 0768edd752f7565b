"""The formats of a report by name. Each module loads when its format is asked for: start-up time is a feature.

Every renderer gives text without lone surrogates that ends with a line break, to be written as UTF-8 whatever the
console's encoding is (`FORMATS[name].encoded`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from auditor.findings import Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from auditor.findings import ReleaseReport
    from auditor.loading.model import Resolution

    Render = Callable[[ReleaseReport, "dict[str, str]", "Options"], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a format may want to know beside the report."""

    fail_on: Severity | None = Severity.ERROR
    """The least severity that fails a wheel; None where nothing does. JUnit makes failures of it."""
    trees: Mapping[str, tuple[Resolution, ...]] = field(default_factory=dict)
    """What the simulated loader says of each wheel, by its path as the report has it. HTML draws it."""
    colour: bool = False
    """Text: ANSI sequences."""
    verbose: bool = False
    """Text: all evidence, and what was suppressed."""
    quiet: bool = False
    """Text: errors and warnings alone."""
    width: int = 100
    """Text: columns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One format."""

    name: str
    suffix: str
    """Of a file in this format, with its dot."""
    summary: str
    """Who reads it, in a few words."""
    render: Render
    needs_trees: bool = False
    """Whether it draws `Options.trees`, which take a second reading of each wheel to make."""

    def encoded(self, report: ReleaseReport, knowledge: dict[str, str], options: Options) -> bytes:
        """The report as the bytes of a file."""
        return self.render(report, knowledge, options).encode("utf-8")


def _text(report: ReleaseReport, knowledge: dict[str, str], options: Options) -> str:
    """For people."""
    from auditor.report.text import render_text

    del knowledge
    return render_text(report, colour=options.colour, verbose=options.verbose, quiet=options.quiet, width=options.width)


def _json(report: ReleaseReport, knowledge: dict[str, str], options: Options) -> str:
    """For programs."""
    from auditor.report.json import render_json

    del options
    return render_json(report, knowledge)


def _jsonl(report: ReleaseReport, knowledge: dict[str, str], options: Options) -> str:
    """For programs that read line by line."""
    from auditor.report.json import render_jsonl

    del options
    return render_jsonl(report, knowledge)


def _sarif(report: ReleaseReport, knowledge: dict[str, str], options: Options) -> str:
    """For code scanning."""
    from auditor.report.sarif import render_sarif

    del options
    return render_sarif(report, knowledge)


def _junit(report: ReleaseReport, knowledge: dict[str, str], options: Options) -> str:
    """For whatever shows test results."""
    from auditor.report.junit import render_junit

    del knowledge
    return render_junit(report, options.fail_on)


def _github(report: ReleaseReport, knowledge: dict[str, str], options: Options) -> str:
    """For the log of a workflow."""
    from auditor.report.github import render_github

    del knowledge, options
    return render_github(report)


def _gitlab(report: ReleaseReport, knowledge: dict[str, str], options: Options) -> str:
    """For merge requests."""
    from auditor.report.gitlab import render_gitlab

    del knowledge, options
    return render_gitlab(report)


def _markdown(report: ReleaseReport, knowledge: dict[str, str], options: Options) -> str:
    """For a step summary."""
    from auditor.report.markdown import render_markdown

    del knowledge, options
    return render_markdown(report)


def _html(report: ReleaseReport, knowledge: dict[str, str], options: Options) -> str:
    """For people with a browser."""
    from auditor.report.html import render_html

    return render_html(report, knowledge, options.trees)


_ALL = (
    Format(name="text", suffix=".txt", summary="for people", render=_text),
    Format(name="json", suffix=".json", summary="for programs; `wheel-audit schema` prints its schema", render=_json),
    Format(name="jsonl", suffix=".jsonl", summary="the same, a line a wheel", render=_jsonl),
    Format(name="sarif", suffix=".sarif", summary="SARIF 2.1.0, for code scanning", render=_sarif),
    Format(name="junit", suffix=".xml", summary="JUnit XML, for Jenkins, GitLab and others", render=_junit),
    Format(name="github", suffix=".txt", summary="annotations of GitHub Actions", render=_github),
    Format(name="gitlab", suffix=".json", summary="GitLab's Code Quality report", render=_gitlab),
    Format(name="markdown", suffix=".md", summary="for a step summary or a comment", render=_markdown),
    Format(name="html", suffix=".html", summary="one page that needs nothing else", render=_html, needs_trees=True),
)
FORMATS: Mapping[str, Format] = MappingProxyType({one.name: one for one in _ALL})
"""Name -> format, in the order in which help lists them."""
