"""Random walk: the last value, with a width that grows with the root of the steps ahead."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...curves import Curve
from ..forecast import Forecast
from ..normal import NormalDistribution
from ._base import Forecaster
from ._late_noise import late_noise, smallest_width
from ._reasons import shared_doubts

__all__ = ["RandomWalk"]


class RandomWalk(Forecaster):
    r"""The textbook interval: :math:`Y \sim N(y_n, k \overline{d^2})` after k steps, d the observed differences.

    Notes
    -----
    Steps are counted in ln x when the points are spaced more evenly there. The mean curve's variance is the same less
    one observation's noise. No drift: improvement that goes on is outside the center of this distribution.
    """

    def forecast(self, curves: Sequence[Curve], xs: Sequence[NDArray[np.float64]]) -> list[Forecast]:
        """Forecast each curve at its future x."""
        return [_one(curve, x) for curve, x in zip(curves, xs, strict=True)]


def _one(curve: Curve, x: NDArray[np.float64]) -> Forecast:
    last = float(curve.y[-1])
    noise = late_noise(curve)
    step = (2 * _root_mean_square(np.diff(curve.y / 2)) if curve.y.size > 2 else 0.0) or smallest_width(curve)
    with np.errstate(over="ignore"):
        sd = np.minimum(step * np.sqrt(_steps_ahead(curve.x, x)), np.finfo(float).max / 1e6)
        mean_sd = sd * np.sqrt(np.maximum(1 - (noise / sd) ** 2, 0.01))
    status, reasons = shared_doubts(curve, x)
    center = np.full(x.shape, last)
    return Forecast(
        x=x,
        observation=NormalDistribution(center, sd, curve.bounds),
        underlying=NormalDistribution(center, mean_sd, curve.bounds),
        method="random_walk",
        metric=curve.metric.name,
        kind=curve.kind,
        direction=curve.metric.need_direction(),
        x_last=float(curve.x[-1]),
        y_last=last,
        level_now=last,
        noise=noise,
        status=status,
        reasons=reasons,
    )


def _root_mean_square(values: NDArray[np.float64]) -> float:
    largest = float(np.abs(values).max(initial=0.0))
    return largest * float(np.sqrt(np.mean((values / largest) ** 2))) if largest > 0 else 0.0


def _steps_ahead(x: NDArray[np.float64], ahead: NDArray[np.float64]) -> NDArray[np.float64]:
    """Number of observed steps each future x is away, at least 1."""
    distinct = np.unique(x)
    if distinct.size < 2:
        return np.ones(ahead.shape)
    if distinct[0] > 0:
        log = np.log(distinct)
        if _unevenness(log) < _unevenness(distinct):
            distinct, ahead = log, np.log(ahead)
    steps: NDArray[np.float64] = np.maximum((ahead - distinct[-1]) / np.mean(np.diff(distinct)), 1.0)
    return steps


def _unevenness(x: NDArray[np.float64]) -> float:
    steps = np.diff(x)
    return float(np.std(steps) / np.mean(steps))
