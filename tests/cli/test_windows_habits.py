"""What Windows does otherwise, as far as it shows on every system: code pages, line ends, spellings of paths.

That the verdict is the same there, under CPython for Windows itself: `tests/loaders/test_same_verdict.py`.
"""

from __future__ import annotations

import errno
import functools
import os
import zipfile
from dataclasses import replace
from io import BytesIO
from typing import TYPE_CHECKING

import pytest

from auditor import audit
from auditor.cli import terminal
from auditor.cli.app import run
from auditor.cli.paths import expand
from auditor.errors import PathNotFoundError
from auditor.report.formats import FORMATS
from tests.builders import DEMO, WheelSpec, build_wheel
from tests.cli.command import WHEELS, fixture, wheel_audit

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.command import Outcome

BAD = fixture("cp313-cp313-win_amd64", "bad")
DRAWN = ("└── ", "├── ", "│   ")
COMMANDS = (("--jobs", "1", "bad", "good"), ("facts", "--format", "text", str(BAD)), ("rules",), ("--help",))


@functools.cache
def in_utf_8(arguments: tuple[str, ...]) -> Outcome:
    """What a command says where every letter can be shown."""
    return wheel_audit(*arguments, folder=WHEELS)


@pytest.mark.parametrize("encoding", ["ascii", "cp437", "cp1252"])
@pytest.mark.parametrize("arguments", COMMANDS, ids=["audit", "facts", "rules", "help"])
def test_a_code_page_escapes_nothing_of_ours(arguments: tuple[str, ...], encoding: str) -> None:
    """Where every name in a wheel is ASCII, the text is the same in every code page but for the branches of trees."""
    plain = in_utf_8(arguments)
    paged = wheel_audit(*arguments, folder=WHEELS, variables={"PYTHONIOENCODING": encoding})
    drawable = encoding not in {"ascii", "cp1252"}
    expected = plain.output if drawable else terminal.drawable(plain.output, encoding)
    assert paged.raw.decode(encoding) == expected
    assert "\\u" not in expected
    assert paged.status == plain.status
    assert any(one in plain.output for one in DRAWN) is (arguments[0] == "facts")


def test_branches_in_ascii() -> None:
    """Only the branches at the beginning of a line are drawn otherwise: a name in a wheel keeps its letters."""
    drawn = "a\n├── b\n│   ├── c└── \n│   └── d│\n└── ─\n    └── e\n"
    assert terminal.drawable(drawn, "utf-8") == terminal.drawable(drawn, None) == drawn
    assert terminal.drawable(drawn, "cp437") == drawn
    assert terminal.drawable(drawn, "cp1252") == "a\n|-- b\n|   |-- c└── \n|   `-- d│\n`-- ─\n    `-- e\n"


@pytest.mark.parametrize("name", sorted(set(FORMATS) - {"text"}))
def test_formats_for_programs_have_no_carriage_return(name: str) -> None:
    """What a program reads is written in UTF-8 with line feeds, whatever the console has."""
    outcome = wheel_audit("--format", name, BAD, variables={"PYTHONIOENCODING": "cp1252"})
    assert outcome.status == 1
    assert outcome.raw
    assert b"\r" not in outcome.raw
    assert outcome.raw == wheel_audit("--format", name, BAD).raw


def test_no_file_is_read_or_written_in_the_encoding_of_the_machine(tmp_path: Path) -> None:
    """Python tells of every file that is opened without an encoding (PEP 597): none of them is ours."""
    (tmp_path / "wheel-audit.toml").write_bytes(b'ignore = ["wheel-tag-mismatch"]\r\n')
    outputs = [f"--output={name}:report-{name}" for name in FORMATS]
    outcome = wheel_audit(
        *outputs, "--write-baseline=baseline.json", BAD, folder=tmp_path, variables={"PYTHONWARNDEFAULTENCODING": "1"}
    )
    assert outcome.status == 1
    ours = [
        line for line in outcome.errors.splitlines() if "EncodingWarning" in line and f"{os.sep}auditor{os.sep}" in line
    ]
    assert ours == []


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"], ids=["plain", "with a byte order mark"])
def test_settings_with_the_line_ends_of_windows(start: bytes, tmp_path: Path) -> None:
    """A settings file from an editor of Windows says the same: CRLF, and the mark that Notepad writes first."""
    (tmp_path / "wheel-audit.toml").write_bytes(
        start + b'ignore = [\r\n  "wheel-tag-mismatch",\r\n  "python_abi",\r\n]\r\n'
    )
    outcome = wheel_audit("--format", "json", BAD, folder=tmp_path)
    assert (outcome.status, outcome.errors) == (0, "")


