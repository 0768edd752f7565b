"""How a wheel is built, or spoilt: the shapes of the tables in `recipes`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

DISTRIBUTION = "my_extension-0.1.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How one wheel is built."""

    identifier: str
    """The name on the command line and in the manifest."""
    tags: str
    """What maturin must call the wheel: a build that yields another name has gone wrong."""
    python: str
    """The interpreter as maturin spells it; for most it need not be installed."""
    target: str | None = None
    """The Rust target, or None for the machine that builds."""
    arguments: tuple[str, ...] = ()
    """Further arguments of maturin."""
    rust_flags: tuple[str, ...] = ()
    """Further flags of the compiler."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Further variables."""

    @property
    def filename(self) -> str:
        """The file name of the wheel."""
        return f"{DISTRIBUTION}-{self.tags}.whl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoiling:
    """A mistake that makes a bad wheel of a good one."""

    identifier: str
    source: str
    """The recipe of the good wheel."""
    tags: str
    """The tags in the bad wheel's file name."""
    retag: tuple[str, ...] = ()
    """Arguments of `wheel tags`; empty if only the file is renamed."""
    defect: str
    """What is wrong, in one line."""

    @property
    def filename(self) -> str:
        """The file name of the bad wheel."""
        return f"{DISTRIBUTION}-{self.tags}.whl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command line, with the variables that it needs beside the inherited ones."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


class BuildError(Exception):
    """A wheel could not be built, or is not what its recipe promises."""
