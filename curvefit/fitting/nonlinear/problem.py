"""A least-squares problem: a model bound to data, with weights and bounds, in the form the solvers use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .expression import Bound

__all__ = ["BoundFunction", "Problem"]

Array = NDArray[np.float64]


class BoundFunction:
    """A Python function of the parameter vector, with a way to differentiate it, in the form of ``Bound``."""

    def __init__(
        self,
        value: Callable[[Array], Array],
        jacobian: Callable[[Array], Array],
        n: int,
        exact: Callable[[], bool] = lambda: False,
    ) -> None:
        self._value = value
        self._jacobian = jacobian
        self._exact = exact
        self.n = n

    @property
    def exact(self) -> bool:
        """Whether derivatives are exact to rounding (complex step) or differences."""
        return self._exact()

    def value(self, theta: Array) -> Array:
        """Values, one call of the function per parameter vector."""
        if theta.ndim == 1:
            return self._value(theta)
        return np.stack([self._value(row) for row in theta])

    def value_and_jacobian(self, theta: Array, wrt: Sequence[int] | None = None) -> tuple[Array, Array]:
        """Values and derivatives."""
        if theta.ndim == 2:
            pairs = [self.value_and_jacobian(row, wrt) for row in theta]
            return np.stack([v for v, _ in pairs]), np.stack([j for _, j in pairs])
        jacobian = self._jacobian(theta)
        return self._value(theta), jacobian if wrt is None else jacobian[:, list(wrt)]

    def affine_parts(self, theta: Array, chosen: Sequence[int]) -> tuple[Array, Array]:
        """Values at the rows of theta, where the chosen parameters are 0, and what one of each adds: one call each."""
        offset = self.value(theta)
        parts = []
        for j in chosen:
            moved = theta.copy()
            moved[..., j] = 1.0
            parts.append(self.value(moved) - offset)
        return offset, np.stack(parts, axis=-1)


@dataclass(frozen=True, eq=False)
class Problem:
    """Minimize ``sum(w * (y - f(theta))**2)`` over ``low <= theta <= high``.

    Parameters
    ----------
    model : Bound or BoundFunction
        f, by row.
    y : ndarray, shape (n,)
    root_weights : ndarray, shape (n,)
        Square roots of the weights.
    low, high : ndarray, shape (p,)
    linear : tuple of int
        Parameters in which f is jointly affine and which have no bounds.
    """

    model: Bound | BoundFunction
    y: Array
    root_weights: Array
    low: Array
    high: Array
    linear: tuple[int, ...]

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.y)

    @property
    def p(self) -> int:
        """Number of parameters."""
        return len(self.low)

    @property
    def shape_parameters(self) -> tuple[int, ...]:
        """Parameters that are not linear."""
        return tuple(j for j in range(self.p) if j not in self.linear)

    @property
    def bounded(self) -> bool:
        """Whether any bound is finite."""
        return bool(np.any(np.isfinite(self.low)) or np.any(np.isfinite(self.high)))

    @property
    def floor(self) -> float:
        """A sum of squares that rounding alone may leave: relative residuals of 1e-12."""
        return 1e-24 * float(np.sum((self.root_weights * self.y) ** 2))

    def residuals(self, theta: Array) -> Array:
        """Weighted residuals, shape (n,) or (b, n)."""
        with np.errstate(all="ignore"):
            out: Array = self.root_weights * (self.y - self.model.value(theta))
        return out

    def residuals_and_jacobian(self, theta: Array) -> tuple[Array, Array]:
        """Weighted residuals and derivatives of the weighted model, shapes (..., n) and (..., n, p)."""
        with np.errstate(all="ignore"):
            value, jacobian = self.model.value_and_jacobian(theta)
            return self.root_weights * (self.y - value), self.root_weights[:, np.newaxis] * jacobian

    def rss(self, theta: Array) -> Array:
        """Weighted residual sum of squares, infinite where it is not a number; a 0-d array for one theta."""
        with np.errstate(all="ignore"):
            total = np.sum(self.residuals(theta) ** 2, axis=-1)
            return np.where(np.isfinite(total), total, np.inf)

    def solve_linear(self, theta: Array) -> tuple[Array, Array]:
        """Linear parameters solved exactly for each row of shape parameters; returns parameters and RSS.

        Columns are scaled and a ridge of 1e-13 keeps collinear bases finite: this is for searching, not for reporting.
        """
        if not self.linear:
            return theta, self.rss(theta)
        chosen = list(self.linear)
        start = theta.copy()
        start[:, chosen] = 0.0
        with np.errstate(all="ignore"):
            offset, basis = self.model.affine_parts(start, chosen)
            target = self.root_weights * (self.y - offset)
            basis = basis * self.root_weights[:, np.newaxis]
            norms = np.sqrt(np.sum(basis**2, axis=-2))
            norms = np.where(np.isfinite(norms) & (norms > 0), norms, 1.0)
            basis = basis / norms[:, np.newaxis, :]
            good = np.all(np.isfinite(basis), axis=(-2, -1)) & np.all(np.isfinite(target), axis=-1)
            basis = np.where(good[:, np.newaxis, np.newaxis], basis, 0.0)
            target = np.where(good[:, np.newaxis], target, 0.0)
            gram = np.swapaxes(basis, -1, -2) @ basis + 1e-13 * np.eye(len(chosen))
            right = np.swapaxes(basis, -1, -2) @ target[..., np.newaxis]
            solution = np.linalg.solve(gram, right)[..., 0]
            rss = np.sum((target - (basis @ solution[..., np.newaxis])[..., 0]) ** 2, axis=-1)
            start[:, chosen] = solution / norms
        good &= np.all(np.isfinite(start), axis=-1)
        return start, np.where(good, rss, np.inf)
