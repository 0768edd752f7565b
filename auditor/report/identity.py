"""What code hosts tell a finding by: across uploads, and apart from all others of one report."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING

from auditor.fingerprint import fingerprint

if TYPE_CHECKING:
    from auditor.findings import Finding, ReleaseReport


def identity(*parts: str) -> str:
    """32 hex digits that stand for these texts."""
    return hashlib.sha256("\n".join(parts).encode("utf-8", "backslashreplace")).hexdigest()[:32]


def set_name(report: ReleaseReport) -> str:
    """What stands for the file name in a finding on the wheels as a set: the project alone."""
    return report.wheels[0].filename.partition("-")[0] if report.wheels else ""


class Identities:
    """The identities given so far in one report."""

    def __init__(self) -> None:
        self._given: Counter[str] = Counter()

    def of(self, finding: Finding, filename: str) -> tuple[str, str]:
        """Two texts: what the fault is wherever it stands, and what this finding is alone in the report.

        The first is the same in all wheels of a project. The second has the wheel's tags in it, but not its version, so
        that the next release has it again: 32 hex digits, and a number where several would be alike.
        """
        fault = fingerprint(finding, filename)
        alone = identity(fault, *filename.split("-")[2:])
        self._given[alone] += 1
        number = self._given[alone]
        return fault, f"{alone}:{number}" if number > 1 else alone
