"""CPython: which versions there are, and which file names each of them imports an extension module from.

Sources: CPython's `Python/dynload_shlib.c` and `dynload_win.c` (`_PyImport_DynLoadFiletab`), PEP 3149, PEP 425,
PEP 703, PEP 803; PyPy's and GraalPy's `sysconfig` (EXT_SUFFIX).
"""

from __future__ import annotations

import re
from enum import Enum

from auditor.facts.record import Fact
from auditor.platforms.promise import AbiKind, Implementation, InterpreterPromise, Promise, System

KNOWN_AT = "2026-11-22"
NEWEST = (3, 15)
"""The newest CPython that had been released then."""
OLDEST_SUPPORTED = (3, 8)
"""The oldest CPython that a promise without a lower bound is judged by: older ones have left every index of images."""


class SuffixKind(str, Enum):
    """What an extension module's file name says of the interpreter it is for."""

    CPYTHON = "cpython"
    ABI3 = "abi3"
    ABI3T = "abi3t"
    PYPY = "pypy"
    GRAALPY = "graalpy"
    PLAIN = "plain"
    """Just `.so` or `.pyd`: every interpreter of that system imports it by name."""


class ExtensionName(Fact, frozen=True, kw_only=True):
    """The file name of an extension module, taken apart."""

    module: str
    """The last component of the module's name; `__init__` for what is a package itself."""
    kind: SuffixKind
    version: tuple[int, int] | None = None
    flags: str = ""
    """ABI flags in the suffix: `t`, `d`, `m`, `u`."""
    platform: str | None = None
    """The platform part of the suffix, such as `x86_64-linux-gnu`, `darwin`, `win_amd64`."""
    windows: bool = False
    """Whether it ends in `.pyd`."""
    suffix: str
    """The whole suffix, from the first dot on."""


_IDENTIFIER = r"(?P<module>[^\W\d]\w*)"
_POSIX_CPYTHON = re.compile(
    _IDENTIFIER + r"(?P<suffix>\.cpython-(?P<version>\d{2,3})(?P<flags>[tdmu]*)(?:-(?P<platform>[\w-]+))?\.so)"
)
_WINDOWS_CPYTHON = re.compile(
    _IDENTIFIER + r"(?P<suffix>(?:_d)?\.cp(?P<version>\d{2,3})(?P<flags>[td]*)-(?P<platform>\w+)\.pyd)"
)
_STABLE = re.compile(_IDENTIFIER + r"(?P<suffix>\.(?P<kind>abi3t?)(?:-(?P<platform>[\w-]+))?\.so)")
_PYPY = re.compile(
    _IDENTIFIER + r"(?P<suffix>\.pypy(?P<version>\d{2,3})-pp\d+-(?P<platform>[\w-]+)\.(?P<extension>so|pyd))"
)
_GRAALPY = re.compile(
    _IDENTIFIER + r"(?P<suffix>\.graalpy\d+-(?P<version>\d{2,3})-native-(?P<platform>[\w-]+)\.(?P<extension>so|pyd))"
)
_PLAIN = re.compile(_IDENTIFIER + r"(?P<suffix>\.(?P<extension>so|pyd))")


def parse_extension_name(filename: str) -> ExtensionName | None:
    """The parts of an extension module's file name, or None where no interpreter imports a file of that name."""
    if match := _POSIX_CPYTHON.fullmatch(filename):
        return _extension(match, SuffixKind.CPYTHON)
    if match := _WINDOWS_CPYTHON.fullmatch(filename):
        return _extension(match, SuffixKind.CPYTHON, windows=True)
    if match := _STABLE.fullmatch(filename):
        return ExtensionName(
            module=match["module"], kind=SuffixKind(match["kind"]), platform=match["platform"], suffix=match["suffix"]
        )
    for pattern, kind in ((_PYPY, SuffixKind.PYPY), (_GRAALPY, SuffixKind.GRAALPY)):
        if match := pattern.fullmatch(filename):
            return _extension(match, kind, windows=match["extension"] == "pyd")
    if match := _PLAIN.fullmatch(filename):
        windows = match["extension"] == "pyd"
        return ExtensionName(module=match["module"], kind=SuffixKind.PLAIN, windows=windows, suffix=match["suffix"])
    return None


