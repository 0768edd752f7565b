"""Facts about the dist-info directory: what WHEEL, METADATA, RECORD and entry_points.txt claim.

Sources: "Binary distribution format", "Recording installed projects", "Core metadata" and "Entry points"
of the Python packaging specifications. All of it is text that somebody wrote: claims, not truths.
"""

from __future__ import annotations

from auditor.facts.record import Fact


class Field(Fact, frozen=True, kw_only=True, gc=False):
    """One `Name: value` line, as written."""

    name: str
    value: str
    line: int = 0
    """1-based number of its line; 0 where it is not known."""


class WheelFile(Fact, frozen=True, kw_only=True):
    """The WHEEL file."""

    fields: tuple[Field, ...]
    problems: tuple[str, ...] = ()
    """Why it could not be read as `Key: value` lines: encoding, a line without a colon, a blank line inside."""

    def values(self, name: str) -> tuple[str, ...]:
        """Every value of the field `name`, in order. Names of fields are compared without case."""
        return tuple(field.value for field in self.fields if field.name.lower() == name.lower())

    @property
    def tags(self) -> tuple[str, ...]:
        """The `Tag` lines as written."""
        return self.values("Tag")


class RecordRow(Fact, frozen=True, kw_only=True, gc=False):
    """One row of RECORD that had three fields."""

    line: int
    """1-based number of the row's first line."""
    path: str
    hash: str
    """`algorithm=digest` as written, or empty."""
    size: str


class Record(Fact, frozen=True, kw_only=True):
    """The RECORD file."""

    rows: tuple[RecordRow, ...]
    problems: tuple[str, ...] = ()
    """Encoding errors, CSV errors, rows of another shape; each names its line."""


class Metadata(Fact, frozen=True, kw_only=True):
    """The METADATA file: its header fields in order, and the length of its description."""

    fields: tuple[Field, ...]
    description: str = ""
    problems: tuple[str, ...] = ()

    def values(self, name: str) -> tuple[str, ...]:
        """Every value of the field `name`, in order. Names of fields are compared without case."""
        return tuple(field.value for field in self.fields if field.name.lower() == name.lower())

    def first(self, name: str) -> str | None:
        """The first value of the field `name`, or None."""
        return next(iter(self.values(name)), None)


class EntryPoint(Fact, frozen=True, kw_only=True, gc=False):
    """One line of entry_points.txt."""

    group: str
    name: str
    value: str
    line: int


class EntryPoints(Fact, frozen=True, kw_only=True):
    """The entry_points.txt file."""

    entries: tuple[EntryPoint, ...]
    problems: tuple[str, ...] = ()
