"""Noise and serial correlation of many curves side by side: `autocorrelation` row by row, without a call per row."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .autocorrelation import MAX_RHO

__all__ = ["lag1_rows", "median_rows", "regular_rows", "robust_sd_rows"]

_Array = NDArray[np.float64]
_MANY = 1 << 16  # values that are enough for a median, as in `autocorrelation`
_FEW = 512  # values


def median_rows(values: _Array) -> _Array:
    """Median of every row; nan where a row holds one.

    Parameters
    ----------
    values : ndarray, shape (N, n)
        At least one column.
    """
    n = values.shape[1]
    half = n // 2
    places = (half, n - 1) if n % 2 else (half - 1, half, n - 1)
    # nan goes last; a few values are sorted in less time than they are parted
    part = np.sort(values, axis=1) if n <= _FEW else np.partition(values, places, axis=1)
    middle = part[:, half] if n % 2 else (part[:, half - 1] + part[:, half]) / 2
    out: _Array = np.where(np.isnan(part[:, -1]), np.nan, middle)
    return out


def robust_sd_rows(y: _Array, *, order: int = 1) -> _Array:
    """`robust_sd` of every row of y, shape (N, n)."""
    rows, n = y.shape
    if n < order + 2:
        return np.zeros(rows)
    top = np.abs(y).max(axis=1)
    usable = (top > 0) & (top < np.inf)
    if order == 0 and n > 2 * _MANY:
        y = y[:, :: n // _MANY]
    values = y / np.where(usable, top, 1.0)[:, None]
    d = values - median_rows(values)[:, None] if order == 0 else np.diff(values, n=order, axis=1)
    if d.shape[1] > 2 * _MANY:
        d = d[:, :: d.shape[1] // _MANY]
    d = np.abs(d)
    middle = median_rows(d)
    spread = 1.482602218505602 * middle
    quantized = ~(middle > 0)
    if quantized.any():
        spread[quantized] = np.sqrt(np.mean(d[quantized] ** 2, axis=1))
    scale = (1.0, float(np.sqrt(2.0)), float(np.sqrt(6.0)))[order]
    out: _Array = np.where(usable, spread / scale * top, 0.0)
    return out


def lag1_rows(residuals: _Array, *, parameters: int = 1) -> _Array:
    """`lag1` of every row of evenly spaced residuals, shape (N, n)."""
    rows, n = residuals.shape
    if n < 4 or n <= parameters + 2:
        return np.zeros(rows)
    top = np.abs(residuals).max(axis=1)
    usable = (top > 0) & (top < np.inf)
    e = residuals / np.where(usable, top, 1.0)[:, None]
    square = e * e
    cross = 2.0 * (e[:, 1:] * e[:, :-1]).sum(axis=1)
    power = 2.0 * square.sum(axis=1) - (square[:, 0] + square[:, -1])
    raw = np.where(power > 0, cross / np.where(power > 0, power, 1.0), 0.0)
    out: _Array = np.where(usable, np.clip((n * raw + parameters) / (n - parameters - 2), 0.0, MAX_RHO), 0.0)
    return out


def regular_rows(x: _Array, tolerance: float = 0.25) -> NDArray[np.bool_]:
    """Whether the x of each row, shape (N, n), increase and are `regularly_spaced`."""
    gap = np.diff(x, axis=1)
    if gap.shape[1] < 2:
        return np.asarray((gap > 0).all(axis=1))
    unit = median_rows(gap[:, :: max(1, gap.shape[1] // _MANY)])[:, None]
    close = np.abs(gap - unit) <= tolerance * unit
    return np.asarray((gap > 0).all(axis=1) & (np.mean(close, axis=1) >= 0.9))
