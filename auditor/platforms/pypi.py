"""What PyPI lets in, as of a date: its lists change, and its answer is only as good as the date beside it.

Source: the `warehouse` repository at the date below (forklift/legacy.py); measured against its own test cases.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

from auditor.platforms import glibc
from auditor.platforms.promise import Libc, System

if TYPE_CHECKING:
    from auditor.platforms.promise import PlatformPromise

KNOWN_AT = "2026-08-21"
"""The date of PyPI's source that these lists were read from."""
METADATA_VERSIONS = ("1.0", "1.1", "1.2", "2.1", "2.2", "2.3", "2.4", "2.5")
"""The Metadata-Versions that PyPI takes. 2.6 is of the specification since May 2026, and refused."""
PREDICATE_TYPES = ("slsa.dev/provenance/v1", "/attestations/publish/v1")
"""The ends of the predicate types of attestations that PyPI takes."""
SIZE_MAX = 100 << 20
"""Bytes of a file that PyPI takes by default; a project can ask for more."""
FILENAME_MAX = 246
"""Bytes: PyPI also stores `<filename>.metadata`, and a file name has at most 255 bytes."""

_FIXED = frozenset(
    {"any", "win32", "win_amd64", "win_arm64", "win_ia64", "linux_armv6l", "linux_armv7l"}
    | {f"manylinux1_{arch}" for arch in ("x86_64", "i686")}
    | {f"manylinux2010_{arch}" for arch in ("x86_64", "i686")}
    | {f"manylinux2014_{arch}" for arch in ("x86_64", "i686", "aarch64", "armv7l", "ppc64", "ppc64le", "s390x")}
)
MACOS_MAJORS = (11, 12, 13, 14, 15, 26)
"""The macOS majors above 10 that PyPI knows; with each, the minor is exactly 0."""
_MACOS_ARCHITECTURES = "ppc|ppc64|i386|x86_64|arm64|intel|fat|fat3|fat64|universal|universal2"
_LINUX_ARCHITECTURES = "x86_64|i686|aarch64|armv7l|ppc64le|s390x|riscv64"
_PATTERNS = (
    re.compile(rf"macosx_10_\d+_({_MACOS_ARCHITECTURES})", re.ASCII),
    re.compile(rf"macosx_({'|'.join(map(str, MACOS_MAJORS))})_0_({_MACOS_ARCHITECTURES})", re.ASCII),
    re.compile(rf"manylinux_\d+_\d+_({_LINUX_ARCHITECTURES}|ppc64)", re.ASCII),
    re.compile(rf"musllinux_\d+_\d+_({_LINUX_ARCHITECTURES})", re.ASCII),
    re.compile(r"ios_\d+_\d+_(arm64|x86_64)_(iphoneos|iphonesimulator)", re.ASCII),
    re.compile(r"android_\d+_(armeabi_v7a|arm64_v8a|x86|x86_64)", re.ASCII),
    re.compile(r"pyemscripten_\d+_\d+_wasm32", re.ASCII),
)


def accepts_platform(tag: str) -> bool:
    """Whether PyPI accepts a wheel with this platform tag. PyPI compares in lower case."""
    lower = tag.lower()
    return lower in _FIXED or any(pattern.fullmatch(lower) for pattern in _PATTERNS)


def nearest(platform: PlatformPromise) -> str:
    """The advice for a tag that PyPI refuses: the nearest tag that it takes, and the tool that gets there."""
    tag = platform.tag
    arch = platform.architectures[0] if platform.architectures else ""
    match platform.system:
        case System.LINUX if platform.libc is Libc.ANY and accepts_platform(f"manylinux_2_17_{arch}"):
            return (
                f"repair it to a manylinux or musllinux tag: `auditwheel repair`, cibuildwheel, or"
                f" `maturin build --compatibility pypi` (PyPI takes `manylinux_2_N_{arch}`)"
            )
        case System.LINUX:
            return _nearest_linux(platform, arch)
        case System.MACOS:
            return _nearest_macos(platform)
        case System.WASM:
            return "PyPI takes `pyemscripten_{year}_{patch}_wasm32` (PEP 783): build with a current pyodide-build"
        case _:
            pass
    if tag.startswith("win_arm"):
        return "PyPI takes `win_arm64` for ARM: 32-bit ARM has no Python any more"
    return "PyPI takes no wheels for this platform: publish an sdist there, and the wheel on an index of your own"


def _nearest_linux(platform: PlatformPromise, arch: str) -> str:
    """The advice for a Linux tag with an architecture that PyPI does not know for it."""
    if platform.libc is Libc.GLIBC and platform.version is not None:
        perennial = glibc.tag_for(max(platform.version, glibc.oldest_looked_for_by_all(arch)), arch)
        if perennial != platform.tag and accepts_platform(perennial):
            return f"the older names are closed lists: use `{perennial}`"
    if accepts_platform(f"linux_{arch}"):
        return f"for this machine PyPI takes `linux_{arch}` alone"
    libc = "" if platform.libc is Libc.ANY else " on this libc"
    return f"PyPI takes no wheels for `{arch}`{libc}: publish an sdist there, and the wheel on an index of your own"


def _nearest_macos(platform: PlatformPromise) -> str:
    """The advice for a macOS tag of a version or architecture that PyPI does not know."""
    major, minor = platform.version or (0, 0)
    arch = platform.tag.split("_", 3)[3]
    if not re.fullmatch(_MACOS_ARCHITECTURES, arch):
        known = {"amd64": "x86_64", "aarch64": "arm64"}.get(arch, "x86_64, arm64 or universal2")
        return f"`{arch}` is no architecture name of macOS: use {known}"
    if major in MACOS_MAJORS and minor:
        return f"from macOS 11 on the minor is no part of a tag: use `macosx_{major}_0_{arch}`"
    older = max((known for known in MACOS_MAJORS if known < major), default=None)
    if older is None:
        return f"build with `MACOSX_DEPLOYMENT_TARGET` set: the oldest tags that PyPI takes are `macosx_10_N_{arch}`"
    return (
        f"PyPI knows macOS up to {MACOS_MAJORS[-1]}; the nearest tag is `macosx_{older}_0_{arch}`:"
        f" build with `MACOSX_DEPLOYMENT_TARGET={older}.0`"
    )


@functools.cache
def stdlib_names() -> frozenset[str]:
    """The names, normalised with `-`, that PyPI refuses to new projects: modules of any Python's standard library."""
    from importlib import resources

    text = (resources.files("auditor.platforms") / "data" / "stdlib_names.txt").read_text("ascii")
    return frozenset(text.split())
