"""What the command does when something goes wrong that no wheel can bring about: faults of ours, interruptions."""

from __future__ import annotations

import errno
import io
import os
import runpy
import sys
from typing import TYPE_CHECKING

import click
import pytest

from auditor import AuditError, ReleaseReport, Rule, Severity, __version__, judge
from auditor.cli import main, terminal
from auditor.cli.app import run
from auditor.cli.catalogue import explanation, listing, listing_json
from auditor.cli.paths import expand, require_file
from auditor.errors import NoWheelError, PathNotFoundError, UnreadableError
from auditor.findings import PyPIAnswer
from auditor.rules import ALL_RULES
from auditor.settings import UnknownRuleError
from tests.cli.command import fixture

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from auditor import NotJudged, Report, Settings, WheelFacts
    from auditor.rules import Hit
    from auditor.rules.context import Context

BAD = str(fixture("cp313-cp313-win_amd64", "bad"))
GOOD = str(fixture("cp311-cp311-win_amd64"))


class Refusing(io.TextIOWrapper):
    """A stream that takes nothing."""

    def __init__(self, error: OSError) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8")
        self.error = error

    def write(self, text: str) -> int:
        """Fail."""
        assert text
        raise self.error


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """No colour, whatever the machine that runs the tests asks for."""
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.setenv("NO_COLOR", "1")


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        ([GOOD], 0),
        ([BAD], 1),
        (["--format", "json", BAD], 1),
        (["--format", "jsonl", GOOD], 0),
        (["--fail-on", "never", BAD], 0),
        (["facts", GOOD], 0),
        (["rules"], 0),
        (["rules", "--format", "json"], 0),
        (["explain", "zip-crc"], 0),
        (["explain", "archive"], 0),
        (["--help"], 0),
        (["--version"], 0),
        ([], 2),
        (["--no-such"], 2),
        (["explain", "no-such"], 2),
        (["a\0b"], 2),
    ],
)
def test_run_returns_the_status(arguments: list[str], status: int, capsys: pytest.CaptureFixture[str]) -> None:
    """`run` returns the exit status, and writes to exactly one of the two streams."""
    assert run(arguments) == status
    captured = capsys.readouterr()
    assert bool(captured.out) is not bool(captured.err)


