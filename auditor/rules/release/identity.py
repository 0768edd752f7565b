"""What the wheels of a release must have in common: version, metadata, and that no two stand in one place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.platforms.promise import LEGACY_MANYLINUX, promises
from auditor.rules.release.explained import explained
from auditor.rules.release.wording import counted, shown
from auditor.rules.rule import ERROR, INFO, WARNING, Evidence, Hit, release_rule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from auditor.facts.release import ReleaseFacts, WheelSummary
    from auditor.rules.release.context import ReleaseContext

    Statement = frozenset[str]
    Said = dict[Statement, list[WheelSummary]]

_SHOWN = 20
_COMMANDS = "entry_points.txt"


@release_rule("release-version-mixed", severity=WARNING, since="0.1")
def release_version_mixed(release: ReleaseFacts, context: ReleaseContext) -> Iterator[Hit]:
    """Files of several versions of one project lie side by side.

    **What it checks.** The wheels and source distributions of a project that are audited together are of one version.

    **Why it matters.** What lies in `dist/` is uploaded: files of an earlier build go out with the new ones, or end the
    upload half way, because the index has them already. Usual causes: a directory that was not emptied, a cache that
    was restored, and a version that each build job works out for itself (`1.2.dev3` here, `1.2` there).

    **How to fix.** Empty the directory before the build. Where jobs work out the version from tags, let all of them
    fetch the tags (`fetch-depth: 0`).

    **Limits.** Each version is judged as a release of its own. Of other projects only those that this one depends on
    are told (`release-dependency-beside`).
    """
    if not release.other_versions:
        return
    names = ", ".join(f"`{version}`" for version, _ in release.other_versions)
    yield Hit(
        message=f"beside the files of `{release.version}` lie those of {names}",
        help="empty the directory before the build, and upload the files of one version",
        evidence=tuple(
            Evidence(text=f"{version}: {shown(names)}", version=version) for version, names in release.other_versions
        ),
    )


@release_rule("release-dependency-beside", severity=INFO, since="0.1")
def release_dependency_beside(release: ReleaseFacts, context: ReleaseContext) -> Iterator[Hit]:
    """A wheel of a project that this one depends on lies beside its own.

    **What it checks.** Among the files that are audited together there is a single wheel, and nothing else, of a
    project that `Requires-Dist` of another one names.

    **Why it matters.** What lies in `dist/` is uploaded, and an index refuses files of projects that are not yours, so
    that the upload ends half way. `pip wheel .` leaves one wheel of each dependency.

    **How to fix.** `pip wheel --no-deps .`, `python -m build`, or empty the directory. Nothing, if you release both.

    **Limits.** Projects with a source distribution or several wheels here count as yours.
    """
    names = release.dependencies_beside
    if names:
        verb = "lies" if len(names) == 1 else "lie"
        yield Hit(
            message=f"beside the wheels of `{release.project}` {verb} {shown(names)}, which it depends on",
            help="build with `pip wheel --no-deps` or `python -m build`, unless you release these as well",
            evidence=tuple(Evidence(text=f"`{name}`") for name in names[:_SHOWN]),
        )


@release_rule("release-metadata-disagrees", severity=ERROR, since="0.1")
def release_metadata_disagrees(release: ReleaseFacts, context: ReleaseContext) -> Iterator[Hit]:
    """The wheels of one release state different metadata.

    **What it checks.** `Requires-Python`, `Requires-Dist`, `Provides-Extra` and the entry points mean the same in all
    wheels of the release. Order, spaces, quotes and spelling of names do not count. Entry points that differ as the
    platform does, or the Python (`tool3.12` beside `tool`), are taken as meant.

    **Why it matters.** Resolvers and lock files (uv, Poetry, PDM) read the metadata of one wheel and hold it for that
    of the release: on another platform dependencies are then missing, or the wrong versions are chosen. PyPI shows what
    the first file that was uploaded says. Where entry points differ, some users lack a command or a plug-in.

    **How to fix.** State platform-specific dependencies in all wheels, with environment markers
    (`pywin32; sys_platform == "win32"`), and not by an `if` in `setup.py`. Build all wheels from one commit.

    **Limits.** A wheel whose METADATA cannot be read is left out. Where the only difference is in requirements that
    bear environment markers, it is a warning: each wheel may be right for its own platform. Entry points alone are a
    warning, too: no resolver reads them.

    **References.** Core metadata, Dynamic; uv documentation, Resolution, Consistent metadata.
    """
    wheels = [one for one in release.wheels if one.described]
    fields: tuple[tuple[str, Callable[[WheelSummary], Statement]], ...] = (
        ("Requires-Python", _python_statement),
        ("Requires-Dist", _requirement_statement),
        ("Provides-Extra", _extra_statement),
    )
    found: dict[str, Said] = {}
    for field, statement in fields:
        said: Said = {}
        for one in wheels:
            said.setdefault(statement(one), []).append(one)
        if len(said) > 1:
            found[field] = said
    commands = _differing_commands(wheels)
    if commands:
        found[_COMMANDS] = commands
    if found:
        yield Hit(
            message=f"the wheels do not agree on {shown(list(found))}",
            help="state the same in all wheels, with environment markers for what only some platforms need",
            evidence=tuple(one for field, said in found.items() for one in _disagreement(field, said)),
            severity=None if _misleads(found) else WARNING,
        )


def _differing_commands(wheels: Sequence[WheelSummary]) -> Said:
    """What groups of wheels state of entry points, where neither the platform nor the Python explains it."""
    said: Said = {}
    known = [one for one in wheels if one.entry_points is not None]
    for one in known:
        said.setdefault(frozenset(one.entry_points or ()), []).append(one)
    stray = any(not explained(known, {one.filename for one in group}) for group in said.values())
    return said if stray else {}


def _misleads(found: dict[str, Said]) -> bool:
    """Whether whoever reads the metadata of one wheel is wrong about another: requirements with markers may be right
    for each platform, and entry points are read by no resolver.
    """
    said = found.get("Requires-Dist", {})
    plain = any(";" not in one for statement in said for one in statement - _common(said))
    return plain or bool(found.keys() - {"Requires-Dist", _COMMANDS})


def _common(said: Said) -> Statement:
    """What all wheels state."""
    return frozenset.intersection(*said)


def _disagreement(field: str, said: Said) -> Iterator[Evidence]:
    """What each group of wheels states of a field beyond what all of them do, the most wheels first."""
    for statement, wheels in sorted(said.items(), key=lambda one: (-len(one[1]), one[1][0].filename))[:_SHOWN]:
        own = sorted(statement - _common(said))
        text = shown(own, _SHOWN) if own else "nothing of it"
        yield Evidence(text=f"`{field}` of {shown([one.filename for one in wheels])}: {text}")


def _python_statement(wheel: WheelSummary) -> frozenset[str]:
    """Requires-Python, clause by clause."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    if wheel.requires_python is None:
        return frozenset()
    try:
        return frozenset(str(one) for one in SpecifierSet(wheel.requires_python))
    except InvalidSpecifier:
        return frozenset({wheel.requires_python})


