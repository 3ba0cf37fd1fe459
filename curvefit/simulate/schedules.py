"""Learning-rate schedules in units of the peak rate, and what they do to a loss."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..curves.errors import unknown_name

__all__ = ["SCHEDULES", "lagged", "rates"]

Array = NDArray[np.float64]


def _constant(u: Array) -> Array:
    return np.ones_like(u)


def _staircase(u: Array) -> Array:
    return np.asarray(0.2 ** np.searchsorted([0.3, 0.6, 0.8], u, side="right"), dtype=np.float64)


def _cosine(u: Array) -> Array:
    return 0.01 + 0.99 * (1 + np.cos(np.pi * u)) / 2


def _wsd(u: Array) -> Array:
    return np.clip((1 - u) / 0.2, 0.01, 1.0) * np.clip(u / 0.02 + 0.02, 0, 1)


def _linear(u: Array) -> Array:
    return np.maximum(1 - u, 0.0)


def _one_cycle(u: Array) -> Array:
    return np.where(u < 0.3, 0.1 + 0.9 * u / 0.3, 0.001 + 0.999 * (1 + np.cos(np.pi * (u - 0.3) / 0.7)) / 2)


def _cyclical(u: Array) -> Array:
    phase = (5 * u) % 1.0
    return np.asarray(0.1 + 0.9 * (1 - np.abs(2 * phase - 1)), dtype=np.float64)


def _warm_restarts(u: Array) -> Array:
    phase = np.minimum((4 * u) % 1.0, 1.0)
    return np.asarray(0.01 + 0.99 * (1 + np.cos(np.pi * phase)) / 2, dtype=np.float64)


SCHEDULES: dict[str, Callable[[Array], Array]] = {
    "constant": _constant,
    "staircase": _staircase,
    "cosine": _cosine,
    "wsd": _wsd,
    "linear": _linear,
    "one_cycle": _one_cycle,
    "cyclical": _cyclical,
    "warm_restarts": _warm_restarts,
}
"""Rate as a share of the peak against the share u in [0, 1) of the run."""


def rates(schedule: str, n: int, peak: float = 1.0) -> Array:
    """Learning rate at n equally spaced points of a run.

    Parameters
    ----------
    schedule : str
        A name in `SCHEDULES`.
    n : int
        Number of points.
    peak : float
        Largest rate.
    """
    if schedule not in SCHEDULES:
        raise unknown_name("schedule", schedule, SCHEDULES)
    return peak * SCHEDULES[schedule](np.arange(n) / max(n, 1))


def lagged(rate: Array, lag: float) -> Array:
    """The rate as the loss feels it: an exponential average with the given lag in points, started at the first rate."""
    from scipy.signal import lfilter

    if not rate.size:
        return rate
    keep = float(np.exp(-1.0 / max(lag, 1e-6)))
    out: Array = lfilter([1.0 - keep], [1.0, -keep], rate, zi=np.array([keep * rate[0]]))[0]
    return out