def test_main_ends_the_process(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """`main` takes the arguments of the process and ends it with the status."""
    monkeypatch.setattr(sys, "argv", ["wheel-audit", GOOD])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    assert "1 wheel audited, passed" in capsys.readouterr().out


def test_python_m_auditor(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """`python -m auditor` is the command; to import the module runs nothing."""
    monkeypatch.setattr(sys, "argv", ["auditor", "--version"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("auditor", run_name="__main__")
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"wheel-audit, version {__version__}\n"
    runpy.run_module("auditor.__main__", run_name="imported")
    assert capsys.readouterr().out == ""


def test_what_cannot_be_read_is_reported_last(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A path that cannot be read costs no other wheel its report, and the status is 3 whatever they hold."""
    (tmp_path / "a.whl").mkdir()
    assert run([str(tmp_path), BAD]) == 3
    captured = capsys.readouterr()
    assert "1 wheel audited, failed" in captured.out
    assert "it is a directory, not a file" in captured.err


def test_a_fault_of_ours_hides_no_other_wheel(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An exception that nobody foresaw costs the one wheel: the others are reported, and the status is 3."""

    def broken(facts: WheelFacts, settings: Settings) -> Report:
        if facts.path == GOOD:
            raise ZeroDivisionError("\x1b[31mno")
        return judge(facts, settings)

    monkeypatch.setattr("auditor.cli.auditing.judge", broken)
    assert run([GOOD, BAD]) == 3
    captured = capsys.readouterr()
    assert "error[extension-suffix-mismatch]" in captured.out
    assert captured.err.startswith(
        f"error: `{GOOD}` could not be audited: a fault of wheel-audit itself, please report it"
        " (ZeroDivisionError in tests.cli.test_app, line "
    )
    assert captured.err.endswith(": \\x1b[31mno)\n")


def test_a_broken_rule_ends_with_3(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A rule that fails by itself is named as not judged; the other findings stand, and the status is 3."""

    def check(_wheel: WheelFacts, _context: Context) -> Iterator[Hit | NotJudged]:
        raise LookupError("a table is missing")

    rule = Rule("zz-broken", severity=Severity.ERROR, pypi=PyPIAnswer.ACCEPT, since="0.1", check=check)
    monkeypatch.setattr(sys.modules["auditor.judge"], "ALL_RULES", (*ALL_RULES, rule))
    assert run([BAD]) == 3
    output = capsys.readouterr().out
    assert "not judged[zz-broken]: the rule failed: LookupError: a table is missing" in output
    assert "error[extension-suffix-mismatch]" in output


def test_a_fault_of_ours_is_no_traceback(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """An exception anywhere else ends with 3 and one line."""

    def broken() -> str:
        raise RuntimeError("oh")

    monkeypatch.setattr("auditor.cli.catalogue.listing", broken)
    assert run(["rules"]) == 3
    error = capsys.readouterr().err
    assert error.startswith("error: a fault of wheel-audit itself, please report it (RuntimeError in ")
    assert error.count("\n") == 1


def test_an_interruption_ends_with_130(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Control-C is neither a verdict nor a fault."""

    def interrupted(*_: object, **__: object) -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr("auditor.cli.auditing.read_wheel", interrupted)
    assert run([GOOD]) == 130
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.strip() == "interrupted"


def test_an_error_of_the_library_keeps_its_status(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What stops a command carries the status that it ends with."""

    def stopped(*_: object, **__: object) -> object:
        raise AuditError("no more")

    monkeypatch.setattr("auditor.archive.reader.read_wheel", stopped)
    assert run(["facts", GOOD]) == 3
    assert capsys.readouterr().err == "error: no more\n"


def test_a_click_exception_without_a_context(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What click raises by itself is wrong usage too."""

    def raising(*_: object, **__: object) -> object:
        raise click.ClickException("not so")

    monkeypatch.setattr("auditor.cli.catalogue.explanation", raising)
    assert run(["explain", "x"]) == 2
    assert capsys.readouterr().err == "error: not so (`wheel-audit --help` tells more)\n"


@pytest.mark.parametrize(
    ("error", "arguments", "status"),
    [
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), [BAD], 1),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), ["--help"], 0),
        (OSError(errno.ENOSPC, "No space left on device"), [GOOD], 3),
        (OSError("odd"), [GOOD], 3),
    ],
)
def test_output_that_cannot_be_written(
    error: OSError,
    arguments: list[str],
    status: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A closed pipe leaves the verdict as it is; a full disk ends with 3."""
    monkeypatch.setattr(sys, "stdout", Refusing(error))
    assert run(arguments) == status
    captured = capsys.readouterr()
    reason = f"error: the output could not be written: {error.strerror or error}\n"
    assert captured.err == (reason if status == 3 else "")


def test_complaints_never_raise(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where standard error cannot be written either, the status is all that is left."""
    monkeypatch.setattr(sys, "stderr", Refusing(OSError(errno.ENOSPC, "No space left on device")))
    assert run(["missing.whl"]) == 2


def test_drop_sends_what_follows_nowhere(tmp_path: Path) -> None:
    """A dropped stream takes everything and keeps nothing."""
    with (tmp_path / "kept").open("w") as stream:
        stream.write("once\n")
        stream.flush()
        terminal.drop(stream)
        stream.write("never\n")
    assert (tmp_path / "kept").read_text() == "once\n"


def test_write_takes_bytes_as_they_are(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """Bytes reach standard output unchanged, text as its encoding has it."""
    terminal.write(b"\xff\n")
    terminal.write("text\n")
    assert capfdbinary.readouterr().out == b"\xff\ntext\n"


def test_streams_without_an_encoding_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Inside of another program standard output may be anything that takes text."""
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    assert run(["rules"]) == 0
    assert stream.getvalue() == listing()


def test_expand_keeps_the_order_and_drops_repetitions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths come in the order given, the wheels of a directory sorted, each once."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dist").mkdir()
    for name in ("b.whl", "a.whl", "a.zip"):
        (tmp_path / "dist" / name).write_bytes(b"")
    first, second = (os.path.join("dist", name) for name in ("a.whl", "b.whl"))  # noqa: PTH118
    assert expand((second, "dist", second)) == ([second, first], [])
    assert expand(("dist",)) == ([first, second], [])
    with pytest.raises(NoWheelError) as none:
        expand((second, str(tmp_path)))
    assert none.value.path == str(tmp_path)


def test_a_file_is_audited_once_however_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first spelling is kept; a link with another name is another wheel, a linked directory is not."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "a.whl").write_bytes(b"")
    name = os.path.join("dist", "a.whl")  # noqa: PTH118
    whole = str(tmp_path / name)
    dotted = os.path.join(".", name)  # noqa: PTH118
    around = os.path.join("dist", "..", name)  # noqa: PTH118
    for first in (name, whole, dotted, around):
        assert expand((first, name, whole, dotted, around, "dist", str(tmp_path / "dist"))) == ([first], [])
    (tmp_path / "copy").symlink_to("dist")
    (tmp_path / "b.whl").symlink_to(name)
    assert expand((name, "copy", "b.whl")) == ([name, "b.whl"], [])


def test_where_a_file_is_may_not_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system cannot say what a path leads to, the path stands for itself."""

    def refused(path: str) -> str:
        raise OSError(errno.EINVAL, path)

    monkeypatch.setattr("auditor.cli.paths.os.path.realpath", refused)
    assert expand((GOOD, GOOD, BAD)) == ([GOOD, BAD], [])


@pytest.mark.parametrize("path", ["", "missing", "a\0b", "x" * 5000])
def test_expand_of_what_is_not_there(path: str) -> None:
    """Nothing stands at an empty, an absent or an impossible path."""
    with pytest.raises(PathNotFoundError) as missing:
        expand((path,))
    assert missing.value.path == path


def test_what_only_opening_can_tell_is_left_to_the_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    """A path that the system does not let us look at is kept: the reader says why it cannot be read."""

    def refused(path: str, **_: object) -> os.stat_result:
        raise PermissionError(errno.EACCES, "Permission denied", path)

    expand((GOOD,))
    with monkeypatch.context() as patched:
        patched.setattr("auditor.cli.paths.os.stat", refused)
        assert expand(("secret.whl",)) == (["secret.whl"], [])
        require_file("secret.whl")


def test_require_file(tmp_path: Path) -> None:
    """A file passes; a directory is named as what it is."""
    require_file(GOOD)
    with pytest.raises(UnreadableError) as refused:
        require_file(str(tmp_path))
    assert refused.value.reason == "it is a directory, not a file"


def test_the_catalogue_for_people_and_programs() -> None:
    """Every rule can be explained, is listed once, and is in the JSON."""
    everything, rows = listing(), listing_json()
    for rule in ALL_RULES:
        assert explanation(rule.name).startswith(f"{rule.name}  ({rule.severity.value}; family {rule.family}; ")
        assert rule.documentation.rstrip() in explanation(rule.name)
        assert everything.count(f"\n  {rule.name} ") == 1
        assert f'"rule": "{rule.name}"' in rows
    with pytest.raises(UnknownRuleError):
        explanation("no-such-rule")


def test_no_wheel_is_no_pass() -> None:
    """A report of nothing says so, and is not green."""
    from auditor.report.text import render_text

    assert render_text(ReleaseReport(wheels=()), colour=True) == "\x1b[31;1mno wheel was audited\x1b[0m\n"
