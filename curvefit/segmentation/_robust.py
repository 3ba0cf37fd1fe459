"""Outliers and uneven noise: data on which least squares gives the robust or the weighted answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ._noise import noise_sd
from ._problem import Problem
from ._search import Design

__all__ = ["Loss", "evened", "robustified"]

Array = NDArray[np.float64]
Loss = Literal["squared", "huber", "student_t"]
Fitter = Callable[[Design], tuple[Array, int]]  # fitted values at the design's x, and how many parameters they cost
HUBER, FREEDOM = 1.345, 4.0
ITERATIONS = 12


def robustified(problem: Problem, fitter: Fitter, loss: Loss) -> Problem:
    r"""Replace values by pseudo-values, about which least squares has the M-estimate and its standard errors.

    .. math:: y^*_i = f_i + \frac{s\,\psi(u_i)}{\overline{\psi'(u)}}, \qquad u_i = \frac{y_i - f_i}{s}

    Weights are iterated from the residuals about a running median, each time with a new search for the breakpoints, so
    that no outlier holds one of them. Huber's psi is linear to 1.345 (95 % efficient under normal noise), that of the t
    law has 4 degrees of freedom. The mean of the squared pseudo-residuals is the variance factor of the M-estimate
    (Huber's proposal), so that every interval and test made for least squares applies.

    References
    ----------
    Huber (1981), Robust Statistics, section 7.8. Lange, Little and Taylor (1989), Robust statistical modeling using the
    t distribution. JASA 84, 881-896.
    """
    y, root, n = problem.y, np.sqrt(problem.w), problem.n
    middle = _running_median(problem.design.y)[problem.inverse]
    fitted, parameters = middle, 1
    scale = _spread((y - middle) * root)
    for i in range(ITERATIONS):
        if scale <= 0:
            return problem
        u = (y - fitted) * root / scale
        at, parameters = fitter(problem.with_values(y, problem.w * _weights(u, loss)).design)
        moved, fitted = float(np.max(np.abs(at[problem.inverse] - fitted) * root)), at[problem.inverse]
        r = (y - fitted) * root
        u = r / scale
        ratio = n / max(n - parameters, 1)
        scale = (
            _spread(r) * np.sqrt(ratio)
            if loss == "huber"
            else float(np.sqrt(np.mean(_weights(u, loss) * r * r) * ratio))
        )
        if i and moved <= 1e-6 * scale:
            break
    if scale <= 0:
        return problem
    u = (y - fitted) * root / scale
    slope = np.abs(u) <= HUBER if loss == "huber" else (FREEDOM + 1) * (FREEDOM - u * u) / (FREEDOM + u * u) ** 2
    pull = u * _weights(u, loss) / max(float(np.mean(slope)), 0.2)
    return problem.with_values(fitted + scale * pull / root, problem.w)


def evened(problem: Problem, fitter: Fitter) -> Problem:
    """Weights divided by the variance of noise whose size follows the curve, where it does."""
    out = problem
    for _ in range(3):
        at, parameters = fitter(out.design)
        fitted = at[problem.inverse]
        order = np.argsort(problem.inverse, kind="stable")
        residual = ((problem.y - fitted) * np.sqrt(problem.w))[order]
        if not np.any(residual):
            return out
        sd = np.empty(problem.n)
        sd[order] = noise_sd(residual, fitted[order], parameters)
        w = problem.w / sd**2
        out = problem.with_values(problem.y, w * (float(np.mean(problem.w)) / float(np.mean(w))))
    return out


def _weights(u: Array, loss: Loss) -> Array:
    if loss == "huber":
        return np.asarray(np.minimum(1.0, HUBER / np.maximum(np.abs(u), 1e-300)))
    return np.asarray((FREEDOM + 1) / (FREEDOM + u * u))


def _spread(r: Array) -> float:
    return 1.4826022185056018 * float(np.median(np.abs(r)))


def _running_median(y: Array) -> Array:
    half = max(2, min(y.size // 40, 50))
    padded = np.concatenate([2 * y[0] - y[half:0:-1], y, 2 * y[-1] - y[-2 : -half - 2 : -1]])
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1)
    if y.size <= 20_000:
        return np.asarray(np.median(windows, axis=1))
    some = np.arange(0, y.size, half)  # a long series varies little within a window
    return np.asarray(np.interp(np.arange(y.size), some, np.median(windows[some], axis=1)))
