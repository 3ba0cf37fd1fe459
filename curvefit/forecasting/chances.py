"""Probabilities of what the mean curve will do, corrected by how often such statements came true."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .forecast import Forecast

__all__ = ["AS_STATED", "LEARNED", "Chances", "chance_as_good", "chance_reached", "corrected", "using"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Chances:
    r"""From a probability of the forecast to one that comes true as often as it says.

    .. math:: \operatorname{logit} p' = a + b \operatorname{logit} p, \qquad
              P(T \le x) = 1 - (1 - \max_{x' \le x} p'(x'))^{k}

    Parameters
    ----------
    shift, slope : float
        a and b > 0. A slope below 1 takes back confidence.
    again : float
        k >= 1: the curve that is seen does not keep to one quantile of the forecast, so it is somewhere beyond a value
        more often than at the likeliest single x.
    """

    shift: float = 0.0
    slope: float = 1.0
    again: float = 1.0

    def at_once(self, p: Floats) -> Floats:
        """Probability of being as good as a value at one x; 0 and 1 stay."""
        inside = (p > 0) & (p < 1)
        q = np.where(inside, p, 0.5)
        odds = np.exp(self.shift) * (q / (1 - q)) ** self.slope
        out: Floats = np.where(inside, odds / (1 + odds), p)
        return out

    def by_then(self, p: Floats) -> Floats:
        """Probability of having been as good by each x, from those at each x along the first axis."""
        out: Floats = 1 - (1 - np.maximum.accumulate(self.at_once(p), axis=0)) ** self.again
        return out


AS_STATED = Chances()
"""For forecasts of any other origin: taken at their word."""

LEARNED = Chances(shift=-0.106, slope=0.893, again=1.267)
"""Of the pool, on the real runs of ``python -m benchmarks.decisions calibration``, which also says what it is worth."""

_LEARNED_ON = ("pooled", "annealed")
_IN_USE: ContextVar[Chances] = ContextVar("chances", default=LEARNED)


@contextmanager
def using(chances: Chances) -> Iterator[None]:
    """Other corrections of the pool inside a ``with`` block: those of one half of the runs while the other is scored."""
    token = _IN_USE.set(chances)
    try:
        yield
    finally:
        _IN_USE.reset(token)


def chance_as_good(forecast: Forecast, values: ArrayLike) -> Floats:
    """P(the mean curve is as good as each value) at each x, shape (H, m) for m values.

    Parameters
    ----------
    forecast : Forecast
        Of any method; the pool's probabilities are corrected.
    values : float or array-like, shape (m,)
        In the unit of the metric.
    """
    return _corrections(forecast).at_once(_stated(forecast, values))


def chance_reached(forecast: Forecast, values: ArrayLike) -> Floats:
    """P(the mean curve has been as good as each value) by each x, shape (H, m), non-decreasing along x.

    Parameters
    ----------
    forecast : Forecast
        Over increasing x, of any method; the pool's probabilities are corrected.
    values : float or array-like, shape (m,)
        In the unit of the metric.
    """
    return _corrections(forecast).by_then(_stated(forecast, values))


def corrected(methods: Sequence[str], p: Floats) -> Floats:
    """Probabilities that forecasts of these methods state, corrected by how often such statements came true.

    Parameters
    ----------
    methods : sequence of str
        Method of each forecast.
    p : ndarray, shape (N,)
        As stated.
    """
    learned = np.array([m in _LEARNED_ON for m in methods], dtype=bool)
    out: Floats = np.where(learned, _IN_USE.get().at_once(p), p)
    return out


def _corrections(forecast: Forecast) -> Chances:
    return _IN_USE.get() if forecast.method in _LEARNED_ON else AS_STATED


def _stated(forecast: Forecast, values: ArrayLike) -> Floats:
    v = np.atleast_1d(np.asarray(values, dtype=np.float64))
    if forecast.direction == "min":
        return forecast.underlying.cdf(v)
    return np.asarray(1 - forecast.underlying.cdf(np.nextafter(v, -np.inf)))
