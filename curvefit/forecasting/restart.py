"""Trends that begin anew after a sudden drop: at a known cut of the learning rate, or at one found in the values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..curves import Curve
from ..segmentation._partition import SegmentCost, partitions
from .annealed.blend import Either
from .forecast import Forecast
from .forecasters._base import Forecaster

__all__ = ["begun_anew", "enough_since", "found_drop", "restarted", "resting_on"]

Array = NDArray[np.float64]
SHARE = 1 / 3  # of the forecast rests on what came after the last sudden drop (benchmarks/README.md)
LEAST = 8  # points after the drop
_BY_SIZE = ("sample", "parameter", "flop")  # nothing happens along them
_BINS, _FEWEST = 240, 20
_SIDE = 4  # bins on either side of a place in the screen
_REACH = 24  # bins on either side in the test
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


def resting_on(made: Forecast, since: Forecast, at: float) -> Forecast:
    """A forecast of which a third rests on the curve since a drop."""
    return replace(
        made,
        observation=Either(made.observation, since.observation, SHARE),
        underlying=Either(made.underlying, since.underlying, SHARE),
        explanation={**made.explanation, "restarted_at": at},
    )


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
    found = [(i, at) for i, curve in enumerate(curves) if (at := found_drop(curve)) is not None]
    if not found:
        return made
    begun = [begun_anew(curves[i], at) for i, at in found]
    ahead = [xs[i] - origin for (i, _), (_, origin) in zip(found, begun, strict=True)]
    out = list(made)
    for (i, at), since in zip(found, forecaster.forecast([part for part, _ in begun], ahead), strict=True):
        out[i] = resting_on(out[i], since, at)
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
    if curve.x_unit in _BY_SIZE or len(curve) < _FEWEST:
        return None
    sign = 1.0 if curve.direction == "min" else -1.0
    top = float(np.max(np.abs(curve.y)))
    if top == 0:
        return None
    x, y, first = _binned(curve.x, sign * curve.y / top)
    at = _striking(y)
    if at is None or not enough_since(curve, float(curve.x[first[at]])):
        return None
    low, high = max(0, at - _REACH), min(y.size, at + _REACH)
    if _fall(x[low:high], y[low:high]) < _SMALLEST * float(np.ptp(y)):
        return None
    return float(curve.x[first[at]])


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


def _binned(x: Array, y: Array) -> tuple[Array, Array, NDArray[np.intp]]:
    """Means of at most 240 bins of equal numbers of points, and where each begins."""
    if x.size <= _BINS:
        return x, y, np.arange(x.size)
    first = np.linspace(0, x.size, _BINS + 1).astype(np.intp)[:-1]
    count = np.diff(np.r_[first, x.size])
    return np.add.reduceat(x, first) / count, np.add.reduceat(y, first) / count, first


_DISTANCE = np.arange(_SIDE) + 0.5
# value at distance 0 of a line through points at distances .5, 1.5, ...
_AHEAD = 1 / _SIDE - (_DISTANCE - _DISTANCE.mean()) * _DISTANCE.mean() / float(
    np.sum((_DISTANCE - _DISTANCE.mean()) ** 2)
)
_KERNEL = np.r_[_AHEAD[::-1], -_AHEAD]


def _striking(y: Array) -> int | None:
    """First bin after the last striking drop; the beginning of a curve, which falls anyway, is left out."""
    gap = np.lib.stride_tricks.sliding_window_view(y, 2 * _SIDE) @ _KERNEL
    limit = _STRIKING * 1.4826022185056018 * float(np.median(np.abs(gap)))
    places = np.flatnonzero(gap > max(limit, 1e-12)) + _SIDE
    places = places[places >= max(_SIDE + 3, y.size // 20)]
    if not places.size:
        return None
    near = places[places >= places[-1] - _SIDE]
    return int(near[np.argmax(gap[near - _SIDE])])
