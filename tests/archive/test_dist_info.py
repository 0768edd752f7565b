"""The texts of the dist-info directory give rows, fields and problems: `auditor.archive.dist_info`."""

from __future__ import annotations

import configparser
import csv
import email.parser
import io
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.archive import dist_info
from auditor.archive.dist_info import (
    dist_info_directories,
    parse_entry_points,
    parse_metadata,
    parse_record,
    parse_wheel_file,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from auditor.facts.dist_info import EntryPoints, Metadata, Record, WheelFile

BOM = b"\xef\xbb\xbf"
BOM_PROBLEM = "it begins with a byte order mark"
PARSERS: dict[str, Callable[[bytes], WheelFile | Record | Metadata | EntryPoints]] = {
    "WHEEL": parse_wheel_file,
    "RECORD": parse_record,
    "METADATA": parse_metadata,
    "entry_points.txt": parse_entry_points,
}


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ([], ()),
        (["a.py", "a/b.py"], ()),
        (["demo-1.0.dist-info/RECORD", "demo-1.0.dist-info/WHEEL"], ("demo-1.0.dist-info",)),
        (["b.dist-info/x", "a.dist-info/", "b.dist-info/y"], ("b.dist-info", "a.dist-info")),
        (["a/b.dist-info/RECORD", "b.dist-info"], ()),
        (["x.dist-info.d/a.dist-info/RECORD", ".dist-info/WHEEL"], (".dist-info",)),
    ],
)
def test_dist_info_directories_are_at_the_top(names: list[str], found: tuple[str, ...]) -> None:
    """A directory is named by its members, stands at the top, and comes once in order of appearance."""
    assert dist_info_directories(names) == found


@pytest.mark.parametrize(
    ("content", "fields", "problems"),
    [
        (b"", [], []),
        (b"Wheel-Version: 1.0\n", [("Wheel-Version", "1.0")], []),
        (b"Wheel-Version: 1.0", [("Wheel-Version", "1.0")], []),
        (b"A: 1\r\nB:2\r\n\r\n\n", [("A", "1"), ("B", "2")], []),
        (b"A: b: c\n", [("A", "b: c")], []),
        (b"A:\n", [("A", "")], []),
        (BOM + b"A: 1\n", [("A", "1")], [BOM_PROBLEM]),
        (b"A: \xff\n", [("A", "\\xff")], ["it is not UTF-8: byte 0xff at 3"]),
        (b"\xff\xfeA\0", [], ["it is not UTF-8: byte 0xff at 0", "line 1 has no colon: `\\xff\\xfeA\0`"]),
        (b"A: 1\n\nB: 2\n", [("A", "1"), ("B", "2")], ["line 2 is blank: what reads it as a message stops there"]),
        (b"\nA: 1\n", [("A", "1")], ["line 1 is blank: what reads it as a message stops there"]),
        (b"A: 1\nnonsense\n", [("A", "1")], ["line 2 has no colon: `nonsense`"]),
        (
            b"A: 1\n B: 2\n",
            [("A", "1")],
            ["line 2 begins with white space, which continues the line before: ` B: 2`"],
        ),
        ("A: x\u2028B: y\x85z\x0b\n".encode(), [("A", "x\u2028B: y\x85z")], []),
        (b"x" * 200, [], [f"line 1 has no colon: `{'x' * 80}`"]),
    ],
)
def test_wheel_is_lines_of_fields(content: bytes, fields: list[tuple[str, str]], problems: list[str]) -> None:
    """WHEEL is `Key: value` line by line; whatever else a line is becomes a problem that quotes it."""
    wheel_file = parse_wheel_file(content)
    assert [(field.name, field.value) for field in wheel_file.fields] == fields
    assert list(wheel_file.problems) == problems


@pytest.mark.parametrize(
    ("content", "rows", "problems"),
    [
        (b"", [], []),
        (b"a.py,sha256=x,1\nb,,\n", [(1, "a.py", "sha256=x", "1"), (2, "b", "", "")], []),
        (b"a,,\r\nb,,\r\n", [(1, "a", "", ""), (2, "b", "", "")], []),
        (b"a,,", [(1, "a", "", "")], []),
        (b'"a,b",sha256=x,1\n', [(1, "a,b", "sha256=x", "1")], []),
        (b'"a ""q""",,\n', [(1, 'a "q"', "", "")], []),
        (b'"a\nb",,\nc,,\n', [(1, "a\nb", "", ""), (3, "c", "", "")], []),
        (b" a , b , 1 \n", [(1, " a ", " b ", " 1 ")], []),
        (b"a,,\n\nb,,\n", [(1, "a", "", ""), (3, "b", "", "")], ["line 2 is blank"]),
        (b"\n", [], ["line 1 is blank"]),
        (b"a\n", [], ["line 1 has 1 fields in place of 3: `a`"]),
        (b"a,b\nc,,\n", [(2, "c", "", "")], ["line 1 has 2 fields in place of 3: `a,b`"]),
        (b"a,b,c,d\n", [], ["line 1 has 4 fields in place of 3: `a,b,c,d`"]),
        (b'"a,,\nb,,\n', [], ["line 1 has 1 fields in place of 3: `a,,\nb,,\n`"]),
        (BOM + b"a,,\n", [(1, "a", "", "")], [BOM_PROBLEM]),
        (b"\xe4,,\n", [(1, "\\xe4", "", "")], ["it is not UTF-8: byte 0xe4 at 0"]),
        (b"a\0b,,\n", [(1, "a\\0b", "", "")], ["it has a NUL character"]),
        ("a\u2028b,,\n".encode(), [(1, "a\u2028b", "", "")], []),
        (b"a;b;c\n", [], ["line 1 has 1 fields in place of 3: `a;b;c`"]),
        (
            b"a,,\n" + b"x" * 140_000 + b",,\nb,,\n",
            [(1, "a", "", "")],
            ["line 2 is no CSV: field larger than field limit (131072)"],
        ),
    ],
)
def test_record_is_rows_of_three(content: bytes, rows: list[tuple[int, str, str, str]], problems: list[str]) -> None:
    """RECORD is CSV with three fields a row; each row knows its first line, and any other shape is a problem."""
    record = parse_record(content)
    assert [(row.line, row.path, row.hash, row.size) for row in record.rows] == rows
    assert list(record.problems) == problems


