"""Which platform tags pip and uv look for on any machine, and which releases of systems there are.

Sources: `packaging.tags` (26.3) and uv's platform tags (0.13); the release lists beside each number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.platforms import glibc, macos, musl
from auditor.platforms.promise import Libc, System

if TYPE_CHECKING:
    from auditor.platforms.promise import PlatformPromise

OLDEST_ANDROID = 16
"""The lowest API level that `packaging.tags.android_platforms` yields."""
NEWEST_ANDROID = 37


def unmatchable(platform: PlatformPromise) -> tuple[str, str] | None:
    """Why no installer looks for this tag, and which tag to use instead; None where one does."""
    if platform.tag in {"win_ia64", "win_arm32"}:
        return "no Python has been built for that machine since 2.7", "drop the wheel"
    if platform.version is None:
        return None
    match platform.system:
        case System.LINUX if platform.libc is Libc.GLIBC:
            return _unmatchable_manylinux(platform)
        case System.MACOS:
            return _unmatchable_macos(platform)
        case System.IOS if platform.version[0] < macos.OLDEST_IOS:
            return f"they begin at iOS {macos.OLDEST_IOS}.0", f"use `ios_{macos.OLDEST_IOS}_0_...`"
        case System.IOS if platform.architectures == ("x86_64",) and not platform.simulator:
            return "there is no iPhone with an x86_64 processor", "use `..._x86_64_iphonesimulator`"
        case System.ANDROID if platform.version[0] < OLDEST_ANDROID:
            return f"they begin at API level {OLDEST_ANDROID}", f"use `android_{OLDEST_ANDROID}_...` or later"
        case _:
            return None


def _unmatchable_manylinux(platform: PlatformPromise) -> tuple[str, str] | None:
    """A glibc version below the oldest that is looked for."""
    arch = platform.architectures[0]
    oldest = glibc.oldest_looked_for(arch)
    if platform.version is not None and platform.version < oldest:
        advised = glibc.tag_for(glibc.oldest_looked_for_by_all(arch), arch)
        return f"on `{arch}` they begin at glibc {oldest[0]}.{oldest[1]}", f"use `{advised}`"
    return None


def _unmatchable_macos(platform: PlatformPromise) -> tuple[str, str] | None:
    """A macOS version and architecture that no Mac has had together."""
    major, minor = platform.version or (0, 0)
    arch = platform.tag.split("_", 3)[3]
    if major < 10:
        return f"macOS is looked for from 10.{macos.OLDEST_10} on", "use `macosx_10_9_...`"
    if major == 10:
        if arch == "arm64":
            return "arm64 Macs begin with macOS 11", "use `macosx_11_0_arm64`"
        if arch not in macos.INTEL_NAMES:
            return f"pip and uv have no `{arch}` Python to install for", "use `x86_64` or `universal2`"
        if not macos.OLDEST_10 <= minor <= macos.NEWEST_10:
            return f"macOS 10 is looked for from 10.{macos.OLDEST_10} to 10.{macos.NEWEST_10}", "use `macosx_10_9_...`"
        return None
    if arch not in macos.NAMES_FROM_11:
        return f"macOS {major} does not run `{arch}` code", "use `arm64`, `x86_64` or `universal2`"
    if minor:
        return "from macOS 11 on the minor is always 0", f"use `macosx_{major}_0_{arch}`"
    return None


def unreleased(platform: PlatformPromise) -> tuple[str, str] | None:
    """The newest release that is known where the tag asks for a newer one, and the source of that; else None."""
    if platform.version is None:
        return None
    major = platform.version[0]
    match platform.system:
        case System.LINUX if platform.libc is Libc.GLIBC and platform.version > glibc.NEWEST:
            return _newest("glibc", f"{glibc.NEWEST[0]}.{glibc.NEWEST[1]}", glibc.KNOWN_AT)
        case System.LINUX if platform.libc is Libc.MUSL and platform.version > musl.NEWEST:
            return _newest("musl", f"{musl.NEWEST[0]}.{musl.NEWEST[1]}", musl.KNOWN_AT)
        case System.MACOS if 15 < major < 26:
            return "15 is followed by 26", f"releases of macOS known as of {macos.KNOWN_AT}"
        case System.MACOS if major > macos.RELEASED[-1]:
            return _newest("macOS", str(macos.RELEASED[-1]), macos.KNOWN_AT)
        case System.IOS if major > macos.NEWEST_IOS:
            return _newest("iOS", str(macos.NEWEST_IOS), macos.KNOWN_AT)
        case System.ANDROID if major > NEWEST_ANDROID:
            return _newest("Android's API", f"level {NEWEST_ANDROID}", macos.KNOWN_AT)
        case _:
            return None


def _newest(what: str, version: str, date: str) -> tuple[str, str]:
    """The two texts of `unreleased`."""
    return f"the newest {what} is {version}", f"releases of {what} known as of {date}"
