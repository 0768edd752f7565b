"""The JSON reports against the contract: keys, their order, types, bytes."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
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
    __version__,
    audit,
)
from auditor.findings import Unreadable
from auditor.knowledge import KNOWLEDGE
from auditor.report.json import document, render_json, render_jsonl
from auditor.report.model import SCHEMA, WireReport
from tests.cli.command import fixture
from tests.report.samples import matrix

BAD = fixture("cp313-cp313-win_amd64", "bad")
GOOD = fixture("cp311-cp311-win_amd64")

REPORT_KEYS = ["schema", "tool", "knowledge", "wheels", "unreadable", "release", "summary"]
TOOL_KEYS = ["name", "version"]
WHEEL_KEYS = [
    "path", "filename", "sha256", "size", "verdict", "tags", "findings", "suppressed", "not_judged",
]  # fmt: skip
FINDING_KEYS = ["rule", "family", "severity", "pypi", "message", "member", "arch", "evidence", "help"]
EVIDENCE_KEYS = ["text", "member", "symbol", "library", "version", "offset"]
SUMMARY_KEYS = ["wheels", "failed", "errors", "warnings", "infos", "unused_ignores", "unmatched_baseline"]
IDLE: dict[str, list[str]] = {"unused_ignores": [], "unmatched_baseline": []}

FULL = Report(
    path="dist/x.whl",
    filename="x.whl",
    sha256="0" * 64,
    size=1,
    failed=True,
    tags=("py3-none-any",),
    findings=(
        Finding(
            rule="zip-crc",
            family="archive",
            severity=Severity.ERROR,
            pypi=PyPIAnswer.SERVER_ERROR,
            message="a",
            member="m",
            arch="arm64",
            evidence=(Evidence(text="e", member="m", symbol="s", library="l", version="v", offset=7),),
            help="h",
        ),
        Finding(rule="debug-info", family="native", severity=Severity.WARNING, pypi=PyPIAnswer.ACCEPT, message="b"),
        Finding(rule="abi3-possible", family="python_abi", severity=Severity.INFO, pypi=PyPIAnswer.MAIL, message="c"),
    ),
    suppressed=(
        Suppressed(
            finding=Finding(
                rule="record-self", family="record", severity=Severity.WARNING, pypi=PyPIAnswer.FUTURE, message="d"
            ),
            reason="`record-self` is ignored",
        ),
    ),
    not_judged=(NotJudged(rule="zip-bomb", reason="too large"),),
)


def loaded(*reports: Report) -> Any:
    """The JSON report of these wheels, read back."""
    return json.loads(render_json(ReleaseReport(wheels=reports), KNOWLEDGE))


def test_every_key_of_the_contract_in_its_order() -> None:
    """Each object has exactly the keys of the contract, in its order, whether or not there is a value."""
    report = loaded(FULL)
    (wheel,) = report["wheels"]
    assert list(report) == REPORT_KEYS
    assert list(report["tool"]) == TOOL_KEYS
    assert list(wheel) == WHEEL_KEYS
    assert [list(finding) for finding in wheel["findings"]] == [FINDING_KEYS] * 3
    assert list(wheel["findings"][0]["evidence"][0]) == EVIDENCE_KEYS
    assert [list(one) for one in wheel["suppressed"]] == [[*FINDING_KEYS, "reason"]]
    assert [list(one) for one in wheel["not_judged"]] == [["rule", "reason"]]
    assert list(report["summary"]) == SUMMARY_KEYS


def test_the_values_are_those_of_the_report() -> None:
    """What the record holds is what the JSON says; what is not known is null, not absent."""
    report = loaded(FULL)
    (wheel,) = report["wheels"]
    assert report["schema"] == SCHEMA == 1
    assert report["tool"] == {"name": "wheel-audit", "version": __version__}
    assert report["knowledge"] == KNOWLEDGE
    assert (wheel["path"], wheel["filename"], wheel["sha256"], wheel["size"]) == ("dist/x.whl", "x.whl", "0" * 64, 1)
    assert (wheel["verdict"], wheel["tags"]) == ("fail", ["py3-none-any"])
    first, second, third = wheel["findings"]
    assert first == {
        "rule": "zip-crc",
        "family": "archive",
        "severity": "error",
        "pypi": "server-error",
        "message": "a",
        "member": "m",
        "arch": "arm64",
        "evidence": [{"text": "e", "member": "m", "symbol": "s", "library": "l", "version": "v", "offset": 7}],
        "help": "h",
    }
    assert (second["member"], second["arch"], second["evidence"], second["help"]) == (None, None, [], "")
    assert (third["severity"], third["pypi"]) == ("info", "mail")
    assert wheel["suppressed"][0]["reason"] == "`record-self` is ignored"
    assert wheel["suppressed"][0]["pypi"] == "future"
    assert wheel["not_judged"] == [{"rule": "zip-bomb", "reason": "too large"}]
    assert report["summary"] == {"wheels": 1, "failed": 1, "errors": 1, "warnings": 1, "infos": 1, **IDLE}


def test_real_wheels_keep_the_contract() -> None:
    """The reports of built wheels decode strictly into the wire model, and each value has its closed set."""
    text = render_json(ReleaseReport(wheels=(audit(BAD), audit(GOOD))), KNOWLEDGE)
    report = msgspec.json.decode(text, type=WireReport, strict=True)
    assert [wheel.verdict for wheel in report.wheels] == ["fail", "pass"]
    for wheel in report.wheels:
        assert re.fullmatch("[0-9a-f]{64}", wheel.sha256)
        for finding in wheel.findings:
            assert finding.severity in {"error", "warning", "info"}
            assert finding.pypi in {"reject", "server-error", "mail", "future", "accept"}
            assert finding.help
    assert report.summary.failed == 1


def test_the_layout_of_the_document() -> None:
    """The document is indented by two spaces, in ASCII, and ends with one line break."""
    text = render_json(ReleaseReport(wheels=()), {})
    assert text == (
        '{\n  "schema": 1,\n  "tool": {\n    "name": "wheel-audit",\n'
        f'    "version": "{__version__}"\n  }},\n  "knowledge": {{}},\n  "wheels": [],\n  "unreadable": [],\n'
        '  "release": null,\n'
        '  "summary": {\n    "wheels": 0,\n    "failed": 0,\n    "errors": 0,\n    "warnings": 0,\n    "infos": 0,\n'
        '    "unused_ignores": [],\n    "unmatched_baseline": []\n  }\n}\n'
    )


def test_the_same_wheel_gives_the_same_bytes() -> None:
    """Auditing the same wheel again gives the same report, byte for byte, in both forms."""
    for render in (render_json, render_jsonl):
        first, second = (render(ReleaseReport(wheels=(audit(BAD),)), KNOWLEDGE) for _ in range(2))
        assert first == second


def test_the_path_is_as_given() -> None:
    """`path` is what the caller said; bytes and a file object are known by their file name."""
    relative = BAD.parent / "." / ".." / "bad" / BAD.name
    assert loaded(audit(relative))["wheels"][0]["path"] == str(relative)
    assert loaded(audit(BAD.read_bytes(), filename=BAD.name))["wheels"][0]["path"] == BAD.name


def test_a_release_is_said_of_several_wheels_alone() -> None:
    """One wheel is no release: null. Of several the findings of the set are listed."""
    finding = FULL.findings[0]
    assert loaded(FULL)["release"] is None
    assert loaded()["release"] is None
    several = ReleaseReport(wheels=(FULL, FULL), findings=(finding,))
    release = json.loads(render_json(several, {}))["release"]
    assert [list(one) for one in release["findings"]] == [FINDING_KEYS]
    assert list(release) == ["verdict", "findings", "suppressed", "not_judged", "matrix", "wheels"]
    assert loaded(FULL, FULL)["summary"] == {"wheels": 2, "failed": 2, "errors": 2, "warnings": 2, "infos": 2, **IDLE}


def test_what_is_said_of_the_set() -> None:
    """Findings on the set count in the summary; one wheel is a release where something is said of it as a set."""
    report = ReleaseReport(
        wheels=(FULL,),
        findings=FULL.findings[:1],
        suppressed=FULL.suppressed,
        not_judged=FULL.not_judged,
        set_failed=True,
        matrix=matrix(),
        unreadable=(Unreadable(path="gone.whl", message="it does not exist"),),
    )
    found = json.loads(render_json(report, {}))
    release = found["release"]
    assert (release["verdict"], len(release["findings"]), len(release["suppressed"])) == ("fail", 1, 1)
    assert release["not_judged"] == [{"rule": "zip-bomb", "reason": "too large"}]
    assert release["matrix"]["rows"][1]["cells"][0] == {
        "platform": "manylinux_x86_64",
        "wheel": "demo-1.0-cp312.whl",
        "tag": "cp312-cp312-manylinux_2_17_x86_64",
        "floor": [2, 17],
        "older": [],
    }
    assert release["matrix"]["columns"][1]["versions"] is None
    assert found["unreadable"] == [{"path": "gone.whl", "message": "it does not exist"}]
    assert found["summary"]["errors"] == 2


def test_jsonl_says_the_same_in_lines() -> None:
    """JSON lines: a head, a line a wheel, a tail; put together they are the whole report."""
    release = ReleaseReport(wheels=(audit(BAD), FULL))
    text = render_jsonl(release, KNOWLEDGE)
    assert text.endswith("}\n")
    head, *wheels, tail = (json.loads(line) for line in text.splitlines())
    assert list(head) == REPORT_KEYS[:3]
    assert list(tail) == REPORT_KEYS[4:]
    assert {**head, "wheels": wheels, **tail} == json.loads(render_json(release, KNOWLEDGE))


@pytest.mark.parametrize(
    ("text", "encoded"),
    [
        ("plain", '"plain"'),
        ("é中", r'"\u00e9\u4e2d"'),
        ("😀", r'"\ud83d\ude00"'),
        ("\x00\x1b\n", r'"\u0000\u001b\n"'),
        ("\x7f\x9b\u202e", r'"\u007f\u009b\u202e"'),
        ("a\udcffb", r'"a\\udcffb"'),
        ("\\u00e9", r'"\\u00e9"'),
    ],
)
def test_text_is_ascii(text: str, encoded: str) -> None:
    """Every text is written in ASCII and reads back as it was; a lone surrogate is spelled out."""
    assert document(text) == f"{encoded}\n"
    back = json.loads(document([text]))
    assert back == [text.encode("utf-8", "backslashreplace").decode()]


def test_surrogates_anywhere_are_spelled_out() -> None:
    """A file name that is no text may stand anywhere in a report; all else beside it stays as it is."""
    report = msgspec.structs.replace(FULL, path="\udce9.whl", filename="\udce9.whl")
    wheel = loaded(report)["wheels"][0]
    assert wheel["path"] == wheel["filename"] == "\\udce9.whl"
    assert wheel["findings"] == loaded(FULL)["wheels"][0]["findings"]
    assert wheel["size"] == 1


def test_settings_shape_the_report() -> None:
    """What is ignored moves from `findings` to `suppressed` with its reason, and no longer counts."""
    settings = Settings(ignore=("python_abi", "wheel-tag-mismatch"))
    report = loaded(audit(BAD, settings=settings))
    (wheel,) = report["wheels"]
    assert wheel["verdict"] == "pass"
    assert [one["rule"] for one in wheel["findings"]] == ["sbom-missing"]
    assert [(one["rule"], one["reason"]) for one in wheel["suppressed"]] == [
        ("extension-suffix-mismatch", "`python_abi` is ignored"),
        ("wheel-tag-mismatch", "`wheel-tag-mismatch` is ignored"),
    ]
    assert report["summary"]["errors"] == 0
