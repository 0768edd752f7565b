"""Where the output goes: encodings, pipes that close, full disks, closed streams, names that no encoding has."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.builders import WheelSpec, build_wheel
from tests.cli.command import TIMEOUT, WHEELS, command_line, environment, fixture, wheel_audit

if TYPE_CHECKING:
    from pathlib import Path

BAD = fixture("cp313-cp313-win_amd64", "bad")
NAMES = ("demo/é中😀.py", "demo/\u202etxt.py", "demo/\x1b]0;owned\x07.py", "demo/\x9b31m.py")
"""Letters beyond every code page, a writing direction, a terminal's title, a C1 control."""


def foreign_wheel(folder: Path) -> Path:
    """A wheel with a duplicate row in RECORD for each of these names, so that findings quote them."""
    members = {"demo/__init__.py": b"", **dict.fromkeys(NAMES, b"pass\n")}
    rows: dict[str, str | None] = dict.fromkeys(NAMES)
    return build_wheel(WheelSpec(members=members, record_rows=rows)).write(folder)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8", "utf-16"])
def test_names_survive_any_encoding_in_text(encoding: str, tmp_path: Path) -> None:
    """A member name that the console's encoding lacks is escaped, and the report goes on to its end."""
    outcome = wheel_audit("--verbose", foreign_wheel(tmp_path), variables={"PYTHONIOENCODING": encoding})
    text = outcome.raw.decode(encoding)
    assert outcome.status == 1
    assert "1 wheel audited, failed" in text
    accented = "é" if encoding != "ascii" else "\\xe9"
    assert f"demo/{accented}" in text
    for raw in ("\u202e", "\x1b", "\x07", "\x9b"):
        assert raw not in text
    assert "demo/\\u202etxt.py" in text
    assert "demo/\\x1b]0;owned\\x07.py" in text


@pytest.mark.parametrize("arguments", [("--format", "json"), ("--format", "jsonl"), ("facts",)])
def test_json_is_the_same_bytes_under_any_encoding(arguments: tuple[str, ...], tmp_path: Path) -> None:
    """JSON is ASCII: under every encoding of the console the same bytes, which decode to the names as they are."""
    wheel = foreign_wheel(tmp_path)
    outcomes = [
        wheel_audit(*arguments, wheel, variables={"PYTHONIOENCODING": encoding})
        for encoding in ("ascii", "cp1252", "utf-8", "utf-16")
    ]
    assert len({outcome.raw for outcome in outcomes}) == 1
    assert outcomes[0].raw.isascii()
    assert not any(byte in outcomes[0].raw for byte in b"\x07\x1b\x7f\x9b\r")
    lines = outcomes[0].output.splitlines() if "jsonl" in arguments else [outcomes[0].output]
    documents = [json.loads(line) for line in lines]
    assert "demo/é中😀.py" in json.dumps(documents, ensure_ascii=False)


@pytest.mark.skipif(os.name != "posix", reason="file names of any bytes are POSIX's")
@pytest.mark.parametrize("arguments", [(), ("--format", "json"), ("--format", "jsonl"), ("facts",)])
def test_a_file_name_that_is_no_text(arguments: tuple[str, ...], tmp_path: Path) -> None:
    """A file name that is not UTF-8 is spelled out in every format."""
    path = os.fsencode(tmp_path) + b"/demo\xff-1.0-py3-none-any.whl"
    try:
        with open(path, "wb") as file:  # noqa: PTH123 -- pathlib has no paths of bytes
            file.write(b"")
    except OSError:  # pragma: no cover -- file systems that take UTF-8 only
        pytest.skip("this file system takes UTF-8 only")
    outcome = wheel_audit(*arguments, path)
    assert outcome.status == (0 if arguments == ("facts",) else 1)
    spelled = "demo\\udcff" if arguments == () else "demo\\\\udcff"
    assert spelled in outcome.output
    if "json" in arguments:
        assert json.loads(outcome.output)["wheels"][0]["filename"] == "demo\\udcff-1.0-py3-none-any.whl"


