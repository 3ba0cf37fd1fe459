"""Plateau onset by gain: the first x from which next to nothing is left to gain by the horizon."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from ..curves import Estimate, Interval, Status
from ..curves.numbers import format_share, format_x
from ._base import Question, unanswered
from ._local_mean import index_bins, local_mean, winsorized
from ._misfit import late_misfit
from ._paths import mean_paths
from ._start import starting_level

__all__ = ["plateau_onset"]

_NODES = (np.arange(199) + 1.0) / 200.0
_Array = NDArray[np.float64]


def plateau_onset(question: Question) -> Estimate:
    r"""First x at which the gain still to come is at most a share eps of the total gain.

    .. math:: G(x) = \frac{f(x) - f(H)}{f(x_1) - f(H)}, \qquad x_p = \min \{x : G(x) \le \varepsilon\}

    Parameters
    ----------
    question : Question
        Needs a horizon, and a usable fit or a forecast.

    Returns
    -------
    Estimate
        In the unit of x with a confidence interval. When the onset lies after the last observation, or the curve ends
        above its best level by more than noise and eps of its gain, it is NOT_REACHED and has no value. Details: ``eps``, ``gain_left`` = G at the last observation, ``probability`` that the onset
        is in the data, ``expected_x`` (the onset, in the data or after), ``from_fit`` 1 or 0; the reasons say in
        words which view was used.

    Notes
    -----
    The fitted law is used where it is usable, follows the local mean of the late curve within noise or a quarter of
    eps, and agrees with the forecast's 95 % intervals of the mean now and at the horizon: its curve is smooth, so a first passage means something. Otherwise the past is a monotone regression of block
    means that ends at the forecast's present level, and f(H) is the forecast's. By its definition every improving curve has an onset before the horizon; a
    plateau is one that lies in the data. A plateau can precede a breakthrough that no mean curve shows.

    The diagnosis `plateaued` asks another question: whether the present course, a line through the last phase carried on
    to the horizon, gains less than 2 % of what was gained so far. A law or a forecast may still expect a slow gain where
    that line is level; a report that holds both answers says which is which.
    """
    name, curve = "plateau_onset", question.curve
    if question.horizon is None or (question.fit is None and question.forecast is None):
        reason = "it needs a horizon and a fit or a forecast"
        return unanswered(name, Status.NOT_APPLICABLE, reason, unit=curve.x_unit)
    if len(curve) < 4:
        return unanswered(name, Status.TOO_FEW_POINTS, "fewer than 4 points", unit=curve.x_unit)
    grid = _grid(curve.x, question.horizon)
    paths, why = _from_fit(question, grid)
    from_fit = paths is not None
    if paths is None:
        if question.forecast is None:
            return unanswered(name, Status.NOT_APPLICABLE, why, unit=curve.x_unit)
        grid, paths = _from_forecast(question)
    drop = question.sign * (paths[:, 0] - paths[:, -1])
    alpha = 1 - question.level
    if drop[0] <= 0 or np.quantile(drop[1:], alpha / 2) <= 0:
        reason = "the mean curve does not improve by the horizon beyond its uncertainty"
        return unanswered(name, Status.NOT_APPLICABLE, reason, unit=curve.x_unit, details={"eps": question.eps})
    onsets, left = _first_passage(grid, paths, question.eps, float(curve.x[-1]))
    view = (
        f"read off the fitted {question.fit.model.name.replace('_', ' ')}"
        if from_fit and question.fit
        else f"read off the forecast: {why}"
    )
    low, high = np.quantile(onsets[1:], [alpha / 2, 1 - alpha / 2])
    value = float(onsets[0])
    interval = Interval(
        min(float(low), value), max(float(high), value), question.level, "confidence", "fit" if from_fit else "forecast"
    )
    last = float(curve.x[-1])
    details = {
        "eps": question.eps,
        "gain_left": float(left[0]),
        "probability": float(np.mean(onsets[1:] <= last)),
        "expected_x": value,
        "from_fit": float(from_fit),
        "horizon": question.horizon,
    }
    if value > last:
        whole = f"the gain from {curve.x_unit} {format_x(curve.x[0])} to {format_x(question.horizon)}"
        still = format_share(float(left[0]))
        reason = f"{still} of {whole} is still to come, more than the {format_share(question.eps)} that an onset leaves; {view}"
        return Estimate(name, None, interval, curve.x_unit, Status.NOT_REACHED, (reason,), details)
    again = _rises_again(question, float(drop[0]))
    if again:
        return Estimate(name, None, None, curve.x_unit, Status.NOT_REACHED, (again,), details)
    return Estimate(name, value, interval, curve.x_unit, Status.OK, (view,), details)


def _rises_again(question: Question, gain: float) -> str:
    """Why what looks like an onset is none: the curve ends worse than its best level; empty when it does not.

    A first passage is a plateau only where the curve stays: noise (Bonferroni over the windows) and eps of the total
    gain are allowed.
    """
    local = local_mean(question.curve)
    y = question.sign * local.mean
    best = int(np.argmin(y))
    worse = float(y[-1] - y[best])
    noise = local.margin(question.level) * float(np.hypot(local.stderr[best], local.stderr[-1]))
    if worse <= max(noise, question.eps * gain):
        return ""
    turned = "rises" if question.sign > 0 else "falls"
    return (
        f"the curve {turned} again: it ends {worse:.2g} worse than at {question.curve.x_unit} {format_x(local.x[best])}"
    )


def _grid(x: _Array, horizon: float, points: int = 200) -> _Array:
    """From the first observation at positive x to the horizon, even in log x; even in x where there is none."""
    positive = x[x > 0]
    if x[0] < 0 or not positive.size:
        return np.linspace(float(x[0]), horizon, points)
    return np.geomspace(float(positive[0]), horizon, points)


def _from_fit(question: Question, grid: _Array) -> tuple[_Array | None, str]:
    """Mean curves the fit allows, shape (1 + draws, grid); or None and why the fit is not used."""
    fit, forecast = question.fit, question.forecast
    if fit is None:
        return None, "no law was fitted"
    if not fit.status.usable:
        return None, f"the fit is not usable ({fit.status.value})"
    if grid[0] < 0 and fit.model.domain != "all":
        return None, "the law is not defined at negative x"
    if forecast is not None:
        ends = forecast.at([0, -1]).mean([0.025, 0.975])  # whatever level is asked: the view must not depend on it
        law = fit.predict(forecast.x[[0, -1]]).mean
        for place, value, (low, high) in zip(("now", "at the horizon"), law, ends, strict=True):
            if not low <= value <= high:
                return None, f"the law's value {place} is outside the forecast's interval of the mean"
    paths = mean_paths(fit, grid)
    if paths is None or paths.shape[0] < 50:
        return None, "the fit has no usable covariance"
    onset = _first_passage(grid, paths[:1], question.eps, float(question.curve.x[-1]))[0][0]
    off, noise = late_misfit(fit, float(onset))
    if np.any(off > np.maximum(noise, question.eps * abs(paths[0, 0] - paths[0, -1]) / 4)):
        return None, "the law misses the late curve by more than noise and a quarter of eps"
    return paths, ""


def _from_forecast(question: Question) -> tuple[_Array, _Array]:
    """Grid and mean curves: a monotone past with its noise, and comonotone quantile paths of the forecast."""
    forecast, curve = question.forecast, question.curve
    assert forecast is not None
    local = local_mean(curve)
    starts, count = index_bins(len(curve), 64)
    y = winsorized(curve.y, min(local.window, len(curve)) // 2 * 2 - 1) if len(curve) <= 4096 else curve.y
    x, mean = (np.add.reduceat(v, starts) / count for v in (curve.x, y))
    error = np.interp(x, local.x, local.stderr) * np.sqrt(np.maximum(local.window / count, 1.0))
    # never better than the level the forecast counts its gains from, and at it now: past and future meet
    fallen = _decreasing(question.sign * mean, count)
    past = question.sign * np.maximum(fallen, question.sign * forecast.level_now)
    if x[-1] < curve.x[-1]:
        x, past, error = np.append(x, curve.x[-1]), np.append(past, 0.0), np.append(error, error[-1])
    past[-1] = forecast.level_now
    past[0] = starting_level(question)[0]  # one start for every share of the gain
    knots, bent = _spline()
    ahead = np.maximum.accumulate(forecast.underlying.quantile(knots) @ bent, axis=1).T
    ahead = np.vstack([ahead[_NODES.size // 2], ahead])
    # the past is shifted as a whole by its own noise, in an order that has nothing to do with the future's
    order = np.random.default_rng(20).permutation(_NODES.size)
    from scipy.special import ndtri

    shift = np.concatenate(([0.0], ndtri(_NODES)[order]))
    return (
        np.concatenate([x, forecast.x]),
        np.hstack([past[None, :] + shift[:, None] * error[None, :], ahead]),
    )


@cache
def _spline() -> tuple[_Array, _Array]:
    """Levels at which quantiles are solved, and the matrix that takes them to those at all nodes.

    A cubic spline in the normal quantile of the level on either side of the median, at which the two halves of a
    forecast meet with different widths: off by half a hundredth of the standard deviation, by at most a twentieth in the
    farthest tails, and ready in a sixth of the time.
    """
    from scipy.interpolate import CubicSpline
    from scipy.special import ndtr, ndtri

    half = np.linspace(0.0, float(ndtri(_NODES[-1])), 17)
    knots, at = np.concatenate([-half[:0:-1], half]), ndtri(_NODES)
    matrix = np.zeros((knots.size, at.size))
    for part, inside in ((slice(0, 17), at <= 0), (slice(16, 33), at >= 0)):
        matrix[part, inside] = CubicSpline(knots[part], np.eye(17), bc_type="natural")(at[inside]).T
    return ndtr(knots), matrix


def _decreasing(y: _Array, weight: _Array) -> _Array:
    """Weighted least-squares non-increasing regression (pool adjacent violators)."""
    pools: list[tuple[float, float, int]] = []  # level, weight, length
    for value, w in zip(y.tolist(), weight.tolist(), strict=True):
        level, total, length = value, w, 1
        while pools and pools[-1][0] < level:
            before, heavy, longer = pools.pop()
            level = (heavy * before + total * level) / (heavy + total)
            total, length = total + heavy, length + longer
        pools.append((level, total, length))
    return np.repeat([p[0] for p in pools], [p[2] for p in pools])


def _first_passage(grid: _Array, paths: _Array, eps: float, last: float) -> tuple[_Array, _Array]:
    """First x with G <= eps of every path (linear between grid points), and G at the last observation."""
    end, start = paths[:, -1:], paths[:, :1]
    drop = start - end
    share = (paths - end) / np.where(drop == 0, np.nan, drop)
    below = share <= eps
    below[:, -1] = True
    at = np.argmax(below, axis=1)
    rows = np.arange(paths.shape[0])
    before = np.maximum(at - 1, 0)
    high, low = share[rows, before], share[rows, at]
    with np.errstate(invalid="ignore", divide="ignore"):
        part = np.where((at > 0) & (high > low), (high - eps) / (high - low), 1.0)
    onset = grid[before] + np.clip(part, 0, 1) * (grid[at] - grid[before])
    now = int(np.searchsorted(grid, last, side="right")) - 1
    following = min(now + 1, grid.size - 1)
    width = grid[following] - grid[now]
    w = (last - grid[now]) / width if width > 0 else 0.0
    return onset, (1 - w) * share[:, now] + w * share[:, following]
