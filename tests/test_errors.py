"""The errors: which exit status each carries, what it says, and that one base catches all."""

from __future__ import annotations

import pytest

from auditor import AuditError, NoWheelError, PathNotFoundError, UnknownRuleError, UnreadableError, UsageError


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (AuditError("x"), 3, "x"),
        (UsageError("x"), 2, "x"),
        (PathNotFoundError("a.whl"), 2, "`a.whl` does not exist"),
        (NoWheelError("dist"), 2, "the directory `dist` holds no `*.whl` file"),
        (UnreadableError("a.whl", "Is a directory"), 3, "`a.whl` cannot be read: Is a directory"),
        (UnknownRuleError("qqq"), 2, "there is no rule or family `qqq` (`wheel-audit rules` lists them)"),
    ],
)
def test_each_error_has_its_status_and_its_words(error: AuditError, status: int, text: str) -> None:
    """Wrong usage ends with 2, what could not be audited with 3, and the text quotes what was wrong."""
    assert isinstance(error, AuditError)
    assert (error.exit_status, str(error)) == (status, text)


def test_errors_carry_their_fields() -> None:
    """A program need not parse the text."""
    assert PathNotFoundError("a").path == "a"
    assert NoWheelError("d").path == "d"
    unreadable = UnreadableError("a", "why")
    assert (unreadable.path, unreadable.reason) == ("a", "why")
