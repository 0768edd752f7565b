"""Whether every machine that selects one tag also has another among its own.

Sources: `packaging.tags`: which tags a machine has, from the best to the most general.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from auditor.platforms.cpython import interpreters
from auditor.platforms.installers import unmatchable
from auditor.platforms.promise import AbiKind, Implementation, Libc, System

if TYPE_CHECKING:
    from collections.abc import Iterable

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
    # Versions to come are among those of a generic tag and of a stable ABI, and among those of no other.
    if narrow.python.implementation is Implementation.ANY:
        return False
    if narrow.abi.kind in {AbiKind.ABI3, AbiKind.ABI3T} and wide.abi.kind is not narrow.abi.kind:
        return False
    needed = interpreters(narrow)
    return bool(needed) and set(needed) <= set(interpreters(wide))


def covers_platform(wide: PlatformPromise, narrow: PlatformPromise) -> bool:
    """Whether each machine of `narrow` has the platform tag `wide`."""
    if wide.tag == narrow.tag or wide.system is System.ANY:
        return True
    if wide.system is not narrow.system or unmatchable(wide) is not None:
        return False
    match wide.system:
        case System.LINUX:
            same = wide.architectures == narrow.architectures
            if wide.libc is Libc.ANY:
                return same  # every Linux machine has its own `linux_*` (packaging.tags.platform_tags)
            same = same and wide.libc is narrow.libc
            return same and (wide.libc is Libc.GLIBC or _same_major(wide, narrow)) and _not_newer(wide, narrow)
        case System.MACOS:
            return all(_covers_mac(wide, narrow, arch) for arch in narrow.architectures)
        case System.IOS | System.ANDROID:
            same = wide.architectures == narrow.architectures and wide.simulator is narrow.simulator
            return same and _not_newer(wide, narrow)
        case _:
            return False


def covered(narrow: Promise, wide: Iterable[Promise]) -> bool:
    """Whether each machine that selects `narrow` has one of the tags `wide`: another for each processor, it may be."""
    claimed = list(wide)
    return all(any(covers(one, machine) for one in claimed) for machine in _machines(narrow))


def _machines(promise: Promise) -> tuple[Promise, ...]:
    """The promise to each kind of machine: a universal macOS tag speaks to several."""
    platform = promise.platform
    if platform.system is not System.MACOS or len(platform.architectures) == 1:
        return (promise,)
    return tuple(
        structs.replace(promise, platform=structs.replace(platform, architectures=(arch,)))
        for arch in platform.architectures
    )


def _covers_mac(wide: PlatformPromise, narrow: PlatformPromise, arch: str) -> bool:
    """Whether each Mac with that processor that selects `narrow` has `wide`. Those with arm64 begin with macOS 11."""
    oldest = narrow.minimum_os(arch)
    return arch in wide.architectures and wide.version is not None and oldest is not None and wide.version <= oldest


def _same_major(wide: PlatformPromise, narrow: PlatformPromise) -> bool:
    """Whether both name the same major version: musl promises nothing beyond (PEP 656)."""
    return wide.version is not None and narrow.version is not None and wide.version[0] == narrow.version[0]


def _not_newer(wide: PlatformPromise, narrow: PlatformPromise) -> bool:
    """Whether `wide` begins no later than `narrow`."""
    return wide.version is not None and narrow.version is not None and wide.version <= narrow.version
