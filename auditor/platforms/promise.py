"""What a tag promises, as types: which system and libc, from which version, which architectures, which Pythons.

Sources: "Platform compatibility tags" (PEP 425, 513, 571, 599, 600, 656, 730, 738, 783, 803); the architectures of
the macOS names are those of `packaging.tags` and CPython's `_osx_support`.
"""

from __future__ import annotations

import itertools
import re
from enum import Enum
from typing import TYPE_CHECKING

from auditor.facts.record import Fact

if TYPE_CHECKING:
    from auditor.facts.wheel import WheelName

MAX_TAGS = 4096
"""Expanded tags of one file name that are looked at. The largest real set has 36."""


class System(str, Enum):
    """The operating system family that a platform tag names."""

    ANY = "any"
    LINUX = "linux"
    MACOS = "macos"
    WINDOWS = "windows"
    IOS = "ios"
    ANDROID = "android"
    WASM = "wasm"
    OTHER = "other"
    """A system of which nothing is known here: BSDs, AIX, or no system at all."""


class Libc(str, Enum):
    """The C library that a Linux or Android tag promises."""

    GLIBC = "glibc"
    MUSL = "musl"
    BIONIC = "bionic"
    """Android's, whose version is the API level."""
    ANY = "any"
    """`linux_*`: whatever the machine had on which it was built."""


class PlatformPromise(Fact, frozen=True, kw_only=True):
    """One platform tag."""

    tag: str
    system: System
    version: tuple[int, int] | None = None
    """glibc, musl, macOS or iOS (major, minor); Android (API level, 0)."""
    architectures: tuple[str, ...] = ()
    """Spelled as the tag spells them; a universal name is taken apart."""
    libc: Libc | None = None
    simulator: bool = False

    def minimum_os(self, arch: str | None) -> tuple[int, int] | None:
        """The oldest macOS or iOS that a slice for `arch` may require.

        arm64 Macs began with macOS 11.0 and their simulators with iOS 14.0, so an arm64 slice may require that under
        any tag: the linkers write nothing older.
        """
        if self.version is None or arch is None or not arch.startswith("arm64"):
            return self.version
        if self.system is System.MACOS:
            return max(self.version, (11, 0))
        return max(self.version, (14, 0)) if self.simulator else self.version


class Implementation(str, Enum):
    """The Python implementation that a Python tag names."""

    ANY = "python"
    CPYTHON = "cpython"
    PYPY = "pypy"
    GRAALPY = "graalpy"
    OTHER = "other"


class InterpreterPromise(Fact, frozen=True, kw_only=True):
    """One Python tag."""

    tag: str
    implementation: Implementation
    major: int | None = None
    minor: int | None = None

    @property
    def version(self) -> tuple[int, int] | None:
        """(major, minor), or None where the tag does not name a minor version."""
        return None if self.major is None or self.minor is None else (self.major, self.minor)


class AbiKind(str, Enum):
    """What an ABI tag binds the binaries to."""

    NONE = "none"
    CPYTHON = "cpython"
    """The full C API of one CPython version."""
    ABI3 = "abi3"
    ABI3T = "abi3t"
    PYPY = "pypy"
    GRAALPY = "graalpy"
    OTHER = "other"


class AbiPromise(Fact, frozen=True, kw_only=True):
    """One ABI tag."""

    tag: str
    kind: AbiKind
    version: tuple[int, int] | None = None
    flags: str = ""
    """CPython's ABI flags: `t` free-threaded, `d` debug, `m` pymalloc, `u` wide unicode."""

    @property
    def free_threaded(self) -> bool:
        """Whether the binaries are for a free-threaded build."""
        return "t" in self.flags or self.kind is AbiKind.ABI3T


