"""Lines that jump at their breakpoints: the best partition, and how sure the place of a jump is."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..curves import Estimate, Interval, Status
from ..fitting.autocorrelation import effective_size, lag1
from ._continuous import state
from ._existence import REPLICATES, ExistenceTest
from ._noise import noise_sd, sieve_noise
from ._partition import SegmentCost, partitions
from ._problem import Problem
from ._search import Design, binned
from ._segmented_fit import BreakpointProfile, SegmentedFit

__all__ = ["Partition", "fitted_pieces", "jump_test", "partitions_up_to", "piece_residuals", "report_pieces"]

Array = NDArray[np.float64]
Partition = NDArray[np.intp]
SIEVE = 199


def partitions_up_to(design: Design, most: int) -> Iterator[Partition]:
    """Best first indices of new segments for 0, 1, ..., ``most`` breakpoints."""
    cost = SegmentCost.of(design.x, design.y, "linear", design.min_size, design.w, design.first_zero, design.last_zero)
    yield from partitions(cost, design.x.size, most)


def _piece(design: Design, i: int, j: int) -> tuple[float, float, float, float, float]:
    """Weighted mean of x and y, slope, sum of weights and of squared x of the line on points i to j."""
    w, x, y = design.w[i:j], design.x[i:j], design.y[i:j]
    total = float(w.sum())
    middle, level = float(w @ x) / total, float(w @ y) / total
    power = float(w @ (x - middle) ** 2)
    flat = (i == 0 and design.first_zero) or (j == design.x.size and design.last_zero) or power <= 0
    slope = 0.0 if flat else float(w @ ((x - middle) * (y - level))) / power
    return middle, level, slope, total, power


def _fit(design: Design, starts: Partition) -> Array:
    out = np.empty_like(design.y)
    for i, j in pairwise(np.r_[0, starts, design.x.size]):
        middle, level, slope, _, _ = _piece(design, i, j)
        out[i:j] = level + slope * (design.x[i:j] - middle)
    return out


def _parameters(design: Design, k: int) -> int:
    flat = int(design.first_zero) + int(design.last_zero)
    return 2 * (k + 1) - (min(flat, 1) if k == 0 else flat)


def fitted_pieces(design: Design, k: int) -> tuple[Array, int]:
    """Values of the best pieces at the design's x, and how many parameters they have."""
    found = list(partitions_up_to(design, k))[-1]
    return _fit(design, found), _parameters(design, found.size) + found.size


def piece_residuals(design: Design, starts: Partition) -> Array:
    """Residuals at each distinct x, scaled to the variance of a point of average weight."""
    return np.asarray((design.y - _fit(design, starts)) * np.sqrt(design.w / np.mean(design.w)))


def _splits(design: Design, i: int, j: int, y: Array) -> tuple[NDArray[np.intp], Array, Array]:
    """First indices t of a right part of points i to j; the rest of y, shape (n, B), split there, and unsplit."""
    w, x = design.w[i:j, None], design.x[i:j, None] - design.x[i:j].mean()
    v = y[i:j] - y[i:j].mean(axis=0)
    n, m = j - i, design.min_size
    at = np.arange(m, n - m + 1)

    def rest(flat: bool, ends: NDArray[np.intp], reverse: bool) -> Array:
        def sums(column: Array) -> Array:
            total = np.cumsum(column[::-1] if reverse else column, axis=0)
            return np.asarray(total[ends - 1])

        s0, sy, syy = sums(w), sums(w * v), sums(w * v * v)
        out = syy - sy**2 / s0
        if not flat:
            sx, sxx, sxy = sums(w * x), sums(w * x * x), sums(w * x * v)
            power = sxx - sx**2 / s0
            out = out - np.where(power > 1e-12 * sxx, (sxy - sx * sy / s0) ** 2 / np.where(power > 0, power, 1.0), 0.0)
        return np.maximum(out, 0.0)

    first, last = i == 0 and design.first_zero, j == design.x.size and design.last_zero
    split = rest(first, at, False) + rest(last, n - at, True)
    return at + i, split, rest(first or last, np.array([n]), False)[0]


