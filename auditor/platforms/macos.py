"""macOS and iOS: which releases there are, which tags any installer looks for, and where the system's libraries are.

Sources: `packaging.tags.mac_platforms` and `ios_platforms`; Apple's list of releases; dyld(1).
"""

from __future__ import annotations

import re

from auditor.facts.record import Fact

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


class Removal(Fact, frozen=True, kw_only=True):
    """The end of a library in a directory of the system."""

    version: tuple[int, int]
    """The first macOS that does not load it."""
    reason: str
    """What became of it, in words for the report."""


_REMOVALS = (
    (
        re.compile(r"/usr/lib/lib(crypto|ssl)\.dylib", re.ASCII),
        Removal(version=(10, 15), reason="it ends any process that loads it without naming a version"),
    ),
    (
        re.compile(r"/System/Library/Frameworks/(QTKit|QuickTime)\.framework/.+", re.ASCII),
        Removal(version=(10, 15), reason="macOS 10.15 removed QuickTime 7 and its frameworks"),
    ),
    (
        re.compile(r"/System/Library/Frameworks/Python\.framework/.+|/usr/lib/libpython(2\.\d)?\.dylib", re.ASCII),
        Removal(version=(12, 3), reason="macOS 12.3 removed Python 2.7"),
    ),
)
"""Sources: the message of libcrypto.dylib and libssl.dylib of 10.15 ("Clients should not load the unversioned libcrypto
dylib as it does not have a stable ABI"; the versioned ones, from 0.9.7 on, are reported to be there still); reports of
software that lost QuickTime with 10.15; Apple's release notes of macOS 12.3 (39795874). What is not in this table may
be gone all the same."""


def is_system_path(install_name: str) -> bool:
    """Whether `install_name` is in a directory where macOS keeps its own libraries, on whatever macOS.

    A wheel cannot put a file there, and from macOS 11 on most of them are no files at all but parts of the shared
    cache. `/usr/local` and `/opt` belong to others. A path that climbs out again (`/usr/lib/../local/lib`) does not
    count.
    """
    return install_name.startswith(("/usr/lib/", "/System/Library/")) and "/../" not in install_name


def removed_in(install_name: str) -> Removal | None:
    """Since when macOS no longer loads a library of its own directories; None where no end is known."""
    return next((removal for pattern, removal in _REMOVALS if pattern.fullmatch(install_name)), None)
