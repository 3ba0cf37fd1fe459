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
    ends: list[float] = []
    for sign in (-1.0, 1.0):
        limit = float(problem.low[j] if sign < 0 else problem.high[j])
        warm = [theta]

        def excess(value: float, warm: list[Array] = warm) -> float:
            """Signed distance in t minus the critical value."""
            held = replace(problem, low=problem.low.copy(), high=problem.high.copy(), linear=())
            held.low[j] = held.high[j] = value
            guess = warm[-1].copy()
            guess[j] = value
            end = levenberg_marquardt(held, guess, iterations=100)
            if math.isfinite(end.rss):
                warm[:] = [end.theta]
            return (
                math.sqrt(max(end.rss - best, 0.0) / variance) - critical if end.rss > best * (1 - 1e-7) else -math.inf
            )

        end = _end(excess, float(theta[j]), sign, stderr * critical, limit)
        if end is None:
            return None
        ends.append(end)
    return ends[0], ends[1]


def _end(excess: Callable[[float], float], center: float, sign: float, step: float, limit: float) -> float | None:
    """Walk out until the excess is positive, then close in (regula falsi with the Illinois change)."""
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
    for _ in range(60):
        if math.isfinite(outside):
            middle = (inner * outside - outer * inside) / (outside - inside)
        else:
            middle = 0.5 * (inner + outer)
        if abs(outer - inner) <= 1e-9 * (abs(center) + abs(outer - center)):
            break
        value = excess(middle)
        if value == -math.inf:
            return None
        if abs(value) < 1e-8:
            return middle
        if value > 0:
            outer, outside = middle, value
            inside /= 2.0
        else:
            inner, inside = middle, value
            outside /= 2.0
    return middle
