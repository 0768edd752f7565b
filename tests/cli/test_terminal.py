"""What a person at a terminal sees: colour, the width, the progress line, and nothing that a wheel could inject."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from auditor.cli import terminal
from auditor.cli.progress import Progress
from tests.builders import Member, WheelSpec, build_wheel
from tests.cli.command import TIMEOUT, WHEELS, command_line, environment, fixture, wheel_audit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

BAD = fixture("cp313-cp313-win_amd64", "bad")
GOOD = fixture("cp311-cp311-win_amd64")
RED, GREEN = "\x1b[31;1m", "\x1b[32;1m"
needs_pty = pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals are POSIX's")


class Terminal(io.StringIO):
    """Text that says it is a terminal."""

    def isatty(self) -> bool:
        """A person looks at it."""
        return True


def at_a_terminal(
    command: list[str | bytes | Path], *, variables: Mapping[str, str] | None = None, columns: int = 80
) -> tuple[int, str]:
    """Run a command in a pseudo-terminal of that width: its status, and all that the terminal was sent."""
    import fcntl
    import pty
    import struct
    import termios

    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with subprocess.Popen(
        command,
        env=environment({"TERM": "xterm-256color", **(variables or {})}),
        stdin=follower,
        stdout=follower,
        stderr=follower,
        cwd=WHEELS,
    ) as running:
        os.close(follower)
        received = b""
        while True:
            try:
                piece = os.read(leader, 65536)
            except OSError:
                # Linux ends so, once nobody holds the other side.
                break
            if not piece:
                break
            received += piece
        os.close(leader)
        return running.wait(TIMEOUT), received.decode().replace("\r\n", "\n")


@needs_pty
def test_a_terminal_gets_colour() -> None:
    """At a terminal the verdict of a wheel is red or green, and every colour is switched off again."""
    status, bad = at_a_terminal(command_line(BAD))
    assert status == 1
    assert bad.startswith(f"{RED}FAIL\x1b[0m")
    assert bad.count("\x1b[0m") * 2 == bad.count("\x1b[")
    status, good = at_a_terminal(command_line(GOOD))
    assert status == 0
    assert good.startswith(f"{GREEN}ok  \x1b[0m")


@needs_pty
@pytest.mark.parametrize("variables", [{"NO_COLOR": "1"}, {"TERM": "dumb"}, {"NO_COLOR": "1", "FORCE_COLOR": "1"}])
def test_no_color_removes_it(variables: dict[str, str]) -> None:
    """NO_COLOR wins over everything; a dumb terminal gets no colour either."""
    _, text = at_a_terminal(command_line(BAD), variables=variables)
    assert "\x1b" not in text
    assert text.startswith("FAIL  ")


def test_a_pipe_gets_colour_by_force_alone() -> None:
    """In a pipe there is no colour, unless FORCE_COLOR is set to something."""
    assert "\x1b" not in wheel_audit(BAD).output
    assert "\x1b" not in wheel_audit(BAD, variables={"FORCE_COLOR": ""}).output
    assert wheel_audit(BAD, variables={"FORCE_COLOR": "1"}).output.startswith(f"{RED}FAIL")
    assert "\x1b" not in wheel_audit(BAD, variables={"FORCE_COLOR": "1", "NO_COLOR": "1"}).output


@pytest.mark.parametrize("format_", ["json", "jsonl"])
def test_json_is_never_coloured(format_: str) -> None:
    """FORCE_COLOR is about text for people."""
    assert "\x1b" not in wheel_audit("--format", format_, BAD, variables={"FORCE_COLOR": "1"}).output


@needs_pty
@pytest.mark.parametrize("columns", [60, 80, 119])
def test_the_text_keeps_to_the_width(columns: int) -> None:
    """No line passes the terminal's edge but where one name is longer than the line."""
    _, text = at_a_terminal(command_line("bad"), variables={"NO_COLOR": "1"}, columns=columns)
    for line in text.splitlines():
        words = line.removeprefix("FAIL  ").removeprefix("    | ").split()
        assert len(line) <= columns or len(words) == 1, line


@needs_pty
def test_a_wide_terminal_is_not_filled() -> None:
    """Lines end at 120 columns, because longer ones are hard to read."""
    _, text = at_a_terminal(command_line("bad"), variables={"NO_COLOR": "1"}, columns=400)
    assert 100 < max(len(line) for line in text.splitlines()) <= 120


PATIENCE = """
import sys
from auditor.cli import progress
from auditor.cli.app import run
progress._PATIENCE, progress._PAUSE = float(sys.argv[1]), 0.0
sys.exit(run(sys.argv[2:]))
"""


