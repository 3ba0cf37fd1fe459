"""Noise of the nulls: how its size follows the curve, and paths with a given correlation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["HIGHEST", "noise_paths", "noise_sd", "raw_lag1", "sieve_noise"]

Array = NDArray[np.float64]
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


def noise_paths(rho: Array, innovations: Array) -> Array:
    """AR(1) paths of unit variance from innovations of shape (n, B), one correlation per column."""
    z = innovations.copy()
    scale = np.sqrt(1 - rho * rho)
    for i in range(1, z.shape[0]):
        z[i] = rho * z[i - 1] + scale * z[i]
    return z


def sieve_noise(rho: float, n: int, replicates: int, rng: np.random.Generator) -> Array:
    """Unit-variance normal AR(1) noise, shape (n, B); rho of each replicate is drawn from its sampling distribution."""
    spread = np.sqrt((1 - rho * rho) / n)
    phi = np.clip(rho + spread * rng.standard_normal(replicates), 0.0, HIGHEST) if rho > 0 else np.zeros(replicates)
    return noise_paths(phi, rng.standard_normal((n, replicates)))
