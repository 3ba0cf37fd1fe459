"""Intervals of resampled values, and whether they say anything."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...curves import Estimate, Interval, Status

__all__ = ["EXACT", "interval_estimate", "no_width", "spanned"]

Array = NDArray[np.float64]
EXACT = 1e-8  # relative width of an interval below which the points lie on the law and rounding is all that is seen
_NOTHING_KNOWN = 6  # powers of ten between the ends of an interval


def interval_estimate(name: str, value: float, draws: Array, level: float, scale: float = 0.0) -> Estimate:
    """A value with the interval of resampled ones, or with the reason why there is none or why it says nothing."""
    interval = _percentiles(value, draws, level, scale)
    if interval is None:
        return Estimate(name, value, reasons=(no_width(value),))
    if powers := spanned(interval):
        why = f"not determined by these runs: the interval spans {powers} powers of ten"
        return Estimate(name, value, interval, status=Status.NOT_IDENTIFIED, reasons=(why,))
    return Estimate(name, value, interval)


def _percentiles(value: float, draws: Array, level: float, scale: float = 0.0) -> Interval | None:
    """Interval of resampled values that also holds the value; None where only rounding tells them apart.

    ``scale`` is the size of what the value is compared with, for a value that may be zero.
    """
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    low, high = min(float(low), float(value)), max(float(high), float(value))
    if high - low <= EXACT * max(abs(value), scale):
        return None
    return Interval(low, high, level, method="bootstrap over runs")


def no_width(value: float) -> str:
    """Why resampled values that are all the same give no interval."""
    if value == 0:
        return "it is zero in every resampled run"
    return "the points lie on the law to rounding, and resampled ones on the same"


def spanned(interval: Interval) -> int:
    """Powers of ten between the ends of an interval that says next to nothing; 0 for one that says something."""
    low, high = interval.low, interval.high
    if not (low > 0 and np.isfinite(high)):
        return 0
    powers = int(np.log10(high) - np.log10(low))
    return powers if powers >= _NOTHING_KNOWN else 0