def _extension(match: re.Match[str], kind: SuffixKind, *, windows: bool = False) -> ExtensionName:
    """The extension name of a match that has a version and a platform."""
    groups = match.groupdict()
    digits = groups["version"]
    return ExtensionName(
        module=groups["module"],
        kind=kind,
        version=(int(digits[0]), int(digits[1:])),
        flags=groups.get("flags") or "",
        platform=groups["platform"],
        windows=windows,
        suffix=groups["suffix"],
    )


class Interpreter(Fact, frozen=True, kw_only=True):
    """One interpreter that a promise lets a wheel be installed on."""

    implementation: Implementation
    version: tuple[int, int]
    free_threaded: bool = False

    def __str__(self) -> str:
        names = {Implementation.PYPY: "PyPy", Implementation.GRAALPY: "GraalPy"}
        name = names.get(self.implementation, "CPython")
        return f"{name} {self.version[0]}.{self.version[1]}{'t' if self.free_threaded else ''}"


def interpreters(promise: Promise, *, oldest: tuple[int, int] = OLDEST_SUPPORTED) -> tuple[Interpreter, ...]:
    """The released interpreters that install a wheel by this tag, oldest first.

    Follows `packaging.tags.cpython_tags`, `generic_tags` and `compatible_tags` for CPython from `oldest` on, and gives
    exactly the one version for a tag that names one. Empty where the tag matches no interpreter that is known here,
    for debug builds, which nobody releases, and for `abi3t` before 3.15: pip looks for that, and no such ABI exists.
    """
    python, abi = promise.python, promise.abi
    if python.implementation is Implementation.OTHER or python.major is None:
        return ()
    if abi.kind is not AbiKind.NONE and promise.platform.system is System.ANY:
        return ()
    match abi.kind:
        case AbiKind.CPYTHON:
            return _exact_cpython(promise)
        case AbiKind.ABI3:
            return _from_version(python, oldest, gil=True) if _is_cpython3(python, (3, 2)) else ()
        case AbiKind.ABI3T:
            return _from_version(python, oldest, threaded=True) if _is_cpython3(python, (3, 15)) else ()
        case AbiKind.PYPY | AbiKind.GRAALPY:
            return _exact_other(promise)
        case AbiKind.NONE:
            return _without_abi(promise, oldest)
        case AbiKind.OTHER:
            return ()


def _is_cpython3(python: InterpreterPromise, oldest: tuple[int, int]) -> bool:
    """Whether the Python tag is `cp3Y` from `oldest` on."""
    version = python.version
    return python.implementation is Implementation.CPYTHON and version is not None and version >= oldest


def _exact_cpython(promise: Promise) -> tuple[Interpreter, ...]:
    """`cpXY-cpXY`: that version alone."""
    version = promise.python.version
    if promise.python.implementation is not Implementation.CPYTHON or version != promise.abi.version or version is None:
        return ()
    if "d" in promise.abi.flags or impossible_flag(version, promise.abi.flags):
        return ()
    return (
        Interpreter(implementation=Implementation.CPYTHON, version=version, free_threaded=promise.abi.free_threaded),
    )


THREADED_SINCE = (3, 13)
"""The first CPython that has a free-threaded build (PEP 703)."""
_FLAGS_UNTIL = {"m": (3, 7), "u": (3, 2)}
"""The last CPython that puts a flag into its ABI tag (`packaging.tags._cpython_abis`)."""


def impossible_flag(version: tuple[int, int], flags: str) -> str | None:
    """The ABI flag that no CPython of that version has, or None."""
    for flag in flags:
        if flag == "t" and version < THREADED_SINCE:
            return flag
        if flag in _FLAGS_UNTIL and version > _FLAGS_UNTIL[flag]:
            return flag
    return None


