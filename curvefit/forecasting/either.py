"""Two forecasts as one distribution: those that were made together are solved together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from .forecast import Distribution
from .inversion import crossings
from .pool.distribution import PooledDistribution

__all__ = ["Either"]

Array = NDArray[np.float64]
Pair = tuple[Distribution, Distribution, float]
_Function = Callable[[Array], Array]
_CELLS = 512  # future points solved together; a forecast that is kept keeps the curves of no more
_KEPT = 4  # sets of levels that are remembered


class Either(Distribution):
    r"""Mixture of two distributions at the same H points, the second with probability ``share``.

    .. math:: F(y) = (1 - w) F_1(y) + w F_2(y)

    Parameters
    ----------
    first, second : Distribution
        At the same points.
    share : float
        w.
    """

    __slots__ = ("_beside", "_place", "first", "second", "share")

    def __init__(self, first: Distribution, second: Distribution, share: float) -> None:
        self.first, self.second, self.share = first, second, share
        self._beside: _Beside | None = None
        self._place = 0

    @classmethod
    def of(cls, pairs: Sequence[Pair], points: Sequence[int]) -> list[Either]:
        """Mixtures of several pairs; the first that is asked for quantiles solves those beside it as well.

        Parameters
        ----------
        pairs : sequence of (Distribution, Distribution, float)
            First, second and share of each.
        points : sequence of int
            H of each.
        """
        made = []
        for part in _blocks(points):
            beside = _Beside(pairs[part])
            for place, pair in enumerate(pairs[part]):
                one = cls(*pair)
                one._beside, one._place = beside, place
                made.append(one)
        return made

    def at(self, index: NDArray[np.intp]) -> Either:
        """The distributions at some of the x."""
        return Either(self.first.at(index), self.second.at(index), self.share)

    def cdf(self, values: NDArray[np.float64]) -> Array:
        """P(Y <= v), shape (H, m)."""
        both: Array = (1 - self.share) * self.first.cdf(values) + self.share * self.second.cdf(values)
        return both

    def quantile(self, levels: NDArray[np.float64]) -> Array:
        """Quantiles, shape (H, L), between those of the two."""
        levels = np.asarray(levels, dtype=np.float64)
        if self._beside is None:
            return _solved([(self.first, self.second, self.share)], levels)[0]
        return self._beside.quantiles(levels)[self._place].copy()

    @staticmethod
    def all_quantiles(several: Sequence[Either], levels: NDArray[np.float64]) -> list[Array]:
        """Quantiles of each at all its x, shapes (H, L)."""
        return _solved([(e.first, e.second, e.share) for e in several], levels)


class _Beside:
    """Pairs that were made in one call, and what they were asked so far."""

    __slots__ = ("_answers", "_pairs")

    def __init__(self, pairs: Sequence[Pair]) -> None:
        self._pairs = pairs
        self._answers: dict[bytes, list[Array]] = {}

    def quantiles(self, levels: Array) -> list[Array]:
        """Of all of them, shapes (H, L)."""
        key = levels.tobytes()
        found = self._answers.get(key)
        if found is None:
            found = _solved(self._pairs, levels)
            if len(self._answers) >= _KEPT:
                self._answers.clear()
            self._answers[key] = found
        return found


def _blocks(points: Sequence[int]) -> Iterator[slice]:
    """Neighbors with few future points between them."""
    start = cells = 0
    for k, more in enumerate(points):
        if cells + more > _CELLS and k > start:
            yield slice(start, k)
            start, cells = k, 0
        cells += more
    if start < len(points):
        yield slice(start, len(points))


def _solved(pairs: Sequence[Pair], levels: Array) -> list[Array]:
    """Quantiles of each pair, which do not depend on the pairs beside it."""
    one, other = [p[0].quantile(levels) for p in pairs], [p[1].quantile(levels) for p in pairs]
    found: list[Array] = []
    for part in _blocks([len(q) for q in one]):
        count = [len(q) for q in one[part]]
        q, r = np.concatenate(one[part]), np.concatenate(other[part])
        roots = crossings(_mixed(pairs[part], count), np.minimum(q, r), np.maximum(q, r), levels)
        found += np.split(roots, np.cumsum(count)[:-1])
    return found


def _mixed(pairs: Sequence[Pair], count: Sequence[int]) -> _Function:
    """Distribution functions of pairs with as many points."""
    first, second = _cdf([p[0] for p in pairs], count), _cdf([p[1] for p in pairs], count)
    share = np.repeat([p[2] for p in pairs], count)[:, None]

    def cdf(values: Array) -> Array:
        both: Array = (1 - share) * first(values) + share * second(values)
        return both

    return cdf


def _cdf(several: Sequence[Distribution], count: Sequence[int]) -> _Function:
    """Distribution functions one below the other, at values of shape (sum of H, m)."""
    if all(isinstance(d, PooledDistribution) for d in several):
        return PooledDistribution.all_cdf([d for d in several if isinstance(d, PooledDistribution)])
    ends = np.cumsum(count)[:-1]

    def cdf(values: Array) -> Array:
        return np.concatenate([d.cdf(v) for d, v in zip(several, np.split(values, ends), strict=True)])

    return cdf
