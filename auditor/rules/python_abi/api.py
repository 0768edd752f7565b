"""Which symbols of CPython's C API the files of a wheel take from the interpreter, for each promised interpreter."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from auditor.facts.binary import BinaryFormat, Lookup
from auditor.facts.record import Fact
from auditor.loading.external import is_libpython
from auditor.platforms import cpython_symbols, windows
from auditor.platforms.cpython import NEWEST, Interpreter, interpreters
from auditor.platforms.promise import AbiKind, Implementation, Promise, System
from auditor.rules.alien import aliens
from auditor.rules.providers import loader_names
from auditor.rules.python_abi.modules import importable
from auditor.rules.rule import Evidence

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from auditor.facts.binary import Binary, Import, Slice
    from auditor.facts.wheel import WheelFacts
    from auditor.rules.context import Context

    _Judged = dict[str, tuple[Binary, list[Slice]]]

SHOWN = 20
_STABLE_KINDS = frozenset({AbiKind.ABI3, AbiKind.ABI3T})
_OWN_INTERPRETER = frozenset({"Py_InitializeEx", "PyImport_ImportModule"})
"""What a file exports that is an interpreter itself."""


class Taken(Fact, frozen=True, kw_only=True):
    """A symbol of the C API that a file takes from the interpreter."""

    symbol: str
    member: str
    arch: str | None
    library: str | None
    """The interpreter's library that the file binds it to; None where any file of the process may provide it."""
    windows: bool
    optional: bool
    """Whether the package imports the module that takes it inside `try` alone."""

    @property
    def known(self) -> bool:
        """Whether it is certainly meant to be the interpreter's.

        Extension modules use names such as `PyFoo_Helper` for functions of their own libraries too. What no CPython on
        this system has ever exported is `symbol-unresolved`, unless the file binds it to Python's library.
        """
        return self.library is not None or bool(cpython_symbols.exported_by(self.symbol, windows=self.windows))

    def exported(self, interpreter: Interpreter) -> bool | None:
        """Whether the interpreter exports it where this file runs; None where the table does not know that."""
        return cpython_symbols.exports(self.symbol, interpreter, windows=self.windows)


class Survey:
    """What the extension modules of one wheel, and the libraries that these need, take from the interpreter."""

    def __init__(self, wheel: WheelFacts, context: Context) -> None:
        self.wheel = wheel
        self.context = context
        self._alien = aliens(context)
        self._taken: dict[tuple[str, str | None], tuple[Taken, ...]] = {}
        self._exports: dict[str, frozenset[str]] = {}

    @functools.cached_property
    def _by_name(self) -> dict[str, list[Binary]]:
        """The files by the names under which a loader may ask for them."""
        found: dict[str, list[Binary]] = {}
        for binary in self.wheel.binaries:
            for name in loader_names(binary):
                found.setdefault(name, []).append(binary)
        return found

    @functools.cached_property
    def _own(self) -> frozenset[str]:
        """What the interpreters in the wheel itself export."""
        every = map(self._exported_by, self.wheel.binaries)
        return frozenset[str]().union(*(found for found in every if found >= _OWN_INTERPRETER))

    def by(self, interpreter: Interpreter, promise: Promise) -> Iterator[Taken]:
        """What is taken from `interpreter` where it installs the wheel by the tag `promise`.

        A module under another interpreter's file name is not imported, and a PE file that links another interpreter's
        DLL is judged by that: neither is seen here. Parts that could not be read are left out.
        """
        judged: _Judged = {}
        for binary, part in self.context.judged(promise.platform):
            judged.setdefault(binary.member, (binary, []))[1].append(part)
        for member in self._loaded(interpreter, promise, judged):
            binary, parts = judged[member]
            for part in parts:
                for one in self._of(binary, part):
                    if one.library is None or not one.windows or _right_dll(one.library, interpreter, promise):
                        yield one

    def _of(self, binary: Binary, part: Slice) -> tuple[Taken, ...]:
        """What a part takes from the interpreter."""
        key = (binary.member, part.arch)
        if key not in self._taken:
            self._taken[key] = tuple(self._takes(binary, part))
        return self._taken[key]

    def _loaded(self, interpreter: Interpreter, promise: Promise, judged: _Judged) -> list[str]:
        """The judged files that the interpreter loads: what it imports, and what that needs."""
        pending = [
            member
            for member in judged
            if member not in self._alien
            and (module := self.context.modules.get(member)) is not None
            and importable(module.name, interpreter, promise.platform)
        ]
        found = dict.fromkeys(pending)
        while pending:
            for part in judged[pending.pop()][1]:
                for other in self._needs(part):
                    if other.member in judged and other.member not in found and other.member not in self._alien:
                        found[other.member] = None
                        pending.append(other.member)
        return list(found)

    def _needs(self, part: Slice) -> Iterator[Binary]:
        """The files of the wheel that a part names."""
        for needed in part.needed:
            yield from self._by_name.get(needed.name.rpartition("/")[2].lower(), ())

    def _takes(self, binary: Binary, part: Slice) -> Iterator[Taken]:
        """What one file takes from the interpreter, each symbol once."""
        wanted = {one.symbol: one for one in part.imports if self._is_from_interpreter(one, binary.format)}
        if not wanted:
            return
        provided = self._provided(binary)
        for symbol, one in sorted(wanted.items()):
            if symbol not in provided:
                yield Taken(
                    symbol=symbol,
                    member=binary.member,
                    arch=part.arch,
                    library=one.library,
                    windows=binary.format is BinaryFormat.PE,
                    optional=self.context.is_optional(binary),
                )

    def _is_from_interpreter(self, one: Import, format_: BinaryFormat) -> bool:
        """Whether an import must be met by the interpreter for the file to load."""
        if not cpython_symbols.is_api_name(one.symbol):
            return False
        if one.weak or one.delay or one.lookup in {Lookup.SELF, Lookup.COALESCED}:
            return False
        if one.library is None:
            return format_ is not BinaryFormat.PE
        if one.library.rpartition("/")[2].lower() in self.context.bundled:
            return False
        if format_ is BinaryFormat.PE:
            return _python_dll(one.library) is not None
        return is_libpython(one.library)

    def _provided(self, binary: Binary) -> frozenset[str]:
        """What the file itself, the files of the wheel that it needs, and an interpreter in the wheel export."""
        found, pending = {binary.member: binary}, [binary]
        while pending:
            for part in pending.pop().slices:
                for other in self._needs(part):
                    if other.member not in found:
                        found[other.member] = other
                        pending.append(other)
        return self._own.union(*map(self._exported_by, found.values()))

    def _exported_by(self, binary: Binary) -> frozenset[str]:
        """What a file offers under names like those of the C API."""
        if binary.member not in self._exports:
            self._exports[binary.member] = frozenset(
                export.symbol
                for part in binary.slices
                for export in part.exports
                if cpython_symbols.is_api_name(export.symbol)
            )
        return self._exports[binary.member]


