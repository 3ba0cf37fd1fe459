"""Several processes on this machine, one unit of work each at a time."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from multiprocessing.connection import Connection, wait
from typing import Any, final

from ...curves import CurvefitError, UsageError
from .._unit import Task
from ._base import Engine, Outcome, Work, check_workers, one_thread, told

__all__ = ["Processes"]

_PATIENCE = 5.0  # seconds a worker gets to end by itself


@final
class Processes(Engine):
    """Workers are started afresh (spawned), never forked, with one thread of linear algebra each.

    A script that uses them needs the line ``if __name__ == "__main__":``, since workers import it.
    """

    def run(
        self, tasks: Sequence[Task], work: Work, *, workers: int | None, scheduler: str | None
    ) -> Iterator[Outcome]:
        """Do all units; a dead worker is replaced."""
        waiting = list(reversed(tasks))
        count = min(check_workers(workers), len(waiting))
        with ExitStack() as stack:
            stack.enter_context(one_thread())
            team = [_Worker(work) for _ in range(count)]
            stack.callback(_end, team)
            while waiting or any(w.task is not None for w in team):
                for worker in team:
                    if worker.task is None and waiting:
                        worker.give(waiting.pop())
                busy: dict[Any, _Worker] = {}
                for worker in team:
                    if worker.task is not None:
                        busy[worker.line] = busy[worker.process.sentinel] = worker
                for worker in {id(w): w for w in (busy[e] for e in wait(list(busy)))}.values():
                    yield worker.take()


class _Worker:
    """A process, the line to it, and what it works on."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self.task: Task | None = None
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.line, far = context.Pipe()
        self.process = context.Process(target=_serve, args=(far, self._work), daemon=True)
        self.process.start()
        far.close()
        self._ready = False

    def give(self, task: Task) -> None:
        """Hand over a unit; a worker that died while it was idle is replaced."""
        self.task = task
        if not self._ready:
            self._wait()
        try:
            self.line.send(task)
        except OSError:
            self._replace()
            self._wait()
            self.line.send(task)

    def _wait(self) -> None:
        """Until the worker has started; one that cannot even start will not a second time either."""
        try:
            self.line.recv()
        except (EOFError, OSError):
            raise UsageError(
                "a worker process ended before it began",
                code="CF-USE-009",
                hint='a script that uses workers calls them below the line: if __name__ == "__main__":',
            ) from None
        self._ready = True

    def take(self) -> Outcome:
        """What became of the unit."""
        task = self.task
        assert task is not None
        self.task = None
        try:
            counts, trouble = self.line.recv()
        except (EOFError, OSError):
            self.process.join(_PATIENCE)
            code = self.process.exitcode
            self._replace()
            return Outcome(task, None, f"the worker died ({_how(code)})")
        if isinstance(trouble, CurvefitError):
            raise trouble
        return Outcome(task, counts, trouble)

    def _replace(self) -> None:
        self.line.close()
        self.process.kill()
        self.process.join(_PATIENCE)
        self._start()


def _how(code: int | None) -> str:
    return f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"


def _end(team: list[_Worker]) -> None:
    """End all workers: what they have written whole stays, what not is done again another time."""
    for worker in team:
        with suppress(OSError):
            worker.line.close()
        if worker.task is not None:
            worker.process.terminate()
    for worker in team:
        worker.process.join(_PATIENCE)
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()


def _serve(line: Connection, work: Work) -> None:
    """Work until the line is closed; Ctrl-C is for the parent, which then closes it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    line.send("ready")
    while True:
        try:
            task = line.recv()
        except (EOFError, OSError):
            return
        answer: list[Any] = [None, ""]
        with _Kept(answer):
            answer[0] = work(task)
        try:
            line.send(tuple(answer))
        except OSError:
            return


class _Kept:
    """An error becomes part of the answer."""

    def __init__(self, answer: list[Any]) -> None:
        self._answer = answer

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if error is None or not isinstance(error, Exception):
            return False
        words = told(error)
        self._answer[1] = _Plain(words) if isinstance(words, CurvefitError) else words
        return True


class _Plain(CurvefitError):
    """An error of the package that can be sent to another process."""

    def __init__(self, error: CurvefitError) -> None:
        super().__init__(error.what, code=error.code, where=error.where, hint=error.hint)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (self.what, self.code, self.where, self.hint)


def _rebuilt(what: str, code: str, where: str, hint: str) -> CurvefitError:
    return CurvefitError(what, code=code, where=where, hint=hint)
