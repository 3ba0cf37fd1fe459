"""Plateau onset as a kink: the last breakpoint of a broken line whose last slope is zero."""

from __future__ import annotations

from typing import Literal

import numpy as np

from ..curves import Curve, Estimate, Status
from ..segmentation.segmented_regression import BreakpointInterval, SegmentedFit, segment
from ._base import unanswered

__all__ = ["onset_by_kink"]

NAME = "plateau_onset_kink"
LEAST = 8  # points with two segments of at least a handful each
MOST = 3  # breakpoints, for "auto"


def onset_by_kink(
    curve: Curve,
    *,
    level: float = 0.95,
    n_breakpoints: int | Literal["auto"] = "auto",
    x_axis: Literal["auto", "linear", "log"] = "auto",
    interval: BreakpointInterval = "profile_likelihood",
    noise: Literal["auto", "white"] = "auto",
) -> Estimate:
    r"""Place of the last breakpoint of the broken line that ends level.

    .. math:: y = \beta + \sum_k \delta_k (\psi_k - x)_+ + e, \qquad x_p = \psi_K

    Parameters
    ----------
    curve : Curve
        The observed part.
    level : float
        Nominal coverage of the interval.
    n_breakpoints : int or "auto"
        How many breakpoints the line has, the onset included; "auto" selects 1 to 3.
    x_axis : {"auto", "linear", "log"}
        Axis on which the line is straight; "auto" takes the one with the smaller criterion.
    interval, noise : str
        As in `curvefit.segment`.

    Returns
    -------
    Estimate
        NOT_REACHED when the line that goes on falling describes the curve better, NOT_APPLICABLE when the curve is level
        throughout or ends getting worse.

    Notes
    -----
    Whether the end is level is decided by the criterion that selects the number of breakpoints: the modified BIC of the
    autocorrelated likelihood of the line with a level end against that with a free one, which has one parameter more. A 95 %
    interval covers .91 to .98 of simulated kinks (``benchmarks/statistics/ESTIMATES.md``).
    """
    direction = curve.metric.need_direction()
    unit = curve.x_unit
    if len(curve) < LEAST or np.unique(curve.x).size < LEAST:
        reason = f"{len(curve)} points; a kink needs at least {LEAST} at different x"
        return unanswered(NAME, Status.TOO_FEW_POINTS, reason, unit=unit)
    if float(np.ptp(curve.y)) == 0.0:
        return unanswered(NAME, Status.CONSTANT, "the values do not vary", unit=unit)
    axes = [a for a in ("linear", "log") if x_axis in ("auto", a) and (a == "linear" or curve.x[0] > 0 or x_axis == a)]
    tried = [_on_axis(curve, a, n_breakpoints, level, interval, noise) for a in axes]
    lines, free, margin, axis = min(tried, key=lambda t: min(t[2]))
    details = {
        "breakpoints": float(len(lines.breakpoints)),
        "log_x": float(axis == "log"),
        "plateau_level": float(lines.predict(curve.x[-1:])[0]),
    }
    last = free.slopes[-1]
    if last.value is not None:
        details["last_slope_if_free"] = last.value
    if lines.existence_test is not None:
        details["p_value"] = lines.existence_test.p_value
    if not lines.breakpoints:
        if margin[1] < margin[0]:
            return _not_level(curve, free, direction, unit, details)
        return unanswered(NAME, Status.NOT_APPLICABLE, "the curve is level throughout", unit=unit, details=details)
    if margin[1] < margin[0]:
        return _not_level(curve, free, direction, unit, details)
    onset = lines.breakpoints[-1]
    before = lines.slopes[-2].value or 0.0
    if (before > 0) == (direction == "min"):
        reason = "the curve gets worse before it levels off"
        return unanswered(NAME, Status.NOT_APPLICABLE, reason, unit=unit, details=details)
    where = "log x" if axis == "log" else "x"
    view = f"kink: last of {len(lines.breakpoints)} breakpoint(s) of a broken line in {where} whose last slope is 0"
    return Estimate(NAME, onset.value, onset.interval, unit, onset.status, (view, *onset.reasons), details)


def _on_axis(
    curve: Curve,
    axis: str,
    count: int | Literal["auto"],
    level: float,
    interval: BreakpointInterval,
    noise: Literal["auto", "white"],
) -> tuple[SegmentedFit, SegmentedFit, tuple[float, float], str]:
    """Line with a level end, line with a free end, the criterion of each, and the axis."""
    on: Literal["linear", "log"] = "log" if axis == "log" else "linear"
    lines = segment(
        curve, count, terminal_slope=0.0, x_axis=on, level=level, interval=interval, noise=noise, max_breakpoints=MOST
    )
    free = segment(curve, count, x_axis=on, level=level, interval="delta", noise=noise, max_breakpoints=MOST)
    if count == "auto":
        criteria = min(lines.criteria) - float(np.log(len(curve))), min(free.criteria)
    else:
        criteria = _score(curve, lines, 1 + 3 * count), _score(curve, free, 2 + 3 * count)
    return lines, free, criteria, axis


def _score(curve: Curve, lines: SegmentedFit, parameters: int) -> float:
    """Modified BIC of the autocorrelated likelihood, as the selection of the number of breakpoints uses it."""
    e = curve.y - lines.predict(curve.x)
    n, power = e.size, float(e @ e)
    rho = min(max(float(e[1:] @ e[:-1]) / power, 0.0), 0.995) if power > 0 else 0.0
    white = np.r_[np.sqrt(1 - rho * rho) * e[0], e[1:] - rho * e[:-1]]
    rss = max(float(white @ white), 1e-28 * float(np.sum((curve.y - curve.y.mean()) ** 2)))
    return float(n * np.log(rss / n) - np.log(1 - rho * rho) + parameters * np.log(n))


def _not_level(curve: Curve, free: SegmentedFit, direction: str, unit: str, details: dict[str, float]) -> Estimate:
    slope = free.slopes[-1].value or 0.0
    if (slope < 0) != (direction == "min"):
        reason = "the last segment gets worse: the curve turns instead of levelling off"
        return unanswered(NAME, Status.NOT_APPLICABLE, reason, unit=unit, details=details)
    reason = (
        f"kink: the last segment still improves, by {abs(slope):.3g} per unit of {'log ' * (free.x_axis == 'log')}x"
    )
    return unanswered(NAME, Status.NOT_REACHED, reason, unit=unit, details=details)
