"""Improvement of the mean curve that is left from the last observation to the horizon."""

from __future__ import annotations

import numpy as np

from ..curves import Estimate, Interval, Status
from ..forecasting.chances import chance_as_good
from ._base import Question, unanswered
from ._start import starting_level

__all__ = ["remaining_improvement"]

_NODES = (np.arange(39) + 1.0) / 40.0


def remaining_improvement(question: Question) -> Estimate:
    r"""What the mean curve f still gains by the horizon H, positive when it gets better.

    .. math:: R = s\,\big(f(x_T) - f(H)\big), \qquad \mathrm{share} = \frac{R}{s\,(f(x_1) - f(H))},
              \qquad s = +1 \text{ when smaller is better, else } -1

    Parameters
    ----------
    question : Question
        Needs a forecast whose last x is the horizon.

    Returns
    -------
    Estimate
        In the unit of the metric, with a confidence interval of the mean curve. Details: ``share`` of the total gain
        with ``share_low`` and ``share_high`` (absent when the total gain does not rise above the noise),
        ``probability`` of at least ``min_gain``, ``expected_gain`` (the mean of R where it is positive, 0 elsewhere),
        ``level_now``, ``horizon``.

    Notes
    -----
    The level now is the local mean of the curve at the last observation; the distribution of f(H) around it is the
    forecast's. A run that gets worse has a negative R. The share is 1 at the start of a run and falls to 0: it is G
    at the last observation in the definition of the plateau onset.
    """
    name = "remaining_improvement"
    forecast = question.forecast
    if forecast is None:
        return unanswered(name, Status.NOT_APPLICABLE, "there is no forecast to a horizon", unit=question.unit)
    sign, now = question.sign, forecast.level_now
    alpha = 1 - question.level
    there = forecast.at(-1)
    row = there.mean([alpha / 2, 0.5, 1 - alpha / 2, *_NODES])[0]
    gains = sign * (now - row)
    low, value, high = sorted(gains[:3].tolist())
    details = {
        "expected_gain": float(np.mean(np.maximum(gains[3:], 0.0))),
        "level_now": now,
        "horizon": float(forecast.x[-1]),
        "min_gain": question.min_gain,
    }
    details["probability"] = float(chance_as_good(there, now - sign * question.min_gain)[0, 0])
    start, noise = starting_level(question)
    done = sign * (start - now)
    if done + value > 3 * noise and done + low > 0:
        for key, gain in (("share", value), ("share_low", low), ("share_high", high)):
            details[key] = gain / (done + gain)
    interval = Interval(low, high, question.level, "confidence", forecast.method)
    return Estimate(name, value, interval, question.unit, forecast.status, forecast.reasons, details)
