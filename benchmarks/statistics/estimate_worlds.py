"""Simulated curves whose mean is known, and the true answers to every question that an estimand asks of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.signal import lfilter

__all__ = ["DROP", "NOISES", "SD", "SIZES", "WORLDS", "World", "draw"]

Floats = NDArray[np.float64]
SIZES = (30, 100, 400, 1000)
NOISES = ("white", "AR(.7)", "AR(.9)", "t3")
SD = 0.05
"""Standard deviation of the noise, whatever its kind."""
DROP = 3.0
"""Size of the fall of every world's mean, which widths are shares of."""
HORIZON = 2.0
"""Times the last x."""


def draw(kind: str, rng: np.random.Generator, runs: int, n: int) -> Floats:
    """Stationary noise of standard deviation ``SD``, shape (runs, n)."""
    if kind == "t3":
        return SD / np.sqrt(3.0) * rng.standard_t(3, (runs, n))
    rho = {"white": 0.0, "AR(.7)": 0.7, "AR(.9)": 0.9}[kind]
    e = rng.standard_normal((runs, n)) * np.sqrt(1 - rho**2)
    e[:, 0] /= np.sqrt(1 - rho**2)
    out: Floats = SD * lfilter([1], [1, -rho], e, axis=1)
    return out


@dataclass(frozen=True)
class World:
    """A mean curve f on x = 1 ... n whose shape is stretched with n, asked about 2 n.

    Parameters
    ----------
    law : callable
        Mean at x of a curve of n points.
    best : callable
        First and last x in the data at which the mean is best.
    limit : float or None
        Where the mean goes; None where it grows without one.
    early : tuple of float
        Shares of n between which targets that were met in the past are drawn.
    gains : bool
        Whether the mean still improves after n.
    """

    name: str
    law: Callable[[Floats, int], Floats]
    best: Callable[[int], tuple[float, float]]
    limit: float | None = 2.0
    early: tuple[float, float] = (0.1, 0.9)
    gains: bool = True
    has_onset: bool = True

    SHARE_LOW: ClassVar[float] = 0.01
    SHARE_HIGH: ClassVar[float] = 0.15

    def mean(self, x: Floats | float, n: int) -> Floats:
        """The mean at x."""
        return self.law(np.asarray(x, dtype=np.float64), n)

    def rate(self, n: int) -> float:
        """Improvement per decade: slope of the least-squares line over the last factor of two, by `numpy.polyfit`."""
        x = np.arange(1.0, n + 1)
        x = x[x >= n / 2]
        return -float(np.polyfit(np.log10(x), self.mean(x, n), 1)[0])

    def onset(self, n: int, eps: float) -> float:
        """First x at which a share eps of the gain from 1 to 2 n is left, by root finding."""
        start, end = (float(self.mean(v, n)) for v in (1.0, HORIZON * n))
        return float(brentq(lambda v: float(self.mean(v, n)) - end - eps * (start - end), 1.0, HORIZON * n))


def _power(x: Floats, n: int) -> Floats:
    return 2 + DROP * x**-0.5


def _floor(x: Floats, n: int) -> Floats:
    return 2 + DROP * np.exp(-x / (0.3 * n))


def _turns(x: Floats, n: int) -> Floats:
    return 2 + DROP * np.exp(-x / (0.12 * n)) + 0.5 * x / n


def _kink(x: Floats, n: int) -> Floats:
    return 2 + DROP * np.maximum(0.0, 1 - x / (0.6 * n))


def _turning_point(n: int) -> tuple[float, float]:
    """Best of the observed x, beside 0.12 n log 50, where the derivative vanishes."""
    x = np.arange(1.0, n + 1)
    best = float(x[np.argmin(_turns(x, n))])
    return best, best


WORLDS = (
    World("power law", _power, lambda n: (float(n), float(n))),
    World("exponential to a floor", _floor, lambda n: (float(n), float(n))),
    World("turns", _turns, _turning_point, limit=None, early=(0.05, 0.35), gains=False, has_onset=False),
    World("kink", _kink, lambda n: (0.6 * n, float(n)), early=(0.1, 0.5), gains=False),
)
