"""What is fitted, in the fit's own units: x counted in the last x, y about its median in a power of two."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..models import Array

__all__ = ["CHUNK", "Bins", "Points", "Sample"]

CHUNK = 1 << 16  # points handled at a time where a whole curve would need several temporary arrays


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Rows of a least-squares problem: positions, values, square roots of weights, correlation with the row before."""

    u: Array
    z: Array
    root: Array | None = None
    phi: Array | None = None

    def rows(self, values: Array) -> Array:
        """Weight and whiten values along the last axis."""
        out = values if self.root is None else values * self.root
        if self.phi is None:
            return out
        white = np.array(np.broadcast_to(out, np.broadcast_shapes(out.shape, self.u.shape)))
        white[..., 1:] = (white[..., 1:] - self.phi * white[..., :-1]) / np.sqrt(1.0 - self.phi**2)
        return white

    def merged(self, count: int) -> Points:
        """Neighbors merged into at most about ``count`` rows, without correlation; itself when there are few."""
        if len(self) <= 2 * count:
            return self if self.phi is None else Points(self.u, self.z, self.root)
        bins = Bins.of(self.u, None if self.root is None else self.root**2, count)
        return Points(bins.center, bins.mean(self.z), np.sqrt(bins.total))

    def __len__(self) -> int:
        return int(self.u.size)


@dataclass(frozen=True, slots=True, eq=False)
class Bins:
    """Neighboring points merged: first point of each bin, weighted mean position, total weight."""

    starts: NDArray[np.intp]
    weight: Array | None
    center: Array
    total: Array

    @classmethod
    def of(cls, x: Array, weight: Array | None, count: int) -> Bins:
        """Merge sorted x into at most about ``count`` bins of equal width in ln x (in x where some x is negative)."""
        positive = int(np.searchsorted(x, 0.0, side="right"))
        if x[0] >= 0 and positive < x.size and x[positive] < x[-1]:
            first, last = math.log(x[positive]), math.log(x[-1])
            edges = np.exp(first + (last - first) * np.arange(1, count) / count)
            edges = np.append(x[positive], edges)
        else:
            edges = np.linspace(x[0], x[-1], count + 1)[1:-1]
        starts = np.unique(np.append(0, np.searchsorted(x, edges)))
        starts = starts[starts < x.size]
        total = np.diff(np.append(starts, x.size)).astype(np.float64)
        if weight is not None:
            total = np.add.reduceat(weight, starts)
        bins = cls(starts, weight, np.empty(0), total)
        return cls(starts, weight, bins.mean(x), total)

    def mean(self, values: Array) -> Array:
        """Weighted mean of per-point values in each bin."""
        terms = values if self.weight is None else values * self.weight
        out: Array = np.add.reduceat(terms, self.starts) / self.total
        return out


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """The points of a curve that a law is fitted to.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Sorted by x, in the curve's units.
    weight : ndarray, shape (n,), or None
        Positive, mean 1.
    x_scale : float
        Last x; 1 where that is not positive.
    center, scale : float
        ``z = (y - center) / scale``.
    """

    x: Array
    y: Array
    weight: Array | None
    x_scale: float
    center: float
    scale: float

    @classmethod
    def of(cls, x: Array, y: Array, weight: Array | None, *, level: bool) -> Sample:
        """Choose the units; ``level`` says whether the law has a constant that can absorb a shift of y."""
        thin = y if y.size <= 8192 else y[:: y.size // 4096 + 1]
        ordered = np.sort(thin) * 0.5  # halved: no overflow in differences
        low, middle, high = (float(ordered[k * (ordered.size - 1) // 4]) for k in (1, 2, 3))
        spread = high - low
        if not spread > 0:
            spread = max(float(y.max()) * 0.5 - middle, middle - float(y.min()) * 0.5)
        if not level:
            middle, spread = 0.0, max(spread, float(np.max(np.abs(ordered))))
        x_scale = float(x[-1]) if x.size and x[-1] > 0 else 1.0
        return cls(x, y, weight, x_scale, 2.0 * middle, _power_of_two(2.0 * spread))

    def __len__(self) -> int:
        return int(self.x.size)

    def z(self, part: slice = slice(None)) -> Array:
        """Values in the fit's units."""
        y = self.y[part]
        if abs(self.center) < 1e300:
            out: Array = (y - self.center) / self.scale
        else:
            out = y / self.scale - self.center / self.scale
        return out

    def clipped(self, limit: float) -> Sample:
        """The sample with z clipped to at most ``limit`` in size; itself when nothing is."""
        low, high = self.center - limit * self.scale, self.center + limit * self.scale
        if float(self.y.min()) >= low and float(self.y.max()) <= high:
            return self
        return replace(self, y=np.minimum(np.maximum(self.y, low), high))

    def since(self, x: float) -> Sample:
        """The points from some x on."""
        first = int(np.searchsorted(self.x, x, side="left"))
        return replace(self, x=self.x[first:], y=self.y[first:]) if first and self.weight is None else self

    def points(self) -> Points:
        """Every point as a row."""
        return Points(self.x / self.x_scale, self.z(), None if self.weight is None else np.sqrt(self.weight))

    def bins(self, count: int, weight: Array | None) -> Bins:
        """Merge neighbors; positions in units of the last x."""
        found = Bins.of(self.x, weight, count)
        return Bins(found.starts, weight, found.center / self.x_scale, found.total)

    def mean(self, law: Callable[[Array], Array]) -> Array:
        """Values of a law at every point, in the fit's units, a chunk at a time."""
        out = np.empty(len(self))
        for start in range(0, len(self), CHUNK):
            part = slice(start, start + CHUNK)
            out[part] = law(self.x[part] / self.x_scale)
        return out

    def residuals(self, law: Callable[[Array], Array]) -> Array:
        """Deviation from a law at every point, in the fit's units."""
        out = self.mean(law)
        for start in range(0, len(self), CHUNK):
            part = slice(start, start + CHUNK)
            np.subtract(self.z(part), out[part], out=out[part])
        return out


def _power_of_two(value: float) -> float:
    """Largest power of two that is not above the value, within 2^-1022 and 2^1022; 1 for 0."""
    if not value > 0:
        return 1.0
    if not math.isfinite(value):
        return 2.0**1022
    return math.ldexp(1.0, max(min(math.frexp(value)[1] - 1, 1022), -1022))