class Promise(Fact, frozen=True, kw_only=True):
    """One tag of the expanded set: three promises at once."""

    python: InterpreterPromise
    abi: AbiPromise
    platform: PlatformPromise

    @property
    def tag(self) -> str:
        """The tag as a WHEEL file spells it."""
        return f"{self.python.tag}-{self.abi.tag}-{self.platform.tag}"


def promises(name: WheelName) -> tuple[Promise, ...]:
    """Every tag of the file name's expanded set, in the order of the name, at most `MAX_TAGS` of them.

    Empty where the last of six parts is a variant label: the parts that stand where tags belong are none.
    """
    if has_variant_label(name):
        return ()
    pythons = [parse_python(tag) for tag in _members(name.python)]
    abis = [parse_abi(tag) for tag in _members(name.abi)]
    platforms = [parse_platform(tag) for tag in _members(name.platform)]
    product = itertools.product(pythons, abis, platforms)
    return tuple(
        Promise(python=python, abi=abi, platform=platform)
        for python, abi, platform in itertools.islice(product, MAX_TAGS)
    )


def has_variant_label(name: WheelName) -> bool:
    """Whether a label follows the platform tag (draft PEP 825), so that each tag stands one part too early."""
    return name.build is not None and are_tags(name.build, name.abi)


def are_tags(python: str, platform: str) -> bool:
    """Whether two parts of a file name begin with a Python tag and with a platform tag of known families."""
    known = parse_python(python.lower().partition(".")[0]).implementation is not Implementation.OTHER
    return known and parse_platform(platform.lower().partition(".")[0]).system is not System.OTHER


def _members(compressed: str) -> list[str]:
    """The members of a compressed set in lower case, as `packaging` and PyPI compare them; each once."""
    return list(dict.fromkeys(compressed.lower().split(".")))


_PYTHON = re.compile(r"([a-z]+)(\d)(\d*)", re.ASCII)
_IMPLEMENTATIONS = {
    "py": Implementation.ANY,
    "cp": Implementation.CPYTHON,
    "pp": Implementation.PYPY,
    "graalpy": Implementation.GRAALPY,
}


def parse_python(tag: str) -> InterpreterPromise:
    """The promise of a Python tag such as `py3`, `cp312`, `pp311`, `graalpy312`."""
    match = _PYTHON.fullmatch(tag)
    if match is None or match[1] not in _IMPLEMENTATIONS:
        return InterpreterPromise(tag=tag, implementation=Implementation.OTHER)
    return InterpreterPromise(
        tag=tag,
        implementation=_IMPLEMENTATIONS[match[1]],
        major=int(match[2]),
        minor=int(match[3]) if match[3] else None,
    )


_CPYTHON_ABI = re.compile(r"cp(\d)(\d+)([tdmu]*)", re.ASCII)
_PYPY_ABI = re.compile(r"pypy(\d)(\d+)_pp\d+", re.ASCII)
_GRAALPY_ABI = re.compile(r"graalpy\d+_(\d)(\d+)_native", re.ASCII)


def parse_abi(tag: str) -> AbiPromise:
    """The promise of an ABI tag such as `none`, `cp313t`, `abi3`, `pypy311_pp73`."""
    if tag in {"none", "abi3", "abi3t"}:
        return AbiPromise(tag=tag, kind=AbiKind(tag))
    if match := _CPYTHON_ABI.fullmatch(tag):
        return AbiPromise(tag=tag, kind=AbiKind.CPYTHON, version=(int(match[1]), int(match[2])), flags=match[3])
    if match := _PYPY_ABI.fullmatch(tag):
        return AbiPromise(tag=tag, kind=AbiKind.PYPY, version=(int(match[1]), int(match[2])))
    if match := _GRAALPY_ABI.fullmatch(tag):
        return AbiPromise(tag=tag, kind=AbiKind.GRAALPY, version=(int(match[1]), int(match[2])))
    return AbiPromise(tag=tag, kind=AbiKind.OTHER)


