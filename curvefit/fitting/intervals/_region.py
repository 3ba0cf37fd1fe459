"""All shapes that the data accept at a level, found by profiling the sum of squares."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...models import Array
from .._projection import TIGHT, Batch, Solution, Through, limits, nodes, polish, project, shapes
from .._sample import Points
from .._solve import Core
from ._base import Target, t_quantile

__all__ = ["Region", "accepted_region", "pushed"]

_NO_BOUND = 1e12
_ROWS = 256  # rows on which sums of squares are compared; values are corrected so that the optimum stays


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """Accepted shapes.

    Attributes
    ----------
    points : Points
        Rows the sums of squares are taken over.
    best : Solution
        Optimum on those rows.
    budget : float
        By how much the sum of squares may rise.
    t : ndarray, shape (G, S)
        Accepted shapes in search coordinates; sorted where there is one shape parameter.
    batch : Batch
        Linear parameters at each.
    ends : ndarray, shape (S, 2)
        Smallest and largest accepted value of each coordinate.
    open_low, open_high : ndarray of bool, shape (S,)
        Whether the search limit itself is accepted, and the parameter could go on beyond it.
    joined : bool
        Whether accepted shapes were found beyond a gap.
    """

    core: Core
    points: Points
    best: Solution
    budget: float
    t: Array
    batch: Batch
    ends: Array
    open_low: NDArray[np.bool_]
    open_high: NDArray[np.bool_]
    joined: bool

    def values(self, target: Target, sign: float) -> Array:
        """Furthest value of the target that each accepted shape allows, shape (G, m), in the fit's units.

        Given the shape, the sum of squares is rss + (v - m)^2 / h in the value v of a combination of the linear parameters.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            a = target.weights(self.core, shapes(self.core.model, self.t))
            middle = np.einsum("gml,gl->gm", a, self.batch.c)
            spread = np.sqrt(np.sum(np.einsum("gml,glk->gmk", a, self.batch.inverse) ** 2, axis=-1))
            slack = np.maximum(self.best.rss + self.budget - self.batch.rss, 0.0)
            out = middle + sign * spread * np.sqrt(slack)[:, None]
        # beyond any multiple of the data's spread that arithmetic can tell from no bound at all
        return np.where(np.abs(out) < _NO_BOUND, out, sign * np.inf)


def accepted_region(core: Core, level: float, budget: float | None = None) -> Region:
    """Profile the sum of squares over the shapes.

    Parameters
    ----------
    core : Core
        A solved fit.
    level : float
        Nominal coverage; shapes are accepted while the sum of squares rises by at most ``variance F(1, dof; level)``.
    budget : float, optional
        Rise that is accepted, in place of that.
    """
    if budget is None:
        budget = core.variance * t_quantile(level, core.dof) ** 2
    found = core.cache.get(("region", budget))
    if not isinstance(found, Region):
        own = replace(core, cache=dict(core.cache))  # a region kept by the fit it holds would keep both until collected
        found = core.cache["region", budget] = _accepted_region(own, budget)
    return found


def _accepted_region(core: Core, budget: float) -> Region:
    model, solution = core.model, core.solution
    points = _thinned(core)
    best = polish(model, points, solution.t, tolerance=_close(core.solution.rss, budget))
    size = solution.t.size
    if size == 0:
        t = np.zeros((1, 0))
        none = np.zeros(0, bool)
        return Region(core, points, best, budget, t, project(model, points, t), np.zeros((0, 2)), none, none, False)
    low, high = limits(model, points)
    if size == 1:
        ends, opened, crossed = _interval(core, points, best, budget, low[0], high[0])
        share = np.sin(np.linspace(-np.pi / 2, np.pi / 2, 49))
        t = np.where(share < 0, best.t[0] + share * (best.t[0] - ends[0]), best.t[0] + share * (ends[1] - best.t[0]))
        beyond, gap = _beyond(core, points, best, budget, ends)
        t = np.unique(np.concatenate([t, crossed, beyond]))[:, None]
        span = np.array([[min(ends[0], t[0, 0]), max(ends[1], t[-1, 0])]])
        return Region(core, points, best, budget, t, project(model, points, t), span, opened[:1], opened[1:], gap)
    return _many(core, points, best, budget, low, high)


