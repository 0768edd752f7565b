"""Who is served by the release, and who is left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.platforms import cpython
from auditor.platforms.expected import compare
from auditor.platforms.serving import allows
from auditor.rules.release.holes import Hole, Nowhere, Version, holes, is_native, nowhere, version_of
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
    """One platform lacks a wheel for a Python that others have one for, or all of them lack it.

    **What it checks.** Which wheel pip would choose for each interpreter on each platform that the release has wheels
    for: a Python that one platform has, and another of them has not, is a gap; and so is a CPython that none of them
    has, between two that are served. A wheel for `any` (`py3-none-any`) closes no gap: it is what the users of that
    platform fall back to. Where the project states the matrix that it means to serve, that matrix is checked, and
    nothing is guessed.

    **Why it matters.** The users of that Python on that platform get the source distribution, and need a compiler, or
    the slower pure wheel, or an older version, or nothing. Usual causes: a job that failed or was cancelled, an
    artefact with the same name as another, an edit of the build matrix.

    **How to fix.** Build what is missing, and upload it: files can be added to a release. If the gap is meant, state
    the matrix that you serve.

    **Limits.** A platform that begins with a later Python than others, a 32-bit platform that ends with an older one,
    and PyPy, are an info. iOS and Android are compared where the release has wheels for two of their Pythons, and may
    end with an older one than others. Platforms of which there is no wheel at all are not missed: only a stated
    matrix, or the previous release (`--against`), can tell. Pythons that `Requires-Python` excludes do not count, and
    what `release-python-unserved` tells is not told again. Where files of several versions lie side by side
    (`release-version-mixed`), gaps of a version that has fewer wheels than another are not told.

    **References.** `packaging.tags`; pip, `CandidateEvaluator`; PEP 730; PEP 738.
    """
    if context.expected is not None:
        if not release.blamed:
            yield from _unexpected(release, context)
        return
    if _is_stray(release):
        return
    yield from _holes(context.matrix)
    told, _ = _unserved(release, context.matrix)
    for one in nowhere(context.matrix):
        if not set(one.labels) <= set(told):
            yield _nowhere_hit(one)


def _holes(matrix: Matrix) -> Iterator[Hit]:
    """The platforms that lack what others have; those with the same holes together."""
    by_platform: dict[tuple[str, bool, str | None], list[Hole]] = {}
    for hole in holes(matrix):
        by_platform.setdefault((hole.platform, hole.certain, hole.fallback), []).append(hole)
    same: dict[tuple[bool, str | None, tuple[str, ...]], list[list[Hole]]] = {}
    for (_, certain, fallback), found in by_platform.items():
        same.setdefault((certain, fallback, tuple(one.label for one in found)), []).append(found)
    for (certain, fallback, labels), platforms in same.items():
        names = [found[0].platform for found in platforms]
        every = [one for found in platforms for one in found]
        others = [name for name in every[0].others if all(name in one.others for one in every)]
        having = f"{shown(others)} {has(others)}" if others else "others have"
        what, instead = _in_place_of(fallback, plural=len(names) > 1)
        yield Hit(
            message=f"{shown(names)} {has(names)} no {what} for {ranges(labels)}, as {having}{instead}",
            help="build the missing wheels and add them to the release, or state the matrix that is meant",
            evidence=tuple(_hole_evidence(matrix, one) for one in every)[:_SHOWN],
            severity=None if certain else INFO,
        )


def _in_place_of(fallback: str | None, *, plural: bool = False) -> tuple[str, str]:
    """What is missing, and what installers take instead."""
    if fallback is None:
        return "wheel", ""
    return f"wheel of {'their' if plural else 'its'} own", f": installers fall back to the pure wheel `{fallback}`"


def _hole_evidence(matrix: Matrix, hole: Hole) -> Evidence:
    """A hole, and the wheel that another platform has in its place."""
    other = matrix.cell(hole.interpreter, hole.others[0])
    wheel = other.wheel if other is not None else None
    own = f"only `{hole.fallback}`" if hole.fallback is not None else "none"
    return Evidence(text=f"{hole.label} on `{hole.platform}`: {own}; on `{hole.others[0]}`: `{wheel}`")


def _nowhere_hit(found: Nowhere) -> Hit:
    """The finding on CPythons that no platform has a wheel for."""
    what, instead = _in_place_of(found.fallback)
    sides = (found.before, found.after)
    return Hit(
        message=f"no platform has a {what} for {ranges(found.labels)},"
        f" though there are some for {ranges([one.label for one in sides])}{instead}",
        help="build the missing wheels and add them to the release, or state the matrix that is meant",
        evidence=tuple(
            Evidence(text=f"{row.label}: `{next(cell.wheel for cell in row.cells if is_native(cell))}` and others")
            for row in sides
        ),
    )


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
    info: nobody has promised them. Whether the source distribution can be built there is not tried. Where files of
    several versions lie side by side (`release-version-mixed`), nothing is said of one that has fewer wheels than
    another.
    """
    if _is_stray(release):
        return
    certain, open_ended = _unserved(release, context.matrix)
    classified = _classified(release)
    newest = max(_served(context.matrix), default=None)
    stated = _stated(release)
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
                        if newest is not None
                        else f"no CPython from {cpython.OLDEST_SUPPORTED[0]}.{cpython.OLDEST_SUPPORTED[1]} on is served"
                    ),
                ),
                severity=severity,
            )


