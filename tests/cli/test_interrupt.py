"""Control-C, from the entry point on: the status is 130, and nothing is printed but that."""

from __future__ import annotations

import subprocess
import sys

import pytest

from auditor.cli import main
from tests.cli.command import TIMEOUT, environment, fixture

GOOD = fixture("cp311-cp311-win_amd64")
PROGRAM = """
import runpy, signal, sys
wanted = sys.argv[1]
signal.signal(signal.SIGINT, signal.default_int_handler)

class Person:
    def find_spec(self, name, path=None, target=None):
        if name == wanted:
            sys.meta_path.remove(self)
            signal.raise_signal(signal.SIGINT)

sys.meta_path.insert(0, Person())
sys.argv = ["wheel-audit", *sys.argv[2:]]
"""
"""Somebody who presses Control-C when the module is about to be imported that the first argument names."""
MODULE = "runpy.run_module('auditor', run_name='__main__', alter_sys=True)"
SCRIPT = "from auditor.cli import main; main()"


@pytest.mark.parametrize("start", [MODULE, SCRIPT], ids=["python -m", "script"])
@pytest.mark.parametrize(
    "module",
    [
        "auditor.cli.app",
        "click",
        "auditor.report.formats",
        "auditor.report.text",
    ],
)
def test_control_c_while_modules_load(module: str, start: str) -> None:
    """Whichever of the command's own modules is loading, it ends with 130 and one line, no traceback."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM + start, module, GOOD],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr.strip()) == (130, "", "interrupted")


def test_standard_error_may_be_gone() -> None:
    """Without a standard error the status says it alone."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM + "sys.stderr = None;" + SCRIPT, "click", GOOD],
        env=environment(),
        capture_output=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


@pytest.mark.parametrize("heard", [True, False], ids=["standard error", "none"])
def test_the_guard_in_this_process(
    heard: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the command itself does not catch ends it with 130 as well."""

    def interrupted(_: list[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("auditor.cli.app.run", interrupted)
    if not heard:
        monkeypatch.setattr(sys, "stderr", None)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130
    assert capsys.readouterr().err == ("interrupted\n" if heard else "")
