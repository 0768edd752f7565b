"""Wheels and source distributions -> releases: one for each version of each project."""

from __future__ import annotations

import functools
from collections import Counter
from typing import TYPE_CHECKING

from msgspec import structs

from auditor.facts.release import ReleaseFacts, WheelSummary

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from packaging.version import Version

    from auditor.release.files import Sdist


def group(wheels: Iterable[WheelSummary], sdists: Iterable[Sdist] = ()) -> tuple[ReleaseFacts, ...]:
    """The releases that these files are of, by project, the older version first.

    A file that is given twice, with the same bytes, counts once. Source distributions without a wheel of their project
    are left out.
    """
    found: dict[tuple[str, str], dict[tuple[str, str], WheelSummary]] = {}
    for one in wheels:
        found.setdefault((one.project, one.version), {}).setdefault((one.filename, one.sha256), one)
    beside: dict[tuple[str, str], set[str]] = {}
    for sdist in sdists:
        if any(project == sdist.project for project, _ in found):
            beside.setdefault((sdist.project, sdist.version), set()).add(sdist.filename)
    keys = sorted({*found, *beside}, key=lambda key: (key[0], comparable(key[1]), key[1]))
    releases = [
        ReleaseFacts(
            project=project,
            version=version,
            wheels=tuple(one for _, one in sorted(found.get((project, version), {}).items())),
            sdists=tuple(sorted(beside.get((project, version), ()))),
        )
        for project, version in keys
    ]
    grouped = [_with_others(one, releases) for one in releases if one.wheels]
    theirs = strays(grouped)
    return tuple(_with_strays(one, grouped, theirs) for one in grouped)


def _with_others(release: ReleaseFacts, releases: list[ReleaseFacts]) -> ReleaseFacts:
    """The release with the files of its project's other versions, if it is the newest that has wheels; or with the
    word that these are to blame.
    """
    same = [one for one in releases if one.project == release.project]
    newest = [one for one in same if one.wheels][-1]
    if len(same) == 1:
        return release
    if release is not newest:
        return structs.replace(release, blamed=len(release.wheels) <= len(newest.wheels))
    others = tuple(
        (one.version, (*(wheel.filename for wheel in one.wheels), *one.sdists)) for one in same if one is not release
    )
    return structs.replace(release, other_versions=others)


def _with_strays(release: ReleaseFacts, releases: list[ReleaseFacts], theirs: dict[str, str]) -> ReleaseFacts:
    """The release with the wheels of others that it depends on."""
    files = sorted(
        wheel.filename for one in releases if theirs.get(one.project) == release.project for wheel in one.wheels
    )
    return structs.replace(release, dependencies_beside=tuple(files)) if files else release


def strays(releases: Sequence[ReleaseFacts]) -> dict[str, str]:
    """Project -> another one among these that depends on it, for what somebody else released.

    `pip wheel` without `--no-deps` leaves one wheel of each dependency beside those that were built. Who has a source
    distribution or more than one wheel is released here. Where each of them depends on another, none is a stray.
    """
    needed: dict[str, str] = {}
    for release in releases:
        for name in _required(release) - {release.project}:
            needed.setdefault(name, release.project)
    files = Counter(one.project for one in releases for _ in (*one.wheels, *one.sdists, *one.other_versions))
    found = {name: needed[name] for name, number in files.items() if name in needed and number == 1}
    return found if len(found) < len(files) else {}


def _required(release: ReleaseFacts) -> set[str]:
    """The projects that its wheels depend on, whatever the markers."""
    return {name for text in {text for one in release.wheels for text in one.requires_dist} if (name := _project(text))}


def _project(requirement: str) -> str | None:
    """The project of a requirement, normalised; None where it is none."""
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name

    try:
        return canonicalize_name(Requirement(requirement).name)
    except InvalidRequirement:
        return None


@functools.lru_cache(maxsize=1024)
def comparable(version: str) -> tuple[int, Version | str]:
    """A key that sorts versions by their meaning, and what is no version before all that are."""
    from packaging.version import InvalidVersion, Version

    try:
        return 1, Version(version)
    except InvalidVersion:
        return 0, version
