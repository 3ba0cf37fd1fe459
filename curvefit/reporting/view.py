"""Which part of a curve is shown, and on which axes: the same choice for figures and for the terminal's chart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from ..curves import Curve, DataError, UsageError
from ..curves._arguments import checked

if TYPE_CHECKING:
    from .report import Report

__all__ = ["Scale", "View", "choose_view"]

Scale = Literal["linear", "log"]
_Array = NDArray[np.float64]
_DECADES = 100.0  # ratio of largest to smallest that counts as spanning decades
_ZOOM = 2.5  # the start is cut off when it would take more than this many times the height of the rest


@dataclass(frozen=True, slots=True)
class View:
    """Axes of a picture of a curve and its forecast.

    Parameters
    ----------
    x_scale, y_scale : {"linear", "log"}
        Of the axes.
    x_limits, y_limits : (float, float)
        What is shown, in data units.
    """

    x_scale: Scale
    y_scale: Scale
    x_limits: tuple[float, float]
    y_limits: tuple[float, float]


@checked
def choose_view(
    report: Report, x_scale: Scale | Literal["auto"] = "auto", y_scale: Scale | Literal["auto"] = "auto"
) -> View:
    """Axes that fit the curve: logarithmic where it spans decades, cut where one end would hide the rest.

    Parameters
    ----------
    report : Report
        With at least one finite point.
    x_scale, y_scale : {"auto", "linear", "log"}
        Forced, or chosen: x is logarithmic when the picture spans two decades of it and it was logged evenly in log x; y when positive
        values of a loss, an error or another unbounded metric span more than a decade and a third.

    Raises
    ------
    UsageError
        When a logarithmic axis is forced on values that are not positive.
    DataError
        When the curve has no finite points.

    Notes
    -----
    Single extremes (spikes, the first steps of a steep start) do not set the scale of a linear y axis: it covers the
    central 96 % of the values after the first twentieth of the axis and 99 % of their running medians, the median of the forecast, and as much of its
    95 % band as leaves the data half of the height.
    """
    curve = report.curve
    if not len(curve):
        raise DataError("there are no finite points to draw", where=f"{report.run.name}: {report.metric}")
    for name, scale in (("x_scale", x_scale), ("y_scale", y_scale)):
        if scale not in ("auto", "linear", "log"):
            raise UsageError(f"{name} = {scale!r}", code="CF-USE-002", hint="choices: auto, linear, log")
    across: Scale = _x_scale(curve, report.horizon) if x_scale == "auto" else x_scale
    upward: Scale = _y_scale(curve) if y_scale == "auto" else y_scale
    for name, scale, values in (("x", across, curve.x), ("y", upward, curve.y)):
        if scale == "log" and not np.any(values > 0):
            raise UsageError(f"{name} has no positive values for a logarithmic axis", code="CF-USE-007")
    x = curve.x[curve.x > 0] if across == "log" else curve.x
    return View(across, upward, (float(x[0]), float(report.horizon)), _y_limits(report, across, upward))


def _x_scale(curve: Curve, horizon: float) -> Scale:
    x = curve.x
    if x.size < 4 or x[0] <= 0 or horizon / x[0] < _DECADES or x[-1] == x[0]:
        return "linear"
    # where the middle observation lies in log x: .5 for even steps in log x, above .85 for even steps in x
    middle = np.log(x[x.size // 2] / x[0]) / np.log(x[-1] / x[0])
    return "log" if middle < 0.7 else "linear"


def _y_scale(curve: Curve) -> Scale:
    if curve.bounds is not None or curve.kind in ("accuracy", "reward") or np.any(curve.y <= 0):
        return "linear"
    y = curve.y[:: _step(len(curve))]
    low, high = np.quantile(y, [0.01, 0.99]) if y.size >= 100 else (y.min(), y.max())
    # below 1e-290 a hundredth of it is no number, above 1e300 the next tick is none
    return "log" if high / low >= 20 and low > 1e-290 and curve.y.max() < 1e300 else "linear"


def _step(n: int) -> int:
    """Every so many points are enough for quantiles."""
    return max(1, n // 20_000)


def _running_median(y: _Array) -> _Array:
    if y.size < 5:
        return y
    middle: _Array = np.median(np.lib.stride_tricks.sliding_window_view(np.pad(y, 2, mode="edge"), 5), axis=1)
    return middle


def _y_limits(report: Report, x_scale: Scale, y_scale: Scale) -> tuple[float, float]:
    curve, log = report.curve, y_scale == "log"
    x, y = curve.x, curve.y
    if log:
        x, y = x[y > 0], y[y > 0]
    whole_low, whole_high = float(y.min()), float(y.max())
    x, y = x[:: _step(x.size)], y[:: _step(y.size)]
    to = np.log if log else np.asarray
    back = np.exp if log else np.asarray
    values = to(y)
    cut = x[0] + 0.05 * (report.horizon - x[0]) if x_scale == "linear" else x[0]
    late = values[x >= cut]
    late = values if late.size < 3 else late
    bottom, middle, top = report.forecast.quantile([0.025, 0.5, 0.975]).T
    if log:
        floor = whole_low * 1e-2
        bottom, middle, top = (np.maximum(b, floor) for b in (bottom, middle, top))
    center, ends = to(middle), np.concatenate((to(bottom), to(top)))
    calm = _running_median(values)  # single extremes are gone, steep parts are not
    core = np.concatenate(
        (
            np.quantile(late, [0.02, 0.98]),
            np.quantile(calm[-late.size :], [0.005, 0.995]),
            [center.min(), center.max()],
        )
    )
    low, high = float(core.min()), float(core.max())
    span = high - low
    if span <= 1e-12 * max(abs(low), abs(high)):  # nothing but rounding
        span = max(float(np.ptp(values)), 1e-3 * abs(high), 1e-9)
        low, high = low - span / 2, high + span / 2
    for least, most in ((to(whole_low), to(whole_high)), (calm.min(), calm.max())):
        if most - least <= _ZOOM * span:
            low, high = min(low, float(least)), max(high, float(most))
            span = high - low or span
            break
    low = min(low, max(float(ends.min()), low - span / 2))
    high = max(high, min(float(ends.max()), high + span / 2))
    pad = 0.04 * (high - low) or 0.5 * span
    low, high = float(back(low - pad)), float(back(high + pad))
    if low < 0 <= min(whole_low if not log else 0.0, float(bottom.min())):  # no ink below 0 where nothing can be
        low = -0.02 * high
    if curve.bounds is not None:  # room for the line on the bound, not for values that cannot be
        room = 0.02 * (curve.bounds[1] - curve.bounds[0])
        low, high = max(low, curve.bounds[0] - room), min(high, curve.bounds[1] + room)
    return low, high
