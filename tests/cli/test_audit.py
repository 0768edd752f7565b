"""The audit command within this process: every option through the code that wires it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from auditor.cli import auditing
from auditor.cli.app import run
from auditor.findings import Unreadable
from auditor.settings import DEFAULT
from tests.builders import ZipEntry, build_zip
from tests.cli.command import WHEELS, fixture

GOOD = str(fixture("cp311-cp311-win_amd64"))
BAD = str(fixture("cp313-cp313-win_amd64", "bad"))


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty repository as the current directory, and no colour."""
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.setenv("NO_COLOR", "1")


def test_outputs_and_baseline(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Reports and the baseline are written beside what is printed; the next run lives with it."""
    assert run(["--output", "json:r.json", "--output", "html:r.html", "--write-baseline", "b.json", BAD]) == 1
    assert capsys.readouterr().out.startswith("FAIL")
    assert sorted(one.name for one in tmp_path.iterdir()) == [".git", "b.json", "r.html", "r.json"]
    assert run(["--baseline", "b.json", "--profile", "default", "--fail-on", "error", BAD]) == 0
    assert run(["--output", "text:a", "--output", "json:a", BAD]) == 2
    assert run(["--output", "xml:a", BAD]) == 2
    assert run(["--output", "json:", BAD]) == 2
    assert run(["--output", ".", BAD]) == 2
    assert run(["--output", "no/a", BAD]) == 2
    assert run(["--isolated", "--config", "x", BAD]) == 2


def test_a_written_report_that_fails_ends_with_3(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What cannot be written is told, and the other reports are written."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", full)
    assert run(["--output", "json:r.json", GOOD]) == 3
    captured = capsys.readouterr()
    assert captured.err == "error: `r.json` could not be written: No space left on device\n"
    assert "1 wheel audited, passed" in captured.out


def test_settings_of_the_directory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What the file ignores is set aside with its reason; what met nothing is told."""
    (tmp_path / "wheel-audit.toml").write_text("ignore = { python_abi = 'we know', layout = 'too', zip-crc = 'gone' }")
    assert run(["--verbose", BAD]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "(we know)" in text
    assert "note: `zip-crc` in `ignore` met no finding" in text
    assert run(["--isolated", BAD]) == 1


def test_a_selection_that_came_out_empty_is_not_everything(capsys: pytest.CaptureFixture[str]) -> None:
    """`--select ""` is refused as an empty list in the file is; `--ignore ""` sets nothing aside."""
    for empty in ("", " , "):
        assert run(["--select", empty, GOOD]) == 2
        assert capsys.readouterr().err == "error: `--select` names no rule and no family\n"
    assert run(["--select", "", "--select", "linux", GOOD]) == 0
    assert run(["--ignore", "", BAD]) == 1
    assert run(["--fail-on", "info", "--quiet", GOOD]) == 1


def test_processes_and_previous_release(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Several processes say what one says; the release before may be a directory."""
    for name in ("dist", "before"):
        (tmp_path / name).mkdir()
    for wheel in (GOOD, BAD):
        shutil.copy(wheel, tmp_path / "dist")
        shutil.copy(wheel, tmp_path / "before" / Path(wheel).name.replace("-0.1.0-", "-0.0.9-"))
    said = []
    for jobs in "12":
        assert run(["--jobs", jobs, "--against", "before", "--format", "json", "dist"]) == 1
        said.append(capsys.readouterr().out)
    assert said[0] == said[1]
    assert json.loads(said[0])["release"]["matrix"]["project"] == "my-extension"


def test_interrupted_while_processes_work(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Control-C while processes work ends with 130, and nothing is reported."""

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("auditor.cli.processes.wait", interrupted)
    assert run(["--jobs", "2", GOOD, BAD]) == 130
    assert capsys.readouterr().out == ""


def test_one_wheel_is_never_an_exception(tmp_path: Path) -> None:
    """What stops one wheel is told of it: a path that is no file, a fault of ours."""
    (tmp_path / "a.whl").mkdir()
    directory = auditing.audit_one("a.whl", DEFAULT)
    assert isinstance(directory, Unreadable)
    assert directory.message == "`a.whl` cannot be read: it is a directory, not a file"
    whole = auditing.audit_one(GOOD, DEFAULT, with_trees=True)
    assert isinstance(whole, auditing.Audited)
    assert whole.resolutions
    assert whole.summary is not None


@pytest.mark.parametrize(
    ("format_", "start"),
    [
        ("text", "my-extension 0.1.0: who is served\n"),
        ("markdown", "### my-extension 0.1.0\n\n| |"),
        ("json", '{\n  "schema": 1,'),
        ("html", "<!DOCTYPE html>"),
    ],
)
def test_matrix(format_: str, start: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each format has the matrix."""
    assert run(["matrix", str(WHEELS / "good"), "--format", format_]) == 0
    assert capsys.readouterr().out.startswith(start)


def test_matrix_of_no_wheel(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A source distribution alone is no release."""
    (tmp_path / "demo-1.0.tar.gz").write_bytes(b"")
    assert run(["matrix", "demo-1.0.tar.gz"]) == 2
    assert capsys.readouterr().err == (
        "error: `demo-1.0.tar.gz` is a source distribution, and there is no wheel to audit\n"
    )


WHOLE = Path(GOOD).read_bytes()
_NO_ARCHIVE = "cannot be opened as an archive, so it serves nobody"
SERVES_NOBODY = {
    "demo-1.0-cp312-cp312-win_amd64.whl": (b"", _NO_ARCHIVE),
    "demo-1.0-cp313-cp313-win_amd64.whl": (b"<html>", _NO_ARCHIVE),
    "demo-1.0-cp314-cp314-win_amd64.whl": (WHOLE[:5000], _NO_ARCHIVE),
    "demo-1.0-cp310-cp310-win_amd64.whl": (
        build_zip((ZipEntry(name="a.txt", content=b"a"),)),
        "has no dist-info directory, so it serves nobody",
    ),
    "wheel.whl": (WHOLE, "has not the name of a wheel, so nobody would be given it"),
    "demo-1.0-cp315-cp315-win_amd64.whl": (None, "cannot be read: it is a directory, not a file"),
}


@pytest.mark.parametrize("name", list(SERVES_NOBODY))
def test_the_matrix_leaves_out_what_nobody_can_install(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The others are drawn as they would be without it, it is named on standard error, and the status is 3."""
    shutil.copy(GOOD, tmp_path)
    assert run(["matrix", "."]) == 0
    alone = capsys.readouterr().out
    content, words = SERVES_NOBODY[name]
    if content is None:
        (tmp_path / name).mkdir()
    else:
        (tmp_path / name).write_bytes(content)
    assert run(["matrix", "."]) == 3
    shown = capsys.readouterr()
    assert shown.out == alone
    assert shown.err.startswith(f"error: `{name}` {words}")
    assert shown.err.count("\n") == 1
    assert run(["matrix", "--format", "json", "."]) == 3
    (left_out,) = json.loads(capsys.readouterr().out)["unreadable"]
    assert left_out["path"] == name
    if content is not None:
        assert run(["matrix", name]) == 3
        assert capsys.readouterr().out == ""


def test_the_matrix_takes_the_options_of_the_settings_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What stands behind an audit may stand behind the matrix: a file that is wrong is wrong here as well."""
    (tmp_path / "own.toml").write_text('profile = "pypi"')
    (tmp_path / "wrong.toml").write_text('profil = "pypi"')
    for options in (["--isolated"], ["--no-config"], ["--config", "own.toml"]):
        assert run(["matrix", str(GOOD), *options]) == 0
    for options in (["--config", "none.toml"], ["--config", "wrong.toml"], ["--config", "own.toml", "--isolated"]):
        assert run(["matrix", str(GOOD), *options]) == 2
        assert capsys.readouterr().err.startswith("error: ")


def test_schema(capsys: pytest.CaptureFixture[str]) -> None:
    """The schema is printed."""
    assert run(["schema"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "The report of wheel-audit"