@needs_pty
def test_the_progress_line_comes_and_goes() -> None:
    """A person who waits sees which wheel is read; at the end the line is erased, before the report."""
    status, text = at_a_terminal([sys.executable, "-c", PATIENCE, "0", "good"], variables={"NO_COLOR": "1"})
    assert status == 0
    before, erased, report = text.rpartition("\r\x1b[K")
    assert erased
    assert "\r\x1b[Kauditing 1 of 18: my_extension-0.1.0-" in before
    assert "\r\x1b[Kauditing 18 of 18: " in before
    assert report.startswith("ok    good/")
    assert all(len(line) < 80 for line in before.split("\r\x1b[K"))


@needs_pty
def test_the_progress_line_waits_a_second() -> None:
    """Who does not wait sees no progress line, nor does a dumb terminal."""
    _, quick = at_a_terminal([sys.executable, "-c", PATIENCE, "60", "bad"], variables={"NO_COLOR": "1"})
    assert "auditing" not in quick
    _, dumb = at_a_terminal([sys.executable, "-c", PATIENCE, "0", "bad"], variables={"TERM": "dumb"})
    assert "auditing" not in dumb


def test_no_progress_line_without_a_terminal() -> None:
    """In a pipe there is no progress line, however long it takes."""
    done = subprocess.run(
        [sys.executable, "-c", PATIENCE, "0", "bad"],
        env=environment(),
        cwd=WHEELS,
        capture_output=True,
        check=False,
        timeout=TIMEOUT,
    )
    assert (done.returncode, done.stderr) == (1, b"")


def test_progress_in_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """The line appears after the patience, no more often than the pause allows, and is cut to one line."""
    now = iter([100.0, 100.5, 101.5, 101.55, 103.0])
    monkeypatch.setattr("auditor.cli.progress.time.monotonic", lambda: next(now))
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.delenv("TERM", raising=False)
    stream = Terminal()
    with Progress(4, stream) as line:
        for path in ("a/one.whl", "a/two.whl", "a/three.whl", "a/\x1b[2Jfour" + "r" * 60):
            line.begin(path)
        shown = stream.getvalue()
    assert shown == "\r\x1b[Kauditing 2 of 4: two.whl\r\x1b[Kauditing 4 of 4: \\x1b[2Jfourrrrrrrrrrrr"
    assert stream.getvalue() == f"{shown}\r\x1b[K"


def test_progress_without_a_stream() -> None:
    """Where standard error is closed there is nobody to tell."""
    with Progress(1, None) as line:
        line.begin("a.whl")


def test_use_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    """Colour is for terminals that have it; the two variables overrule that, NO_COLOR first."""
    for name in ("NO_COLOR", "FORCE_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    assert terminal.use_colour(Terminal())
    assert not terminal.use_colour(io.StringIO())
    assert not terminal.use_colour(None)
    monkeypatch.setenv("TERM", "dumb")
    assert not terminal.use_colour(Terminal())
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert terminal.use_colour(None)
    monkeypatch.setenv("NO_COLOR", "1")
    assert not terminal.use_colour(Terminal())


def test_width(monkeypatch: pytest.MonkeyPatch) -> None:
    """The width is the terminal's up to 120, and 100 where there is no terminal."""
    monkeypatch.setenv("COLUMNS", "77")
    assert terminal.width(Terminal()) == 77
    assert terminal.width(io.StringIO()) == 100
    assert terminal.width(None) == 100
    monkeypatch.setenv("COLUMNS", "500")
    assert terminal.width(Terminal()) == 120


HOSTILE = "\x1b[2J\x1b]0;owned\x07"


@needs_pty
@pytest.mark.parametrize("arguments", [(), ("--verbose",), ("--format", "json"), ("--format", "jsonl")])
def test_a_hostile_wheel_cannot_write_to_the_terminal(arguments: tuple[str, ...], tmp_path: Path) -> None:
    """Sequences in member names, in METADATA, WHEEL, RECORD and entry points, and in the file's name are escaped."""
    spec = WheelSpec(
        members={
            "demo/__init__.py": b"",
            f"demo/{HOSTILE}.py": b"",
            f"demo/unlisted\x9b1m{HOSTILE}\n": Member(content=b"", recorded=False),
        },
        headers={"Name": f"demo{HOSTILE}", "Requires-Python": HOSTILE, "Requires-Dist": HOSTILE, HOSTILE: "1"},
        wheel_lines={"Tag": f"py3-{HOSTILE}-any", "Wheel-Version": HOSTILE, "Root-Is-Purelib": HOSTILE},
        record_rows={"x": f"{HOSTILE},sha256={HOSTILE},{HOSTILE}"},
        entry_points=f"[console_scripts]\n{HOSTILE} = {HOSTILE}:{HOSTILE}\n",
        filename=f"demo-1.0-py3-none-any{HOSTILE}.whl",
    )
    wheel = build_wheel(spec).write(tmp_path)
    status, text = at_a_terminal(command_line(*arguments, wheel), variables={"NO_COLOR": "1"})
    assert status == 1
    assert all(one.isprintable() or one == "\n" for one in text)
    assert "owned" in text
