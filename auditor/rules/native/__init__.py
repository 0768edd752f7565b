"""Family `native`: binaries by themselves, and against the system and machine that the tags promise."""

from __future__ import annotations

from auditor.rules.native import build, machine, search_path

RULES = (*build.RULES, *machine.RULES, *search_path.RULES)
