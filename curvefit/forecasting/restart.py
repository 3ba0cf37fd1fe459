"""Trends that begin anew after a sudden drop: at a known cut of the learning rate, or at one found in the values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..curves import Curve
from ..segmentation._partition import SegmentCost, partitions
from .either import Either
from .forecast import Forecast
from .forecasters._base import Forecaster

__all__ = ["begun_anew", "enough_since", "found_drop", "found_drops", "restarted", "resting_on"]

Array = NDArray[np.float64]
SHARE = 1 / 3  # of the forecast rests on what came after the last sudden drop (benchmarks/README.md)
LEAST = 8  # points after the drop
_BY_SIZE = ("sample", "parameter", "flop")  # nothing happens along them
_BINS, _FEWEST = 240, 20
_SIDE = 4  # bins on either side of a place in the screen
_REACH = 24  # bins on either side in the test
_TOGETHER = 2000  # curves that are screened at once
_STRIKING = 8.0  # typical gaps
_SMALLEST = 0.03  # of the range of the values


def enough_since(curve: Curve, at: float) -> bool:
    """Whether what was observed from ``at`` on can carry trends of its own."""
    since = curve.x >= at
    return bool(np.unique(curve.x[since]).size >= LEAST and np.ptp(curve.y[since]) > 0)


def begun_anew(curve: Curve, at: float) -> tuple[Curve, float]:
    """The curve from ``at`` on, its x counted from half a step before its first observation; and that origin."""
    keep = curve.x >= at
    first, second = np.unique(curve.x[keep])[[0, 1]]
    origin = float(first - (second - first) / 2)
    return Curve(curve.x[keep] - origin, curve.y[keep], curve.metric, x_unit=curve.x_unit, bounds=curve.bounds), origin


def resting_on(made: Sequence[Forecast], since: Sequence[Forecast], at: Sequence[float]) -> list[Forecast]:
    """Forecasts of which a third rests on the curve since a drop."""
    points = [f.x.size for f in made]
    observation = Either.of([(a.observation, b.observation, SHARE) for a, b in zip(made, since, strict=True)], points)
    underlying = Either.of([(a.underlying, b.underlying, SHARE) for a, b in zip(made, since, strict=True)], points)
    return [
        replace(f, observation=seen, underlying=mean, explanation={**f.explanation, "restarted_at": drop})
        for f, seen, mean, drop in zip(made, observation, underlying, at, strict=True)
    ]


def restarted(
    forecaster: Forecaster, curves: Sequence[Curve], xs: Sequence[Array], made: list[Forecast]
) -> list[Forecast]:
    """Forecasts of which a third rests on the curve since its last sudden drop, where one is found.

    Parameters
    ----------
    forecaster : Forecaster
        Which made them, and forecasts what came since.
    curves, xs
        Observed parts and future x.
    made : list of Forecast
        One per curve.
    """
    found = sorted(found_drops(curves).items())
    if not found:
        return made
    begun = [begun_anew(curves[i], at) for i, at in found]
    ahead = [xs[i] - origin for (i, _), (_, origin) in zip(found, begun, strict=True)]
    since = forecaster.forecast([part for part, _ in begun], ahead)
    out = list(made)
    for (i, _), both in zip(
        found, resting_on([made[i] for i, _ in found], since, [at for _, at in found]), strict=True
    ):
        out[i] = both
    return out


def found_drop(curve: Curve) -> float | None:
    r"""First x after the last sudden improvement that the values alone show, if enough was observed since.

    .. math:: z_i = \frac{\ell_i(i^-) - r_i(i^+)}{\mathrm{MAD}}, \qquad z_i > 8

    l and r are lines through the four bins before and after a place, on at most 240 bins; around the last such place
    the gap between the two best lines must be at least 3 % of the range of the values.

    Notes
    -----
    The thresholds are those of a striking change; neighbors of twice and half their size change the benefit little
    (benchmarks/README.md). Curves over sizes have no drops.
    """
    return found_drops([curve]).get(0)


def found_drops(curves: Sequence[Curve]) -> dict[int, float]:
    """The drop of each curve in which one is found, by its place among them.

    Curves of about one length are screened at once; the test is made where the screen finds something.
    """
    able = [i for i, c in enumerate(curves) if len(c) >= _FEWEST and c.x_unit not in _BY_SIZE]
    found: dict[int, float] = {}
    for some in _alike(able, [min(len(curves[i]), _BINS) for i in able]):
        size = np.array([min(len(curves[i]), _BINS) for i in some])
        y = np.zeros((len(some), int(size[-1])))
        for row, i in enumerate(some):
            y[row, : size[row]] = _binned(curves[i].y)
        y /= np.maximum(np.maximum(y.max(axis=1), -y.min(axis=1)), 1e-300)[:, None]
        y *= np.array([1.0 if curves[i].direction == "min" else -1.0 for i in some])[:, None]
        for row, at in _striking(y, size):
            curve = curves[some[row]]
            first = _bins(len(curve))
            x, n = float(curve.x[first[at]]), int(size[row])
            low, high = max(0, at - _REACH), min(n, at + _REACH)
            deep = _fall(_means(curve.x, first)[low:high], y[row, low:high]) >= _SMALLEST * float(np.ptp(y[row, :n]))
            if deep and enough_since(curve, x):
                found[some[row]] = x
    return found


def _alike(places: list[int], size: list[int]) -> Iterator[list[int]]:
    """Places in groups of about one size, smallest first; memory stays flat."""
    group: list[int] = []
    least = 0
    for k in sorted(range(len(places)), key=size.__getitem__):
        if group and (size[k] > 1.2 * least or len(group) == _TOGETHER):
            yield group
            group = []
        least = least if group else size[k]
        group.append(places[k])
    if group:
        yield group


def _fall(x: Array, y: Array) -> float:
    """By how much the second of the best two lines lies below the first where they part."""
    (*_, change) = partitions(SegmentCost.of(x, y, "linear", _SIDE), y.size, 1)
    if not change.size:
        return 0.0
    k = int(change[0])
    middle = 0.5 * (x[k - 1] + x[k])
    before, after = (_line_at(x[part], y[part], float(middle)) for part in (slice(k), slice(k, None)))
    return before - after


def _line_at(x: Array, y: Array, at: float) -> float:
    z = x - x.mean()
    return float(y.mean() + (at - x.mean()) * float(z @ y) / max(float(z @ z), 1e-300))


def _bins(size: int) -> NDArray[np.intp]:
    """Where each of at most 240 bins of equal numbers of points begins."""
    if size <= _BINS:
        return np.arange(size)
    return np.linspace(0, size, _BINS + 1).astype(np.intp)[:-1]


def _means(values: Array, first: NDArray[np.intp]) -> Array:
    """Mean of each bin."""
    if first.size == values.size:
        return values
    means: Array = np.add.reduceat(values, first) / np.diff(np.r_[first, values.size])
    return means


def _binned(y: Array) -> Array:
    """Few values as they are; of many the means of bins of the values over their largest, which cannot overflow."""
    if y.size <= _BINS:
        return y
    top = max(float(y.max()), -float(y.min()), 1e-300)
    return _means(y / top, _bins(y.size))


_DISTANCE = np.arange(_SIDE) + 0.5
# value at distance 0 of a line through points at distances .5, 1.5, ...
_AHEAD = 1 / _SIDE - (_DISTANCE - _DISTANCE.mean()) * _DISTANCE.mean() / float(
    np.sum((_DISTANCE - _DISTANCE.mean()) ** 2)
)
_KERNEL = np.r_[_AHEAD[::-1], -_AHEAD]


def _striking(y: Array, size: NDArray[np.intp]) -> list[tuple[int, int]]:
    """Rows with a striking drop, and the first bin after the last; the beginning, which falls anyway, is left out.

    Rows are as long as their size says, zeros after that.
    """
    wide = y.shape[1] - 2 * _SIDE + 1
    gap = np.zeros((len(y), wide))
    for k, factor in enumerate(_KERNEL):  # in this order for every number of rows: the same bits alone and in a batch
        gap += factor * y[:, k : k + wide]
    count, place = size - 2 * _SIDE + 1, np.arange(wide)
    if count.min() == wide:
        ordered = np.partition(np.abs(gap), ((wide - 1) // 2, wide // 2), axis=1)
    else:
        there = place < count[:, None]
        gap[~there] = 0.0
        ordered = np.sort(np.where(there, np.abs(gap), np.inf), axis=1)
    rows = np.arange(len(y))
    median = 0.5 * (ordered[rows, (count - 1) // 2] + ordered[rows, count // 2])
    beyond = gap > np.maximum(_STRIKING * 1.4826022185056018 * median, 1e-12)[:, None]
    beyond &= place >= np.maximum(3, size // 20 - _SIDE)[:, None]
    out = []
    for row in np.flatnonzero(beyond.any(axis=1)):
        places = np.flatnonzero(beyond[row])
        near = places[places >= places[-1] - _SIDE]
        out.append((int(row), int(near[np.argmax(gap[row, near])]) + _SIDE))
    return out
