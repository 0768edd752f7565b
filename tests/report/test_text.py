"""The text report: what a maintainer reads for each of the bad wheels, and each part of the form by itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from auditor import (
    Evidence,
    Finding,
    NotJudged,
    PyPIAnswer,
    ReleaseReport,
    Report,
    Settings,
    Severity,
    Suppressed,
    Unreadable,
    audit,
)
from auditor.report.text import printable, render_text
from tests.cli.command import WHEELS, fixture

if TYPE_CHECKING:
    from pathlib import Path

GLIBC = """\
FAIL  my_extension-0.1.0-cp39-abi3-manylinux2014_x86_64.manylinux_2_17_x86_64.whl
  error[glibc-newer-than-tag]: `my_extension/_core.abi3.so` needs glibc 2.34; the tag
    `manylinux2014_x86_64` promises that 2.17 is enough
    | `my_extension/_core.abi3.so` needs `pthread_key_create@GLIBC_2.34`,
    |   `pthread_key_delete@GLIBC_2.34`, `pthread_setspecific@GLIBC_2.34` (libc.so.6)
    | `my_extension/_core.abi3.so` needs `fstat64@GLIBC_2.33`, `stat64@GLIBC_2.33` (libc.so.6)
    | `my_extension/_core.abi3.so` needs `gettid@GLIBC_2.30` (libc.so.6)
    | `my_extension/_core.abi3.so` needs `statx@GLIBC_2.28` (libc.so.6)
    help: build against glibc 2.17 (the manylinux image of the tag, cibuildwheel, `maturin build
          --zig`), or tag the wheel `manylinux_2_34_x86_64` or later
  info[sbom-missing]: no bill of materials names the parts of this wheel: it has crates of Rust

1 wheel audited, failed: 1 error, 0 warnings, 1 info
`wheel-audit explain glibc-newer-than-tag` tells more about a rule
"""
UNIVERSAL = """\
FAIL  my_extension-0.1.0-cp311-cp311-macosx_11_0_universal2.whl
  error[macos-arch-missing]: `my_extension/_core.cpython-311-darwin.so` has no x86_64 slice; the tag
    `macosx_11_0_universal2` promises arm64 and x86_64
    | `my_extension/_core.cpython-311-darwin.so` has arm64
    help: build for both architectures and join them (`delocate-merge`, `lipo`), or tag the wheel
          for the one
  info[sbom-missing]: no bill of materials names the parts of this wheel: it has crates of Rust

1 wheel audited, failed: 1 error, 0 warnings, 1 info
`wheel-audit explain macos-arch-missing` tells more about a rule
"""
RENAMED = """\
FAIL  my_extension-0.1.0-cp313-cp313-win_amd64.whl
  error[extension-suffix-mismatch]: the module `my_extension._core` cannot be imported by CPython
    3.13, which the tags select: its file ends in `.cp311-win_amd64.pyd`
    | `my_extension/_core.cp311-win_amd64.pyd` is for CPython 3.11 on win_amd64
    | the tags select CPython 3.13 on `win_amd64`
    help: build it for the tag's Python; renaming the wheel does not rename the module
  error[wheel-tag-mismatch]: WHEEL has no tag for machines that the file name promises to serve:
    `cp313-cp313-win_amd64`
    | `cp313-cp313-win_amd64` is in the file name and not in WHEEL
    | `cp311-cp311-win_amd64` is in WHEEL and not in the file name
    = PyPI accepts the upload today, and has announced to refuse it
    help: give the wheel its old name again, and change its tags with `python -m wheel tags`, which
          keeps the name, WHEEL and RECORD together
  info[sbom-missing]: no bill of materials names the parts of this wheel: it has crates of Rust

1 wheel audited, failed: 2 errors, 0 warnings, 1 info
`wheel-audit explain extension-suffix-mismatch` tells more about a rule
"""
GOOD = """\
ok    my_extension-0.1.0-cp39-abi3-win_amd64.whl
  info[sbom-missing]: no bill of materials names the parts of this wheel: it has crates of Rust

