"""What an audit says: findings, what could not be judged, who is served, the report of one wheel or of several."""

from __future__ import annotations

from enum import Enum

from auditor.facts.record import Fact
from auditor.facts.release import WheelSummary


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
    by: str = ""
    """Which of the settings did so, as `ReleaseReport.unused_ignores` names those that did nothing."""


class BaselineEntry(Fact, frozen=True, kw_only=True):
    """Findings that a project lives with for now: they are set aside, any other one is not."""

    fingerprint: str
    """See `auditor.fingerprint`."""
    rule: str
    hint: str = ""
    """For whoever reads the file: the message of one of them."""
    count: int = 1
    """How many of one wheel: the next one is new."""


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


class Unreadable(Fact, frozen=True, kw_only=True):
    """A path that was to be audited and whose bytes could not be had: nothing is known of what is there."""

    path: str
    """As given."""
    message: str


class MatrixColumn(Fact, frozen=True, kw_only=True):
    """One kind of machine: a system with its C library, and an architecture."""

    name: str
    """As a person writes it, and as `expected` states it: `manylinux_x86_64`, `macos_arm64`, `win_amd64`."""
    system: str
    """What stands above the architecture in a table: `manylinux`, `macOS`, `Windows`."""
    arch: str
    versions: str | None = None
    """What the floors of its cells count: `glibc`, `musl`, `macOS`, `iOS`, `API level`; None where there are none."""
    named: bool = True
    """Whether a wheel names it; the others are shown because people have such machines."""


class MatrixCell(Fact, frozen=True, kw_only=True):
    """What pip would choose for one interpreter on one kind of machine."""

    platform: str
    """The name of the column."""
    wheel: str | None = None
    """The file name of the wheel that pip chooses on the newest system; None where no wheel serves."""
    tag: str | None = None
    """The best tag of that wheel: the one for which it is chosen."""
    floor: tuple[int, int] | None = None
    """The oldest (glibc, musl, macOS, iOS; Android: API level, 0) on which a wheel with a platform is chosen."""
    older: tuple[str, ...] = ()
    """The wheels that pip chooses on older systems in its place, from newer to older."""


class MatrixRow(Fact, frozen=True, kw_only=True):
    """One interpreter."""

    interpreter: str
    """As a person writes it, and as `expected` states it: `cp312`, `cp313t`, `pp311`."""
    label: str
    """As a report shows it: `CPython 3.13t`."""
    allowed: bool = True
    """Whether the `Requires-Python` of some wheel allows it."""
    cells: tuple[MatrixCell, ...] = ()
    """One for each column, in their order."""


class Matrix(Fact, frozen=True, kw_only=True):
    """Who is served by the wheels of one version of a project."""

    project: str
    version: str
    columns: tuple[MatrixColumn, ...] = ()
    rows: tuple[MatrixRow, ...] = ()
    sdists: tuple[str, ...] = ()
    """File names of source distributions: they serve whoever can build."""

    def cell(self, interpreter: str, platform: str) -> MatrixCell | None:
        """One cell by the names of its row and column; None where the matrix has not got them."""
        for row in self.rows:
            if row.interpreter == interpreter:
                return next((one for one in row.cells if one.platform == platform), None)
        return None

    def chosen(self) -> frozenset[str]:
        """The file names of all wheels that some interpreter gets on some machine."""
        cells = [one for row in self.rows for one in row.cells]
        return frozenset(name for one in cells for name in (one.wheel, *one.older) if name)


class ReleaseReport(Fact, frozen=True, kw_only=True):
    """The verdict on several wheels."""

    wheels: tuple[Report, ...]
    findings: tuple[Finding, ...] = ()
    """Of the release as a set."""
    suppressed: tuple[Suppressed, ...] = ()
    """Findings on the set that the settings set aside."""
    not_judged: tuple[NotJudged, ...] = ()
    """What could not be judged of the set."""
    set_failed: bool = False
    """Whether a finding on the set stands at or above the severity that fails."""
    broken: bool = False
    """Whether a rule on the set failed by itself."""
    matrix: Matrix | None = None
    """Who is served by the one release, or by the only one of several files; None where there is no such release, or
    nothing was judged as a set.
    """
    unreadable: tuple[Unreadable, ...] = ()
    """What could not be audited at all."""
    unused_ignores: tuple[str, ...] = ()
    """Settings that would have set findings aside, and met none in all wheels."""
    unmatched_baseline: tuple[BaselineEntry, ...] = ()
    """Entries of the baseline that no finding has any more."""
    summaries: tuple[WheelSummary, ...] = ()
    """What of each wheel matters beside the others; empty where they were not judged as a set."""

    @property
    def failed(self) -> bool:
        """Whether any of the wheels failed, or all of them as a set."""
        return self.set_failed or any(report.failed for report in self.wheels)
