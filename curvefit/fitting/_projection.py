"""Variable projection: linear parameters solved exactly, shape parameters by a damped Gauss-Newton method."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..models import Array, Model
from ..models._base import combine
from ._coordinates import coordinates, grid, limits, nodes, shapes, valleys
from ._sample import Points

__all__ = [
    "TIGHT",
    "Batch",
    "Solution",
    "Through",
    "coordinates",
    "limits",
    "nodes",
    "polish",
    "project",
    "search",
    "shapes",
]

TIGHT = 1e-9  # cosine at which an estimate counts as reached
_ROUGH = 1e-4  # and at which a start on merged points does
_DEPENDENT = 1e-11  # a basis function that is this close to the span of those before it is dropped
_PATIENCE = 5  # Gauss-Newton steps before the full second derivatives are worth their price
_ENOUGH = 0.1  # share of a column left by orthogonalization above which a second pass would change nothing
_FEW = 96  # merged points on which starting values are searched


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Best linear parameters at many shapes: rss (G,), c (G, L), and the inverse triangular factors (G, L, L)."""

    rss: Array
    c: Array
    inverse: Array


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """A local optimum: shapes in search coordinates t and in the fit's units, linear parameters, residual rows."""

    t: Array
    theta: Array
    c: Array
    rss: float
    residual: Array
    reduced: Array
    converged: bool
    iterations: int
    low: NDArray[np.bool_]
    high: NDArray[np.bool_]


def _curvature(
    model: Model,
    points: Points,
    rows_z: Array,
    t: Array,
    gradient: Array,
    free: list[int],
    through: Through | None,
) -> Array | None:
    """Second derivatives of half the sum of squares by differences of its gradient; None unless positive definite.

    Gauss-Newton crawls where the basis is nearly dependent, since what it leaves out is divided by that dependence.
    """
    out = np.zeros((t.size, t.size))
    moved = np.empty((t.size, rows_z.size))
    h = 1e-5
    for k in free:
        there = t.copy()
        there[k] += h
        _, c, residual, q, theta = _evaluate(model, points, rows_z, there, through)
        _tangents(model, points, theta, c, q, through, moved)
        out[:, k] = (gradient - moved @ residual) / h
    out = 0.5 * (out + out.T)
    block = out[np.ix_(free, free)]
    if not np.all(np.isfinite(block)):
        return None
    values = np.linalg.eigvalsh(block)
    return out if values[0] > 1e-10 * values[-1] > 0 else None


def _step(hessian: Array, gradient: list[float], free: list[int], damping: float) -> list[float]:
    """Solve the damped equations of the free coordinates; one and two of them by hand, which is most of all cases."""
    if len(free) == 1:
        return [gradient[0] / (float(hessian[free[0], free[0]]) * (1.0 + damping))]
    if len(free) == 2:
        i, j = free
        a, b, d = float(hessian[i, i]) * (1.0 + damping), float(hessian[i, j]), float(hessian[j, j]) * (1.0 + damping)
        rest = d - b * (b / a)
        if rest > 0:
            second = (gradient[1] - gradient[0] * (b / a)) / rest
            return [(gradient[0] - b * second) / a, second]
    block = hessian[np.ix_(free, free)]
    step: list[float] = np.linalg.solve(block + damping * np.diag(np.diag(block)), np.array(gradient)).tolist()
    return step


_quiet = np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore")


@_quiet
def project(model: Model, points: Points, t: Array) -> Batch:
    """Solve for the linear parameters at every row of t, shape (G, S)."""
    theta = shapes(model, t)
    columns = [points.rows(b) for b in model.basis(points.u, *theta.T[:, :, None])]
    count, size, m = t.shape[0], len(columns), len(points)
    q = np.empty((size, count, m))
    triangle = np.zeros((count, size, size))
    residual = np.broadcast_to(points.rows(points.z), (count, m))
    d = np.empty((count, size))
    for k, column in enumerate(columns):
        v = np.broadcast_to(column, (count, m))
        length = np.sqrt(np.einsum("gm,gm->g", v, v))
        for _ in range(2 if k else 1):  # twice is enough for orthogonality to rounding
            for i in range(k):
                r = np.einsum("gm,gm->g", q[i], v)
                triangle[:, i, k] += r
                v = v - r[:, None] * q[i]
        rest = np.sqrt(np.einsum("gm,gm->g", v, v)) if k else length
        dead = ~(rest > _DEPENDENT * length)
        triangle[:, k, k] = np.where(dead, 1.0, rest)
        q[k] = np.where(dead[:, None], 0.0, v / np.where(dead, 1.0, rest)[:, None])
        d[:, k] = np.einsum("gm,gm->g", q[k], residual)
        residual = residual - d[:, k, None] * q[k]
        triangle[:, k, k] = np.where(dead, 1e-150, triangle[:, k, k])
    rss = np.einsum("gm,gm->g", residual, residual)
    inverse = _inverse(triangle)
    d = np.where(np.abs(triangle[:, range(size), range(size)]) <= 1e-150, 0.0, d)
    c = np.einsum("gij,gj->gi", inverse, d)
    return Batch(np.where(np.isfinite(rss), rss, np.inf), c, inverse)


