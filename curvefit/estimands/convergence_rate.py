"""How fast the curve still improves: slope per decade of x over the last half of the run, and the local exponent."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..curves import Curve, Estimate, Interval, Status
from ..curves.numbers import counted
from ..fitting._rowwise import lag1_rows, regular_rows
from ..fitting.autocorrelation import lag1
from ._base import Question, unanswered
from ._local_mean import alike, winsorized_rows

__all__ = ["convergence_rate", "many"]

_NAME = "convergence_rate"
_FEWEST = 8  # points a slope with an honest error needs
_Array = NDArray[np.float64]


def convergence_rate(question: Question) -> Estimate:
    r"""Improvement per decade of x over the last factor of two of the run.

    .. math:: r = -s\,\hat\beta, \qquad \hat\beta = \arg\min_\beta \sum_{x_i \ge x_T / 2}
              (y_i - \alpha - \beta \log_{10} x_i)^2

    Parameters
    ----------
    question : Question
        Its curve is read, and its fit for the exponent.

    Returns
    -------
    Estimate
        In the unit of the metric per decade (tenfold x), positive when the curve improves, with a confidence interval
        from Student's t on the effective number of points. Details: ``x_from`` and ``x_to`` of the window, ``points``,
        ``rho`` (lag-1 correlation of the residuals), and from a usable fit ``exponent``, the local exponent a of
        f - f_inf ~ x^-a, read as -(1 + d log|f'| / d log x) at the last observation.

    Notes
    -----
    The rate is an average over the window and needs no law; values far from the running median are pulled in. With
    fewer than eight points in the last half the window reaches further back, and ``x_from`` says how far. The
    exponent is the law's, without an interval: read the fit's own parameter for that. A 95 % interval covers .89 to .98 of the
    rates of simulated smooth curves, all those across a kink (``benchmarks/statistics/ESTIMATES.md``).
    """
    return many([question])[0]


def many(questions: Sequence[Question]) -> list[Estimate]:
    """Answer many questions at once."""
    out: list[Estimate] = []
    windows: list[tuple[int, _Array, _Array]] = []
    for i, question in enumerate(questions):
        found = _window(question.curve)
        if isinstance(found, str):
            out.append(unanswered(_NAME, Status.TOO_FEW_POINTS, found, unit=_unit(question)))
        else:
            windows.append((i, *found))
            out.append(Estimate(_NAME, None))  # in whose place another comes below
    for places in alike([x.size for _, x, _ in windows]):
        some = [windows[i] for i in places]
        x = np.array([x for _, x, _ in some])
        for (i, _, _), rate in zip(some, _rates(x, np.array([y for _, _, y in some])), strict=True):
            out[i] = _told(questions[i], rate)
    return out


_Rate = tuple[float, float, float, float, float, float, int]


def _unit(question: Question) -> str:
    return f"{question.unit or question.curve.metric.name} per decade"


def _told(question: Question, found: _Rate) -> Estimate:
    first, last, slope, error, df, rho, points = found
    unit = _unit(question)
    if last <= first:
        return unanswered(_NAME, Status.TOO_FEW_POINTS, "all points of the last half are at one x", unit=unit)
    if np.isnan(slope):
        reason = "the last values are all the same: no noise seen, an interval is not estimable"
        return Estimate(_NAME, 0.0, None, unit, Status.CONSTANT, (reason,), {"x_from": first, "x_to": last})
    from scipy.special import stdtrit

    reach = float(stdtrit(df, (1 + question.level) / 2)) * error
    rate = -question.sign * slope
    details = {"x_from": first, "x_to": last, "points": float(points), "rho": rho}
    exponent = _exponent(question, float(question.curve.x[-1]))
    if exponent is not None:
        details["exponent"] = exponent
    interval = Interval(rate - reach, rate + reach, question.level, "confidence", "least squares, effective size")
    return Estimate(_NAME, rate, interval, unit, Status.OK, (), details)


def _window(curve: Curve) -> tuple[_Array, _Array] | str:
    """X and y of the last factor of two; or why there are too few. Long windows are thinned by block means."""
    x, y = curve.x, curve.y
    if x.size and x[0] <= 0:
        keep = x > 0
        x, y = x[keep], y[keep]
    if x.size < _FEWEST or x[-1] <= x[0]:
        return f"{counted(x.size, 'point')} at positive x; a slope with an honest interval needs {_FEWEST}"
    first = min(int(np.searchsorted(x, x[-1] / 2)), x.size - _FEWEST)
    x, y = x[first:], y[first:]
    size = -(-x.size // 4096)
    if size > 1:
        full = (x.size // size) * size
        x = 10 ** np.mean(np.log10(x[-full:].reshape(-1, size)), axis=1)
        y = np.mean(y[-full:].reshape(-1, size), axis=1)
    return x, y


def _rates(x: _Array, y: _Array) -> list[_Rate]:
    """Of each row of windows of one size: its first and last x; least-squares slope, its standard error, degrees of

    freedom, correlation of the residuals, and points. The slope is nan where the values are all the same.
    """
    n = y.shape[1]
    y = winsorized_rows(y, min(2 * int(max(3.0, np.sqrt(n)) / 2) + 1, n - 1 + n % 2))
    flat = (np.ptp(y, axis=1) == 0) | (x[:, -1] <= x[:, 0])
    scale = np.abs(y).max(axis=1)  # squares neither overflow nor vanish
    u = np.log10(x)
    du = u - u.mean(axis=1, keepdims=True)
    dy = y / np.where(flat, 1.0, scale)[:, None]
    dy -= dy.mean(axis=1, keepdims=True)
    sxx = np.where(flat, 1.0, (du * du).sum(axis=1))
    slope = (du * dy).sum(axis=1) / sxx
    residual = dy - slope[:, None] * du
    rho = lag1_rows(residual, parameters=2)
    for row in np.flatnonzero(~(regular_rows(x) | flat)).tolist():
        rho[row] = lag1(residual[row], x[row], parameters=2)
    size = np.maximum(n * (1 - rho) / (1 + rho), 3.0)
    variance = (residual * residual).sum(axis=1) / max(n - 2, 1) * n / size
    error = np.sqrt(variance / sxx)
    slope = np.where(flat, np.nan, slope * scale)
    columns = (x[:, 0], x[:, -1], slope, error * scale, np.maximum(size - 2, 1.0), rho)
    return [(*row, n) for row in zip(*(c.tolist() for c in columns), strict=True)]


def _exponent(question: Question, x: float) -> float | None:
    """Local exponent of the fitted law at x by central differences in log x; None where its slope vanishes."""
    fit = question.fit
    if fit is None or not fit.status.usable:
        return None
    step = 0.05
    value = fit.predict(x * np.exp(step * np.arange(-2.0, 3.0))).mean
    slopes = np.diff(value) / step  # d f / d log x at -1.5, -.5, .5, 1.5 steps
    if np.any(slopes == 0) or np.ptp(np.sign(slopes)) > 0:
        return None
    # f ~ x^-a has df/dlogx ~ x^-a: its own log-slope is -a
    return float(-(np.log(abs(slopes[3])) - np.log(abs(slopes[0]))) / (3 * step))
