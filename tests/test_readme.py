"""What the README shows is what the command prints, and what it names is there."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")


BLOCKS = re.findall(r"```console\n\$ wheel-audit (.+)\n((?:.*\n)+?)```", README)
EXAMPLES = [(command, output) for command, output in BLOCKS if "tests/wheels" in command]
"""The console blocks that show what a command prints about the wheels of this repository."""


@pytest.mark.parametrize(("command", "output"), EXAMPLES, ids=[command for command, _ in EXAMPLES])
def test_an_example_is_the_real_output(command: str, output: str) -> None:
    """A console block holds, to the letter, what its command prints."""
    words: list[str] = []
    for word in shlex.split(command):
        words += sorted(str(path.relative_to(ROOT)) for path in ROOT.glob(word)) if "*" in word else [word]
    shown = subprocess.run(
        [sys.executable, "-m", "auditor", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert shown.stdout == output
    assert shown.returncode == (0 if words[0] == "facts" else 1)


def test_there_are_examples() -> None:
    """The first thing that the README shows is a verdict; the loading is shown as well."""
    assert len(EXAMPLES) == 2
    assert README.index(EXAMPLES[0][1]) < 1000


def test_families_of_the_table_are_those_of_the_catalogue() -> None:
    """Every family that has a rule stands in the README's table, and no other."""
    from auditor.rules import FAMILIES

    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", README, re.MULTILINE)
    named = {family for row in rows for family in re.findall(r"`(\w+)`", row)}

    assert named == set(FAMILIES)


def test_changelog_names_every_rule() -> None:
    """A user who searches the changelog for a rule finds it."""
    from auditor import ALL_RULES

    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")

    assert not [rule.name for rule in ALL_RULES if f"`{rule.name}`" not in changelog]


def test_version_is_stated_once() -> None:
    """pyproject.toml and the package agree on the version."""
    from auditor import __version__

    assert f'\nversion = "{__version__}"\n' in (ROOT / "pyproject.toml").read_text("utf-8")


def test_table_of_anomalies_names_rules_that_there_are() -> None:
    """Each row of the table ends in a rule of the catalogue, and every rule of the archive's framing has a row."""
    from auditor.rules import RULES_BY_NAME, archive

    table = (ROOT / "docs" / "archive-anomalies.md").read_text("utf-8")
    named = set(re.findall(r"\| `([a-z0-9-]+)` \|$", table, re.MULTILINE))

    assert named <= set(RULES_BY_NAME)
    assert {rule.name for rule in archive.framing.RULES} - {"zip-too-large"} <= named
