"""Differences between the wheels of a release that are meant: those that follow the platform, or the Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.platforms.promise import System, promises
from auditor.platforms.targets import machines

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from auditor.facts.release import WheelSummary

    Key = Callable[[WheelSummary], object]


def explained(wheels: Iterable[WheelSummary], having: Collection[str]) -> bool:
    """Whether the platform decides which wheels (by file name) have something, or the Python does."""
    among = list(wheels)
    return any(_follows(among, having, key) for key in (_platform_key, _python_key))


def for_any(wheel: WheelSummary) -> bool:
    """Whether a wheel is for any platform, or has no tag that says for which it is."""
    tags = promises(wheel.name)
    return not tags or any(tag.platform.system is System.ANY for tag in tags)


def _follows(wheels: Iterable[WheelSummary], having: Collection[str], key: Key) -> bool:
    """Whether wheels with the same key agree."""
    answers: dict[object, set[bool]] = {}
    for one in wheels:
        answers.setdefault(key(one), set()).add(one.filename in having)
    return all(len(found) == 1 for found in answers.values())


def _platform_key(wheel: WheelSummary) -> object:
    """The kinds of machine that a wheel is for."""
    return frozenset(machine.name for tag in promises(wheel.name) for machine in machines(tag.platform))


def _python_key(wheel: WheelSummary) -> object:
    """The interpreters that a wheel is for."""
    return wheel.name.python, wheel.name.abi
