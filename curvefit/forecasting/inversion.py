"""Quantiles of a distribution that is only known by its distribution function."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["crossings"]

Array = NDArray[np.float64]
_STEPS = 120  # at most; about ten are needed


def crossings(cdf: Callable[[Array], Array], low: Array, high: Array, levels: Array) -> Array:
    """Where distribution functions reach their levels, by Chandrupatla's method: inverse quadratic steps or bisection.

    Parameters
    ----------
    cdf : callable
        Distribution functions at values of shape (H, L), one per row.
    low, high : ndarray, shape (H, L)
        Values that enclose the quantiles.
    levels : ndarray, shape (L,)
        In (0, 1), in any order.

    Returns
    -------
    ndarray, shape (H, L)
        Non-decreasing in the level along each row. A value does not depend on the rows and levels beside it.

    Notes
    -----
    The root stays between the newest point and the last one on its other side; the upper of the two is returned.

    References
    ----------
    Chandrupatla, T. R. (1997). A new hybrid quadratic/bisection algorithm for finding the zero of a nonlinear function
    without using derivatives. Advances in Engineering Software 28, 145-149.
    """
    new, other = high.copy(), low.copy()
    f_new, f_other = cdf(new) - levels, cdf(other) - levels
    settled = (f_other >= 0) | (f_new <= 0)  # rounding at an end: that end it is
    answer = np.where(f_other >= 0, low, high)
    third, f_third = other, f_other
    step = np.full(new.shape, 0.5)
    for _ in range(_STEPS):
        width = np.abs(other - new)
        fine = 1e-13 * np.maximum(np.abs(new), np.abs(other)) + 1e-300
        done = settled | (width <= fine) | (np.abs(f_new) <= 1e-14)
        if done.all():
            break
        point = np.where(done, new, new + step * (other - new))
        f = cdf(point) - levels
        same = (f < 0) == (f_new < 0)
        third, f_third = np.where(same, new, other), np.where(same, f_new, f_other)
        other, f_other = np.where(same, other, new), np.where(same, f_other, f_new)
        new, f_new = point, f
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            xi, phi = (new - other) / (third - other), (f_new - f_other) / (f_third - f_other)
            quadratic = (phi * phi < xi) & ((1 - phi) ** 2 < 1 - xi)
            inverse = f_new / (f_new - f_other) * (f_third / (f_third - f_other)) - (third - new) / (other - new) * (
                f_new / (f_third - f_new)
            ) * (f_other / (f_other - f_third))
            least = np.minimum(0.5 * fine / np.maximum(np.abs(other - new), 1e-300), 0.5)
            step = np.where(quadratic & np.isfinite(inverse), np.clip(inverse, least, 1 - least), 0.5)
    found = np.where(np.abs(f_new) <= 1e-14, new, np.maximum(new, other))
    found = np.where(settled, answer, found)
    order = np.argsort(levels, kind="stable")
    found[:, order] = np.maximum.accumulate(found[:, order], axis=1)
    return found