def _inverse(triangle: Array) -> Array:
    """Inverse of upper triangular matrices by back substitution."""
    size = triangle.shape[-1]
    out = np.zeros_like(triangle)
    for k in range(size):
        out[:, k, k] = 1.0 / triangle[:, k, k]
        for i in range(k - 1, -1, -1):
            out[:, i, k] = (
                -np.einsum("gj,gj->g", triangle[:, i, i + 1 : k + 1], out[:, i + 1 : k + 1, k]) / triangle[:, i, i]
            )
    return out


@dataclass(frozen=True, slots=True, eq=False)
class Through:
    """A linear combination of the linear parameters that is held at a value, by one row of great weight.

    Attributes
    ----------
    weights : callable
        Shapes (S,) to the combination (L,).
    slopes : callable
        Shapes (S,) to its derivatives (S, L).
    value : float
        What the combination has to be.
    heavy : float
        Root of the row's weight.
    """

    weights: Callable[[Array], Array]
    slopes: Callable[[Array], Array]
    value: float
    heavy: float


def _evaluate(
    model: Model, points: Points, rows_z: Array, t: Array, through: Through | None
) -> tuple[float, Array, Array, list[Array], Array]:
    """Residual sum of squares, linear parameters, residual rows, orthonormal columns and shapes at one t."""
    theta = shapes(model, t)
    columns = [points.rows(b) for b in model.basis(points.u, *theta)]
    if through is not None:
        columns = [np.append(b, a) for b, a in zip(columns, through.heavy * through.weights(theta), strict=True)]
    size = len(columns)
    q: list[Array] = []
    triangle = [[0.0] * size for _ in range(size)]
    d = [0.0] * size
    residual = rows_z
    for k, column in enumerate(columns):
        v = column
        length = rest = math.sqrt(max(float(v @ v), 0.0))
        if not math.isfinite(length):
            return np.inf, np.zeros(size), residual, q, theta
        for _ in range(2 if k else 0):
            before = rest
            for i, unit in enumerate(q):
                r = float(unit @ v)
                triangle[i][k] += r
                v = v - r * unit
            rest = math.sqrt(max(float(v @ v), 0.0))
            if rest > _ENOUGH * before:  # little was taken away, so little is left of rounding along the others
                break
        if rest > _DEPENDENT * length:
            triangle[k][k] = rest
            unit = v / rest
            d[k] = float(unit @ residual)
            residual = residual - d[k] * unit
        else:
            triangle[k][k], unit = math.inf, np.zeros_like(v)
        q.append(unit)
    c = [0.0] * size
    for k in range(size - 1, -1, -1):
        if not math.isinf(triangle[k][k]):
            c[k] = (d[k] - sum(triangle[k][i] * c[i] for i in range(k + 1, size))) / triangle[k][k]
    return float(residual @ residual), np.array(c), residual, q, theta


def _tangents(
    model: Model, points: Points, theta: Array, c: Array, q: list[Array], through: Through | None, out: Array
) -> None:
    """Derivatives of the rows by the search coordinates, orthogonal to the basis, into ``out`` of shape (S, rows)."""
    slopes = model.slopes(points.u, *theta)
    extra = None if through is None else through.heavy * (through.slopes(theta) @ c)
    for j, (s, inner) in enumerate(zip(model.shape, slopes, strict=True)):
        unit_of_t = float(theta[j]) + s.offset
        v = points.rows(combine(unit_of_t * c, inner, points.u.shape))
        if extra is not None:
            v = np.append(v, unit_of_t * extra[j])
        for unit in q:
            v = v - (unit @ v) * unit
        out[j] = v


