"""Family `supply_chain`: what the wheel says of its parts, and what the build left in them."""

from __future__ import annotations

from auditor.rules.supply_chain import rust, sboms

RULES = (*rust.RULES, *sboms.RULES)
