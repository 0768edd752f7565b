"""Interpreters and machines that a wheel can be installed on, and which tags pip looks for there, the best first.

Sources: `packaging.tags`, whose functions make the tags of an interpreter from the platform tags of its machine, and
the order of whose platform tags is followed (`_manylinux.platform_tags`, `_musllinux.platform_tags`, `mac_platforms`,
`ios_platforms`, `android_platforms`); PyPy's and GraalPy's own ABI tags.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.facts.record import Fact
from auditor.platforms import cpython, glibc, installers, macos, musl
from auditor.platforms.promise import LEGACY_MANYLINUX, AbiKind, Implementation, Libc, PlatformPromise, System

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from auditor.platforms.promise import Promise

Version = tuple[int, int]
_LEGACY = {version: name for name, version in LEGACY_MANYLINUX.items()}
MAX_NUMBER = 200
"""The highest number in a version of a Python or a system that is looked at: `packaging` counts down from it."""
_NOWHERE = "no_platform"
"""Stands for the platform tags of a machine where no wheel has one of them: `packaging` would take the host's."""


class Machine(Fact, frozen=True, kw_only=True):
    """One kind of machine: a system with its C library, and an architecture. Its version is that of the C library,
    of macOS or iOS, or Android's API level.
    """

    name: str
    """`manylinux_x86_64`, `musllinux_aarch64`, `macos_arm64`, `win_amd64`; else the tag without its version."""
    system: System
    libc: Libc | None = None
    arch: str

    @property
    def newest(self) -> Version | None:
        """The newest version that had been released when this was written; None where versions are not counted."""
        match self.system:
            case System.LINUX:
                return glibc.NEWEST if self.libc is Libc.GLIBC else musl.NEWEST
            case System.MACOS:
                return (macos.RELEASED[-1], 0) if self.arch in {"arm64", "x86_64"} else (10, 14)
            case System.IOS:
                return (macos.NEWEST_IOS, 9)
            case System.ANDROID:
                return (installers.NEWEST_ANDROID, 0)
            case _:
                return None

    @property
    def oldest(self) -> Version:
        """The oldest version that there is, or that installers look for."""
        if self.system is System.MACOS and self.arch == "arm64":
            return (11, 0)
        return glibc.oldest_looked_for(self.arch) if self.libc is Libc.GLIBC else (0, 0)


def machines(platform: PlatformPromise) -> tuple[Machine, ...]:
    """The kinds of machine that a platform tag is for; none for `any`. A universal macOS tag is for several.

    `intel` and its like are for x86_64 alone: no 32-bit Python is left on macOS.
    """
    match platform.system:
        case System.ANY:
            return ()
        case System.LINUX:
            # What a plain `linux_*` is linked to nobody knows: the machines with glibc are by far the most.
            libc = Libc.MUSL if platform.libc is Libc.MUSL else Libc.GLIBC
            return tuple(_linux(libc, arch) for arch in platform.architectures)
        case System.MACOS:
            living = [arch for arch in ("arm64", "x86_64") if arch in platform.architectures]
            return tuple(
                Machine(name=f"macos_{arch}", system=System.MACOS, arch=arch)
                for arch in (living or platform.architectures[:1])
            )
        case System.WINDOWS:
            return (Machine(name=platform.tag, system=System.WINDOWS, arch=platform.architectures[0]),)
        case System.IOS:
            arch = platform.tag.split("_", 3)[3]
            return (Machine(name=f"ios_{arch}", system=System.IOS, arch=arch),)
        case System.ANDROID:
            arch = platform.tag.split("_", 2)[2]
            return (Machine(name=f"android_{arch}", system=System.ANDROID, libc=Libc.BIONIC, arch=arch),)
        case _:
            return (Machine(name=platform.tag, system=platform.system, arch=platform.tag),)


def _linux(libc: Libc, arch: str) -> Machine:
    """A Linux machine."""
    prefix = "musllinux" if libc is Libc.MUSL else "manylinux"
    return Machine(name=f"{prefix}_{arch}", system=System.LINUX, libc=libc, arch=arch)


