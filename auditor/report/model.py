"""The wire model: what every machine-readable report says, as types. A change needs a new `SCHEMA` number.

The records of the library may grow; these are a contract of their own, so that neither binds the other. The JSON
Schema is made of these types (`auditor.report.schema`). An addition is no change: readers pass over keys that they do
not know.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from msgspec import Meta

from auditor.findings import Severity
from auditor.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable

    from auditor.findings import Finding, Matrix, ReleaseReport, Report

SCHEMA: Literal[1] = 1


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """Which program made the report."""

    name: str = "wheel-audit"
    version: str = __version__


class WireEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """How we know: one observation, in words and in parts."""

    text: Annotated[str, Meta(description="The observation in words.")]
    member: Annotated[str | None, Meta(description="The file of the wheel that it was made in.")]
    symbol: str | None
    library: str | None
    version: Annotated[str | None, Meta(description="The version of the symbol, or of what it stands for.")]
    offset: Annotated[int | None, Meta(description="In bytes, in what `text` speaks of.")]


class WireFinding(msgspec.Struct, frozen=True, kw_only=True):
    """One fault."""

    rule: Annotated[str, Meta(description="The rule's name; `wheel-audit explain RULE` tells more.")]
    family: Annotated[str, Meta(description="The rule's family.")]
    severity: Annotated[
        Literal["error", "warning", "info"],
        Meta(description="An error is provable from the bytes; a warning is likely harm; an info is worth knowing."),
    ]
    pypi: Annotated[
        Literal["reject", "server-error", "mail", "future", "accept"],
        Meta(description="What PyPI does with a wheel that has this fault."),
    ]
    message: Annotated[str, Meta(description="What is wrong, with the names.")]
    member: Annotated[str | None, Meta(description="The file of the wheel that has the fault.")]
    arch: Annotated[str | None, Meta(description="The slice of that file, where it has several.")]
    evidence: list[WireEvidence]
    help: Annotated[str, Meta(description="What to do.")]


class WireSuppressed(WireFinding, frozen=True, kw_only=True):
    """A finding that the settings set aside."""

    reason: Annotated[str, Meta(description="Why it is set aside, in the words of the settings.")]


class WireNotJudged(msgspec.Struct, frozen=True, kw_only=True):
    """Something that could not be judged: silence about it proves nothing."""

    rule: str
    reason: str


class WireWheel(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict on one wheel."""

    path: Annotated[str, Meta(description="The path as it was given.")]
    filename: str
    sha256: str
    size: Annotated[int, Meta(description="In bytes.", ge=0)]
    verdict: Annotated[
        Literal["pass", "fail"], Meta(description="Whether a finding stands at or above the severity that fails.")
    ]
    tags: Annotated[list[str], Meta(description="The expanded tags of the file name.")]
    findings: list[WireFinding]
    suppressed: list[WireSuppressed]
    not_judged: list[WireNotJudged]


class WireUnreadable(msgspec.Struct, frozen=True, kw_only=True):
    """A path that was to be audited and could not be read: nothing is known of what is there."""

    path: Annotated[str, Meta(description="The path as it was given.")]
    message: str


