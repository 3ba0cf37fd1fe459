"""How fast the curve still improves: slope per decade of x over the last half of the run, and the local exponent."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..curves import Curve, Estimate, Interval, Status
from ..curves.numbers import counted
from ..fitting.autocorrelation import effective_size, lag1
from ._base import Question, unanswered
from ._local_mean import winsorized

__all__ = ["convergence_rate"]

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
    exponent is the law's, without an interval: read the fit's own parameter for that.
    """
    name, curve = "convergence_rate", question.curve
    unit = f"{question.unit or curve.metric.name} per decade"
    keep = curve.x > 0
    x, y = curve.x[keep], curve.y[keep]
    if x.size < _FEWEST or x[-1] <= x[0]:
        reason = f"{counted(x.size, 'point')} at positive x; a slope with an honest interval needs {_FEWEST}"
        return unanswered(name, Status.TOO_FEW_POINTS, reason, unit=unit)
    first = min(int(np.searchsorted(x, x[-1] / 2)), x.size - _FEWEST)
    x, y = _pulled_in(curve, x[first:], y[first:])
    if x[-1] <= x[0]:
        return unanswered(name, Status.TOO_FEW_POINTS, "all points of the last half are at one x", unit=unit)
    if float(np.ptp(y)) == 0.0:
        reason = "the last values are all the same: no noise seen, an interval is not estimable"
        return Estimate(name, 0.0, None, unit, Status.CONSTANT, (reason,), {"x_from": x[0], "x_to": x[-1]})
    scale = float(np.max(np.abs(y)))  # squares neither overflow nor vanish
    slope, error, df, rho = _slope(np.log10(x), y / scale, x)
    slope, error = slope * scale, error * scale
    from scipy.special import stdtrit

    reach = float(stdtrit(df, (1 + question.level) / 2)) * error
    rate = -question.sign * slope
    details = {"x_from": float(x[0]), "x_to": float(x[-1]), "points": float(x.size), "rho": rho}
    exponent = _exponent(question, float(curve.x[-1]))
    if exponent is not None:
        details["exponent"] = exponent
    interval = Interval(rate - reach, rate + reach, question.level, "confidence", "least squares, effective size")
    return Estimate(name, rate, interval, unit, Status.OK, (), details)


def _pulled_in(curve: Curve, x: _Array, y: _Array) -> tuple[_Array, _Array]:
    """Values far from their running median pulled in; long windows are thinned by block means first."""
    size = -(-x.size // 4096)
    if size > 1:
        full = (x.size // size) * size
        x = 10 ** np.mean(np.log10(x[-full:].reshape(-1, size)), axis=1)
        y = np.mean(y[-full:].reshape(-1, size), axis=1)
    return x, winsorized(y, min(2 * int(max(3.0, np.sqrt(y.size)) / 2) + 1, y.size - 1 + y.size % 2))


def _slope(u: _Array, y: _Array, x: _Array) -> tuple[float, float, float, float]:
    """Least-squares slope, its standard error, degrees of freedom, and the correlation of the residuals."""
    du, dy = u - u.mean(), y - y.mean()
    sxx = float(du @ du)
    slope = float(du @ dy) / sxx
    residual = dy - slope * du
    rho = lag1(residual, x, parameters=2)
    size = max(effective_size(x.size, rho), 3.0)
    df = max(size - 2, 1.0)
    variance = float(residual @ residual) / max(x.size - 2, 1) * x.size / size
    return slope, float(np.sqrt(variance / sxx)), df, rho


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
