"""musl and what a musllinux tag lets a wheel count on.

Sources: PEP 656; musl's own SONAMEs on Alpine and in other distributions; auditwheel's musllinux policy.
"""

from __future__ import annotations

import re

KNOWN_AT = "2026-11-22"
NEWEST = (1, 2)
"""The newest musl (major, minor) that had been released then."""
_LIBC = re.compile(r"libc\.so|libc\.musl-[\w-]+\.so\.1|ld-musl-[\w-]+\.so\.1", re.ASCII)
LIBRARIES = frozenset({"libz.so.1"})
"""Beside libc itself, what a musllinux wheel may need without bringing it (auditwheel's policies 1_1 and 1_2)."""


def is_musl_library(name: str) -> bool:
    """Whether `name` is the SONAME of musl's libc or loader, which are one file."""
    return _LIBC.fullmatch(name) is not None
