"""What every rule on a release is given beside the facts: who is served, what was expected, and what was before."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from auditor.platforms.serving import build_matrix, comparable_matrices
from auditor.platforms.stated import Floors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from auditor.facts.release import ReleaseFacts
    from auditor.findings import Matrix


class ReleaseContext:
    """What is derived from the facts of one release, and what the release is held against."""

    def __init__(
        self,
        release: ReleaseFacts,
        *,
        previous: ReleaseFacts | None = None,
        expected: Mapping[str, Sequence[str]] | None = None,
        floors: Floors | None = None,
    ) -> None:
        self._release = release
        self.previous = previous
        """The previous release of the same project; None where there is none to compare with."""
        self.expected = expected
        """The matrix that the project means to serve; None where it does not say."""
        self.floors = floors or Floors()
        """The oldest systems that the project promises."""

    @functools.cached_property
    def matrix(self) -> Matrix:
        """Who is served by the release."""
        return build_matrix(self._release)

    @functools.cached_property
    def compared(self) -> tuple[Matrix, Matrix] | None:
        """Who was served by the previous release and who is by this one, with the same rows and columns."""
        return comparable_matrices(self.previous, self._release) if self.previous is not None else None