def _requirement_statement(wheel: WheelSummary) -> frozenset[str]:
    """Every Requires-Dist in one spelling."""
    return frozenset(map(_requirement, wheel.requires_dist))


def _requirement(text: str) -> str:
    """A requirement in one spelling; as written where it is none."""
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name

    try:
        found = Requirement(text)
    except InvalidRequirement:
        return " ".join(text.split())
    found.name = canonicalize_name(found.name)
    found.extras = {canonicalize_name(one) for one in found.extras}
    return str(found)


def _extra_statement(wheel: WheelSummary) -> frozenset[str]:
    """Every Provides-Extra in one spelling."""
    from packaging.utils import canonicalize_name

    return frozenset(map(canonicalize_name, wheel.extras))


@release_rule("release-tag-duplicate", severity=WARNING, since="0.1")
def release_tag_duplicate(release: ReleaseFacts, context: ReleaseContext) -> Iterator[Hit]:
    """Two wheels of a release serve the same tags.

    **What it checks.** No two wheels have the same expanded set of tags, and none has only tags that another wheel for
    the same Pythons has, too (`manylinux_2_17_x86_64` beside `manylinux2014_x86_64.manylinux_2_28_x86_64`);
    `manylinux2014_x86_64` and `manylinux_2_17_x86_64` count as one.

    **Why it matters.** An installer takes one of them, and which one may depend on the order of a listing. Somebody
    meant to build something else: usually two jobs that ended up on the same machine or the same Python, or a wheel
    before and after `auditwheel repair`.

    **How to fix.** Leave one out, and look for the job whose result is missing.

    **Limits.** Where build numbers differ the higher one wins everywhere: an info. So is a wheel beside one that has
    all of its tags and others: whichever is taken, it fits.

    **References.** Binary distribution format, File name convention; Platform compatibility tags.
    """
    same: dict[frozenset[str], list[WheelSummary]] = {}
    for one in release.wheels:
        tags = frozenset(_plain(tag.tag) for tag in promises(one.name))
        if tags:
            same.setdefault(tags, []).append(one)
    for wheels in same.values():
        if len(wheels) == 1:
            continue
        higher = len({one.name.build for one in wheels}) == len(wheels)
        yield Hit(
            message=f"{counted(len(wheels), 'wheel')} serve the same tags: {shown([one.filename for one in wheels])}",
            help=_leave_out(higher=higher),
            evidence=tuple(_file_evidence(wheels)),
            severity=INFO if higher else None,
        )
    for narrow, wide in _contained({tags: wheels[0] for tags, wheels in same.items() if len(wheels) == 1}):
        higher = narrow.name.build != wide.name.build
        yield Hit(
            message=f"`{narrow.filename}` serves no tag that `{wide.filename}` does not serve, too",
            help=_leave_out(higher=higher),
            evidence=tuple(_file_evidence((narrow, wide))),
            severity=INFO,
        )


