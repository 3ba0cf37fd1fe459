"""One curve's share of a chunk's distributions, in the unit of the metric."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ..forecast import Distribution
from .batch import Floats, Ints
from .engine import Pooled, cdf_of

__all__ = ["PooledDistribution"]

_KEPT = 4  # sets of levels a chunk remembers
_LAST = np.array([-1])  # rows with fewer x repeat their last


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
        return table[self._row, : self._asked if columns is None else columns.size].copy()

    def _alone(self, levels: NDArray[np.float64], columns: Ints) -> NDArray[np.float64]:
        row = np.array([self._row])
        alone: Floats = self._solved().quantile(levels, underlying=self._underlying, columns=columns, rows=row)[0]
        return alone

    def cdf(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """P(Y <= v), shape (H, m)."""
        places = self._places
        values = np.asarray(values, dtype=np.float64)
        v = np.empty((1, places.size, values.shape[-1]))
        v[:] = values
        row = np.array([self._row])
        alone: Floats = self._solved().cdf(v, row, underlying=self._underlying, columns=places)[0]
        return alone

    def _solved(self) -> Pooled:
        """The chunk, whose medians are solved for all curves at once before one is cut out."""
        pooled = self._pooled
        mixture = pooled.underlying if self._underlying else pooled.observation
        if mixture.stretch is not None and len(pooled.asked) > 1:
            mixture.median  # noqa: B018
        return pooled

    @classmethod
    def last_quantiles(cls, several: Sequence[PooledDistribution], levels: NDArray[np.float64]) -> NDArray[np.float64]:
        """Quantiles of each at its last x, shape (N, L)."""
        out = np.empty((len(several), levels.size))
        for pooled, underlying, places, rows, columns in _by_chunk(several):
            last = _LAST if columns is None else columns[-1:]
            out[places] = pooled.quantile(levels, underlying=underlying, columns=last, rows=rows)[:, 0]
        return out

    @classmethod
    def last_cdf(cls, several: Sequence[PooledDistribution], values: NDArray[np.float64]) -> NDArray[np.float64]:
        """P(Y <= v) of each at its last x, for one v each, shape (N,)."""
        out = np.empty(len(several))
        for pooled, underlying, places, rows, columns in _by_chunk(several):
            last = _LAST if columns is None else columns[-1:]
            out[places] = pooled.cdf(values[places, None, None], rows, underlying=underlying, columns=last)[:, 0, 0]
        return out

    @classmethod
    def all_quantiles(
        cls, several: Sequence[PooledDistribution], levels: NDArray[np.float64]
    ) -> list[NDArray[np.float64]]:
        """Quantiles of each at all its x, shapes (H, L)."""
        out: list[NDArray[np.float64]] = [levels] * len(several)
        for pooled, underlying, places, rows, columns in _by_chunk(several):
            found = pooled.quantile(levels, underlying=underlying, columns=columns, rows=rows)
            for place, one in zip(places.tolist(), found, strict=True):
                out[place] = one if columns is not None else one[: several[place]._asked]
        return out

    @classmethod
    def all_cdf(cls, several: Sequence[PooledDistribution]) -> Callable[[Floats], Floats]:
        """P(Y <= v) of each at all its x: a function of v of shape (sum of H, m), their points one below the other."""
        start = np.cumsum([0, *(one._places.size for one in several)])
        cut = []
        for pooled, underlying, places, rows, columns in _by_chunk(several):
            several[places[0]]._solved()
            count = start[places + 1] - start[places]
            every = np.arange(count.max()) if columns is None else columns
            # those with fewer x repeat their last
            at = start[places][:, None] + np.minimum(np.arange(every.size), count[:, None] - 1)
            cut.append((at, pooled.part(underlying, every, rows)))

        def cdf(values: Floats) -> Floats:
            out = np.empty(values.shape)
            for at, part in cut:
                out[at] = cdf_of(*part, values[at])
            return out

        return cdf


def _by_chunk(several: Sequence[PooledDistribution]) -> Iterator[tuple[Pooled, bool, Ints, Ints, Ints | None]]:
    """Those that can be solved together.

    Yields
    ------
    tuple
        Their chunk, which view, their places among the several, their rows in the chunk, and the columns they are about.
    """
    groups: dict[tuple[int, bool, bytes], list[int]] = {}
    for place, one in enumerate(several):
        columns = b"" if one._columns is None else one._columns.tobytes()
        groups.setdefault((id(one._pooled), one._underlying, columns), []).append(place)
    for places in groups.values():
        first = several[places[0]]
        rows = np.array([several[i]._row for i in places])
        yield first._pooled, first._underlying, np.array(places), rows, first._columns
