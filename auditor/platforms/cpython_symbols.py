"""CPython's C API as symbols: which build exports which name, and which names are the stable ABI.

Sources: the names that release builds of CPython 3.8 to 3.15 export on Linux, macOS and Windows, packed in
data/cpython_symbols.txt.gz; CPython's Misc/stable_abi.toml, packed in data/stable_abi.txt.gz (see their provenance).
A version's column has the names of its newest patch release then; where sources differ it has the names of all, so
that what it lacks no build has. PEP 384 and PEP 652 for the stable ABI, PEP 703 and PEP 803 for free threading.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from auditor.facts.record import Fact
from auditor.platforms.cpython import Interpreter
from auditor.platforms.promise import Implementation

if TYPE_CHECKING:
    from collections.abc import Mapping

KNOWN_AT = "2026-11-22"
_ENTRY_POINTS = ("PyInit_", "PyInitU_", "PyModExport_", "PyModExportU_")
"""What extension modules offer to the interpreter (PEP 489, PEP 793): none of its own names begins like that."""
UNUSABLE_IN_ABI3T = frozenset({"PyModuleDef_Init", "PyModule_Create2", "PyModule_FromDefAndSpec2"})
"""Stable functions that take a `PyModuleDef`, of which an abi3t module cannot hold one (PEP 803, Implications)."""


class StableSymbol(Fact, frozen=True, kw_only=True, gc=False):
    """A symbol of the stable ABI."""

    symbol: str
    added: tuple[int, int]
    """The CPython from which on it is stable. The name may have been exported before."""
    function: bool
    """Whether it is a function; else data."""
    macro: str | None = None
    """The feature that a build must have for it to be there, such as `MS_WINDOWS`, `HAVE_FORK`, `Py_REF_DEBUG`."""
    abi_only: bool = False
    """Whether the headers offer it to no source code any more: macros expand to it, or older binaries use it."""

    @property
    def windows_only(self) -> bool:
        """Whether builds for Windows alone have it."""
        return self.macro == "MS_WINDOWS"


class _Exports(Fact, frozen=True, kw_only=True):
    """The table of exports, with a bit for each build."""

    builds: tuple[Interpreter, ...]
    """The builds that the bits stand for, the lowest bit first."""
    masks: dict[str, tuple[int, int]]
    """Symbol -> its bits on Unix and on Windows."""


def _lines(name: str) -> list[str]:
    """The lines of a packed table."""
    import gzip
    from importlib import resources  # 10 ms, for wheels with extension modules alone

    packed = (resources.files("auditor.platforms") / "data" / name).read_bytes()
    return gzip.decompress(packed).decode("ascii").splitlines()


@functools.cache
def _exports() -> _Exports:
    """The table of exports."""
    columns, *rows = _lines("cpython_symbols.txt.gz")
    masks = {}
    for row in rows:
        symbol, unix, *windows = row.split(" ")
        mask = int(unix, 16)
        masks[symbol] = (mask, int(windows[0], 16) if windows else mask)
    return _Exports(builds=tuple(_build(column) for column in columns.split(" ")), masks=masks)


def _build(column: str) -> Interpreter:
    """The build of a column such as `3.14t`."""
    major, minor = column.rstrip("t").split(".")
    return Interpreter(
        implementation=Implementation.CPYTHON, version=(int(major), int(minor)), free_threaded=column.endswith("t")
    )


@functools.cache
def _stable() -> Mapping[str, StableSymbol]:
    """The stable ABI by symbol."""
    table = {}
    for line in _lines("stable_abi.txt.gz"):
        symbol, added, kind, macro, *abi_only = line.split(" ")
        major, minor = added.split(".")
        table[symbol] = StableSymbol(
            symbol=symbol,
            added=(int(major), int(minor)),
            function=kind == "function",
            macro=None if macro == "-" else macro,
            abi_only=bool(abi_only),
        )
    return table


def is_api_name(symbol: str) -> bool:
    """Whether a symbol is spelled like one of CPython's C API.

    `Py` and `_Py` are reserved for it, and extension modules nevertheless use them for names of their own: a symbol is
    the interpreter's only where `exported_by` knows it, or where the file binds it to the interpreter's library. The
    entry points of modules (`PyInit_demo`) are none of the interpreter's.
    """
    return symbol.startswith(("Py", "_Py")) and not symbol.startswith(_ENTRY_POINTS)


def builds() -> tuple[Interpreter, ...]:
    """Every build that the table knows: the GIL builds, oldest first, then the free-threaded ones."""
    return _exports().builds


def exports(symbol: str, interpreter: Interpreter, *, windows: bool) -> bool | None:
    """Whether an interpreter exports a symbol; None where the table does not know that interpreter.

    A False holds for every patch release until `KNOWN_AT`; a True for the newest one.
    """
    table = _exports()
    if interpreter not in table.builds:
        return None
    mask = table.masks.get(symbol, (0, 0))[windows]
    return bool(mask >> table.builds.index(interpreter) & 1)


def exported_by(symbol: str, *, windows: bool) -> tuple[Interpreter, ...]:
    """Every known build that exports a symbol, in the order of `builds`; empty where none does."""
    table = _exports()
    mask = table.masks.get(symbol, (0, 0))[windows]
    return tuple(build for bit, build in enumerate(table.builds) if mask >> bit & 1)


def stable(symbol: str) -> StableSymbol | None:
    """The stable ABI's entry for a symbol; None where it is not part of it."""
    return _stable().get(symbol)


@functools.cache
def marks_of_free_threading() -> frozenset[str]:
    """The names that free-threaded builds export, each of some version, and no GIL build of any version does."""
    table = _exports()
    threaded = sum(1 << bit for bit, build in enumerate(table.builds) if build.free_threaded)
    return frozenset(
        symbol
        for symbol, (unix, windows) in table.masks.items()
        if (unix | windows) & threaded and not (unix | windows) & ~threaded
    )
