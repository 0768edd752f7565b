"""Family `linux`: ELF files against the libraries that a Linux tag promises."""

from __future__ import annotations

from auditor.rules.linux import libc

RULES = (*libc.RULES,)
