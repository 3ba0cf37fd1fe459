"""First passages of mean curves: where next to nothing is left of their gain. Curves of many questions side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ..forecasting.forecast import Forecast
from ..forecasting.together import last_quantiles, mean_quantiles
from ._base import Question, thinned
from ._local_mean import alike, index_bins, winsorized_rows
from ._shared import local_of, starting_levels

__all__ = ["Passage", "first_passages", "forecast_paths", "led_to"]

_Array = NDArray[np.float64]
_NODES: _Array = np.linspace(0.005, 0.995, 199)
_HALF = 13  # levels at which quantiles are solved, on either side of the median and with it


@dataclass(frozen=True, slots=True, eq=False)
class Passage:
    """First passages of the paths of one curve, the fitted or median one first.

    Parameters
    ----------
    gains : ndarray, shape (1 + m,)
        Total gain of each path, positive when the curve improves.
    onsets : ndarray, shape (1 + m,)
        Where at most eps of it is still to come; the horizon where that is nowhere.
    left : float
        Share of the first path's gain still to come at the last observation.
    """

    gains: _Array
    onsets: _Array
    left: float


def first_passages(grid: _Array, paths: _Array, question: Question) -> Passage:
    """First x at which each path has at most eps of its gain to come, linear between grid points.

    Parameters
    ----------
    grid : ndarray, shape (g,)
        From the first observation to the horizon.
    paths : ndarray, shape (1 + m, g)
        Mean curves on it; overwritten.
    question : Question
        What was asked.
    """
    last, eps = float(question.curve.x[-1]), question.eps
    drop = paths[:, 0] - paths[:, -1]
    gains = question.sign * drop
    drop[drop == 0] = np.nan
    # a path beyond the largest float has no onset before the horizon
    with np.errstate(over="ignore", invalid="ignore"):
        paths -= paths[:, -1:].copy()
        paths /= drop[:, None]
    share = paths  # of the gain, still to come
    now = int(np.searchsorted(grid, last, side="right")) - 1
    following = min(now + 1, grid.size - 1)
    width = grid[following] - grid[now]
    w = (last - grid[now]) / width if width > 0 else 0.0
    left = float((1 - w) * share[0, now] + w * share[0, following])
    below = share <= eps
    below[:, -1] = True
    at = below.argmax(axis=1)
    rows = np.arange(at.size)
    before = np.maximum(at - 1, 0)
    high, low = share[rows, before], share[rows, at]
    with np.errstate(invalid="ignore", divide="ignore"):
        part = np.where((at > 0) & (high > low), (high - eps) / (high - low), 1.0)
    onsets = grid[before] + np.clip(part, 0, 1) * (grid[at] - grid[before])
    return Passage(gains, onsets, left)


def forecast_paths(questions: Sequence[Question]) -> Iterator[tuple[_Array, _Array]]:
    """Grid and mean curves of questions with a forecast: a monotone past with its noise, and comonotone quantile paths.

    One after the other, since the paths of one curve are some eighty times as large as the curve.
    """
    forecasts = [thinned(q.forecast) for q in questions if q.forecast is not None]
    if not forecasts:
        return
    knots, bent = _spline()
    for (x, past, error), forecast, quantiles in zip(
        _pasts(questions), forecasts, mean_quantiles(forecasts, knots), strict=True
    ):
        k, ahead = x.size, _comonotone(quantiles, bent)
        paths = np.empty((1 + _NODES.size, k + forecast.x.size))
        paths[0, :k], paths[0, k:] = past, ahead[_NODES.size // 2]
        # the past is shifted as a whole by its own noise, in an order that has nothing to do with the future's
        with np.errstate(over="ignore"):  # of values near the largest float
            np.multiply(_shift()[:, None], error, out=paths[1:, :k])
            paths[1:, :k] += past
        paths[1:, k:] = ahead
        yield np.concatenate([x, forecast.x]), paths


def led_to(forecast: Forecast, grid: _Array, paths: _Array, last: float) -> None:
    r"""Lead draws of a law from the last observation to where the forecast of the mean may be at the horizon, in place.

    .. math:: p_d(x) = f_d(x) + w_d(x)\,\big(q_d - f_d(H)\big), \qquad
              w_d(x) = \frac{f_d(x_T) - f_d(x)}{f_d(x_T) - f_d(H)} \text{ beyond } x_T,\; 0 \text{ before}

    with q a quantile of the forecast at a level that has nothing to do with the draw. The first path is left alone.
    """
    knots, bent = _spline()
    ends = _comonotone(last_quantiles([forecast], knots, view="mean"), bent)[:, 0]
    law = paths[1:]
    drawn = np.arange(law.shape[0]) % ends.size
    wanted = ends[np.random.default_rng(21).permutation(ends.size)[drawn]]
    now = max(int(np.searchsorted(grid, last, side="right")) - 1, 0)
    to_come = law[:, now, None] - law[:, now:]
    whole = to_come[:, -1:]
    even = np.linspace(0.0, 1.0, to_come.shape[1])
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        weight = np.where(whole != 0, to_come / np.where(whole != 0, whole, 1.0), even)
    law[:, now:] += weight * (wanted - law[:, -1])[:, None]


def _comonotone(quantiles: _Array, bent: _Array) -> _Array:
    """Quantiles at all nodes, shape (nodes, H), non-decreasing in the level; the median is the one that was solved."""
    paths, half = (quantiles @ bent).T, _NODES.size // 2
    median = quantiles[:, _HALF - 1]
    paths[half] = median
    np.minimum(paths[:half], median, out=paths[:half])
    out: _Array = np.maximum.accumulate(paths, axis=0)
    return out


def _pasts(questions: Sequence[Question]) -> list[tuple[_Array, _Array, _Array]]:
    """X of bins up to the last observation, a monotone mean curve there, and its standard error, for each curve."""
    out = []
    each = zip(questions, starting_levels(questions), local_of(questions), _binned(questions), strict=True)
    for question, (level, _), ways, (x, mean, count) in each:
        assert question.forecast is not None
        local, now, sign = ways[0], question.forecast.level_now, question.sign
        error = np.interp(x, local.x, local.stderr) * np.sqrt(np.maximum(local.window / count, 1.0))
        # never better than the level the forecast counts its gains from, and at it now: past and future meet
        past = sign * np.maximum(_decreasing(sign * mean, count), sign * now)
        last = question.curve.x[-1]
        if x[-1] < last:
            x, past, error = np.append(x, last), np.append(past, 0.0), np.append(error, error[-1])
        past[-1] = now
        past[0] = level  # one start for every share of the gain
        out.append((x, past, error))
    return out


def _binned(questions: Sequence[Question]) -> list[tuple[_Array, _Array, _Array]]:
    """Means of x and of values without spikes over bins of positions, and how many each holds."""
    out: list[tuple[_Array, _Array, _Array]] = [(_NODES, _NODES, _NODES)] * len(questions)
    windows = [ways[0].window for ways in local_of(questions)]
    for places in alike([len(q.curve) for q in questions]):
        some = [questions[i].curve for i in places]
        n = len(some[0])
        starts, count = index_bins(n, 64)
        y = np.array([c.y for c in some])
        if n <= 4096:
            y = winsorized_rows(y, min(windows[places[0]], n) // 2 * 2 - 1)
        x: _Array = np.add.reduceat(np.array([c.x for c in some]), starts, axis=1) / count
        mean: _Array = np.add.reduceat(y, starts, axis=1) / count
        for row, i in enumerate(places):
            out[i] = x[row], mean[row], count
    return out


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


@cache
def _shift() -> _Array:
    """Shift of each path's past, in standard errors."""
    from scipy.special import ndtri

    shift: _Array = ndtri(_NODES)[np.random.default_rng(20).permutation(_NODES.size)]
    shift.flags.writeable = False
    return shift


@cache
def _spline() -> tuple[_Array, _Array]:
    """Levels at which quantiles are solved, and the matrix that takes them to those at all nodes.

    A cubic spline in the normal quantile of the level on either side of the median, at which the two halves of a
    forecast meet with different widths. On real and simulated curves it is off by a third of a hundredth of the standard
    deviation (root mean square over levels; the median curve), in the farthest tails by more.
    """
    from scipy.interpolate import CubicSpline
    from scipy.special import ndtr, ndtri

    half = np.linspace(0.0, float(ndtri(_NODES[-1])), _HALF)
    knots, at = np.concatenate([-half[:0:-1], half]), ndtri(_NODES)
    matrix = np.zeros((knots.size, at.size))
    for part, inside in ((slice(0, _HALF), at <= 0), (slice(_HALF - 1, 2 * _HALF - 1), at >= 0)):
        matrix[part, inside] = CubicSpline(knots[part], np.eye(_HALF))(at[inside]).T
    return ndtr(knots), matrix
