"""What an engine is: it does units of work and says what became of each."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from ...curves import CurvefitError, UsageError
from .._unit import Task

__all__ = ["THREADS", "Engine", "Outcome", "Work", "check_workers", "one_thread", "processors", "told"]

Work = Callable[[Task], dict[str, int]]
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a unit of work.

    Parameters
    ----------
    task : Task
        The unit.
    counts : mapping of str to int or None
        Runs by status; None when the unit is not done.
    trouble : str
        Why it is not: the worker died, or an error; the unit is then tried again on its own.
    """

    task: Task
    counts: dict[str, int] | None = None
    trouble: str = ""


class Engine(ABC):
    """A way to do units of work.

    Contract: every unit has exactly one outcome, in whatever order; results are written by the workers, so that only
    counts travel; a worker that dies takes its own unit with it and no other; leaving the iterator early (Ctrl-C, an
    error) ends all workers. What the rows say does not depend on the engine.
    """

    @abstractmethod
    def run(
        self, tasks: Sequence[Task], work: Work, *, workers: int | None, scheduler: str | None
    ) -> Iterator[Outcome]:
        """Do all units.

        Parameters
        ----------
        tasks : sequence of Task
            Units of work.
        work : callable
            Does one; importable by name.
        workers : int or None
            How many at once; default one per processor.
        scheduler : str or None
            Address of a scheduler, for engines that have one.

        Yields
        ------
        Outcome
            One per unit.

        Raises
        ------
        CurvefitError
            When results cannot be written: that concerns all units.
        """


def check_workers(workers: int | None) -> int:
    """Number of workers; default one per processor that this process may use."""
    if workers is None:
        return processors()
    if workers < 1:
        raise UsageError(f"workers = {workers}", code="CF-USE-009", hint="a whole number of at least 1")
    return workers


def processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def one_thread() -> Iterator[None]:
    """Processes that start within use one thread each for linear algebra: they are as many as the processors."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def told(error: BaseException) -> CurvefitError | str:
    """An error that ends the batch (the disk is full), or the words for one that concerns a unit."""
    if isinstance(error, CurvefitError) and error.code in ("CF-IO-NOSPC", "CF-OUT-001", "CF-DEP-001"):
        return error
    return f"{type(error).__name__}: {error}"
