"""Long-run variance of a mean by a prewhitened quadratic spectral kernel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["kernel_variance"]

Array = NDArray[np.float64]
MOST_LAGS = 2000  # the kernel has no end, but falls with the square of the lag


def kernel_variance(residuals: Array) -> float:
    """Variance of sqrt(n) times the mean of correlated residuals.

    AR(1) prewhitening, quadratic spectral kernel and automatic bandwidth of an AR(1).

    References
    ----------
    Andrews (1991), Heteroskedasticity and autocorrelation consistent covariance matrix estimation. Econometrica 59,
    817-858. Andrews and Monahan (1992), Econometrica 60, 953-966.
    """
    v = np.asarray(residuals, dtype=np.float64)
    power = float(v[:-1] @ v[:-1])
    if v.size < 4 or power <= 0:
        return float(np.mean(v * v)) if v.size else 0.0
    rho = float(np.clip(float(v[1:] @ v[:-1]) / power, -0.97, 0.97))
    u = v[1:] - rho * v[:-1]
    n = u.size
    own = float(u[:-1] @ u[:-1])
    b = float(np.clip(float(u[1:] @ u[:-1]) / own, -0.97, 0.97)) if own > 0 else 0.0
    bandwidth = 1.3221 * (4 * b * b / (1 - b) ** 4 * n) ** 0.2
    total = float(u @ u)
    if bandwidth > 1e-8:
        lags = np.arange(1, min(n, MOST_LAGS))
        z = 6 * np.pi * lags / (5 * bandwidth)
        kernel = 3 * (np.sin(z) / z - np.cos(z)) / z**2
        total += 2 * sum(float(k) * float(u[j:] @ u[:-j]) for j, k in zip(lags, kernel, strict=True))
    return max(total, 1e-12 * float(u @ u)) / (n - 1) / (1 - rho) ** 2
