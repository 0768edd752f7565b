"""Wheels -> reports: one after another, or in processes; what cannot be read costs the others nothing."""

from __future__ import annotations

import os
import sys
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from auditor.archive.reader import read_wheel
from auditor.cli.paths import require_file
from auditor.cli.progress import Progress
from auditor.cli.terminal import own_fault
from auditor.errors import AuditError
from auditor.facts.release import WheelSummary
from auditor.findings import Report, Unreadable
from auditor.judge import judge
from auditor.loading.model import Resolution
from auditor.release import summarise
from auditor.rules.context import Context

if TYPE_CHECKING:
    from collections.abc import Sequence

    from auditor.settings import Settings

FEW, SMALL = 4, 8 << 20
"""Wheels, and bytes of all of them, that are audited in one process unless more are asked for: to start others takes
longer. Measured: 14 wheels of 0.3 MB in all take 0.7 s in one process and 1.5 s in two; 7 of 84 MB 4.3 s and 3.1 s.
"""
MOST_JOBS = 60
"""Processes. Windows waits for 64 things at a time, and Python has some of its own among them."""
_WHY_ENDED = "perhaps for want of memory: fewer `--jobs` need less"


class Audited(msgspec.Struct, frozen=True, kw_only=True):
    """What was made of one wheel."""

    report: Report
    summary: WheelSummary | None
    resolutions: tuple[Resolution, ...] = ()


def jobs_for(paths: Sequence[str], asked: int | None) -> int:
    """How many processes to audit with: what was asked for, or one for each processor where it pays."""
    if asked is None:
        pays = len(paths) > FEW and sum(map(_size, paths)) > SMALL
        asked = _processors() if pays else 1
    return max(1, min(asked, len(paths), MOST_JOBS))


def _size(path: str) -> int:
    """The size of a file; 0 where it cannot be told."""
    try:
        return os.path.getsize(path)  # noqa: PTH202 -- `Path("")` would be the current directory
    except OSError:
        return 0


def _processors() -> int:
    """The processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def audit_wheels(
    paths: Sequence[str], settings: Settings, *, jobs: int = 1, with_trees: bool = False
) -> tuple[list[Audited], list[Unreadable]]:
    """What was made of the wheels, in their order, and those that could not be read.

    `with_trees` keeps what the simulated loader says of each.
    """
    with Progress(len(paths), sys.stderr) as progress:
        if jobs == 1:
            outcomes = _in_turn(paths, settings, progress, with_trees=with_trees)
        else:
            outcomes = _in_processes(paths, settings, jobs, progress, with_trees=with_trees)
    audited = [one for one in outcomes if isinstance(one, Audited)]
    return audited, [one for one in outcomes if isinstance(one, Unreadable)]


def _in_turn(
    paths: Sequence[str], settings: Settings, progress: Progress, *, with_trees: bool
) -> list[Audited | Unreadable]:
    """One wheel after another."""
    outcomes = []
    for path in paths:
        progress.begin(path)
        outcomes.append(audit_one(path, settings, with_trees=with_trees))
    return outcomes


def _in_processes(
    paths: Sequence[str], settings: Settings, jobs: int, progress: Progress, *, with_trees: bool
) -> list[Audited | Unreadable]:
    """Several wheels at a time, each in a process; one that is ended from outside costs its own wheel."""
    from auditor.cli.processes import Ended, in_processes

    work = partial(audit_one, settings=settings, with_trees=with_trees)
    answers = in_processes(work, paths, jobs, progress.begin)
    return [
        Unreadable(path=path, message=f"`{path}` could not be audited: {answer}, {_WHY_ENDED}")
        if isinstance(answer, Ended)
        else answer
        for path, answer in zip(paths, answers, strict=True)
    ]


def audit_one(path: str, settings: Settings, *, with_trees: bool = False) -> Audited | Unreadable:
    """What is made of one wheel, in a form that a process pool can call. Never raises."""
    try:
        require_file(path)
        facts = read_wheel(path)
        resolutions = Context(facts).resolutions if with_trees else ()
        return Audited(report=judge(facts, settings), summary=summarise(facts), resolutions=resolutions)
    except AuditError as error:
        return Unreadable(path=path, message=str(error))
    except Exception as error:  # noqa: BLE001 -- a fault of ours must not hide what the other wheels have
        return Unreadable(path=path, message=f"`{path}` could not be audited: {own_fault(error)}")
