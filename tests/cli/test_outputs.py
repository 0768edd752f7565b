"""Several reports at once, settings files, processes: what the command does with its options."""

from __future__ import annotations

import json
import os
import re
import shutil
from typing import TYPE_CHECKING

import pytest

from auditor import UsageError
from auditor.cli import auditing
from auditor.cli.app import run
from auditor.cli.outputs import Output, outputs, write_file
from auditor.report.formats import FORMATS
from tests.cli.command import WHEELS, fixture, wheel_audit

if TYPE_CHECKING:
    from pathlib import Path

GOOD = fixture("cp311-cp311-win_amd64")
BAD = fixture("cp313-cp313-win_amd64", "bad")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((), [("text", None)]),
        (("report.txt",), [("text", "report.txt")]),
        (("-",), [("text", None)]),
        (("json:r.json",), [("text", None), ("json", "r.json")]),
        (("json:-",), [("json", None)]),
        (("json:-", "sarif:s", "text"), [("json", None), ("sarif", "s"), ("text", "text")]),
        ((r"C:\reports\r.txt",), [("text", r"C:\reports\r.txt")]),
        ((r"json:C:\r.json",), [("text", None), ("json", r"C:\r.json")]),
        (("./a:b",), [("text", "./a:b")]),
    ],
)
def test_what_goes_where(values: tuple[str, ...], expected: list[tuple[str, str | None]]) -> None:
    """`FORMAT:FILE`, or `FILE` in the format of --format; standard output unless its report goes elsewhere."""
    assert outputs(values, "text") == [Output(format=name, path=path) for name, path in expected]


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        (("xml:r.xml",), "there is no format `xml`; did you mean `html`?"),
        (("JSON:r.json",), "there is no format `JSON`; did you mean `json`?"),
        (("zzzz:r",), "there is no format `zzzz` (there are text, json, "),
        (("json:",), "names no file"),
        (("json:a", "sarif:./a"), "two reports would be written to `./a`"),
        (("json:-", "text:-"), "two reports would be written to `-`"),
        (("json:no/such/r.json",), "the directory `no/such` does not exist"),
        (("json:..",), "`..` cannot be written: it is a directory"),
        (("json:a\0b",), "cannot be written: "),
    ],
)
def test_wrong_outputs(values: tuple[str, ...], problem: str) -> None:
    """What cannot be written is wrong usage before anything is audited."""
    with pytest.raises(UsageError) as raised:
        outputs(values, "text")
    assert problem in str(raised.value)


def test_every_format_to_a_file_of_its_own(tmp_path: Path) -> None:
    """A run writes all formats at once, each with the bytes that --format alone prints, and the text as ever."""
    options = [part for name, one in FORMATS.items() for part in ("--output", f"{name}:r-{name}{one.suffix}")]
    outcome = wheel_audit("--output", "text:-", *options, BAD, folder=tmp_path)
    assert (outcome.status, outcome.errors) == (1, "")
    assert outcome.raw == wheel_audit(BAD, folder=tmp_path).raw
    assert sorted(one.name for one in tmp_path.iterdir()) == sorted(
        f"r-{name}{one.suffix}" for name, one in FORMATS.items()
    )
    for name, one in FORMATS.items():
        printed = wheel_audit("--format", name, BAD, folder=tmp_path)
        assert printed.status == 1
        written = (tmp_path / f"r-{name}{one.suffix}").read_bytes()
        assert written.replace(b"\r\n", b"\n") == printed.raw.replace(b"\r\n", b"\n"), name
        assert written.endswith(b"\n")


def test_a_file_alone_takes_the_place_of_what_is_printed(tmp_path: Path) -> None:
    """`--output FILE` is in the --format, and nothing is printed."""
    outcome = wheel_audit("--format", "json", "--output", "r.json", GOOD, folder=tmp_path)
    assert (outcome.status, outcome.output, outcome.errors) == (0, "", "")
    assert json.loads((tmp_path / "r.json").read_text())["summary"]["wheels"] == 1