def jump_test(
    design: Design, correlated: bool, rng: np.random.Generator, given: Partition | None = None
) -> ExistenceTest:
    """Sup-F test of one jump more, in whichever segment it helps most, with the null of ``assess_existence``."""
    design = design if given is not None and given.size else binned(design, 500)
    starts = np.zeros(0, np.intp) if given is None else given
    edges = np.r_[0, starts, design.x.size]
    n = design.x.size

    def search(y: Array) -> tuple[int, Array, Array]:
        best, at, total = np.zeros(y.shape[1]), 0, np.zeros(y.shape[1])
        for i, j in pairwise(edges):
            if j - i < 2 * design.min_size:
                total = total + np.sum(design.w[i:j, None] * (y[i:j] - _fit_many(design, i, j, y)) ** 2, axis=0)
                continue
            t, split, alone = _splits(design, int(i), int(j), y)
            total = total + alone
            gain = alone - split
            if gain[:, 0].max() > best[0]:
                at = int(t[int(np.argmax(gain[:, 0]))])
            best = np.maximum(best, gain.max(axis=0))
        return at, best, total

    at, gain, total = search(design.y[:, None])
    p = _parameters(design, starts.size + 1) + starts.size + 1
    statistic = float(gain[0]) / (max(float(total[0] - gain[0]), 1e-300) / max(n - p, 1))
    e = design.y - _fit(design, np.sort(np.append(starts, at)).astype(np.intp))
    root = np.sqrt(design.w)
    sd = noise_sd(e * root, design.y - e, p)
    sd = sd / max(float(np.mean(sd)), 1e-300) if float(np.max(sd)) > 0 else np.ones(n)
    rho = lag1(e * root / sd, design.x, parameters=p) if correlated else 0.0
    _, gains, rests = search(sieve_noise(rho, n, REPLICATES, rng, design.x) * (sd / root)[:, None])
    null = gains / (np.maximum(rests - gains, 1e-300) / max(n - p, 1))
    p_value = (1 + float(np.sum(null >= statistic))) / (1 + REPLICATES)
    return ExistenceTest(statistic, p_value, "sup-F, AR sieve bootstrap", float(design.x[at]))


def _fit_many(design: Design, i: int, j: int, y: Array) -> Array:
    w, x = design.w[i:j, None], design.x[i:j, None]
    middle, level = float(np.sum(w * x) / np.sum(w)), np.sum(w * y[i:j], axis=0) / np.sum(w)
    power = float(np.sum(w * (x - middle) ** 2))
    slope = np.sum(w * (x - middle) * y[i:j], axis=0) / power if power > 0 else 0.0
    return np.asarray(level + slope * (x - middle))


