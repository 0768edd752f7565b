"""Reports for the tests of every format: built wheels, one of each thing that a report can say, names that attack."""

from __future__ import annotations

import functools
from typing import Any

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
    audit,
)
from auditor.findings import BaselineEntry, Matrix, MatrixCell, MatrixColumn, MatrixRow, Unreadable
from tests.cli.command import WHEELS

HOSTILE = {
    "controls": "a\x00\x07\x1b[31m\x7f\x9b\r\n\tb",
    "script": "</script></style><script>alert(1)</script><img src=x onerror=alert(1)>",
    "quotes": "\"'`><!--]]>&amp;&#60;",
    "command": "\n::error file=x,title=y::z\r\n::add-mask::a",
    "percent": "%0A%0D%25%3A%2C",
    "markdown": "`` ` | # [a](http://evil.example/) ![b](//evil.example) **c** <details> @everyone ~~~",
    "direction": "a\u202egnp.exe\u2066\u200f\u05d0",
    "long": "x" * 10_000,
    "backticks": "`" * 10_000,
    "brackets": "[" * 5_000 + "](" * 5_000,
    "surrogates": "a\ud800b\udcffc",
    "noncharacters": "a\ufffe\uffff\U0001f600\u2028",
    "braces": "{0}{1}${{ secrets.X }}",
}


def finding(text: str = "`a.so` is broken", **changes: Any) -> Finding:
    """A finding of a rule that there is."""
    fields: dict[str, Any] = {
        "rule": "zip-crc",
        "family": "archive",
        "severity": Severity.ERROR,
        "pypi": PyPIAnswer.ACCEPT,
        "message": text,
        "member": "a.so",
        "evidence": (Evidence(text="seen in `a.so`", symbol="s"),),
        "help": "mend it with `tool`",
    }
    return Finding(**{**fields, **changes})


def wheel(*findings: Finding, **changes: Any) -> Report:
    """A wheel with these findings, which failed."""
    name = "demo-1.0-py3-none-any.whl"
    fields: dict[str, Any] = {"path": f"dist/{name}", "filename": name, "sha256": "0" * 64, "size": 7, "failed": True}
    return Report(**{**fields, "findings": findings, **changes})


def matrix() -> Matrix:
    """A matrix with a cell of each kind."""
    columns = (
        MatrixColumn(name="manylinux_x86_64", system="manylinux", arch="x86_64", versions="glibc"),
        MatrixColumn(name="win_amd64", system="Windows", arch="amd64"),
    )
    served = MatrixCell(
        platform="manylinux_x86_64", wheel="demo-1.0-cp312.whl", tag="cp312-cp312-manylinux_2_17_x86_64", floor=(2, 17)
    )
    none = MatrixCell(platform="win_amd64")
    rows = (
        MatrixRow(interpreter="cp38", label="CPython 3.8", allowed=False, cells=(none, none)),
        MatrixRow(interpreter="cp312", label="CPython 3.12", cells=(served, none)),
    )
    return Matrix(project="demo", version="1.0", columns=columns, rows=rows)


def everything() -> ReleaseReport:
    """A report that says one of each."""
    odd = finding(rule="debug-info", family="native", severity=Severity.WARNING, pypi=PyPIAnswer.MAIL)
    note = finding(rule="abi3-possible", family="python_abi", severity=Severity.INFO)
    refused = finding(rule="record-self", family="record", pypi=PyPIAnswer.REJECT, arch="arm64")
    bad = wheel(
        finding(),
        refused,
        odd,
        note,
        suppressed=(Suppressed(finding=finding(rule="zip-bomb"), reason="`zip-bomb` is known, see #1"),),
        not_judged=(NotJudged(rule="zip-crc", reason="too large"),),
    )
    good = wheel(
        path="dist/demo-1.0-cp312-cp312-win_amd64.whl", filename="demo-1.0-cp312-cp312-win_amd64.whl", failed=False
    )
    return ReleaseReport(
        wheels=(bad, good),
        findings=(finding("no wheel serves `win_arm64`", rule="matrix-hole", family="release", member=None),),
        suppressed=(Suppressed(finding=odd, reason="not now"),),
        not_judged=(NotJudged(rule="matrix-hole", reason="no `Requires-Python`"),),
        set_failed=True,
        matrix=matrix(),
        unreadable=(Unreadable(path="dist/gone.whl", message="`dist/gone.whl` does not exist"),),
    )


def hostile(text: str) -> ReleaseReport:
    """A report in which every text that may come from a wheel or its path is this one."""
    one = finding(
        f"`{text}` is broken: {text}",
        member=text,
        arch=text,
        evidence=(Evidence(text=f"see `{text}`", member=text, symbol=text, library=text, version=text),) * 2,
        help=f"mend `{text}`",
    )
    two = finding(f"`{text}`", severity=Severity.WARNING, member=None, evidence=())
    three = finding(f"{text}", severity=Severity.INFO)
    missed = NotJudged(rule="zip-bomb", reason=f"`{text}` is odd")
    put_aside = Suppressed(finding=one, reason=f"`{text}` is known")
    bad = wheel(
        one, two, three,
        path=f"dist/{text}.whl", filename=f"{text}.whl", tags=(text,), suppressed=(put_aside,), not_judged=(missed,),
    )  # fmt: skip
    served = MatrixCell(platform=text, wheel=text, tag="cp312-cp312-linux_x86_64", floor=(2, 17))
    table = Matrix(
        project=text,
        version=text,
        columns=(MatrixColumn(name=text, system="manylinux", arch="x86_64", versions="glibc"),),
        rows=(MatrixRow(interpreter="cp312", label="CPython 3.12", cells=(served,)),),
    )
    return ReleaseReport(
        wheels=(bad, wheel(path=text, filename=text, failed=False)),
        findings=(one,),
        suppressed=(put_aside,),
        not_judged=(missed,),
        set_failed=True,
        matrix=table,
        unreadable=(Unreadable(path=text, message=f"`{text}` cannot be read"),),
    )


def many(count: int) -> ReleaseReport:
    """A release of ten wheels with as many findings in all, each with evidence."""
    evidence = tuple(Evidence(text=f"`symbol_{number}` is in `libc.so.6`", symbol=f"s{number}") for number in range(8))
    rules = ("zip-crc", "debug-info", "record-self", "glibc-newer-than-tag")
    wheels = []
    for number in range(10):
        found = tuple(
            finding(f"`pkg/module_{place}.so` is broken", rule=rules[place % 4], evidence=evidence)
            for place in range(count // 10)
        )
        name = f"demo-1.0-cp3{number}-cp3{number}-win_amd64.whl"
        wheels.append(wheel(*found, path=f"dist/{name}", filename=name))
    return ReleaseReport(wheels=tuple(wheels), matrix=matrix())


@functools.cache
def built() -> ReleaseReport:
    """Built wheels, good and spoilt, of all systems."""
    paths = sorted([*(WHEELS / "bad").glob("*.whl"), *(WHEELS / "good").glob("*.whl")])
    settings = Settings(ignore=("sbom-missing",))
    reports = tuple(audit(one.read_bytes(), filename=one.name, settings=settings) for one in paths)
    return ReleaseReport(wheels=reports, matrix=matrix())


def idle(count: int) -> ReleaseReport:
    """A wheel that passed, and settings that did nothing."""
    entry = BaselineEntry(fingerprint="0" * 32, rule="zip-bomb", hint="too large")
    ignores = tuple(f"`ignore` of `rule-{number}`" for number in range(count))
    return ReleaseReport(wheels=(wheel(failed=False),), unused_ignores=ignores, unmatched_baseline=(entry,))
