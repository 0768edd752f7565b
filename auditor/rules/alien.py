"""Files that no promised system, machine or C library can load: what else is wrong with them is an echo."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.rules.floors import wrong_libc
from auditor.rules.native.machine import unloadable

if TYPE_CHECKING:
    from auditor.facts.wheel import WheelFacts
    from auditor.rules.context import Context


def aliens(context: Context) -> frozenset[str]:
    """The members that are for no promised system, machine or C library. Many rules ask: it is worked out once."""
    return context.once(_find)


def _find(wheel: WheelFacts, context: Context) -> frozenset[str]:
    """The same, from the facts."""
    return context.once(unloadable) | {binary.member for binary, _ in wrong_libc(wheel, context)}
