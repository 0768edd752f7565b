"""`audit` and `audit_release`: every kind of source, every kind of executor, and what they raise."""

from __future__ import annotations

import io
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest

from auditor import PathNotFoundError, Settings, UnreadableError, audit, audit_release
from tests.cli.command import WHEELS, fixture

if TYPE_CHECKING:
    from pathlib import Path

BAD = fixture("cp313-cp313-win_amd64", "bad")
ALL = sorted((WHEELS / "bad").glob("*.whl")) + sorted((WHEELS / "good").glob("*win*.whl"))


def test_every_source_gives_the_same_findings() -> None:
    """A path as text, as an object, the bytes and an open file are judged alike."""
    with BAD.open("rb") as file:
        reports = [
            audit(str(BAD)),
            audit(BAD),
            audit(file),
            audit(BAD.read_bytes(), filename=BAD.name),
            audit(io.BytesIO(BAD.read_bytes()), filename=BAD.name),
        ]
    assert {report.findings for report in reports} == {reports[0].findings}
    assert {report.sha256 for report in reports} == {reports[0].sha256}
    assert [report.path for report in reports] == [str(BAD)] * 3 + [BAD.name] * 2


def test_the_file_name_may_be_another() -> None:
    """With `filename` a wheel is judged under the name that it will have."""
    right = BAD.name.replace("cp313", "cp311")
    assert audit(BAD, filename=right).verdict == "pass"
    assert audit(BAD).verdict == "fail"


def test_bytes_need_a_name() -> None:
    """Bytes alone promise nothing, so that is an error of the program that calls."""
    with pytest.raises(ValueError, match="file name"):
        audit(b"")
    with pytest.raises(ValueError, match="file name"):
        audit(io.BytesIO())


def test_what_cannot_be_had_raises(tmp_path: Path) -> None:
    """A missing path and a directory raise; a defect never does."""
    with pytest.raises(PathNotFoundError):
        audit(tmp_path / "missing.whl")
    with pytest.raises(UnreadableError):
        audit(tmp_path)
    assert audit(b"", filename="x").verdict == "fail"


def test_a_release_keeps_the_order() -> None:
    """The reports come in the order of the paths, without and with threads or processes."""
    alone = audit_release(ALL)
    assert [report.filename for report in alone.wheels] == [path.name for path in ALL]
    assert alone.failed
    with ThreadPoolExecutor(2) as threads:
        assert audit_release(iter(ALL), executor=threads) == alone
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as processes:
        assert audit_release(ALL[:2], executor=processes).wheels == alone.wheels[:2]


def test_each_wheel_is_a_task_of_the_executor() -> None:
    """The executor that was given does the work, a task a wheel."""
    with ThreadPoolExecutor(1) as threads, patch.object(threads, "submit", wraps=threads.submit) as submit:
        audit_release(ALL, executor=threads)
    assert [call.args[1] for call in submit.call_args_list] == ALL


def test_a_release_takes_settings() -> None:
    """The settings hold for each wheel."""
    settings = Settings(fail_on=None)
    assert not audit_release(ALL, settings=settings).failed
    with ThreadPoolExecutor(2) as threads:
        assert not audit_release(ALL, settings=settings, executor=threads).failed


def test_a_release_raises_for_the_first_missing_path() -> None:
    """A path that cannot be had ends the call as it ends `audit`."""
    with pytest.raises(PathNotFoundError), ThreadPoolExecutor(1) as threads:
        audit_release([BAD, "missing.whl"], executor=threads)
    with pytest.raises(PathNotFoundError):
        audit_release(["missing.whl"])


def test_a_release_of_nothing() -> None:
    """No paths, no reports, no failure."""
    assert audit_release([]).wheels == ()
