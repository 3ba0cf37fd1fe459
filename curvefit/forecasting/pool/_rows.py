"""Reductions over the last entries of each row, for rows that end in the last column."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .batch import Floats, Ints

__all__ = ["LARGEST", "SMALLEST", "mean_of_last", "median_of_last", "of_last", "quantile_of_last", "within"]

LARGEST, SMALLEST = float(np.finfo(float).max), float(np.finfo(float).tiny)


def within(values: Floats, low: Floats | float, high: Floats | float) -> Floats:
    """Values kept between bounds; for few values several times quicker than ``np.clip``."""
    kept: Floats = np.minimum(np.maximum(values, low), high)
    return kept


def of_last(columns: int, count: Ints) -> NDArray[np.bool_] | None:
    """Mask of the last ``count`` entries of each row; None when that is every entry."""
    if int(count.min()) >= columns:
        return None
    mask: NDArray[np.bool_] = np.arange(columns - 1, -1, -1) < count[:, None]
    return mask


def mean_of_last(values: Floats, count: Ints) -> Floats:
    """Mean of the last ``count`` entries of each row, shape (N,)."""
    part = values[:, values.shape[1] - int(count.max()) :]
    mask = of_last(part.shape[1], count)
    total = part.sum(axis=1) if mask is None else np.where(mask, part, 0.0).sum(axis=1)
    mean: Floats = total / count
    return mean


def quantile_of_last(values: Floats, count: Ints, level: float) -> Floats:
    """Quantile (linear between order statistics) of the last ``count`` entries of each row, shape (N,)."""
    part = values[:, values.shape[1] - int(count.max()) :]
    mask = of_last(part.shape[1], count)
    place = level * (count - 1)
    below = np.floor(place).astype(np.int64)
    rows = np.arange(len(count))
    kept = part if mask is None else np.where(mask, part, np.inf)
    if len(count) == 1:  # one curve
        first = int(below[0])
        needed = np.array([first, min(first + 1, int(count[0]) - 1)])
    else:
        needed = np.unique([below, np.minimum(below + 1, count - 1)])
    ordered = np.partition(kept, needed, axis=1) if needed.size <= 8 else np.sort(kept, axis=1)
    low, high = ordered[rows, below], ordered[rows, np.minimum(below + 1, count - 1)]
    quantile: Floats = low + (place - below) * (high - low)
    return quantile


def median_of_last(values: Floats, count: Ints) -> Floats:
    """Median of the last ``count`` entries of each row, shape (N,)."""
    return quantile_of_last(values, count, 0.5)