def test_a_directory_that_does_not_exist_is_wrong_usage(tmp_path: Path) -> None:
    """Nothing is audited where a report has no place to go."""
    outcome = wheel_audit("--output", "json:no/r.json", GOOD, folder=tmp_path)
    assert (outcome.status, outcome.output) == (2, "")
    assert outcome.errors == "error: `no/r.json` cannot be written: the directory `no` does not exist\n"


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that cannot be written leaves the old one, and nothing beside it."""
    path = tmp_path / "r.json"
    write_file(str(path), b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("pathlib.Path.replace", full)
        with pytest.raises(OSError, match="No space left"):
            write_file(str(path), b"new")
        assert run(["--isolated", "-q", "--output", f"json:{path}", str(GOOD)]) == 3
    assert [one.name for one in tmp_path.iterdir()] == ["r.json"]
    assert path.read_bytes() == b"old"
    write_file(str(path), b"new")
    assert path.read_bytes() == b"new"


@pytest.mark.skipif(os.name != "posix", reason="links and devices as POSIX has them")
def test_links_and_devices_are_written_into(tmp_path: Path) -> None:
    """A symbolic link stays one, and a device is no file to replace."""
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    write_file(str(tmp_path / "link"), b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"
    write_file(os.devnull, b"x")
    assert not os.path.isfile(os.devnull)  # noqa: PTH113
    assert (tmp_path / "real").stat().st_mode & 0o777 == 0o666 & ~_umask()


def _umask() -> int:
    """The mask of new files."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_jobs_change_no_byte() -> None:
    """Several processes say what one says, in the same order."""
    for options in (("--format", "json"), ("--format", "html"), ("-v",)):
        one, two = (wheel_audit("--isolated", "--jobs", jobs, *options, "good", "bad", folder=WHEELS) for jobs in "12")
        assert (one.status, one.errors) == (1, "")
        assert one.raw == two.raw


