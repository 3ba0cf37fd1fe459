"""How correlated the noise about a law with a bump is, and how its size follows the law."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ._bump_design import BumpDesign
from ._noise import noise_paths, noise_slope, raw_lag1

__all__ = ["REACH", "STEPS", "correlation", "slope"]

Array = NDArray[np.float64]
GRID = np.array([0.0, 0.3, 0.5, 0.7, 0.8, 0.88, 0.94, 0.97])
STEPS = 3  # by which bumps leave the grid, in simulated series as in the observed one
EACH = 24  # simulated series per correlation of the grid
REACH = 3.0  # standard deviations of the law up to which the noise may follow it
AGAIN = 96  # simulated series for the slope of the variance


def correlation(
    design: BumpDesign, null: Array, sd: Array, residual: Array, rng: np.random.Generator
) -> tuple[float, float]:
    """Correlation of the noise and its standard error, by indirect inference.

    A bump that was searched for swallows correlated noise. Series with known correlation go through the same fit, and
    the observed lag-1 correlation of the residuals is read backwards.

    References
    ----------
    Gourieroux, Monfort and Renault (1993), Indirect inference. Journal of Applied Econometrics 8, S85-S118.
    """
    n = null.size
    rho = np.repeat(GRID, EACH)
    worlds = null[:, None] + sd[:, None] * noise_paths(rho, rng.standard_normal((n, rho.size)))
    fits = design.fit(worlds)
    rest = worlds - design.refined_many(worlds, fits.law, fits.place, 0.0, STEPS)[0]
    rest /= sd[:, None]
    power = 2 * np.sum(rest**2, axis=0) - (rest[0] ** 2 + rest[-1] ** 2)
    cross = 2 * np.sum(rest[1:] * rest[:-1], axis=0)
    seen = np.where(power > 0, cross / np.where(power > 0, power, 1.0), 0.0).reshape(GRID.size, EACH)
    mean = np.maximum.accumulate(seen.mean(axis=1) + 1e-9 * np.arange(GRID.size))
    estimate = float(np.interp(raw_lag1(residual / sd), mean, GRID))
    slope = float(np.interp(estimate, 0.5 * (GRID[1:] + GRID[:-1]), np.diff(mean) / np.diff(GRID)))
    error = float(np.interp(estimate, GRID, seen.std(axis=1, ddof=1))) / max(slope, 0.2)
    return estimate, error


def slope(
    design: BumpDesign, null: Array, sd: Array, residual: Array, rho: float, rng: np.random.Generator
) -> tuple[float, float]:
    """Slope of the log variance along the law, freed of its bias, and its standard error; 0, 0 where none is seen.

    The bump that was searched for fits best where the noise is large, so that the residuals are too even. Series with the
    slope that was seen go through the same fit: what they lose is given back.

    References
    ----------
    Efron and Tibshirani (1993), An introduction to the bootstrap. Chapter 10.
    """
    seen, error = noise_slope(residual, null, REACH)
    if abs(seen) <= 2 * error:
        return 0.0, 0.0
    paths = noise_paths(np.full(AGAIN, rho), rng.standard_normal((null.size, AGAIN)))
    worlds = null[:, None] + sd[:, None] * paths
    fits = design.fit(worlds)
    rest = worlds - design.refined_many(worlds, fits.law, fits.place, 0.0, STEPS)[0]
    again = np.array([noise_slope(rest[:, j], null, REACH)[0] for j in range(AGAIN)])
    return seen - (float(again.mean()) - seen), float(again.std(ddof=1))
