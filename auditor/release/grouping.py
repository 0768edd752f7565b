"""Wheels and source distributions -> releases: one for each version of each project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.facts.release import ReleaseFacts, WheelSummary

if TYPE_CHECKING:
    from collections.abc import Iterable

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
    keys = sorted({*found, *beside}, key=lambda key: (key[0], _comparable(key[1]), key[1]))
    releases = [
        ReleaseFacts(
            project=project,
            version=version,
            wheels=tuple(one for _, one in sorted(found.get((project, version), {}).items())),
            sdists=tuple(sorted(beside.get((project, version), ()))),
        )
        for project, version in keys
    ]
    return tuple(_with_others(one, releases) for one in releases if one.wheels)


def _with_others(release: ReleaseFacts, releases: list[ReleaseFacts]) -> ReleaseFacts:
    """The release with the files of its project's other versions, if it is the newest that has wheels."""
    same = [one for one in releases if one.project == release.project]
    if len(same) == 1 or [one for one in same if one.wheels][-1] is not release:
        return release
    others = tuple(
        (one.version, (*(wheel.filename for wheel in one.wheels), *one.sdists)) for one in same if one is not release
    )
    return ReleaseFacts(
        project=release.project,
        version=release.version,
        wheels=release.wheels,
        sdists=release.sdists,
        other_versions=others,
    )


def _comparable(version: str) -> tuple[int, Version | None]:
    """A key that sorts versions by their meaning, and what is no version before all that are."""
    from packaging.version import InvalidVersion, Version

    try:
        return 1, Version(version)
    except InvalidVersion:
        return 0, None