def _thinned(core: Core) -> Points:
    """At most a few hundred rows; bin values are the curve plus the bin's mean residual, so the optimum stays put."""
    points = core.points
    if len(points) <= 2 * _ROWS or points.phi is not None:
        return points
    few = Points(points.u, points.z - core.mean(points.u), points.root).merged(_ROWS)
    return Points(few.u, few.z + core.mean(few.u), few.root)


def _close(rss: float, budget: float) -> float:
    """Cosine (see `polish`) within which the rise of the sum of squares is right to a small part of the budget."""
    return min(max(1e-4 * math.sqrt(budget / rss), TIGHT), 0.01) if rss > 0 else TIGHT


_STEPS = np.array([0.5, 0.8, 1.0, 1.3, 1.8, 2.5, 3.5, 5.0, 8.0, 14.0, 25.0, 60.0, 200.0])


def _interval(
    core: Core, points: Points, best: Solution, budget: float, low: float, high: float
) -> tuple[Array, NDArray[np.bool_], Array]:
    """Where the profile of a single shape leaves the budget on each side: ends, whether open, accepted nodes seen."""
    curvature = float(best.reduced[0] @ best.reduced[0])
    step = np.sqrt(budget / curvature) if curvature > 0 else high - low
    step = min(step, high - low)
    t0 = float(best.t[0])
    ends, opened, seen = np.array([t0, t0]), np.zeros(2, bool), [np.array([t0])]
    walk = np.concatenate([np.maximum(t0 - step * _STEPS, low), np.minimum(t0 + step * _STEPS, high)])
    walk[[_STEPS.size - 1, -1]] = low, high
    excess = project(core.model, points, walk[:, None]).rss - best.rss - budget
    brackets = []
    for side in range(2):
        part = slice(side * _STEPS.size, (side + 1) * _STEPS.size)
        t, rise = walk[part], excess[part]
        out = np.flatnonzero(rise > 0)
        if out.size == 0:
            ends[side], opened[side] = t[-1], True
            seen.append(t)
            continue
        k = int(out[0])
        seen.append(t[:k])
        inner, rise_in = (t[k - 1], rise[k - 1]) if k else (t0, -budget)
        brackets.append((side, inner, rise_in, float(t[k]), float(rise[k])))
    for _ in range(3):
        if not brackets:
            break
        grid = np.concatenate([np.linspace(b[1], b[3], 10)[1:-1] for b in brackets])
        rise = project(core.model, points, grid[:, None]).rss - best.rss - budget
        closer = []
        for k, (side, inner, rise_in, outer, rise_out) in enumerate(brackets):
            t = np.concatenate([[inner], grid[8 * k : 8 * k + 8], [outer]])
            f = np.concatenate([[rise_in], rise[8 * k : 8 * k + 8], [rise_out]])
            j = int(np.flatnonzero(f > 0)[0])
            closer.append((side, float(t[j - 1]), float(f[j - 1]), float(t[j]), float(f[j])))
        brackets = closer
    for side, inner, rise_in, outer, rise_out in brackets:
        weight = rise_in / (rise_in - rise_out) if np.isfinite(rise_out) else 0.0
        ends[side] = inner + (outer - inner) * weight
    return ends, opened, np.concatenate(seen)


def _beyond(core: Core, points: Points, best: Solution, budget: float, ends: Array) -> tuple[Array, bool]:
    """Accepted nodes of the starting grid outside the ends: the accepted set has a gap."""
    grid = nodes(core.model, points)
    grid = grid[(grid[:, 0] < ends[0] - 1e-9) | (grid[:, 0] > ends[1] + 1e-9)]
    if grid.size == 0:
        return np.empty(0), False
    found = grid[project(core.model, points, grid).rss <= best.rss + budget]
    return found[:, 0], bool(found.size)


