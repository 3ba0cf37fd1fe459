"""Normal predictive distributions, kept within the metric's bounds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..curves._checks import frozen_array
from .forecast import Distribution

__all__ = ["NormalDistribution"]


class NormalDistribution(Distribution):
    """Normal distributions; mass beyond a bound sits on the bound.

    Parameters
    ----------
    mean, sd : ndarray, shape (H,)
        In the unit of the metric, sd > 0.
    bounds : (float, float) or None
        Values the metric cannot leave.
    """

    __slots__ = ("bounds", "mean", "sd")

    def __init__(
        self, mean: NDArray[np.float64], sd: NDArray[np.float64], bounds: tuple[float, float] | None = None
    ) -> None:
        self.mean, self.sd = frozen_array(mean), frozen_array(sd)
        self.bounds = bounds

    def at(self, index: NDArray[np.intp]) -> NormalDistribution:
        """The distributions at some of the x."""
        return NormalDistribution(self.mean[index], self.sd[index], self.bounds)

    def quantile(self, levels: NDArray[np.float64]) -> NDArray[np.float64]:
        """Quantiles, shape (H, L)."""
        from scipy.special import ndtri

        with np.errstate(over="ignore"):
            q = self.mean[:, None] + self.sd[:, None] * ndtri(np.asarray(levels, dtype=np.float64))
        low, high = self.bounds or (-np.inf, np.inf)
        largest = np.finfo(float).max
        kept: NDArray[np.float64] = np.clip(q, max(low, -largest), min(high, largest))
        return kept

    def cdf(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """P(Y <= v), shape (H, m)."""
        from scipy.special import ndtr

        v = np.asarray(values, dtype=np.float64)
        p: NDArray[np.float64] = ndtr((v - self.mean[:, None]) / self.sd[:, None])
        if self.bounds is not None:
            p = np.where(v < self.bounds[0], 0.0, np.where(v >= self.bounds[1], 1.0, p))
        return p
