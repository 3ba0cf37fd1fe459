"""Plateau onset by gain: the first x from which next to nothing is left to gain by the horizon."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..curves import Estimate, Interval, Status
from ..curves.numbers import format_share, format_x
from ._base import Question, unanswered
from ._misfit import late_misfit
from ._passages import Passage, first_passages, forecast_paths, led_to
from ._paths import mean_paths
from ._shared import local_of, noise_of, starting_level

__all__ = ["many", "plateau_onset"]

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
        above its best level by more than noise and eps of its gain, it is NOT_REACHED and has no value. Details: ``eps``,
        ``gain_left`` = G at the last observation, ``probability`` that the onset
        is in the data, ``expected_x`` (the onset, in the data or after), ``from_fit`` 1 or 0; the reasons say in
        words which view was used.

    Notes
    -----
    The fitted law is used where it is usable, follows the local mean of the late curve within noise or a quarter of
    eps, and agrees with the forecast's 95 % intervals of the mean now and at the horizon: its curve is smooth, so a first
    passage means something. The value is the
    law's; in the interval its draws are led to where the forecast may be at the horizon, since whether the law goes on is what
    its own uncertainty does not hold. Otherwise the past is a monotone regression of block
    means that ends at the forecast's present level, and f(H) is the forecast's. By its definition every improving curve has an
    onset before the horizon; a
    plateau is one that lies in the data. Quantiles of a forecast give its paths one shape, so that they pass at nearly one x: of an
    onset that a forecast puts after the data only that it lies before the horizon is told. A plateau can precede a breakthrough
    that no mean curve shows.

    A 95 % interval covers .97 to 1 of onsets in simulated worlds, at the price of being about as wide as the onset is far, and .86
    on logged runs, .68 of those that a law puts inside their data (``benchmarks/statistics/ESTIMATES.md``).

    The diagnosis `plateaued` asks another question: whether the present course, a line through the last phase carried on
    to the horizon, gains less than 2 % of what was gained so far. A law or a forecast may still expect a slow gain where
    that line is level; a report that holds both answers says which is which.
    """
    return many([question])[0]


def many(questions: Sequence[Question]) -> list[Estimate]:
    """Answer many questions at once; what a fitted law says of each is read one by one."""
    out: list[Estimate | None] = []
    rest: list[tuple[int, str]] = []
    for i, question in enumerate(questions):
        told, why = _without_forecast(question)
        out.append(told)
        if told is None:
            rest.append((i, f"read off the forecast: {why}"))
    for (i, view), (grid, paths) in zip(rest, forecast_paths([questions[i] for i, _ in rest]), strict=True):
        out[i] = _told(questions[i], first_passages(grid, paths, questions[i]), view)
    return [told for told in out if told is not None]


def _without_forecast(question: Question) -> tuple[Estimate | None, str]:
    """The answer where the law gives it or nothing can; else None and why the law is not used."""
    name, curve = "plateau_onset", question.curve
    if question.horizon is None or (question.fit is None and question.forecast is None):
        reason = "it needs a horizon and a fit or a forecast"
        return unanswered(name, Status.NOT_APPLICABLE, reason, unit=curve.x_unit), ""
    if len(curve) < 4:
        return unanswered(name, Status.TOO_FEW_POINTS, "fewer than 4 points", unit=curve.x_unit), ""
    passed, why = _from_fit(question, question.horizon)
    if passed is not None and question.fit is not None:
        return _told(question, passed, f"read off the fitted {question.fit.model.name.replace('_', ' ')}", fit=True), ""
    if question.forecast is None:
        return unanswered(name, Status.NOT_APPLICABLE, why, unit=curve.x_unit), ""
    return None, why


def _told(question: Question, passed: Passage, view: str, *, fit: bool = False) -> Estimate:
    name, curve, horizon = "plateau_onset", question.curve, question.horizon
    assert horizon is not None
    alpha = 1 - question.level
    gain, value, last = float(passed.gains[0]), float(passed.onsets[0]), float(curve.x[-1])
    if gain <= 0 or _quantiles(passed.gains[1:], alpha / 2)[0] <= 0:
        reason = "the mean curve does not improve by the horizon beyond its uncertainty"
        return unanswered(name, Status.NOT_APPLICABLE, reason, unit=curve.x_unit, details={"eps": question.eps})
    low, high = _quantiles(passed.onsets[1:], alpha / 2, 1 - alpha / 2)
    if value > last and not fit:
        low, high = min(low, last), horizon
    interval = Interval(min(low, value), max(high, value), question.level, "confidence", "fit" if fit else "forecast")
    details = {
        "eps": question.eps,
        "gain_left": passed.left,
        "probability": float(np.mean(passed.onsets[1:] <= last)),
        "expected_x": value,
        "from_fit": float(fit),
        "horizon": horizon,
    }
    if value > last:
        whole = f"the gain from {curve.x_unit} {format_x(curve.x[0])} to {format_x(horizon)}"
        still = format_share(passed.left)
        reason = f"{still} of {whole} is still to come, more than the {format_share(question.eps)} that an onset leaves; {view}"
        return Estimate(name, None, interval, curve.x_unit, Status.NOT_REACHED, (reason,), details)
    again = _rises_again(question, gain)
    if again:
        return Estimate(name, None, None, curve.x_unit, Status.NOT_REACHED, (again,), details)
    return Estimate(name, value, interval, curve.x_unit, Status.OK, (view,), details)


def _quantiles(values: _Array, *levels: float) -> list[float]:
    """Quantiles of a sample, linear between its sorted values."""
    ordered, out = np.sort(values), []
    for level in levels:
        place = level * (ordered.size - 1)
        at = int(place)
        low, high = float(ordered[at]), float(ordered[min(at + 1, ordered.size - 1)])
        out.append(low + (place - at) * (high - low))
    return out


def _rises_again(question: Question, gain: float) -> str:
    """Why what looks like an onset is none: the curve ends worse than its best level; empty when it does not.

    A first passage is a plateau only where the curve stays: noise (Bonferroni over the windows) and eps of the total
    gain are allowed.
    """
    local = local_of([question])[0][0]
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


def _from_fit(question: Question, horizon: float) -> tuple[Passage | None, str]:
    """First passages of the mean curves that the fit allows; or None and why the fit is not used."""
    fit, forecast = question.fit, question.forecast
    if fit is None:
        return None, "no law was fitted"
    if not fit.status.usable:
        return None, f"the fit is not usable ({fit.status.value})"
    grid = _grid(question.curve.x, horizon)
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
    if forecast is not None:
        led_to(forecast, grid, paths, float(question.curve.x[-1]))
    if question.curve.x[0] < grid[0]:  # at 0, where a law has no value: the gain counts from there all the same
        level, _ = starting_level(question, noise_of([question])[0])
        grid = np.append(question.curve.x[0], grid)
        paths = np.column_stack([np.full(paths.shape[0], level), paths])
    passed = first_passages(grid, paths, question)
    off, noise = late_misfit(fit, float(passed.onsets[0]), question.known)
    if np.any(off > np.maximum(noise, question.eps * abs(passed.gains[0]) / 4)):
        return None, "the law misses the late curve by more than noise and a quarter of eps"
    return passed, ""