USUAL_MACHINES = (
    _linux(Libc.GLIBC, "x86_64"),
    _linux(Libc.GLIBC, "aarch64"),
    _linux(Libc.MUSL, "x86_64"),
    _linux(Libc.MUSL, "aarch64"),
    Machine(name="macos_arm64", system=System.MACOS, arch="arm64"),
    Machine(name="macos_x86_64", system=System.MACOS, arch="x86_64"),
    Machine(name="win_amd64", system=System.WINDOWS, arch="amd64"),
    Machine(name="win32", system=System.WINDOWS, arch="win32"),
    Machine(name="win_arm64", system=System.WINDOWS, arch="arm64"),
)
"""The machines that people have, in the order in which a table shows them."""


def platform_tags(machine: Machine, version: Version | None) -> Iterator[str]:
    """The platform tags that installers look for on a machine of that version, the best first."""
    match machine.system:
        case System.LINUX if version is not None:
            yield f"linux_{machine.arch}"
            yield from _linux_tags(machine, version)
        case System.MACOS if version is not None:
            from packaging.tags import mac_platforms

            yield from mac_platforms(version, machine.arch)
        case System.IOS if version is not None:
            from packaging.tags import ios_platforms

            yield from ios_platforms(version, machine.arch)
        case System.ANDROID if version is not None:
            for level in range(version[0], installers.OLDEST_ANDROID - 1, -1):
                yield f"android_{level}_{machine.arch}"
        case _:
            yield machine.name


def _linux_tags(machine: Machine, version: Version) -> Iterator[str]:
    """The manylinux or musllinux tags of a machine, the newest C library first."""
    if machine.libc is Libc.MUSL:
        for minor in range(version[1], -1, -1):
            yield f"musllinux_{version[0]}_{minor}_{machine.arch}"
        return
    for minor in range(version[1], glibc.oldest_looked_for(machine.arch)[1] - 1, -1):
        yield f"manylinux_2_{minor}_{machine.arch}"
        if (2, minor) in _LEGACY:
            yield f"{_LEGACY[2, minor]}_{machine.arch}"


class Target(Fact, frozen=True, kw_only=True):
    """One interpreter, as far as its tags tell it from others."""

    name: str
    """As a person writes it: `cp312`, `cp313t`, `cp27mu`, `pp311`, `pp311-pp80`, `graalpy312`."""
    implementation: Implementation
    version: Version
    abi: str

    @property
    def free_threaded(self) -> bool:
        """Whether it is a build without the GIL."""
        return self.implementation is Implementation.CPYTHON and self.abi.endswith("t")

    @property
    def label(self) -> str:
        """The name in words."""
        number = f"{self.version[0]}.{self.version[1]}"
        match self.implementation:
            case Implementation.CPYTHON:
                return f"CPython {number}{self.abi.removeprefix(f'cp{self.version[0]}{self.version[1]}')}"
            case Implementation.PYPY:
                return f"PyPy {number}{self.name.removeprefix(f'pp{self.version[0]}{self.version[1]}')}"
            case _:
                return f"GraalPy {number}{self.name.removeprefix(f'graalpy{self.version[0]}{self.version[1]}')}"

    def tags(self, platforms: Iterable[str]) -> Iterator[str]:
        """Every tag that pip looks for with this interpreter, the best first; `platforms` are its machine's."""
        from packaging import tags

        given = list(platforms) or [_NOWHERE]
        dotless = f"{self.version[0]}{self.version[1]}"
        match self.implementation:
            case Implementation.CPYTHON:
                interpreter: str | None = f"cp{dotless}"
                own = tags.cpython_tags(self.version, [self.abi], given)
            case Implementation.PYPY:
                interpreter = "pp3"
                own = tags.generic_tags(f"pp{dotless}", [self.abi], given)
            case _:
                interpreter = None
                own = tags.generic_tags(f"graalpy{dotless}", [self.abi], given)
        yield from map(str, own)
        yield from map(str, tags.compatible_tags(self.version, interpreter, given))


