"""Profile-likelihood intervals: where the best sum of squares with one parameter held is still acceptable."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .problem import Problem
from .solvers import levenberg_marquardt

__all__ = ["profile_interval"]

Array = NDArray[np.float64]
_TOLERANCE = 1e-8  # of the squared distance in t: ends are good to six digits
_FAR = 1e4  # standard errors beyond which a side is called open


def profile_interval(
    problem: Problem, theta: Array, j: int, stderr: float, dof: float, critical: float
) -> tuple[float, float] | None:
    r"""Ends of $\{\theta_j : (S(\theta_j) - S_{\min}) / s^2 \le t^2\}$, S minimized over the other parameters.

    Parameters
    ----------
    problem : Problem
    theta : ndarray, shape (p,)
        The optimum.
    j : int
        The parameter.
    stderr : float
        Its standard error, the first guess of the scale.
    dof : float
        Residual degrees of freedom.
    critical : float
        t, the two-sided quantile of Student's distribution.

    Returns
    -------
    (low, high) or None
        Infinite, or the bound, where a side is open; None when a lower sum of squares turns up, so that ``theta`` is
        not the optimum.

    References
    ----------
    Bates and Watts (1988), Nonlinear Regression Analysis and Its Applications, Wiley, section 6.1.
    """
    best = float(problem.rss(theta))
    variance = best / dof
    if not variance > 0 or not 0 < stderr < math.inf:
        return None
    drift = _drift(problem, theta, j)
    ends: list[float] = []
    for sign in (-1.0, 1.0):
        limit = float(problem.low[j] if sign < 0 else problem.high[j])
        last = [theta]

        def excess(value: float, last: list[Array] = last) -> float:
            """Signed distance in t minus the critical value; minus infinity where the fit gets better."""
            held = replace(problem, low=problem.low.copy(), high=problem.high.copy(), linear=())
            held.low[j] = held.high[j] = value
            guess = last[-1] + drift * (value - last[-1][j])
            guess[j] = value
            end = levenberg_marquardt(held, guess, iterations=100, tolerance=_TOLERANCE / dof)
            if not math.isfinite(end.rss):
                end = levenberg_marquardt(held, np.where(np.arange(problem.p) == j, value, last[-1]), iterations=100)
            if end.rss < best * (1 - 1e-7):
                return -math.inf
            last[:] = [end.theta]
            return math.sqrt(max(end.rss - best, 0.0) / variance) - critical

        end = _end(excess, float(theta[j]), sign, stderr * critical, limit)
        if end is None:
            return None
        ends.append(end)
    return ends[0], ends[1]


def _drift(problem: Problem, theta: Array, j: int) -> Array:
    """How the other parameters follow the j-th one, to first order."""
    _, jacobian = problem.residuals_and_jacobian(theta)
    inside = (theta > problem.low) & (theta < problem.high) & (np.arange(problem.p) != j)
    out = np.zeros(problem.p)
    if inside.any():
        norms = np.linalg.norm(jacobian[:, inside], axis=0)
        norms = np.where(norms > 0, norms, 1.0)
        out[inside] = -np.linalg.lstsq(jacobian[:, inside] / norms, jacobian[:, j], rcond=None)[0] / norms
    out[j] = 1.0
    return out


def _end(excess: Callable[[float], float], center: float, sign: float, step: float, limit: float) -> float | None:
    """Walk out until the excess is positive, then close in (regula falsi; an end kept twice counts half)."""
    inner, inside = center, -1.0
    reach = step
    while True:
        outer = center + sign * reach
        beyond = (outer - limit) * sign >= 0
        outer = limit if beyond else outer
        outside = excess(outer)
        if outside == -math.inf:
            return None
        if outside > 0 or not math.isfinite(outside):
            break
        if beyond:
            return limit
        if reach > _FAR * step:
            return sign * math.inf
        inner, inside = outer, outside
        reach *= 1.5
    side = 0
    for _ in range(60):
        finite = math.isfinite(outside)
        middle = (inner * outside - outer * inside) / (outside - inside) if finite else 0.5 * (inner + outer)
        value = excess(middle)
        if value == -math.inf:
            return None
        if abs(value) < 1e-7 or abs(outer - inner) <= 1e-9 * (abs(center) + abs(outer - center)):
            break
        if value > 0:
            outer, outside = middle, value
            inside, side = (inside / 2.0 if side > 0 else inside), 1
        else:
            inner, inside = middle, value
            outside, side = (outside / 2.0 if side < 0 else outside), -1
    return middle
