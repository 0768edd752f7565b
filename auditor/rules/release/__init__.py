"""Family `release`: several wheels as one release. Its rules take the set, not one wheel."""

from __future__ import annotations

from auditor.rules.release import contents, identity, matrix, previous

RULES = (*contents.RULES, *identity.RULES, *matrix.RULES, *previous.RULES)