def test_how_many_jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One for a few or small wheels, else one for each processor, and never more than there are wheels."""
    monkeypatch.setattr(auditing, "_processors", lambda: 8)
    large, small = str(tmp_path / "large"), str(tmp_path / "small")
    (tmp_path / "small").write_bytes(b"")
    with (tmp_path / "large").open("wb") as file:
        file.truncate(auditing.SMALL // 5 + 1)
    assert [auditing.jobs_for([large] * wheels, None) for wheels in (1, 4, 5, 100)] == [1, 1, 5, 8]
    assert auditing.jobs_for([small] * 100, None) == auditing.jobs_for(["missing"] * 100, None) == 1
    assert [auditing.jobs_for([small] * wheels, 3) for wheels in (1, 2, 100)] == [1, 2, 3]
    assert auditing.jobs_for([small] * 1000, 1000) == auditing.MOST_JOBS
    assert wheel_audit("--jobs", "0", GOOD).status == 2


def test_the_processors_of_this_process() -> None:
    """There is at least one."""
    assert auditing._processors() >= 1


def test_what_cannot_be_read_in_a_process(tmp_path: Path) -> None:
    """A directory named like a wheel costs the others nothing, and is in the report."""
    (tmp_path / "demo-1.0-py3-none-any.whl").mkdir()
    shutil.copy(BAD, tmp_path)
    for jobs in ("1", "2"):
        outcome = wheel_audit("--jobs", jobs, "--format", "json", ".", folder=tmp_path)
        assert outcome.status == 3
        message = "`demo-1.0-py3-none-any.whl` cannot be read: it is a directory, not a file"
        assert outcome.errors == f"error: {message}\n"
        report = json.loads(outcome.output)
        assert report["unreadable"] == [{"path": "demo-1.0-py3-none-any.whl", "message": message}]
        assert [one["filename"] for one in report["wheels"]] == [BAD.name]


def test_the_settings_file_and_the_options(tmp_path: Path) -> None:
    """The file is found; an option stands in place of what it says; --isolated passes it over."""
    (tmp_path / "wheel-audit.toml").write_bytes(b'fail-on = "never"\r\nignore = ["layout"]\r\n')
    assert wheel_audit(BAD, folder=tmp_path).status == 0
    assert "suppressed" in wheel_audit(BAD, folder=tmp_path).output
    assert wheel_audit("--fail-on", "error", BAD, folder=tmp_path).status == 1
    assert wheel_audit("--isolated", BAD, folder=tmp_path).status == 1
    assert wheel_audit("--no-config", BAD, folder=tmp_path).status == 1
    (tmp_path / "other.toml").write_text('profile = "pypi"')
    assert wheel_audit("--config", "other.toml", BAD, folder=tmp_path).status == 0
    assert wheel_audit("--config", "other.toml", "--profile", "default", BAD, folder=tmp_path).status == 1
    verbose = wheel_audit("-v", "--ignore", "python_abi", BAD, folder=tmp_path).output
    assert "(`python_abi` is ignored)" in " ".join(verbose.split())
    assert "`layout` is ignored" not in verbose


@pytest.mark.parametrize(
    ("options", "text", "problem"),
    [
        ((), "ignroe = []", "error: `wheel-audit.toml`, `ignroe`: there is no such setting; did you mean `ignore`?\n"),
        (("--config", "missing.toml"), "", "error: `missing.toml` does not exist\n"),
        (("--config", "pyproject.toml"), "", "error: `pyproject.toml` does not exist\n"),
        (("--config", "x", "--isolated"), "", "error: `--isolated` and `--config` exclude each other\n"),
        (("--against", "missing"), "", "error: `missing` does not exist\n"),
    ],
)
def test_wrong_settings_are_wrong_usage(options: tuple[str, ...], text: str, problem: str, tmp_path: Path) -> None:
    """A settings file that is not understood ends with 2 and one line, and nothing is audited."""
    (tmp_path / "wheel-audit.toml").write_text(text)
    outcome = wheel_audit(*options, GOOD, folder=tmp_path)
    assert (outcome.status, outcome.output, outcome.errors) == (2, "", problem)


def test_unused_ignores_are_told_and_fail_nothing(tmp_path: Path) -> None:
    """A note in the text, a field in the JSON, and the status stays."""
    outcome = wheel_audit("--ignore", "zip-crc", GOOD, folder=tmp_path)
    assert outcome.status == 0
    assert "note: `zip-crc` in `ignore` met no finding\n" in outcome.output
    assert "note:" not in wheel_audit("--ignore", "zip-crc", "-q", GOOD, folder=tmp_path).output
    rows = json.loads(wheel_audit("--ignore", "zip-crc", "--format", "json", GOOD, folder=tmp_path).output)
    assert rows["summary"]["unused_ignores"] == ["`zip-crc` in `ignore`"]


EXPECTED = '[expected-matrix]\ncp311 = ["win_amd64", "manylinux_x86_64"]\n'


def test_an_expected_matrix_is_of_a_release(tmp_path: Path) -> None:
    """A directory is held against the expected matrix even where it has one wheel; one wheel by itself is not."""
    (tmp_path / "wheel-audit.toml").write_text(EXPECTED)
    (tmp_path / "dist").mkdir()
    shutil.copy(GOOD, tmp_path / "dist")
    whole = wheel_audit("--format", "json", "dist", folder=tmp_path)
    assert "release-gap" in {one["rule"] for one in json.loads(whole.output)["release"]["findings"]}
    alone = wheel_audit("--format", "json", os.path.join("dist", GOOD.name), folder=tmp_path)  # noqa: PTH118
    assert json.loads(alone.output)["release"] is None


def test_a_release_with_its_sdist(tmp_path: Path) -> None:
    """A directory brings its source distributions, which are not audited; alone they are nothing to audit."""
    (tmp_path / "dist").mkdir()
    shutil.copy(GOOD, tmp_path / "dist")
    sdist = tmp_path / "dist" / "my_extension-0.1.0.tar.gz"
    sdist.write_bytes(b"")
    report = json.loads(wheel_audit("--format", "json", "dist", folder=tmp_path).output)
    assert report["release"]["matrix"]["sdists"] == [sdist.name]
    assert report["summary"]["wheels"] == 1
    named = wheel_audit("--format", "json", GOOD, sdist, folder=tmp_path)
    assert json.loads(named.output)["release"]["matrix"]["sdists"] == [sdist.name]
    nothing = wheel_audit(sdist)
    assert (nothing.status, nothing.output) == (2, "")
    assert "there is no wheel to audit" in nothing.errors


def test_against_a_previous_release(tmp_path: Path) -> None:
    """--against takes a directory of wheels or a JSON report, tells what was dropped, refuses the same wheels."""
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
    shutil.copy(GOOD, tmp_path / "new")
    for wheel in (GOOD, fixture("cp311-cp311-musllinux_1_2_x86_64")):
        shutil.copy(wheel, tmp_path / "old" / wheel.name.replace("-0.1.0-", "-0.0.9-"))
    wheel_audit("--output", "json:old.json", "old", folder=tmp_path)
    for previous in ("old", "old.json"):
        outcome = wheel_audit("--against", previous, "--format", "json", "new", folder=tmp_path)
        assert outcome.errors == ""
        found = {one["rule"] for one in json.loads(outcome.output)["release"]["findings"]}
        assert "release-floor-raised" in found
    same = wheel_audit("--against", "new", "--format", "json", "new", folder=tmp_path)
    assert (same.status, same.output) == (2, "")
    assert same.errors.startswith("error: the previous release, `my-extension 0.1.0`, is made of the very wheels")


def test_the_matrix(tmp_path: Path) -> None:
    """`matrix` draws who is served in four formats, and judges nothing."""
    text = wheel_audit("matrix", "good", folder=WHEELS)
    assert (text.status, text.errors) == (0, "")
    assert text.output.startswith("my-extension 0.1.0: who is served\n")
    markdown = wheel_audit("matrix", "good", "--format", "markdown", folder=WHEELS)
    assert "| --- |" in re.sub("-{3,}", " --- ", markdown.output)
    rows = json.loads(wheel_audit("matrix", "good", "--format", "json", folder=WHEELS).output)
    (matrix,) = rows["matrices"]
    assert (rows["schema"], matrix["project"], matrix["version"]) == (1, "my-extension", "0.1.0")
    page = wheel_audit("matrix", "good", "--format", "html", folder=WHEELS)
    assert page.output.startswith("<!DOCTYPE html>")
    assert "my-extension" in page.output
    (tmp_path / "wheel.whl").write_bytes(b"")
    wrong = wheel_audit("matrix", "wheel.whl", folder=tmp_path)
    assert (wrong.status, wrong.output) == (3, "")
    missing = wheel_audit("matrix", "missing.whl", folder=tmp_path)
    assert (missing.status, missing.errors) == (2, "error: `missing.whl` does not exist\n")


def test_the_schema_is_served() -> None:
    """`schema` prints the JSON Schema that is committed."""
    from auditor.report.schema import SCHEMA_FILE

    outcome = wheel_audit("schema")
    assert (outcome.status, outcome.errors) == (0, "")
    assert json.loads(outcome.output) == json.loads(SCHEMA_FILE.read_text("utf-8"))


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_programs_get_utf_8_whatever_the_console_has(encoding: str, tmp_path: Path) -> None:
    """A report for programs is the same bytes under every code page."""
    for name in FORMATS:
        outcome = wheel_audit("--format", name, BAD, variables={"PYTHONIOENCODING": encoding}, folder=tmp_path)
        assert outcome.status == 1
        outcome.raw.decode("utf-8")