def test_control_characters_in_paths_are_escaped(tmp_path: Path) -> None:
    """A hostile file name reaches no terminal, neither through the report nor through an error."""
    name = "a\x1b[31m\nb.whl"
    try:
        (tmp_path / name).mkdir()
        (tmp_path / f"c{name}").write_bytes(b"")
    except OSError:  # pragma: no cover -- Windows takes no control characters
        pytest.skip("this file system takes no control characters")
    outcome = wheel_audit(".", folder=tmp_path, variables={"FORCE_COLOR": "1"})
    assert outcome.status == 3
    assert "ca\\x1b[31m\\nb.whl" in outcome.output
    assert "a\\x1b[31m\\nb.whl" in outcome.errors
    assert "\x1b" not in outcome.errors
    missing = wheel_audit("\x1b[31m.whl")
    assert missing.errors == "error: `\\x1b[31m.whl` does not exist\n"
    usage = wheel_audit("--\x1b[31m")
    assert usage.status == 2
    assert "\x1b" not in usage.errors


def run_into(consumer: list[str], *arguments: str) -> tuple[int, bytes]:
    """Run the command with a reader that stops early; the command's status, and all that it complained."""
    with subprocess.Popen(
        command_line(*arguments),
        env=environment(),
        cwd=WHEELS,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as command:
        assert command.stdout is not None
        assert command.stderr is not None
        with subprocess.Popen(consumer, stdin=command.stdout, stdout=subprocess.DEVNULL) as reader:
            command.stdout.close()
            reader.wait(TIMEOUT)
        errors = command.stderr.read()
        return command.wait(TIMEOUT), errors


@pytest.mark.skipif(os.name != "posix", reason="head and true are POSIX's")
@pytest.mark.parametrize("consumer", [["head", "-1"], ["true"]], ids=["head", "true"])
@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("bad",), 1),
        (("good",), 0),
        (("--format", "json", "bad", "good"), 1),
        (("facts", f"bad/{BAD.name}"), 0),
        (("rules",), 0),
        (("explain", "glibc-newer-than-tag"), 0),
        (("--help",), 0),
        (("--version",), 0),
    ],
    ids=["text", "clean", "json", "facts", "rules", "explain", "help", "version"],
)
def test_a_closed_pipe_is_no_fault(consumer: list[str], arguments: tuple[str, ...], status: int) -> None:
    """A reader that has gone away leaves no word on standard error, and the status is the verdict all the same."""
    assert run_into(consumer, *arguments) == (status, b"")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="/dev/full is Linux's")  # noqa: PTH110
@pytest.mark.parametrize("arguments", [("bad",), ("--format", "json", "bad"), ("rules",), ("--help",)])
def test_a_full_disk_ends_with_3(arguments: tuple[str, ...]) -> None:
    """A report that cannot be written is no verdict: the status is 3, with one line that says why."""
    with open("/dev/full", "wb") as full:  # noqa: PTH123 -- a device
        done = subprocess.run(
            command_line(*arguments),
            env=environment(),
            cwd=WHEELS,
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
            timeout=TIMEOUT,
        )
        assert done.returncode == 3
        assert done.stderr.startswith(b"error: the output could not be written: ")
        assert done.stderr.count(b"\n") == 1


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="/dev/full is Linux's")  # noqa: PTH110
@pytest.mark.parametrize(("arguments", "status"), [(("missing.whl",), 2), ((), 2), (("good", "."), 2)])
def test_complaints_into_a_full_disk(arguments: tuple[str, ...], status: int) -> None:
    """Where even the complaint cannot be written, the status still says what happened."""
    with open("/dev/full", "wb") as full:  # noqa: PTH123 -- a device
        done = subprocess.run(
            command_line(*arguments),
            env=environment(),
            cwd=WHEELS,
            stdout=subprocess.PIPE,
            stderr=full,
            check=False,
            timeout=TIMEOUT,
        )
    assert (done.returncode, done.stdout) == (status, b"")


@pytest.mark.skipif(os.name != "posix", reason="the shell is POSIX's")
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_closed_streams_do_not_change_the_verdict(closed: str) -> None:
    """Where standard output or standard error was closed before the start, the status is still the verdict."""
    done = subprocess.run(
        ["sh", "-c", f'"$@" {closed}', "sh", *map(str, command_line(BAD))],
        env=environment(),
        capture_output=True,
        check=False,
        timeout=TIMEOUT,
    )
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
