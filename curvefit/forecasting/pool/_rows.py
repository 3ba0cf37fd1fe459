"""Reductions over the last entries of each row, for rows that end in the last column."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .batch import Floats, Ints

__all__ = [
    "LARGEST",
    "SMALLEST",
    "mean_of",
    "mean_of_last",
    "median_of_last",
    "of_last",
    "quantile_of_last",
    "with_column",
    "within",
]

LARGEST, SMALLEST = float(np.finfo(float).max), float(np.finfo(float).tiny)


def within(values: Floats, low: Floats | float, high: Floats | float) -> Floats:
    """Values kept between bounds; for few values several times quicker than ``np.clip``."""
    kept: Floats = np.minimum(np.maximum(values, low), high)
    return kept


def with_column(values: Floats, column: Floats | float) -> Floats:
    """Values of shape (N, H, J) and one more in the last place, shape (N, H, J + 1)."""
    out = np.empty((*values.shape[:-1], values.shape[-1] + 1))
    out[..., :-1], out[..., -1] = values, column
    return out


def of_last(columns: int, count: Ints) -> NDArray[np.bool_] | None:
    """Mask of the last ``count`` entries of each row; None when that is every entry."""
    if int(count.min()) >= columns:
        return None
    mask: NDArray[np.bool_] = np.arange(columns - 1, -1, -1) < count[:, None]
    return mask


def mean_of(values: Floats) -> Floats:
    """Mean over the last axis, as ``values.mean(axis=-1)`` in a third of the time for few values."""
    mean: Floats = np.add.reduce(values, axis=-1) / values.shape[-1]
    return mean


def mean_of_last(values: Floats, count: Ints) -> Floats:
    """Mean of the last ``count`` entries of each row, shape (N,)."""
    part = values[:, values.shape[1] - int(count.max()) :]
    mask = of_last(part.shape[1], count)
    total = part.sum(axis=1) if mask is None else np.where(mask, part, 0.0).sum(axis=1)
    mean: Floats = total / count
    return mean


def quantile_of_last(values: Floats, count: Ints, level: float) -> Floats:
    """Quantile (linear between order statistics) of the last ``count`` entries of each row, shape (N,)."""
    if len(count) == 1:  # one curve: the same in fewer calls
        least, share = divmod(level * (int(count[0]) - 1), 1.0)
        first = int(least)
        after = min(first + 1, int(count[0]) - 1)
        few = np.partition(values[0, values.shape[1] - int(count[0]) :], (first, after))
        return np.array([few[first] + share * (few[after] - few[first])])
    part = values[:, values.shape[1] - int(count.max()) :]
    mask = of_last(part.shape[1], count)
    place = level * (count - 1)
    below = np.floor(place).astype(np.int64)
    rows = np.arange(len(count))
    kept = part if mask is None else np.where(mask, part, np.inf)
    needed = np.unique([below, np.minimum(below + 1, count - 1)])
    ordered = np.partition(kept, needed, axis=1) if needed.size <= 8 else np.sort(kept, axis=1)
    low, high = ordered[rows, below], ordered[rows, np.minimum(below + 1, count - 1)]
    quantile: Floats = low + (place - below) * (high - low)
    return quantile


def median_of_last(values: Floats, count: Ints) -> Floats:
    """Median of the last ``count`` entries of each row, shape (N,)."""
    return quantile_of_last(values, count, 0.5)
