"""Thirty local trends per curve: straight lines in a power of x, fitted with weights that favor the recent past.

For p in {-2, -1, -.5, -.25, 0, .5} and gamma in {1, 2, 4, 8, 16}, weighted least squares of z/sc on (1, X) with
X = (u^p - 1)/p (ln u for p = 0), u = x/x_last and weights proportional to sqrt(count) u^gamma. All fits of a curve, and
of its beginnings that the back-tests need, are one matrix product.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from .batch import Floats, Ints
from .bins import Bins

__all__ = [
    "CUTS",
    "GAMMAS",
    "LOG_CUTS",
    "POWERS",
    "TREND_GAMMA",
    "TREND_POWER",
    "TrendFits",
    "fit_trends",
    "shrink",
    "trend",
]

POWERS = np.array([-2.0, -1.0, -0.5, -0.25, 0.0, 0.5])
GAMMAS = np.array([1.0, 2.0, 4.0, 8.0, 16.0])
CUTS = np.array([0.9, 0.8, 0.65, 0.5, 0.35, 0.2, 0.1])  # back-tests: the curve as it stood at these shares of x_last
LOG_CUTS = np.log(CUTS)
_LIMITS = np.concatenate([[np.inf], LOG_CUTS + 1e-9])[:, None]  # u = .8 is kept in any unit of x
TREND_GAMMA = np.repeat(GAMMAS, POWERS.size)
TREND_POWER = np.tile(POWERS, GAMMAS.size)
_LOG_AT = int(np.flatnonzero(POWERS == 0)[0])
_POWER_OR_1 = np.where(POWERS == 0, 1.0, POWERS)
_TOGETHER = 64  # curves fitted at a time: their arrays stay in the cache
_COLUMNS = 21  # of the product: 1, X, X^2 and X z for each power, z, z^2


def trend(power: float, gamma: float) -> int:
    """Column of the trend with that power and recency."""
    found = np.flatnonzero((power == TREND_POWER) & (gamma == TREND_GAMMA))
    return int(found[0])


def shrink(move: Floats, variance: Floats) -> Floats:
    """Predicted change m shrunk by its own uncertainty: m^3 / (m^2 + v)."""
    square = move * move
    with np.errstate(invalid="ignore"):
        shrunk: Floats = np.where(square > 0, move * (square / (square + variance)), 0.0)
    return shrunk


@dataclass(frozen=True, slots=True)
class TrendFits:
    """Thirty fitted lines for the whole prefix (index 0) and for its beginnings (index 1 to 7, see `CUTS`).

    All of shape (N, 8, 30), in units of sc: ``level`` and ``center`` are the weighted means of z and X, ``slope`` the
    line's, ``error`` the residual variance s2 and ``points`` the effective number of points n_e, ``spread`` the
    weighted variance of X.
    ``last`` holds, per beginning, the z of its last bin (N, 8), and ``valid`` whether it has three bins (N, 8).
    """

    level: Floats
    center: Floats
    slope: Floats
    error: Floats
    points: Floats
    spread: Floats
    last: Floats
    valid: Floats

    def predict(self, h: Floats) -> tuple[Floats, Floats]:
        """Value of the whole prefix's trends at x = h x_last and its variance: two arrays of shape (N, H, 30)."""
        center = self.center[:, :1].reshape(len(h), 1, GAMMAS.size, POWERS.size)
        away = (_basis_at(h)[:, :, None] - center).reshape(*h.shape, -1)
        move = self.level[:, :1] + self.slope[:, :1] * away
        variance = self.error[:, :1] * (1 / self.points[:, :1] + away**2 / (self.spread[:, :1] * self.points[:, :1]))
        return move, variance

    def present(self) -> Floats:
        """Value of the whole prefix's trends at x_last, shape (N, 30)."""
        value: Floats = self.level[:, 0] - self.slope[:, 0] * self.center[:, 0]  # X = 0 at u = 1
        return value

    def predict_present(self) -> tuple[Floats, Floats]:
        """What each beginning's trends say about the present: value and variance, shape (N, 7, 30)."""
        away = -self.center[:, 1:]  # X = 0 at u = 1
        move = self.level[:, 1:] + self.slope[:, 1:] * away
        variance = self.error[:, 1:] * (1 / self.points[:, 1:] + away**2 / (self.spread[:, 1:] * self.points[:, 1:]))
        return move, variance


