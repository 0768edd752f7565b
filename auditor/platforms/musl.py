"""musl and what a musllinux tag lets a wheel count on.

Sources: PEP 656; musl's own SONAMEs on Alpine and in other distributions; musl's ldso/dynlink.c, load_library;
auditwheel's musllinux policy.
"""

from __future__ import annotations

import re

KNOWN_AT = "2026-11-22"
NEWEST = (1, 2)
"""The newest musl (major, minor) that had been released then."""
_LIBC = re.compile(r"libc\.so|libc\.musl-[\w-]+\.so\.1|ld-musl-[\w-]+\.so\.1", re.ASCII)
_RESERVED = re.compile(r"lib(c|pthread|rt|m|dl|util|xnet)\..*", re.ASCII | re.DOTALL)
"""What the loader takes for itself, whatever follows the first dot, without looking for a file."""
LIBRARIES = frozenset({"libz.so.1"})
"""Beside libc itself, what a musllinux wheel may need without bringing it (auditwheel's policies 1_1 and 1_2)."""


def is_musl_library(name: str) -> bool:
    """Whether `name` is the SONAME of musl's libc or loader, which are one file."""
    return _LIBC.fullmatch(name) is not None


def takes_for_itself(name: str) -> bool:
    """Whether musl's loader finds `name`, as it stands in DT_NEEDED, in itself: its own names, and those it reserves.

    glibc's `libc.so.6`, `libm.so.6` and `libpthread.so.0` are among them, `libresolv.so.2` and `ld-linux-x86-64.so.2`
    are not (tried with musl 1.2.3).
    """
    return is_musl_library(name) or _RESERVED.fullmatch(name) is not None
