"""The calls that most programs need: audit one wheel, audit several as a release, see who is served."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from auditor.archive.reader import read_wheel
from auditor.errors import NoWheelError, UsageError
from auditor.findings import ReleaseReport, Report
from auditor.judge import judge, judge_release
from auditor.platforms.expected import check_expected
from auditor.platforms.serving import build_matrix
from auditor.platforms.stated import Floors
from auditor.release import group, read_previous, split_paths, summarise
from auditor.release.grouping import strays
from auditor.release.previous import before, refuse_unrelated
from auditor.rules import RULES_BY_NAME
from auditor.settings import DEFAULT, Settings
from auditor.suppression import unmatched_baseline, unused_ignores

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping, Sequence
    from concurrent.futures import Executor

    from auditor.archive.source import WheelSource
    from auditor.facts.release import ReleaseFacts, WheelSummary
    from auditor.findings import Finding, Matrix
    from auditor.release.files import Sdist

    AnyPath = str | os.PathLike[str]

_FLOORS = "release-floor-raised"
"""The rule that holds what the settings promise against the wheels: all that is asked of one wheel by itself."""


def audit(path: WheelSource, *, settings: Settings | None = None, filename: str | None = None) -> Report:
    """Audit one wheel: a path, its bytes (with `filename`), or a seekable binary file object.

    Raises `PathNotFoundError` or `UnreadableError` where the bytes cannot be had. A defect never raises.
    """
    return judge(read_wheel(path, filename=filename), settings or DEFAULT)


def audit_release(
    paths: Iterable[AnyPath],
    *,
    settings: Settings | None = None,
    executor: Executor | None = None,
    previous: AnyPath | None = None,
    expected: Mapping[str, Sequence[str]] | None = None,
) -> ReleaseReport:
    """Audit several wheels, each by itself, and then all of a version as a release.

    With an `executor`, each wheel is a task of its own; the order of `paths` is kept. A directory stands for the wheels
    and source distributions in it; a source distribution is recognised by its name, and not read. `previous` is the
    release before: a directory of wheels, or a JSON report. `expected` is the matrix that the release is to
    serve, in place of the one in `settings`:
    `{"cp312": ["manylinux_x86_64", "macos_arm64"]}`, by default that of the settings.

    Raises as `audit` does, for the first path whose bytes cannot be had; and `UsageError` for a previous release that
    is none, is later, or is made of the same wheels, and for a name in `expected` that is none.
    """
    chosen = settings or DEFAULT
    wheels, sdists = split_paths(paths)
    earlier = read_previous(previous) if previous is not None else ()
    if executor is None:
        audited = [audit_and_summarise(path, chosen) for path in wheels]
    else:
        tasks = [executor.submit(audit_and_summarise, path, chosen) for path in wheels]
        audited = [task.result() for task in tasks]
    return release_report(audited, sdists, settings=chosen, previous=earlier, expected=expected)


def audit_and_summarise(path: AnyPath, settings: Settings) -> tuple[Report, WheelSummary | None]:
    """The report on one wheel, and what of it matters beside the others; in a form that a process pool can call."""
    facts = read_wheel(path)
    return judge(facts, settings), summarise(facts)


def release_report(
    audited: Sequence[tuple[Report, WheelSummary | None]],
    sdists: Sequence[Sdist] = (),
    *,
    settings: Settings | None = None,
    previous: tuple[ReleaseFacts, ...] = (),
    expected: Mapping[str, Sequence[str]] | None = None,
) -> ReleaseReport:
    """The report on wheels that have been audited one by one, with the verdict on them as a set.

    The only wheel of a project is judged as a set only where it is held against something: source distributions beside
    it, a previous release, or an expected matrix. A single wheel that another project here depends on is somebody
    else's, and is held against nothing. Raises `UsageError` for a name in `expected` that is none, and where `previous`
    has no release of any of these projects to compare with.
    """
    chosen = settings or DEFAULT
    reports = tuple(report for report, _ in audited)
    if expected is None and chosen.expected_matrix:
        expected = dict(chosen.expected_matrix)
    if expected is not None:
        check_expected(expected)
    summaries = tuple(summary for _, summary in audited if summary is not None)
    releases = group(summaries, sdists)
    theirs = strays(releases)
    own = tuple(one for one in releases if one.project not in theirs)
    refuse_unrelated(own, previous)
    promised = chosen.floors != Floors() and chosen.runs(RULES_BY_NAME[_FLOORS])
    floors_only = structs.replace(chosen, select=(_FLOORS,))
    held = [one for one in own if previous or expected is not None or _is_set(one)]
    pairs = [
        (one, judge_release(one, settings_of, previous=before(one, previous), expected=expected))
        for one in own
        if (settings_of := chosen if one in held else floors_only if promised else None) is not None
    ]
    named = len(releases) > 1
    findings = tuple(_named(one, release, named=named) for release, outcome in pairs for one in outcome.findings)
    report = ReleaseReport(
        wheels=reports,
        findings=findings,
        suppressed=tuple(
            structs.replace(one, finding=_named(one.finding, release, named=named))
            for release, outcome in pairs
            for one in outcome.suppressed
        ),
        not_judged=tuple(one for _, outcome in pairs for one in outcome.not_judged),
        set_failed=any(chosen.fails(one.severity) for one in findings),
        broken=any(outcome.broken for _, outcome in pairs),
        matrix=build_matrix(shown) if (shown := _shown(held)) is not None else None,
        summaries=summaries if pairs else (),
    )
    return _with_unused(report, chosen)


def _is_set(release: ReleaseFacts) -> bool:
    """Whether there is something beside the only wheel: files of its version, of another one, or of a dependency."""
    beside = release.other_versions or release.dependencies_beside
    return len(release.wheels) + len(release.sdists) > 1 or bool(beside)


def _shown(held: Sequence[ReleaseFacts]) -> ReleaseFacts | None:
    """The one release whose matrix is shown: the only one, or the only one of several files; else None."""
    several = [one for one in held if len(one.wheels) + len(one.sdists) > 1] or held
    return several[0] if len(several) == 1 else None


def _with_unused(report: ReleaseReport, settings: Settings) -> ReleaseReport:
    """The report, with what of the settings met nothing in it."""
    return structs.replace(
        report,
        unused_ignores=unused_ignores(settings, report),
        unmatched_baseline=unmatched_baseline(settings, report),
    )


def _named(finding: Finding, release: ReleaseFacts, *, named: bool) -> Finding:
    """The finding; where there are several releases, with the name of the one that it is about."""
    if not named:
        return finding
    return structs.replace(finding, message=f"`{release.project} {release.version}`: {finding.message}")


def matrices_of(paths: Iterable[AnyPath], *, executor: Executor | None = None) -> tuple[Matrix, ...]:
    """Who is served by these wheels: a matrix for each version of each project. Nothing is judged.

    Raises as `audit_release` does.
    """
    wheels, sdists = split_paths(paths)
    summaries = list(map(_summary, wheels) if executor is None else executor.map(_summary, wheels))
    releases = group((one for one in summaries if one is not None), sdists)
    return tuple(build_matrix(one) for one in releases)


def _summary(path: AnyPath) -> WheelSummary | None:
    """The summary of one wheel, in a form that a process pool can call."""
    return summarise(read_wheel(path))


def matrix_of(paths: Iterable[AnyPath], *, executor: Executor | None = None) -> Matrix:
    """Who is served by the wheels of one version of one project.

    Raises as `audit_release` does, `NoWheelError` where there is no wheel, and `UsageError` where they are of several.
    """
    given = list(paths)
    matrices = matrices_of(given, executor=executor)
    if not matrices:
        raise NoWheelError(", ".join(map(str, given)))
    if len(matrices) > 1:
        names = ", ".join(f"`{one.project} {one.version}`" for one in matrices)
        raise UsageError(f"the wheels are of several releases: {names}")
    return matrices[0]
