"""Interquartile means over x: common grid, bands over seeds, and where one method last passes another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ..curves import Estimate, Interval, Status
from ..reporting.tables import Band, Crossing
from ._scores import Entry
from ._statistics import MIN_SEEDS, iqm, studentized

__all__ = ["Curves", "averaged", "bands", "common_grid", "crossing", "gridded"]

Array = NDArray[np.float64]
Curves = Mapping[str, Sequence[Array]]
"""Values on the grid by method: one array of shape (seeds, grid) per task, NaN beyond the end of a run."""
_GRID = 96
_SPAN = 30.0  # ratio of x from which the grid is even in log x
_SHOWN = 20  # seeds of a method that a figure shows


def common_grid(entries: Sequence[Entry]) -> Array:
    """At most 96 x that cover all runs: their own x where all share few of them, else even or log-even."""
    first = min(float(e.curve.x[0]) for e in entries if len(e.curve))
    last = max(float(e.curve.x[-1]) for e in entries if len(e.curve))
    own = entries[0].curve.x
    if own.size <= _GRID and all(np.array_equal(e.curve.x, own) for e in entries):
        return np.asarray(own)
    positive = min((float(e.curve.x[e.curve.x > 0][0]) for e in entries if (e.curve.x > 0).any()), default=last)
    if first > 0 and last / first > _SPAN:
        return np.asarray(np.geomspace(first, last, _GRID))
    if first <= 0 < positive and last / positive > _SPAN:
        return np.concatenate([[first], np.geomspace(positive, last, _GRID - 1)])
    return np.asarray(np.linspace(first, last, _GRID))


def gridded(
    entries: Sequence[Entry], methods: Sequence[str], tasks: Sequence[str], grid: Array
) -> dict[str, list[Array]]:
    """Runs on the grid, every node the mean of what was observed around it, NaN beyond a run's ends."""
    out: dict[str, list[Array]] = {}
    for method in methods:
        by_task = []
        for task in tasks:
            rows = [_on_grid(e, grid) for e in entries if e.method == method and e.task == task and len(e.curve)]
            by_task.append(np.array(rows) if rows else np.empty((0, grid.size)))
        out[method] = by_task
    return out


def averaged(entries: Sequence[Entry], grid: Array) -> bool:
    """Whether some run has so many points that its values on the grid are means."""
    return any(e.curve.x.size > 2 * grid.size for e in entries)


def _on_grid(entry: Entry, grid: Array) -> Array:
    x, y = entry.curve.x, entry.curve.y
    values = np.interp(grid, x, y, left=np.nan, right=np.nan)
    if averaged([entry], grid):  # many observations to a node: their mean, not the one that happens to lie there
        edges = np.concatenate([[-np.inf], (grid[1:] + grid[:-1]) / 2, [np.inf]])
        where = np.digitize(x, edges) - 1
        count = np.bincount(where, minlength=grid.size)
        total = np.bincount(where, weights=y, minlength=grid.size)
        several = (count > 1) & np.isfinite(values)
        values[several] = total[several] / count[several]
    return np.asarray(values)


