"""A parser that fails: on what bytes can cause, and on what they cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import pytest

from auditor.binary import elf, read_binary
from auditor.facts.archive import ContentKind

if TYPE_CHECKING:
    from auditor.facts.binary import Binary


def failing(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> Binary:
    """What is made of a file whose parser raises that."""

    def raises(*_: object) -> NoReturn:
        raise error

    monkeypatch.setattr(elf, "read_elf", raises)
    return read_binary("demo/_core.so", memoryview(b"\x7fELF"), ContentKind.ELF)


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (AttributeError("'NoneType' object has no attribute 'name'"), "AttributeError: 'NoneType' object has no"),
        (KeyError(7), "KeyError: 7"),
        (MemoryError(), "it asks for more memory than there is"),
        (RecursionError(), "its structures refer to each other without end"),
    ],
)
def test_what_bytes_can_cause_is_a_problem_of_the_file(
    error: Exception, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a parser stumbles over is told of the file, and nothing is raised."""
    binary = failing(monkeypatch, error)
    assert binary.slices == ()
    assert binary.problems[0].startswith(problem)


@pytest.mark.parametrize("error", [NameError("name 'PT_INTERP' is not defined"), ImportError("no elftools")])
def test_a_slip_of_ours_is_no_fault_of_the_file(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name or a module that is not there is raised: the wheel would be blamed for it otherwise."""
    with pytest.raises(type(error)):
        failing(monkeypatch, error)
