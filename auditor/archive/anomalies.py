"""The anomalies of one archive as they are found, of each kind no more than a report can use."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from auditor.facts.archive import Anomaly, AnomalyKind

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_OF_A_KIND = 10_000
"""Anomalies of one kind that are kept: an archive of 200,000 faulty members shall not fill the memory."""


class Anomalies:
    """A list that takes each kind up to its ceiling, and says once where it stopped."""

    def __init__(self) -> None:
        self._found: list[Anomaly] = []
        self._counts: Counter[AnomalyKind] = Counter()

    def __iter__(self) -> Iterator[Anomaly]:
        return iter(self._found)

    def append(self, anomaly: Anomaly) -> None:
        """Take one more."""
        kind = anomaly.kind
        self._counts[kind] += 1
        if self._counts[kind] <= MAX_OF_A_KIND:
            self._found.append(anomaly)
        elif self._counts[kind] == MAX_OF_A_KIND + 1:
            detail = f"it has more than {MAX_OF_A_KIND} anomalies of the kind `{kind.value}`; the rest is not listed"
            self._found.append(Anomaly(kind=AnomalyKind.CEILING, detail=detail))