def _exact_other(promise: Promise) -> tuple[Interpreter, ...]:
    """`ppXY-pypyXY_ppZZ` and its GraalPy counterpart."""
    wanted = Implementation.PYPY if promise.abi.kind is AbiKind.PYPY else Implementation.GRAALPY
    version = promise.python.version
    if promise.python.implementation is not wanted or version is None or version != promise.abi.version:
        return ()
    return (Interpreter(implementation=wanted, version=version),)


def _from_version(
    python: InterpreterPromise, oldest: tuple[int, int], *, gil: bool = False, threaded: bool = False
) -> tuple[Interpreter, ...]:
    """Every released CPython 3 from the tag's version on, but none before `oldest`."""
    start = max(python.version or (3, 0), oldest)
    if start[0] != 3:
        return ()
    return tuple(
        Interpreter(implementation=Implementation.CPYTHON, version=(3, minor), free_threaded=free_threaded)
        for minor in range(start[1], NEWEST[1] + 1)
        for free_threaded in _builds((3, minor), gil=gil, threaded=threaded)
    )


def _builds(version: tuple[int, int], *, gil: bool, threaded: bool) -> tuple[bool, ...]:
    """Which of the two builds of a CPython version are meant: False for the GIL's, True for the free-threaded one."""
    return (*((False,) if gil else ()), *((True,) if threaded and version >= THREADED_SINCE else ()))


def _without_abi(promise: Promise, oldest: tuple[int, int]) -> tuple[Interpreter, ...]:
    """`*-none-*`: one CPython for `cpXY`, every later one for `pyX` and `pyXY`, free-threaded builds included."""
    python = promise.python
    version = python.version
    if python.implementation is Implementation.ANY:
        if python.major == 2:
            first = max(python.minor or 0, 7 if oldest >= (3, 0) else oldest[1])
            return tuple(
                Interpreter(implementation=Implementation.CPYTHON, version=(2, minor)) for minor in range(first, 8)
            )
        return _from_version(python, oldest, gil=True, threaded=True) if python.major == 3 else ()
    if version is None:
        # Only `pp3-none-any` is generated without a minor version (packaging.tags.compatible_tags).
        return ()
    if python.implementation is not Implementation.CPYTHON:
        # PyPy and GraalPy have their own Python tag with their platforms alone (packaging.tags.sys_tags).
        anywhere = promise.platform.system is System.ANY
        return () if anywhere else (Interpreter(implementation=python.implementation, version=version),)
    return tuple(
        Interpreter(implementation=python.implementation, version=version, free_threaded=free_threaded)
        for free_threaded in _builds(version, gil=True, threaded=True)
    )


_MUSL_SUFFIX_SINCE = (3, 11)
"""CPython says `-linux-musl` in its own suffix from 3.11 on; before, `-linux-gnu` on musl as well (bpo-43112)."""


def imports_suffix(interpreter: Interpreter, name: ExtensionName) -> bool:
    """Whether `interpreter` looks for a module in a file with this suffix, its platform part aside."""
    cpython = interpreter.implementation is Implementation.CPYTHON
    match name.kind:
        case SuffixKind.PLAIN:
            return True
        case SuffixKind.CPYTHON:
            same = name.version == interpreter.version
            return cpython and same and ("t" in name.flags) is interpreter.free_threaded and "d" not in name.flags
        case SuffixKind.ABI3:
            # A free-threaded 3.15 has `.abi3t.so` in its place (PEP 803); 3.15 is the first to look for a platform
            # behind either (`.abi3-x86_64-linux-gnu.so`, CPython issue 122931).
            newer = interpreter.version >= (3, 15)
            return cpython and (not interpreter.free_threaded if newer else name.platform is None)
        case SuffixKind.ABI3T:
            return cpython and interpreter.version >= (3, 15)
        case SuffixKind.PYPY:
            return interpreter.implementation is Implementation.PYPY and name.version == interpreter.version
        case SuffixKind.GRAALPY:
            return interpreter.implementation is Implementation.GRAALPY and name.version == interpreter.version


def says_musl(version: tuple[int, int]) -> bool:
    """Whether that CPython's own suffix names musl where it runs on musl."""
    return version >= _MUSL_SUFFIX_SINCE
