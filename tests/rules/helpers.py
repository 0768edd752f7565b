"""From a wheel, as bytes, to the findings of one rule: the whole path, as a user takes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor import audit
from tests.builders import WheelSpec, build_wheel

if TYPE_CHECKING:
    from collections.abc import Iterable

    from auditor.findings import Finding, Report
    from tests.builders import BuiltWheel


def report(wheel: WheelSpec | BuiltWheel) -> Report:
    """The report on a wheel. No rule may fail by itself on the way."""
    built = build_wheel(wheel) if isinstance(wheel, WheelSpec) else wheel
    found = audit(built.data, filename=built.filename)
    assert not found.broken, found.not_judged
    return found


def findings(wheel: WheelSpec | BuiltWheel, *, rule: str) -> list[Finding]:
    """What one rule says about a wheel."""
    return [finding for finding in report(wheel).findings if finding.rule == rule]


def only(wheel: WheelSpec | BuiltWheel, *, rule: str) -> Finding:
    """The one finding of a rule about a wheel."""
    (finding,) = findings(wheel, rule=rule)
    return finding


def rules_hit(wheel: WheelSpec | BuiltWheel, *families: str) -> set[str]:
    """The names of the rules of these families, or of all, that say something."""
    return {one.rule for one in report(wheel).findings if not families or one.family in families}


def not_judged(wheel: WheelSpec | BuiltWheel, *, rule: str) -> list[str]:
    """The reasons for which a rule could not judge a wheel."""
    return [one.reason for one in report(wheel).not_judged if one.rule == rule]


def evidence(finding: Finding) -> str:
    """All evidence of a finding, a line each."""
    return "\n".join(one.text for one in finding.evidence)


def assert_house_style(found: Iterable[Finding]) -> None:
    """Messages begin in lower case or with a quoted name and end without a full stop; each says what to do."""
    for finding in found:
        texts = [finding.message, finding.help, *(one.text for one in finding.evidence)]
        for text in texts:
            assert text, finding
            assert not text.endswith("."), text
            assert text == text.strip(), text
            assert text.count("`") % 2 == 0, text
        for text in texts[:2]:
            word = text.split()[0]
            assert text[0] == "`" or text[0].islower() or text[0].isdigit() or _is_proper_name(word), text


def _is_proper_name(word: str) -> bool:
    """Whether a word begins in upper case everywhere: RECORD, WHEEL, METADATA, PyPI."""
    return word.isupper() or word == "PyPI"
