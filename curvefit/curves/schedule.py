"""The learning rate over the run, as logged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ._checks import as_float_array, frozen_array
from .errors import DataError

__all__ = ["RateChange", "Schedule"]


@dataclass(frozen=True, slots=True)
class RateChange:
    """A sudden change of the learning rate.

    Parameters
    ----------
    before_x, x : float
        Last logged x with the old rate and first with the new one.
    old, new : float
        The rates.
    """

    before_x: float
    x: float
    old: float
    new: float

    @property
    def ratio(self) -> float:
        """New rate over old rate."""
        return self.new / self.old if self.old > 0 else float("inf")


@dataclass(frozen=True, slots=True, eq=False, init=False)
class Schedule:
    """Learning rate eta(x) at the x where it was logged; between them it is interpolated linearly.

    Parameters
    ----------
    x : array-like, shape (n,)
        In the unit of the run's curves, increasing after sorting; repeated x keep the last entry.
    rate : array-like, shape (n,)
        Learning rate, >= 0 and finite.
    """

    x: NDArray[np.float64]
    rate: NDArray[np.float64]

    def __init__(self, x: object, rate: object) -> None:
        xs, rates = as_float_array(x, "x"), as_float_array(rate, "learning rate")
        if xs.shape != rates.shape:
            raise DataError(f"{xs.size} x values and {rates.size} learning rates", where="schedule")
        keep = np.isfinite(xs) & np.isfinite(rates)
        xs, rates = xs[keep], rates[keep]
        if np.any(rates < 0):
            raise DataError("a learning rate is negative", where="schedule", code="CF-DATA-006")
        order = np.argsort(xs, kind="stable")
        xs, rates = xs[order], rates[order]
        last = np.append(xs[1:] != xs[:-1], True) if xs.size else np.zeros(0, bool)
        object.__setattr__(self, "x", frozen_array(xs[last]))
        object.__setattr__(self, "rate", frozen_array(rates[last]))

    def __len__(self) -> int:
        return int(self.x.size)

    @property
    def peak(self) -> float:
        """Largest logged rate, 0 when nothing was logged."""
        return float(self.rate.max()) if self.rate.size else 0.0

    def at(self, x: object) -> NDArray[np.float64]:
        """Rate at x, constant beyond the ends."""
        if not self.x.size:
            raise DataError("the schedule is empty", where="schedule")
        return np.interp(np.asarray(x, dtype=np.float64), self.x, self.rate)

    def changes(self, factor: float = 0.6) -> tuple[RateChange, ...]:
        """Sudden drops: steps where the rate falls to at most ``factor`` of the one before.

        A smooth decay (cosine, linear) sampled finely enough has none; the last stretch of a decay to zero, where
        ratios are large but absolute changes small, is left out by asking for a change of at least 5 % of the peak
        or for steps on both sides of which the rate rests.
        """
        if self.x.size < 3:
            return ()
        old, new = self.rate[:-1], self.rate[1:]
        drop = (old > 0) & (new <= factor * old)
        step = np.abs(np.diff(self.rate))
        typical = np.r_[step[1:], 0.0] + np.r_[0.0, step[:-1]]  # change in the neighbouring intervals
        sudden = step > 3 * typical
        found = np.flatnonzero(drop & sudden)
        return tuple(
            RateChange(float(self.x[i]), float(self.x[i + 1]), float(self.rate[i]), float(self.rate[i + 1]))
            for i in found
        )
