"""Facts about a release: what of each wheel matters beside the others, small enough to keep for hundreds of wheels.

A summary is made from the facts of one wheel, which may then be forgotten.
"""

from __future__ import annotations

from auditor.facts.record import Fact
from auditor.facts.wheel import WheelName


class WheelSummary(Fact, frozen=True, kw_only=True):
    """One wheel of a release."""

    filename: str
    sha256: str = ""
    """Empty where only the file name is known."""
    project: str
    """Normalised ("Names and normalization")."""
    version: str
    """Normalised where it is a valid version, else as written."""
    name: WheelName
    """The parts of the file name: the tags, which hold the floors of glibc, musl and macOS, are among them."""
    requires_python: str | None = None
    """`Requires-Python` as written; None where METADATA has none, or could not be read."""
    requires_dist: tuple[str, ...] = ()
    """Each `Requires-Dist` as written."""
    extras: tuple[str, ...] = ()
    """Each `Provides-Extra` as written."""
    classified: tuple[tuple[int, int], ...] = ()
    """The (major, minor) of each classifier `Programming Language :: Python :: X.Y`, sorted."""
    described: bool = False
    """Whether METADATA was read: without it the fields above say nothing."""
    listed: bool = False
    """Whether its list of contents was read: without it the fields below say nothing."""
    native: bool = False
    """Whether it holds a native file of any kind."""
    packages: tuple[str, ...] = ()
    """The top-level names that can be imported, sorted."""
    extensions: tuple[str, ...] = ()
    """The extension modules by their full names, without what their file names say of the interpreter; sorted."""
    sources: tuple[str, ...] | None = ()
    """The modules that are there as Python source, by their full names (a package by its own), and each `py.typed` by
    its path; sorted. None where there are too many to keep for hundreds of wheels."""
    entry_points: tuple[str, ...] | None = ()
    """The lines of entry_points.txt as `group: name = object`, sorted; None where it could not be read."""
    pyo3: tuple[str, ...] = ()
    """The versions of PyO3 that its binaries name, sorted."""
    rustc: tuple[str, ...] = ()
    """The versions of rustc, or commits where only those are known, sorted."""
    x86_level: int = 0
    """The highest x86-64 level that one of its binaries declares to need (1 to 4); 0 where none declares any."""


class ReleaseFacts(Fact, frozen=True, kw_only=True):
    """The files of one version of one project."""

    project: str
    version: str
    wheels: tuple[WheelSummary, ...] = ()
    """In the order of their file names."""
    sdists: tuple[str, ...] = ()
    """The file names of the source distributions, sorted."""
    other_versions: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """(version, file names) of the project's other versions that lie beside; on the newest version alone."""
    blamed: bool = False
    """Whether it is one of those other versions, and has no more wheels than the newest: what lies there by mistake."""
    dependencies_beside: tuple[str, ...] = ()
    """The file names of wheels beside it that are of projects it depends on, and were not built here; sorted."""