def _many(core: Core, points: Points, best: Solution, budget: float, low: Array, high: Array) -> Region:
    """Two or more shapes: rays through the optimum and a profile trace along every coordinate."""
    model, size = core.model, best.t.size
    values, vectors = np.linalg.eigh(best.reduced @ best.reduced.T)
    basis = vectors * np.sqrt(budget / np.maximum(values, max(values[-1], 1e-300) * 1e-10))
    directions = _directions(size)
    radii = np.array([0.3, 0.6, 0.85, 1.0, 1.3, 2.0, 4.0, 10.0])
    offsets = radii[:, None, None] * (directions @ basis.T)[None]
    cloud = np.clip(best.t + np.clip(offsets, -30, 30), low, high).reshape(-1, size)
    grid = nodes(model, points)
    grid = grid[:: max(1, grid.shape[0] // 512)]
    seen = [best.t[None, :], cloud, grid]
    ends = np.stack([best.t, best.t], axis=1)
    opened = np.zeros((size, 2), bool)
    for j in range(size):
        for side, sign in enumerate((-1.0, 1.0)):
            ends[j, side], opened[j, side], path = _trace(core, points, best, budget, j, sign, low, high)
            seen.append(path)
    t = np.concatenate(seen)
    batch = project(model, points, t)
    keep = batch.rss <= best.rss + budget * (1 + 1e-9)
    keep[0] = True
    kept = Batch(batch.rss[keep], batch.c[keep], batch.inverse[keep])
    ends[:, 0] = np.minimum(ends[:, 0], t[keep].min(axis=0))
    ends[:, 1] = np.maximum(ends[:, 1], t[keep].max(axis=0))
    opened &= _beyond_search(core)
    return Region(core, points, best, budget, t[keep], kept, ends, opened[:, 0], opened[:, 1], False)


def _beyond_search(core: Core) -> NDArray[np.bool_]:
    """Whether each shape could lie beyond the lower and upper limit of the search, shape (S, 2)."""
    return np.array([[s.search[0] > s.low, s.search[1] < s.high] for s in core.model.shape])


def _directions(size: int) -> Array:
    """Unit vectors spread over the sphere, each with its opposite; the same ones every time."""
    if size == 2:
        angle = np.pi * np.arange(12) / 12
        half = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    else:
        half = np.random.default_rng(0).standard_normal((20 * size, size))
        half /= np.linalg.norm(half, axis=1, keepdims=True)
    return np.concatenate([half, -half])


def _trace(
    core: Core, points: Points, best: Solution, budget: float, j: int, sign: float, low: Array, high: Array
) -> tuple[float, bool, Array]:
    """Walk one coordinate outward, the others at their best, until the budget is spent: end, whether open, path."""
    hessian = best.reduced @ best.reduced.T
    fixed = np.zeros(best.t.size, bool)
    fixed[j] = True
    limit = float(low[j] if sign < 0 else high[j])
    others = ~fixed
    inner = hessian[np.ix_(others, others)] + 1e-12 * np.trace(hessian) * np.eye(int(others.sum()))
    along = np.linalg.solve(inner, -hessian[others, j])
    stiffness = float(hessian[j, j] + hessian[j, others] @ along)
    step = min(np.sqrt(budget / stiffness) if stiffness > 0 else np.inf, abs(limit - best.t[j]) / 2 + 1e-12)
    goal = np.sqrt(budget)
    path = [best.t]
    before, root_before, here = best.t, 0.0, best.t
    for _ in range(40):
        start = here.copy()
        start[j] = np.clip(here[j] + sign * step, low[j], high[j])
        moved = here[j] - before[j]
        lead = (here - before)[others] / moved if abs(moved) > 1e-12 else along
        start[others] = here[others] + np.clip(lead * (start[j] - here[j]), -1.0, 1.0)
        found = polish(core.model, points, start, fixed=fixed, iterations=40, tolerance=_close(best.rss, budget))
        root = np.sqrt(max(found.rss - best.rss, 0.0))
        if root >= goal:  # crossed: the root of the rise is nearly linear in the coordinate
            return _crossing(core, points, best, goal, j, fixed, (here, root_before), (found.t, float(root)), path)
        path.append(found.t)
        before, root_before, here = here, float(root), found.t
        if abs(here[j] - limit) <= 1e-9:
            return limit, True, np.array(path)
        rate = root / max(abs(here[j] - best.t[j]), 1e-12)
        step = float(np.clip((goal * 1.05 - root) / max(rate, 1e-12), 0.25 * step, 3.0 * step))
    return float(here[j]), False, np.array(path)


def _crossing(
    core: Core,
    points: Points,
    best: Solution,
    goal: float,
    j: int,
    fixed: NDArray[np.bool_],
    accepted: tuple[Array, float],
    rejected: tuple[Array, float],
    path: list[Array],
) -> tuple[float, bool, Array]:
    """Root finding between an accepted and a rejected point of a trace (regula falsi, Illinois)."""
    (inside, root_in), (outside, root_out) = accepted, rejected
    f_in, f_out = root_in - goal, root_out - goal
    last = 0
    for _ in range(12):
        share = f_in / (f_in - f_out) if np.isfinite(f_out) else 0.5
        middle = inside + (outside - inside) * share
        found = polish(core.model, points, middle, fixed=fixed, iterations=40, tolerance=_close(best.rss, goal**2))
        f = float(np.sqrt(max(found.rss - best.rss, 0.0))) - goal
        if f <= 0:
            inside, f_in = found.t, f
            path.append(found.t)
            f_out = f_out / 2 if last < 0 else f_out
            last = -1
        else:
            outside, f_out = found.t, f
            f_in = f_in / 2 if last > 0 else f_in
            last = 1
        if abs(f) <= 1e-4 * goal:
            break
    return float((inside if abs(f_in) < abs(f_out) else outside)[j]), False, np.array(path)


def pushed(region: Region, target: Target, sign: float) -> tuple[float, Array]:
    """Furthest value of a single target along the profile of that value itself: value and shapes there.

    The combination is held at a value by one heavy row and everything else is fitted; the value is moved until the sum of
    squares has risen by the budget. The root of the rise is nearly linear in the value, so secants take few steps.
    """
    core, best = region.core, region.best
    values = region.values(target, sign)[:, 0]
    k = int(np.argmax(sign * values))
    reached, t = float(values[k]), region.t[k]
    a = target.weights(core, best.theta[None, :])[0, 0]
    center = float(a @ best.c)
    scale = abs(reached - center)
    if not (np.isfinite(reached) and scale > 0):
        return reached, t
    total = float(np.sum(project(core.model, region.points, best.t[None, :]).inverse[0].T @ a) ** 2)
    heavy = 1e5 / np.sqrt(max(total, 1e-300))
    goal, close = np.sqrt(region.budget), _close(best.rss, region.budget)
    inside, outside = (center, -goal, best.t), (sign * np.inf, np.inf, t)
    value, start = reached, t
    for _ in range(12):
        through = Through(
            lambda theta: target.weights(core, theta[None, :])[0, 0],
            lambda theta: target.slopes(core, theta)[0],
            value,
            heavy,
        )
        found = polish(core.model, region.points, start, through=through, iterations=40, tolerance=close)
        f = float(np.sqrt(max(found.rss - best.rss, 0.0))) - goal
        if f <= 0:
            before, inside = inside, (value, f, found.t)
        else:
            before, outside = (outside if np.isfinite(outside[0]) else inside), (value, f, found.t)
        if abs(f) <= 1e-4 * goal:
            return value, found.t
        slope = (f - before[1]) / (value - before[0])
        ahead = value - f / slope if np.isfinite(slope) and slope != 0 else np.inf
        low, high = sorted((inside[0], outside[0]))
        if not low < ahead < high:
            ahead = 0.5 * (low + high) if np.isfinite(outside[0]) else inside[0] + 2.0 * (inside[0] - center)
        if np.isinf(outside[0]):
            ahead = center + sign * min(abs(ahead - center), 3.0 * abs(inside[0] - center))
            if abs(ahead - center) > 1e3 * scale:
                return sign * np.inf, found.t
        along = (ahead - value) / (value - before[0])
        start = found.t + np.clip(along * (found.t - before[2]), -0.5, 0.5)
        value = ahead
        if abs(inside[0] - outside[0]) <= 1e-7 * scale:
            break
    return inside[0], inside[2]
