"""The words of the recipes: how a wheel is built, and what an audit must say of it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

PACKAGE_VERSION = "1.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How one wheel is built."""

    identifier: str
    """The name of the package; the file name has it with `_`."""
    tags: str
    """Python, ABI and platform tag."""
    commands: tuple[str, ...]
    """Command lines in the order of running, in a folder that holds the sources of `fixtures_crate/c`.

    Nothing of them is for a shell. `zig` stands for the program of the package `ziglang`.
    """
    members: Mapping[str, str]
    """Path inside the package -> file that the commands made."""

    @property
    def package(self) -> str:
        """The name of the import package."""
        return self.identifier.replace("-", "_")

    @property
    def filename(self) -> str:
        """The file name of the wheel."""
        return f"{self.package}-{PACKAGE_VERSION}-{self.tags}.whl"

    @property
    def module(self) -> str:
        """The path in the wheel of the extension module, the first of the members."""
        return f"{self.package}/{next(iter(self.members))}"

    @property
    def programs(self) -> tuple[str, ...]:
        """The programs that the commands call, sorted."""
        return tuple(sorted({shlex.split(command)[0] for command in self.commands}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Defect:
    """A wheel with one defect, its good twin, and what an audit must say of the defect."""

    recipe: Recipe
    twin: str
    """The identifier of the good wheel that differs in nothing but the defect."""
    mistake: str
    """What a maintainer did, in one line."""
    rule: str
    severity: str = "error"
    shows: tuple[str, ...]
    """Words that the evidence must hold: a symbol, a library, a version, an architecture."""


def linux(identifier: str, *commands: str, platform: str = "manylinux_2_17_x86_64", **files: str) -> Recipe:
    """A wheel of the stable ABI for Linux from a module `ext.so`; `files` are its further files by path."""
    return Recipe(
        identifier=identifier,
        tags=f"cp39-abi3-{platform}",
        commands=commands,
        members={"_core.abi3.so": "ext.so", **files},
    )


def macos(identifier: str, *commands: str, platform: str = "macosx_11_0_arm64", **files: str) -> Recipe:
    """A wheel for CPython 3.11 on macOS from a module `ext.so`; `files` are its further files by path."""
    return Recipe(
        identifier=identifier,
        tags=f"cp311-cp311-{platform}",
        commands=commands,
        members={"_core.cpython-311-darwin.so": "ext.so", **files},
    )


def windows(identifier: str, *commands: str, **files: str) -> Recipe:
    """A wheel for CPython 3.11 on Windows from a module `ext.pyd`; `files` are its further files by path."""
    return Recipe(
        identifier=identifier,
        tags="cp311-cp311-win_amd64",
        commands=commands,
        members={"_core.cp311-win_amd64.pyd": "ext.pyd", **files},
    )
