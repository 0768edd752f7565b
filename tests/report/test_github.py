"""Annotations of GitHub Actions: read back as the runner reads them."""

from __future__ import annotations

import re

import pytest

from auditor import Evidence, ReleaseReport, Severity
from auditor.report.github import MOST, render_github
from tests.report.samples import HOSTILE, built, everything, finding, hostile, idle, many, wheel

_COMMAND = re.compile(r"::(?P<command>error|warning|notice) (?P<properties>[^:]*)::(?P<message>.*)")


def unescaped(text: str) -> str:
    """As the runner does: %25 last."""
    for code, character in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(code, character)
    return text


def commands(report: ReleaseReport) -> list[tuple[str, dict[str, str], str]]:
    """The commands with their properties and messages. Every line but the last is one."""
    *lines, last, nothing = render_github(report).split("\n")
    assert not nothing
    assert last.startswith("wheel-audit: ")
    found = []
    for line in lines:
        command = _COMMAND.fullmatch(line)
        assert command is not None, line
        pairs = [one.partition("=") for one in command["properties"].split(",")]
        assert [key for key, _, _ in pairs] in (["file", "title"], ["title"])
        found.append(
            (command["command"], {key: unescaped(value) for key, _, value in pairs}, unescaped(command["message"]))
        )
    return found


def test_one_of_each() -> None:
    """Errors, warnings and notices, each with its wheel; nothing of what was suppressed."""
    found = commands(everything())
    assert [(command, properties["title"]) for command, properties, _ in found] == [
        ("error", "wheel-audit: could not be audited"),
        ("error", "wheel-audit: matrix-hole"),
        ("error", "wheel-audit: zip-crc"),
        ("error", "wheel-audit: record-self"),
        ("warning", "wheel-audit: 2 not judged"),
        ("warning", "wheel-audit: debug-info"),
        ("notice", "wheel-audit: abi3-possible"),
    ]
    assert found[2] == (
        "error",
        {"file": "dist/demo-1.0-py3-none-any.whl", "title": "wheel-audit: zip-crc"},
        "`a.so` is broken\n- seen in `a.so`\nhelp: mend it with `tool`",
    )
    assert "file" not in found[1][1]
    assert "PyPI refuses the upload" in found[3][2]


def test_the_last_line_is_the_verdict() -> None:
    """The log ends with what a person wants to know."""
    report = ReleaseReport(wheels=(wheel(finding()), wheel(failed=False)))
    assert render_github(report).splitlines()[-1] == (
        "wheel-audit: 1 of 2 wheels failed; 2 wheels, 1 error, 0 warnings, 0 infos"
    )
    assert render_github(ReleaseReport(wheels=())).startswith("wheel-audit: no wheel was audited")
    of_set = ReleaseReport(wheels=(wheel(failed=False),), set_failed=True)
    assert "the release as a set failed" in render_github(of_set)


def test_no_more_than_github_shows() -> None:
    """Findings of one rule stand together where there are too many; where rules are too many, the last counts them."""
    found = commands(many(10_000))
    assert len(found) == 4
    assert found[0][2].startswith("2,500 findings in 10 wheels; the first:\n`pkg/module_0.so` is broken")
    rules = ReleaseReport(wheels=(wheel(*(finding(rule=f"rule-{number}") for number in range(25))),))
    found = commands(rules)
    assert len(found) == MOST
    assert found[-1][1]["title"] == "wheel-audit: 16 more rules with findings"
    assert found[-1][2].splitlines() == [f"rule-{number}: 1 finding" for number in range(9, 25)]
    exact = ReleaseReport(wheels=(wheel(*(finding(rule=f"rule-{number}") for number in range(MOST))),))
    assert [one[1]["title"] for one in commands(exact)] == [f"wheel-audit: rule-{number}" for number in range(MOST)]


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_names(text: str) -> None:
    """Whatever a name holds, each line is one command, with the properties and the type that we meant."""
    found = commands(hostile(text))
    assert [command for command, _, _ in found] == [command for command, _, _ in commands(hostile("plain"))]
    for _, properties, message in found:
        assert all(value.isprintable() for value in properties.values())
        assert all(line.isprintable() for line in message.split("\n"))
        assert len(message) < 8000
    render_github(hostile(text)).encode()


def test_built_wheels() -> None:
    """Every error of a built wheel is annotated on it."""
    errors = {one.rule for report in built().wheels for one in report.findings if one.severity is Severity.ERROR}
    titles = {properties["title"] for command, properties, _ in commands(built()) if command == "error"}
    assert titles == {f"wheel-audit: {rule}" for rule in errors}


def test_settings_that_did_nothing() -> None:
    """One notice tells all of them, the first ten by name."""
    ((command, _, message),) = commands(idle(1))
    assert command == "notice"
    assert message.splitlines() == [
        "`ignore` of `rule-0` met no finding",
        f"the baseline's entry `zip-bomb` ({'0' * 32}) met no finding: too large",
    ]
    ((_, _, message),) = commands(idle(20))
    assert message.splitlines()[10:] == ["and 11 more"]


def test_the_least_finding() -> None:
    """A finding without evidence and help is its message; much evidence is cut."""
    ((_, _, message),) = commands(ReleaseReport(wheels=(wheel(finding("bare", evidence=(), help="")),)))
    assert message == "bare"
    long = finding("bare", evidence=(Evidence(text="e"),) * 9, help="")
    ((_, _, message),) = commands(ReleaseReport(wheels=(wheel(long),)))
    assert message.splitlines()[-1] == "- and 4 more"


def test_paths_have_slashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """On Windows a path is written as GitHub and GitLab spell it; elsewhere a backslash is part of a name."""
    from auditor.report import wording

    assert wording.slashed("dist\\demo.whl") == "dist\\demo.whl"
    monkeypatch.setattr("auditor.report.wording.os.name", "nt")
    assert wording.slashed("dist\\demo.whl") == "dist/demo.whl"
