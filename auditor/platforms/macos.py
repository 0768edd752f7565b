"""macOS and iOS: which releases there are, and which tags any installer looks for.

Sources: `packaging.tags.mac_platforms` and `ios_platforms`; Apple's list of releases.
"""

from __future__ import annotations

KNOWN_AT = "2026-11-22"
RELEASED = (*range(11, 16), 26, 27)
"""Majors of macOS above 10 that had been released then. There is no 16 to 25."""
NEWEST_10 = 16
"""The newest minor of macOS 10: 10.16 is what 11 calls itself to old programs."""
OLDEST_10 = 4
"""The oldest minor of macOS 10 that installers look for on x86_64."""
NEWEST_IOS = 27
OLDEST_IOS = 12
"""The oldest iOS that installers look for."""
INTEL_NAMES = frozenset({"x86_64", "intel", "fat64", "fat3", "universal2", "universal"})
"""Architecture names that installers look for on an Intel Mac under macOS 10; arm64 Macs take universal2 alone."""
NAMES_FROM_11 = frozenset({"x86_64", "arm64", "universal2", "intel", "fat64", "fat3", "universal"})
"""Architecture names that installers look for from macOS 11 on."""
