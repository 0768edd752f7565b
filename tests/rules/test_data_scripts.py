"""The rules on the data directory and on scripts."""

from __future__ import annotations

import pytest

from auditor.findings import Severity
from tests.builders import DEMO, WheelSpec, replace
from tests.rules.helpers import assert_house_style, only, rules_hit

DATA = "demo-1.0.data"
RULES = {"data-dir-invalid", "data-collision", "data-script-invalid", "script-shebang", "script-reserved-name"}


def having(members: dict[str, bytes], entry_points: str | None = None) -> WheelSpec:
    """The demo wheel with more members, and perhaps entry points."""
    return replace(DEMO, members={**DEMO.members, **members}, entry_points=entry_points)


CLEAN = {
    "script": having({f"{DATA}/scripts/demo": b"#!python\n"}),
    "script with options": having({f"{DATA}/scripts/demo": b"#!python -E\n"}),
    "window script": having({f"{DATA}/scripts/demo": b"#!pythonw\n"}),
    "shell": having({f"{DATA}/scripts/demo": b"#!/bin/sh\n"}),
    "perl below a folder named python": having({f"{DATA}/scripts/demo": b"#!/opt/python/bin/perl\n"}),
    "shell by env": having({f"{DATA}/scripts/demo": b"#!/usr/bin/env -S bash python\n"}),
    "no interpreter line": having({f"{DATA}/scripts/demo.bat": b"@echo off\n"}),
    "empty interpreter line": having({f"{DATA}/scripts/demo": b"#!\n"}),
    "ELF": having({f"{DATA}/scripts/demo": b"\x7fELF"}),
    "exe": having({f"{DATA}/scripts/demo.exe": b"MZ"}),
    "every part": having({f"{DATA}/{part}/{part}.txt": b"x" for part in ("purelib", "platlib", "headers", "data")}),
    "names that are near": having({f"{DATA}/scripts/{name}": b"x" for name in ("pythonic", "ipython", "python-demo")}),
    "data below a package": having({"demo/x.data/odd/y": b"x"}),
}


@pytest.mark.parametrize("wheel", CLEAN.values(), ids=CLEAN.keys())
def test_legal_data_is_clean(wheel: WheelSpec) -> None:
    """Scripts of any language and data of every part have no finding."""
    assert not rules_hit(wheel, "layout") & RULES


DIRTY: dict[str, tuple[str, WheelSpec, str, Severity]] = {
    "other name": ("data-dir-invalid", having({"Demo-1.0.data/data/x": b"x"}), "`Demo-1.0.data`", Severity.ERROR),
    "other part": ("data-dir-invalid", having({f"{DATA}/lib/x": b"x"}), f"`{DATA}/lib`", Severity.ERROR),
    "loose": ("data-dir-invalid", having({f"{DATA}/x": b"x"}), "lies loose", Severity.ERROR),
    "collision": ("data-collision", having({f"{DATA}/purelib/demo/__init__.py": b"x"}), "1 file of", Severity.ERROR),
    "both": (
        "data-collision",
        having({f"{DATA}/purelib/x.py": b"x", f"{DATA}/platlib/x.py": b"y"}),
        "1 file of",
        Severity.ERROR,
    ),
    "folder": ("data-script-invalid", having({f"{DATA}/scripts/a/b": b"x"}), "uv refuses", Severity.ERROR),
    **{
        f"line {line.decode()}": (
            "script-shebang",
            having({f"{DATA}/scripts/demo": line + b"\n"}),
            "`demo-1.0.data/scripts/demo` begins",
            Severity.WARNING,
        )
        for line in (b"#!/usr/bin/python3", b"#!/usr/bin/env python", b"#! /usr/bin/env -S python3.11 -E", b"#!pypy3")
    },
    **{
        f"script {name}": (
            "script-reserved-name",
            having({f"{DATA}/scripts/{name}": b"x"}),
            f"`{name}`",
            Severity.ERROR,
        )
        for name in ("python", "Python3", "python3.12", "pythonw.exe", "pypy3", "graalpy")
    },
    "entry point": (
        "script-reserved-name",
        having({}, "[console_scripts]\npython = demo:main\n"),
        "`python`",
        Severity.ERROR,
    ),
    "data": ("script-reserved-name", having({f"{DATA}/data/bin/python": b"x"}), "`python`", Severity.ERROR),
}


@pytest.mark.parametrize(("rule", "wheel", "words", "severity"), DIRTY.values(), ids=DIRTY.keys())
def test_each_fault_of_the_data(rule: str, wheel: WheelSpec, words: str, severity: Severity) -> None:
    """Each fault is one finding that names the file."""
    finding = only(wheel, rule=rule)
    assert words in finding.message
    assert finding.severity is severity
    assert_house_style([finding])
