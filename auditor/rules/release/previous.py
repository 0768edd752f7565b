"""The release against the one before: who was served, and is no longer, or by less."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.facts.record import Fact
from auditor.findings import MatrixRow
from auditor.platforms.promise import promises
from auditor.platforms.stated import raised_above
from auditor.platforms.targets import machines
from auditor.rules.release.floors import raised_floors, steps, uneven_floors
from auditor.rules.release.stated import above_stated
from auditor.rules.release.wording import has, ranges, shown
from auditor.rules.rule import INFO, WARNING, Evidence, Hit, release_rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from auditor.facts.release import ReleaseFacts
    from auditor.findings import Matrix, MatrixCell
    from auditor.rules.release.context import ReleaseContext

_SHOWN = 40


class _Lost(Fact, frozen=True, kw_only=True):
    """One interpreter on one platform that the previous release served, or served with a wheel of the platform."""

    platform: str
    row: MatrixRow
    """As it is now."""
    wheel: str
    """What it got."""
    left: str | None
    """The pure wheel that it gets now; None where it gets none."""


@release_rule("release-floor-raised", severity=WARNING, since="0.1")
def release_floor_raised(release: ReleaseFacts, context: ReleaseContext) -> Iterator[Hit]:
    """The release serves fewer people than the previous one did, or than the settings promise.

    **What it checks.** Against the release that `--against` names: platforms and Pythons that had wheels and have none,
    or fall back from a wheel of their platform to a pure one; the oldest glibc, musl, macOS or Android that a
    platform's wheels install on; the x86-64 level that its binaries declare to need; whether there still is a source
    distribution. Against the settings: whether wheels begin at a newer glibc, musl or macOS than `floors` states, which
    is an error, because it was promised. Without either: a CPython whose wheels begin at a newer system than those of
    both an older and a newer CPython, which is an info.

    **Why it matters.** Whoever is left out gets the source distribution, an older version, or, where the processor is
    too old, a crash; whoever falls back to a pure wheel gets slower code, or less of it. It happens by itself: a newer
    build image, a newer runner, a job that was dropped.

    **How to fix.** Build on the older image again (`manylinux: 2_17`, `MACOSX_DEPLOYMENT_TARGET`), restore the job; or
    tell it in the changelog.

    **Limits.** Pythons that `Requires-Python` now excludes are an info. Of several previous releases the newest that is
    not later than this one counts. A level of the processor is known only where the compiler declares it (`-mneeded`).
    From a JSON report what the report says is known.
    """
    yield from above_stated(context)
    raised = steps(*context.compared) if context.compared is not None else ()
    if context.previous is not None and context.compared is not None:
        yield from _against(context.previous, release, *context.compared)
        yield from raised_floors(context.previous.version, raised)
    stated = raised_above(context.matrix, context.floors)
    told = {(one.column.name, name) for one in stated for name in one.interpreters}
    yield from uneven_floors(context.matrix, told | {(one.column.name, one.interpreter) for one in raised})


def _against(previous: ReleaseFacts, release: ReleaseFacts, before: Matrix, now: Matrix) -> Iterator[Hit]:
    """What the previous release had and this one has not, but for the floors."""
    described = all(one.described for one in previous.wheels)
    lost = list(_lost(before, now))
    excluded = [one for one in lost if not one.row.allowed]
    if excluded and described:
        yield _excluded(previous, release, excluded)
    # Where the previous metadata is not known, what this one's excludes may have been excluded then.
    remaining = [one for one in lost if one.row.allowed]
    yield from _unserved(before.version, now, [one for one in remaining if one.left is None])
    yield from _falling_back(before.version, [one for one in remaining if one.left is not None])
    if described:
        yield from _raised_levels(previous, release)
    if previous.sdists and not release.sdists:
        yield _no_sdist(previous)


def _lost(before: Matrix, now: Matrix) -> Iterator[_Lost]:
    """Each place that was served and is not, or only by a pure wheel in place of one for its platform."""
    for row, current_row in zip(before.rows, now.rows, strict=True):
        for cell, current in zip(row.cells, current_row.cells, strict=True):
            if cell.wheel is None or (current.wheel is not None and _is_pure(cell) >= _is_pure(current)):
                continue
            yield _Lost(platform=cell.platform, row=current_row, wheel=cell.wheel, left=current.wheel)


def _is_pure(cell: MatrixCell) -> bool:
    """Whether what is chosen is for whatever machine."""
    return cell.tag is not None and cell.tag.endswith("-any")


def _excluded(previous: ReleaseFacts, release: ReleaseFacts, lost: list[_Lost]) -> Hit:
    """Pythons that were served, and that the metadata excludes now: somebody decided that."""
    labels = list(dict.fromkeys(one.row.label for one in lost))
    return Hit(
        message=f"`Requires-Python` excludes {ranges(labels)}, which `{previous.version}` had wheels for",
        help="nothing, if these Pythons are dropped on purpose; tell it in the changelog",
        evidence=(
            Evidence(text=f"{_requires_python(release)}; in `{previous.version}` {_requires_python(previous)}"),
            *_places(previous.version, lost),
        ),
        severity=INFO,
    )


def _requires_python(release: ReleaseFacts) -> str:
    """What the wheels state, in words."""
    stated = sorted({one.requires_python for one in release.wheels if one.requires_python is not None})
    return f"`Requires-Python: {'`, `'.join(stated)}`" if stated else "no `Requires-Python`"


def _unserved(version: str, now: Matrix, lost: list[_Lost]) -> Iterator[Hit]:
    """Platforms that have no wheel at all any more, and Pythons on those that have some."""
    served = {cell.platform for row in now.rows for cell in row.cells if cell.wheel is not None}
    gone = [one for one in lost if one.platform not in served]
    if gone:
        names = list(dict.fromkeys(one.platform for one in gone))
        newest = {one.platform: one for one in gone}
        yield Hit(
            message=f"{shown(names)}, which `{version}` had wheels for, {has(names)} none",
            help="build the missing wheels, or tell in the changelog that the platform is dropped",
            evidence=tuple(
                Evidence(text=f"`{one.platform}` had `{one.wheel}`", version=version) for one in newest.values()
            )[:_SHOWN],
        )
    for platforms, same in _grouped(one for one in lost if one.platform in served):
        yield Hit(
            message=f"{shown(platforms)} {has(platforms)} no wheel for {_pythons(same)}, as `{version}` had",
            help="build the missing wheels, or tell in the changelog that these Pythons are dropped",
            evidence=tuple(_places(version, same)),
        )


def _falling_back(version: str, lost: list[_Lost]) -> Iterator[Hit]:
    """Pythons that had a wheel of their platform, and have a pure one."""
    for platforms, same in _grouped(lost):
        falls = "falls" if len(platforms) == 1 else "fall"
        yield Hit(
            message=f"{shown(platforms)} {falls} back to the pure wheel for {_pythons(same)}, which `{version}` had"
            " wheels of the platform for",
            help="build the missing wheels, or tell in the changelog that they are pure from now on",
            evidence=tuple(_places(version, same)),
        )


def _grouped(lost: Iterable[_Lost]) -> Iterator[tuple[list[str], list[_Lost]]]:
    """The platforms that lost the same Pythons, and what they lost."""
    by_platform: dict[str, list[_Lost]] = {}
    for one in lost:
        by_platform.setdefault(one.platform, []).append(one)
    same: dict[tuple[str, ...], list[str]] = {}
    for platform, found in by_platform.items():
        same.setdefault(tuple(one.row.interpreter for one in found), []).append(platform)
    for platforms in same.values():
        yield platforms, [one for platform in platforms for one in by_platform[platform]]


def _pythons(lost: list[_Lost]) -> str:
    """The interpreters in words, each once."""
    return ranges(list(dict.fromkeys(one.row.label for one in lost)))


def _places(version: str, lost: list[_Lost]) -> Iterator[Evidence]:
    """For each platform and wheel that it had, the Pythons that got it, and what they get."""
    same: dict[tuple[str, str, str | None], list[_Lost]] = {}
    for one in lost:
        same.setdefault((one.platform, one.wheel, one.left), []).append(one)
    for (platform, wheel, left), found in list(same.items())[:_SHOWN]:
        now = f", has `{left}`" if left is not None else ""
        yield Evidence(text=f"{_pythons(found)} on `{platform}` had `{wheel}`{now}", version=version)


def _raised_levels(previous: ReleaseFacts, release: ReleaseFacts) -> Iterator[Hit]:
    """Platforms whose binaries declare to need a higher x86-64 level than before."""
    old, new = _levels(previous), _levels(release)
    raised = [name for name, level in new.items() if name in old and level > max(old[name], 1)]
    if raised:
        highest = max(new[name] for name in raised)
        yield Hit(
            message=f"the binaries for {shown(raised)} need x86-64-v{highest}; those of `{previous.version}` did not",
            help="build without `-march` and `-C target-cpu`, and choose faster code at run time",
            evidence=tuple(
                Evidence(text=f"`{name}`: x86-64-v{new[name]}, before x86-64-v{max(old[name], 1)}") for name in raised
            ),
        )


def _levels(release: ReleaseFacts) -> dict[str, int]:
    """Column -> the lowest x86-64 level with which each of its wheels loads."""
    found: dict[str, int] = {}
    for one in release.wheels:
        for name in {machine.name for tag in promises(one.name) for machine in machines(tag.platform)}:
            found[name] = max(found.get(name, 0), one.x86_level)
    return found


def _no_sdist(previous: ReleaseFacts) -> Hit:
    """There was a source distribution, and there is none."""
    return Hit(
        message=f"there is no source distribution, as `{previous.version}` had",
        help="build one with `maturin sdist` or `python -m build --sdist`, and audit it beside the wheels",
        evidence=tuple(Evidence(text=f"`{previous.version}` had `{name}`") for name in previous.sdists[:_SHOWN]),
    )


RULES = (release_floor_raised,)
