"""Family `linux`: ELF files against the libraries that a Linux tag promises."""

from __future__ import annotations

from auditor.rules.linux import android, bundled, libc, musl, segments, versions

RULES = (*android.RULES, *bundled.RULES, *libc.RULES, *musl.RULES, *segments.RULES, *versions.RULES)
