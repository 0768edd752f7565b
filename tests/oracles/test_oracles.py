"""The facts are what LIEF, pyelftools, pefile and abi3audit read too, but where an explanation stands."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.builders import extension_wheel
from tests.corpus.fetch import wanted
from tests.oracles import check
from tests.oracles.__main__ import GOOD
from tests.oracles.model import Difference, compare

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.oracles.check import Outcome
    from tests.oracles.model import Fields

FOLDER = os.environ.get("WHEEL_AUDIT_CORPUS")
TAGS = (
    "cp311-cp311-manylinux_2_17_x86_64",
    "cp311-cp311-manylinux_2_17_i686",
    "cp311-cp311-manylinux_2_17_aarch64",
    "cp38-abi3-manylinux_2_17_s390x",
    "cp311-cp311-macosx_11_0_universal2",
    "cp311-cp311-win_amd64",
    "cp311-cp311-win32",
    "cp311-cp311-win_arm64",
)
"""Of wheels that the tests' own builders make: the other tests stand on them."""


def problems(outcome: Outcome) -> list[str]:
    """What is wrong with an outcome."""
    return check.verdict(outcome)[0]


@pytest.mark.parametrize("wheel", sorted(GOOD.glob("*.whl")), ids=lambda wheel: wheel.name)
def test_a_shipped_wheel_is_read_alike(wheel: Path) -> None:
    """Every native file of the shipped wheels reads alike."""
    outcome = check.check_wheel(wheel)
    assert outcome.files
    assert not problems(outcome)


@pytest.mark.parametrize("tags", TAGS)
def test_a_built_file_is_read_alike(tags: str, tmp_path: Path) -> None:
    """What the builders of the tests make is read alike: they build real files, and not what our readers like."""
    outcome = check.check_wheel(extension_wheel(tags).write(tmp_path))
    assert outcome.files
    assert not problems(outcome)


@pytest.mark.corpus
@pytest.mark.skipif(
    FOLDER is None and not os.environ.get("CI"), reason="WHEEL_AUDIT_CORPUS names no folder: python3 dev.py corpus DIR"
)
@pytest.mark.parametrize("filename", [row["filename"] for row in wanted(short=True)])
def test_a_real_wheel_is_read_alike(filename: str) -> None:
    """Every native file of the short corpus, but the largest, reads alike or has an explanation that applies."""
    assert FOLDER is not None, "in CI the short corpus is fetched first, and WHEEL_AUDIT_CORPUS names its folder"
    assert not problems(check.check_wheel(Path(FOLDER) / filename, largest=check.SHORT_LARGEST))


def test_each_oracle_is_asked() -> None:
    """The shipped wheels alone make every oracle read files of each of its formats."""
    outcome = check.Outcome()
    for wheel in GOOD.glob("*.whl"):
        outcome.add(check.check_wheel(wheel))
    asked = {"elf lief", "elf pyelftools", "macho lief", "pe lief", "pe pefile", "abi3audit"}
    assert set(outcome.files) == asked
    assert outcome.wheels == len(list(GOOD.glob("*.whl")))


# -- the check itself -----------------------------------------------------------------------------------------------

FILE = "demo.whl:demo.so"
KNOWN = {"file": FILE, "field": "exports", "oracle": "lief", "ours": 2, "theirs": 0, "reason": "it drops them"}


def differing(**changes: object) -> Difference:
    """The difference that `KNOWN` explains, with changes."""
    fields: dict[str, object] = {
        "file": FILE,
        "field": "exports",
        "oracle": "lief",
        "ours": 2,
        "theirs": 0,
        "shown": "",
    }
    return Difference(**{**fields, **changes})  # type: ignore[arg-type]


def verdict(
    differences: list[Difference], known: Mapping[str, object], release: str, tmp_path: Path
) -> tuple[list[str], list[str]]:
    """What is said of the differences of one file beside one explanation."""
    place = tmp_path / "differences.json"
    place.write_text(json.dumps({"versions": {"lief": release}, "differences": [known]}), "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(check, "EXPLANATIONS", place)
        patch.setattr(check, "version", lambda _name: "1.0")
        return check.verdict(check.Outcome(differences=differences, seen={FILE}))


@pytest.mark.parametrize("side", ["ours", "theirs"])
def test_a_row_that_one_side_lacks_is_a_difference(side: str) -> None:
    """One row more or less on either side, or one counted twice, is found and shown."""
    whole: Fields = {"exports": Counter({("a",): 2, ("b",): 1})}
    less: Fields = {"exports": Counter({("a",): 1, ("b",): 1})}
    (found,) = compare(FILE, "lief", whole, less) if side == "ours" else compare(FILE, "lief", less, whole)
    assert (found.ours, found.theirs) == ((1, 0) if side == "ours" else (0, 1))
    assert f"only {side} [('a',)]" in found.shown
    assert not list(compare(FILE, "lief", whole, whole))


def test_an_explained_difference_passes(tmp_path: Path) -> None:
    """A difference with its explanation is no problem."""
    assert verdict([differing()], KNOWN, "1.0", tmp_path) == ([], [])


@pytest.mark.parametrize("changes", [{"field": "imports"}, {"oracle": "pyelftools"}, {"ours": 3}, {"theirs": 1}])
def test_an_explanation_is_for_one_difference_alone(changes: dict[str, object], tmp_path: Path) -> None:
    """Another field, another oracle or another number of rows is not explained by it."""
    said, _notes = verdict([differing(), differing(**changes)], KNOWN, "1.0", tmp_path)
    assert len(said) == 1


def test_an_explanation_of_nothing_fails(tmp_path: Path) -> None:
    """An explanation that no longer applies is a problem; under another release of the oracle it is a note."""
    assert verdict([], KNOWN, "1.0", tmp_path) == ([f"{FILE}: exports no longer differs from lief"], [])
    said, notes = verdict([], KNOWN, "0.9", tmp_path)
    assert not said
    assert notes == [f"{FILE}: exports no longer differs from lief (release 1.0; explained for 0.9)"]


def test_an_explanation_needs_a_reason(tmp_path: Path) -> None:
    """An empty reason explains nothing."""
    (said,) = verdict([differing()], {**KNOWN, "reason": " "}, "1.0", tmp_path)[0]
    assert said == f"{FILE}: exports: the explanation has no reason"
