"""The catalogue of rules for people and programs: `explain` and `rules`."""

from __future__ import annotations

from auditor.report.json import document
from auditor.rules import ALL_RULES, FAMILIES, RULES_BY_NAME
from auditor.settings import UnknownRuleError


def explanation(name: str) -> str:
    """The documentation of one rule, with its severity and what PyPI does; of a family, its rules.

    Raises `UnknownRuleError`.
    """
    if name in FAMILIES:
        return listing(name)
    rule = RULES_BY_NAME.get(name)
    if rule is None:
        raise UnknownRuleError(name)
    head = f"{rule.name}  ({rule.severity.value}; family {rule.family}; PyPI: {rule.pypi.value}; since {rule.since})"
    return f"{head}\n\n{rule.documentation.rstrip()}\n"


def listing(*families: str) -> str:
    """The rules of these families, or of all, as a table for people."""
    shown = [rule for rule in ALL_RULES if not families or rule.family in families]
    width = max(len(rule.name) for rule in shown)
    lines: list[str] = []
    family = ""
    for rule in sorted(shown, key=lambda one: (one.family, one.name)):
        if rule.family != family:
            family = rule.family
            lines.append(f"\n{family}" if lines else family)
        lines.append(f"  {rule.name:<{width}}  {rule.severity.value:<7}  {rule.summary}")
    return "\n".join(lines) + "\n"


def listing_json() -> str:
    """Every rule as JSON."""
    return document(
        [
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
    )
