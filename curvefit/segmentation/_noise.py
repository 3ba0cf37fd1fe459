"""Noise of the nulls: how its size follows the curve, and paths with a given correlation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..fitting.autocorrelation import correlations, regularly_spaced

__all__ = ["HIGHEST", "correlated_gram", "noise_paths", "noise_sd", "raw_lag1", "sieve_noise"]

Array = NDArray[np.float64]
HIGHEST = 0.985
_BLOCK = 256  # steps whose correlations are worked out at once


def raw_lag1(e: Array) -> float:
    """Lag-1 correlation of residuals, uncorrected."""
    power = 2 * float(e @ e) - float(e[0] ** 2 + e[-1] ** 2)
    return 2 * float(e[1:] @ e[:-1]) / power if power > 0 else 0.0


def noise_sd(residual: Array, curve: Array, parameters: int, reach: float = np.inf) -> Array:
    r"""Standard deviation of the noise at every point, constant or log-linear in the curve.

    .. math:: \log \sigma_i = a + b f_i, \qquad b = 0 \text{ unless twice its standard error}

    Parameters
    ----------
    residual, curve : ndarray, shape (n,)
        Residuals, and the curve they may follow.
    parameters : int
        Parameters fitted to get them.
    reach : float
        Standard deviations of the curve beyond which its value counts as this far: a few points that stand high above all
        others say little about how the noise follows them.

    References
    ----------
    Harvey (1976), Estimating regression models with multiplicative heteroscedasticity. Econometrica 44, 461-465.
    """
    b, error = noise_slope(residual, curve, reach)
    return sd_with_slope(residual, curve, parameters, b if abs(b) > 2 * error else 0.0, reach)


def _standard(curve: Array, reach: float) -> Array:
    """Mean 0 and variance 1, before and after what stands out is pulled in; zeros where nothing varies."""
    c = curve
    for limit in (reach, np.inf):
        c = c - c.mean()
        c = np.clip(c / max(float(np.sqrt(np.mean(c * c))), 1e-300), -limit, limit)
    return np.asarray(c)


def noise_slope(residual: Array, curve: Array, reach: float = np.inf) -> tuple[float, float]:
    """Slope of the logarithm of the variance in standard deviations of the curve, and its standard error."""
    n = residual.size
    c = _standard(curve, reach)
    if not np.any(c):
        return 0.0, 0.0
    b = float(c @ np.log(np.maximum(residual**2, 1e-4 * float(np.mean(residual**2))))) / n
    r = float(np.clip(raw_lag1(residual), 0.0, 0.97))
    # log chi-squared has variance pi^2 / 2; logarithms of correlated squares are correlated by about r^2
    return b, float(np.sqrt(np.pi**2 / 2 * (1 + r * r) / (1 - r * r) / n))


def sd_with_slope(residual: Array, curve: Array, parameters: int, slope: float | Array, reach: float = np.inf) -> Array:
    """Standard deviation with a given slope, its level from the residuals: (n,), or (n, B) for slopes of shape (B,)."""
    n = residual.size
    c = _standard(curve, reach)
    at = (n,) + (1,) * np.ndim(slope)
    shape = np.exp(0.5 * np.asarray(slope) * c.reshape(at))
    level = np.sqrt(np.mean((residual.reshape(at) / shape) ** 2, axis=0) * n / max(n - parameters, 1))
    return np.asarray(shape * level)


def noise_paths(rho: Array, innovations: Array, x: Array | None = None) -> Array:
    """AR(1) paths of unit variance from innovations of shape (n, B), one correlation per column.

    With positions x of shape (n,) the correlation of neighbors is ``rho ** (dx / median dx)``; without, rho.
    """
    z = innovations.copy()
    if not np.any(rho):
        return z
    if x is None or regularly_spaced(x):
        z[1:] *= np.sqrt(1 - rho * rho)
        before = z[0]
        for row in z[1:]:
            row += rho * before
            before = row
        return z
    gap = np.diff(x)
    gap = gap / float(np.median(gap))
    log, before = np.log(np.maximum(rho, 1e-300)), z[0]
    for first in range(1, z.shape[0], _BLOCK):
        phi = np.exp(log * gap[first - 1 : first - 1 + _BLOCK, None])
        rows = z[first : first + _BLOCK]
        rows *= np.sqrt(1 - phi * phi)
        for row, own in zip(rows, phi, strict=True):
            row += own * before
            before = row
    return z


def sieve_noise(
    rho: float,
    n: int,
    replicates: int,
    rng: np.random.Generator,
    x: Array | None = None,
    spread: float | None = None,
) -> Array:
    """Unit-variance normal AR(1) noise, shape (n, B); rho of each replicate is drawn from its sampling distribution.

    Its standard deviation is ``spread``, or that of large samples.
    """
    spread = float(np.sqrt((1 - rho * rho) / n)) if spread is None else spread
    phi = np.clip(rho + spread * rng.standard_normal(replicates), 0.0, HIGHEST) if rho > 0 else np.zeros(replicates)
    return noise_paths(phi, rng.standard_normal((n, replicates)), x)


def correlated_gram(columns: Array, rho: float, x: Array) -> Array:
    """J' R J for columns J of shape (n, p) and the correlations R_ij = rho ** (|x_i - x_j| / median dx), in O(n log n)."""
    gram = columns.T @ columns
    if rho <= 0 or x.size < 2:
        return np.asarray(gram)
    # s_i = sum_{j<i} R_ij J_j obeys s_i = phi_i (s_{i-1} + J_{i-1}): an affine scan, doubled until it has decayed
    a = correlations(rho, x)[:, None]
    b = a * columns[:-1]
    step = 1
    while step < a.shape[0] and np.max(a) > 1e-12:
        b[step:] = b[step:] + a[step:] * b[:-step]
        a[step:] = a[step:] * a[:-step]
        a[:step] = 0.0
        step *= 2
    cross = columns[1:].T @ b
    return np.asarray(gram + cross + cross.T)
