"""The rules on the WHEEL file, its tags aside."""

from __future__ import annotations

import pytest

from auditor.findings import PyPIAnswer, Severity
from tests.builders import DEMO, WheelSpec, replace
from tests.rules.helpers import assert_house_style, findings, only, rules_hit

ERROR, WARNING = Severity.ERROR, Severity.WARNING
ACCEPT, FUTURE = PyPIAnswer.ACCEPT, PyPIAnswer.FUTURE


def line(name: str, value: str | None) -> WheelSpec:
    """The demo wheel with another line in WHEEL."""
    return replace(DEMO, wheel_lines={name: value})


def text(content: str | bytes) -> WheelSpec:
    """The demo wheel with another WHEEL."""
    return replace(DEMO, wheel_file=content)


LINES = "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\n"
DIRTY: dict[str, tuple[str, WheelSpec, str, Severity, PyPIAnswer]] = {
    "blank": ("wheel-file-syntax", text(f"{LINES}\nTag: py3-none-any\n"), "is blank", ERROR, FUTURE),
    "colon": ("wheel-file-syntax", text(f"{LINES}odd\nTag: py3-none-any\n"), "no colon", ERROR, FUTURE),
    "encoding": ("wheel-file-syntax", text(LINES.encode() + b"Tag: py3-none-any\nX: \xff\n"), "UTF-8", ERROR, FUTURE),
    "no version": ("wheel-version-unsupported", line("Wheel-Version", None), "no `Wheel-Version`", ERROR, ACCEPT),
    "major": ("wheel-version-unsupported", line("Wheel-Version", "2.0"), "`2.0`", ERROR, ACCEPT),
    "words": ("wheel-version-unsupported", line("Wheel-Version", "one"), "`one`", ERROR, ACCEPT),
    "minor": ("wheel-version-unsupported", line("Wheel-Version", "1.9"), "`1.9`", WARNING, ACCEPT),
    "no root": ("wheel-purelib-invalid", line("Root-Is-Purelib", None), "has no `Root", ERROR, ACCEPT),
    "yes": ("wheel-purelib-invalid", line("Root-Is-Purelib", "yes"), "`yes`", ERROR, ACCEPT),
    "case": ("wheel-purelib-invalid", line("Root-Is-Purelib", "True"), "`True`", WARNING, ACCEPT),
    "pure": ("wheel-purelib-contradiction", line("Root-Is-Purelib", "false"), "pure wheel", WARNING, ACCEPT),
    "compressed": ("wheel-tag-malformed", line("Tag", "py2.py3-none-any"), "`Tag: py2.py3", WARNING, FUTURE),
    "two parts": ("wheel-tag-malformed", line("Tag", "py3-any"), "`Tag: py3-any`", WARNING, FUTURE),
    "build": ("wheel-build-mismatch", line("Build", "1"), "`Build` is `1`", WARNING, ACCEPT),
    "no build": (
        "wheel-build-mismatch",
        replace(DEMO, build="1", wheel_lines={"Build": None}),
        "not there",
        WARNING,
        ACCEPT,
    ),
}


@pytest.mark.parametrize(("rule", "wheel", "words", "severity", "pypi"), DIRTY.values(), ids=DIRTY.keys())
def test_each_fault_of_wheel(rule: str, wheel: WheelSpec, words: str, severity: Severity, pypi: PyPIAnswer) -> None:
    """Each fault is one finding on WHEEL."""
    finding = only(wheel, rule=rule)
    assert words in finding.message
    assert finding.member == "demo-1.0.dist-info/WHEEL"
    assert (finding.severity, finding.pypi) == (severity, pypi)
    assert_house_style([finding])


@pytest.mark.parametrize("wheel", [DEMO, replace(DEMO, build="1a"), line("X-Odd", "1"), line("Generator", None)])
def test_a_legal_wheel_file_is_clean(wheel: WheelSpec) -> None:
    """Other fields, and a build tag that is the file name's, have no finding."""
    assert not rules_hit(wheel, "layout")


def test_tags_that_multiply_are_bounded() -> None:
    """Lines that expand to millions of tags are compared up to a ceiling."""
    parts = ".".join(f"a{number}" for number in range(20))
    lines = "".join(f"Tag: {parts}-{parts}.b{number}-{parts}\n" for number in range(2000))
    assert len(findings(text(f"{LINES}{lines}"), rule="wheel-tag-mismatch")) == 1
