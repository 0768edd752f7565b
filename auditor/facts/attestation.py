"""Facts about the attestations that lie beside a wheel (PEP 740)."""

from __future__ import annotations

from auditor.facts.record import Fact


class Attestation(Fact, frozen=True, kw_only=True):
    """One `<wheel>.<kind>.attestation` file: what its statement says, unverified."""

    filename: str
    version: int | None = None
    subjects: tuple[tuple[str, str], ...] = ()
    """(name, SHA-256) of each subject."""
    predicate_type: str | None = None
    problem: str | None = None
    """Why it could not be read as an attestation."""