def _unserved(release: ReleaseFacts, matrix: Matrix) -> tuple[list[str], list[str]]:
    """The labels of the CPythons that the metadata promises, and of those that it merely allows, and that have neither
    a wheel nor a source distribution.
    """
    certain: list[str] = []
    open_ended: list[str] = []
    if release.sdists:
        return certain, open_ended
    stated = _stated(release)
    classified = _classified(release)
    served = _served(matrix)
    newest = max(served, default=(0, 0))
    bounded = bool(stated) and not any(allows(one, (3, 99)) for one in stated)
    for row in matrix.rows:
        version = version_of(row)
        if not _is_plain_cpython(row) or version in served or not row.allowed:
            continue
        if version in classified or stated:
            sure = version in classified or bounded or version < newest
            (certain if sure else open_ended).append(row.label)
    return certain, open_ended


def _served(matrix: Matrix) -> set[Version]:
    """The CPythons with the GIL for which there is a wheel on some platform."""
    return {version_of(row) for row in matrix.rows if _is_plain_cpython(row) and any(cell.wheel for cell in row.cells)}


def _stated(release: ReleaseFacts) -> list[str]:
    """What the wheels state of `Requires-Python`."""
    return [one.requires_python for one in release.wheels if one.requires_python is not None]


def _classified(release: ReleaseFacts) -> set[Version]:
    """The Pythons that classifiers of the wheels name."""
    return {version for one in release.wheels for version in one.classified}


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

    **Limits.** It is recognised by its file name, among the paths that are given; it is not read. Where files of
    several versions lie side by side (`release-version-mixed`), nothing is said of one that has fewer wheels than
    another.
    """
    lost = context.previous is not None and bool(context.previous.sdists)  # `release-floor-raised` tells that
    if not release.sdists and not lost and not _is_stray(release):
        yield Hit(
            message=f"there is no source distribution beside the {counted(len(release.wheels), 'wheel')}",
            help="build one with `maturin sdist` or `python -m build --sdist`, unless the sources are not public",
            evidence=(Evidence(text=f"no `*.tar.gz` of version `{release.version}` was given"),),
        )


def _is_stray(release: ReleaseFacts) -> bool:
    """Whether these are the files that lie beside those of the version that was meant: what they lack is told by
    `release-version-mixed`.
    """
    others = (sum(name.endswith(".whl") for name in names) for _, names in release.other_versions)
    return release.blamed or any(number > len(release.wheels) for number in others)


RULES = (release_gap, release_python_unserved, release_sdist_missing)
