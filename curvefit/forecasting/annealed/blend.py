"""A blind forecast and what the annealed law says, as one distribution."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...curves._checks import frozen_array
from ..forecast import Distribution
from ..inversion import crossings
from ..pool.mixture import t4_cdf, t4_quantile

__all__ = ["Blend"]

Array = NDArray[np.float64]


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
        return crossings(self.cdf, low, high, levels)
