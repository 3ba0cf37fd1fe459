"""One curve's share of a chunk's distributions, in the unit of the metric."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..forecast import Distribution
from ._rows import LARGEST
from .batch import Floats, Ints
from .engine import Pooled, quantiles_of

__all__ = ["PooledDistribution"]

_KEPT = 4  # sets of levels a chunk remembers


class PooledDistribution(Distribution):
    """Mixture of Student-t distributions on the link scale, seen through the link.

    Quantiles of one curve are solved together with those of the curves forecast beside it, so that a loop over a
    thousand forecasts costs what a batch does; the values are the same either way.
    """

    __slots__ = ("_answers", "_asked", "_columns", "_pooled", "_row", "_underlying")

    def __init__(
        self,
        pooled: Pooled,
        row: int,
        *,
        underlying: bool,
        answers: dict[tuple[bool, bytes, bytes], Floats],
        columns: Ints | None = None,
    ) -> None:
        self._pooled = pooled
        self._row = row
        self._asked = int(pooled.asked[row])
        self._underlying = underlying
        self._answers = answers
        self._columns = columns

    def at(self, index: Ints) -> PooledDistribution:
        """The distributions at some of the x."""
        columns = self._places[index]
        columns[columns == self._asked - 1] = -1  # of every curve of the chunk: rows with fewer x repeat their last
        return PooledDistribution(
            self._pooled, self._row, underlying=self._underlying, answers=self._answers, columns=columns
        )

    @property
    def _places(self) -> Ints:
        """Columns of the chunk, one per x."""
        return np.arange(self._asked) if self._columns is None else self._columns

    def quantile(self, levels: NDArray[np.float64]) -> NDArray[np.float64]:
        """Quantiles, shape (H, L)."""
        levels = np.asarray(levels, dtype=np.float64)
        columns = self._columns
        if columns is not None and columns.size == 1 and columns[0] != -1:
            return self._alone(levels, columns)  # each curve asks about another x: nothing to share
        key = (self._underlying, levels.tobytes(), b"" if columns is None else columns.tobytes())
        table = self._answers.get(key)
        if table is None:
            table = self._pooled.quantile(levels, underlying=self._underlying, columns=columns)
            if len(self._answers) >= _KEPT:
                self._answers.clear()
            self._answers[key] = table
        return table[self._row, : self._places.size].copy()

    def _alone(self, levels: NDArray[np.float64], columns: Ints) -> NDArray[np.float64]:
        pooled, row = self._pooled, slice(self._row, self._row + 1)
        mixture = pooled.underlying if self._underlying else pooled.observation
        if mixture.stretch is not None and len(pooled.asked) > 1:
            mixture.median  # noqa: B018  # solved for all curves at once, before one is cut out
        part, link = mixture.rows(row).columns(columns), pooled.link.rows(row).columns(columns)
        alone: Floats = quantiles_of(part, link, pooled.level[row], levels)[0]
        return alone

    def cdf(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """P(Y <= v), shape (H, m)."""
        pooled, row, places = self._pooled, slice(self._row, self._row + 1), self._places
        link = pooled.link.rows(row).columns(places)
        chunk = pooled.underlying if self._underlying else pooled.observation
        if chunk.stretch is not None and len(pooled.asked) > 1:
            chunk.median  # noqa: B018  # solved for all curves at once, before one is cut out
        mixture = chunk.rows(row).columns(places)
        values = np.asarray(values, dtype=np.float64)
        v = np.empty((places.size, values.shape[-1]))
        v[:] = values
        below, above = v < link.floor[0], v >= np.minimum(link.ceiling[0], LARGEST)[:, None]
        inside = np.where(below | above, pooled.link.origin[self._row], v)
        z = link.forward(inside.reshape(1, -1)).reshape(1, *v.shape) - pooled.level[self._row]
        p = mixture.cdf(z)[0] if link.sign[0] > 0 else mixture.survival(z)[0]
        kept: Floats = np.where(below, 0.0, np.where(above, 1.0, p))
        return kept
