"""The date of everything that changes outside of this tool and that a verdict rests on."""

from __future__ import annotations

from auditor.platforms import cpython, glibc, macos, musl, pypi

KNOWLEDGE = {
    "cpython-releases": cpython.KNOWN_AT,
    "glibc-releases": glibc.KNOWN_AT,
    "macos-releases": macos.KNOWN_AT,
    "manylinux-policies": glibc.KNOWN_AT,
    "musl-releases": musl.KNOWN_AT,
    "pypi-rules": pypi.KNOWN_AT,
}
"""Table -> the day on which it was true (ISO 8601)."""
