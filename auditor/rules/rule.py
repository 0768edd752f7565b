"""What a rule is, and what it is given.

A rule is one function: from the facts of a wheel to the hits it finds there. Its docstring is its documentation:
the first line says the fault, the sections say what it checks, why it matters, how to fix it and where it ends.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

from auditor.facts.record import Fact
from auditor.findings import Evidence, NotJudged, PyPIAnswer, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from auditor.facts.release import ReleaseFacts
    from auditor.facts.wheel import WheelFacts
    from auditor.rules.context import Context
    from auditor.rules.release.context import ReleaseContext

    Check = Callable[[WheelFacts, Context], Iterator["Hit | NotJudged"]]
    ReleaseCheck = Callable[[ReleaseFacts, ReleaseContext], Iterator["Hit | NotJudged"]]

SECTIONS = ("What it checks", "Why it matters", "How to fix", "Limits", "References")
"""The sections of a rule's documentation, in their order."""


class Hit(Fact, frozen=True, kw_only=True):
    """One fault, as a rule reports it: what the rule itself fixes (name, severity) is added by the judge."""

    message: str
    """What is wrong, with the names: lower case, no full stop, names in backticks."""
    help: str
    """What to do."""
    member: str | None = None
    arch: str | None = None
    evidence: tuple[Evidence, ...] = ()
    severity: Severity | None = None
    """Where it differs from the rule's: a case that is less certain than the rule."""
    pypi: PyPIAnswer | None = None
    """Where it differs from the rule's."""


class Rule:
    """A rule of the catalogue: its name, what it stands for, and the function that checks it."""

    def __init__(
        self,
        name: str,
        *,
        severity: Severity,
        pypi: PyPIAnswer,
        since: str,
        must: bool = False,
        of_release: bool = False,
        check: Callable[..., Iterator[Hit | NotJudged]],
    ) -> None:
        self.name = name
        self.severity = severity
        self.pypi = pypi
        self.since = since
        self.must = must
        """Whether a specification says MUST, though nobody refuses the wheel: an error under the profile `strict`."""
        self.of_release = of_release
        """Whether the check takes the wheels of a release as a set (`ReleaseCheck`), and not one wheel (`Check`)."""
        self.check = check
        self.family = check.__module__.removeprefix("auditor.rules.").partition(".")[0]

    @property
    def documentation(self) -> str:
        """The whole docstring, without its indentation."""
        return inspect.getdoc(self.check) or ""

    @property
    def summary(self) -> str:
        """The first line of the documentation."""
        return self.documentation.partition("\n")[0]

    def __repr__(self) -> str:
        return f"Rule({self.name!r})"


def rule(
    name: str, *, severity: Severity, pypi: PyPIAnswer = PyPIAnswer.ACCEPT, since: str, must: bool = False
) -> Callable[[Check], Rule]:
    """Make a rule of a function. Its family is the module or package below `auditor.rules` that it stands in."""

    def decorate(check: Check) -> Rule:
        return Rule(name, severity=severity, pypi=pypi, since=since, must=must, check=check)

    return decorate


def release_rule(
    name: str, *, severity: Severity, pypi: PyPIAnswer = PyPIAnswer.ACCEPT, since: str
) -> Callable[[ReleaseCheck], Rule]:
    """Make a rule of a function that takes the wheels of a release as a set."""

    def decorate(check: ReleaseCheck) -> Rule:
        return Rule(name, severity=severity, pypi=pypi, since=since, of_release=True, check=check)

    return decorate


ERROR, WARNING, INFO = Severity.ERROR, Severity.WARNING, Severity.INFO
REJECT, SERVER_ERROR, MAIL = PyPIAnswer.REJECT, PyPIAnswer.SERVER_ERROR, PyPIAnswer.MAIL
FUTURE, ACCEPT = PyPIAnswer.FUTURE, PyPIAnswer.ACCEPT
__all__ = [
    "ACCEPT",
    "ERROR",
    "FUTURE",
    "INFO",
    "MAIL",
    "REJECT",
    "SERVER_ERROR",
    "WARNING",
    "Evidence",
    "Hit",
    "NotJudged",
    "Rule",
    "release_rule",
    "rule",
]
