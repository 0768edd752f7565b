"""The catalogue of rules as a whole: names, families, documentation, and the table of what each rule is."""

from __future__ import annotations

import csv
import importlib
import re
from typing import TYPE_CHECKING

import pytest

from auditor import ALL_RULES
from auditor.rules import FAMILIES, RULES_BY_NAME
from auditor.rules.rule import SECTIONS
from tests.cli.command import REPOSITORY

if TYPE_CHECKING:
    from auditor import Rule

TABLE = REPOSITORY / "tests" / "rules_catalogue.tsv"
NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
REQUIRED = SECTIONS[:3]
HEADING = re.compile(r"\*\*(.+?)\.\*\* ")

every_rule = pytest.mark.parametrize("rule", ALL_RULES, ids=lambda rule: rule.name)


def rows() -> list[dict[str, str]]:
    """The lines of the table."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def paragraphs(rule: Rule) -> list[str]:
    """The documentation, paragraph by paragraph."""
    return rule.documentation.rstrip().split("\n\n")


def headings(rule: Rule) -> list[str]:
    """The sections of the documentation, in their order."""
    return [found[1] for one in paragraphs(rule) if (found := HEADING.match(one))]


def test_rules_are_sorted_and_unique() -> None:
    """The catalogue is in the order of the names, and no name is used twice, nor for a family."""
    names = [rule.name for rule in ALL_RULES]
    assert names == sorted(set(names))
    assert {name: rule.name for name, rule in RULES_BY_NAME.items()} == dict(zip(names, names, strict=True))
    assert list(FAMILIES) == sorted({rule.family for rule in ALL_RULES})
    assert not set(FAMILIES) & set(names)


def test_the_table_is_the_catalogue() -> None:
    """Each rule is in the table with its family, severity and PyPI's answer, and the table has no other."""
    table = [(row["name"], row["family"], row["severity"], row["pypi"]) for row in rows()]
    assert table == [(rule.name, rule.family, rule.severity.value, rule.pypi.value) for rule in ALL_RULES]


@every_rule
def test_names_are_kebab_case(rule: Rule) -> None:
    """A name is small letters and digits, joined by single hyphens."""
    assert NAME.fullmatch(rule.name)


@every_rule
def test_a_rule_stands_in_its_family(rule: Rule) -> None:
    """The family is the module or package, which lists the rule, and the attribute is named after the rule."""
    family = importlib.import_module(f"auditor.rules.{rule.family}")
    assert rule in family.RULES
    module = importlib.import_module(rule.check.__module__)
    assert getattr(module, rule.name.replace("-", "_")) is rule
    assert rule.check.__name__ == rule.name.replace("-", "_")


@every_rule
def test_since_is_a_version(rule: Rule) -> None:
    """`since` is the release that first had the rule: two numbers."""
    assert re.fullmatch(r"\d+\.\d+", rule.since)


@every_rule
def test_the_first_line_is_a_sentence(rule: Rule) -> None:
    """The first line stands alone: a capital or a name, a full stop, short enough for a list."""
    first, *rest = paragraphs(rule)
    assert first == rule.summary
    assert rest
    assert re.fullmatch(r"[A-Z`].{10,120}\.", first)
    assert ". " not in first.replace("e.g. ", "").replace("i.e. ", "")


@every_rule
def test_the_sections_stand_in_their_order(rule: Rule) -> None:
    """What it checks, why it matters, how to fix; then, where there is something to say, limits and references."""
    found = headings(rule)
    assert tuple(found[:3]) == REQUIRED
    assert found == [section for section in SECTIONS if section in found]


@every_rule
def test_every_section_says_something(rule: Rule) -> None:
    """Each section is whole sentences, and nothing but sections follows the first line."""
    _, *rest = paragraphs(rule)
    assert HEADING.match(rest[0])
    for paragraph in rest:
        body = HEADING.sub("", paragraph, count=1)
        assert len(body) > 5
        if not paragraph.startswith(("**References.**", "- ", "    ")):
            assert body.rstrip().endswith((".", ":", "`", "?")), paragraph


@every_rule
def test_documentation_is_for_every_reader(rule: Rule) -> None:
    """No line is wider than the sources, none has a tab or trailing space, and it names no machine's paths."""
    for line in rule.documentation.splitlines():
        assert len(line) <= 116
        assert line == line.rstrip()
        assert "\t" not in line
        assert not re.search(r"/(root|work|tmp)/", line)


def test_rules_named_in_the_documentation_exist() -> None:
    """A rule that another rule's documentation refers to exists: one that was renamed is found here."""
    families = "|".join(sorted({rule.name.partition("-")[0] for rule in ALL_RULES if rule.name.count("-") > 1}))
    written = re.compile(rf"`((?:{families})(?:-[a-z0-9]+){{2,}})`")
    for rule in ALL_RULES:
        for name in written.findall(rule.documentation):
            assert name in RULES_BY_NAME, f"{rule.name} names {name}"