@pytest.mark.parametrize("part", ["METADATA", "WHEEL", "RECORD"])
def test_line_ends_in_a_wheel_do_not_matter(part: str) -> None:
    """A wheel whose METADATA, WHEEL or RECORD was written with CRLF has the same findings: none."""
    plain = build_wheel(DEMO)
    with zipfile.ZipFile(BytesIO(plain.data)) as archive:
        content = archive.read(f"demo-1.0.dist-info/{part}").replace(b"\n", b"\r\n")
    field = {"METADATA": "metadata", "WHEEL": "wheel_file", "RECORD": "record"}[part]
    wheel = build_wheel(replace(DEMO, **{field: content}))  # type: ignore[arg-type]
    assert wheel.data != plain.data
    assert audit(plain.data, filename=plain.filename).findings == ()
    assert audit(wheel.data, filename=wheel.filename).findings == ()


def test_a_pattern_that_no_shell_replaced(tmp_path: Path) -> None:
    """`dist/*.whl` arrives as it is from cmd.exe: it stands for what matches it, sorted, each once."""
    names = [build_wheel(WheelSpec(name=name)).write(tmp_path).name for name in ("beta", "alpha", "Gamma")]
    found, _ = expand((str(tmp_path / "*.whl"), str(tmp_path / names[0])))
    assert found == [str(tmp_path / name) for name in sorted(names)]


@pytest.mark.parametrize("path", ["*.whl", "missing/*.whl", "a[b.whl", "*\0.whl", "\0/*.whl"])
def test_a_pattern_without_a_match_does_not_exist(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pattern that nothing matches is a path at which nothing is."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PathNotFoundError):
        expand((path,))


def test_a_name_with_brackets_is_no_pattern(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is there is meant, though its name would be a pattern for something else."""
    monkeypatch.chdir(tmp_path)
    for name in ("a[bc].whl", "ab.whl"):
        (tmp_path / name).write_bytes(b"")
    assert expand(("a[bc].whl",))[0] == ["a[bc].whl"]


def test_spellings_of_one_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wheel is audited once and shown as it was spelled first; `..` leads where the system says that it does."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dist").mkdir()
    name = build_wheel(DEMO).write(tmp_path / "dist").name
    spelled = (f"./dist//{name}", "dist", f"dist/{name}", f"dist/../dist/{name}")
    assert expand(spelled)[0] == [f"./dist//{name}"]


def test_a_name_that_windows_cannot_have(monkeypatch: pytest.MonkeyPatch) -> None:
    """`a<b>.whl` fails on Windows with EINVAL and a number of its own: nothing is there. EINVAL alone says less."""

    def refuse(_: str) -> os.stat_result:
        raise failure

    failure = OSError(errno.EINVAL, "Invalid argument")
    with monkeypatch.context() as patched:
        patched.setattr("auditor.cli.paths.os.stat", refuse)
        assert expand(("a<b>.whl",))[0] == ["a<b>.whl"]
        failure.winerror = 123  # type: ignore[attr-defined,unused-ignore]
        with pytest.raises(PathNotFoundError):
            expand(("a<b>.whl",))


def test_the_reader_that_went_away_on_windows(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A pipe that nobody reads is EPIPE here; on Windows EINVAL too, which elsewhere is an error of the output."""

    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr("click.echo", fail)
    monkeypatch.setattr(terminal, "drop", lambda _: None)
    monkeypatch.setattr(terminal, "_NO_READER", {errno.EPIPE})
    with pytest.raises(OSError, match="Invalid argument"):
        terminal.write("text")
    monkeypatch.setattr(terminal, "_NO_READER", {errno.EPIPE, errno.EINVAL})
    terminal.write("text")
    assert capsys.readouterr() == ("", "")


def test_an_error_of_windows_is_no_reader_that_went_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python has EINVAL for each error of Windows that it has no errno for: such a one is never an exit status of 0."""
    monkeypatch.setattr(terminal, "_NO_READER", {errno.EPIPE, errno.EINVAL})
    error = OSError(errno.EINVAL, "Invalid argument")
    assert terminal.has_no_reader(error)
    error.winerror = 234  # type: ignore[attr-defined,unused-ignore]
    assert not terminal.has_no_reader(error)
    assert not terminal.has_no_reader(OSError(errno.EINVAL, "Invalid argument", "report.html"))
    assert not terminal.has_no_reader(OSError(errno.ENOSPC, "No space left on device"))


def test_a_path_that_windows_cannot_resolve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On some network drives `os.path.realpath` raises: the report is written to the path as it was given."""

    def fail(path: str) -> str:
        raise OSError(errno.EINVAL, "More data is available", path)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("auditor.cli.outputs.os.path.realpath", fail)
    assert run(["--output", "html:report.html", "--output", "json:-", str(BAD)]) == 1
    assert (tmp_path / "report.html").read_bytes().startswith(b"<!DOCTYPE html>")
    assert run(["--output", "report.html", "--output", str(tmp_path / "report.html"), str(BAD)]) == 2
