"""Facts about how a native file was built: what compilers and build systems leave in it.

Sources: the `.comment` section that GCC, Clang and rustc write; the paths that Rust's panic messages and C's
`__FILE__` carry; the section `.dep-v0` of cargo-auditable (its PARSING.md).
"""

from __future__ import annotations

from auditor.facts.record import Fact


class Crate(Fact, frozen=True, kw_only=True, gc=False):
    """One entry of the dependency list that cargo-auditable embeds."""

    name: str
    version: str
    source: str
    """Where Cargo had it from, in the list's own word, such as `git`, `local` or `registry`."""
    build_only: bool = False
    """Whether it was needed by build scripts and macros alone, so that nothing of it is in the file."""
    root: bool = False
    """Whether it is the package that was built."""


class BuildMarks(Fact, frozen=True, kw_only=True):
    """What was found in one slice. What is absent proves nothing: paths may have been trimmed."""

    rustc: str | None = None
    """The version that `.comment` names (`1.96.0`), else the commit of its `/rustc/<hash>/` paths."""
    rust_debug: bool = False
    """Whether it has the marks of Rust's debug profile: overflow checks and debug assertions in the code."""
    pyo3: str | None = None
    """The version of PyO3 that the paths of its sources name."""
    crates: tuple[Crate, ...] = ()
    """The dependency list of cargo-auditable, in its order; empty where there is none."""
    problems: tuple[str, ...] = ()
    """Why the dependency list could not be read."""
    build_paths: tuple[str, ...] = ()
    """Paths below a person's home directory, sorted, each once, at most 50."""
