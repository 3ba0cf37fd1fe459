"""Best partitions of a series into k + 1 segments for every k at once, exact on bins and refined on all points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["Cost", "SegmentCost", "partitions"]

Array = NDArray[np.float64]
Cost = Literal["mean", "meanvar", "linear"]
MAX_BINS = 640


@dataclass(frozen=True, slots=True, eq=False)
class SegmentCost:
    """Cost of segments [i, j) from prefix sums, in O(1) each and vectorized.

    mean: residual sum of squares about the mean. linear: about a straight line in x.
    meanvar: n log(variance), the Gaussian deviance with a mean and a variance per segment. With weights the sums are
    weighted ("mean" and "linear"); a flat first or last segment of "linear" has a mean only.
    """

    kind: Cost
    sums: Array
    least: int
    floor: float
    weighted: bool = False
    flat_first: bool = False
    flat_last: bool = False

    @classmethod
    def of(
        cls,
        x: Array,
        y: Array,
        kind: Cost,
        least: int,
        w: Array | None = None,
        flat_first: bool = False,
        flat_last: bool = False,
    ) -> SegmentCost:
        """Prepare prefix sums of a series centered on its mean."""
        v = y - y.mean()
        ones = np.ones_like(v)
        columns = [ones, v, v * v]
        if kind == "linear":
            z = (x - x.mean()) / max(float(np.std(x)), 1e-300)
            columns += [z, z * z, z * v]
        if w is not None:
            columns = [ones, *(w * c for c in columns[1:]), w]
        sums = np.concatenate([np.zeros((1, len(columns))), np.cumsum(np.column_stack(columns), axis=0)])
        # a variance below this is rounding or quantization, not a finding
        floor = max(1e-12 * float(np.var(v)), 1e-300)
        return cls(kind, sums, least, floor, w is not None, flat_first, flat_last)

    def __call__(self, i: NDArray[np.intp], j: NDArray[np.intp]) -> Array:
        """Cost of [i, j); infinite when shorter than the least length."""
        part = self.sums[j] - self.sums[i]
        n = part[..., 0]
        short = n < self.least
        n = np.where(short, 1.0, part[..., -1] if self.weighted else n)
        rss = part[..., 2] - part[..., 1] ** 2 / n
        if self.kind == "linear":
            sxx = part[..., 4] - part[..., 3] ** 2 / n
            sxy = part[..., 5] - part[..., 3] * part[..., 1] / n
            tilted = sxx > 1e-12 * n
            if self.flat_first:
                tilted &= np.asarray(i) > 0
            if self.flat_last:
                tilted &= np.asarray(j) < self.sums.shape[0] - 1
            rss = rss - np.where(tilted, sxy**2 / np.where(sxx > 0, sxx, 1.0), 0.0)
        rss = np.maximum(rss, 0.0)
        value = n * np.log(np.maximum(rss / n, self.floor)) if self.kind == "meanvar" else rss
        return np.asarray(np.where(short, np.inf, value))


def partitions(cost: SegmentCost, n: int, most: int) -> list[NDArray[np.intp]]:
    """Change indices (first index of each new segment) of the best partition with 0, 1, ..., ``most`` changes.

    Exact by dynamic programming (segment neighborhood) up to 640 points; beyond, on 640 equal bins, each change then
    moved to its best place within three bins until none moves.
    """
    edges = np.unique(np.linspace(0, n, min(n, MAX_BINS) + 1).round().astype(np.intp))
    m = edges.size - 1
    most = max(0, min(most, m - 1, n // max(cost.least, 1) - 1))
    table = cost(edges[:-1, None], edges[None, 1:])  # [a, b]: bins a..b, lower triangle is empty
    table[np.tril_indices(m, -1)] = np.inf
    best = table[0].copy()  # best[b]: bins 0..b in the current number of segments
    back: list[NDArray[np.intp]] = []
    found = [np.zeros(0, np.intp)]
    for k in range(1, most + 1):
        total = best[:-1, None] + table[1:, :]  # last segment starts at bin a + 1
        start = np.argmin(total, axis=0)
        best = total[start, np.arange(m)]
        back.append(start + 1)
        if not np.isfinite(best[-1]):
            break
        place, at = [], m - 1
        for level in range(k - 1, -1, -1):
            first = int(back[level][at])
            place.append(first)
            at = first - 1
        changes = edges[np.array(place[::-1], np.intp)]
        found.append(changes if m == n else _refine(cost, changes, n, 3 * (n // m + 1)))
    return found


def _refine(cost: SegmentCost, changes: NDArray[np.intp], n: int, reach: int) -> NDArray[np.intp]:
    places = np.r_[0, changes, n].astype(np.intp)
    for _ in range(20):
        moved = False
        for i in range(1, places.size - 1):
            low, high = max(places[i - 1] + 1, places[i] - reach), min(places[i + 1], places[i] + reach + 1)
            candidates = np.arange(low, high, dtype=np.intp)
            value = cost(np.broadcast_to(places[i - 1], candidates.shape), candidates)
            value = value + cost(candidates, np.broadcast_to(places[i + 1], candidates.shape))
            best = int(candidates[int(np.argmin(value))])
            moved |= best != places[i]
            places[i] = best
        if not moved:
            break
    return np.asarray(places[1:-1], np.intp)
