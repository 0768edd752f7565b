"""Whether every machine that selects one tag also has another among its own.

Sources: `packaging.tags`: which tags a machine has, from the best to the most general.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.platforms.cpython import interpreters
from auditor.platforms.promise import AbiKind, Implementation, Libc, System

if TYPE_CHECKING:
    from auditor.platforms.promise import PlatformPromise, Promise


def covers(wide: Promise, narrow: Promise) -> bool:
    """Whether each machine that selects `narrow` has the tag `wide` as well."""
    return _covers_python(wide, narrow) and covers_platform(wide.platform, narrow.platform)


def _covers_python(wide: Promise, narrow: Promise) -> bool:
    """Whether each interpreter of `narrow` is one of `wide`."""
    if wide.python.tag == narrow.python.tag and wide.abi.tag == narrow.abi.tag:
        return True
    if wide.python.implementation is Implementation.ANY and wide.abi.kind is AbiKind.NONE:
        same = wide.python.major == narrow.python.major
        return same and (wide.python.minor or 0) <= (narrow.python.minor if narrow.python.minor is not None else 0)
    needed = interpreters(narrow)
    return bool(needed) and set(needed) <= set(interpreters(wide))


def covers_platform(wide: PlatformPromise, narrow: PlatformPromise) -> bool:
    """Whether each machine of `narrow` has the platform tag `wide`."""
    if wide.tag == narrow.tag or wide.system is System.ANY:
        return True
    if wide.system is not narrow.system:
        return False
    if wide.system is System.LINUX:
        same = wide.architectures == narrow.architectures
        if wide.libc is Libc.ANY:
            return same  # every Linux machine has its own `linux_*` (packaging.tags.platform_tags)
        return same and wide.libc is narrow.libc and _not_newer(wide, narrow)
    if wide.system is System.MACOS:
        return set(narrow.architectures) <= set(wide.architectures) and _not_newer(wide, narrow)
    return False


def _not_newer(wide: PlatformPromise, narrow: PlatformPromise) -> bool:
    """Whether `wide` begins no later than `narrow`."""
    return wide.version is not None and narrow.version is not None and wide.version <= narrow.version
