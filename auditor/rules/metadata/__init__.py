"""Family `metadata`: METADATA by itself, as PyPI would answer to it, and against the file name."""

from __future__ import annotations

from auditor.rules.metadata import attestation, description, identity, licence, requirements

RULES = (*attestation.RULES, *description.RULES, *identity.RULES, *licence.RULES, *requirements.RULES)