def _leave_out(*, higher: bool) -> str:
    """What to do about two wheels in one place."""
    if higher:
        return "leave out the one with the lower build number"
    return "leave one of them out, and look for the build whose wheel is missing"


def _contained(wheels: dict[frozenset[str], WheelSummary]) -> Iterator[tuple[WheelSummary, WheelSummary]]:
    """Each wheel whose tags are some of those of another wheel for the same Pythons, and that other wheel."""
    by_tag: dict[str, list[frozenset[str]]] = {}
    for tags in wheels:
        for tag in tags:
            by_tag.setdefault(tag, []).append(tags)
    for tags, narrow in wheels.items():
        rarest = min((by_tag[tag] for tag in tags), key=len)
        for others in rarest:
            if tags < others and _pythons(narrow) == _pythons(wheels[others]):
                yield narrow, wheels[others]
                break


def _pythons(wheel: WheelSummary) -> object:
    """The Python tags and the ABI tags of a wheel."""
    return {(tag.python.tag, tag.abi.tag) for tag in promises(wheel.name)}


def _file_evidence(wheels: Iterable[WheelSummary]) -> Iterator[Evidence]:
    """A line for each file, with its digest."""
    for one in wheels:
        digest = f", SHA-256 {one.sha256}" if one.sha256 else ""
        yield Evidence(text=f"`{one.filename}`{digest}")


def _plain(tag: str) -> str:
    """A tag with the older names of manylinux written as PEP 600 has them."""
    head, _, platform = tag.rpartition("-")
    name, _, arch = platform.partition("_")
    if name in LEGACY_MANYLINUX:
        major, minor = LEGACY_MANYLINUX[name]
        return f"{head}-manylinux_{major}_{minor}_{arch}"
    return tag


RULES = (release_dependency_beside, release_metadata_disagrees, release_tag_duplicate, release_version_mixed)
