"""Long-run variance of a mean by a prewhitened quadratic spectral kernel."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["kernel_variance"]

Array = NDArray[np.float64]
MOST_LAGS = 2000  # the kernel has no end, but falls with the square of the lag


def kernel_variance(residuals: Array, convention: Literal["bai_perron", "kernhac"] = "bai_perron") -> float:
    """Variance of sqrt(n) times the mean of correlated residuals.

    AR(1) prewhitening, quadratic spectral kernel and automatic bandwidth of an AR(1).

    Parameters
    ----------
    residuals : ndarray, shape (n,)
        About their mean.
    convention : {"bai_perron", "kernhac"}
        Small-sample details: Bai and Perron's own divide by n - 2 and take the bandwidth from an autoregression without
        a constant; ``kernHAC`` of R's sandwich divides by n - 1 and has the constant.

    References
    ----------
    Andrews (1991), Heteroskedasticity and autocorrelation consistent covariance matrix estimation. Econometrica 59,
    817-858. Andrews and Monahan (1992), Econometrica 60, 953-966. Zeileis (2004), Econometric computing with HC and HAC
    covariance matrix estimators. Journal of Statistical Software 11(10).
    """
    v = np.asarray(residuals, dtype=np.float64)
    power = float(v[:-1] @ v[:-1])
    if v.size < 4 or power <= 0:
        return float(np.mean(v * v)) if v.size else 0.0
    as_r = convention == "kernhac"
    limit = 0.9999 if as_r else 0.97  # R has none
    rho = float(np.clip(float(v[1:] @ v[:-1]) / power, -limit, limit))
    u = v[1:] - rho * v[:-1]
    n = u.size
    before, after = (u[:-1] - u[:-1].mean(), u[1:] - u[1:].mean()) if as_r else (u[:-1], u[1:])
    own = float(before @ before)
    b = float(np.clip(float(after @ before) / own, -limit, limit)) if own > 0 else 0.0
    bandwidth = 1.3221 * (4 * b * b / (1 - b) ** 4 * n) ** 0.2
    total = float(u @ u)
    if bandwidth > 1e-8:
        lags = np.arange(1, min(n, MOST_LAGS))
        z = 6 * np.pi * lags / (5 * bandwidth)
        kernel = 3 * (np.sin(z) / z - np.cos(z)) / z**2
        total += 2 * sum(float(k) * float(u[j:] @ u[:-j]) for j, k in zip(lags, kernel, strict=True))
    return max(total, 1e-12 * float(u @ u)) / (n if as_r else n - 1) / (1 - rho) ** 2
