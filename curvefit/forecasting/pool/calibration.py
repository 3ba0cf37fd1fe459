"""Stretch of the predictive distribution about its median, so that it covers as often as it says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .batch import Floats

__all__ = ["KNOTS", "Stretch"]

KNOTS = np.array([0.0, 0.2, 0.5, 1.0, 1.6, 3.0])  # of ln h


@dataclass(frozen=True, slots=True)
class Stretch:
    """Factors on the link scale by ln h, linear between the knots, for outcomes worse and better than the median.

    Parameters
    ----------
    worse, better : ndarray, shape (6,)
        Factors > 0 at `KNOTS`.
    """

    worse: Floats
    better: Floats

    def factors(self, h: Floats) -> Floats:
        """Factors at horizons of shape (N, H): shape (N, H, 2)."""
        log_h = np.log(h)
        out = np.empty((*h.shape, 2))
        out[..., 0], out[..., 1] = np.interp(log_h, KNOTS, self.worse), np.interp(log_h, KNOTS, self.better)
        return out

    @classmethod
    def fit(cls, log_h: Floats, worse: Floats, better: Floats, weight: Floats, level: float = 0.9) -> Stretch:
        """Factors with which the share ``level`` of outcomes lies within that quantile, on each side.

        Parameters
        ----------
        log_h : ndarray, shape (n,)
            Horizons of forecasts of curves that were not trained on.
        worse, better : ndarray, shape (n,)
            Distance of the outcome below (above) the median over that of the predicted quantile; negative on the other
            side.
        weight : ndarray, shape (n,)
            Of the forecasts, for example one per source in sum.
        level : float
            The quantile.

        Notes
        -----
        At each knot a weighted quantile of the ratios, with weights that fall linearly to 0 at the neighboring knots, is
        shrunk to that of all horizons by a 250th of the total weight, and smoothed with its neighbors.
        """
        sides = []
        for ratio in (worse, better):
            overall = _weighted_quantile(ratio, weight, level)
            found = []
            for k in range(KNOTS.size):
                hat = np.interp(log_h, KNOTS, np.eye(KNOTS.size)[k]) * weight
                mass = float(hat.sum() / weight.sum())
                here = _weighted_quantile(ratio, hat, level) if mass > 0 else overall
                share = mass / (mass + 0.004)
                found.append(share * np.log(max(here, 0.2)) + (1 - share) * np.log(max(overall, 0.2)))
            log = np.array(found)
            smooth = log.copy()
            smooth[1:-1] = 0.2 * log[:-2] + 0.6 * log[1:-1] + 0.2 * log[2:]
            sides.append(np.exp(smooth))
        return cls(sides[0], sides[1])


def _weighted_quantile(values: Floats, weight: Floats, level: float) -> float:
    order = np.argsort(values)
    cumulative = np.cumsum(weight[order])
    at = int(np.searchsorted(cumulative, level * cumulative[-1]))
    return float(values[order[min(at, order.size - 1)]])
