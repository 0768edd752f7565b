"""What an audit says: findings, what could not be judged, and the report of one wheel or of several."""

from __future__ import annotations

from enum import Enum

from auditor.facts.record import Fact


class Severity(str, Enum):
    """How sure and how bad. Ordered: an error is above a warning, a warning above an info."""

    ERROR = "error"
    """Provable from the bytes: an index or installer refuses the wheel, or it fails somewhere its tags promise."""
    WARNING = "warning"
    """Likely to hurt."""
    INFO = "info"
    """Worth knowing."""

    @property
    def rank(self) -> int:
        """0 for an error, 1 for a warning, 2 for an info."""
        return _RANKS[self]


_RANKS = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}


class PyPIAnswer(str, Enum):
    """What PyPI does with a wheel that has this fault."""

    REJECT = "reject"
    SERVER_ERROR = "server-error"
    MAIL = "mail"
    """It accepts the wheel and warns its maintainers by mail."""
    FUTURE = "future"
    """It accepts the wheel today and has announced that it will not."""
    ACCEPT = "accept"


class Evidence(Fact, frozen=True, kw_only=True):
    """How we know: one observation, in words and in parts."""

    text: str
    member: str | None = None
    symbol: str | None = None
    library: str | None = None
    version: str | None = None
    offset: int | None = None


class Finding(Fact, frozen=True, kw_only=True):
    """One fault of one wheel."""

    rule: str
    family: str
    severity: Severity
    pypi: PyPIAnswer
    message: str
    member: str | None = None
    arch: str | None = None
    evidence: tuple[Evidence, ...] = ()
    help: str = ""


class NotJudged(Fact, frozen=True, kw_only=True):
    """Something that a rule would have judged and could not: silence about it proves nothing."""

    rule: str
    reason: str


class Suppressed(Fact, frozen=True, kw_only=True):
    """A finding that the settings set aside, with their reason."""

    finding: Finding
    reason: str


class Report(Fact, frozen=True, kw_only=True):
    """The verdict on one wheel."""

    path: str
    filename: str
    sha256: str
    size: int
    failed: bool
    """Whether a finding stands at or above the severity that fails (`Settings.fail_on`)."""
    tags: tuple[str, ...] = ()
    """The expanded tags of the file name."""
    findings: tuple[Finding, ...] = ()
    suppressed: tuple[Suppressed, ...] = ()
    not_judged: tuple[NotJudged, ...] = ()
    broken: bool = False
    """Whether a rule failed by itself, which is a fault of this tool: the command ends with status 3."""

    @property
    def verdict(self) -> str:
        """`pass` or `fail`."""
        return "fail" if self.failed else "pass"

    def count(self, severity: Severity) -> int:
        """How many findings have that severity."""
        return sum(finding.severity is severity for finding in self.findings)


class ReleaseReport(Fact, frozen=True, kw_only=True):
    """The verdict on several wheels."""

    wheels: tuple[Report, ...]
    findings: tuple[Finding, ...] = ()
    """Of the release as a set."""

    @property
    def failed(self) -> bool:
        """Whether any of the wheels failed."""
        return any(report.failed for report in self.wheels)
