"""The Markdown page: its parts, and that nothing of a wheel is markup, as comrak (a GFM renderer) shows it."""

from __future__ import annotations

import re

import comrak
import pytest

from auditor import Evidence, ReleaseReport, Severity, Suppressed
from auditor.report.markdown import LARGEST, render_markdown
from tests.report.samples import HOSTILE, built, everything, finding, hostile, idle, many, wheel

_TAG = re.compile(r"<(/?[a-z0-9]+)")


def page(report: ReleaseReport) -> str:
    """The page as GFM makes HTML of it, raw HTML let through."""
    extension = comrak.ExtensionOptions()
    extension.table = extension.autolink = extension.strikethrough = extension.tasklist = True
    render = comrak.RenderOptions()
    render.unsafe_ = True
    html: str = comrak.render_markdown(render_markdown(report), extension_options=extension, render_options=render)
    return html


def test_the_order_of_the_page() -> None:
    """The verdict first, then what could not be audited, who is served, and what is wrong, the worst first."""
    headings = re.findall(r"<h\d>(.*?)</h\d>|<summary>(.*?)</summary>", page(everything()))
    assert ["".join(one) for one in headings] == [
        "\N{CROSS MARK} wheel-audit: 1 of 2 wheels failed",
        "Could not be audited",
        "Who is served by demo 1.0",
        "Errors",
        "Warnings",
        "Worth knowing",
        "2 findings suppressed",
        "2 not judged",
    ]


@pytest.mark.parametrize(
    ("report", "verdict"),
    [
        (ReleaseReport(wheels=()), "## \N{CROSS MARK} wheel-audit: no wheel was audited"),
        (ReleaseReport(wheels=(wheel(failed=False),)), "## \N{WHITE HEAVY CHECK MARK} wheel-audit: the wheel passed"),
        (ReleaseReport(wheels=(wheel(),)), "## \N{CROSS MARK} wheel-audit: the wheel failed"),
        (
            ReleaseReport(wheels=(wheel(failed=False),) * 2),
            "## \N{WHITE HEAVY CHECK MARK} wheel-audit: all 2 wheels passed",
        ),
        (
            ReleaseReport(wheels=(wheel(failed=False),), unreadable=everything().unreadable),
            "## \N{CROSS MARK} wheel-audit: 1 path could not be audited",
        ),
        (
            ReleaseReport(wheels=(wheel(failed=False),), set_failed=True),
            "## \N{CROSS MARK} wheel-audit: the release as a set failed",
        ),
    ],
)
def test_the_verdict(report: ReleaseReport, verdict: str) -> None:
    """The first line is the verdict; what was not seen has not passed."""
    assert render_markdown(report).splitlines()[0] == verdict


def test_a_finding() -> None:
    """What is wrong, in which wheel, how we know, what PyPI does and what to do."""
    text = render_markdown(everything())
    assert (
        "- `a.so` is broken\n"
        "  - in `demo-1.0-py3-none-any.whl`\n"
        "  - seen in `a.so`\n"
        "  - PyPI refuses the upload\n"
        "  - **help:** mend it with `tool`"
    ) in text


def test_wheels_of_which_the_same_is_said() -> None:
    """Findings of several wheels that say the same stand together, also among the suppressed."""
    same = wheel(finding(), suppressed=(Suppressed(finding=finding(rule="zip-bomb"), reason="known"),))
    text = render_markdown(ReleaseReport(wheels=(same,) * 10))
    assert text.count("is broken\n") == 1
    assert text.count("is broken (known)") == 1
    assert text.count(" and 2 more") == 2


def test_evidence_is_bounded() -> None:
    """Of much evidence the first few lines are shown, and the rest counted."""
    evidence = tuple(Evidence(text=f"line {number}") for number in range(9))
    text = render_markdown(ReleaseReport(wheels=(wheel(finding(evidence=evidence)),)))
    assert "line 4\n" in text
    assert "line 5" not in text
    assert "... and 4 more" in text


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_names(text: str) -> None:
    """Whatever a name holds, the page has the elements that it has for a plain name, and code spans at most more."""
    markup = [one for one in _TAG.findall(page(hostile(text))) if one.strip("/") != "code"]
    assert markup == [one for one in _TAG.findall(page(hostile("plain"))) if one.strip("/") != "code"]
    outside = re.sub(r"<code>.*?</code>", "", page(hostile(text)))
    assert "@everyone" not in outside
    assert "\u202e" not in outside
    render_markdown(hostile(text)).encode()


@pytest.mark.parametrize(
    "message",
    [
        "see https://evil.example/ and www.evil.example",
        "# a",
        "- a",
        "+ a",
        "1. a",
        "2) a",
        "*a* _b_ ~~c~~ $d$",
        "| a |",
        "a & b &lt;",
        "\\`a",
    ],
)
def test_text_outside_of_backticks_is_text(message: str) -> None:
    """What stands outside of backticks is shown as it is, letter by letter."""
    html = page(ReleaseReport(wheels=(wheel(finding(message, evidence=(), help="")),)))
    (shown,) = re.findall(r"<li>(?:<p>)?(.*?)\n", html)[:1]
    plain = re.sub(r"</?code>|</p>|<ul>", "", shown).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert plain == message.replace("\\`a", "\\'a")


def test_the_page_has_room_in_a_step_summary() -> None:
    """A page is never larger than GitHub takes, folded sections are closed, and what is left out is counted."""
    found = [finding(f"`{number:05}` " + "x" * 350) for number in range(10_000)]
    found += [finding(f"`{number:05}` y", severity=Severity.INFO) for number in range(5000)]
    text = render_markdown(ReleaseReport(wheels=(wheel(*found),)))
    assert LARGEST * 0.9 < len(text.encode()) <= LARGEST
    assert text.count("<details>") == text.count("</details>")
    assert re.search(r"\*[0-9,]+ more have no room here", text)
    assert len(render_markdown(many(10_000)).encode()) < LARGEST


def test_built_wheels() -> None:
    """Every rule that found something in the built wheels is on the page."""
    text = render_markdown(built())
    for report in built().wheels:
        assert all(f"`{one.rule}`" in text for one in report.findings)


def test_settings_that_did_nothing() -> None:
    """Settings that met no finding are told, folded."""
    text = render_markdown(idle(2))
    assert "<summary>Settings that did nothing</summary>" in text
    assert "- `ignore` of `rule-1` met no finding" in text


def test_a_section_without_room() -> None:
    """Where not even the heading of a section has room, its rows are counted."""
    long = [finding(f"`{number:05}` " + "x" * 390, rule="gone") for number in range(3000)]
    last = finding("`y`", severity=Severity.WARNING, rule="zip-crc")
    report = ReleaseReport(wheels=(wheel(*long, last),))
    assert re.search(r"\*[0-9,]+ more have no room here", render_markdown(report))
