"""Anomalies of the archive as evidence and as the subject of a message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.rules.rule import Evidence

if TYPE_CHECKING:
    from auditor.facts.archive import Anomaly, AnomalyKind
    from auditor.facts.wheel import WheelFacts

AGAIN = "build the wheel again, and upload the file that the build made: something has changed it since"

BOUNDS = frozenset({"name", "size", "compressed size"})
"""The fields of a header without which nobody knows which bytes are the member's. PyPI compares these alone."""


def of(wheel: WheelFacts, *kinds: AnomalyKind) -> list[Anomaly]:
    """The anomalies of these kinds."""
    return [anomaly for anomaly in wheel.anomalies if anomaly.kind in kinds]


def evidence_of(anomaly: Anomaly) -> Evidence:
    """An anomaly as evidence."""
    place = f"`{anomaly.member}`: " if anomaly.member is not None else ""
    return Evidence(text=f"{place}{anomaly.detail}", member=anomaly.member, offset=anomaly.offset)


def together(anomalies: list[Anomaly]) -> tuple[Evidence, ...]:
    """Several anomalies as the evidence of one finding."""
    return tuple(evidence_of(anomaly) for anomaly in anomalies[:20])


def names_of(anomalies: list[Anomaly]) -> list[str]:
    """The members that the anomalies are about, each once."""
    return list(dict.fromkeys(anomaly.member for anomaly in anomalies if anomaly.member is not None))


def members(anomalies: list[Anomaly], one: str = "", several: str = "") -> str:
    """How many members, in words, with the verb that goes with them; the name where it is one."""
    names = names_of(anomalies)
    return f"`{names[0]}`{one}" if len(names) == 1 else f"{len(names)} members{several}"


def member_of(anomalies: list[Anomaly]) -> str | None:
    """The member, where it is one."""
    names = names_of(anomalies)
    return names[0] if len(names) == 1 else None
