"""By what a finding is known again: what must not change it, and what must."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from auditor import Evidence, Finding, PyPIAnswer, Severity, audit
from auditor.fingerprint import fingerprint, stable_member
from tests.builders import replace
from tests.builders.extension import extension_spec
from tests.builders.wheel import build_wheel

if TYPE_CHECKING:
    from auditor import Report

NAME = "demo-1.0-cp311-cp311-manylinux_2_17_x86_64.whl"


def finding(**changes: Any) -> Finding:
    """A finding with all of its parts."""
    parts: dict[str, Any] = {
        "rule": "library-unresolved",
        "family": "loading",
        "severity": Severity.ERROR,
        "pypi": PyPIAnswer.ACCEPT,
        "message": "a message",
        "member": "demo/_core.cpython-311-x86_64-linux-gnu.so",
        "evidence": (Evidence(text="an observation", symbol="SSL_read", library="libssl-1a2b3c4d.so.3"),),
    }
    return Finding(**{**parts, **changes})


EVIDENCE = finding().evidence[0]


def test_it_is_32_hex_digits() -> None:
    """It is a text of fixed length, the same in every process and on every host."""
    assert fingerprint(finding(), NAME) == "05945d3e4f367708f0c3c70bfc67f18c"


@pytest.mark.parametrize(
    "other",
    [
        finding(message="other words"),
        finding(severity=Severity.INFO, pypi=PyPIAnswer.REJECT, help="other help"),
        finding(member="demo/_core.cpython-314t-aarch64-linux-gnu.so"),
        finding(member="demo/_core.abi3.so"),
        finding(member="demo/_core.so"),
        finding(member="demo/_core.pypy311-pp73-x86_64-linux-gnu.so"),
        finding(evidence=(EVIDENCE, Evidence(text="one more", symbol="other"))),
        finding(evidence=(Evidence(text="in other words", symbol="SSL_read", library="libssl-99999999.so.3"),)),
        finding(evidence=(Evidence(text="t", symbol="SSL_read", library="libssl.so.3", version="V2", offset=7),)),
    ],
)
def test_what_changes_from_build_to_build_is_left_out(other: Finding) -> None:
    """Words, severity, the interpreter in a suffix, a repair tool's hash and further evidence change nothing."""
    assert fingerprint(other, NAME) == fingerprint(finding(), NAME)


@pytest.mark.parametrize("filename", ["demo-2.0-cp39-abi3-win_amd64.whl", "Demo-1.0.post1-1-py3-none-any.whl", "demo"])
def test_version_and_tags_of_the_wheel_are_left_out(filename: str) -> None:
    """The same fault in another version, or in the wheel for another system, is the same."""
    assert fingerprint(finding(), filename) == fingerprint(finding(), NAME)


@pytest.mark.parametrize(
    ("other", "filename"),
    [
        (finding(rule="library-unreachable"), NAME),
        (finding(member="demo/_other.cpython-311-x86_64-linux-gnu.so"), NAME),
        (finding(member="other/_core.cpython-311-x86_64-linux-gnu.so"), NAME),
        (finding(member=None), NAME),
        (finding(arch="arm64"), NAME),
        (finding(evidence=()), NAME),
        (finding(evidence=(Evidence(text="an observation", symbol="SSL_write", library="libssl.so.3"),)), NAME),
        (finding(evidence=(Evidence(text="an observation", symbol="SSL_read", library="libssl.so.1.1"),)), NAME),
        (finding(), NAME.replace("demo", "other")),
    ],
)
def test_what_a_finding_is_about_changes_it(other: Finding, filename: str) -> None:
    """Rule, project, member, architecture, and the first evidence's symbol and library tell findings apart."""
    assert fingerprint(other, filename) != fingerprint(finding(), NAME)


@pytest.mark.parametrize(
    ("member", "stable"),
    [
        ("demo-1.0.dist-info/METADATA", "demo.dist-info/METADATA"),
        ("demo-1.0.data/scripts/demo", "demo.data/scripts/demo"),
        ("demo-1.0+local.1.dist-info", "demo.dist-info"),
        ("demo/x-1.0.dist-info.txt", "demo/x-1.0.dist-info.txt"),
        ("demo/x-1.0.dist-info/METADATA", "demo/x-1.0.dist-info/METADATA"),
        ("demo.libs/libfoo-1a2b3c4d.so.1.2", "demo.libs/libfoo.so.1.2"),
        ("demo.libs/foo-0123456789abcdef0123456789abcdef.dll", "demo.libs/foo.dll"),
        ("demo/_core.cp313-win_amd64.pyd", "demo/_core.pyd"),
        ("demo/data-20261122.csv", "demo/data.csv"),
        ("demo/__init__.py", "demo/__init__.py"),
        ("", ""),
        ("a/", "a/"),
        ("\udcff\0", "\udcff\0"),
    ],
)
def test_stable_member(member: str, stable: str) -> None:
    """Only the parts that builds change are taken out of a name, and any name gives one."""
    assert stable_member(member) == stable
    assert len(fingerprint(finding(member=member), NAME)) == 32


def test_real_findings_of_two_pythons_and_versions_are_the_same() -> None:
    """The wheels of one project for two Pythons, and its next version, have the same fingerprints."""

    def spoiled(tags: str, version: str) -> Report:
        spec = replace(extension_spec(tags), version=version, headers={"Requires-Python": ">>3"})
        built = build_wheel(spec)
        return audit(built.data, filename=built.filename)

    reports = [
        spoiled("cp311-cp311-manylinux_2_17_x86_64", "1.0"),
        spoiled("cp312-cp312-manylinux_2_17_x86_64", "1.0"),
        spoiled("cp311-cp311-manylinux_2_17_x86_64", "2.0"),
    ]
    first, *others = [{fingerprint(one, report.filename) for one in report.findings} for report in reports]
    assert first
    assert others == [first, first]
