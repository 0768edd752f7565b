"""What the user decides: which rules run, which findings are set aside, and what fails."""

from __future__ import annotations

import difflib
from enum import Enum
from typing import TYPE_CHECKING

from auditor.errors import UsageError
from auditor.facts.record import Fact
from auditor.findings import PyPIAnswer, Severity
from auditor.rules import FAMILIES, RULES_BY_NAME

if TYPE_CHECKING:
    from auditor.rules import Rule


_REFUSED = frozenset({PyPIAnswer.REJECT, PyPIAnswer.SERVER_ERROR})
_ANNOUNCED = frozenset({PyPIAnswer.FUTURE, PyPIAnswer.MAIL})


class UnknownRuleError(UsageError):
    """A name that is neither a rule's nor a family's."""

    def __init__(self, name: str) -> None:
        near = difflib.get_close_matches(name, [*RULES_BY_NAME, *FAMILIES], n=1, cutoff=0.5)
        hint = f"; did you mean `{near[0]}`?" if near else ""
        super().__init__(f"there is no rule or family `{name}`{hint} (`wheel-audit rules` lists them)")
        self.name = name
        self.suggestion = near[0] if near else None


class Profile(str, Enum):
    """Whose eyes judge a finding's severity."""

    DEFAULT = "default"
    """Everybody's: an error is what an index or an installer refuses, or what fails where the tags promise it."""
    PYPI = "pypi"
    """PyPI's of today: an error is what it refuses; all other errors are warnings."""
    STRICT = "strict"
    """Tomorrow's: an error is also what PyPI has announced to refuse, and what a specification says MUST of."""


class Settings(Fact, frozen=True, kw_only=True):
    """The settings of one audit. The default runs every rule, and fails on errors."""

    select: tuple[str, ...] = ()
    """Rules and families that run; empty for all."""
    ignore: tuple[str, ...] = ()
    """Rules and families whose findings are set aside. They stay in the report as suppressed."""
    profile: Profile = Profile.DEFAULT
    """Whose eyes judge: see `Profile`."""
    fail_on: Severity | None = Severity.ERROR
    """The least severity that fails a wheel; None where nothing does."""

    def __post_init__(self) -> None:
        """Refuse a name that no rule and no family has."""
        for name in (*self.select, *self.ignore):
            if name not in RULES_BY_NAME and name not in FAMILIES:
                raise UnknownRuleError(name)

    def runs(self, rule: Rule) -> bool:
        """Whether the rule is among those that were asked for."""
        return not self.select or rule.name in self.select or rule.family in self.select

    def ignore_reason(self, rule: Rule) -> str | None:
        """Why findings of the rule are set aside; None where they are not."""
        for name in (rule.name, rule.family):
            if name in self.ignore:
                return f"`{name}` is ignored"
        return None

    def severity(self, rule: Rule, severity: Severity, pypi: PyPIAnswer) -> Severity:
        """The severity of a finding under the profile, from the one that its rule gave it."""
        if self.profile is Profile.PYPI and severity is Severity.ERROR and pypi not in _REFUSED:
            return Severity.WARNING
        announced = pypi in _ANNOUNCED or rule.must
        if self.profile is Profile.STRICT and severity is Severity.WARNING and announced:
            return Severity.ERROR
        return severity

    def fails(self, severity: Severity) -> bool:
        """Whether a finding of this severity fails the wheel."""
        return self.fail_on is not None and severity.rank <= self.fail_on.rank


DEFAULT = Settings()
"""Every rule; errors fail."""
