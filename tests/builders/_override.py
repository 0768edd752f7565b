"""The one idea of all builders: a field left at None is computed, any other value is written as it is."""

from __future__ import annotations

from typing import TypeVar

Value = TypeVar("Value")


def either(override: Value | None, computed: Value) -> Value:
    """The override if there is one."""
    return computed if override is None else override
