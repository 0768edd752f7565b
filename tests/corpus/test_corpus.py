"""The verdicts on real wheels are those that were judged by hand."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from auditor import audit
from tests.corpus.check import EXPECTED, UNREVIEWED, differences
from tests.corpus.fetch import wanted

pytestmark = pytest.mark.corpus
FOLDER = os.environ.get("WHEEL_AUDIT_CORPUS")
JUDGED: dict[str, dict[str, Any]] = json.loads(EXPECTED.read_text("utf-8"))


def test_every_error_of_the_list_has_a_reason() -> None:
    """No error stands in the list that nobody has looked into."""
    unreviewed = [
        (name, rule)
        for name, entry in JUDGED.items()
        for rule, reason in entry.get("errors", {}).items()
        if reason in {"", UNREVIEWED}
    ]
    assert not unreviewed


@pytest.mark.skipif(
    FOLDER is None and not os.environ.get("CI"), reason="WHEEL_AUDIT_CORPUS names no folder: python3 dev.py corpus DIR"
)
@pytest.mark.parametrize("filename", [row["filename"] for row in wanted(short=True)])
def test_a_real_wheel_gets_its_verdict(filename: str) -> None:
    """Every wheel of the short corpus has exactly the errors and warnings that were judged."""
    assert FOLDER is not None, "in CI the short corpus is fetched first, and WHEEL_AUDIT_CORPUS names its folder"
    report = audit(Path(FOLDER) / filename)
    assert not differences(filename, JUDGED.get(filename, {}), report)
