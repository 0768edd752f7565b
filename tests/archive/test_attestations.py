"""Attestations beside a wheel: read, and held against the wheel."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from auditor import PyPIAnswer, Severity, audit, read_wheel
from tests.builders import build_wheel

if TYPE_CHECKING:
    from pathlib import Path

BUILT = build_wheel()
DIGEST = hashlib.sha256(BUILT.data).hexdigest()
PUBLISH = "https://example.com/attestations/publish/v1"


def attestation(
    *, name: str = BUILT.filename, sha256: str = DIGEST, kind: str = PUBLISH, version: object = 1, subjects: int = 1
) -> bytes:
    """An attestation object of PEP 740 for one subject."""
    statement: dict[str, Any] = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": name, "digest": {"sha256": sha256}}] * subjects,
        "predicateType": kind,
        "predicate": None,
    }
    encoded = base64.b64encode(json.dumps(statement).encode()).decode()
    return json.dumps(
        {"version": version, "verification_material": {}, "envelope": {"statement": encoded, "signature": ""}}
    ).encode()


def findings(folder: Path, **files: bytes) -> list[str]:
    """The messages of the rule, for attestations of these kinds beside the wheel."""
    wheel = BUILT.write(folder)
    for kind, content in files.items():
        (folder / f"{wheel.name}.{kind}.attestation").write_bytes(content)
    found = [one for one in audit(wheel).findings if one.rule == "attestation-mismatch"]
    assert all((one.severity, one.pypi) == (Severity.ERROR, PyPIAnswer.REJECT) for one in found)
    return [one.message for one in found]


def test_an_attestation_for_the_wheel_is_read_and_accepted(tmp_path: Path) -> None:
    """The statement's subject, type and version are facts, and no finding speaks of them."""
    assert not findings(tmp_path, publish=attestation(), slsa=attestation(kind="https://slsa.dev/provenance/v1"))
    facts = read_wheel(tmp_path / BUILT.filename)
    assert [one.subjects for one in facts.attestations] == [((BUILT.filename, DIGEST),)] * 2
    assert facts.attestations[0].predicate_type == PUBLISH


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (attestation(name="other-1.0-py3-none-any.whl"), "its subject is `other-1.0-py3-none-any.whl`"),
        (attestation(sha256="0" * 64), "its SHA-256 is that of other bytes"),
        (attestation(kind="https://example.com/other"), "does not take the predicate type"),
        (attestation(version=2), "its version is 2"),
        (attestation(subjects=2), "it has 2 subjects"),
        (b"{}", "no attestation object"),
        (b"not json", "no attestation object"),
        (json.dumps({"version": 1, "envelope": {"statement": "%%%"}}).encode(), "no attestation object"),
        (b"[" * 2000, "no attestation object"),
        (b" " * (1 << 20) + b"{}", "more than 1048576 bytes"),
    ],
)
def test_an_attestation_that_does_not_fit_is_an_error(tmp_path: Path, content: bytes, words: str) -> None:
    """What PyPI refuses of an attestation is said, and no bytes make the audit fail."""
    (message,) = findings(tmp_path, publish=content)
    assert words in message


def test_two_attestations_of_one_type_are_an_error(tmp_path: Path) -> None:
    """PyPI takes one attestation a predicate type."""
    (message,) = findings(tmp_path, again=attestation(), publish=attestation())
    assert "another one of the type" in message


def test_a_file_for_another_wheel_is_none_of_this_one(tmp_path: Path) -> None:
    """Only files that begin with the wheel's whole name lie beside it."""
    wheel = BUILT.write(tmp_path)
    (tmp_path / "other-1.0-py3-none-any.whl.publish.attestation").write_bytes(b"{}")
    assert read_wheel(wheel).attestations == ()
