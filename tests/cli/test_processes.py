"""Several processes: however they start, whatever ends one of them, and whoever interrupts them all."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from multiprocessing import Pipe
from typing import TYPE_CHECKING, Any

import pytest

from auditor.cli import processes
from auditor.cli.processes import Ended, in_processes, serve
from tests.builders import WheelSpec, build_wheel
from tests.cli.command import REPOSITORY, TIMEOUT, WHEELS, Outcome, command_line, environment, wheel_audit

if TYPE_CHECKING:
    from pathlib import Path

METHODS = multiprocessing.get_all_start_methods()
SITECUSTOMIZE = """
import multiprocessing, os, signal, sys, time

def watch(event, arguments):
    if event == "open" and multiprocessing.parent_process() is not None:
        name = os.path.basename(str(arguments[0]))
        if name.startswith("deadly"):
            os.kill(os.getpid(), signal.SIGKILL)
        if name.startswith("slow"):
            with open("begun-" + name, "w"):
                time.sleep(float(os.environ["SLOW"]))

multiprocessing.set_start_method(os.environ["START_METHOD"])
sys.addaudithook(watch)
"""
"""Sets the start method, and where a process of ours opens a certain wheel ends it, or has it take its time."""
SCRIPT = """
import sys
from auditor.cli import main
if __name__ == "__main__":
    sys.exit(main())
