"""What the user decides: which rules run, which findings are set aside, what is promised beside, and what fails."""

from __future__ import annotations

import difflib
from enum import Enum
from typing import TYPE_CHECKING

from auditor.errors import UsageError
from auditor.facts.record import Fact
from auditor.findings import BaselineEntry, PyPIAnswer, Severity
from auditor.platforms.stated import Floors
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


class Ignore(Fact, frozen=True, kw_only=True):
    """Findings that are set aside where they are in certain files, with the reason."""

    rules: tuple[str, ...]
    """Rules and families."""
    reason: str
    glob: str | None = None
    """Over the names of members; None for all findings of a wheel. See `auditor.globs`."""
    wheel: str | None = None
    """A glob over the file names of wheels; None for all wheels."""

    def __str__(self) -> str:
        """What a person is told of it."""
        places = [f"`{place}`" for place in (self.glob, self.wheel) if place is not None]
        return f"{', '.join(f'`{name}`' for name in self.rules)} in {' of '.join(places) or 'all wheels'}"


class ExternalLibrary(Fact, frozen=True, kw_only=True):
    """A library that the wheel needs and another distribution brings."""

    library: str
    """Its name, or a glob over names: `libcudart.so.*`."""
    distribution: str
    """The name of the distribution, as written: `Requires-Dist` has to name it."""


class Settings(Fact, frozen=True, kw_only=True):
    """The settings of one audit. The default runs every rule, and fails on errors."""

    select: tuple[str, ...] = ()
    """Rules and families that run; empty for all."""
    ignore: tuple[str, ...] = ()
    """Rules and families whose findings are set aside. They stay in the report as suppressed."""
    reasons: tuple[tuple[str, str], ...] = ()
    """(name in `ignore`, why it is there)."""
    severities: tuple[tuple[str, Severity], ...] = ()
    """(rule or family, the severity that its findings get). A rule's own entry comes before its family's."""
    per_file_ignores: tuple[Ignore, ...] = ()
    """Findings that are set aside where they are in certain files."""
    external_libraries: tuple[ExternalLibrary, ...] = ()
    """Libraries that other distributions bring."""
    floors: Floors = Floors()
    """The oldest systems that the project promises."""
    expected_matrix: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """(interpreter, platforms) that the release has to serve; empty where the project does not say."""
    size_limit: int | None = None
    """Bytes that a wheel may have; None for what PyPI takes by default."""
    profile: Profile = Profile.DEFAULT
    """Whose eyes judge: see `Profile`."""
    fail_on: Severity | None = Severity.ERROR
    """The least severity that fails a wheel; None where nothing does."""
    baseline: tuple[BaselineEntry, ...] = ()
    """Findings that the project lives with for now."""

    def __post_init__(self) -> None:
        """Refuse a name that no rule and no family has."""
        named = [*self.select, *self.ignore, *(name for name, _ in self.severities)]
        for name in (*named, *(name for one in self.per_file_ignores for name in one.rules)):
            if name not in RULES_BY_NAME and name not in FAMILIES:
                raise UnknownRuleError(name)

    def runs(self, rule: Rule) -> bool:
        """Whether the rule is among those that were asked for."""
        return not self.select or rule.name in self.select or rule.family in self.select

    def ignore_reason(self, rule: Rule) -> str | None:
        """Why findings of the rule are set aside wherever they are; None where they are not."""
        for name in (rule.name, rule.family):
            if name in self.ignore:
                return dict(self.reasons).get(name) or f"`{name}` is ignored"
        return None

    def severity(self, rule: Rule, severity: Severity, pypi: PyPIAnswer) -> Severity:
        """The severity of a finding: the one that was set, or the one of its rule under the profile."""
        chosen = dict(self.severities)
        for name in (rule.name, rule.family):
            if name in chosen:
                return chosen[name]
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
