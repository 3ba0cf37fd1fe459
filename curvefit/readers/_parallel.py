"""Many files in several processes, their outcomes in the order of the files."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing import get_context
from typing import TypeVar

__all__ = ["outcomes"]

A = TypeVar("A")
B = TypeVar("B")
CHUNK = 32  # files at a time
AHEAD = 3  # chunks that wait for each process


def outcomes(work: Callable[[A], B], entries: Iterable[A], jobs: int) -> Iterator[tuple[A, B]]:
    """Each entry and what the work made of it.

    Parameters
    ----------
    work : callable
        A function of a module; arguments and results travel between processes.
    entries : iterable
        What to work on; taken as it is needed, so that the first outcome comes before the last entry is known.
    jobs : int
        Processes; with 1 the work is done here.

    Notes
    -----
    Processes are started anew, not forked. When one of them dies, for want of memory say, the rest of the work is done here.
    """
    if jobs <= 1:
        for entry in entries:
            yield entry, work(entry)
        return
    rest = iter(entries)
    waiting: deque[tuple[list[A], Future[list[B]]]] = deque()
    pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"))
    broken = False
    try:
        while True:
            while not broken and len(waiting) < AHEAD * jobs and (chunk := list(islice(rest, CHUNK))):
                try:
                    waiting.append((chunk, pool.submit(_each, work, chunk)))
                except BrokenProcessPool:
                    broken = True
                    waiting.append((chunk, Future()))
            if not waiting:
                break
            chunk, future = waiting.popleft()
            try:
                results = [work(e) for e in chunk] if broken else future.result()
            except BrokenProcessPool:
                broken = True
                results = [work(e) for e in chunk]
            yield from zip(chunk, results, strict=True)
        for entry in rest:
            yield entry, work(entry)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _each(work: Callable[[A], B], chunk: list[A]) -> list[B]:
    return [work(entry) for entry in chunk]
