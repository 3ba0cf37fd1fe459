"""What many forecasts say, asked at once: those that were made together are solved together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .chances import corrected
from .either import Either
from .forecast import Distribution, Forecast
from .pool.distribution import PooledDistribution

__all__ = ["last_chances", "last_quantiles", "mean_quantiles"]

_Array = NDArray[np.float64]
_D = TypeVar("_D", bound=Distribution)


def last_quantiles(forecasts: Sequence[Forecast], levels: ArrayLike, *, view: str = "observation") -> _Array:
    """Quantiles at the last x of each forecast, shape (N, L).

    Parameters
    ----------
    forecasts : sequence of Forecast
        Of any methods.
    levels : array-like, shape (L,)
        In (0, 1).
    view : {"observation", "mean"}
        Of a new observation, or of the mean curve.
    """
    wanted = np.asarray(levels, dtype=np.float64)
    several = [f.observation if view == "observation" else f.underlying for f in forecasts]
    out = np.empty((len(several), wanted.size))
    pooled, either, rest = _split(several)
    if pooled:
        out[pooled] = PooledDistribution.last_quantiles(_among(several, pooled, PooledDistribution), wanted)
    if either:
        ends = [d.at(_last(forecasts[i])) for i, d in zip(either, _among(several, either, Either), strict=True)]
        out[either] = np.concatenate(Either.all_quantiles(ends, wanted))
    for place in rest:
        out[place] = several[place].at(_last(forecasts[place])).quantile(wanted)[0]
    return out


def mean_quantiles(forecasts: Sequence[Forecast], levels: ArrayLike) -> list[_Array]:
    """Quantiles of the mean curve at all x of each forecast, shapes (H, L)."""
    wanted = np.asarray(levels, dtype=np.float64)
    several = [f.underlying for f in forecasts]
    pooled, either, rest = _split(several)
    out: list[_Array] = [wanted] * len(several)
    for places, found in (
        (pooled, PooledDistribution.all_quantiles(_among(several, pooled, PooledDistribution), wanted)),
        (either, Either.all_quantiles(_among(several, either, Either), wanted)),
    ):
        for place, one in zip(places, found, strict=True):
            out[place] = one
    for place in rest:
        out[place] = several[place].quantile(wanted)
    return out


def last_chances(forecasts: Sequence[Forecast], values: Sequence[float]) -> _Array:
    """P(the mean curve is as good as its value) at the last x of each forecast, shape (N,); see `chances`."""
    several = [f.underlying for f in forecasts]
    least = np.array([f.direction == "min" for f in forecasts], dtype=bool)
    wanted = np.asarray(values, dtype=np.float64)
    wanted = np.where(least, wanted, np.nextafter(wanted, -np.inf))
    below = np.empty(len(several))
    pooled, either, rest = _split(several)
    if pooled:
        below[pooled] = PooledDistribution.last_cdf(_among(several, pooled, PooledDistribution), wanted[pooled])
    for place in either + rest:
        there = several[place].at(_last(forecasts[place]))
        below[place] = there.cdf(wanted[place : place + 1])[0, 0]
    return corrected([f.method for f in forecasts], np.where(least, below, 1 - below))


def _split(several: Sequence[Distribution]) -> tuple[list[int], list[int], list[int]]:
    """Places of those of the pool and of mixtures of two, either of which can be asked together, and of the others."""
    pooled = [i for i, d in enumerate(several) if isinstance(d, PooledDistribution)]
    either = [i for i, d in enumerate(several) if isinstance(d, Either)]
    known = {*pooled, *either}
    return pooled, either, [i for i in range(len(several)) if i not in known]


def _among(several: Sequence[Distribution], places: Sequence[int], kind: type[_D]) -> list[_D]:
    return [d for d in (several[i] for i in places) if isinstance(d, kind)]


def _last(forecast: Forecast) -> NDArray[np.intp]:
    return np.array([forecast.x.size - 1])
