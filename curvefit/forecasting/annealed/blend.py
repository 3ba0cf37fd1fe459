"""A blind forecast and what the annealed law says, or two forecasts, as one distribution."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ...curves._checks import frozen_array
from ..forecast import Distribution
from ..pool.mixture import t4_cdf, t4_quantile

__all__ = ["Blend", "Either"]

Array = NDArray[np.float64]
_STEPS = 120  # at most; about ten are needed


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

    def at(self, index: NDArray[np.intp]) -> Blend:
        """The distributions at some of the x."""
        location, scale, weight = (a[:, index] for a in (self.location, self.scale, self.weight))
        return Blend(self.blind.at(index), location, scale, weight, self.bounds)

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


class Either(Distribution):
    r"""Mixture of two distributions at the same H points, the second with probability ``share``.

    .. math:: F(y) = (1 - w) F_1(y) + w F_2(y)
    """

    __slots__ = ("first", "second", "share")

    def __init__(self, first: Distribution, second: Distribution, share: float) -> None:
        self.first, self.second, self.share = first, second, share

    def cdf(self, values: NDArray[np.float64]) -> Array:
        """P(Y <= v), shape (H, m)."""
        one, other = self.first.cdf(values), self.second.cdf(values)
        both: Array = (1 - self.share) * one + self.share * other
        return both

    def quantile(self, levels: NDArray[np.float64]) -> Array:
        """Quantiles, shape (H, L), between those of the two."""
        levels = np.asarray(levels, dtype=np.float64)
        one, other = self.first.quantile(levels), self.second.quantile(levels)
        found = _root(self.cdf, np.minimum(one, other), np.maximum(one, other), levels)
        order = np.argsort(levels, kind="stable")
        found[:, order] = np.maximum.accumulate(found[:, order], axis=1)
        return found


def _root(cdf: Callable[[Array], Array], low: Array, high: Array, levels: Array) -> Array:
    """Where a distribution function reaches its levels, by Chandrupatla's method: inverse quadratic steps or bisection.

    The root stays between the newest point and the last one on its other side; the upper of the two is returned.
    """
    new, other = high.copy(), low.copy()
    f_new, f_other = cdf(new) - levels, cdf(other) - levels
    settled = (f_other >= 0) | (f_new <= 0)  # rounding at an end: that end it is
    answer = np.where(f_other >= 0, low, high)
    third, f_third = other, f_other
    step = np.full(new.shape, 0.5)
    for _ in range(_STEPS):
        width = np.abs(other - new)
        fine = 1e-13 * np.maximum(np.abs(new), np.abs(other)) + 1e-300
        if np.all(settled | (width <= fine) | (np.abs(f_new) <= 1e-14)):
            break
        point = new + step * (other - new)
        f = cdf(point) - levels
        same = (f < 0) == (f_new < 0)
        third, f_third = np.where(same, new, other), np.where(same, f_new, f_other)
        other, f_other = np.where(same, other, new), np.where(same, f_other, f_new)
        new, f_new = point, f
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            xi, phi = (new - other) / (third - other), (f_new - f_other) / (f_third - f_other)
            quadratic = (phi * phi < xi) & ((1 - phi) ** 2 < 1 - xi)
            inverse = f_new / (f_new - f_other) * (f_third / (f_third - f_other)) - (third - new) / (other - new) * (
                f_new / (f_third - f_new)
            ) * (f_other / (f_other - f_third))
            least = np.minimum(0.5 * fine / np.maximum(np.abs(other - new), 1e-300), 0.5)
            step = np.where(quadratic & np.isfinite(inverse), np.clip(inverse, least, 1 - least), 0.5)
    found = np.where(np.abs(f_new) <= 1e-14, new, np.maximum(new, other))
    return np.where(settled, answer, found)
