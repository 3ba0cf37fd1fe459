"""Where a learning rate that is being lowered will have come down: the x at which the run is meant to end."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...curves import Curve, Run, Schedule
from .continuation import rounding

__all__ = ["begins_late", "decay_end", "default_horizon"]

Array = NDArray[np.float64]
_FARTHEST = 8.0  # times the length of the decay so far; one that would end beyond is not told from one without an end
_EXACT, _FITS = 1e-6, 1e-3  # root mean square misses, as shares of the peak: of a formula, and of one that is nearly it
_AGREE = 0.1  # of the way still to go, within which the ends that fit nearly as well must lie
_CLEARLY = 1.5  # times the miss of the best: what misses by more is not as good
_RESTS = 1e-6  # of the peak
_ROUND = 2e-3  # of the length of the run: an end is told no finer
_COUNTERS = ("step", "iteration", "epoch", "token")  # which go on counting where a run is continued
_SEVERAL = 3  # points; fewer may be the first evaluations, at intervals
_LATE = 0.8  # of the last x
_POINTS = 100  # rates that are looked at
_BEGUN = 0.02  # of the peak, by which the rate must have come down for its decay to show


def default_horizon(run: Run, curve: Curve) -> tuple[float, str]:
    """How far ahead is asked when nobody says: to the planned length, to the end of the decay, or to twice the data.

    Parameters
    ----------
    run : Run
        Its planned length and learning rate.
    curve : Curve
        With at least one finite point.

    Returns
    -------
    float
        Beyond the last x.
    {"planned", "decay", "twice"}
        Which of them it is. A run that has reached its planned length is asked about at twice the data; of a log that holds
        only the last fifth of its counter these are what it holds.
    """
    last = float(curve.x[-1])
    if run.horizon is not None and run.horizon > last:
        return run.horizon, "planned"
    end = decay_end(run.schedule, last) if run.horizon is None else None
    if end is not None:
        return end, "decay"
    return last + max(last - _begin(curve), 0.0) or last + 1.0, "twice"


def begins_late(curve: Curve) -> bool:
    """Whether a log holds only the last fifth of what its counter says: an earlier part is missing, or a model is trained further."""
    first, last = float(curve.x[0]), float(curve.x[-1])
    return curve.x_unit in _COUNTERS and len(curve) >= _SEVERAL and first > _LATE * last > 0


def _begin(curve: Curve) -> float:
    """From where the data count: 0, the first x where that is negative, or where a log begins late."""
    first = float(curve.x[0])
    return first if begins_late(curve) else min(first, 0.0)


def decay_end(schedule: Schedule | None, last: float) -> float | None:
    """The x at which the decay that a learning rate is in will end, when the log tells it.

    Parameters
    ----------
    schedule : Schedule or None
        As logged, or as stated beyond the data.
    last : float
        Last x of the data.

    Returns
    -------
    float or None
        Beyond ``last``; None while the rate is warming up, is held, has come down already, falls without an end
        (exponential, inverse square root) or in cycles, and where different ends follow the log as well.

    Notes
    -----
    A cosine's end is read off its bend, that of a line is where it meets 0: one that is planned to stop above that, at a
    tenth of the peak say, ends a little earlier than is said here.

    Examples
    --------
    >>> from curvefit import Schedule
    >>> decay_end(Schedule.cosine(3e-4, 1_000, warmup=20).until(400), 400.0)
    1000.0
    """
    if schedule is None or not len(schedule) or not schedule.peak > 0:
        return None
    if float(schedule.x[-1]) > last:
        return _stated(schedule, last)
    now, share = float(schedule.x[-1]), schedule.rate / schedule.peak
    flat = int(np.flatnonzero(share >= 1 - 1e-9)[-1])
    cycles = bool(np.any(np.diff(share[: flat + 1]) < -_RESTS))
    x, share = schedule.x[flat:], share[flat:]
    begun = _RESTS < share[-1] < 1 - _BEGUN and share.size >= 8
    if (
        cycles
        or not begun
        or now < last - 0.2 * (last - float(x[0]))
        or np.any(np.diff(share) > _RESTS)
        or share[-1] == share[-3]
    ):
        return None
    some = np.unique(np.linspace(0, x.size - 1, _POINTS).astype(np.intp))
    x, share = x[some], share[some]
    starts = {float(x[0])} | ({0.0, float(2 * x[0] - x[1])} if flat == 0 else set())
    miss, end = _of_line(x, share)
    bent, found = _of_cosine(x, share, sorted(starts))
    if miss <= max(_EXACT, min(rounding(schedule.rate) / schedule.peak, _FITS)) and miss <= _CLEARLY * bent:
        found = end  # a cosine that ends far off is nearly a line
    if found is None or found <= last:
        return None
    step = 10.0 ** np.floor(np.log10(_ROUND * (found - min(float(schedule.x[0]), 0.0))))
    return float(np.round(found / step) * step)


def _stated(schedule: Schedule, last: float) -> float | None:
    """From where on a schedule that reaches beyond the data has come down; None where it does not."""
    moves = np.flatnonzero(np.abs(np.diff(schedule.rate)) > _RESTS * schedule.peak)
    if not moves.size or schedule.rate[-1] >= float(schedule.at(last)[()]):
        return None
    end = float(schedule.x[moves[-1] + 1])
    return end if end > last else None


def _of_line(x: Array, share: Array) -> tuple[float, float | None]:
    """By how much the line through the rates misses them, and where it meets 0."""
    slope, level = np.polyfit(x - x[-1], share, 1)
    miss = float(np.sqrt(np.mean((level + slope * (x - x[-1]) - share) ** 2)))
    return miss, float(x[-1] - level / slope) if slope < 0 else None


def _of_cosine(x: Array, share: Array, starts: list[float]) -> tuple[float, float | None]:
    """The same of the cosine from one of the starts to any share of the peak; no end where others fit nearly as well."""
    tried: list[tuple[float, float, float]] = []
    for begin in starts:
        length = float(x[-1]) - begin
        factors = np.geomspace(1.0, _FARTHEST, 60)
        misses = _misses(x, share, begin, length * factors)
        for _ in range(6):
            k = int(np.argmin(misses))
            factors = np.linspace(factors[max(k - 1, 0)], factors[min(k + 1, factors.size - 1)], 13)
            misses = _misses(x, share, begin, length * factors)
        k = int(np.argmin(misses))
        tried.append((float(misses[k]), begin, float(factors[k])))
    miss, begin, factor = min(tried)
    length, reach = float(x[-1]) - begin, _AGREE * (factor - 1)
    beside = _misses(x, share, begin, length * np.array([max(factor - reach, 1.0), factor + reach]))
    sure = miss <= _FITS and factor < 0.99 * _FARTHEST and bool(np.all(beside > max(_CLEARLY * miss, _EXACT)))
    return miss, begin + factor * length if sure else None


def _misses(x: Array, share: Array, begin: float, lengths: Array) -> Array:
    """Root mean square distance of the rates from the best cosine of each length, shape (m,)."""
    bend = np.cos(np.pi * np.clip((x - begin) / lengths[:, None], 0.0, 1.0))
    bend -= bend.mean(axis=1, keepdims=True)
    away = share - share.mean()
    slope = (bend @ away) / np.maximum((bend**2).sum(axis=1), 1e-300)
    return np.asarray(np.sqrt(((away - slope[:, None] * bend) ** 2).mean(axis=1)))
