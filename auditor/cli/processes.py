"""Processes that work side by side, each on one item at a time: what ends one costs its item, and no other.

`concurrent.futures.ProcessPoolExecutor` does not serve. Where one of its processes is ended, all that is left is lost.
When it is interrupted it waits for what has begun (measured: 19 s in a release of 0.4 GB), and on Windows it hears that
only then. And where the parent is killed, its processes stay for ever.
"""

from __future__ import annotations

import contextlib
import signal
from dataclasses import dataclass
from multiprocessing import Pipe, Process
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from multiprocessing.connection import Connection

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What came of an item whose process ended before it had an answer."""

    status: int | None
    """Of the process; below zero the number of the signal that ended it."""

    def __str__(self) -> str:
        if self.status is not None and self.status < 0:
            with contextlib.suppress(ValueError):
                return f"its process was ended by {signal.Signals(-self.status).name}"
        return f"its process ended with status {self.status}"


def in_processes(
    work: Callable[[str], Made], items: Sequence[str], jobs: int, begin: Callable[[str], None]
) -> list[Made | Ended]:
    """What `work` makes of each item, in their order; `begin` is called with each before it.

    `work` can be pickled and raises nothing. Where the system gives no process, this one does the work.
    """
    made: dict[int, Made | Ended] = {}
    waiting = list(enumerate(items))[::-1]
    with _Crew(work, jobs) as crew:
        while waiting or crew.busy:
            while waiting and (free := crew.free()) is not None:
                number, item = waiting.pop()
                begin(item)
                crew.give(free, number, item)
            if crew.busy:
                made.update(crew.answers())
            else:
                number, item = waiting.pop()
                begin(item)
                made[number] = work(item)
    return [made[number] for number in range(len(items))]


class _Crew(Generic[Made]):
    """Processes by the connections to them. Leaving it ends them all, whatever they are at."""

    def __init__(self, work: Callable[[str], Made], jobs: int) -> None:
        self.busy: dict[Connection[Any, Any], int] = {}
        """The number of the item that a process works on."""
        self._work = work
        self._jobs = jobs
        self._processes: dict[Connection[Any, Any], Process] = {}

    def __enter__(self) -> _Crew[Made]:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes.values():
            process.kill()
        for connection in list(self._processes):
            self._bury(connection)

    def free(self) -> Connection[Any, Any] | None:
        """A process that has nothing to do, a new one where there may be more; None where there is none."""
        for connection in self._processes:
            if connection not in self.busy:
                return connection
        return self._start() if len(self._processes) < self._jobs else None

    def _start(self) -> Connection[Any, Any] | None:
        """A new process; None where the system gives none."""
        try:
            ours, theirs = Pipe()
        except OSError:
            return None
        process = Process(target=serve, args=(ours, theirs, self._work), daemon=True)
        try:
            with _interrupts_held():
                process.start()
        except OSError:
            ours.close()
            return None
        finally:
            theirs.close()
        self._processes[ours] = process
        return ours

    def give(self, connection: Connection[Any, Any], number: int, item: str) -> None:
        """Let a process work on an item."""
        self.busy[connection] = number
        # That it has ended meanwhile is seen where its answer is awaited.
        with contextlib.suppress(OSError):
            connection.send(item)

    def answers(self) -> Iterator[tuple[int, Made | Ended]]:
        """What has been made by now; waits until there is something."""
        for ready in wait(list(self.busy)):
            connection: Connection[Any, Any] = ready  # type: ignore[assignment]
            number = self.busy.pop(connection)
            try:
                answer = connection.recv()
            except (EOFError, OSError):
                answer = Ended(status=self._bury(connection))
            yield number, answer

    def _bury(self, connection: Connection[Any, Any]) -> int | None:
        """The status of a process that has ended, of which nothing is kept."""
        connection.close()
        process = self._processes.pop(connection)
        process.join()
        return process.exitcode


@contextlib.contextmanager
def _interrupts_held() -> Iterator[None]:
    """Hold Control-C back meanwhile; a process that starts meanwhile never hears it, not even before its first line."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def serve(ours: Connection[Any, Any], theirs: Connection[Any, Any], work: Callable[[str], object]) -> None:
    """What a process does: item after item, until nobody asks for more.

    Control-C is left to the process that waits: it says what there is to say. Its end of the pipe is closed here, where
    a fork has made a copy of it: while one is open, nobody notices that it has gone.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ours.close()
    while True:
        try:
            item = theirs.recv()
        except (EOFError, OSError):
            return
        answer = work(item)
        with contextlib.suppress(OSError):
            theirs.send(answer)
