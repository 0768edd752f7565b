"""The two calls that most programs need: audit one wheel, audit several."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.archive.reader import read_wheel
from auditor.findings import ReleaseReport, Report
from auditor.judge import judge
from auditor.settings import DEFAULT, Settings

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable
    from concurrent.futures import Executor

    from auditor.archive.source import WheelSource


def audit(path: WheelSource, *, settings: Settings | None = None, filename: str | None = None) -> Report:
    """Audit one wheel: a path, its bytes (with `filename`), or a seekable binary file object.

    Raises `PathNotFoundError` or `UnreadableError` where the bytes cannot be had. A defect never raises.
    """
    return judge(read_wheel(path, filename=filename), settings or DEFAULT)


def audit_release(
    paths: Iterable[str | os.PathLike[str]], *, settings: Settings | None = None, executor: Executor | None = None
) -> ReleaseReport:
    """Audit several wheels; with an `executor`, each in a task of its own. The order of `paths` is kept.

    Raises as `audit` does, for the first path whose bytes cannot be had.
    """
    chosen = settings or DEFAULT
    if executor is None:
        return ReleaseReport(wheels=tuple(_audit_path(path, chosen) for path in paths))
    tasks = [executor.submit(_audit_path, path, chosen) for path in paths]
    return ReleaseReport(wheels=tuple(task.result() for task in tasks))


def _audit_path(path: str | os.PathLike[str], settings: Settings) -> Report:
    """One wheel, in a form that a process pool can call."""
    return audit(path, settings=settings)
