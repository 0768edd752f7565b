"""Family `record`: RECORD by itself, and against the archive both ways."""

from __future__ import annotations

from auditor.rules.record import digests, paths, table

RULES = (*digests.RULES, *paths.RULES, *table.RULES)
