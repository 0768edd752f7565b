"""The date of everything that changes outside of this tool and that a verdict rests on."""

from __future__ import annotations

from auditor.platforms import cpython, cpython_symbols, glibc, linux_libraries, macos, musl, pypi, windows

KNOWLEDGE = {
    "cpython-releases": cpython.KNOWN_AT,
    "cpython-symbols": cpython_symbols.KNOWN_AT,
    "glibc-releases": glibc.KNOWN_AT,
    "linux-libraries": linux_libraries.KNOWN_AT,
    "macos-releases": macos.KNOWN_AT,
    "manylinux-policies": glibc.KNOWN_AT,
    "musl-releases": musl.KNOWN_AT,
    "pypi-rules": pypi.KNOWN_AT,
    "windows-libraries": windows.KNOWN_AT,
}
"""Table -> the day on which it was true (ISO 8601)."""