def fit_trends(bins: Bins) -> TrendFits:
    """Fit all trends to all curves and their beginnings.

    Notes
    -----
    A beginning that ends at u = v is fitted in its own unit u/v. Weights and lines do not depend on that unit, the
    small constant added to the variance of X does: 1e-6 becomes 1e-6 v^(2p).
    """
    rows = bins.z.shape[0]
    if rows <= _TOGETHER:
        return _fit(bins)
    parts = [_fit(bins.rows(slice(start, start + _TOGETHER))) for start in range(0, rows, _TOGETHER)]
    return TrendFits(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(TrendFits)))


def _fit(bins: Bins) -> TrendFits:
    rows, columns = bins.z.shape
    z = bins.z / bins.scale[:, None]
    root = np.exp(-0.25 * bins.log_u)  # u^-.25; every power and weight is a product of it
    half = root * root
    inverse = half * half
    powers = (inverse * inverse, inverse, half, root, None, 1 / half)
    table = np.empty((rows, _COLUMNS, columns))
    table[:, 0] = 1
    for j, (p, value) in enumerate(zip(POWERS.tolist(), powers, strict=True)):
        x = bins.log_u if value is None else (value - 1) / p
        table[:, 1 + j] = x
        np.multiply(x, x, out=table[:, 7 + j])
        np.multiply(x, z, out=table[:, 13 + j])
    table[:, 19] = z
    table[:, 20] = z * z
    weight = np.empty((rows, GAMMAS.size, columns))
    u = 1 / inverse
    value = u
    for j in range(GAMMAS.size):
        weight[:, j] = value
        value = value * value
    weight *= np.sqrt(bins.count)[:, None]
    keep, last, valid, origin = _beginnings(bins, z)
    square = keep @ (weight * weight).transpose(0, 2, 1)
    weight = weight[:, None] * keep[:, :, None]
    sums = weight.reshape(rows, -1, columns) @ table.transpose(0, 2, 1)
    sums = sums.reshape(rows, 8, GAMMAS.size, _COLUMNS)
    total = np.where((valid[:, :, None] > 0) & (sums[..., 0] > 0), sums[..., 0], 1.0)
    # at least one point, which weights too small for floating point would deny
    points = np.where(valid[:, :, None] > 0, np.maximum(total * total / np.where(square > 0, square, 1.0), 1.0), 1.0)
    mean = sums / total[..., None]
    center, level = mean[..., 1:7], mean[..., 19:20]
    s_xx = np.maximum(mean[..., 7:13] - center**2, 0.0)
    s_xz = mean[..., 13:19] - center * level
    s_zz = np.maximum(mean[..., 20:21] - level**2, 0.0)
    spread = s_xx + np.maximum(1e-6 * np.exp(2 * POWERS * origin[:, :, None]), 1e-150)[:, :, None]
    slope = s_xz / spread
    rss = np.maximum(s_zz - 2 * slope * s_xz + slope * slope * s_xx, 0.0)
    error = rss * (points / np.maximum(points - 2, 1.0))[..., None] + 1e-8
    shape = (rows, 8, TREND_POWER.size)
    every_level, every_points = np.empty(s_xx.shape), np.empty(s_xx.shape)
    every_level[:], every_points[:] = level, points[..., None]
    return TrendFits(
        level=every_level.reshape(shape),
        center=center.reshape(shape),
        slope=slope.reshape(shape),
        error=error.reshape(shape),
        points=every_points.reshape(shape),
        spread=spread.reshape(shape),
        last=last,
        valid=valid,
    )


def _beginnings(bins: Bins, z: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Masks (N, 8, K) of the whole prefix and of u <= v, z of the last bin kept, whether 3 bins are, ln u of the origin."""
    rows, columns = z.shape
    keep = bins.mask[:, None, :] & (bins.log_u[:, None, :] <= _LIMITS)
    kept = keep.sum(axis=2)
    first: Ints = columns - bins.size
    end = np.maximum(first[:, None] + kept - 1, 0)
    at = (np.arange(rows)[:, None], end)
    valid = (kept >= 3).astype(float)
    valid[:, 0] = 1
    origin = bins.log_u[at]
    origin[:, 0] = 0
    return keep.astype(float), z[at], valid, origin


def _basis_at(h: Floats) -> Floats:
    """X at u = h, shape (N, H, 6)."""
    log_h = np.log(h)[..., None]
    basis: Floats = np.expm1(_POWER_OR_1 * log_h) / _POWER_OR_1
    basis[..., _LOG_AT] = log_h[..., 0]
    return basis
