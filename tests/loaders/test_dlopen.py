"""Real modules, and variants of them that are broken on purpose: ld.so of this machine does what is predicted."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.corpus.fetch import is_loadable, loadable
from tests.loaders.dlopen import Row, summary, table
from tests.loaders.model import WHEELS

if TYPE_CHECKING:
    from collections.abc import Callable

CORPUS = os.environ.get("WHEEL_AUDIT_CORPUS")
HOW = "python -m tests.corpus.fetch DIR --loadable"
LEFT_OPEN = ("cffi-1.11.5-", "pyzmq-27.3.0-")
"""They load libraries by themselves and require another distribution: what they lack may come from there."""


def fixtures() -> list[Path]:
    """The shipped wheels that CPython on glibc and x86_64 is the place for."""
    return sorted(path for path in WHEELS.glob("*/*.whl") if is_loadable(path.name))


def wrong(rows: list[Row]) -> list[str]:
    """The rows in which prediction and loader disagree, as text."""
    return [str(row) for row in rows if not row.unlike and not row.agrees]


def test_the_shipped_wheels(record_property: Callable[[str, object], None]) -> None:
    """Every module of the fixtures, and every variant of it, is loaded or refused as predicted."""
    rows = table(fixtures())
    record_property("loaders", summary(rows))
    assert not wrong(rows), summary(rows)
    assert [str(row) for row in rows if row.unlike] == []
    variants = [row for row in rows if row.variant]
    assert {row.real is None for row in variants} == {True, False}
    assert len({row.kind for row in variants}) >= 12, summary(rows)


@pytest.mark.corpus
@pytest.mark.skipif(CORPUS is None and not os.environ.get("CI"), reason=f"WHEEL_AUDIT_CORPUS names no folder: {HOW}")
def test_real_wheels(record_property: Callable[[str, object], None]) -> None:
    """So is every module of 31 wheels of other people, and so are some 500 variants of those that load."""
    assert CORPUS is not None, f"in CI the wheels are fetched first, and WHEEL_AUDIT_CORPUS names their folder: {HOW}"
    paths = [Path(CORPUS) / row["filename"] for row in loadable()]
    absent = [path.name for path in paths if not path.exists()]
    assert not absent, f"{absent[:3]} and others are not there: {HOW}"
    rows = table(paths)
    print(summary(rows))
    record_property("loaders", summary(rows))
    assert not wrong(rows), summary(rows)
    compared = [row for row in rows if not row.unlike]
    variants = [row for row in compared if row.variant]
    assert len({row.wheel for row in compared if not row.variant}) >= 20, summary(rows)
    assert len({row.wheel for row in variants}) >= 20, summary(rows)
    assert len([row for row in variants if row.real is not None]) >= 60, summary(rows)
    assert len({row.kind for row in variants}) >= 20, summary(rows)
    left = [row for row in rows if row.unlike]
    assert [str(row) for row in left if not row.variant or not row.wheel.startswith(LEFT_OPEN)] == []
    assert len(left) <= len(variants) // 20, summary(rows)
