"""Lists of names in messages and evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence


def shown(names: Sequence[str], most: int = 4) -> str:
    """The names in backticks; of many the first, and how many more."""
    listed = ", ".join(f"`{name}`" for name in names[:most])
    return f"{listed} and {len(names) - most} more" if len(names) > most else listed


def has(names: Collection[object]) -> str:
    """The verb that goes with one name, or with several."""
    return "has" if len(names) == 1 else "have"


def counted(number: int, noun: str) -> str:
    """A number with its noun."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def ranges(labels: Sequence[str]) -> str:
    """The labels of interpreters in words: `CPython 3.9, 3.10 and 3.12`, `CPython 3.13t; PyPy 3.11`."""
    by_kind: dict[str, list[str]] = {}
    for label in labels:
        kind, _, version = label.partition(" ")
        by_kind.setdefault(kind, []).append(version)
    return "; ".join(f"{kind} {_joined(versions)}" for kind, versions in by_kind.items())


def _joined(words: list[str]) -> str:
    """Words with commas, and `and` before the last."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