def cpython_target(version: Version, flags: str = "") -> Target:
    """CPython of that version; `flags` are those of its ABI tag (`t`, `m`, `mu`)."""
    name = f"cp{version[0]}{version[1]}{flags}"
    return Target(name=name, implementation=Implementation.CPYTHON, version=version, abi=name)


def usual_targets() -> tuple[Target, ...]:
    """The interpreters that a matrix shows in any case: CPython with and without the GIL."""
    minors = range(cpython.OLDEST_SUPPORTED[1], cpython.NEWEST[1] + 1)
    threaded = range(cpython.THREADED_SINCE[1], cpython.NEWEST[1] + 1)
    return (
        *(cpython_target((3, minor)) for minor in minors),
        *(cpython_target((3, minor), "t") for minor in threaded),
    )


_USUAL_PYPY = ((3, 10), (3, 11))
"""The Pythons of which a PyPy is shown in any case."""
_PLAIN_PYPY = "pp73"
"""The ABI of PyPy since 7.3: who writes `pp311` means it. A later one bears its name in the row's: `pp311-pp80`."""


def pypy_target(version: Version, abi: str = _PLAIN_PYPY) -> Target:
    """PyPy of that version; `abi` is the last part of its ABI tag (`pp73`). The name does not depend on other ABIs."""
    name = f"pp{version[0]}{version[1]}"
    return Target(
        name=name if abi == _PLAIN_PYPY else f"{name}-{abi}",
        implementation=Implementation.PYPY,
        version=version,
        abi=f"pypy{version[0]}{version[1]}_{abi}",
    )


def targets(promises: Iterable[Promise]) -> tuple[Target, ...]:
    """The usual interpreters, and those that only these tags name, in the order of a table: CPython, PyPy, GraalPy."""
    found = {one.name: one for one in usual_targets()}
    pypy = {(version, _PLAIN_PYPY) for version in _USUAL_PYPY}
    graalpy: dict[Version, set[str]] = {}
    for promise in promises:
        version = promise.abi.version
        if version is None or promise.python.version != version or max(version) > MAX_NUMBER:
            continue
        match promise.abi.kind:
            case AbiKind.CPYTHON if "d" not in promise.abi.flags and not cpython.impossible_flag(
                version, promise.abi.flags
            ):
                one = cpython_target(version, promise.abi.flags)
                found.setdefault(one.name, one)
            case AbiKind.PYPY:
                pypy.add((version, promise.abi.tag.rpartition("_")[2]))
            case AbiKind.GRAALPY:
                graalpy.setdefault(version, set()).add(promise.abi.tag)
            case _:
                pass
    ordered = sorted(found.values(), key=lambda one: (one.free_threaded, one.version, one.abi))
    ordered += [pypy_target(version, abi) for version, abi in sorted(pypy)]
    for version, abis in sorted(graalpy.items()):
        ordered += _graalpys(version, sorted(abis))
    return tuple(ordered)


def labels(rows: Iterable[Target]) -> dict[str, str]:
    """Name -> label; where there are PyPys of several ABIs for one Python, each label has its ABI."""
    given = list(rows)
    several = {f"pp{one.version[0]}{one.version[1]}" for one in given if one.name.startswith("pp") and "-" in one.name}
    return {one.name: f"{one.label}-{_PLAIN_PYPY}" if one.name in several else one.label for one in given}


def _graalpys(version: Version, abis: list[str]) -> list[Target]:
    """A target for each ABI; where there are several, all but the newest bear the release of GraalPy in their names."""
    name = f"graalpy{version[0]}{version[1]}"
    return [
        Target(
            name=name if abi == abis[-1] else f"{name}-{abi.partition('_')[0].removeprefix('graalpy')}",
            implementation=Implementation.GRAALPY,
            version=version,
            abi=abi,
        )
        for abi in abis
    ]
