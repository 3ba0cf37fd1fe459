"""Intervals of resampled values, and whether they say anything."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...curves import Interval

__all__ = ["EXACT", "percentiles", "spanned"]

Array = NDArray[np.float64]
EXACT = 1e-8  # relative width of an interval below which the points lie on the law and rounding is all that is seen
_NOTHING_KNOWN = 6  # powers of ten between the ends of an interval


def percentiles(value: float, draws: Array, level: float, scale: float = 0.0) -> Interval:
    """Interval of resampled values that also holds the value; of no width where only rounding tells them apart.

    ``scale`` is the size of what the value is compared with, for a value that may be zero.
    """
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    low, high = min(float(low), float(value)), max(float(high), float(value))
    if high - low < EXACT * max(abs(value), scale):
        low = high = float(value)
    return Interval(low, high, level, method="bootstrap over runs")


def spanned(interval: Interval) -> int:
    """Powers of ten between the ends of an interval that says next to nothing; 0 for one that says something."""
    low, high = interval.low, interval.high
    if not (low > 0 and np.isfinite(high)):
        return 0
    powers = int(np.log10(high) - np.log10(low))
    return powers if powers >= _NOTHING_KNOWN else 0
