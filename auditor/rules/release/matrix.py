"""Who is served by the release, and who is left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.platforms import cpython
from auditor.platforms.expected import compare
from auditor.platforms.serving import allows
from auditor.rules.release.holes import Hole, holes, version_of
from auditor.rules.release.wording import counted, has, ranges, shown
from auditor.rules.rule import INFO, WARNING, Evidence, Hit, release_rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.facts.release import ReleaseFacts
    from auditor.findings import Matrix, MatrixRow
    from auditor.rules.release.context import ReleaseContext

_SHOWN = 40


@release_rule("release-gap", severity=WARNING, since="0.1")
def release_gap(release: ReleaseFacts, context: ReleaseContext) -> Iterator[Hit]:
    """One platform lacks a wheel for a Python that others have one for.

    **What it checks.** Which wheel pip would choose for each interpreter on each platform that the release has wheels
    for: a Python that one platform has, and another of them has not, is a gap. Where the project states the matrix that
    it means to serve, that matrix is checked, and nothing is guessed.

    **Why it matters.** The users of that Python on that platform get the source distribution, and need a compiler, or
    an older version, or nothing. Usual causes: a job that failed or was cancelled, an artefact with the same name as
    another, an edit of the build matrix.

    **How to fix.** Build what is missing, and upload it: files can be added to a release. If the gap is meant, state
    the matrix that you serve.

    **Limits.** A platform that begins with a later Python than others, and PyPy, are an info. Platforms of which there
    is no wheel at all are not missed: only a stated matrix, or the previous release (`--against`), can tell. Pythons
    that `Requires-Python` excludes do not count.

    **References.** `packaging.tags`; pip, `CandidateEvaluator`.
    """
    if context.expected is not None:
        yield from _unexpected(release, context)
        return
    by_platform: dict[tuple[str, bool], list[Hole]] = {}
    for hole in holes(context.matrix):
        by_platform.setdefault((hole.platform, hole.certain), []).append(hole)
    same: dict[tuple[bool, tuple[str, ...]], list[tuple[str, list[Hole]]]] = {}
    for (platform, certain), found in by_platform.items():
        same.setdefault((certain, tuple(one.label for one in found)), []).append((platform, found))
    for (certain, labels), platforms in same.items():
        names = [name for name, _ in platforms]
        others = dict.fromkeys(name for one in platforms[0][1] for name in one.others)
        yield Hit(
            message=f"{shown(names)} {has(names)} no wheel for {ranges(labels)},"
            f" as {shown(list(others))} {has(others)}",
            help="build the missing wheels and add them to the release, or state the matrix that is meant",
            evidence=tuple(_hole_evidence(context.matrix, one) for _, found in platforms for one in found)[:_SHOWN],
            severity=None if certain else INFO,
        )


def _hole_evidence(matrix: Matrix, hole: Hole) -> Evidence:
    """A hole, and the wheel that another platform has in its place."""
    other = matrix.cell(hole.interpreter, hole.others[0])
    wheel = other.wheel if other is not None else None
    return Evidence(text=f"{hole.label} on `{hole.platform}`: none; on `{hole.others[0]}`: `{wheel}`")


def _unexpected(release: ReleaseFacts, context: ReleaseContext) -> Iterator[Hit]:
    """What the stated matrix has and the release has not."""
    missing = compare(release, context.expected or {})
    if missing:
        places = [f"{one.interpreter} on {one.platform}" for one in missing]
        yield Hit(
            message=f"{counted(len(missing), 'place')} of the expected matrix without a wheel: {shown(places)}",
            help="build the missing wheels, or correct the expected matrix",
            evidence=tuple(
                Evidence(text=f"`{one.interpreter}` on `{one.platform}`: " + _instead(one.floor))
                for one in missing[:_SHOWN]
            ),
        )


def _instead(floor: tuple[int, int] | None) -> str:
    """What there is in place of what was expected."""
    return "no wheel" if floor is None else f"only from {floor[0]}.{floor[1]} on"


@release_rule("release-python-unserved", severity=WARNING, since="0.1")
def release_python_unserved(release: ReleaseFacts, context: ReleaseContext) -> Iterator[Hit]:
    """A Python that the metadata promises has neither a wheel nor a source distribution.

    **What it checks.** Each CPython that `Requires-Python` allows, and that a classifier names, or a bound above
    includes, or that is older than the newest one that is served, finds a wheel on some platform; or there is a source
    distribution.

    **Why it matters.** pip takes the project for one that supports this Python, finds no file of this version that
    fits, and installs an older version, or fails with "No matching distribution found".

    **How to fix.** Build wheels for it, upload a source distribution, or correct `Requires-Python` and the classifiers.

    **Limits.** Newer Pythons than the newest that is served, under a `Requires-Python` without a bound above, are an
    info: nobody has promised them. Whether the source distribution can be built there is not tried.
    """
    if release.sdists:
        return
    rows = [one for one in context.matrix.rows if _is_plain_cpython(one)]
    served = [version_of(row) for row in rows if any(cell.wheel for cell in row.cells)]
    newest = max(served, default=(0, 0))
    classified = {version for one in release.wheels for version in one.classified}
    stated = [one.requires_python for one in release.wheels if one.requires_python is not None]
    bounded = bool(stated) and not any(allows(one, (3, 99)) for one in stated)
    certain: list[str] = []
    open_ended: list[str] = []
    for row in rows:
        version = version_of(row)
        promised = version in classified or bool(stated)
        if version in served or not row.allowed or not promised or any(cell.wheel for cell in row.cells):
            continue
        sure = version in classified or bounded or version < newest
        (certain if sure else open_ended).append(row.label)
    said = f"`Requires-Python: {stated[0]}`" if stated else "the classifiers"
    for labels, severity in ((certain, None), (open_ended, INFO)):
        if labels:
            yield Hit(
                message=f"neither a wheel nor a source distribution for {ranges(labels)}, which the metadata allows",
                help="build wheels for it, upload a source distribution, or correct the metadata",
                evidence=(
                    Evidence(text=f"{said}; {counted(len(classified), 'classifier')} of Python versions"),
                    Evidence(
                        text=f"the newest CPython that is served is {newest[0]}.{newest[1]}"
                        if served
                        else f"no CPython from {cpython.OLDEST_SUPPORTED[0]}.{cpython.OLDEST_SUPPORTED[1]} on is served"
                    ),
                ),
                severity=severity,
            )


def _is_plain_cpython(row: MatrixRow) -> bool:
    """Whether a row is a CPython with the GIL that this tool judges by."""
    plain = row.interpreter.startswith("cp") and row.interpreter[2:].isdigit()
    return plain and version_of(row) >= cpython.OLDEST_SUPPORTED


@release_rule("release-sdist-missing", severity=INFO, since="0.1")
def release_sdist_missing(release: ReleaseFacts, context: ReleaseContext) -> Iterator[Hit]:
    """There is no source distribution beside the wheels.

    **What it checks.** Among the files that are audited together is a source distribution of the same version.

    **Why it matters.** Whoever has a Python or a platform without a wheel can install nothing, and distributions that
    build from source have nothing to build.

    **How to fix.** `maturin sdist`, `python -m build --sdist`. Nothing, if the sources are not to be published.

    **Limits.** It is recognised by its file name, among the paths that are given; it is not read.
    """
    if not release.sdists:
        yield Hit(
            message=f"there is no source distribution beside the {counted(len(release.wheels), 'wheel')}",
            help="build one with `maturin sdist` or `python -m build --sdist`, unless the sources are not public",
            evidence=(Evidence(text=f"no `*.tar.gz` of version `{release.version}` was given"),),
        )


RULES = (release_gap, release_python_unserved, release_sdist_missing)
