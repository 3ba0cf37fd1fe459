"""The best K breakpoints of a continuous broken line: exact for one, a global search on bins plus polish for more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from ._profile import HingeProfile, Side, base_residual, hinge_profile, orthonormal

__all__ = ["Design", "Solution", "binned", "highest", "hinges", "solve", "solve_up_to"]

Array = NDArray[np.float64]
_PAIR_GRID, _TRIPLE_GRID = 160, 64
_STARTS, _POLISHED = 6, 2


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """Data of a segmented regression, ties collapsed, x standardized.

    Parameters
    ----------
    x : ndarray, shape (n,)
        Distinct and increasing, centered and scaled to unit standard deviation.
    y, w : ndarray, shape (n,)
        Weighted means at each x, and the sums of weights there.
    within : float
        Weighted sum of squares within ties, which no line can explain.
    first_zero, last_zero : bool
        Whether the first or the last slope is fixed at 0. With both, the slope changes sum to 0.
    min_size : int
        Least number of distinct x per segment.
    """

    x: Array
    y: Array
    w: Array
    within: float
    first_zero: bool = False
    last_zero: bool = False
    min_size: int = 2

    @property
    def both_zero(self) -> bool:
        """Whether the line ends as flat as it begins."""
        return self.first_zero and self.last_zero

    @property
    def side(self) -> Side:
        """Which hinge carries a breakpoint: with a free line in the base both are the same."""
        return "right" if self.first_zero else "left" if self.last_zero else "both"

    def base(self) -> Array:
        """Columns without any breakpoint: intercept, and the slope that no fixed end forbids."""
        ones = np.ones_like(self.x)
        free = not (self.first_zero or self.last_zero)
        return np.column_stack([ones, self.x]) if free else ones[:, None]

    def columns(self, psi: Array) -> Array:
        """Base and hinges at the breakpoints; with both ends flat, hinges less the last one."""
        h = hinges(self, psi)
        if self.both_zero and h.shape[1]:
            h = h[:, :-1] - h[:, -1:]
        return np.column_stack([self.base(), h])

    def contrast(self, k: int) -> Array:
        """Matrix that takes the coefficients of ``columns`` to the change of slope at each of k breakpoints."""
        width = 1 if self.first_zero or self.last_zero else 2
        if not self.both_zero:
            return np.column_stack([np.zeros((k, width)), np.eye(k)])
        return np.column_stack([np.zeros((k, width)), np.vstack([np.eye(k - 1), -np.ones(k - 1)])])

    def moves(self, psi: Array, beta: Array) -> Array:
        """Derivative of the mean with respect to each breakpoint, shape (n, K)."""
        k = psi.size
        if k == 0:
            return np.zeros((self.x.size, 0))
        right = (self.x[:, None] > psi[None, :]).astype(float)
        sign = (1 - right) if self.last_zero and not self.first_zero else -right
        return np.asarray(sign * (self.contrast(k) @ beta))

    def profile(self, others: Array, y: Array | None = None, extra: Array | None = None) -> HingeProfile:
        """Exact profile of one more breakpoint beside others, for this response or those of shape (n, B)."""
        columns = self.columns(others)
        q = orthonormal(columns if extra is None else np.column_stack([columns, extra]), self.w)
        minus = hinges(self, others[-1:])[:, 0] if self.both_zero and others.size else None
        response = self.y if y is None else y
        return hinge_profile(self.x, response, self.w, q, min_size=self.min_size, side=self.side, minus=minus)


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """Breakpoints (standardized x, increasing) and the residual sum of squares, within-tie part included."""

    psi: Array
    rss: float


def hinges(design: Design, psi: Array) -> Array:
    """One column per breakpoint, shape (n, K)."""
    distance = design.x[:, None] - np.asarray(psi)[None, :]
    left = design.last_zero and not design.first_zero
    return np.asarray(np.maximum(-distance if left else distance, 0.0))


def _rss(design: Design, psi: Array) -> float:
    q = orthonormal(design.columns(psi), design.w)
    r = base_residual(design.y, q, design.w)
    return float(np.sum(design.w * r * r)) + design.within


def highest(design: Design, profile: HingeProfile) -> Solution:
    """One breakpoint, where its profile is highest."""
    psi, _ = profile.best()  # the gain is a difference of sums: rounding where the fit is nearly exact
    place = np.array([float(psi)])
    return Solution(place, _rss(design, place))


def solve(design: Design, k: int) -> Solution:
    """Global optimum over k breakpoints.

    One breakpoint is exact. For two and three, every combination on a grid of quantiles of x is scored in closed
    form, and the best few are polished by exact coordinate profiles and Gauss-Newton steps on all data. For more,
    the best triples are extended one exact hinge at a time and exchanged until nothing improves.
    """
    if k == 0:
        return Solution(np.zeros(0), _rss(design, np.zeros(0)))
    if k == 1 and not design.both_zero:
        return highest(design, design.profile(np.zeros(0)))
    coarse = binned(design, 2000)
    return _from_starts(design, coarse, k, _grid_starts(coarse, min(k, 3)))


def solve_up_to(design: Design, most: int) -> Iterator[Solution]:
    """The global optima over 0, 1, ..., ``most`` breakpoints, the grid of triples searched once."""
    coarse = binned(design, 2000) if most > 3 else design
    triples: list[Array] = []
    for k in range(most + 1):
        if k < 3 or most <= 3:
            yield solve(design, k)
        else:
            triples = triples or _grid_starts(coarse, 3)
            yield _from_starts(design, coarse, k, triples)


def _from_starts(design: Design, coarse: Design, k: int, starts: list[Array]) -> Solution:
    valleys: list[tuple[float, Array]] = []
    for start in starts:
        psi = start
        while psi.size < k:
            psi = _insert(coarse, psi)
        psi, rss = _gauss_newton(coarse, psi, _rss(coarse, psi))
        if all(float(np.max(np.abs(psi - other))) >= 1e-6 for _, other in valleys):
            valleys.append((rss, psi))
    best: Solution | None = None
    for _, psi in sorted(valleys, key=lambda v: v[0])[:_POLISHED]:
        found = _polish(coarse, psi)
        if best is None or found.rss < best.rss * (1 - 1e-12):
            best = found
    if best is None:
        return Solution(np.zeros(0), _rss(design, np.zeros(0)))
    if k > 3:
        best = _exchange(coarse, best)
    return _polish(design, best.psi)


def binned(design: Design, limit: int) -> Design:
    """The design on at most so many bins of equal numbers of points."""
    n = design.x.size
    if n <= limit:
        return design
    edges = np.linspace(0, n, limit + 1).astype(int)[:-1]
    w = np.add.reduceat(design.w, edges)
    x = np.add.reduceat(design.w * design.x, edges) / w
    y = np.add.reduceat(design.w * design.y, edges) / w
    size = max(2, design.min_size * limit // n)
    return Design(x, y, w, design.within, design.first_zero, design.last_zero, size)


def _grid_starts(design: Design, k: int) -> list[Array]:
    n, m = design.x.size, design.min_size
    size = {1: 400, 2: _PAIR_GRID, 3: _TRIPLE_GRID}[k]
    at = np.unique(np.linspace(m - 0.5, n - m - 0.5, min(size, 2 * (n - 2 * m) + 1)))
    low = np.floor(at).astype(int)
    knots = design.x[low] + (at - low) * (design.x[np.minimum(low + 1, n - 1)] - design.x[low])
    least = np.searchsorted(design.x, knots)  # distinct x left of each knot
    q = orthonormal(design.base(), design.w)
    r = base_residual(design.y, q, design.w)
    h = base_residual(hinges(design, knots), q, design.w)
    gram = h.T @ (design.w[:, None] * h)
    v = h.T @ (design.w * r)
    combos = np.array(list(combinations(range(knots.size), k)), dtype=int)
    gaps = np.diff(least[combos], axis=1)
    combos = combos[np.all(gaps >= max(m, 1), axis=1)]
    if not combos.size:
        return []
    sub, rhs = gram[combos[:, :, None], combos[:, None, :]], v[combos]
    if design.both_zero:
        c = design.contrast(k)[:, 1:]
        sub, rhs = np.swapaxes(c.T @ sub, 1, 2), rhs @ c
        sub = np.swapaxes(c.T @ sub, 1, 2)
    scale = np.sqrt(np.maximum(np.einsum("cii->ci", sub), 1e-300))
    sub = sub / (scale[:, :, None] * scale[:, None, :]) + 1e-9 * np.eye(sub.shape[1])
    rhs = rhs / scale
    gain = np.einsum("ci,ci->c", rhs, np.linalg.solve(sub, rhs[:, :, None])[:, :, 0])
    chosen: list[Array] = []
    for c in np.argsort(-gain):
        candidate = combos[c]
        if all(np.max(np.abs(candidate - o)) > max(2, knots.size // 20) for o in chosen):
            chosen.append(candidate)
        if len(chosen) == _STARTS:
            break
    return [knots[c] for c in chosen]


def _insert(design: Design, psi: Array) -> Array:
    profile = design.profile(psi)
    middle = 0.5 * (profile.left + profile.right)
    gain = np.where(_apart(design, middle, psi), profile.gain(middle), -1.0)
    return np.sort(np.append(psi, middle[int(np.argmax(gain))]))


def _apart(design: Design, candidates: Array, psi: Array) -> NDArray[np.bool_]:
    count = np.searchsorted(design.x, candidates)
    taken = np.searchsorted(design.x, psi)
    return np.asarray(np.all(np.abs(count[:, None] - taken[None, :]) >= max(design.min_size, 1), axis=1))


def _coordinate(design: Design, psi: Array, i: int) -> tuple[Array, float]:
    """Best place of breakpoint i given the others, kept at least ``min_size`` points from its neighbours."""
    rest = np.delete(psi, i)
    profile = design.profile(rest)
    middle = 0.5 * (profile.left + profile.right)
    ok = _apart(design, middle, rest)
    a, b, c, d, e = profile.a[ok], profile.b[ok], profile.c[ok], profile.d[ok], profile.e[ok]
    if not a.size:
        return psi, float("nan")
    part = type(profile)(profile.left[ok], profile.right[ok], a, b, c, d, e, profile.floor[ok], profile.base_rss)
    place, gain = part.best()
    new = psi.copy()
    new[i] = float(place)
    return np.sort(new), float(profile.base_rss - gain) + design.within


def _polish(design: Design, psi: Array) -> Solution:
    rss = _rss(design, psi)
    for sweep in range(30):
        before = rss
        for i in range(psi.size):
            moved, value = _coordinate(design, psi, i)
            if np.isfinite(value) and value <= rss:
                psi, rss = moved, value
        psi, rss = _gauss_newton(design, psi, rss)
        if before - rss <= 1e-13 * max(rss, 1e-300) or (sweep > 0 and psi.size == 1):
            break
    return Solution(psi, _rss(design, psi))


def _gauss_newton(design: Design, psi: Array, rss: float) -> tuple[Array, float]:
    """Joint steps on the linearized model (Muggeo 2003), halved until they improve."""
    for _ in range(12):
        columns = design.columns(psi)
        k = psi.size
        root = np.sqrt(design.w)
        beta = np.asarray(np.linalg.lstsq(columns * root[:, None], design.y * root, rcond=None)[0], dtype=np.float64)
        jac = np.column_stack([columns, design.moves(psi, beta)]) * root[:, None]
        step = np.linalg.lstsq(jac, (design.y - columns @ beta) * root, rcond=None)[0][-k:]
        improved = False
        for shrink in (1.0, 0.5, 0.25, 0.1):
            trial = psi + shrink * step
            if np.any(np.diff(trial) <= 0) or not _admissible(design, trial):
                continue
            value = _rss(design, trial)
            if value < rss * (1 - 1e-15):
                improved = rss - value > 1e-14 * rss
                psi, rss = trial, value
                break
        if not improved:
            break
    return psi, rss


def _admissible(design: Design, psi: Array) -> bool:
    counts = np.searchsorted(design.x, np.r_[psi, np.inf], side="right")
    sizes = np.diff(np.r_[0, counts])
    return bool(np.all(sizes >= design.min_size))


def _exchange(design: Design, best: Solution) -> Solution:
    """Take one breakpoint out, put the best new one in, polish; until no exchange helps."""
    improved = True
    while improved:
        improved = False
        for i in range(best.psi.size):
            psi = _insert(design, np.delete(best.psi, i))
            psi, rss = _gauss_newton(design, psi, _rss(design, psi))
            if rss >= best.rss * (1 - 1e-9):
                continue
            trial = _polish(design, psi)
            if trial.rss < best.rss * (1 - 1e-9):
                best, improved = trial, True
                break
    return best
