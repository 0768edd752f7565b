"""Machines as `packaging` sees them: the tags that each interpreter on each platform looks for."""

from __future__ import annotations

import functools
import itertools
import sysconfig
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple
from unittest import mock

from packaging import _manylinux, _musllinux, tags

from auditor.platforms.cpython import Interpreter
from auditor.platforms.promise import Implementation

if TYPE_CHECKING:
    from collections.abc import Iterator

GLIBC = tuple((2, minor) for minor in (5, 12, 17, 24, 28, 31, 34, 36, 39, 44))
"""The C libraries of the Linux machines."""
ARCHITECTURES = ("x86_64", "i686", "aarch64", "armv7l", "ppc64", "ppc64le", "s390x", "riscv64", "loongarch64")
MACS = tuple(
    (version, arch)
    for arch in ("x86_64", "arm64")
    for version in ((10, 4), (10, 6), (10, 9), (10, 15), (11, 0), (12, 0), (13, 0), (14, 0), (15, 0), (26, 0), (27, 0))
    if arch == "x86_64" or version >= (11, 0)
)


class Build(NamedTuple):
    """A CPython as `packaging` asks its configuration variables."""

    version: tuple[int, int]
    threaded: bool = False
    debug: bool = False
    pymalloc: bool = True
    wide: bool = True


def cpython_builds() -> tuple[Build, ...]:
    """Every CPython 2.7 and 3.0 to 3.15 with every combination of flags that its ABI tag could show."""
    versions = [(2, 7), *((3, minor) for minor in range(16))]
    return tuple(
        Build(version, *flags)
        for version in versions
        for flags in itertools.product((False, True), repeat=4)
        if version >= (3, 13) or not flags[0]
    )


def released_builds() -> tuple[Build, ...]:
    """CPython 2.7 and 3.8 to 3.15 as they are distributed, free-threaded builds included."""
    plain = [Build((2, 7)), *(Build((3, minor)) for minor in range(8, 16))]
    return (*plain, *(Build((3, minor), threaded=True) for minor in range(13, 16)))


@functools.cache
def cpython_tags(build: Build, platform: str) -> frozenset[str]:
    """The tags that a CPython with one platform tag looks for."""
    variables = {
        "Py_DEBUG": int(build.debug),
        "Py_GIL_DISABLED": int(build.threaded),
        "WITH_PYMALLOC": int(build.pymalloc),
        "Py_UNICODE_SIZE": 4 if build.wide else 2,
    }
    with mock.patch.object(tags, "_get_config_var", lambda name, warn=False: variables.get(name)):  # noqa: ARG005
        own = list(tags.cpython_tags(build.version, platforms=[platform]))
    interpreter = f"cp{build.version[0]}{build.version[1]}"
    return frozenset(map(str, (*own, *tags.compatible_tags(build.version, interpreter, [platform]))))


@functools.cache
def pypy_tags(version: tuple[int, int], platform: str) -> frozenset[str]:
    """The tags that a PyPy looks for (`packaging.tags.sys_tags`)."""
    digits = f"{version[0]}{version[1]}"
    own = tags.generic_tags(f"pp{digits}", [f"pypy{digits}_pp73"], [platform])
    return frozenset(map(str, (*own, *tags.compatible_tags(version, "pp3", [platform]))))


@functools.cache
def graalpy_tags(version: tuple[int, int], platform: str) -> frozenset[str]:
    """The tags that a GraalPy looks for (`packaging.tags.sys_tags`)."""
    digits = f"{version[0]}{version[1]}"
    own = tags.generic_tags(f"graalpy{digits}", [f"graalpy242_{digits}_native"], [platform])
    return frozenset(map(str, (*own, *tags.compatible_tags(version, None, [platform]))))


def selecting(tag: str, platform: str) -> frozenset[Interpreter]:
    """The released interpreters of that platform that look for `tag`."""
    found = {
        Interpreter(implementation=Implementation.CPYTHON, version=build.version, free_threaded=build.threaded)
        for build in released_builds()
        if tag in cpython_tags(build, platform)
    }
    others = ((Implementation.PYPY, pypy_tags), (Implementation.GRAALPY, graalpy_tags))
    for implementation, tags_of in others:
        found |= {
            Interpreter(implementation=implementation, version=(3, minor))
            for minor in range(8, 13)
            if tag in tags_of((3, minor), platform)
        }
    return frozenset(found)


def ever_selected(tag: str, platform: str) -> bool:
    """Whether any interpreter of that platform looks for `tag`, however it was built."""
    return any(tag in cpython_tags(build, platform) for build in cpython_builds()) or any(
        tag in tags_of((3, minor), platform) for tags_of in (pypy_tags, graalpy_tags) for minor in range(6, 13)
    )


@contextmanager
def _linux_machine(*, glibc: tuple[int, int] | None, musl: tuple[int, int] | None) -> Iterator[None]:
    """This process as if it ran on another C library. The executable's own format is not asked."""
    version = _manylinux._GLibCVersion(*(glibc or (-1, -1)))
    answer = _musllinux._MuslVersion(*musl) if musl else None
    with (
        mock.patch.object(_manylinux, "_get_glibc_version", return_value=version),
        mock.patch.object(_manylinux, "_have_compatible_abi", return_value=glibc is not None),
        mock.patch.object(_manylinux, "_get_manylinux_module", return_value=None),
        mock.patch.object(_musllinux, "_get_musl_version", return_value=answer),
    ):
        yield


def linux_tags(
    arch: str, *, glibc: tuple[int, int] | None = None, musl: tuple[int, int] | None = None
) -> frozenset[str]:
    """The platform tags of a Linux machine."""
    platform = mock.patch.object(sysconfig, "get_platform", return_value=f"linux-{arch}")
    with platform, _linux_machine(glibc=glibc, musl=musl):
        return frozenset(tags._linux_platforms(is_32bit=False))


@functools.cache
def machines() -> dict[str, frozenset[str]]:
    """The platform tags of many machines, by a name for each."""
    found = {
        f"glibc {glibc} {arch}": linux_tags(arch, glibc=glibc)
        for arch in ARCHITECTURES
        for glibc in GLIBC
        if glibc >= (2, 17) or arch in {"x86_64", "i686"}
    }
    found |= {f"musl {musl} {arch}": linux_tags(arch, musl=musl) for arch in ARCHITECTURES for musl in ((1, 1), (1, 2))}
    found |= {f"mac {version} {arch}": frozenset(tags.mac_platforms(version, arch)) for version, arch in MACS}
    found |= {
        f"ios {version} {device}": frozenset(tags.ios_platforms(version, device))
        for version in ((12, 0), (13, 0), (15, 4), (17, 0), (26, 1), (27, 0))
        for device in ("arm64_iphoneos", "arm64_iphonesimulator", "x86_64_iphonesimulator")
    }
    found |= {
        f"android {level} {abi}": frozenset(tags.android_platforms(level, abi))
        for level in (16, 21, 24, 27, 35, 37)
        for abi in ("armeabi_v7a", "arm64_v8a", "x86", "x86_64")
    }
    found |= {f"windows {name}": frozenset({name}) for name in ("win32", "win_amd64", "win_arm64")}
    return found
