"""Family `macos`: Mach-O files against the macOS that the tags promise, and Apple's rules for them."""

from __future__ import annotations

from auditor.rules.macos import platform, signature

RULES = (*platform.RULES, *signature.RULES)
