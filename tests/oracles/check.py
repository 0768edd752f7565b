"""Compare the facts of every native file of some wheels with what other programs read in it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import msgspec

from auditor.facts.binary import BinaryFormat, MachODetail
from tests.oracles import by_abi3audit, by_lief, by_pefile, by_pyelftools, ours
from tests.oracles.model import OracleError, compare, failure, native_files

if TYPE_CHECKING:
    from auditor.facts.binary import Binary
    from tests.oracles.model import Difference, Fields

    Key = tuple[str, str, str]

EXPLANATIONS = Path(__file__).parent / "differences.json"
SHORT_LARGEST = 1_500_000
"""Bytes of the largest file of the short form: pyelftools takes 4.7 s for 10,000 symbols."""
WHOLE = {
    BinaryFormat.ELF: {"pyelftools": by_pyelftools.read_elf, "lief": by_lief.read_elf},
    BinaryFormat.PE: {"pefile": by_pefile.read_pe, "lief": by_lief.read_pe},
    BinaryFormat.MACHO: {},
}
"""The oracles of a format that give one set of fields for a whole file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why a difference is accepted."""

    file: str
    field: str
    oracle: str
    ours: int
    theirs: int
    reason: str

    @property
    def key(self) -> Key:
        """What names it."""
        return self.file, self.field, self.oracle


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What came out of some wheels."""

    wheels: int = 0
    files: dict[str, int] = field(default_factory=dict)
    """Compared files or slices, by format and oracle."""
    differences: list[Difference] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    """Every file and slice that was compared, as an explanation names it."""

    def add(self, other: Outcome) -> None:
        """Add what came out of further wheels."""
        self.wheels += other.wheels
        for name, count in other.files.items():
            self.files[name] = self.files.get(name, 0) + count
        self.differences += other.differences
        self.seen |= other.seen


def check_wheel(wheel: Path, *, largest: int | None = None) -> Outcome:
    """Compare every native file of a wheel, one after the other."""
    outcome = Outcome(wheels=1)
    stable = _stable_abi(wheel, outcome)
    for member, content in native_files(wheel, largest=largest):
        binary = ours.read(member, content)
        if binary is None:
            continue
        name = f"{wheel.name}:{member}"
        check_binary(name, binary, content, outcome)
        if (theirs := stable.get(PurePosixPath(member).name)) is not None:
            _count(outcome, "abi3audit")
            facts = by_abi3audit.our_fields(binary, by_abi3audit.baseline(wheel))
            outcome.differences += compare(name, "abi3audit", facts, theirs)
    return outcome


def _stable_abi(wheel: Path, outcome: Outcome) -> dict[str, Fields]:
    """What abi3audit says of a wheel of the stable ABI, by file."""
    if not by_abi3audit.is_stable(wheel):
        return {}
    outcome.seen.add(wheel.name)
    try:
        return by_abi3audit.read_wheel(wheel)
    except OracleError as error:
        outcome.differences.append(failure(wheel.name, "abi3audit", error))
        return {}


def check_binary(name: str, binary: Binary, content: bytes, outcome: Outcome) -> None:
    """Compare one file with each oracle of its format."""
    outcome.seen.add(name)
    if binary.format is BinaryFormat.MACHO:
        _check_macho(name, binary, content, outcome)
        return
    for oracle, read in WHOLE[binary.format].items():
        _count(outcome, f"{binary.format.value} {oracle}")
        try:
            theirs = read(content)
        except OracleError as error:
            outcome.differences.append(failure(name, oracle, error))
            continue
        if binary.slices:
            outcome.differences += compare(name, oracle, ours.fields(binary.slices[0]), theirs)
        else:
            outcome.differences.append(_unread(name, oracle, binary))


def _check_macho(name: str, binary: Binary, content: bytes, outcome: Outcome) -> None:
    """Compare each slice, found by its place in the file."""
    try:
        theirs = by_lief.read_macho(content)
    except OracleError as error:
        outcome.differences.append(failure(name, "lief", error))
        return
    for part in binary.slices:
        assert isinstance(part.detail, MachODetail)
        slice_name = f"{name}[{part.arch}]" if part.detail.fat else name
        outcome.seen.add(slice_name)
        _count(outcome, "macho lief")
        found: Fields | None = theirs.pop(part.detail.offset, None)
        if found is None:
            outcome.differences.append(failure(slice_name, "lief", OracleError("no slice at this place")))
        else:
            outcome.differences += compare(slice_name, "lief", ours.fields(part), found)
    if theirs:
        outcome.differences.append(_unread(name, "lief", binary))


def _unread(name: str, oracle: str, binary: Binary) -> Difference:
    return failure(name, oracle, OracleError(f"read by the oracle and not by us: {binary.problems}"))


def _count(outcome: Outcome, what: str) -> None:
    outcome.files[what] = outcome.files.get(what, 0) + 1


# -- explanations -------------------------------------------------------------------------------------------------


def explanations() -> tuple[dict[str, str], dict[Key, Explanation]]:
    """The oracles' versions that the explanations were written for, and the explanations by what they explain."""
    content: dict[str, Any] = json.loads(EXPLANATIONS.read_text("utf-8"))
    rows = msgspec.convert(content["differences"], list[Explanation])
    return content["versions"], {one.key: one for one in rows}


def verdict(outcome: Outcome) -> tuple[list[str], list[str]]:
    """Problems and notes, in words.

    A problem is a difference that nobody explained, or an explanation of what is not so. Where another release of
    the oracle is installed than the explanations were written for, one that no longer applies is only a note.
    """
    versions, known = explanations()
    problems, notes = [], []
    found = {one.key: one for one in outcome.differences}
    for key, one in sorted(found.items()):
        explained = known.get(key)
        where = f"{one.file}: {one.field} differs from {one.oracle}"
        if explained is None:
            problems.append(f"{where}: {one.shown}")
        elif (explained.ours, explained.theirs) != (one.ours, one.theirs):
            counts = (
                f"{one.ours} rows of ours and {one.theirs} of theirs, explained {explained.ours}, {explained.theirs}"
            )
            problems.append(f"{where}: {counts}: {one.shown}")
    for key, explained in sorted(known.items()):
        if explained.file in outcome.seen and key not in found:
            text = f"{explained.file}: {explained.field} no longer differs from {explained.oracle}"
            installed = version(explained.oracle)
            if installed == versions[explained.oracle]:
                problems.append(text)
            else:
                notes.append(f"{text} (release {installed}; explained for {versions[explained.oracle]})")
        if not explained.reason.strip():
            problems.append(f"{explained.file}: {explained.field}: the explanation has no reason")
    return problems, notes
