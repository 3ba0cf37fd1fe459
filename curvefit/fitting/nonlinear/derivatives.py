"""Derivatives of a black-box function: by complex step where the function allows it, else by differences."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["CentralDifferences", "complex_step_jacobian", "complex_step_works"]

Array = NDArray[np.float64]
_STEP = 1e-40  # far below any parameter: nothing is subtracted, so nothing cancels
# what a user's function raises that takes no complex numbers; the last, libraries that know of them and have no such case
_REFUSALS = (TypeError, ValueError, AttributeError, IndexError, ArithmeticError, NotImplementedError)


def complex_step_jacobian(function: Callable[[NDArray[Any]], NDArray[Any]], theta: Array) -> Array:
    r"""Derivatives $\mathrm{Im} f(\theta + i h e_j) / h$, exact to rounding for analytic functions.

    Parameters
    ----------
    function : callable
        From a complex vector of shape (p,) to values of shape (n,).
    theta : ndarray, shape (p,)

    Returns
    -------
    ndarray, shape (n, p)

    References
    ----------
    Squire and Trapp (1998), Using complex variables to estimate derivatives of real functions. SIAM Review 40, 110-112.
    """
    columns = []
    for j in range(len(theta)):
        shifted = theta.astype(np.complex128)
        shifted[j] += 1j * _STEP
        columns.append(np.imag(function(shifted)) / _STEP)
    return np.stack(columns, axis=-1)


def complex_step_works(function: Callable[[NDArray[Any]], NDArray[Any]], theta: Array, reference: Array) -> bool:
    """Whether the function takes complex parameters and its complex-step derivatives agree with a reference."""
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # numpy says so when a function throws the imaginary part away
            jacobian = complex_step_jacobian(function, theta)
    except _REFUSALS:
        return False
    if jacobian.shape != reference.shape or not np.all(np.isfinite(jacobian)):
        return False
    scale = np.max(np.abs(reference), axis=0)
    return bool(np.all(np.max(np.abs(jacobian - reference), axis=0) <= 1e-5 * scale))


class CentralDifferences:
    """Five-point differences with steps sized by what they change in the function.

    Parameters
    ----------
    function : callable
        From a vector of shape (p,) to values of shape (n,).

    Notes
    -----
    The step of a parameter changes the values by about 1e-3 of their size: the truncation error is then of order
    1e-12 and the rounding error 1e-13, whatever the parameter's unit. Beside a bound or a singularity, where a point
    of the stencil is not finite, the step is halved.
    """

    def __init__(self, function: Callable[[Array], Array]) -> None:
        self._function = function
        self._steps: Array | None = None

    def __call__(self, theta: Array) -> Array:
        """Derivatives, shape (n, p); NaN where no finite stencil was found."""
        center = self._function(theta)
        if self._steps is None:
            self._steps = np.zeros(len(theta))
        columns = [self._column(theta, center, j) for j in range(len(theta))]
        return np.stack(columns, axis=-1)

    def _column(self, theta: Array, center: Array, j: int) -> Array:
        assert self._steps is not None
        size = float(np.max(np.abs(center), initial=0.0)) or 1.0
        step = self._steps[j] or 1e-3 * (abs(theta[j]) or 1.0)
        for _ in range(60):
            change = float(np.max(np.abs(self._shifted(theta, j, step) - center), initial=0.0)) / size
            if np.isfinite(change) and 2e-4 <= change <= 5e-3:
                break
            if np.isfinite(change) and change < 2e-4:
                factor = 10.0 if change < 1e-8 else min(1e-3 / change, 1e4)
                if step > 1e3 * (abs(theta[j]) or 1.0):  # hardly any effect: keep a step of the parameter's own size
                    step = 1e-3 * (abs(theta[j]) or 1.0)
                    break
                step *= factor
            else:
                step *= max(1e-3 / change, 0.01) if np.isfinite(change) else 0.1
        for _ in range(8):
            with np.errstate(all="ignore"):
                inner = self._shifted(theta, j, step) - self._shifted(theta, j, -step)
                outer = self._shifted(theta, j, 2 * step) - self._shifted(theta, j, -2 * step)
                column = (8.0 * inner - outer) / (12.0 * step)
            if np.all(np.isfinite(column)):
                self._steps[j] = step
                return column
            step /= 2.0
        return np.full_like(center, np.nan)

    def _shifted(self, theta: Array, j: int, step: float) -> Array:
        moved = theta.copy()
        moved[j] += step
        return self._function(moved)
