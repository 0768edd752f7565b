"""The settings: which rules run, which findings are set aside, what fails, and names that do not exist."""

from __future__ import annotations

import re

import pytest

from auditor import ALL_RULES, Settings, Severity, UnknownRuleError, UsageError
from auditor.rules import FAMILIES, RULES_BY_NAME
from auditor.settings import DEFAULT

CRC = RULES_BY_NAME["zip-crc"]


def test_the_default_runs_everything_and_fails_on_errors() -> None:
    """Without settings every rule runs, nothing is ignored, and only an error fails."""
    assert all(DEFAULT.runs(rule) for rule in ALL_RULES)
    assert all(DEFAULT.ignore_reason(rule) is None for rule in ALL_RULES)
    assert [severity for severity in Severity if DEFAULT.fails(severity)] == [Severity.ERROR]
    assert Settings() == DEFAULT


@pytest.mark.parametrize("name", ["zip-crc", "archive"])
def test_a_rule_is_chosen_by_its_name_or_its_family(name: str) -> None:
    """A rule runs if it or its family is selected, and is set aside if it or its family is ignored."""
    assert Settings(select=(name,)).runs(CRC)
    assert Settings(ignore=(name,)).ignore_reason(CRC) == f"`{name}` is ignored"
    others = [rule for rule in ALL_RULES if rule.family != "archive"]
    assert not any(Settings(select=(name,)).runs(rule) for rule in others)
    assert not any(Settings(ignore=(name,)).ignore_reason(rule) for rule in others)


@pytest.mark.parametrize(
    ("fail_on", "failing"),
    [
        (Severity.ERROR, {Severity.ERROR}),
        (Severity.WARNING, {Severity.ERROR, Severity.WARNING}),
        (Severity.INFO, set(Severity)),
        (None, set()),
    ],
)
def test_fail_on_is_the_least_severity_that_fails(fail_on: Severity | None, failing: set[Severity]) -> None:
    """Everything at or above `fail_on` fails; None fails nothing."""
    settings = Settings(fail_on=fail_on)
    assert {severity for severity in Severity if settings.fails(severity)} == failing


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        ("zip-crcs", "zip-crc"),
        ("linus", "linux"),
        ("glibc-newer", "glibc-newer-than-tag"),
        ("ZIP-CRC-", None),
        ("", None),
    ],
)
def test_an_unknown_name_is_refused(name: str, suggestion: str | None) -> None:
    """A name of neither a rule nor a family is an error of usage that names its nearest neighbour, if there is one."""
    with pytest.raises(UnknownRuleError) as raised:
        Settings(select=("zip-crc", name))
    with pytest.raises(UnknownRuleError, match=re.escape(str(raised.value))):
        Settings(ignore=("zip-crc", name))
    assert (raised.value.name, raised.value.suggestion) == (name, suggestion)
    assert isinstance(raised.value, UsageError)
    assert raised.value.exit_status == 2
    assert (f"did you mean `{suggestion}`?" in str(raised.value)) is (suggestion is not None)


def test_every_name_of_the_catalogue_is_known() -> None:
    """Every rule and every family may be named."""
    names = (*RULES_BY_NAME, *FAMILIES)
    assert Settings(select=names, ignore=names).select == names
