"""The dates of the tables, and the version."""

from __future__ import annotations

import datetime as dt
import re

from auditor import __version__
from auditor.knowledge import KNOWLEDGE
from tests.cli.command import REPOSITORY


def test_every_table_has_a_day() -> None:
    """Each table names the day on which it was true, as ISO 8601, in the order of the names."""
    assert list(KNOWLEDGE) == sorted(KNOWLEDGE)
    for table, day in KNOWLEDGE.items():
        assert re.fullmatch("[a-z]+(-[a-z]+)*", table)
        assert dt.date.fromisoformat(day).isoformat() == day


def test_the_version_is_stated_once() -> None:
    """The version in the code is the one in pyproject.toml."""
    project = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    assert re.search(r'^version = "(.+)"$', project, re.MULTILINE)[1] == __version__  # type: ignore[index]
