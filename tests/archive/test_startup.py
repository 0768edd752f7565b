"""What is read of texts that have a use of their own: start-up files, scripts, obfuscated sources, DOS headers."""

from __future__ import annotations

import pytest

from auditor import read_wheel
from auditor.archive.startup import first_line, startup_lines
from auditor.facts.archive import ContentKind, Member
from tests.builders import DEMO, build_wheel, replace


def member(name: str, content: bytes) -> Member:
    """The facts of one member of a wheel that has it."""
    built = build_wheel(replace(DEMO, members={**DEMO.members, name: content}))
    facts = read_wheel(built.data, filename=built.filename)
    return next(one for one in facts.members if one.name == name)


@pytest.mark.parametrize(
    ("name", "content", "lines"),
    [
        ("demo.pth", b"import demo; demo.start()\n", ("import demo; demo.start()",)),
        ("demo.pth", b"import\tdemo\r\n", ("import\tdemo",)),
        ("demo.pth", b"\xef\xbb\xbfimport demo\n", ("import demo",)),
        ("demo.pth", b"../src\n# import demo\nimportant\n", ()),
        ("demo.pth", b"import a\n" * 9, ("import a",) * 5),
        ("demo.pth", b"import " + b"a" * 999, ("import " + "a" * 153,)),
        ("demo.start", b"# comment\n\ndemo.start:run\n", ("demo.start:run",)),
        ("demo.pth", b"\xff\xfe", ()),
    ],
)
def test_lines_that_run_at_start_up_are_facts(name: str, content: bytes, lines: tuple[str, ...]) -> None:
    """Lines of `.pth` that `site` runs and entries of `.start` are kept, few and short."""
    assert startup_lines(name, content) == lines
    assert member(name, content).startup_lines == lines


def test_the_first_line_of_a_script_is_a_fact() -> None:
    """For text below a scripts directory the first line is known; for a binary and elsewhere it is not."""
    assert member("demo-1.0.data/scripts/run", b"#!python\nprint()\n").first_line == "#!python"
    assert member("demo-1.0.data/scripts/run", b"\x7fELF" + bytes(60)).first_line is None
    assert member("demo/run.py", b"#!python\n").first_line is None
    assert member("demo/x.pdb", b"Microsoft C/C++ MSF 7.00\r\n\x1aDS").first_line == "Microsoft C/C++ MSF 7.00"
    assert member("demo/X.PDB", b"").first_line is None
    assert first_line(b"\xff\r\nrest") == "\\xff"


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"__pyar" + b"mor_enter__()", "PyArmor"),
        (b"__pyar" + b"mor__(__name__, __file__, b'')", "PyArmor"),
        (b"---BEGIN " + b"PYE FILE---\nx\n---END " + b"PYE FILE---", "SourceDefender"),
        (b"---BEGIN " + b"PYE FILE---\n", None),
        (b"import pyarmor", None),
    ],
)
def test_marks_of_obfuscators_are_facts(content: bytes, name: str | None) -> None:
    """A source carries the name of the obfuscator that PyPI would find in it."""
    assert member("demo/code.py", content).obfuscator == name


def test_text_that_begins_as_a_dos_program_is_text() -> None:
    """MZ alone makes no PE file, unless the file is named as one."""
    text = b"MZ is how DOS programs begin; this is a text about them.".ljust(200)
    assert member("demo/about.txt", text).content is ContentKind.OTHER
    assert member("demo/tool.exe", text).content is ContentKind.PE
