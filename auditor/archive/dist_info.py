"""The text files of the dist-info directory -> facts: WHEEL, RECORD, METADATA, entry_points.txt.

Nothing is judged: what cannot be read as its format becomes a problem beside what could.
Sources: "Binary distribution format", "Recording installed projects", "Core metadata", "Entry points".
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from auditor.facts.dist_info import EntryPoint, EntryPoints, Field, Metadata, Record, RecordRow, WheelFile

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_TEXT_SIZES = {"RECORD": 32 << 20, "METADATA": 8 << 20, "WHEEL": 1 << 20, "entry_points.txt": 1 << 20}
"""Bytes of each file that are parsed. The largest RECORD known has 3 MB, the largest METADATA 300 KB."""
MAX_ROWS = 400_000
"""Rows of RECORD that are read: twice the members that are."""


def dist_info_directories(names: Iterable[str]) -> tuple[str, ...]:
    """Every top-level `*.dist-info` directory that the member names imply, in order of appearance."""
    found = {name.split("/", 1)[0]: None for name in names if ".dist-info/" in name}
    return tuple(top for top in found if top.endswith(".dist-info"))


def parse_wheel_file(content: bytes) -> WheelFile:
    """The WHEEL file: lines of `Key: value`."""
    text, problems = _decode(content)
    fields = []
    lines = text.splitlines()
    last = max((number for number, line in enumerate(lines) if line.strip()), default=-1)
    for number, line in enumerate(lines[: last + 1], 1):
        name, colon, value = line.partition(":")
        if not line.strip():
            problems.append(f"line {number} is blank: what reads it as a message stops there")
        elif not colon:
            problems.append(f"line {number} has no colon: `{line[:80]}`")
        else:
            fields.append(Field(name=name.strip(), value=value.strip()))
    return WheelFile(fields=tuple(fields), problems=tuple(problems))


def parse_record(content: bytes) -> Record:
    """The RECORD file: rows of path, hash, size in the default dialect of `csv`."""
    text, problems = _decode(content)
    rows: list[RecordRow] = []
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        for row in reader:
            line = reader.line_num
            if len(row) == 3:
                rows.append(RecordRow(line=line, path=row[0], hash=row[1], size=row[2]))
            elif not row:
                problems.append(f"line {line} is blank")
            else:
                problems.append(f"line {line} has {len(row)} fields in place of 3: `{','.join(row)[:80]}`")
            if len(rows) >= MAX_ROWS:
                problems.append(f"it has more than {MAX_ROWS} rows; the rest was not read")
                break
    except csv.Error as error:
        problems.append(f"line {reader.line_num} is no CSV: {error}")
    return Record(rows=tuple(rows), problems=tuple(problems))


def parse_metadata(content: bytes) -> Metadata:
    """The METADATA file: an e-mail header and, as its body, the description."""
    from email.parser import HeaderParser  # 20 ms: imported for the first wheel, not for `--help`
    from email.policy import compat32

    text, problems = _decode(content)
    message = HeaderParser(policy=compat32).parsestr(text)
    problems += [f"{type(defect).__name__}: {defect}" for defect in message.defects]
    body = message.get_payload()
    fields = tuple(Field(name=name, value=str(value)) for name, value in message.items())
    return Metadata(fields=fields, description=body if isinstance(body, str) else "", problems=tuple(problems))


def parse_entry_points(content: bytes) -> EntryPoints:
    """The entry_points.txt file: an INI file with `=` alone as its delimiter and keys that keep their case."""
    text, problems = _decode(content)
    entries = []
    group = None
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith(("#", ";")):
            continue
        if line.startswith("[") and line.endswith("]"):
            group = line[1:-1]
            continue
        name, equals, value = line.partition("=")
        if group is None:
            problems.append(f"line {number} stands before any group: `{line[:80]}`")
        elif not equals:
            problems.append(f"line {number} has no `=`: `{line[:80]}`")
        else:
            entries.append(EntryPoint(group=group, name=name.strip(), value=value.strip(), line=number))
    return EntryPoints(entries=tuple(entries), problems=tuple(problems))


def _decode(content: bytes) -> tuple[str, list[str]]:
    """The text, and as a problem that it is not UTF-8 or begins with a byte order mark."""
    problems = []
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        problems.append(f"it is not UTF-8: byte {error.object[error.start]:#04x} at {error.start}")
        text = content.decode("utf-8", "backslashreplace")
    if text.startswith("\ufeff"):
        problems.append("it begins with a byte order mark")
        text = text[1:]
    return text, problems
