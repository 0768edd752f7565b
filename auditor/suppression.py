"""Which findings the settings set aside and why, and which of the settings set nothing aside."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from auditor.findings import Evidence, Finding, Suppressed
from auditor.fingerprint import fingerprint
from auditor.globs import matches
from auditor.rules import RULES_BY_NAME

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from auditor.facts.dist_info import Metadata
    from auditor.findings import BaselineEntry, ReleaseReport
    from auditor.settings import ExternalLibrary, Settings

_LIBRARY_RULES = frozenset({"library-unresolved", "library-outside-policy", "library-from-dependency"})
"""The rules that speak of libraries which are neither in the wheel nor on the platform."""
_MOST_EVIDENCE = 20
"""A finding shows no more evidence than this: where it has as much, there may be more that is not shown."""
BASELINE_REASON = "in the baseline"
OF_A_RELEASE = "release"
"""What stands for the file name where a finding is of no one wheel."""


class Suppressor:
    """What the settings say of the findings of one wheel, or of one release."""

    def __init__(self, settings: Settings, filename: str, metadata: Metadata | None = None) -> None:
        """`filename` is the wheel's, or `OF_A_RELEASE`."""
        self._settings = settings
        self._filename = filename
        self._required = _required(metadata)
        self._baseline: Counter[str] = Counter()
        for entry in settings.baseline:
            self._baseline[entry.fingerprint] = max(entry.count, self._baseline[entry.fingerprint])

    def sort_out(self, findings: Iterable[Finding]) -> tuple[tuple[Finding, ...], tuple[Suppressed, ...]]:
        """The findings that stand and those that are set aside, each in the order of a report."""
        standing: list[Finding] = []
        aside: list[Suppressed] = []
        for finding in sorted(findings, key=in_order):
            why = self._why(finding)
            if why is None:
                standing.append(self._told(finding))
            else:
                aside.append(Suppressed(finding=finding, reason=why[0], by=why[1]))
        return tuple(standing), tuple(aside)

    def _why(self, finding: Finding) -> tuple[str, str] | None:
        """The reason why a finding is set aside, and the setting that does so; None where it stands."""
        settings = self._settings
        for name in (finding.rule, finding.family):
            if name in settings.ignore:
                return dict(settings.reasons).get(name) or f"`{name}` is ignored", _ignored(name)
        for number, one in enumerate(settings.per_file_ignores):
            for name in (finding.rule, finding.family):
                if name in one.rules and _is_within(finding, one.glob) and self._is_wheel(one.wheel):
                    return one.reason, _ignored_there(settings, number, name)
        declared = _declared(finding, settings)
        if declared and all(one is not None and self._is_required(one) for one in declared):
            names = ", ".join(sorted({f"`{one.distribution}`" for one in declared if one is not None}))
            reason = f"{names} brings it, as the settings say and `Requires-Dist` names"
            return reason, ""
        known = fingerprint(finding, self._filename)
        if self._baseline[known] > 0:
            self._baseline[known] -= 1
            return BASELINE_REASON, ""
        return None

    def _is_wheel(self, glob: str | None) -> bool:
        return glob is None or matches(self._filename, glob)

    def _is_required(self, external: ExternalLibrary) -> bool:
        return self._required is not None and _normalised(external.distribution) in self._required

    def _told(self, finding: Finding) -> Finding:
        """The finding, with what is wrong about the settings that speak of its libraries."""
        wrong = {
            one.distribution: one
            for one in _declared(finding, self._settings)
            if one is not None and not self._is_required(one)
        }
        if not wrong:
            return finding
        said = tuple(
            Evidence(
                text=f"the settings say that `{one.distribution}` brings `{one.library}`, and `Requires-Dist` does not"
                f" require `{one.distribution}`"
            )
            for one in wrong.values()
        )
        return Finding(
            rule=finding.rule,
            family=finding.family,
            severity=finding.severity,
            pypi=finding.pypi,
            message=finding.message,
            member=finding.member,
            arch=finding.arch,
            evidence=(*finding.evidence, *said),
            help=finding.help,
        )


def in_order(finding: Finding) -> tuple[int, str, str, str, str]:
    """The order of a report: errors first, then by rule, place and words. The same facts give the same order."""
    return finding.severity.rank, finding.rule, finding.member or "", finding.message, finding.arch or ""


