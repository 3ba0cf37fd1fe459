"""Resumed runs: one rule that splits a log in segments and settles what repeats, for all readers."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from .errors import DataError, UsageError

__all__ = ["ResumePolicy", "Segmented", "segment_log"]

ResumePolicy = Literal["supersede", "keep", "first", "error"]
MAX_RESTARTS = 20
MIN_CYCLES = 3
LATE = 4  # rows by which a row may be late without being a restart


@dataclass(frozen=True, slots=True, eq=False)
class Segmented:
    """Rows of a log after the resume policy.

    Parameters
    ----------
    index : ndarray of int, shape (k,)
        Rows that stay, in order of x (ties in log order).
    segment : ndarray of int32, shape (k,)
        Segment of each row that stays, 0 for the first.
    restarts : tuple of float
        x at which each later segment starts.
    superseded : int
        Rows dropped by the policy.
    shuffled : bool
        Whether the rows came in no order and were sorted as one segment.
    """

    index: NDArray[np.intp]
    segment: NDArray[np.int32]
    restarts: tuple[float, ...]
    superseded: int
    shuffled: bool = False


def segment_log(
    x: NDArray[np.float64],
    *,
    resume: ResumePolicy = "supersede",
    where: str = "",
    breaks: tuple[int, ...] = (),
) -> Segmented:
    """Split rows in log order into segments where x goes back, and apply the resume policy.

    Parameters
    ----------
    x : ndarray, shape (n,)
        x of the rows in the order in which they were logged; finite.
    resume : {"supersede", "keep", "first", "error"}
        supersede: a later segment replaces all earlier rows from its first x on (what a restart from a checkpoint
        means); keep: everything stays, with its segment number; first: what was logged first stays;
        error: a restart is an error.
    where : str, optional
        For the message: file or metric.
    breaks : tuple of int, optional
        Rows at which the log itself says that it was started again, for example by a repeated header.

    Raises
    ------
    DataError
        When x starts over many times (a step counted within each epoch), or on a restart with ``resume="error"``.

    Notes
    -----
    Going back is read in one of three ways. A *restart* goes back to an x that was passed before and goes on from there.
    Rows in *no order* (every other row goes back, or single rows arrive a little late, or whole blocks come in the wrong
    order and share no x) are sorted as one segment. An x that *starts over* from the beginning at least three times, or
    goes back more than 20 times, is no count of training: it is refused.
    """
    if resume not in get_args(ResumePolicy):
        raise UsageError(
            f"resume policy {resume!r}", code="CF-USE-005", hint=f"choices: {', '.join(get_args(ResumePolicy))}"
        )
    n = x.size
    if n == 0:
        return Segmented(np.zeros(0, np.intp), np.zeros(0, np.int32), (), 0)
    down = np.flatnonzero(x[1:] < x[:-1]) + 1
    known = np.array(sorted({b for b in breaks if 0 < b < n}), dtype=np.intp)
    if down.size == 0 and known.size == 0:
        return Segmented(np.arange(n), np.zeros(n, np.int32), (), 0)
    if down.size:
        _refuse_starting_over(x, down, where)
        if known.size == 0 and _in_no_order(x, down):
            return Segmented(np.argsort(x, kind="stable"), np.zeros(n, np.int32), (), 0, shuffled=True)
    back = np.union1d(down, known).astype(np.intp)
    if back.size > MAX_RESTARTS:
        raise _starts_over(back.size, where)
    if resume == "error":
        raise DataError(
            f"the log was started again at x = {x[back[0]]:g} (row {int(back[0]) + 1})",
            code="CF-DATA-005",
            where=where,
            hint="resume='supersede'",
        )
    starts = np.r_[0, back]
    segment = np.zeros(n, np.int32)
    segment[back] = 1
    segment = np.cumsum(segment, dtype=np.int32)
    keep = np.ones(n, bool)
    if resume == "supersede":
        floor = np.inf
        for s in range(int(segment[-1]), -1, -1):
            rows = segment == s
            keep[rows] = x[rows] < floor
            floor = min(floor, float(x[starts[s]]))
    elif resume == "first":
        ceiling = -np.inf
        for s in range(int(segment[-1]) + 1):
            rows = segment == s
            keep[rows] = x[rows] > ceiling
            ceiling = max(ceiling, float(x[rows].max()))
    index = np.flatnonzero(keep)
    index = index[np.argsort(x[index], kind="stable")]
    return Segmented(index, segment[index], tuple(float(v) for v in x[back]), int(n - index.size))


def _starts_over(times: int, where: str) -> DataError:
    return DataError(
        f"x starts over {times} times, as a step counted within each epoch does",
        code="CF-DATA-005",
        where=where,
        hint="pass x='cumulative' to join the pieces, another column (x='epoch'), or x='row' to number the rows",
    )


def _refuse_starting_over(x: NDArray[np.float64], down: NDArray[np.intp], where: str) -> None:
    """Raise when nearly every segment begins at the lowest x and values of x are used again and again."""
    lowest = x.min() + 0.02 * np.ptp(x)
    from_start = np.count_nonzero(x[down] <= lowest)
    if from_start >= MIN_CYCLES and from_start >= 0.8 * down.size and np.unique(x).size <= 0.67 * x.size:
        raise _starts_over(int(from_start), where)


def _in_no_order(x: NDArray[np.float64], down: NDArray[np.intp]) -> bool:
    """Whether going back means that rows were written out of order, not that training was resumed."""
    distinct = np.unique(x).size
    if down.size > max(3, x.size // 4):
        return True
    if distinct == x.size:
        edges = np.r_[0, down, x.size]
        blocks = sorted((x[a:b].min(), x[a:b].max()) for a, b in itertools.pairwise(edges))
        if all(a[1] < b[0] for a, b in itertools.pairwise(blocks)):
            return True  # blocks that share no range, in the wrong order
    if down.size <= MAX_RESTARTS:
        return False
    late = 0  # many small steps back: rows of several writers, each a little late
    for i in down:
        late += bool(np.all(x[max(0, i - LATE - 1) : max(1, i - LATE)] <= x[i]))
    return late == down.size
