"""The contract of an interval method: a function of a solved fit, what is asked, and the level."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from ...models import Array
from .._linalg import scaled_qr_covariance
from .._solve import Core

__all__ = ["Ends", "IntervalMethod", "Target", "estimate", "t_quantile", "tangent", "unit_covariance"]


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """What an interval is wanted for: the curve at some x, one parameter, or the asymptote.

    Every target but a shape parameter is ``a(theta)' c``, linear in the linear parameters c.

    Parameters
    ----------
    kind : {"value", "linear", "shape", "limit"}
        Value of the curve, a linear parameter, a shape parameter, the asymptote.
    x : ndarray, shape (m,), optional
        Where, for values.
    index : int
        Which parameter, counted within its group.
    """

    kind: Literal["value", "linear", "shape", "limit"]
    x: Array | None = None
    index: int = 0

    @property
    def size(self) -> int:
        """How many numbers are asked for."""
        return int(self.x.size) if self.x is not None else 1

    def weights(self, core: Core, theta: Array) -> Array:
        """Combination a of the linear parameters, shape (G, m, L), at shapes theta (G, S) in the fit's units."""
        model, count = core.model, theta.shape[0]
        if self.kind == "value":
            assert self.x is not None
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                columns = model.basis(self.x / core.sample.x_scale, *theta.T[:, :, None])
            found: Array = np.stack([np.broadcast_to(c, (count, self.size)) for c in columns], axis=-1)
            return found
        if self.kind == "limit":
            assert model.limit is not None
            return np.broadcast_to(np.array(model.limit), (count, 1, len(model.linear)))
        matrix = model.rescaling(core.sample.x_scale, *theta.T)
        if matrix is None:
            matrix = np.eye(len(model.linear))
        out: Array = np.broadcast_to(matrix[..., self.index, :], (count, len(model.linear)))[:, None, :]
        return out

    def slopes(self, core: Core, theta: Array) -> Array:
        """Derivatives of the combination by the shapes, shape (m, S, L), at one theta (S,)."""
        model, size = core.model, len(core.model.linear)
        out = np.zeros((self.size, theta.size, size))
        if self.kind == "value":
            assert self.x is not None
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                inner = model.slopes(self.x / core.sample.x_scale, *theta)
            for j, row in enumerate(inner):
                for k, column in enumerate(row):
                    if column is not None:
                        out[:, j, k] = column
        elif self.kind == "linear" and model.rescaling(core.sample.x_scale, *theta) is not None:
            for j, value in enumerate(theta):
                h = 2e-4 * max(abs(float(value)), 1e-6)
                moved = np.tile(theta, (4, 1))
                moved[:, j] += h * np.array([-2.0, -1.0, 1.0, 2.0])
                a = self.weights(core, moved)[:, 0]
                out[0, j] = (a[0] - 8 * a[1] + 8 * a[2] - a[3]) / (12 * h)
        return out

    def outside(self, core: Core, values: Array) -> Array:
        """Numbers in the fit's units turned into those of the curve."""
        sample = core.sample
        with np.errstate(over="ignore", invalid="ignore"):
            if self.kind == "shape":
                return values * (sample.x_scale if core.model.shape[self.index].unit == "x" else 1.0)
            moved = self.kind in ("value", "limit") or self.index == 0
            out: Array = values * sample.scale + (sample.center if moved else 0.0)
            return out


@dataclass(frozen=True, slots=True, eq=False)
class Ends:
    """End points in the unit of the target, shape (m,) each.

    Attributes
    ----------
    low, high : ndarray
        Infinite where a side is open, NaN where nothing can be said.
    edge : ndarray of bool
        Whether an end was found on a limit of the search, so that it could lie further out.
    joined : bool
        Whether the accepted set has gaps; the ends are those of its hull.
    """

    low: Array
    high: Array
    edge: NDArray[np.bool_]
    joined: bool = False


class IntervalMethod(Protocol):
    """A way to an interval: a function named after its file."""

    def __call__(self, core: Core, target: Target, level: float, *, rng: np.random.Generator | None = None) -> Ends:
        """Confidence interval of the target.

        Parameters
        ----------
        core : Core
            A solved fit.
        target : Target
            What is asked.
        level : float
            Nominal coverage.
        rng : numpy.random.Generator, optional
            Source of chance, for methods that resample; default a fixed seed.
        """
        ...


def t_quantile(level: float, dof: float) -> float:
    """Half width of a central interval of Student's t."""
    from scipy.special import stdtrit

    return float(stdtrit(dof, 0.5 + level / 2))


def estimate(core: Core, target: Target) -> Array:
    """The target at the optimum, in its own unit, shape (m,)."""
    if target.kind == "shape":
        return target.outside(core, core.solution.theta[target.index : target.index + 1])
    a = target.weights(core, core.solution.theta[None, :])[0]
    return target.outside(core, a @ core.solution.c)


def tangent(core: Core, target: Target) -> Array:
    """Derivative of the target (in the fit's units) by all parameters (in the fit's units), shape (m, p)."""
    c, theta = core.solution.c, core.solution.theta
    if target.kind == "shape":
        return np.eye(c.size + theta.size)[c.size + target.index : c.size + target.index + 1]
    a = target.weights(core, theta[None, :])[0]
    out: Array = np.hstack([a, target.slopes(core, theta) @ c])
    return out


def unit_covariance(core: Core) -> tuple[Array, float]:
    """Covariance of all parameters in the fit's units, and the condition number; shapes on a limit count as fixed.

    Rows of fixed parameters are 0.
    """
    found = core.cache.get("covariance")
    if not isinstance(found, tuple):
        found = core.cache["covariance"] = _covariance(core)
    return found


def _covariance(core: Core) -> tuple[Array, float]:
    model, solution, points = core.model, core.solution, core.points
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        jacobian = model.jacobian(points.u, core.unit_params)
    rows = points.rows(jacobian.T).T
    free = np.concatenate([np.ones(solution.c.size, bool), ~(solution.low | solution.high)])
    out = np.zeros((free.size, free.size))
    if not np.all(np.isfinite(rows)):
        return np.full_like(out, np.nan), np.inf
    found, condition = scaled_qr_covariance(rows[:, free], core.variance * core.dof, core.dof)
    out[np.ix_(free, free)] = found
    return out, condition