@given(st.lists(st.tuples(*[st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=9)] * 3)))
def test_record_comes_back_as_it_was_written(rows: list[tuple[str, str, str]]) -> None:
    """What the `csv` module writes, of any text, comes back row for row."""
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(rows)
    record = parse_record(buffer.getvalue().encode())
    assert [(row.path, row.hash, row.size) for row in record.rows] == rows
    assert record.problems == ()


def test_rows_have_a_ceiling(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows beyond the ceiling are not read, which is said; the ceiling itself may be reached."""
    monkeypatch.setattr(dist_info, "MAX_ROWS", 2)
    assert parse_record(b"a,,\nb,,\n").problems == ()
    record = parse_record(b"a,,\nb,,\nc,,\n")
    assert [row.path for row in record.rows] == ["a", "b"]
    assert record.problems == ("it has more than 2 rows; the rest was not read",)


@pytest.mark.parametrize("name", PARSERS)
def test_problems_have_a_ceiling(name: str) -> None:
    """A file that is nothing but faults has a bounded list of them, in a moment."""
    started = time.monotonic()
    problems = PARSERS[name](b"x\n\n" * 200_000).problems
    assert time.monotonic() - started < 5
    assert len(problems) <= dist_info.MAX_PROBLEMS + 1
    if name != "METADATA":
        assert problems[-1] == "there are more problems, which are not listed"


@pytest.mark.parametrize(
    ("content", "fields", "description", "problems"),
    [
        (b"", [], "", []),
        (b"Name: demo\nVersion: 1.0\n", [("Name", "demo"), ("Version", "1.0")], "", []),
        (b"Name: demo\n\nThe body.\n\nMore.\n", [("Name", "demo")], "The body.\n\nMore.\n", []),
        (b"Name: demo\r\n\r\nBody\r\n", [("Name", "demo")], "Body\r\n", []),
        (b"A: 1\nA: 2\n\n", [("A", "1"), ("A", "2")], "", []),
        (b"A: 1\n  more\n\n", [("A", "1\n  more")], "", []),
        (b"A:1\nB:\n\n", [("A", "1"), ("B", "")], "", []),
        (b"\nName: demo\n", [], "Name: demo\n", []),
        (BOM + b"A: 1\n", [("A", "1")], "", [BOM_PROBLEM]),
        (b"A: \xff\n", [("A", "\\xff")], "", ["it is not UTF-8: byte 0xff at 3"]),
        ("Author: Jörg\n\nÄ".encode(), [("Author", "Jörg")], "Ä", []),
        (
            b"A: 1\nno field\nB: 2\n",
            [("A", "1")],
            "no field\nB: 2\n",
            ["the header ends at a line that is no field: `no field`"],
        ),
        (
            b"Bad Name: 1\n",
            [],
            "Bad Name: 1\n",
            ["the header ends at a line that is no field: `Bad Name: 1`"],
        ),
        (b" A: 1\nB: 2\n\n", [("B", "2")], "", ["FirstHeaderLineIsContinuationDefect:  A: 1"]),
        (b"From x\nA: 1\n\n", [("A", "1")], "", ["its first line is no field: `From x`"]),
        (
            b"Content-Type: multipart/mixed; boundary=x\n\n--x\n\npart\n--x--\n",
            [("Content-Type", "multipart/mixed; boundary=x")],
            "--x\n\npart\n--x--\n",
            [],
        ),
        (
            b"Content-Transfer-Encoding: base64\n\naGVsbG8=\n",
            [("Content-Transfer-Encoding", "base64")],
            "aGVsbG8=\n",
            [],
        ),
        (b"Content-Type: message/rfc822\n\nA: 1\n\nx", [("Content-Type", "message/rfc822")], "A: 1\n\nx", []),
        (b"Subject: =?utf-8?q?=C3=A4?=\n\n", [("Subject", "=?utf-8?q?=C3=A4?=")], "", []),
    ],
)
def test_metadata_is_a_header_and_a_body(
    content: bytes, fields: list[tuple[str, str]], description: str, problems: list[str]
) -> None:
    """METADATA has its fields as written and its body untouched, whatever a mail reader would make of it."""
    metadata = parse_metadata(content)
    assert [(field.name, field.value) for field in metadata.fields] == fields
    assert metadata.description == description
    assert list(metadata.problems) == problems


@given(st.lists(st.tuples(st.from_regex(r"\A[A-Z][A-Za-z-]{0,9}\Z"), st.from_regex(r"\A[!-~][ -~]{0,20}\Z"))))
def test_metadata_agrees_with_the_email_package(headers: list[tuple[str, str]]) -> None:
    """Fields come out as `email` reads them."""
    text = "".join(f"{name}: {value}\n" for name, value in headers) + "\nbody\n"
    reference = email.parser.Parser().parsestr(text, headersonly=True)
    metadata = parse_metadata(text.encode())
    assert [(field.name, field.value) for field in metadata.fields] == list(reference.items())


@pytest.mark.parametrize(
    ("content", "entries", "problems"),
    [
        (b"", [], []),
        (b"[console_scripts]\ndemo = demo:main\n", [("console_scripts", "demo", "demo:main", 2)], []),
        (b"[g]\r\na=b\r\n\r\n[h]\r\nc=d\r\n", [("g", "a", "b", 2), ("h", "c", "d", 5)], []),
        (b"[g]\nA = b = c\n", [("g", "A", "b = c", 2)], []),
        (b"[g]\n# no\n; no\n\na = b [extra]\n", [("g", "a", "b [extra]", 5)], []),
        (b"[g]\n    a = b\n    c = d\n", [("g", "a", "b", 2), ("g", "c", "d", 3)], []),
        (b"[g] ; note\na = b\n", [("g", "a", "b", 2)], []),
        (b"[a]b]\nx = y\n", [("a]b", "x", "y", 2)], []),
        (b"[g]\na =\n= b\n", [("g", "a", "", 2), ("g", "", "b", 3)], []),
        (b"a = b\n", [], ["line 1 stands before any group: `a = b`"]),
        (b"[]\na = b\n", [], ["line 1 stands before any group: `[]`", "line 2 stands before any group: `a = b`"]),
        (b"[g]\na : b\n", [], ["line 2 has no `=`: `a : b`"]),
        (b"[g]\na\n", [], ["line 2 has no `=`: `a`"]),
        (
            b"[g]\na = b\n  c = d\ne = f\n",
            [("g", "a", "b", 2), ("g", "c", "d", 3), ("g", "e", "f", 4)],
            ["line 3 is indented, which continues the line before: `c = d`"],
        ),
        (
            b"[g]\na = b\n  [h]\n",
            [("g", "a", "b", 2)],
            ["line 3 is indented, which continues the line before: `[h]`", "line 3 has no `=`: `[h]`"],
        ),
        (BOM + b"[g]\na=b\n", [("g", "a", "b", 2)], [BOM_PROBLEM]),
        (b"[g]\na=\xff\n", [("g", "a", "\\xff", 2)], ["it is not UTF-8: byte 0xff at 6"]),
        ("[g]\na=b\u2028c=d\n".encode(), [("g", "a", "b\u2028c=d", 2)], []),
    ],
)
def test_entry_points_are_groups_of_lines(
    content: bytes, entries: list[tuple[str, str, str, int]], problems: list[str]
) -> None:
    """entry_points.txt is groups of `name = value`, each with its line; what readers disagree about is a problem."""
    entry_points = parse_entry_points(content)
    assert [(entry.group, entry.name, entry.value, entry.line) for entry in entry_points.entries] == entries
    assert list(entry_points.problems) == problems


WORD = st.from_regex(r"\A[A-Za-z_][\w.-]{0,8}\Z")


@given(st.dictionaries(WORD, st.dictionaries(WORD, WORD, max_size=4), max_size=4))
def test_entry_points_agree_with_configparser(groups: dict[str, dict[str, str]]) -> None:
    """A well-made file reads as `configparser` reads it."""
    text = "".join(
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in entries.items())
        for group, entries in groups.items()
    )
    reference = configparser.ConfigParser(delimiters=("=",), interpolation=None, default_section="\0")
    reference.optionxform = str  # type: ignore[method-assign, assignment]
    reference.read_string(text)
    wanted = [(group, *item) for group in reference.sections() for item in reference.items(group)]
    entry_points = parse_entry_points(text.encode())
    assert [(entry.group, entry.name, entry.value) for entry in entry_points.entries] == wanted
    assert entry_points.problems == ()


@pytest.mark.parametrize("name", PARSERS)
@given(content=st.binary(max_size=300) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_parsed(name: str, content: bytes) -> None:
    """No bytes make a parser fail."""
    PARSERS[name](content)
