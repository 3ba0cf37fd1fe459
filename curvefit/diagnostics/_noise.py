"""Single observations about the trend: their size and their correlation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..curves import Curve
from ..fitting.autocorrelation import lag1, robust_sd
from ._trace import Trace, oriented
from ._trend import MAD, slow_change

__all__ = ["Residuals", "residuals", "thinned"]

Array = NDArray[np.float64]

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
        The same in robust standard deviations (of the logarithm where the noise is skewed and that evens it), with the
        slow change of the noise taken out.
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
    y = oriented(curve)
    trend, settled = trace.expected()
    value = y - trend
    rough = robust_sd(y[settled.argmax() :][-_MOST:], order=2)
    logs = np.log(y / trend) if trace.sign > 0 and float(y.min()) > 0 and float(trend.min()) > 0 else None
    del y, trend  # of a long curve no array is kept longer than it is needed
    scaled = _evened(value, settled)
    logarithmic = False
    if logs is not None and _skew(scaled[settled]) > 0:
        other = _evened(logs, settled)
        logarithmic = abs(_skew(other[settled])) < _skew(scaled[settled])
        scaled = other if logarithmic else scaled
        del other
    del logs
    spread = _spread(scaled[settled])
    level = scaled / spread if spread > 0 else np.zeros(value.size)
    del scaled
    taken = max(len(trace) - trace.dof - 1 - 2 * len(trace.pieces), 1)  # by the trend, of what neighbors share
    rho = lag1(np.clip(level[settled][-_MOST:], -4, 4), parameters=taken) if spread > 0 else 0.0
    shock = np.concatenate((level[:1], level[1:] - rho * level[:-1]))
    size = _spread(shock[settled])
    shock = shock / size if size > 0 else np.zeros(value.size)
    if rho > _CORRELATED:  # a single value that is off shows on its way in and on its way out
        alone = np.concatenate(((shock[:-1] - rho * shock[1:]) / np.sqrt(1 + rho**2), shock[-1:]))
        inside = np.concatenate((settled[1:], [False]))  # not across the end of a phase
        shock = np.where(inside & (alone > np.maximum(shock, 0)), alone, shock)
    return Residuals(
        value=value,
        level=level,
        shock=shock,
        sd=_spread(value[settled]),
        rough=rough,
        rho=rho,
        settled=settled,
        logarithmic=logarithmic,
    )


def thinned(values: Array, most: int = _MOST) -> Array:
    """At most about that many of the values, evenly spread."""
    return values[:: max(values.size // most, 1)]


def _evened(values: Array, settled: NDArray[np.bool_]) -> Array:
    """Values about their median with the slow change of their size taken out."""
    out: Array = values - np.median(thinned(values[settled]))
    inner = out[settled]
    few = thinned(inner)
    factor = slow_change(few, margin=2.0)
    if np.ptp(factor) > 0:
        inner /= np.interp(np.arange(inner.size, dtype=np.float64), np.linspace(0, inner.size - 1, few.size), factor)
        out[settled] = inner
    return out


def _skew(values: Array) -> float:
    """How much further the upper tenth of the values reaches than the lower one, 0 unless beyond three standard errors."""
    few = thinned(values)
    low, high = np.quantile(few, [0.1, 0.9])
    if not low < 0 < high:
        return 0.0
    skew = float(np.log(high / -low))
    return skew if abs(skew) > 3 * 1.8 / np.sqrt(few.size) else 0.0


def _spread(values: Array) -> float:
    if not values.size:
        return 0.0
    few = thinned(values)
    return MAD * float(np.median(np.abs(few - np.median(few))))
