"""Noise about a law with a bump: how correlated it is, and how its size follows the curve."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ._bump_design import BumpDesign

__all__ = ["STEPS", "correlation", "noise_paths", "noise_sd", "raw_lag1"]

Array = NDArray[np.float64]
GRID = np.array([0.0, 0.3, 0.5, 0.7, 0.8, 0.88, 0.94, 0.97])
STEPS = 3  # by which bumps leave the grid, in simulated series as in the observed one
EACH = 24  # simulated series per correlation of the grid
HIGHEST = 0.985


def raw_lag1(e: Array) -> float:
    """Lag-1 correlation of residuals, uncorrected."""
    power = 2 * float(e @ e) - float(e[0] ** 2 + e[-1] ** 2)
    return 2 * float(e[1:] @ e[:-1]) / power if power > 0 else 0.0


def noise_sd(residual: Array, curve: Array, parameters: int) -> Array:
    r"""Standard deviation of the noise at every point, constant or log-linear in the curve.

    .. math:: \log \sigma_i = a + b f_i, \qquad b = 0 \text{ unless twice its standard error}

    Parameters
    ----------
    residual, curve : ndarray, shape (n,)
        Residuals, and the curve they may follow.
    parameters : int
        Parameters fitted to get them.

    References
    ----------
    Harvey (1976), Estimating regression models with multiplicative heteroscedasticity. Econometrica 44, 461-465.
    """
    n = residual.size
    c = curve - curve.mean()
    spread = float(np.sqrt(np.mean(c * c)))
    mean_square = float(np.mean(residual**2))
    b = 0.0
    if spread > 0:
        c = c / spread
        b = float(c @ np.log(np.maximum(residual**2, 1e-4 * mean_square))) / n
        r = float(np.clip(raw_lag1(residual), 0.0, 0.97))
        # log chi-squared has variance pi^2 / 2; logarithms of correlated squares are correlated by about r^2
        error = np.sqrt(np.pi**2 / 2 * (1 + r * r) / (1 - r * r) / n)
        b = b if abs(b) > 2 * error else 0.0
    shape = np.exp(0.5 * b * c)
    level = np.sqrt(np.mean((residual / shape) ** 2) * n / max(n - parameters, 1))
    return np.asarray(shape * level)


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
    rest = np.column_stack(
        [
            worlds[:, j] - design.curve(worlds[:, j], int(fits.law[j]), int(fits.place[j]), steps=STEPS)
            for j in range(rho.size)
        ]
    )
    seen = np.array([raw_lag1(rest[:, j] / sd) for j in range(rho.size)]).reshape(GRID.size, EACH)
    mean = np.maximum.accumulate(seen.mean(axis=1) + 1e-9 * np.arange(GRID.size))
    estimate = float(np.interp(raw_lag1(residual / sd), mean, GRID))
    slope = float(np.interp(estimate, 0.5 * (GRID[1:] + GRID[:-1]), np.diff(mean) / np.diff(GRID)))
    error = float(np.interp(estimate, GRID, seen.std(axis=1, ddof=1))) / max(slope, 0.2)
    return estimate, error


def noise_paths(rho: Array, innovations: Array) -> Array:
    """AR(1) paths of unit variance from innovations of shape (n, B), one correlation per column."""
    z = innovations.copy()
    scale = np.sqrt(1 - rho * rho)
    for i in range(1, z.shape[0]):
        z[i] = rho * z[i - 1] + scale * z[i]
    return z
