"""The words of the tables: a fault, the tool that makes it, and what mends it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """One way to build a wheel: the sources, the variables of the build, and what is done with the wheel."""

    files: Mapping[str, str] = field(default_factory=dict)
    """Path -> text of the project's files."""
    backend: str | None = None
    """The module of the build backend; None where `script` builds the wheel, or it is there already."""
    kept: tuple[str, ...] = ()
    """Wheels of `tests/wheels` that are copied beside the project; the first one is in `dist` at the start."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Variables of the build and of both scripts."""
    before: str = ""
    """Lines of a shell that run before the build."""
    script: str = ""
    """Lines of a shell that run after the build, where the wheel is in `dist`; `wheelhouse` has what they repaired."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """One line of the page: what is found before, what is done, and that nothing is left and nothing new came."""

    rules: tuple[str, ...]
    """What is found in the faulty wheel and no longer in the mended one: the rule, and what follows from the fault."""
    tool: str
    """What makes the fault or mends it; with the rule it names the test."""
    wrong: Build
    right: Build
    words: tuple[str, ...]
    """What the page says, word for word."""
    beside: tuple[str, ...] = ()
    """What is found in both: it has nothing to do with the fault."""
    comes: tuple[str, ...] = ()
    """Infos about what the remedy brings: `auditwheel repair` of a library without a package writes no SBOM."""
    settings: str = ""
    """What `wheel-audit.toml` of the mended project has."""
    slow: bool = False
    """Whether it is left out of the short run: it takes long, needs more than gcc and PyPI, or is much like another."""

    @property
    def identifier(self) -> str:
        """The rule and the tool."""
        return f"{self.rules[0]}-{self.tool}".replace(" ", "-")
