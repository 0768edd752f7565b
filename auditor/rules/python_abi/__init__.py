"""Family `python_abi`: extension modules against the interpreters and the ABI that the tags promise."""

from __future__ import annotations

from auditor.rules.python_abi import modules, stable, symbols

RULES = (*modules.RULES, *stable.RULES, *symbols.RULES)
