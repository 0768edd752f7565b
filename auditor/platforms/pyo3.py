"""Which Python interpreters a version of PyO3 supports.

From 0.20.3 on, PyO3's own build refuses the others: the numbers are SUPPORTED_VERSIONS_CPYTHON, _PYPY and _GRAALPY in
`build.rs` of the crate `pyo3-ffi`, read in every release from 0.20.0 to 0.30.1 that the registry still has, on
2026-11-22. The free-threaded build: `ensure_gil_enabled` refuses it in 0.22, its changelog has "Support free-threaded
Python 3.13t" in 0.23.0, and MIN_FREE_THREADED_VERSION is 3.14 from 0.29.0 on. Before 0.20.3 nothing is refused upward;
there the newest CPython is from the changelog: 3.10 in 0.15.0, 3.11 in 0.17.0 (tested with its release candidates), the
layouts of 3.12 in 0.19.2. The oldest is MINIMUM_SUPPORTED_VERSION, and "Drop support for Python 3.6" in 0.16.0.
Licence of PyO3: MIT or Apache-2.0.
"""

from __future__ import annotations

import re

from auditor.facts.record import Fact
from auditor.platforms.promise import Implementation

KNOWN_AT = "2026-11-22"
NEWEST = (0, 30)
"""The newest minor version of PyO3 that had been released then."""

_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)", re.ASCII)
Range = tuple[tuple[int, int], tuple[int, int]]


class Support(Fact, frozen=True, kw_only=True):
    """What releases from one on support: oldest and newest version of each interpreter, both included."""

    since: tuple[int, int, int]
    cpython: Range
    pypy: Range | None = None
    """None where the release has none, or does not say."""
    graalpy: Range | None = None
    threaded: tuple[int, int] | None = None
    """The oldest CPython whose free-threaded build is supported; None where none is."""

    def of(self, implementation: Implementation) -> Range | None:
        """The range of one implementation."""
        ranges = {Implementation.PYPY: self.pypy, Implementation.GRAALPY: self.graalpy}
        return ranges.get(implementation, self.cpython)


def _row(
    since: tuple[int, int, int],
    cpython: tuple[int, int],
    pypy: tuple[int, int] | None = None,
    graalpy: tuple[int, int] | None = None,
    threaded: int | None = None,
) -> Support:
    """A row of the table, from minor versions of Python 3."""
    ranges = [None if one is None else ((3, one[0]), (3, one[1])) for one in (pypy, graalpy)]
    return Support(
        since=since,
        cpython=((3, cpython[0]), (3, cpython[1])),
        pypy=ranges[0],
        graalpy=ranges[1],
        threaded=None if threaded is None else (3, threaded),
    )


SUPPORT = (
    _row((0, 13, 0), (6, 9)),
    _row((0, 15, 0), (6, 10)),
    _row((0, 16, 0), (7, 10)),
    _row((0, 17, 0), (7, 11)),
    _row((0, 19, 2), (7, 12)),
    _row((0, 20, 3), (7, 12), (7, 10)),
    _row((0, 21, 0), (7, 12), (7, 10), (10, 11)),
    _row((0, 22, 0), (7, 13), (7, 10), (10, 11)),
    _row((0, 23, 0), (7, 13), (9, 10), (10, 11), 13),
    _row((0, 23, 5), (7, 13), (9, 11), (10, 11), 13),
    _row((0, 25, 0), (7, 14), (9, 11), (10, 11), 13),
    _row((0, 26, 0), (7, 14), (9, 14), (10, 14), 13),
    _row((0, 27, 0), (7, 14), (11, 14), (10, 14), 13),
    _row((0, 29, 0), (8, 15), (11, 15), (10, 15), 14),
    _row((0, 30, 0), (9, 15), (11, 15), (10, 15), 14),
)
"""The oldest release first."""


def parse_version(text: str) -> tuple[int, int, int] | None:
    """`0.22.5` or `0.23.0-rc.1` as numbers; None for what is no version."""
    match = _VERSION.match(text)
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


def support_of(version: tuple[int, int, int]) -> Support | None:
    """What a release supports; None for those before the table and after what was known."""
    if version[:2] > NEWEST:
        return None
    return next((row for row in reversed(SUPPORT) if version >= row.since), None)
