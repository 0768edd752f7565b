"""The text files of the dist-info directory -> facts: WHEEL, RECORD, METADATA, entry_points.txt.

Nothing is judged: what cannot be read as its format becomes a problem beside what could.
Sources: "Binary distribution format", "Recording installed projects", "Core metadata", "Entry points".
"""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING

from auditor.facts.dist_info import EntryPoint, EntryPoints, Field, Metadata, Record, RecordRow, WheelFile

if TYPE_CHECKING:
    from collections.abc import Iterable
    from email.errors import MessageDefect

MAX_TEXT_SIZES = {"RECORD": 32 << 20, "METADATA": 8 << 20, "WHEEL": 1 << 20, "entry_points.txt": 1 << 20}
"""Bytes of each file that are parsed. The largest RECORD known has 3 MB, the largest METADATA 300 KB."""
MAX_ROWS = 400_000
"""Rows of RECORD that are read: twice the members that are."""
MAX_PROBLEMS = 100
"""Problems of one file that are listed."""
_LINE_END = re.compile(r"\r\n|\r|\n")
_QUOTED = 80
"""Characters of an offending line that a problem quotes."""


def dist_info_directories(names: Iterable[str]) -> tuple[str, ...]:
    """Every top-level `*.dist-info` directory that the member names imply, in order of appearance."""
    found = {name.split("/", 1)[0]: None for name in names if ".dist-info/" in name}
    return tuple(top for top in found if top.endswith(".dist-info"))


class _Problems(list[str]):
    """What could not be read of one file, up to a ceiling that is said."""

    def note(self, problem: str) -> None:
        """Take one more problem."""
        if len(self) < MAX_PROBLEMS:
            self.append(problem)
        elif len(self) == MAX_PROBLEMS:
            self.append("there are more problems, which are not listed")


def parse_wheel_file(content: bytes) -> WheelFile:
    """The WHEEL file: lines of `Key: value`."""
    text, problems = _decode(content)
    fields = []
    lines = _LINE_END.split(text)
    last = max((number for number, line in enumerate(lines) if line.strip()), default=-1)
    for number, line in enumerate(lines[: last + 1], 1):
        name, colon, value = line.partition(":")
        if not line.strip():
            problems.note(f"line {number} is blank: what reads it as a message stops there")
        elif line[0] in " \t":
            problems.note(f"line {number} begins with white space, which continues the line before: `{_quoted(line)}`")
        elif not colon:
            problems.note(f"line {number} has no colon: `{_quoted(line)}`")
        else:
            fields.append(Field(name=name.strip(), value=value.strip()))
    return WheelFile(fields=tuple(fields), problems=tuple(problems))


def parse_record(content: bytes) -> Record:
    """The RECORD file: rows of path, hash, size in the default dialect of `csv`."""
    text, problems = _decode(content)
    if "\0" in text:  # Python 3.10 refuses the row, later ones take it
        problems.note("it has a NUL character")
        text = text.replace("\0", "\\0")
    rows: list[RecordRow] = []
    reader = csv.reader(io.StringIO(text, newline=""))
    line = 1
    try:
        for number, row in enumerate(reader):
            if number == MAX_ROWS:
                problems.note(f"it has more than {MAX_ROWS} rows; the rest was not read")
                break
            if len(row) == 3:
                rows.append(RecordRow(line=line, path=row[0], hash=row[1], size=row[2]))
            elif not row:
                problems.note(f"line {line} is blank")
            else:
                problems.note(f"line {line} has {len(row)} fields in place of 3: `{_quoted(','.join(row))}`")
            line = reader.line_num + 1
    except csv.Error as error:
        problems.note(f"line {line} is no CSV: {error}")
    return Record(rows=tuple(rows), problems=tuple(problems))


def parse_metadata(content: bytes) -> Metadata:
    """The METADATA file: an e-mail header and, as its body, the description."""
    from email.parser import HeaderParser  # 20 ms: imported for the first wheel, not for `--help`
    from email.policy import compat32

    text, problems = _decode(content)
    message = HeaderParser(policy=compat32).parsestr(text)
    body = message.get_payload()
    description = body if isinstance(body, str) else ""
    for defect in message.defects:
        problems.note(_defect_in_words(defect, description))
    if (unix_from := message.get_unixfrom()) is not None:
        problems.note(f"its first line is no field: `{_quoted(unix_from)}`")
    lines = _header_lines(text)
    items = message.items()
    if len(lines) != len(items):
        lines = [0] * len(items)
    fields = tuple(
        Field(name=name, value=str(value), line=line) for (name, value), line in zip(items, lines, strict=True)
    )
    return Metadata(fields=fields, description=description, problems=tuple(problems))


def _header_lines(text: str) -> list[int]:
    """The 1-based number of each line that begins a field, up to the blank line that ends the header."""
    found = []
    for number, line in enumerate(_LINE_END.split(text), 1):
        if not line.strip():
            break
        if not line.startswith((" ", "\t")):
            found.append(number)
    return found


def _defect_in_words(defect: MessageDefect, description: str) -> str:
    """A defect of the header as a problem that quotes its line."""
    if type(defect).__name__ == "MissingHeaderBodySeparatorDefect":
        line = _LINE_END.split(description, maxsplit=1)[0]
        return f"the header ends at a line that is no field: `{_quoted(line)}`"
    return f"{type(defect).__name__}: {_quoted(str(defect).rstrip())}"


def parse_entry_points(content: bytes) -> EntryPoints:
    """The entry_points.txt file: an INI file with `=` alone as its delimiter and keys that keep their case."""
    text, problems = _decode(content)
    entries = []
    group = None
    indent: int | None = None
    for number, raw in enumerate(_LINE_END.split(text), 1):
        line = raw.strip()
        if not line or line.startswith(("#", ";")):
            continue
        deeper = indent is not None and len(raw) - len(raw.lstrip()) > indent
        if deeper:  # `configparser` joins it to the value before, `importlib.metadata` takes it for a line of its own
            problems.note(f"line {number} is indented, which continues the line before: `{_quoted(line)}`")
        elif line.startswith("[") and "]" in line[2:]:
            group = line[1 : line.rindex("]")]
            indent = None
            continue
        name, equals, value = line.partition("=")
        if group is None:
            problems.note(f"line {number} stands before any group: `{_quoted(line)}`")
        elif not equals:
            problems.note(f"line {number} has no `=`: `{_quoted(line)}`")
        else:
            if not deeper:
                indent = len(raw) - len(raw.lstrip())
            entries.append(EntryPoint(group=group, name=name.strip(), value=value.strip(), line=number))
    return EntryPoints(entries=tuple(entries), problems=tuple(problems))


def _quoted(line: str) -> str:
    """As much of a line as a message shows."""
    return line[:_QUOTED]


def _decode(content: bytes) -> tuple[str, _Problems]:
    """The text, and as a problem that it is not UTF-8 or begins with a byte order mark."""
    problems = _Problems()
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        problems.note(f"it is not UTF-8: byte {error.object[error.start]:#04x} at {error.start}")
        text = content.decode("utf-8", "backslashreplace")
    if text.startswith("\ufeff"):
        problems.note("it begins with a byte order mark")
        text = text[1:]
    return text, problems


def twine_order(path: str) -> tuple[int, list[str]]:
    """What twine sorts the files by that may be METADATA: the fewest directories first, then name by name."""
    parts = path.split("/")
    return len(parts), parts
