"""Plateau onset by slope: the first x at which the fitted law improves by no more than delta per decade of x."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..curves import Curve, Estimate, Interval, Status
from ..fitting.fit import Fit, fit
from ..fitting.selection import select
from ._base import unanswered
from ._misfit import late_misfit
from ._paths import mean_paths

__all__ = ["onset_by_slope"]

NAME = "plateau_onset_slope"
AHEAD = 100.0  # times the last x: how far the law is followed when no horizon is given
_SHARE = 0.05  # of belief below which a law is left out
_LOST = 0.2  # share of draws beyond which the answer would be of a selection of them
_POINTS = 400
LEAST = 8
_Array = NDArray[np.float64]


def onset_by_slope(
    curve: Curve, delta: float, *, horizon: float | None = None, level: float = 0.95, model: str = "auto"
) -> Estimate:
    r"""First x after the steepest one at which the law's improvement per decade is at most delta.

    .. math:: x_p = \min \Big\{ x \ge x_s : -s\, \frac{d f}{d \log_{10} x} \le \delta \Big\}

    Parameters
    ----------
    curve : Curve
        The observed part.
    delta : float
        In the unit of the metric per tenfold x, positive.
    horizon : float, optional
        x up to which the law is followed; default a hundred times the last x.
    level : float
        Nominal coverage of the interval.
    model : str
        Law; "auto" averages over those that the curve does not tell apart.

    Returns
    -------
    Estimate
        NOT_REACHED when the onset lies after the last observation.

    Notes
    -----
    A slow start is level too, so that only x after the steepest slope count. The interval is that of draws from the
    uncertainty of the fits, laws weighted by their belief; it may be open to the right. A 95 % one covers .87 to 1 of
    the onsets of simulated power laws (``benchmarks/statistics/ESTIMATES.md``).
    """
    unit, sign = curve.x_unit, 1.0 if curve.metric.need_direction() == "min" else -1.0
    positive = curve.x[curve.x > 0]
    if positive.size < LEAST:
        reason = f"{positive.size} points at positive x; a slope per decade needs {LEAST}"
        return unanswered(NAME, Status.TOO_FEW_POINTS, reason, unit=unit)
    last = float(curve.x[-1])
    reach = horizon if horizon is not None else AHEAD * last
    grid = np.geomspace(float(positive[0]), max(reach, last), _POINTS)
    laws, doubt = _laws(curve, model, delta)
    if not laws:
        return unanswered(NAME, Status.NOT_IDENTIFIED, doubt, unit=unit)
    value = float("nan")
    draws: list[_Array] = []
    names: list[str] = []
    for law, weight in laws:
        paths = mean_paths(law, grid)
        if paths is None or paths.shape[0] < 50:
            continue
        onsets = _below(grid, -sign * np.gradient(paths, np.log10(grid), axis=1), delta)
        value = onsets[0] if not draws else value
        draws.append(onsets[1 : 1 + max(int(np.ceil(weight * (onsets.size - 1))), 1)])
        names.append(law.model.name.replace("_", " "))
    if not draws:
        return unanswered(NAME, Status.NOT_IDENTIFIED, "the fit has no usable covariance", unit=unit)
    if np.isnan(value):
        reason = f"slope: the law never improves by more than {delta:g} per decade"
        return unanswered(NAME, Status.NOT_APPLICABLE, reason, unit=unit, details={"delta": delta})
    mixed = np.concatenate(draws)
    missing = float(np.mean(np.isnan(mixed)))  # draws without the steep part that the data show
    if missing > _LOST:
        reason = f"{100 * missing:.0f} % of what the fit allows never improves by {delta:g} per decade"
        return unanswered(NAME, Status.NOT_IDENTIFIED, reason, unit=unit, details={"delta": delta})
    mixed = mixed[~np.isnan(mixed)]
    alpha = 1 - level
    low = min(float(np.quantile(mixed, alpha / 2, method="lower")), value)
    high = max(float(np.quantile(mixed, 1 - alpha / 2, method="higher")), value)
    interval = Interval(low, high, level, "confidence", "fit") if np.isfinite(low) else None
    details = {"delta": delta, "probability": float(np.mean(mixed <= last)), "laws": float(len(names))}
    view = f"slope: read off {' and '.join(names)}, {delta:g} per decade"
    if value > last:
        if np.isfinite(value):
            details["expected_x"] = value
        return Estimate(NAME, None, interval, unit, Status.NOT_REACHED, (f"{view}; it lies after the data",), details)
    return Estimate(NAME, value, interval, unit, Status.OK, (view,), details)


def _laws(curve: Curve, model: str, delta: float) -> tuple[list[tuple[Fit, float]], str]:
    """Usable laws that follow the late curve, with their weights; or none and why."""
    if model != "auto":
        found = [(fit(curve, model), 1.0)]
    else:
        found = [(c.fit, c.weight) for c in select(curve).candidates if c.weight >= _SHARE]
    usable = [(law, w) for law, w in found if law.status.usable]
    if not usable:
        return [], f"no law could be fitted ({found[0][0].status.value})" if found else "no law could be fitted"
    kept = []
    for law, w in usable:
        off, noise = late_misfit(law)
        if not np.any(off > np.maximum(noise, delta / 4)):
            kept.append((law, w))
    total = sum(w for _, w in kept)
    if not kept or total <= 0:
        return [], "the law misses the late curve by more than noise and a quarter of delta"
    return [(law, w / total) for law, w in kept], ""


def _below(grid: _Array, slope: _Array, delta: float) -> _Array:
    """First x after the steepest slope of each row at which it is at most delta.

    Infinite where it never is, nan where it is never above; linear in log x between grid points.
    """
    rows, m = slope.shape
    steepest = np.argmax(slope, axis=1)
    under = (slope <= delta) & (np.arange(m)[None, :] >= steepest[:, None])
    at = np.argmax(under, axis=1)
    i = np.arange(rows)
    before = np.maximum(at - 1, 0)
    high, low = slope[i, before], slope[i, at]
    with np.errstate(invalid="ignore", divide="ignore"):
        part = np.where(high > low, (high - delta) / (high - low), 1.0)
    u = np.log(grid)
    out = np.exp(u[before] + np.clip(part, 0, 1) * (u[at] - u[before]))
    out = np.where(under.any(axis=1), out, np.inf)
    return np.asarray(np.where(slope[i, steepest] <= delta, np.nan, out))