def unused_ignores(settings: Settings, report: ReleaseReport) -> tuple[str, ...]:
    """The settings that would have set findings aside, and met none in all wheels.

    What speaks of rules alone that were not asked for is not told.
    """
    used = {one.by for one in _suppressed(report)}
    unused = [_ignored(name) for name in settings.ignore if _runs(settings, name)]
    for number, one in enumerate(settings.per_file_ignores):
        unused += [_ignored_there(settings, number, name) for name in one.rules if _runs(settings, name)]
    found = [*_findings(report), *(one.finding for one in _suppressed(report))]
    met = {external for finding in found for external in _declared(finding, settings)}
    if any(_runs(settings, name) for name in _LIBRARY_RULES):
        unused += [
            f"`{one.library}` of `{one.distribution}` in `external-libraries`"
            for one in settings.external_libraries
            if one not in met
        ]
    return tuple(one for one in dict.fromkeys(unused) if one not in used)


def unmatched_baseline(settings: Settings, report: ReleaseReport) -> tuple[BaselineEntry, ...]:
    """The entries of the baseline that no finding has any more, set aside by another setting or not."""
    if not settings.baseline:
        return ()
    met = set(_fingerprints(report))
    return tuple(one for one in settings.baseline if one.fingerprint not in met and _runs(settings, one.rule))


def _fingerprints(report: ReleaseReport) -> Iterator[str]:
    """Those of every finding, set aside or not."""
    for wheel in report.wheels:
        for finding in (*wheel.findings, *(one.finding for one in wheel.suppressed)):
            yield fingerprint(finding, wheel.filename)
    for finding in (*report.findings, *(one.finding for one in report.suppressed)):
        yield fingerprint(finding, OF_A_RELEASE)


def _suppressed(report: ReleaseReport) -> Iterator[Suppressed]:
    """Everything that was set aside."""
    for wheel in report.wheels:
        yield from wheel.suppressed
    yield from report.suppressed


def _findings(report: ReleaseReport) -> Iterator[Finding]:
    """Everything that stands."""
    for wheel in report.wheels:
        yield from wheel.findings
    yield from report.findings


def _runs(settings: Settings, name: str) -> bool:
    """Whether a rule runs, or one of a family's."""
    return any(settings.runs(rule) for rule in RULES_BY_NAME.values() if name in {rule.name, rule.family})


def _ignored(name: str) -> str:
    """What a person is told of a rule or family in `ignore`."""
    return f"`{name}` in `ignore`"


def _ignored_there(settings: Settings, number: int, name: str) -> str:
    """What a person is told of a rule or family in one of the per-file ignores."""
    one = settings.per_file_ignores[number]
    return f"`{name}` in `per-file-ignores` number {number + 1} ({one})"


def _is_within(finding: Finding, glob: str | None) -> bool:
    """Whether all that a finding speaks of lies where the glob says.

    A finding without a member is about the files that its evidence names, if all of them are shown.
    """
    if glob is None:
        return True
    if finding.member is not None:
        return matches(finding.member, glob)
    members = [one.member for one in finding.evidence]
    complete = 0 < len(members) < _MOST_EVIDENCE
    return complete and all(member is not None and matches(member, glob) for member in members)


def _declared(finding: Finding, settings: Settings) -> list[ExternalLibrary | None]:
    """What the settings say of each library that a finding about libraries names; empty for any other finding."""
    if not settings.external_libraries or finding.rule not in _LIBRARY_RULES:
        return []
    libraries = list(dict.fromkeys(one.library for one in finding.evidence if one.library is not None))
    found = [
        next((one for one in settings.external_libraries if matches(library.lower(), one.library.lower())), None)
        for library in libraries
    ]
    # Of one library every line of evidence is alike; of several there may be some that are not shown.
    return [*found, None] if len(libraries) > 1 and len(finding.evidence) >= _MOST_EVIDENCE else found


def _required(metadata: Metadata | None) -> frozenset[str] | None:
    """The distributions that are installed with the wheel, normalised; None where its metadata could not be read.

    What only an extra brings is not required.
    """
    if metadata is None:
        return None
    from packaging.requirements import InvalidRequirement, Requirement

    names = set()
    for value in metadata.values("Requires-Dist"):
        try:
            requirement = Requirement(value)
        except (InvalidRequirement, RecursionError):  # deeply nested markers; `requires-dist-invalid` speaks of both
            continue
        if requirement.marker is None or "extra" not in str(requirement.marker):
            names.add(_normalised(requirement.name))
    return frozenset(names)


def _normalised(name: str) -> str:
    """A project's name in its normal form."""
    from packaging.utils import canonicalize_name

    return canonicalize_name(name)
