"""Where a run is judged ahead of its data, and which forecasts answer that."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..curves import Curve, UsageError
from ..curves.numbers import format_x
from ..estimands import horizon_grid
from ..forecasting.forecast import Forecast

__all__ = ["check_begins", "future_grid", "landmarks"]

Array = NDArray[np.float64]


def check_begins(ahead: Forecast, curve: Curve, horizon: float | None) -> None:
    """A forecast that is given belongs to the curve as it is now, and ends where the question does.

    Raises
    ------
    UsageError
        When it was made before the last observation, of another curve, or up to another x.
    """
    where = curve.metric.name
    if len(curve) and not ahead.x_last == float(curve.x[-1]):
        raise UsageError(
            f"the forecast begins after {format_x(ahead.x_last)}, {where} ends at {format_x(float(curve.x[-1]))}",
            code="CF-USE-007",
            where=where,
            hint="leave the forecast out, or make it from this curve",
        )
    if horizon is not None and not math.isclose(float(ahead.x[-1]), horizon, rel_tol=1e-9):
        raise UsageError(
            f"the forecast ends at {format_x(float(ahead.x[-1]))}, the horizon is {format_x(horizon)}",
            code="CF-USE-007",
            where=where,
            hint="one of the two: the horizon of a forecast is its last x",
        )


def future_grid(curve: Curve, horizon: float) -> Array:
    """The future x on which a run is judged: `estimands.horizon_grid`, a quarter and half of the way among them."""
    x = np.union1d(horizon_grid(curve, horizon), landmarks(float(curve.x[-1]), horizon))
    same = np.flatnonzero(np.diff(x) <= 1e-12 * np.abs(x[1:]))  # but for rounding
    keep = np.ones(x.size, bool)
    ours = np.isin(x, landmarks(float(curve.x[-1]), horizon))
    keep[np.where(ours[same], same + 1, same)] = False
    return np.asarray(x[keep])


def landmarks(last: float, end: float) -> Array:
    """A quarter, half and all of the way."""
    x = np.unique([last + 0.25 * (end - last), last + 0.5 * (end - last), end])
    return np.asarray(x[x > last])