class WireColumn(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of machine."""

    name: Annotated[str, Meta(description="As the settings state it: `manylinux_x86_64`.")]
    system: str
    arch: str
    versions: Annotated[str | None, Meta(description="What the floors of its cells count: `glibc`, `macOS`.")]
    named: Annotated[bool, Meta(description="Whether a wheel names it.")]


class WireCell(msgspec.Struct, frozen=True, kw_only=True):
    """What pip would choose for one interpreter on one kind of machine."""

    platform: Annotated[str, Meta(description="The name of the column.")]
    wheel: Annotated[str | None, Meta(description="The file name of the wheel; null where no wheel serves.")]
    tag: Annotated[str | None, Meta(description="The tag for which it is chosen.")]
    floor: Annotated[
        tuple[int, int] | None, Meta(description="The oldest version of what the column counts that is served.")
    ]
    older: Annotated[list[str], Meta(description="The wheels that older systems get in its place.")]


class WireRow(msgspec.Struct, frozen=True, kw_only=True):
    """One interpreter."""

    interpreter: Annotated[str, Meta(description="As the settings state it: `cp313t`.")]
    label: Annotated[str, Meta(description="As people write it: `CPython 3.13t`.")]
    allowed: Annotated[bool, Meta(description="Whether the `Requires-Python` of some wheel allows it.")]
    cells: Annotated[list[WireCell], Meta(description="One for each column, in their order.")]


class WireMatrix(msgspec.Struct, frozen=True, kw_only=True):
    """Who is served by the wheels of one version of a project."""

    project: str
    version: str
    columns: list[WireColumn]
    rows: list[WireRow]
    sdists: Annotated[list[str], Meta(description="Source distributions: they serve whoever can build.")]


class WireReleaseWheel(msgspec.Struct, frozen=True, kw_only=True):
    """What of a wheel a later release is held against (`--against`), beside its file name."""

    filename: str
    requires_python: Annotated[str | None, Meta(description="Null where the metadata has none, or could not be read.")]
    x86_level: Annotated[
        int, Meta(ge=0, description="The x86-64 level that its binaries declare to need; 0 where they declare none.")
    ]


class WireRelease(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict on the wheels as a set."""

    verdict: Annotated[
        Literal["pass", "fail"], Meta(description="Whether a finding on the set stands at or above what fails.")
    ]
    findings: list[WireFinding]
    suppressed: list[WireSuppressed]
    not_judged: list[WireNotJudged]
    matrix: Annotated[WireMatrix | None, Meta(description="Null where the wheels are not of one project and version.")]
    wheels: Annotated[list[WireReleaseWheel], Meta(description="Those of the wheels that belong to a release.")]


class WireBaselineEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of the baseline that no finding has any more."""

    fingerprint: str
    rule: str
    hint: Annotated[str, Meta(description="The message of the finding that it once stood for.")]


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """Counts over all wheels, and the findings of the release with them."""

    wheels: Annotated[int, Meta(ge=0)]
    failed: Annotated[int, Meta(ge=0, description="Wheels that failed.")]
    errors: Annotated[int, Meta(ge=0)]
    warnings: Annotated[int, Meta(ge=0)]
    infos: Annotated[int, Meta(ge=0)]
    unused_ignores: Annotated[
        list[str], Meta(description="Settings that would have set findings aside, and met none in all wheels.")
    ] = []
    unmatched_baseline: Annotated[
        list[WireBaselineEntry], Meta(description="Entries of the baseline that met no finding.")
    ] = []


class WireReport(msgspec.Struct, frozen=True, kw_only=True):
    """The whole report."""

    schema: Annotated[Literal[1], Meta(description="The number of this contract.")]
    tool: Tool
    knowledge: Annotated[
        dict[str, str], Meta(description="The day on which each table that the verdict rests on was true.")
    ]
    wheels: list[WireWheel]
    unreadable: list[WireUnreadable]
    release: Annotated[
        WireRelease | None, Meta(description="Null where there was nothing to judge as a set: one wheel by itself.")
    ]
    summary: Summary


class WireHead(msgspec.Struct, frozen=True, kw_only=True):
    """The first line of the JSON lines."""

    schema: Annotated[Literal[1], Meta(description="The number of this contract.")]
    tool: Tool
    knowledge: dict[str, str]


class WireTail(msgspec.Struct, frozen=True, kw_only=True):
    """The last line of the JSON lines; between it and the first stands a line for each wheel."""

    unreadable: list[WireUnreadable]
    release: WireRelease | None
    summary: Summary


def wire_report(report: ReleaseReport, knowledge: dict[str, str]) -> WireReport:
    """The report in its wire form."""
    return WireReport(
        schema=SCHEMA,
        tool=Tool(),
        knowledge=knowledge,
        wheels=[wire_wheel(one) for one in report.wheels],
        unreadable=wire_unreadable(report),
        release=wire_release(report),
        summary=summary(report),
    )


def wire_unreadable(report: ReleaseReport) -> list[WireUnreadable]:
    """The paths that could not be read."""
    return [WireUnreadable(path=one.path, message=one.message) for one in report.unreadable]


def wire_release(report: ReleaseReport) -> WireRelease | None:
    """What is said of the set; None where one wheel is none, and nothing is said."""
    said = report.findings or report.suppressed or report.not_judged or report.matrix
    if len(report.wheels) < 2 and not said:
        return None
    return WireRelease(
        verdict="fail" if report.set_failed else "pass",
        findings=[WireFinding(**_fields(finding)) for finding in report.findings],
        suppressed=[WireSuppressed(**_fields(one.finding), reason=one.reason) for one in report.suppressed],
        not_judged=[WireNotJudged(rule=one.rule, reason=one.reason) for one in report.not_judged],
        matrix=wire_matrix(report.matrix) if report.matrix is not None else None,
        wheels=[
            WireReleaseWheel(filename=one.filename, requires_python=one.requires_python, x86_level=one.x86_level)
            for one in report.summaries
        ],
    )


def wire_matrix(matrix: Matrix) -> WireMatrix:
    """Who is served, in its wire form."""
    return WireMatrix(
        project=matrix.project,
        version=matrix.version,
        columns=[
            WireColumn(name=one.name, system=one.system, arch=one.arch, versions=one.versions, named=one.named)
            for one in matrix.columns
        ],
        rows=[
            WireRow(
                interpreter=row.interpreter,
                label=row.label,
                allowed=row.allowed,
                cells=[
                    WireCell(
                        platform=one.platform, wheel=one.wheel, tag=one.tag, floor=one.floor, older=list(one.older)
                    )
                    for one in row.cells
                ],
            )
            for row in matrix.rows
        ],
        sdists=list(matrix.sdists),
    )


def wire_wheel(report: Report) -> WireWheel:
    """One wheel in its wire form."""
    return WireWheel(
        path=report.path,
        filename=report.filename,
        sha256=report.sha256,
        size=report.size,
        verdict="fail" if report.failed else "pass",
        tags=list(report.tags),
        findings=[WireFinding(**_fields(finding)) for finding in report.findings],
        suppressed=[WireSuppressed(**_fields(one.finding), reason=one.reason) for one in report.suppressed],
        not_judged=[WireNotJudged(rule=one.rule, reason=one.reason) for one in report.not_judged],
    )


def wire_evidence(finding: Finding) -> list[WireEvidence]:
    """The evidence of a finding in its wire form."""
    return [
        WireEvidence(
            text=one.text,
            member=one.member,
            symbol=one.symbol,
            library=one.library,
            version=one.version,
            offset=one.offset,
        )
        for one in finding.evidence
    ]


def _fields(finding: Finding) -> dict[str, Any]:
    """The fields of a finding in their wire form."""
    return {
        "rule": finding.rule,
        "family": finding.family,
        "severity": finding.severity.value,
        "pypi": finding.pypi.value,
        "message": finding.message,
        "member": finding.member,
        "arch": finding.arch,
        "evidence": wire_evidence(finding),
        "help": finding.help,
    }


def summary(report: ReleaseReport) -> Summary:
    """The counts over all wheels and the release."""
    found = [finding for one in report.wheels for finding in one.findings]
    found += report.findings
    return Summary(
        wheels=len(report.wheels),
        failed=sum(one.failed for one in report.wheels),
        errors=_count(found, Severity.ERROR),
        warnings=_count(found, Severity.WARNING),
        infos=_count(found, Severity.INFO),
        unused_ignores=list(report.unused_ignores),
        unmatched_baseline=[
            WireBaselineEntry(fingerprint=one.fingerprint, rule=one.rule, hint=one.hint)
            for one in report.unmatched_baseline
        ],
    )


def _count(findings: Iterable[Finding], severity: Severity) -> int:
    """How many of the findings have that severity."""
    return sum(finding.severity is severity for finding in findings)
