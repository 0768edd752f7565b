"""The release against the one before: who was served, and is no longer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.platforms.promise import promises
from auditor.platforms.targets import machines
from auditor.rules.release.stated import above_stated
from auditor.rules.release.wording import has, ranges, shown
from auditor.rules.rule import WARNING, Evidence, Hit, release_rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.facts.release import ReleaseFacts
    from auditor.findings import Matrix, MatrixCell
    from auditor.rules.release.context import ReleaseContext

    Lost = dict[str, list[tuple[str, MatrixCell]]]

_SHOWN = 40


@release_rule("release-floor-raised", severity=WARNING, since="0.1")
def release_floor_raised(release: ReleaseFacts, context: ReleaseContext) -> Iterator[Hit]:
    """The release serves fewer people than the previous one did, or than the settings promise.

    **What it checks.** Against the release that `--against` names: platforms and Pythons that had wheels and have none;
    the oldest glibc, musl, macOS or Android that a platform's wheels install on; the x86-64 level that its binaries
    declare to need. Against the settings: whether wheels begin at a newer glibc, musl or macOS than `floors` states,
    which is an error, because it was promised.

    **Why it matters.** Whoever is left out gets the source distribution, an older version, or, where the processor is
    too old, a crash. It happens by itself: a newer build image, a newer runner, a job that was dropped.

    **How to fix.** Build on the older image again (`manylinux: 2_17`, `MACOSX_DEPLOYMENT_TARGET`), restore the job; or
    tell it in the changelog.

    **Limits.** A level of the processor is known only where the compiler declares it (`-mneeded`). From a JSON report
    what the report says is known.
    """
    yield from above_stated(context)
    before, now = context.previous_matrix, context.matrix
    if before is None or context.previous is None:
        return
    described = all(one.described for one in context.previous.wheels)
    lost = _lost(before, now, described=described)
    gone = _gone(lost, now)
    if gone:
        yield _dropped_platforms(before, lost, gone)
    yield from _dropped_pythons(before, now, {name: cells for name, cells in lost.items() if name not in gone})
    yield from _raised_floors(before, now)
    if described:
        yield from _raised_levels(context.previous, release)


def _served(matrix: Matrix) -> dict[str, dict[str, MatrixCell]]:
    """Column -> interpreter -> the cells that have a wheel. A wheel for any machine alone is a column of all."""
    found: dict[str, dict[str, MatrixCell]] = {}
    for row in matrix.rows:
        for cell in row.cells:
            if cell.wheel is not None:
                found.setdefault(cell.platform, {})[row.interpreter] = cell
    return found


def _cell(matrix: Matrix, interpreter: str, platform: str) -> MatrixCell | None:
    """What the matrix has for a place; one that has a single column has it for every machine."""
    return matrix.cell(interpreter, platform) or matrix.cell(interpreter, "any")


def _labels(*matrices: Matrix) -> dict[str, str]:
    """Interpreter -> its name in words."""
    return {row.interpreter: row.label for matrix in matrices for row in matrix.rows}


def _lost(before: Matrix, now: Matrix, *, described: bool) -> Lost:
    """Column -> the interpreters that were served there and are not now.

    Where the previous metadata is not known, a Python that the metadata excludes now may have been excluded then.
    """
    every = [one.name for one in now.columns]
    excluded = frozenset() if described else frozenset(row.interpreter for row in now.rows if not row.allowed)
    lost: Lost = {}
    for platform, cells in _served(before).items():
        for interpreter, cell in cells.items():
            places = every if platform == "any" and platform not in every else [platform]
            for place in places:
                current = _cell(now, interpreter, place)
                if (current is None or current.wheel is None) and interpreter not in excluded:
                    lost.setdefault(place, []).append((interpreter, cell))
    return lost


def _gone(lost: Lost, now: Matrix) -> list[str]:
    """The platforms that were served and are served for no interpreter now."""
    served = _served(now)
    return [platform for platform in lost if platform not in served and "any" not in served]


def _dropped_platforms(before: Matrix, lost: Lost, gone: list[str]) -> Hit:
    """Platforms that were served, and are not."""
    return Hit(
        message=f"{shown(gone)}, which `{before.version}` had wheels for, {has(gone)} none",
        help="build the missing wheels, or tell in the changelog that the platform is dropped",
        evidence=tuple(
            Evidence(text=f"`{platform}` had `{lost[platform][-1][1].wheel}`", version=before.version)
            for platform in gone[:_SHOWN]
        ),
    )


def _dropped_pythons(before: Matrix, now: Matrix, lost: Lost) -> Iterator[Hit]:
    """Pythons that were served on a platform that is still served, and are not: one finding for each same set."""
    labels = _labels(before, now)
    same: dict[tuple[str, ...], list[str]] = {}
    for platform, cells in lost.items():
        same.setdefault(tuple(interpreter for interpreter, _ in cells), []).append(platform)
    for interpreters, platforms in same.items():
        pythons = ranges([labels[one] for one in interpreters])
        yield Hit(
            message=f"{shown(platforms)} {has(platforms)} no wheel for {pythons}, as `{before.version}` had",
            help="build the missing wheels, or tell in the changelog that these Pythons are dropped",
            evidence=tuple(
                Evidence(text=f"{labels[interpreter]} on `{platform}` had `{cell.wheel}`", version=before.version)
                for platform in platforms[:_SHOWN]
                for interpreter, cell in lost[platform][:1]
            ),
        )


def _raised_floors(before: Matrix, now: Matrix) -> Iterator[Hit]:
    """Platforms whose wheels begin at a newer system than before: one finding a platform."""
    labels = _labels(before, now)
    columns = {one.name: one for one in now.columns}
    for platform, cells in _served(before).items():
        raised = []
        for interpreter, cell in cells.items():
            current = now.cell(interpreter, platform)
            if current is None or current.floor is None or current.wheel is None:
                continue
            falls_back = any(name.endswith("-any.whl") for name in current.older)
            if cell.floor is not None and current.floor > cell.floor and not falls_back:
                raised.append((interpreter, cell, current))
        if raised:
            first = raised[0]
            name = columns[platform].versions
            what = f"{name} {_dotted(first[1].floor)}"
            yield Hit(
                message=f"the wheels for `{platform}` need {name} {_dotted(first[2].floor)}; those of"
                f" `{before.version}` needed {what}",
                help="build on the older image or for the older system again, or tell it in the changelog",
                evidence=tuple(
                    Evidence(
                        text=f"{labels[interpreter]}: `{current.wheel}` ({_dotted(current.floor)}),"
                        f" before `{cell.wheel}` ({_dotted(cell.floor)})",
                        version=_dotted(current.floor),
                    )
                    for interpreter, cell, current in raised[:_SHOWN]
                ),
            )


def _dotted(version: tuple[int, int] | None) -> str:
    """A version in words."""
    return f"{version[0]}.{version[1]}" if version is not None else "any"


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


RULES = (release_floor_raised,)