def bands(entries: Sequence[Entry], curves: Curves, grid: Array, level: float) -> tuple[Band, ...]:
    """Interquartile mean of every method with its t interval at every x, of the seeds that reach it."""
    found = []
    for method, tasks in curves.items():
        center, low, high = (np.full(grid.size, np.nan) for _ in range(3))
        seeds = np.zeros(grid.size)
        for j in range(grid.size):
            present = [v[np.isfinite(v[:, j]), j] for v in tasks if len(v)]
            present = [v for v in present if v.size]
            seeds[j] = sum(v.size for v in present)
            if not present:
                continue
            center[j] = iqm(np.concatenate(present))
            if min(v.size for v in present) < MIN_SEEDS:
                continue
            ends = studentized(present, "iqm", level, ())
            if ends is not None:
                low[j], high[j] = ends
        own = [(e.curve.x, e.curve.y) for e in entries if e.method == method and len(e.curve)]
        runs = len(own)
        own = own[:: max(1, -(-len(own) // _SHOWN))]
        found.append(Band(method, grid, center, low, high, seeds, tuple(own), runs))
    return tuple(found)


def crossing(
    a: str,
    b: str,
    curves: Curves,
    grid: Array,
    unit: str,
    level: float,
    replicates: int,
    rng: np.random.Generator,
    *,
    smaller_is_better: bool,
) -> Crossing | None:
    """Last change of sign of the difference between two methods; None where their curves share too little.

    The interval inverts Welch's test, as Fieller's does: from the crossing to either side as long as the means do not differ
    significantly, to infinity where that is so up to an end of the data. Coverage: ``benchmarks/statistics/COMPARISON.md``. The
    probability is a share of t draws of whole mean curves, in which the correlation along a curve stays.
    """
    from scipy.special import gammaincinv

    common = [i for i, (u, v) in enumerate(zip(curves[a], curves[b], strict=True)) if len(u) and len(v)]
    if not common:
        return None
    reach = np.ones(grid.size, dtype=bool)
    for i in common:
        reach &= np.isfinite(curves[a][i]).all(axis=0) & np.isfinite(curves[b][i]).all(axis=0)
    if reach.sum() < 3:
        return None
    x = grid[reach]
    left, right = ([curves[m][i][:, reach] for i in common] for m in ((a, b) if smaller_is_better else (b, a)))
    difference = _means(left) - _means(right)  # negative where a is the better one
    if difference[-1] == 0:
        return None
    if difference[-1] > 0:
        return crossing(b, a, curves, grid, unit, level, replicates, rng, smaller_is_better=smaller_is_better)
    at = float(_last_change(difference[None], x)[0])
    fewest = min(len(v) for v in (*left, *right))
    if not np.isfinite(at):
        return None
    if fewest < MIN_SEEDS:
        why = f"{fewest} seed{'s' if fewest > 1 else ''} of a method: no interval below {MIN_SEEDS}"
        return Crossing(a, b, Estimate("crossing", at, None, unit, Status.TOO_FEW_POINTS, (why,)), float("nan"))
    node = int(np.searchsorted(x, at))
    noise, half, freedom = _welch(left, right, level, replicates, rng)
    low, high = _kept(x, at, node, difference, half)
    scale = np.sqrt(freedom[node] / (2 * gammaincinv(freedom[node] / 2, rng.random((replicates, 1)))))
    share = float(np.isfinite(_last_change(difference + scale * noise, x)).mean())
    if np.isneginf(low) and np.isposinf(high):
        why = "the means differ significantly neither before nor after it, so that no interval is bounded on any side"
        return Crossing(a, b, Estimate("crossing", at, None, unit, Status.NOT_IDENTIFIED, (why,)), share)
    interval = Interval(low, high, level, method="inverted Welch test")
    return Crossing(a, b, Estimate("crossing", at, interval, unit), share)


def _welch(
    left: Sequence[Array], right: Sequence[Array], level: float, replicates: int, rng: np.random.Generator
) -> tuple[Array, Array, Array]:
    r"""Of the difference of two mean curves: normal draws of its error, half-widths of its t intervals, degrees of freedom.

    A draw, shape (grid,), is :math:`\sum_t \sum_i g_{ti} d_{ti} / (T \sqrt{n_t (n_t - 1)})` with :math:`g_{ti} \sim N(0, 1)` and the
    deviations :math:`d_{ti}` of whole curves from the mean of their method in task t.
    """
    from scipy.special import stdtrit

    noise = np.zeros((replicates, left[0].shape[1]))
    variance, below = (np.zeros(left[0].shape[1]) for _ in range(2))
    for v in (*left, *right):
        deviations = (v - v.mean(axis=0)) / (len(left) * np.sqrt(len(v) * (len(v) - 1)))
        noise += rng.standard_normal((replicates, len(v))) @ deviations
        own = (deviations**2).sum(axis=0)
        variance += own
        below += own**2 / (len(v) - 1)
    freedom = np.divide(variance**2, below, out=np.ones_like(below), where=below > 0)
    return noise, stdtrit(freedom, (1 + level) / 2) * np.sqrt(variance), freedom


def _kept(x: Array, at: float, node: int, difference: Array, half: Array) -> tuple[float, float]:
    """The stretch around a crossing in which zero lies within the difference plus and minus its half-width."""
    told = np.abs(difference) > half
    before, after = np.flatnonzero(told[:node]), np.flatnonzero(told[node:]) + node

    def limit(i: int, j: int) -> float:
        """Where the end of the interval that is above or below zero at node i passes it on the way to node j."""
        ends = difference[[i, j]] - np.sign(difference[i]) * half[[i, j]]
        return float(x[i] + (x[j] - x[i]) * ends[0] / (ends[0] - ends[1]))

    low = limit(int(before[-1]), int(before[-1]) + 1) if before.size else -np.inf
    high = limit(int(after[0]), int(after[0]) - 1) if after.size else np.inf
    return min(low, at), max(high, at)


def _means(tasks: Sequence[Array]) -> Array:
    return np.asarray(np.mean([v.mean(axis=0) for v in tasks], axis=0))


def _last_change(difference: Array, x: Array) -> Array:
    """X since when rows are negative up to the end; -inf where never above zero, inf where the last is not negative.

    A tie is on no side: curves that start together and part have not crossed.
    """
    rows, n = difference.shape
    out = np.full(rows, -np.inf)
    above = difference > 0
    last = n - 1 - np.argmax(above[:, ::-1], axis=1)
    after = (difference < 0) & (np.arange(n) > last[:, None])
    crossed = above.any(axis=1)
    out[crossed & ~after.any(axis=1)] = np.inf
    inner = np.flatnonzero(crossed & after.any(axis=1))
    below = np.argmax(after[inner], axis=1)
    start = below - 1  # the last one above, or the last of those that tie after it
    d0, d1 = difference[inner, start], difference[inner, below]
    out[inner] = x[start] + (x[below] - x[start]) * d0 / (d0 - d1)
    return out
