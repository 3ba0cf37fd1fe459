"""A blind forecast and what the annealed law says, as one distribution."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ...curves._checks import frozen_array
from ..forecast import Distribution
from ..pool.mixture import t4_cdf, t4_quantile

__all__ = ["Blend"]

Array = NDArray[np.float64]
_STEPS = 80  # at most; every other one halves the bracket


class Blend(Distribution):
    r"""Mixture of a distribution and Student-t components with four degrees of freedom.

    .. math:: F(y) = \Big(1 - \sum_k w_k\Big) F_0(y) + \sum_k w_k\, T_4\Big(\frac{y - m_k}{s_k}\Big)

    Parameters
    ----------
    blind : Distribution
        :math:`F_0`, at the same H points.
    location, scale, weight : array-like, shape (K, H)
        Of the components, in the unit of the metric; scales > 0, weights >= 0 and at most 1 in sum over K.
    bounds : (float, float)
        Values the metric cannot leave; component mass beyond them sits on them.
    """

    __slots__ = ("blind", "bounds", "location", "scale", "weight")

    def __init__(
        self,
        blind: Distribution,
        location: object,
        scale: object,
        weight: object,
        bounds: tuple[float, float] = (-np.inf, np.inf),
    ) -> None:
        self.blind = blind
        self.location, self.scale, self.weight = (
            frozen_array(np.atleast_2d(np.asarray(a, dtype=np.float64))) for a in (location, scale, weight)
        )
        self.bounds = bounds

    def cdf(self, values: NDArray[np.float64]) -> Array:
        """P(Y <= v), shape (H, m)."""
        v = np.asarray(values, dtype=np.float64)
        v = np.broadcast_to(v, (self.location.shape[1], v.shape[-1]))
        total = (1 - self.weight.sum(axis=0))[:, None] * self.blind.cdf(v)
        for location, scale, weight in zip(self.location, self.scale, self.weight, strict=True):
            part = t4_cdf((v - location[:, None]) / scale[:, None])
            part = np.where(v < self.bounds[0], 0.0, np.where(v >= self.bounds[1], 1.0, part))
            total = total + weight[:, None] * part
        kept: Array = np.clip(total, 0.0, 1.0)
        return kept

    def quantile(self, levels: NDArray[np.float64]) -> Array:
        """Quantiles, shape (H, L), between those of the parts."""
        levels = np.asarray(levels, dtype=np.float64)
        blind = self.blind.quantile(levels)
        own = self.location[..., None] + self.scale[..., None] * t4_quantile(levels)
        own = np.clip(own, *self.bounds)
        used = (self.weight > 0)[..., None]
        others = (1 - self.weight.sum(axis=0) > 0)[:, None]
        low = np.minimum(np.where(others, blind, np.inf), np.where(used, own, np.inf).min(axis=0))
        high = np.maximum(np.where(others, blind, -np.inf), np.where(used, own, -np.inf).max(axis=0))
        high = _root(self.cdf, low, high, levels)
        order = np.argsort(levels, kind="stable")
        found: Array = np.array(high)
        found[:, order] = np.maximum.accumulate(found[:, order], axis=1)
        return found


def _root(cdf: Callable[[Array], Array], low: Array, high: Array, levels: Array) -> Array:
    """Where a distribution function reaches its levels: false position (Illinois) and bisection take turns."""
    below, above = cdf(low) - levels, cdf(high) - levels
    for step in range(_STEPS):
        width = high - low
        if np.all(width <= 1e-13 * np.maximum(np.abs(low), np.abs(high)) + 1e-300):
            break
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            point = high - above * (width / (above - below))
        middle = low + width / 2
        inside = np.isfinite(point) & (point > low) & (point < high)
        point = np.where(inside & (step % 2 == 0), point, middle)
        miss = cdf(point) - levels
        left = miss < 0
        above = np.where(left, above / 2, miss)
        below = np.where(left, miss, below / 2)
        low, high = np.where(left, point, low), np.where(left, high, point)
        if np.all(np.abs(miss) <= 1e-14):
            return point
    return high
