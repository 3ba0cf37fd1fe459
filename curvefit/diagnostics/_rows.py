"""Robust statistics of many curves at once, one per row: what costs a small array call per curve costs one for all."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..fitting.autocorrelation import MAX_RHO

__all__ = ["MAD", "clipped", "lag1_rows", "medians", "medians_of_five", "ranked", "rough_sds", "slow_changes"]

Array = NDArray[np.float64]

MAD = 1.482602218505602  # standard deviations per median absolute deviation, for Gaussian values
_UNEVEN = float(np.log(10.0))  # noise is taken to change by at most this factor either way
_MANY = 1 << 16  # differences that are enough for a median
_FEW = 512  # values


def medians(values: Array) -> Array:
    """Median along the last axis, of finite values; for a few dozen a fifth of the time that `numpy.median` takes."""
    n = values.shape[-1]
    if not n:
        return np.full(values.shape[:-1], np.nan)
    half = n // 2
    if n % 2:
        return np.asarray(ranked(values, [half])[..., half])
    both = ranked(values, [half - 1, half])
    return np.asarray(0.5 * (both[..., half - 1] + both[..., half]))


def ranked(values: Array, places: list[int]) -> Array:
    """Values along the last axis with those at some places where sorting puts them; a few are sorted in less time."""
    return np.sort(values, axis=-1) if values.shape[-1] <= _FEW else np.partition(values, places, axis=-1)


def medians_of_five(values: Array) -> Array:
    """Running medians of five along every row, shape (r, n - 4): six times as fast as by selection in each window."""
    a, b, c, d, e = (values[:, i : values.shape[1] - 4 + i] for i in range(5))
    low = np.maximum(np.minimum(a, b), np.minimum(c, d))  # of four, all but the lowest and the highest
    high = np.minimum(np.maximum(a, b), np.maximum(c, d))
    return np.asarray(np.maximum(np.minimum(low, high), np.minimum(np.maximum(low, high), e)))


def clipped(values: Array, reach: Array) -> Array:
    """Values pulled in to ``reach`` either way, which has one entry per row."""
    limit = reach[..., None]
    return np.asarray(np.minimum(np.maximum(values, -limit), limit))


def lag1_rows(e: Array, parameters: int) -> Array:
    """`curvefit.fitting.autocorrelation.lag1` of every row, regularly spaced."""
    n = e.shape[1]
    out = np.zeros(e.shape[0])
    if n < 4 or n <= parameters + 2 or not e.size:
        return out
    top = np.max(np.abs(e), axis=1)
    fine = (top > 0) & (top < np.inf)
    e = e / np.where(fine, top, 1.0)[:, None]
    cross = 2.0 * np.einsum("ij,ij->i", e[:, 1:], e[:, :-1])
    power = 2.0 * np.einsum("ij,ij->i", e, e) - (e[:, 0] ** 2 + e[:, -1] ** 2)
    raw = np.where(power > 0, cross / np.where(power > 0, power, 1.0), 0.0)
    return np.asarray(np.where(fine, np.clip((n * raw + parameters) / (n - parameters - 2), 0.0, MAX_RHO), 0.0))


def rough_sds(y: Array) -> Array:
    """`curvefit.fitting.autocorrelation.robust_sd` of every row, from second differences."""
    if y.shape[1] < 4:
        return np.zeros(y.shape[0])
    top = np.max(np.abs(y), axis=1)
    fine = (top > 0) & (top < np.inf)
    y = y / np.where(fine, top, 1.0)[:, None]
    d = y[:, 2:] - y[:, 1:-1] - (y[:, 1:-1] - y[:, :-2])
    if d.shape[1] > 2 * _MANY:
        d = d[:, :: d.shape[1] // _MANY]
    spread = MAD * medians(np.abs(d))
    none = spread <= 0
    if none.any():
        spread[none] = np.sqrt(np.mean(d[none] ** 2, axis=1))
    return np.asarray(np.where(fine, spread / float(np.sqrt(6.0)) * top, 0.0))


@lru_cache(maxsize=64)
def _positions(n: int) -> tuple[Array, float]:
    s = np.log1p(np.arange(n) / max(n / 40, 1.0))
    s = s - s.mean()
    s.flags.writeable = False
    return s, float(s @ s)


def slow_changes(residuals: Array, margin: float = 1.0) -> Array:
    """Size of the noise relative to its typical size in every row: a power of the position, shrunk to none.

    Parameters
    ----------
    residuals : ndarray, shape (r, n)
        In order.
    margin : float
        Standard errors by which the power is shrunk towards 0.
    """
    n = residuals.shape[1]
    s, power = _positions(n) if n <= 4096 else _positions.__wrapped__(n)
    size = np.abs(residuals)
    spread = MAD * medians(size)
    fine = spread > 0
    if not (power > 0 and fine.any()):
        return np.ones(residuals.shape)
    slope = np.log(np.maximum(size / np.where(fine, spread, 1.0)[:, None], 0.01)) @ s / power
    slope = np.sign(slope) * np.maximum(np.abs(slope) - margin / np.sqrt(power), 0.0)
    slope[~fine] = 0.0
    out: Array = np.exp(np.minimum(np.maximum(slope[:, None] * s, -_UNEVEN), _UNEVEN))
    return out