@_quiet
def polish(
    model: Model,
    points: Points,
    start: Array,
    *,
    fixed: NDArray[np.bool_] | None = None,
    through: Through | None = None,
    iterations: int = 60,
    tolerance: float = TIGHT,
) -> Solution:
    """Damped Gauss-Newton on the projected problem within the search limits (Kaufman's Jacobian).

    Parameters
    ----------
    model, points
        Law and rows.
    start : ndarray, shape (S,)
        Where to begin, in search coordinates.
    fixed : ndarray of bool, shape (S,), optional
        Coordinates that stay where they are.
    through : Through, optional
        A combination of the linear parameters that is held at a value.
    iterations : int
        Steps tried at most; a solution that needed more is returned as not converged.
    tolerance : float
        Largest cosine between the residuals and a tangent that counts as a right angle: the sum of squares is then
        within its square, relatively, of the optimum's.

    References
    ----------
    Golub and Pereyra (1973), The differentiation of pseudo-inverses and nonlinear least squares problems whose variables
    separate. SIAM J. Numer. Anal. 10, 413-432. Kaufman (1975), A variable projection method. BIT 15, 49-57.
    """
    low, high = limits(model, points)
    t = np.minimum(np.maximum(start, low), high)
    held = np.zeros(t.size, bool) if fixed is None else fixed
    rows_z = points.rows(points.z)
    floor = 1e-31 * max(float(rows_z @ rows_z), 1e-300)
    if through is not None:
        rows_z = np.append(rows_z, through.heavy * through.value)
    rss, c, residual, q, theta = _evaluate(model, points, rows_z, t, through)
    reduced = np.empty((t.size, rows_z.size))
    least, most, stays = low.tolist(), high.tolist(), held.tolist()
    damping, converged, count = 1e-3, t.size == 0 and math.isfinite(rss), 0
    fresh, stuck = False, 0
    newton: Array | None = None
    while count < iterations and math.isfinite(rss) and t.size:
        here = t.tolist()
        if not fresh:
            _tangents(model, points, theta, c, q, through, reduced)
            gradient = reduced @ residual
            hessian = reduced @ reduced.T
            slope, square = gradient.tolist(), hessian.diagonal().tolist()
            if not all(map(math.isfinite, slope)):
                break
            fresh, newton = True, None
        free = [
            k
            for k, g in enumerate(slope)
            if not (stays[k] or (here[k] <= least[k] and g < 0) or (here[k] >= most[k] and g > 0)) and square[k] > 0
        ]
        if rss <= floor or not free:
            converged = True
            break
        cosine = max(abs(slope[k]) / math.sqrt(square[k]) for k in free) / math.sqrt(rss)
        if cosine < tolerance:
            converged = True
            break
        if count >= _PATIENCE and cosine < 0.1 and newton is None:
            newton = _curvature(model, points, rows_z, t, gradient, free, through)
            damping = damping if newton is None else 1e-9
        block = hessian if newton is None else newton
        trial = list(here)
        for k, step in zip(free, _step(block, [slope[k] for k in free], free, damping), strict=True):
            trial[k] = min(max(here[k] + min(max(step, -2.0), 2.0), least[k]), most[k])
        moved = max(abs(a - b) for a, b in zip(trial, here, strict=True))
        count += 1
        there = np.array(trial)
        found = _evaluate(model, points, rows_z, there, through)
        if found[0] < rss or (found[0] <= rss * (1 + 1e-14) and moved < 1e-7):
            gain = rss - found[0]
            stuck = stuck + 1 if gain <= 1e-15 * rss else 0
            t, (rss, c, residual, q, theta) = there, found
            damping, fresh, newton = max(damping * 0.1, 1e-12), False, None
            if moved < 1e-10 or stuck >= 3:
                converged = True
                break
        else:
            damping = max(damping * 8.0, 1e-6)
            if moved < 1e-11 or damping > 1e14:
                converged = cosine < 1e-5
                break
    if t.size and np.isfinite(rss) and not fresh:
        _tangents(model, points, theta, c, q, through, reduced)
    edge = 1e-9
    return Solution(t, theta, c, rss, residual, reduced, bool(converged), count, t <= low + edge, t >= high - edge)


def search(
    model: Model, points: Points, *, starts: int = 4, iterations: int = 60, tolerance: float = TIGHT
) -> Solution:
    """Grid and polish on merged points, then polish on all of them; returns the best optimum found.

    Parameters
    ----------
    model, points
        Law and rows.
    starts : int
        Most local minima of the grid that are followed.
    iterations : int
        Most steps from each.
    tolerance : float
        As for `polish`.
    """
    if not model.shape:
        return polish(model, points, np.empty(0))
    few = points.merged(_FEW)
    starting, extent = grid(model, *(tuple(edge.tolist()) for edge in limits(model, few)))
    parts = np.array_split(starting, max(1, starting.shape[0] * len(few) // 300_000))
    rss = np.concatenate([project(model, few, part).rss for part in parts])
    rough = tolerance if few is points else max(tolerance, _ROUGH)
    found = [
        polish(model, few, starting[i], iterations=iterations, tolerance=rough) for i in valleys(rss, extent)[:starts]
    ]
    if not found:
        return polish(model, points, starting[int(np.argmin(rss))], iterations=iterations, tolerance=tolerance)
    found.sort(key=lambda s: s.rss)
    if few is points:
        return found[0]
    close = [s for s in found[1:] if s.rss < 1.05 * found[0].rss and np.max(np.abs(s.t - found[0].t)) > 1e-3]
    again = (polish(model, points, s.t, iterations=iterations, tolerance=tolerance) for s in [found[0], *close[:1]])
    return min(again, key=lambda s: s.rss)
