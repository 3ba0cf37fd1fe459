"""Resumed runs: one rule that splits a log in segments and settles what repeats, for all readers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from .errors import DataError, UsageError

__all__ = ["ResumePolicy", "Segmented", "segment_log"]

ResumePolicy = Literal["supersede", "keep", "first", "error"]
MAX_RESTARTS = 20


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


def segment_log(x: NDArray[np.float64], *, resume: ResumePolicy = "supersede", where: str = "") -> Segmented:
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

    Raises
    ------
    DataError
        When x starts over many times (a step counted within each epoch), or on a restart with ``resume="error"``.
    """
    if resume not in get_args(ResumePolicy):
        raise UsageError(
            f"resume policy {resume!r}", code="CF-USE-005", hint=f"choices: {', '.join(get_args(ResumePolicy))}"
        )
    n = x.size
    if n == 0:
        return Segmented(np.zeros(0, np.intp), np.zeros(0, np.int32), (), 0)
    back = np.flatnonzero(np.diff(x) < 0) + 1
    if back.size == 0:
        return Segmented(np.arange(n), np.zeros(n, np.int32), (), 0)
    if back.size > max(3, n // 4):  # goes back at every other row: no order at all
        return Segmented(np.argsort(x, kind="stable"), np.zeros(n, np.int32), (), 0, shuffled=True)
    starts = np.r_[0, back]
    first_x = x[starts]
    lowest = np.count_nonzero(first_x <= x[0] + 0.02 * np.ptp(x)) - 1
    if back.size > MAX_RESTARTS or (lowest >= 3 and lowest == back.size):
        raise DataError(
            f"x starts over {back.size} times, as a step counted within each epoch does",
            code="CF-DATA-005",
            where=where,
            hint="pass another x column (--x epoch), or --x row to count rows",
        )
    if resume == "error":
        raise DataError(
            f"x goes back at {x[back[0]]:g} (row {int(back[0]) + 1})",
            code="CF-DATA-005",
            where=where,
            hint="resume='supersede'",
        )
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
