"""Information criteria on the likelihood of AR(1) noise, so that correlated points count once."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..models import Array
from ..models.noise.student_t import StudentT
from .autocorrelation import MAX_RHO, effective_size, regularly_spaced, robust_sd
from .record import Fit

__all__ = ["deviance", "information"]

_MANY = 200_000  # beyond this many points irregular spacing is taken in order, not in x


def information(fits: Sequence[Fit], criterion: str) -> Array:
    """AICc or BIC of every fit, on the points that all of them use.

    Parameters
    ----------
    fits : sequence of Fit
        With a solved core each.
    criterion : {"aicc", "bic"}
        Which.
    """
    cores = [f.core for f in fits if f.core is not None]
    first = max(float(c.sample.x[0]) for c in cores)
    robust = any(c.robust for c in cores)
    scores, correlation = [], []
    n = 0
    for f, core in zip(fits, cores, strict=True):
        used = core.sample.x >= first
        e = core.deviation[used] * core.sample.scale
        if core.sample.weight is not None and core.noise.name != "multiplicative":
            e = e * np.sqrt(core.sample.weight[used])
        x, n = core.sample.x[used], int(np.count_nonzero(used))
        value, rho = deviance(e, x, robust=robust, floor=1e-11 * float(np.ptp(f.curve.y)))
        scores.append(value)
        correlation.append(rho)
    out = np.array(scores)
    k = np.array([len(f.model.parameters) + 2.0 for f in fits])  # with the noise's level and its correlation
    if criterion == "bic":
        m = effective_size(n, correlation[int(np.argmin(out))])
        return np.asarray(out + k * math.log(max(m, 2.0)))
    with np.errstate(divide="ignore"):
        correction = np.where(n - k - 1 > 0, 2 * k * (k + 1) / np.maximum(n - k - 1, 1e-300), np.inf)
    return np.asarray(out + 2 * k + correction)


def deviance(e: Array, x: Array, *, robust: bool = False, floor: float = 0.0) -> tuple[float, float]:
    r"""Minus twice the largest log likelihood of AR(1) noise (up to a constant), and the correlation it is reached at.

    .. math:: \min_\rho\; n \ln \frac1n \Big[e_1^2 + \sum_i \frac{(e_i - \phi_i e_{i-1})^2}{1 - \phi_i^2}\Big]
              + \sum_i \ln(1 - \phi_i^2)

    Parameters
    ----------
    e : ndarray, shape (n,)
        Residuals in the order of x.
    x : ndarray, shape (n,)
        Where; replicates at one x are independent.
    robust : bool
        Student's t innovations in place of normal ones.
    floor : float
        Standard deviation below which residuals are rounding errors.

    Notes
    -----
    Irregular spacing is read both ways, ``phi = rho`` from point to point and ``phi = rho ** (dx / median dx)``, and the
    likelier one counts.
    """
    bulk = e
    if robust:
        limit = 3.0 * robust_sd(e, order=0)
        bulk = np.clip(e, -limit, limit) if limit > 0 else e
    apart = x[1:] > x[:-1]
    readings = [apart.astype(np.float64)]
    if not regularly_spaced(x) and e.size <= _MANY:
        gap = np.diff(x)
        readings.append(np.where(apart, gap / float(np.median(gap[apart])), 0.0))
    best, rho, phi = math.inf, 0.0, np.zeros(e.size - 1)
    for exponent in readings:
        grid = np.append(0.0, np.linspace(0.04, MAX_RHO, 24))
        for _ in range(4):
            values = np.array([_gaussian(bulk, _phi(r, exponent), floor) for r in grid])
            k = int(np.argmin(values))
            grid = np.linspace(grid[max(k - 1, 0)], grid[min(k + 1, grid.size - 1)], 7)
        if values[k] < best:
            found = float(grid[3]) if 0 < k < values.size - 1 else float(grid[0] if k == 0 else grid[-1])
            best, rho, phi = float(values[k]), found, _phi(found, exponent)
    best = min(best, _gaussian(bulk, phi, floor))
    if robust:
        best = _student(e, phi, floor)
    return best, rho


def _phi(rho: float, exponent: Array) -> Array:
    with np.errstate(divide="ignore"):
        return np.where(exponent > 0, np.exp(np.log(rho) * np.maximum(exponent, 1e-300)) if rho > 0 else 0.0, 0.0)


def _innovations(e: Array, phi: Array) -> tuple[Array, float]:
    rest = np.maximum(1.0 - phi * phi, 1e-12)
    return np.append(e[:1], (e[1:] - phi * e[:-1]) / np.sqrt(rest)), float(np.sum(np.log(rest)))


def _gaussian(e: Array, phi: Array, floor: float) -> float:
    v, log_rest = _innovations(e, phi)
    top = max(float(np.max(np.abs(v))), floor)
    if top == 0:
        return -math.inf
    mean = max(float(np.mean((v / top) ** 2)), (floor / top) ** 2)
    return e.size * (math.log(mean) + 2.0 * math.log(top)) + log_rest


def _student(e: Array, phi: Array, floor: float) -> float:
    v, log_rest = _innovations(e, phi)
    noise, scale = StudentT(), max(robust_sd(v, order=0), floor)
    if scale == 0:
        return -math.inf
    for _ in range(60):
        scale = max(math.sqrt(float(np.mean(noise.weights(v, v, scale) * v * v))), floor)
    return -2.0 * noise.log_likelihood(v, v, v, scale) + log_rest
