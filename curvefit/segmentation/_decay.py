"""Decays that start anew at breaks: costs of every stretch on a grid of shapes, the best partition, and one decay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["Decay", "basis", "best_partitions", "fit_decay", "shapes"]

Array = NDArray[np.float64]
Sharing = Literal["free", "shared"]
EXPONENTS = (0.5, 1.0, np.inf)
SCALES = 16
BINS = 240


@dataclass(frozen=True, slots=True, eq=False)
class Decay:
    """``level + amplitude (1 + (x - start) / scale) ** -exponent``; an infinite exponent is ``exp(-(x - start) / scale)``.

    ``covariance`` is that of (level, amplitude, log scale) per unit of noise variance.
    """

    start: float
    level: float
    amplitude: float
    scale: float
    exponent: float
    rss: float
    n: int
    covariance: Array

    def at(self, x: Array) -> Array:
        """Values at x."""
        return np.asarray(self.level + self.amplitude * basis(x - self.start, self.scale, self.exponent))

    def gradient(self, x: float) -> Array:
        """By level, amplitude and log scale."""
        u = np.array([x - self.start])
        step = 1e-5
        up, down = (basis(u, self.scale * np.exp(s), self.exponent)[0] for s in (step, -step))
        value = float(basis(u, self.scale, self.exponent)[0])
        return np.array([1.0, value, self.amplitude * float(up - down) / (2 * step)])


def basis(u: Array, scale: float, exponent: float) -> Array:
    """The falling part, 1 at u = 0."""
    z = np.maximum(u, 0.0) / scale
    return np.asarray(np.exp(-z) if np.isinf(exponent) else (1 + z) ** -exponent)


def shapes(x: Array) -> list[tuple[float, float]]:
    """Grid of (scale, exponent) for points x."""
    spacing, span = float(np.median(np.diff(x))), float(x[-1] - x[0])
    scales = np.geomspace(max(0.5 * spacing, 1e-6 * span), 2 * span, SCALES)
    return [(float(s), e) for e in EXPONENTS for s in scales]


def _rss(n: Array, y: Array, yy: Array, p: Array, pp: Array, py: Array) -> Array:
    """Residual sum of squares about level and amplitude from (weighted) sums."""
    total = yy - y * y / n
    power, cross = pp - p * p / n, py - p * y / n
    good = power > 1e-9 * pp
    return np.asarray(np.maximum(total - np.where(good, cross**2 / np.where(good, power, 1.0), 0.0), 0.0))


def best_partitions(x: Array, y: Array, most: int, least: int, sharing: Sharing) -> list[NDArray[np.intp]]:
    """First indices of new segments of the best partitions with 0, 1, ..., ``most`` breaks, on at most 240 bins."""
    edges = np.unique(np.linspace(0, x.size, min(x.size, BINS) + 1).round().astype(np.intp))
    m = edges.size - 1
    w = np.diff(edges).astype(float)
    xb, yb = (np.add.reduceat(v, edges[:-1]) / w for v in (x, y))
    grid = shapes(x)
    table = np.full((m, m, len(grid)), np.inf)
    for i in range(m):
        u, v, c = xb[i:] - xb[i], (yb[i:] - yb[i])[:, None], w[i:, None]
        phi = np.column_stack([basis(u, s, e) for s, e in grid])
        sums = [np.cumsum(q, axis=0) for q in (c, c * v, c * v * v, c * phi, c * phi * phi, c * phi * v)]
        rss = _rss(*(np.broadcast_to(q, phi.shape) for q in sums))
        table[i, i:] = np.where(sums[0] >= least, rss, np.inf)
    if sharing == "free":
        return [edges[p] for p, _ in _partitions(table.min(axis=2), most)]
    each = [_partitions(table[:, :, g], most) for g in range(len(grid))]
    out = []
    for k in range(min(len(e) for e in each)):
        out.append(edges[min((e[k] for e in each), key=lambda found: found[1])[0]])
    return out


def _partitions(table: Array, most: int) -> list[tuple[NDArray[np.intp], float]]:
    m = table.shape[0]
    best, back = table[0].copy(), []
    found = [(np.zeros(0, np.intp), float(best[-1]))]
    for k in range(1, most + 1):
        total = best[:-1, None] + table[1:, :]
        start = np.argmin(total, axis=0)
        best = total[start, np.arange(m)]
        back.append(start + 1)
        if not np.isfinite(best[-1]):
            break
        places, at = [], m - 1
        for level in range(k - 1, -1, -1):
            places.append(int(back[level][at]))
            at = places[-1] - 1
        found.append((np.array(places[::-1], np.intp), float(best[-1])))
    return found


def fit_decay(x: Array, y: Array, grid: list[tuple[float, float]], shape: tuple[float, float] | None = None) -> Decay:
    """The best decay on one stretch, its scale polished off the grid, or with a given shape."""
    from scipy.optimize import minimize_scalar

    u, v, n = x - x[0], y - y.mean(), x.size

    def rss(scale: float, exponent: float) -> float:
        p = basis(u, scale, exponent)
        sums = (float(n), float(v.sum()), float(v @ v), float(p.sum()), float(p @ p), float(p @ v))
        return float(_rss(*(np.array(s) for s in sums)))

    if shape is None:
        scale, exponent = min(grid, key=lambda s: rss(*s))
        ratio = grid[1][0] / grid[0][0]
        found = minimize_scalar(
            lambda t: rss(float(np.exp(t)), exponent),
            bounds=(np.log(scale / ratio), np.log(scale * ratio)),
            method="bounded",
            options={"xatol": 1e-6},
        )
        if float(found.fun) <= rss(scale, exponent):
            scale = float(np.exp(found.x))
    else:
        scale, exponent = shape
    p = basis(u, scale, exponent)
    matrix = np.column_stack([np.ones(n), p])
    flat = float(np.ptp(p)) < 1e-6
    if flat or n < 3:
        matrix = matrix[:, :1]
    beta = np.linalg.lstsq(matrix, y, rcond=None)[0]
    amplitude = 0.0 if matrix.shape[1] == 1 else float(beta[1])
    rest = y - matrix @ beta
    step = 1e-5
    tilt = (basis(u, scale * np.exp(step), exponent) - basis(u, scale * np.exp(-step), exponent)) / (2 * step)
    jac = np.column_stack([np.ones(n), p, amplitude * tilt])
    covariance = np.zeros((3, 3))
    width = 1 if matrix.shape[1] == 1 else (3 if amplitude != 0 and shape is None else 2)
    norms = np.maximum(np.linalg.norm(jac[:, :width], axis=0), 1e-300)
    r = np.linalg.qr(jac[:, :width] / norms)[1]
    if np.min(np.abs(np.diag(r))) > 1e-10:
        inverse = np.linalg.inv(r) / norms[:, None]
        covariance[:width, :width] = inverse @ inverse.T
    else:
        covariance[:] = np.nan
    return Decay(float(x[0]), float(beta[0]), amplitude, scale, exponent, float(rest @ rest), n, covariance)
