"""One curve's share of a chunk's distributions, in the unit of the metric."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..forecast import Distribution
from .batch import Floats
from .engine import Pooled

__all__ = ["PooledDistribution"]

_KEPT = 4  # sets of levels a chunk remembers


class PooledDistribution(Distribution):
    """Mixture of Student-t distributions on the link scale, seen through the link.

    Quantiles of one curve are solved together with those of the curves forecast beside it, so that a loop over a
    thousand forecasts costs what a batch does; the values are the same either way.
    """

    __slots__ = ("_answers", "_asked", "_pooled", "_row", "_underlying")

    def __init__(
        self, pooled: Pooled, row: int, *, underlying: bool, answers: dict[tuple[bool, bytes], Floats]
    ) -> None:
        self._pooled = pooled
        self._row = row
        self._asked = int(pooled.asked[row])
        self._underlying = underlying
        self._answers = answers

    def quantile(self, levels: NDArray[np.float64]) -> NDArray[np.float64]:
        """Quantiles, shape (H, L)."""
        levels = np.asarray(levels, dtype=np.float64)
        key = (self._underlying, levels.tobytes())
        table = self._answers.get(key)
        if table is None:
            table = self._pooled.quantile(levels, underlying=self._underlying)
            if len(self._answers) >= _KEPT:
                self._answers.clear()
            self._answers[key] = table
        return table[self._row, : self._asked].copy()

    def cdf(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """P(Y <= v), shape (H, m)."""
        pooled, row = self._pooled, slice(self._row, self._row + 1)
        link = pooled.link.rows(row)
        chunk = pooled.underlying if self._underlying else pooled.observation
        if chunk.stretch is not None:
            chunk.median  # noqa: B018  # solved for all curves at once, before one is cut out
        mixture = chunk.rows(row)
        values = np.asarray(values, dtype=np.float64)
        v = np.empty((pooled.h.shape[1], values.shape[-1]))
        v[: self._asked] = values
        v[self._asked :] = v[self._asked - 1]
        below, above = v < link.floor[0], v >= np.minimum(link.ceiling[0], np.finfo(float).max)[:, None]
        inside = np.where(below | above, pooled.link.origin[self._row], v)
        z = link.forward(inside.reshape(1, -1)).reshape(1, *v.shape) - pooled.level[self._row]
        p = mixture.cdf(z)[0] if link.sign[0] > 0 else mixture.survival(z)[0]
        kept: Floats = np.where(below, 0.0, np.where(above, 1.0, p))[: self._asked]
        return kept
