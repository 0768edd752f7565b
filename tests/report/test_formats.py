"""The registry: every format takes every report, gives text that can be written, and is done in time."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from auditor import ReleaseReport, Severity
from auditor.knowledge import KNOWLEDGE
from auditor.report.formats import FORMATS, Options
from tests.report.samples import HOSTILE, built, everything, hostile, many

SECONDS = 2.0
"""For 10,000 findings in any format."""


def test_the_names() -> None:
    """Each format is known by its own name, and says for whom it is."""
    assert list(FORMATS) == ["text", "json", "jsonl", "sarif", "junit", "github", "gitlab", "markdown", "html"]
    assert all(name == one.name and one.suffix[0] == "." and one.summary for name, one in FORMATS.items())
    assert [name for name, one in FORMATS.items() if one.needs_trees] == ["html"]


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_names(name: str, text: str) -> None:
    """Whatever a name holds, the report can be written, and no control character comes through."""
    written = FORMATS[name].encoded(hostile(text), KNOWLEDGE, Options(verbose=True))
    assert written.endswith(b"\n")
    shown = written.decode().replace("\n", "")
    assert all(one.isprintable() for one in shown)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    "report", [ReleaseReport(wheels=()), everything(), built()], ids=["empty", "everything", "built"]
)
def test_any_report(name: str, report: ReleaseReport) -> None:
    """Each format takes a report of nothing, of one of each thing, and of built wheels; twice it says the same."""
    assert FORMATS[name].encoded(report, KNOWLEDGE, Options()) == FORMATS[name].encoded(report, KNOWLEDGE, Options())


@pytest.mark.parametrize("name", ["json", "sarif", "gitlab", "jsonl"])
def test_json_is_ascii(name: str) -> None:
    """What programs read is JSON in ASCII."""
    text = FORMATS[name].render(hostile("é中😀"), KNOWLEDGE, Options())
    assert text.isascii()
    for document in text.splitlines() if name == "jsonl" else [text]:
        json.loads(document)


@pytest.mark.parametrize("name", FORMATS)
def test_ten_thousand_findings(name: str) -> None:
    """10,000 findings with eight evidences each are rendered in less than two seconds of CPU."""
    report = many(10_000)
    start = time.process_time()
    FORMATS[name].encoded(report, KNOWLEDGE, Options())
    assert time.process_time() - start < SECONDS


@pytest.mark.parametrize(
    ("options", "failures"),
    [({}, 3), ({"fail_on": None}, 0), ({"fail_on": Severity.INFO}, 5)],
)
def test_options_reach_their_format(options: dict[str, Any], failures: int) -> None:
    """What fails is JUnit's to know; colours are the text's."""
    assert f'failures="{failures}"' in FORMATS["junit"].render(everything(), {}, Options(**options)).splitlines()[1]
    assert "\x1b[" in FORMATS["text"].render(everything(), {}, Options(colour=True))
    assert "\x1b[" not in FORMATS["text"].render(everything(), {}, Options())
