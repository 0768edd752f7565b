"""Which interpreters PyO3 supports: the table as a whole, and its questions."""

from __future__ import annotations

from itertools import pairwise

import pytest

from auditor.platforms.promise import Implementation
from auditor.platforms.pyo3 import NEWEST, SUPPORT, parse_version, support_of


def test_the_table_is_in_order() -> None:
    """Later releases come later, reach at least as far, and end with the newest that is known."""
    assert [row.since for row in SUPPORT] == sorted({row.since for row in SUPPORT})
    assert SUPPORT[-1].since[:2] == NEWEST
    for earlier, later in pairwise(SUPPORT):
        assert earlier.cpython[0] <= later.cpython[0]
        assert earlier.cpython[1] <= later.cpython[1]
    for row in SUPPORT:
        for known in (row.cpython, row.pypy, row.graalpy):
            assert known is None or (3, 6) <= known[0] <= known[1] <= row.cpython[1]


@pytest.mark.parametrize(
    ("version", "newest"),
    [
        ((0, 13, 0), (3, 9)),
        ((0, 19, 1), (3, 11)),
        ((0, 19, 2), (3, 12)),
        ((0, 22, 6), (3, 13)),
        ((0, 24, 2), (3, 13)),
        ((0, 28, 3), (3, 14)),
        ((0, 30, 9), (3, 15)),
        ((0, 12, 9), None),
        ((0, 31, 0), None),
    ],
)
def test_a_release_has_the_support_of_the_row_before_it(
    version: tuple[int, int, int], newest: tuple[int, int] | None
) -> None:
    """A release belongs to the last row that is not newer; one outside of the table to none."""
    support = support_of(version)
    assert (support.cpython[1] if support is not None else None) == newest


def test_each_implementation_has_its_range() -> None:
    """PyPy and GraalPy have ranges of their own, everything else has CPython's."""
    support = support_of((0, 23, 5))
    assert support is not None
    assert support.of(Implementation.PYPY) == ((3, 9), (3, 11))
    assert support.of(Implementation.GRAALPY) == ((3, 10), (3, 11))
    assert support.of(Implementation.CPYTHON) == ((3, 7), (3, 13))


@pytest.mark.parametrize(
    ("text", "version"),
    [("0.22.5", (0, 22, 5)), ("0.23.0-rc.1", (0, 23, 0)), ("main", None), ("0.22", None)],
)
def test_versions_are_read(text: str, version: tuple[int, int, int] | None) -> None:
    """Three numbers are a version, whatever stands behind them."""
    assert parse_version(text) == version