"""
"""What installers write for the entry point."""
posix = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


def started_by(method: str, folder: Path, **variables: str) -> dict[str, str]:
    """The variables under which processes start by `method`; `folder` has the module that sees to it."""
    folder.mkdir(exist_ok=True)
    (folder / "sitecustomize.py").write_text(SITECUSTOMIZE, "utf-8")
    return {"PYTHONPATH": f"{folder}{os.pathsep}{REPOSITORY}", "START_METHOD": method, **variables}


def wheels_of(folder: Path, *names: str) -> Path:
    """A directory with a wheel for each name."""
    folder.mkdir()
    for name in names:
        build_wheel(WheelSpec(name=name)).write(folder)
    return folder


@pytest.fixture(scope="module")
def alone() -> Outcome:
    """What one process says of some wheels."""
    return wheel_audit("--isolated", "--jobs", "1", "--format", "json", "bad", folder=WHEELS)


@pytest.mark.parametrize("method", METHODS)
def test_every_way_to_start_says_the_same(method: str, alone: Outcome, tmp_path: Path) -> None:
    """Forked, spawned as on Windows and macOS, or from a server: the same bytes, from the module and the script."""
    variables = environment(started_by(method, tmp_path / "site"))
    arguments = ("--isolated", "--jobs", "3", "--format", "json", "bad")
    script = tmp_path / "wheel-audit"
    script.write_text(SCRIPT, "utf-8")
    for start in (command_line(), [sys.executable, script]):
        done = subprocess.run(
            [*start, *arguments], env=variables, cwd=WHEELS, capture_output=True, timeout=TIMEOUT, check=False
        )
        assert (done.returncode, done.stderr) == (1, b"")
        assert done.stdout == alone.raw


@posix
@pytest.mark.parametrize("method", METHODS)
def test_a_process_that_is_ended_costs_its_wheel_alone(method: str, tmp_path: Path) -> None:
    """Each of the others has its report, in its place; that one is told, by name and signal, and the status is 3."""
    folder = wheels_of(tmp_path / "dist", "alpha", "beta", "deadly", "delta", "epsilon")
    variables = started_by(method, tmp_path / "site")
    outcome = wheel_audit("--isolated", "--jobs", "2", "--format", "json", folder, variables=variables)
    name = folder / "deadly-1.0-py3-none-any.whl"
    why = "its process was ended by SIGKILL, perhaps for want of memory: fewer `--jobs` need less"
    assert outcome.errors == f"error: `{name}` could not be audited: {why}\n"
    assert outcome.status == 3
    report = json.loads(outcome.output)
    found = [one["filename"].split("-")[0] for one in report["wheels"]]
    assert found == ["alpha", "beta", "delta", "epsilon"]
    assert [one["path"] for one in report["unreadable"]] == [str(name)]


def begun(method: str, folder: Path, **variables: str) -> subprocess.Popen[bytes]:
    """The command in a group of its own, as a shell starts it, with two processes that are amid a wheel."""
    wheels = wheels_of(folder / "dist", "slow", "slow_too", "third")
    command = command_line("--isolated", "--jobs", "2", wheels)
    changes = environment(started_by(method, folder / "site", **variables))
    process = subprocess.Popen(
        command, env=changes, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    deadline = time.monotonic() + TIMEOUT
    while len(list(folder.glob("begun-*"))) < 2:
        assert time.monotonic() < deadline
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    return process


@posix
@pytest.mark.parametrize("method", METHODS)
def test_control_c_waits_for_nobody(method: str, tmp_path: Path) -> None:
    """It goes to every process of the group: one line, status 130, and nobody is left who holds the pipes."""
    process = begun(method, tmp_path, SLOW=str(TIMEOUT * 2))
    os.killpg(process.pid, signal.SIGINT)
    output, errors = process.communicate(timeout=TIMEOUT)
    assert (process.returncode, output, errors.split()) == (130, b"", [b"interrupted"])


@posix
@pytest.mark.parametrize("method", METHODS)
def test_nobody_outlives_a_killed_command(method: str, tmp_path: Path) -> None:
    """Its processes end when they are through with their wheels, without a word."""
    process = begun(method, tmp_path, SLOW="0.5")
    process.kill()
    # The pipes are closed when the last one who holds them has ended.
    assert process.communicate(timeout=TIMEOUT) == (b"", b"")
    assert process.returncode == -signal.SIGKILL


def _length(item: str) -> int:
    """Some work."""
    return len(item)


ITEMS = ["a", "bcd", "", "ef"]


@pytest.mark.parametrize("jobs", [1, 2, 4, 9])
def test_the_answers_have_the_order_of_the_items(jobs: int) -> None:
    """Whoever answers first; each item is begun once, in order."""
    told: list[str] = []
    assert in_processes(_length, ITEMS, jobs, told.append) == [1, 3, 0, 2]
    assert told == ITEMS


@pytest.mark.parametrize("given", [0, 1])
@pytest.mark.parametrize("where", ["Pipe", "start"])
def test_where_the_system_gives_no_process(where: str, given: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """One process serves as well as three, and where there is none the work is done here."""
    left = [True] * given
    place = processes if where == "Pipe" else multiprocessing.Process
    real = getattr(place, where)

    def refuse(*arguments: object) -> object:
        if not left:
            raise BlockingIOError("Resource temporarily unavailable")
        left.pop()
        return real(*arguments)

    monkeypatch.setattr(place, where, refuse)
    told: list[str] = []
    assert in_processes(_length, ITEMS, 3, told.append) == [1, 3, 0, 2]
    assert told == ITEMS
    assert left == []


def test_the_loop_of_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """It answers until nobody asks, and leaves where nobody waits for the answer."""
    handlers: list[Any] = []
    monkeypatch.setattr(signal, "signal", lambda *arguments: handlers.append(arguments))
    ours, theirs = Pipe()
    unused, copy = Pipe()
    for item in ITEMS:
        ours.send(item)

    def work(item: str) -> int:
        if item == ITEMS[-1]:
            ours.close()
        return len(item)

    serve(copy, theirs, work)
    assert handlers == [(signal.SIGINT, signal.SIG_IGN)]
    assert copy.closed
    for one in (unused, theirs):
        one.close()


def test_systems_without_signal_masks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows has none."""
    monkeypatch.delattr(signal, "pthread_sigmask", raising=False)
    assert in_processes(_length, ITEMS, 2, lambda _: None) == [1, 3, 0, 2]


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (-9, "its process was ended by SIGKILL"),
        (-4095, "its process ended with status -4095"),
        (0, "its process ended with status 0"),
        (0xC0000005, "its process ended with status 3221225477"),
    ],
)
def test_how_a_process_ended(status: int, says: str) -> None:
    """By the signal's name where it has one."""
    assert str(Ended(status=status)) == says
