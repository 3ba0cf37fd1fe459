"""The last value stays: width from the observation noise alone, none for change (the baseline to beat)."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from ...curves import Curve
from ..forecast import Forecast
from ..normal import NormalDistribution
from ._base import Forecaster
from ._late_noise import late_noise, smallest_width
from ._reasons import shared_doubts

__all__ = ["LastValue"]


class LastValue(Forecaster):
    r"""A new observation is the last one plus noise: :math:`Y \sim N(y_n, 2 s^2)`, at every horizon.

    Notes
    -----
    s is the scatter of one observation near the end of the curve. Both the last observation and the new one carry it,
    hence the factor 2; the mean curve stays within :math:`N(y_n, s^2)`. The width does not grow with the horizon, which
    is the point of this baseline: it says "no change", not "change unknown".
    """

    def forecast(self, curves: Sequence[Curve], xs: Sequence[NDArray[np.float64]]) -> list[Forecast]:
        """Forecast each curve at its future x."""
        return [_one(curve, x) for curve, x in zip(curves, xs, strict=True)]


def _one(curve: Curve, x: NDArray[np.float64]) -> Forecast:
    last = float(curve.y[-1])
    noise = late_noise(curve)
    sd = noise or smallest_width(curve)
    status, reasons = shared_doubts(curve, x)
    center = np.full(x.shape, last)
    return Forecast(
        x=x,
        observation=NormalDistribution(center, np.full(x.shape, sqrt(2) * sd), curve.bounds),
        underlying=NormalDistribution(center, np.full(x.shape, sd), curve.bounds),
        method="last_value",
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
