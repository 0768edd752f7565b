"""The attestations that are uploaded beside a wheel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.platforms import pypi
from auditor.rules.rule import ERROR, REJECT, Evidence, Hit, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.facts.attestation import Attestation
    from auditor.facts.wheel import WheelFacts
    from auditor.rules.context import Context


@rule("attestation-mismatch", severity=ERROR, pypi=REJECT, since="0.1")
def attestation_mismatch(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """An attestation beside the wheel is not for this wheel.

    **What it checks.** Each `<wheel>.*.attestation` file is an attestation object of version 1 whose one subject is the
    wheel's name and SHA-256, with a predicate type that PyPI takes; no type stands twice.

    **Why it matters.** PyPI refuses the upload. The usual cause is a step that changed the wheel after it was signed.

    **How to fix.** Sign last: attest the files exactly as they are uploaded.

    **Limits.** Signatures and identities are not verified; that needs the network.

    **References.** PEP 740.
    """
    seen: set[str] = set()
    for attestation in wheel.attestations:
        problem = _problem(attestation, wheel)
        kind = attestation.predicate_type or ""
        if problem is None and kind in seen:
            problem = f"there is another one of the type `{kind}`"
        seen.add(kind)
        if problem:
            yield Hit(
                message=f"`{attestation.filename}` does not attest this wheel: {problem}",
                help="sign last, and upload the files that were signed",
                evidence=tuple(
                    Evidence(text=f"subject `{name}`, sha256 {sha}") for name, sha in attestation.subjects[:4]
                ),
            )


def _problem(attestation: Attestation, wheel: WheelFacts) -> str | None:
    """What keeps an attestation from being one for this wheel; None where nothing does."""
    if attestation.problem is not None:
        return attestation.problem
    if attestation.version != 1:
        return f"its version is {attestation.version}; PyPI takes 1"
    if len(attestation.subjects) != 1:
        return f"it has {len(attestation.subjects)} subjects in place of one"
    name, sha256 = attestation.subjects[0]
    if name != wheel.filename:
        return f"its subject is `{name}`"
    if sha256.lower() != wheel.sha256:
        return "its SHA-256 is that of other bytes"
    if not (attestation.predicate_type or "").endswith(pypi.PREDICATE_TYPES):
        return f"PyPI does not take the predicate type `{attestation.predicate_type}`"
    return None


RULES = (attestation_mismatch,)
