"""What stops an audit.

A defect in a wheel is a finding and never raises. These errors mean that the audit could not happen at all;
each carries the exit status that the command line ends with.
"""

from __future__ import annotations

from typing import ClassVar


class AuditError(Exception):
    """Base of every error that this library raises on purpose."""

    exit_status: ClassVar[int] = 3


class UsageError(AuditError):
    """What was asked for cannot be done: an unknown rule, a wrong option, a bad configuration."""

    exit_status = 2


class PathNotFoundError(UsageError):
    """A path that was named does not exist."""

    def __init__(self, path: str) -> None:
        super().__init__(f"`{path}` does not exist")
        self.path = path


class NoWheelError(UsageError):
    """A directory that was named holds no wheel."""

    def __init__(self, path: str) -> None:
        super().__init__(f"the directory `{path}` holds no `*.whl` file")
        self.path = path


class UnreadableError(AuditError):
    """The operating system did not let us read a file (permissions, an I/O error, a special file)."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"`{path}` cannot be read: {reason}")
        self.path = path
        self.reason = reason


class ConfigError(UsageError):
    """A settings file, or a baseline, that cannot be understood."""

    def __init__(self, file: str, problem: str, *, key: str | None = None, suggestion: str | None = None) -> None:
        where = f"`{file}`" if key is None else f"`{file}`, `{key}`"
        hint = f"; did you mean `{suggestion}`?" if suggestion is not None else ""
        super().__init__(f"{where}: {problem}{hint}")
        self.file = file
        self.key = key
        """The place in the file, from its root: `tool.wheel-audit.ignore`."""
        self.suggestion = suggestion
        """The nearest name that is known, where an unknown one is the problem."""
