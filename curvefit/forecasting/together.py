"""What many forecasts say, asked at once: those that were made together are solved together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .chances import corrected
from .forecast import Distribution, Forecast
from .pool.distribution import PooledDistribution

__all__ = ["last_chances", "last_quantiles", "mean_quantiles"]

_Array = NDArray[np.float64]


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
    pooled, rest = _split(several)
    if pooled:
        out[pooled] = PooledDistribution.last_quantiles(_of_the_pool(several, pooled), wanted)
    for place in rest:
        out[place] = several[place].at(np.array([forecasts[place].x.size - 1])).quantile(wanted)[0]
    return out


def mean_quantiles(forecasts: Sequence[Forecast], levels: ArrayLike) -> list[_Array]:
    """Quantiles of the mean curve at all x of each forecast, shapes (H, L)."""
    wanted = np.asarray(levels, dtype=np.float64)
    several = [f.underlying for f in forecasts]
    pooled, rest = _split(several)
    out: list[_Array] = [wanted] * len(several)
    if pooled:
        found = PooledDistribution.all_quantiles(_of_the_pool(several, pooled), wanted)
        for place, one in zip(pooled, found, strict=True):
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
    pooled, rest = _split(several)
    if pooled:
        below[pooled] = PooledDistribution.last_cdf(_of_the_pool(several, pooled), wanted[pooled])
    for place in rest:
        there = several[place].at(np.array([forecasts[place].x.size - 1]))
        below[place] = there.cdf(wanted[place : place + 1])[0, 0]
    return corrected([f.method for f in forecasts], np.where(least, below, 1 - below))


def _split(several: Sequence[Distribution]) -> tuple[list[int], list[int]]:
    """Places of those of the pool, which can be asked together, and of the others."""
    pooled = [i for i, d in enumerate(several) if isinstance(d, PooledDistribution)]
    known = set(pooled)
    return pooled, [i for i in range(len(several)) if i not in known]


def _of_the_pool(several: Sequence[Distribution], places: Sequence[int]) -> list[PooledDistribution]:
    return [d for d in (several[i] for i in places) if isinstance(d, PooledDistribution)]
