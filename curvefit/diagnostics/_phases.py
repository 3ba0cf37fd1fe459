"""Phases of a run between sudden changes and turning points of the learning rate: what the schedule explains."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..curves import Schedule

__all__ = ["Phase", "phases", "turning_points"]

_LOOKED_AT = 4096  # logged rates among which turning points are looked for
_MOST = 24  # more sudden changes than this are a schedule logged too coarsely to be read phase by phase


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch of x with one trend of the learning rate.

    Parameters
    ----------
    start, stop : float
        x of the first point of the phase and of the next one (infinite at the end).
    rising : bool
        The rate rises through the phase: a rise of the loss there is explained.
    after_rise : bool
        The phase follows a rise of the rate (warm-up, restart): its beginning may still climb.
    """

    start: float
    stop: float
    rising: bool = False
    after_rise: bool = False


def phases(schedule: Schedule | None) -> tuple[Phase, ...]:
    """Phases of the logged learning rate, one without end when there is no log.

    A boundary is a step at which the rate falls to at most 0.6 of what it was or rises by half at once, and a turning
    point of at least a fifth of the peak rate. The rate of a phase rises if it ends above 1.05 times its beginning.
    """
    if schedule is None or len(schedule) < 3 or schedule.peak <= 0:
        return (Phase(-np.inf, np.inf),)
    x, rate = schedule.x, schedule.rate
    jumps = _jumps(rate)
    stride = -(-rate.size // _LOOKED_AT)
    turns = [stride * i for i in turning_points(rate[::stride], 0.2 * schedule.peak)]
    turns = [t for t in turns if all(abs(t - j) > 2 * stride for j in jumps)]  # a restart is one boundary, not two
    cuts = sorted({0, *turns, *jumps})
    if len(cuts) > _MOST:
        cuts = sorted({0, *turns})
        if len(cuts) > _MOST:
            return (Phase(-np.inf, np.inf),)
    ends = [*cuts[1:], rate.size]
    found: list[Phase] = []
    for i, (a, b) in enumerate(zip(cuts, ends, strict=True)):
        rising = bool(rate[b - 1] > 1.05 * rate[a] + 0.02 * schedule.peak)
        climbed = bool(i and (found[-1].rising or rate[a] > 1.05 * rate[a - 1] + 0.02 * schedule.peak))
        start = -np.inf if i == 0 else float(x[a])
        stop = np.inf if b == rate.size else float(x[b])
        found.append(Phase(start, stop, rising, climbed))
    return tuple(found)


def _jumps(rate: NDArray[np.float64]) -> list[int]:
    """First points after a sudden change: large against the step, and against the changes beside it."""
    old, new = rate[:-1], rate[1:]
    step = np.abs(np.diff(rate))
    beside = np.maximum(np.r_[step[1:], 0.0], np.r_[0.0, step[:-1]])
    sudden = (step > 3 * beside) & ((new <= 0.6 * old) | (new >= 1.5 * old)) & (old > 0)
    return [int(i) + 1 for i in np.flatnonzero(sudden)]


def turning_points(rate: NDArray[np.float64], size: float) -> list[int]:
    """Indices of local extremes that the rate leaves by at least ``size``."""
    found: list[int] = []
    low = high = 0
    way = 0
    moves = np.flatnonzero(np.diff(rate) != 0)  # many logged rates are repeats
    for i in np.unique(np.concatenate(([0], moves, moves + 1))).tolist():
        if rate[i] < rate[low]:
            low = i
        if rate[i] > rate[high]:
            high = i
        if way >= 0 and rate[high] - rate[i] >= size:
            if way > 0:
                found.append(high)
            way, low = -1, i
        elif way <= 0 and rate[i] - rate[low] >= size:
            if way < 0:
                found.append(low)
            way, high = 1, i
    return found