def _place(
    design: Design,
    starts: Partition,
    i: int,
    sigma2: float,
    rho: float,
    level: float,
    kind: str,
    rng: np.random.Generator,
) -> tuple[int, int, Partition, Array, float]:
    """First and last index at which breakpoint i may lie, the indices tried, their RSS less the best, and its limit.

    References
    ----------
    Hansen (2000), Sample splitting and threshold estimation. Econometrica 68, 575-603.
    """
    edges = np.r_[0, starts, design.x.size]
    t, split, _ = _splits(design, int(edges[i]), int(edges[i + 2]), design.y[:, None])
    excess = split[:, 0] - split[:, 0].min()
    inflation = (1 + rho) / (1 - rho)
    if kind == "profile_sieve":
        fitted = _fit(design, starts)
        own = int(np.flatnonzero(t == starts[i])[0])
        draws = []
        step = max(1, min(SIEVE, 2_000_000 // design.x.size))
        for some in range(0, SIEVE, step):
            noise = sieve_noise(rho, design.x.size, min(step, SIEVE - some), rng, design.x)
            worlds = fitted[:, None] + np.sqrt(sigma2 / design.w)[:, None] * noise
            again = _splits(design, int(edges[i]), int(edges[i + 2]), worlds)[1]
            draws.append(again[own] - again.min(axis=0))
        limit = float(np.quantile(np.concatenate(draws), level, method="higher"))
    else:  # P(sup <= c) = (1 - exp(-c / 2))^2
        limit = -2 * float(np.log1p(-np.sqrt(level))) * inflation * sigma2
    inside = t[excess <= limit]
    return int(inside.min()), int(inside.max()), t, excess, limit


def report_pieces(
    problem: Problem,
    starts: Partition,
    kind: str,
    correlated: bool,
    level: float,
    rng: np.random.Generator,
    loss: str,
    criteria: tuple[float, ...],
    tests: tuple[ExistenceTest, ...],
) -> SegmentedFit:
    """Intervals and tests of a partition."""
    from scipy.stats import t as student

    design, k = problem.design, starts.size
    n = design.x.size
    e = design.y - _fit(design, starts)
    rss = float(np.sum(design.w * e * e)) + design.within
    coefficients = _parameters(design, k)
    parameters = coefficients + k
    scaled = e * np.sqrt(design.w / np.mean(design.w))
    rho = lag1(scaled, design.x, parameters=parameters) if correlated and not problem.constant else 0.0
    n_effective = effective_size(problem.n, rho)
    dof = problem.n - parameters
    sigma2 = rss / dof if dof > 0 else float("nan")
    status, reasons = state(problem, rss, parameters)
    known = status is Status.OK
    inflated = sigma2 * (1 + rho) / (1 - rho)
    quantile = float(student.ppf(0.5 + level / 2, max(n_effective - parameters, 1.0)))
    per = f"{problem.y_unit}/{problem.x_unit}" if problem.x_unit or problem.y_unit else ""
    edges = np.r_[0, starts, n]
    pieces = [_piece(design, int(i), int(j)) for i, j in pairwise(edges)]

    def estimate(name: str, value: float, variance: float, unit: str) -> Estimate:
        se = float(np.sqrt(variance * inflated)) if dof > 0 else float("nan")
        half = quantile * se
        place = Interval(value - half, value + half, level, "confidence", "t") if known and np.isfinite(half) else None
        return Estimate(name, value, place, unit, details={"stderr": se} if np.isfinite(se) else {})

    def value_at(piece: tuple[float, float, float, float, float], z: float) -> tuple[float, float]:
        middle, mean, slope, total, power = piece
        free = slope != 0.0 and power > 0
        return mean + slope * (z - middle), 1 / total + ((z - middle) ** 2 / power if free else 0.0)

    slopes = [
        estimate(f"slope_{m + 1}", p[2] / problem.scale, (1 / p[4] if p[2] else 0.0) / problem.scale**2, per)
        for m, p in enumerate(pieces)
    ]
    zero = -problem.center / problem.scale
    intercepts = [
        estimate("intercept" if m == 0 else f"intercept_{m + 1}", *value_at(p, zero), problem.y_unit)
        for m, p in enumerate(pieces)
    ]
    places, jumps, changes, profiles = [], [], [], []
    for i, first in enumerate(starts):
        middle = 0.5 * float(design.x[first - 1] + design.x[first])
        details = {
            "last_before": problem.x_of(float(design.x[first - 1])),
            "first_after": problem.x_of(float(design.x[first])),
        }
        interval: Interval | None = None
        notes: tuple[str, ...] = ()
        if known:
            low, high, tried, excess, limit = _place(design, starts, i, sigma2, rho, level, kind, rng)
            interval = Interval(
                problem.x_of(float(design.x[low - 1])), problem.x_of(float(design.x[high])), level, "confidence", kind
            )
            if low == tried[0] or high == tried[-1]:
                notes = ("the interval reaches the edge of the range searched",)
                status = Status.DEGRADED
                reasons.append(f"breakpoint {i + 1}: {notes[0]}")
            some = np.unique(np.r_[np.linspace(0, tried.size - 1, 400).astype(int), int(np.argmin(excess))])
            at = [problem.x_of(0.5 * float(design.x[v - 1] + design.x[v])) for v in tried[some]]
            profiles.append(BreakpointProfile(np.array(at), rss + excess[some], rss + limit))
        places.append(
            Estimate(
                f"breakpoint_{i + 1}", problem.x_of(middle), interval, problem.x_unit,
                Status.DEGRADED if notes else Status.OK, notes, details,
            )
        )  # fmt: skip
        (one, v1), (two, v2) = value_at(pieces[i], middle), value_at(pieces[i + 1], middle)
        jumps.append(estimate(f"jump_{i + 1}", two - one, v1 + v2, problem.y_unit))
        s1, s2 = slopes[i], slopes[i + 1]
        change = (pieces[i + 1][2] - pieces[i][2]) / problem.scale
        both = sum(s.details.get("stderr", 0.0) ** 2 for s in (s1, s2))
        changes.append(estimate(f"slope_change_{i + 1}", change, both / max(inflated, 1e-300), per))
    test = jump_test(design, correlated, rng) if known and n >= 2 * design.min_size else None
    return SegmentedFit(
        tuple(places), tuple(slopes), intercepts[0], rss, float(np.sqrt(sigma2)) if dof > 0 else 0.0, rho, n_effective,
        problem.n, test, status, tuple(reasons), problem.x_axis, problem.y_axis, level, criteria, tuple(intercepts),
        tuple(jumps), tuple(changes), tuple(profiles), tests, False, loss,
    )  # fmt: skip