1 wheel audited, passed: 0 errors, 0 warnings, 1 info
"""
SNAPSHOTS = [
    (fixture("manylinux2014_x86_64.manylinux_2_17_x86_64", "bad"), GLIBC),
    (fixture("macosx_11_0_universal2", "bad"), UNIVERSAL),
    (fixture("cp313-cp313-win_amd64", "bad"), RENAMED),
    (fixture("cp39-abi3-win_amd64"), GOOD),
]


def finding(**changes: object) -> Finding:
    """A finding with everything that the text shows."""
    fields: dict[str, object] = {
        "rule": "zip-crc",
        "family": "archive",
        "severity": Severity.ERROR,
        "pypi": PyPIAnswer.ACCEPT,
        "message": "it is broken",
        "help": "mend it",
    }
    return Finding(**{**fields, **changes})  # type: ignore[arg-type]


def report(*findings: Finding, failed: bool = True, **changes: object) -> Report:
    """A report of one wheel with these findings."""
    fields: dict[str, object] = {"path": "x.whl", "filename": "x.whl", "sha256": "", "size": 0}
    return Report(**{**fields, "failed": failed, "findings": findings, **changes})  # type: ignore[arg-type]


def rendered(*reports: Report, width: int = 100, **options: bool) -> str:
    """The text of these reports."""
    return render_text(ReleaseReport(wheels=reports), width=width, **options)


@pytest.mark.parametrize(("wheel", "text"), SNAPSHOTS, ids=["glibc", "universal2", "renamed", "good"])
def test_what_a_maintainer_reads(wheel: Path, text: str) -> None:
    """The whole report of each built wheel, word for word."""
    assert rendered(audit(wheel.read_bytes(), filename=wheel.name)) == text


def test_a_narrow_terminal() -> None:
    """At 60 columns a name that does not fit beside the label stands on the next line, in one piece."""
    wheel = SNAPSHOTS[1][0]
    assert rendered(audit(wheel.read_bytes(), filename=wheel.name), width=60) == (
        "FAIL  my_extension-0.1.0-cp311-cp311-macosx_11_0_universal2.whl\n"
        "  error[macos-arch-missing]:\n"
        "    `my_extension/_core.cpython-311-darwin.so` has no x86_64\n"
        "    slice; the tag `macosx_11_0_universal2` promises arm64\n"
        "    and x86_64\n"
        "    | `my_extension/_core.cpython-311-darwin.so` has arm64\n"
        "    help: build for both architectures and join them\n"
        "          (`delocate-merge`, `lipo`), or tag the wheel for\n"
        "          the one\n"
        "  info[sbom-missing]: no bill of materials names the parts\n"
        "    of this wheel: it has crates of Rust\n"
        "\n"
        "1 wheel audited, failed: 1 error, 0 warnings, 1 info\n"
        "`wheel-audit explain macos-arch-missing` tells more about a\n"
        "rule\n"
    )


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120])
def test_no_line_passes_the_width(width: int) -> None:
    """A line is longer than the width only where one name is, and that name stands alone or behind its mark."""
    wheels = [audit(path.read_bytes(), filename=path.name) for path in sorted((WHEELS / "bad").iterdir())]
    for verbose in (False, True):
        for line in rendered(*wheels, width=width, verbose=verbose).splitlines():
            words = re.sub(r"^(FAIL  |    \| |    help: )", "", line).split()
            assert len(line) <= width or len(words) == 1, line


def test_colour_changes_nothing_but_colour() -> None:
    """Without its sequences the coloured report is the plain one, and every sequence is closed on its line."""
    wheels = [audit(path.read_bytes(), filename=path.name) for path, _ in SNAPSHOTS]
    for width in (50, 100):
        coloured = rendered(*wheels, colour=True, width=width)
        assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == rendered(*wheels, width=width)
        for line in coloured.splitlines():
            assert re.fullmatch(r"([^\x1b]*(\x1b\[[1-9][0-9;]*m[^\x1b]*\x1b\[0m)?)*", line)


def test_severities_have_their_colours() -> None:
    """Errors are red, warnings yellow, infos blue; a passing wheel is green."""
    severities = [finding(severity=severity, rule=severity.value) for severity in Severity]
    text = rendered(report(*severities), report(failed=False), colour=True)
    assert "\x1b[31;1merror[error]\x1b[0m" in text
    assert "\x1b[33;1mwarning[warning]\x1b[0m" in text
    assert "\x1b[34;1minfo[info]\x1b[0m" in text
    assert "\x1b[31;1mFAIL\x1b[0m  " in text
    assert "\x1b[32;1mok  \x1b[0m  " in text


def test_long_evidence_is_cut_unless_asked_for() -> None:
    """Five observations are shown and the rest counted; `verbose` shows them all."""
    long = finding(evidence=tuple(Evidence(text=f"seen {number}") for number in range(7)))
    short = rendered(report(long))
    assert "    | seen 4\n    | ... and 2 more (--verbose shows all)\n" in short
    assert "seen 5" not in short
    assert "    | seen 6\n    help" in rendered(report(long), verbose=True)
    five = finding(evidence=long.evidence[:5])
    assert "more" not in rendered(report(five)).replace("tells more", "")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (PyPIAnswer.REJECT, "    = PyPI refuses the upload\n"),
        (PyPIAnswer.SERVER_ERROR, "    = PyPI answers the upload with a server error\n"),
        (PyPIAnswer.MAIL, "    = PyPI accepts the upload and warns its maintainers by mail\n"),
        (PyPIAnswer.FUTURE, "    = PyPI accepts the upload today, and has announced to refuse it\n"),
        (PyPIAnswer.ACCEPT, None),
    ],
)
def test_what_pypi_does_is_said(answer: PyPIAnswer, words: str | None) -> None:
    """What PyPI does stands below the evidence, where it does anything."""
    text = rendered(report(finding(pypi=answer)))
    assert (words in text) if words is not None else ("PyPI" not in text)


def test_an_info_is_one_line_unless_asked_for() -> None:
    """An info shows its message; evidence and help appear with `verbose`, and `quiet` leaves it out."""
    info = report(finding(severity=Severity.INFO, evidence=(Evidence(text="seen"),)), failed=False)
    assert rendered(info).startswith("ok    x.whl\n  info[zip-crc]: it is broken\n\n1 wheel audited, passed")
    assert "    | seen\n    help: mend it\n" in rendered(info, verbose=True)
    assert rendered(info, quiet=True) == "1 wheel audited, passed: 0 errors, 0 warnings, 1 info\n"
    assert "explain" not in rendered(info)


def test_a_finding_without_help_has_no_help_line() -> None:
    """Where there is nothing to advise, no empty line promises it."""
    assert "help" not in rendered(report(finding(help="")))
    assert not any(line.endswith(" ") for line in rendered(report(finding(help="", message=""))).splitlines())


def test_what_could_not_be_judged_is_said() -> None:
    """A wheel that passed says what nobody looked at."""
    unjudged = report(failed=False, not_judged=(NotJudged(rule="zip-bomb", reason="it is too large"),))
    assert rendered(unjudged).startswith("ok    x.whl\n  not judged[zip-bomb]: it is too large\n\n")
    assert "not judged" not in rendered(unjudged, quiet=True)


def test_quiet_says_no_more_of_a_failing_wheel() -> None:
    """A wheel that is shown under `quiet` is shown without what could not be judged and what was set aside."""
    aside = Suppressed(finding=finding(), reason="`zip-crc` is ignored")
    noisy = report(finding(), suppressed=(aside,), not_judged=(NotJudged(rule="zip-bomb", reason="too large"),))
    assert rendered(noisy, quiet=True) == (
        "FAIL  x.whl\n  error[zip-crc]: it is broken\n    help: mend it\n\n"
        "1 wheel audited, failed: 1 error, 0 warnings, 0 infos\n"
    )
    assert rendered(noisy, quiet=True, verbose=True) == rendered(noisy, quiet=True)


def test_quiet_names_a_rule_that_failed() -> None:
    """Where a rule failed by itself the command ends with 3, so even `quiet` says why."""
    broken = report(failed=False, broken=True, not_judged=(NotJudged(rule="zip-bomb", reason="the rule failed"),))
    assert rendered(broken, quiet=True).startswith("ok    x.whl\n  not judged[zip-bomb]: the rule failed\n\n1 wheel")


def test_what_was_set_aside_is_counted() -> None:
    """Suppressed findings are counted; `verbose` shows each with its reason, `quiet` neither."""
    aside = Suppressed(finding=finding(), reason="`zip-crc` is ignored")
    one, two = report(failed=False, suppressed=(aside,)), report(failed=False, suppressed=(aside, aside))
    assert "  1 finding suppressed (--verbose shows them)\n" in rendered(one)
    assert "  2 findings suppressed (--verbose shows them)\n" in rendered(two)
    assert "  suppressed[zip-crc]: it is broken (`zip-crc` is ignored)\n" in rendered(one, verbose=True)
    assert "suppressed" not in rendered(one, quiet=True)


@pytest.mark.parametrize(
    ("reports", "line"),
    [
        ((), "no wheel was audited"),
        ((report(failed=False),), "1 wheel audited, passed: 0 errors, 0 warnings, 0 infos"),
        ((report(finding()),), "1 wheel audited, failed: 1 error, 0 warnings, 0 infos"),
        ((report(failed=False),) * 3, "3 wheels audited, all passed: 0 errors, 0 warnings, 0 infos"),
        ((report(finding()), report(failed=False)), "2 wheels audited, 1 of 2 failed: 1 error, 0 warnings, 0 infos"),
    ],
)
def test_the_last_line_counts(reports: tuple[Report, ...], line: str) -> None:
    """The last line says how many wheels there were, how many failed, and how much was found."""
    assert rendered(*reports, quiet=True).splitlines()[-1] == line


def test_what_could_not_be_read_is_no_pass() -> None:
    """A path that could not be read is named with the reason, and the last line does not say that all passed."""
    gone = Unreadable(path="p", message="`p\x1b` cannot be read: it is a pipe")
    good, bad = report(failed=False), report(finding())
    for wheels, quiet, verdict in (
        ((good,), False, "1 wheel audited, none failed, 1 path could not be audited: 0 errors, 0 warnings, 0 infos"),
        ((good,), True, "1 wheel audited, none failed, 1 path could not be audited: 0 errors, 0 warnings, 0 infos"),
        ((bad, good), True, "2 wheels audited, 1 of 2 failed, 1 path could not be audited: 1 error, 0 warnings, 0 inf"),
        ((), True, "no wheel was audited"),
    ):
        text = render_text(ReleaseReport(wheels=wheels, unreadable=(gone,)), quiet=quiet, colour=not quiet, width=120)
        plain = re.sub("\x1b\\[[0-9;]*m", "", text)
        assert "not audited: `p\\x1b` cannot be read: it is a pipe\n\n" in plain
        assert verdict in plain
        assert "passed" not in plain
        assert quiet or "\x1b[31;1m1 wheel audited" in text
    together = render_text(ReleaseReport(wheels=(good,), unreadable=(gone, gone))).splitlines()
    assert together[:5] == ["ok    x.whl", "", *["not audited: `p\\x1b` cannot be read: it is a pipe"] * 2, ""]


ALIKE = """\
ok    0.whl
ok    1.whl
FAIL  2.whl
  error[zip-crc]: alike
    help: mend it
  info[zip-crc]: its own

