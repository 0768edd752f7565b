"""What the simulated loader says: who needs what, where it is found, and what nobody provides."""

from __future__ import annotations

from enum import Enum

from auditor.facts.binary import Lookup, NeededKind
from auditor.facts.record import Fact


class Origin(str, Enum):
    """Where a needed library comes from."""

    WHEEL = "wheel"
    PLATFORM = "platform"
    """The platform tag promises it."""
    PYTHON = "python"
    """It comes with the interpreter."""
    PROCESS = "process"
    """A file of the wheel that the loader would not find by itself, and that the package's own Python code loads, or
    leads the loader to, before."""
    DEPENDENCY = "dependency"
    """A distribution that the metadata requires may bring it."""
    DRIVER = "driver"
    """It comes with a device driver, and can neither be bundled nor promised."""
    UNKNOWN = "unknown"
    """The tag promises nothing by which one could tell."""
    UNREACHABLE = "unreachable"
    """A file of the wheel is it, and the loader does not look there."""
    MISSING = "missing"


ABSENT = frozenset({Origin.UNREACHABLE, Origin.MISSING})
"""The origins of a library without which the loader gives up."""
SEEN = frozenset({Origin.WHEEL, Origin.PLATFORM, Origin.PYTHON, Origin.PROCESS})
"""The origins of a library that is there for certain."""


class Library(Fact, frozen=True, kw_only=True):
    """One library that an image needs."""

    name: str
    """As the image asks for it."""
    kind: NeededKind = NeededKind.NORMAL
    origin: Origin
    member: str | None = None
    """The file of the wheel that it is, or that it would be if the loader looked there."""
    how: str | None = None
    """In words: the search path that leads there, the tag that promises it, the distribution that may bring it."""
    doubt: str | None = None
    """For an absent library: why it may be there all the same, in words."""
    searched: tuple[str, ...] = ()
    """Where the loader looked in vain, in its order, as the files spell it."""
    roots: tuple[str, ...] = ()
    """For an absent library: the members under which it is not found, at most ten. With DT_RPATH it is who loads a
    library that decides where its own libraries are looked for."""


class MissingSymbol(Fact, frozen=True, kw_only=True):
    """A symbol that an image must have, and that nothing which the loader can see provides."""

    symbol: str
    version: str | None = None
    library: str | None = None
    """The library in which the loader looks for it; None where any would do."""
    lookup: Lookup = Lookup.NAMED
    reason: str = ""
    """In words: what of all that was searched comes nearest."""
    certain: bool = True
    """Whether the import is sure to fail; else a library whose exports are unknown may yet provide it."""
    roots: tuple[str, ...] = ()
    """The members under which it is not found, at most ten; empty where it is so under all."""


class Provided(Fact, frozen=True, kw_only=True, gc=False):
    """How many of an image's strong imports come from one place."""

    by: str
    """A member of the wheel, the name of a library, or `python` for the interpreter's C API."""
    symbols: int


class Image(Fact, frozen=True, kw_only=True):
    """One slice of a native file, as it is loaded."""

    member: str
    role: str
    """`extension module`, `executable` or `shared library`."""
    root: bool = False
    """Whether the loading begins with it: Python imports it, it is started, or nothing else needs it."""
    reached: bool = True
    """Whether some extension module or executable of the wheel loads it. Others are loaded by path, if at all."""
    named: bool = False
    """For one that is not reached: whether Python code of the wheel that loads libraries names it, or its directory."""
    libraries: tuple[Library, ...] = ()
    """In the order of the file."""
    providers: tuple[Provided, ...] = ()
    """Who gives it its strong imports, in the order of the search."""
    missing: tuple[MissingSymbol, ...] = ()
    orphan_versions: tuple[str, ...] = ()
    """ELF: libraries of which it requires versions, and which nothing in the process has loaded: ld.so aborts."""
    unknown: tuple[str, ...] = ()
    """Why something about it could not be told, in words."""


class Resolution(Fact, frozen=True, kw_only=True):
    """The loading of everything native in a wheel, on one promised platform and one of its architectures."""

    platforms: tuple[str, ...]
    """The platform tags that promise the same, as written."""
    arch: str
    images: tuple[Image, ...]
    """By member name."""
