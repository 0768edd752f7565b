"""The catalogue of rules for people and programs: `explain` and `rules`."""

from __future__ import annotations

import msgspec

from auditor.rules import ALL_RULES, RULES_BY_NAME
from auditor.settings import UnknownRuleError


def explanation(name: str) -> str:
    """The documentation of one rule, with its severity and what PyPI does. Raises `UnknownRuleError`."""
    rule = RULES_BY_NAME.get(name)
    if rule is None:
        raise UnknownRuleError(name)
    head = f"{rule.name}  ({rule.severity.value}; family {rule.family}; PyPI: {rule.pypi.value}; since {rule.since})"
    return f"{head}\n\n{rule.documentation.rstrip()}\n"


def listing(format_: str) -> str:
    """Every rule: a table for people, or JSON."""
    if format_ == "json":
        rows = [
            {
                "rule": rule.name,
                "family": rule.family,
                "severity": rule.severity.value,
                "pypi": rule.pypi.value,
                "since": rule.since,
                "summary": rule.summary,
            }
            for rule in ALL_RULES
        ]
        return msgspec.json.format(msgspec.json.encode(rows), indent=2).decode() + "\n"
    width = max(len(rule.name) for rule in ALL_RULES)
    lines: list[str] = []
    family = ""
    for rule in sorted(ALL_RULES, key=lambda one: (one.family, one.name)):
        if rule.family != family:
            family = rule.family
            lines.append(f"\n{family}" if lines else family)
        lines.append(f"  {rule.name:<{width}}  {rule.severity.value:<7}  {rule.summary}")
    return "\n".join(lines) + "\n"
