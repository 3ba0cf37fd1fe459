"""Single observations about the trend: their size and their correlation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ..curves import Curve
from ._rows import MAD, lag1_rows, medians, ranked, rough_sds, slow_changes
from ._trace import Trace, observed, oriented

__all__ = ["Residuals", "residuals", "residuals_of", "thinned"]

Array = NDArray[np.float64]
_Number = TypeVar("_Number", np.float64, np.intp)

_PROPORTIONAL = 0.5  # slope of log noise over log trend from which, if beyond its error, noise is taken to follow
_CORRELATED = 0.2  # below it neighbors say next to nothing about a value
_MOST = 50_000  # of longer curves size and correlation of the noise are estimated on about this many observations


@dataclass(frozen=True, slots=True, eq=False)
class Residuals:
    """Observations minus trend, larger is worse.

    Parameters
    ----------
    value : ndarray, shape (n,)
        Residual of each observation in the unit of the metric.
    level : ndarray, shape (n,)
        The same in robust standard deviations (of the logarithm where the noise is skewed and that evens it, or where it
        is in proportion to the trend), with the slow change of the noise taken out.
    shock : ndarray, shape (n,)
        What each observation adds to the one before it, ``level_i - rho level_{i-1}``, in its own standard deviations;
        under serial correlation, where larger, how far it lies from both neighbors.
    sd : float
        Robust standard deviation of one observation, in the unit of the metric.
    rough : float
        The same from second differences: what changes from one observation to the next.
    rho : float
        Correlation of neighboring observations.
    settled : ndarray of bool, shape (n,)
        False for observations at the start of the run or of a phase, which the trend does not describe.
    logarithmic : bool
        Whether ``level`` and ``shock`` are of logarithms.
    """

    value: Array
    level: Array
    shock: Array
    sd: float
    rough: float
    rho: float
    settled: NDArray[np.bool_]
    logarithmic: bool


def residuals(curve: Curve, trace: Trace) -> Residuals:
    """Residuals of the single observations of a curve about the trend of its trace."""
    return residuals_of([curve], [trace])[0]


def residuals_of(curves: Sequence[Curve], traces: Sequence[Trace]) -> list[Residuals]:
    """Residuals of curves whose traces have one layout: as many observations, the same bins, phases and pieces."""
    first = traces[0]
    low, high, share, settled = observed(first)
    one = len(curves) == 1
    y = oriented(curves[0])[None, :] if one else np.stack([oriented(c) for c in curves])
    trend = np.stack([t.trend[low] + share * (t.trend[high] - t.trend[low]) for t in traces])
    del low, high, share
    rough = rough_sds(y[:, settled.argmax() :][:, -_MOST:])
    positive = np.array([t.sign for t in traces]) > 0
    positive &= (y.min(axis=1) > 0) & (trend.min(axis=1) > 0)
    value = y - trend
    scaled = _evened(value, settled)
    skew = _skews(scaled[:, settled])
    follows = np.zeros(len(traces), bool)
    few = np.ix_(positive, thinned(np.flatnonzero(settled)))
    follows[positive] = _follows(value[few], trend[few])
    del few
    logarithmic = positive & ((skew > 0) | follows)
    rows = np.flatnonzero(logarithmic)
    if rows.size:
        logs = np.log(y[rows]) - np.log(trend[rows])
        other = _evened(logs, settled)
        del logs
        better = (np.abs(_skews(other[:, settled])) < skew[rows]) | (follows[rows] & (skew[rows] >= 0))
        logarithmic[rows[~better]] = False
        scaled[rows[better]] = other[better]
        del other
    del y, trend  # of a long curve no array is kept longer than it is needed
    spread = _spreads(scaled[:, settled])
    level = scaled / np.where(spread > 0, spread, np.inf)[:, None]
    del scaled
    taken = max(len(first) - first.dof - 1 - 2 * len(first.pieces), 1)  # by the trend, of what neighbors share
    rho = lag1_rows(np.minimum(np.maximum(level[:, settled][:, -_MOST:], -4.0), 4.0), taken)
    shock = level.copy()
    shock[:, 1:] -= rho[:, None] * level[:, :-1]
    size = _spreads(shock[:, settled])
    shock /= np.where(size > 0, size, np.inf)[:, None]
    rows = np.flatnonzero(rho > _CORRELATED)
    if rows.size:  # a single value that is off shows on its way in and on its way out
        some, r = shock[rows], rho[rows, None]
        alone = np.concatenate(((some[:, :-1] - r * some[:, 1:]) / np.sqrt(1 + r**2), some[:, -1:]), axis=1)
        inside = np.concatenate((settled[1:], [False]))  # not across the end of a phase
        shock[rows] = np.where(inside & (alone > np.maximum(some, 0)), alone, some)
    sd = _spreads(value[:, settled])
    return [
        Residuals(
            value=value[i],
            level=level[i],
            shock=shock[i],
            sd=float(sd[i]),
            rough=float(rough[i]),
            rho=float(rho[i]),
            settled=settled,
            logarithmic=bool(logarithmic[i]),
        )
        for i in range(len(curves))
    ]


def thinned(values: NDArray[_Number], most: int = _MOST) -> NDArray[_Number]:
    """At most about that many of the values of every row, evenly spread."""
    return values[..., :: max(values.shape[-1] // most, 1)]


def _evened(values: Array, settled: NDArray[np.bool_]) -> Array:
    """Values of each row about their median with the slow change of their size taken out."""
    out: Array = values - medians(thinned(values[:, settled]))[:, None]
    inner = out[:, settled]
    few = thinned(inner)
    factor = slow_changes(few, margin=2.0)
    rows = np.flatnonzero(np.max(factor, axis=1) > np.min(factor, axis=1))
    if rows.size:
        n = inner.shape[1]
        if n > few.shape[1]:
            at, known = np.arange(n, dtype=np.float64), np.linspace(0, n - 1, few.shape[1])
            for row in rows.tolist():
                inner[row] /= np.interp(at, known, factor[row])
        else:
            inner[rows] /= factor[rows]
        out[:, settled] = inner
    return out


def _skews(values: Array) -> Array:
    """How much further the upper tenth of each row reaches than the lower one, 0 unless beyond three standard errors."""
    few = thinned(values)
    last = few.shape[1] - 1
    at = [0.1 * last, 0.9 * last]
    places = sorted({min(int(a) + i, last) for a in at for i in (0, 1)})
    order = ranked(few, places)
    low, high = (order[:, int(a)] + (a - int(a)) * (order[:, min(int(a) + 1, last)] - order[:, int(a)]) for a in at)
    fine = (low < 0) & (high > 0)
    skew = np.log(np.where(fine, high, 1.0) / -np.where(fine, low, -1.0))
    return np.asarray(np.where(np.abs(skew) > 3 * 1.8 / np.sqrt(few.shape[1]), skew, 0.0))


def _follows(values: Array, trend: Array) -> NDArray[np.bool_]:
    """Whether the noise of each row looks proportional to its trend rather than the same everywhere.

    By the slope of the logarithm of its size over that of the trend. Where noise is small beside the trend it does not
    matter, as both scales agree there; where it is large, an ordinary value of noise that follows looks like a spike.
    """
    size, at = np.abs(values), np.log(trend)
    size = np.log(np.maximum(size, 1e-3 * size.mean(axis=1, keepdims=True) + 1e-300))
    at -= at.mean(axis=1, keepdims=True)
    size -= size.mean(axis=1, keepdims=True)
    power = np.sum(at**2, axis=1)
    slope = np.sum(at * size, axis=1) / np.maximum(power, 1e-300)
    rest = np.std(size - slope[:, None] * at, axis=1)
    return np.asarray((slope > _PROPORTIONAL) & (slope * np.sqrt(power) > rest))


def _spreads(values: Array) -> Array:
    if not values.shape[1]:
        return np.zeros(values.shape[0])
    few = thinned(values)
    return np.asarray(MAD * medians(np.abs(few - medians(few)[:, None])))