FAIL  3.whl
  error[zip-crc]: alike
    help: mend it

FAIL  4.whl
  error[zip-crc]: alike
    help: mend it

the same in several wheels
  warning[zip-crc]: alike
    in 3 of 5 wheels (here as in the first): `0.whl`, `1.whl`, `2.whl`
    | seen 0
    help: mend it
  info[debug-info]: alike
    in 4 of 5 wheels: `0.whl`, `1.whl`, `2.whl` and 1 more
  info[zip-crc]: alike
    in all 5 wheels

5 wheels audited, 3 of 5 failed: 3 errors, 3 warnings, 10 infos
`wheel-audit explain zip-crc` tells more about a rule
"""


def alike() -> list[Report]:
    """Five wheels that have an info alike; four another, three a warning with evidence of their own, three an error."""
    wheels = []
    for number in range(5):
        found = [finding(message="alike", severity=Severity.ERROR)] if number > 1 else []
        if number < 3:
            evidence = (Evidence(text=f"seen {number}"),)
            found.append(finding(message="alike", severity=Severity.WARNING, evidence=evidence))
        if number < 4:
            found.append(finding(rule="debug-info", message="alike", severity=Severity.INFO))
        found.append(finding(message="alike", severity=Severity.INFO))
        found += [finding(message="its own", severity=Severity.INFO)] * (number == 2)
        wheels.append(report(*found, failed=number > 1, path=f"{number}.whl", filename=f"{number}.whl"))
    return wheels


def test_what_many_wheels_have_alike_is_said_once() -> None:
    """Infos and warnings that three wheels or more have alike stand behind them; an error stays with its wheel."""
    assert rendered(*alike()) == ALIKE
    quiet = rendered(*alike(), quiet=True)
    assert "info[" not in quiet
    assert quiet.count("warning[zip-crc]: alike") == 1
    assert quiet.startswith("FAIL  2.whl\n")


def test_all_evidence_is_all_evidence() -> None:
    """With `verbose` what differs in its evidence stays with its wheel, and each wheel of the others is named."""
    text = rendered(*alike(), verbose=True)
    assert all(f"    | seen {number}\n" in text for number in range(3))
    assert "    in 4 of 5 wheels: `0.whl`, `1.whl`, `2.whl`, `3.whl`\n    help: mend it\n" in text


def test_what_is_alike_stands_apart() -> None:
    """A blank line parts it from wheels of which nothing else is said."""
    info = finding(severity=Severity.INFO)
    assert rendered(*[report(info, failed=False)] * 3) == (
        "ok    x.whl\nok    x.whl\nok    x.whl\n\n"
        "the same in several wheels\n  info[zip-crc]: it is broken\n    in all 3 wheels\n\n"
        "3 wheels audited, all passed: 0 errors, 0 warnings, 3 infos\n"
    )


def test_two_wheels_say_it_each() -> None:
    """What two wheels have alike stands with each."""
    two = rendered(*alike()[:2])
    assert two.count("info[zip-crc]: alike") == two.count("warning[zip-crc]: alike") == 2
    assert "several wheels" not in two


def test_quiet_keeps_errors_and_warnings() -> None:
    """With `quiet` a wheel appears only with what is at least a warning."""
    warned = report(finding(severity=Severity.WARNING), failed=False)
    text = rendered(warned, report(failed=False), quiet=True)
    assert text.count("ok    x.whl") == 1
    assert "warning[zip-crc]" in text
    assert "explain" not in text


def test_names_are_made_printable() -> None:
    """Control characters, line breaks and writing directions in messages, evidence, help and paths are escaped."""
    nasty = "a\x1b[31m\r\nb\u202e\x9b\udcff"
    safe = "a\\x1b[31m\\r\\nb\\u202e\\x9b\\udcff"
    hostile = report(
        finding(message=nasty, help=nasty, evidence=(Evidence(text=nasty),)),
        path=nasty,
        suppressed=(Suppressed(finding=finding(message=nasty), reason=nasty),),
        not_judged=(NotJudged(rule="zip-bomb", reason=nasty),),
    )
    text = rendered(hostile, verbose=True, width=200)
    assert text.count(safe) == 7
    assert all(one.isprintable() or one == "\n" for one in text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [("plain é中😀 ", "plain é中😀 "), ("\t", "\\t"), ("\0", "\\x00"), ("\xa0", "\\xa0"), ("\u2028", "\\u2028")],
)
def test_printable(text: str, shown: str) -> None:
    """Letters of any script stay; what has no shape of its own is spelled out."""
    assert printable(text) == shown


def test_the_text_follows_the_settings() -> None:
    """What fails is what the settings say, and the word before the wheel follows."""
    wheel = SNAPSHOTS[2][0]
    assert rendered(audit(wheel, settings=Settings(fail_on=None))).startswith("ok    ")
