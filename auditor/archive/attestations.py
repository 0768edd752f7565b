"""The attestations beside a wheel -> facts. Nothing is verified: a signature needs the network and its roots.

Source: PEP 740 (attestation objects), the in-toto statement.
"""

from __future__ import annotations

import base64
import binascii
from pathlib import Path
from typing import Any

import msgspec

from auditor.facts.attestation import Attestation

MAX_FILES = 16
MAX_SIZE = 1 << 20
"""Bytes of one attestation that are read. Real ones have 10 KB."""


def attestations_beside(path: str) -> tuple[Attestation, ...]:
    """The attestations that lie beside the wheel at `path`, sorted by name, at most `MAX_FILES`."""
    wheel = Path(path)
    try:
        names = sorted(
            one.name
            for one in wheel.parent.iterdir()
            if one.name.startswith(f"{wheel.name}.") and one.name.endswith(".attestation") and one.is_file()
        )
        return tuple(_read(wheel.parent / name) for name in names[:MAX_FILES])
    except OSError:
        return ()  # a directory that cannot be listed has no attestation that anybody could upload


def _read(path: Path) -> Attestation:
    """One attestation file."""
    with path.open("rb") as file:
        content = file.read(MAX_SIZE + 1)
    if len(content) > MAX_SIZE:
        return Attestation(filename=path.name, problem=f"it has more than {MAX_SIZE} bytes")
    try:
        return _parse(path.name, content)
    except (msgspec.DecodeError, binascii.Error, KeyError, TypeError, ValueError, RecursionError) as error:
        return Attestation(filename=path.name, problem=f"it is no attestation object ({type(error).__name__}: {error})")


def _parse(filename: str, content: bytes) -> Attestation:
    """The version, subjects and predicate type of an attestation object. Raises where it is none."""
    whole: Any = msgspec.json.decode(content)
    statement: Any = msgspec.json.decode(base64.b64decode(whole["envelope"]["statement"], validate=True))
    return Attestation(
        filename=filename,
        version=int(whole["version"]),
        subjects=tuple((str(one["name"]), str(one["digest"]["sha256"])) for one in statement["subject"]),
        predicate_type=str(statement["predicateType"]),
    )
