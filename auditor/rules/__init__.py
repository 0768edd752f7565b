"""Judgement: a module a family, a function a rule. `ALL_RULES` is the catalogue, explicit and sorted by name."""

from __future__ import annotations

from auditor.rules import (
    archive,
    entry_points,
    filename,
    layout,
    linux,
    loading,
    macos,
    metadata,
    native,
    python_abi,
    record,
    release,
    supply_chain,
    tags,
    windows,
)
from auditor.rules.rule import Hit, Rule

ALL_RULES: tuple[Rule, ...] = tuple(
    sorted(
        (
            *archive.RULES,
            *entry_points.RULES,
            *filename.RULES,
            *layout.RULES,
            *linux.RULES,
            *loading.RULES,
            *macos.RULES,
            *metadata.RULES,
            *native.RULES,
            *python_abi.RULES,
            *record.RULES,
            *release.RULES,
            *supply_chain.RULES,
            *tags.RULES,
            *windows.RULES,
        ),
        key=lambda one: one.name,
    )
)
RULES_BY_NAME = {one.name: one for one in ALL_RULES}
FAMILIES = tuple(sorted({one.family for one in ALL_RULES}))

__all__ = ["ALL_RULES", "FAMILIES", "RULES_BY_NAME", "Hit", "Rule"]