LEGACY_MANYLINUX = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}
"""The glibc version that each of the older names stands for (PEP 600, Legacy manylinux tags)."""
MACOS_ARCHITECTURES = {
    "universal2": ("arm64", "x86_64"),
    "universal": ("i386", "ppc", "ppc64", "x86_64"),
    "intel": ("i386", "x86_64"),
    "fat": ("i386", "ppc"),
    "fat3": ("i386", "ppc", "x86_64"),
    "fat64": ("ppc64", "x86_64"),
}
_ANDROID_ARCHITECTURES = {"arm64_v8a": "aarch64", "armeabi_v7a": "armv7l", "x86_64": "x86_64", "x86": "i686"}
_WINDOWS_ARCHITECTURES = {"win32": "win32", "win_amd64": "amd64", "win_arm64": "arm64"}
_LINUX = re.compile(r"(many|musl)linux_(\d+)_(\d+)_(\w+)", re.ASCII)
_LEGACY = re.compile(r"(manylinux1|manylinux2010|manylinux2014)_(\w+)", re.ASCII)
_MACOS = re.compile(r"macosx_(\d+)_(\d+)_(\w+)", re.ASCII)
_IOS = re.compile(r"ios_(\d+)_(\d+)_(arm64|x86_64)_(iphoneos|iphonesimulator)", re.ASCII)
_ANDROID = re.compile(r"android_(\d+)_(\w+)", re.ASCII)
_WASM = re.compile(r"(?:pyemscripten|pyodide|emscripten|wasi)\w*", re.ASCII)


def parse_platform(tag: str) -> PlatformPromise:
    """The promise of a platform tag. A tag of no known family gives `System.OTHER`; nothing is refused here."""
    if tag == "any":
        return PlatformPromise(tag=tag, system=System.ANY)
    if tag in _WINDOWS_ARCHITECTURES:
        return PlatformPromise(tag=tag, system=System.WINDOWS, architectures=(_WINDOWS_ARCHITECTURES[tag],))
    if match := _LEGACY.fullmatch(tag):
        version = LEGACY_MANYLINUX[match[1]]
        return PlatformPromise(
            tag=tag, system=System.LINUX, version=version, architectures=(match[2],), libc=Libc.GLIBC
        )
    if match := _LINUX.fullmatch(tag):
        libc = Libc.GLIBC if match[1] == "many" else Libc.MUSL
        version = (int(match[2]), int(match[3]))
        return PlatformPromise(tag=tag, system=System.LINUX, version=version, architectures=(match[4],), libc=libc)
    if tag.startswith("linux_"):
        return PlatformPromise(tag=tag, system=System.LINUX, architectures=(tag[6:],), libc=Libc.ANY)
    return _parse_other_platform(tag)


def _parse_other_platform(tag: str) -> PlatformPromise:
    """The promise of a platform tag that is neither Windows nor Linux."""
    if match := _MACOS.fullmatch(tag):
        architectures = MACOS_ARCHITECTURES.get(match[3], (match[3],))
        version = (int(match[1]), int(match[2]))
        return PlatformPromise(tag=tag, system=System.MACOS, version=version, architectures=architectures)
    if match := _IOS.fullmatch(tag):
        return PlatformPromise(
            tag=tag,
            system=System.IOS,
            version=(int(match[1]), int(match[2])),
            architectures=(match[3],),
            simulator=match[4] == "iphonesimulator",
        )
    if (match := _ANDROID.fullmatch(tag)) and match[2] in _ANDROID_ARCHITECTURES:
        return PlatformPromise(
            tag=tag,
            system=System.ANDROID,
            version=(int(match[1]), 0),
            architectures=(_ANDROID_ARCHITECTURES[match[2]],),
            libc=Libc.BIONIC,
        )
    if _WASM.fullmatch(tag):
        return PlatformPromise(tag=tag, system=System.WASM, architectures=("wasm32",))
    return PlatformPromise(tag=tag, system=System.OTHER)