@functools.lru_cache(maxsize=64)
def _python_dll(library: str) -> windows.PythonDll | None:
    """The parts of a Python DLL's name; None for any other DLL."""
    return windows.parse_python_dll(library)


def _right_dll(library: str, interpreter: Interpreter, promise: Promise) -> bool:
    """Whether a Python DLL is the one of this interpreter: about any other there is `windows-wrong-python`."""
    dll = _python_dll(library)
    if dll is None or dll.debug:
        return False
    if dll.minor is None:
        return True
    if promise.abi.kind in _STABLE_KINDS:
        return False
    return (dll.major, dll.minor) == interpreter.version and dll.free_threaded is interpreter.free_threaded


def imported(wheel: WheelFacts) -> set[str]:
    """Every name of the C API that any file imports, however weakly."""
    return {one.symbol for _, part in wheel.slices() for one in part.imports if cpython_symbols.is_api_name(one.symbol)}


def promised(promise: Promise, wheel: WheelFacts) -> tuple[Interpreter, ...]:
    """The CPythons that install the wheel by this tag and are within its Requires-Python, oldest first."""
    if promise.platform.system is System.ANY:
        return ()
    return tuple(
        one
        for one in interpreters(promise)
        if one.implementation is Implementation.CPYTHON and is_required(one.version, wheel)
    )


def is_required(version: tuple[int, int], wheel: WheelFacts) -> bool:
    """Whether Requires-Python lets some release of a version install the wheel."""
    values = wheel.metadata.values("Requires-Python") if wheel.metadata else ()
    try:
        allowed = SpecifierSet(values[0] if values else "")
    except InvalidSpecifier:  # `requires-python-invalid` speaks of it
        return True
    return any(allowed.contains(f"{version[0]}.{version[1]}.{patch}", prereleases=True) for patch in (0, 999))


def stable_floor(promise: Promise, wheel: WheelFacts) -> tuple[int, int] | None:
    """The oldest CPython that a stable ABI tag promises within Requires-Python; None for any other tag.

    Unlike `promised` it may be older than all that the table of exports knows.
    """
    version = promise.python.version
    if promise.abi.kind not in _STABLE_KINDS or version is None or not interpreters(promise):
        return None
    versions = ((3, minor) for minor in range(version[1], NEWEST[1] + 1))
    return next((one for one in versions if is_required(one, wheel)), None)


def evidence(found: Iterable[tuple[Taken, str]]) -> tuple[Evidence, ...]:
    """One piece of evidence a symbol and file, with what is known of it; at most `SHOWN`."""
    return tuple(
        Evidence(
            text=f"`{one.member}` imports `{one.symbol}`: {known}",
            member=one.member,
            symbol=one.symbol,
            library=one.library,
        )
        for one, known in list(found)[:SHOWN]
    )


def subject(found: Iterable[Taken]) -> tuple[str, str | None, str | None]:
    """(the files in words with their verb, the member where it is one alone, its architecture)."""
    members = {one.member: one.arch for one in found}
    if len(members) > 1:
        return f"{len(members)} files import", None, None
    ((member, arch),) = members.items()
    return f"`{member}` imports", member, arch


def named(symbols: Iterable[str]) -> str:
    """The symbols in words: the first three, and how many more there are."""
    names = list(dict.fromkeys(symbols))
    shown = ", ".join(f"`{name}`" for name in names[:3])
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown
