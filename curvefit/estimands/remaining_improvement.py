"""Improvement of the mean curve that is left from the last observation to the horizon."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..curves import Estimate, Interval
from ..forecasting.forecast import Forecast
from ..forecasting.together import last_chances, last_quantiles
from ._base import Question
from ._shared import starting_levels
from ._side_by_side import by_level, with_forecast

__all__ = ["many", "remaining_improvement"]

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
    at the last observation in the definition of the plateau onset. A 95 % interval covers 1 of true gains in simulated
    worlds whose course goes on, .53 to .97 where the curve turns, and .90 on logged runs (``benchmarks/statistics/ESTIMATES.md``).
    """
    return many([question])[0]


def many(questions: Sequence[Question]) -> list[Estimate]:
    """Answer many questions at once."""
    able, out = with_forecast("remaining_improvement", questions)
    starts = dict(zip(able, starting_levels([questions[i] for i in able]), strict=True))
    for level, places, ahead in by_level(questions, able):
        alpha = 1 - level
        asked = [questions[i] for i in places]
        sign, now = np.array([q.sign for q in asked]), np.array([f.level_now for f in ahead])
        mean = last_quantiles(ahead, [alpha / 2, 0.5, 1 - alpha / 2, *_NODES], view="mean")
        gains = sign[:, None] * (now[:, None] - mean)
        told = np.sort(gains[:, :3], axis=1).tolist()
        expected = np.mean(np.maximum(gains[:, 3:], 0.0), axis=1).tolist()
        chances = last_chances(ahead, (now - sign * [q.min_gain for q in asked]).tolist()).tolist()
        for place, forecast, gain, worth, chance in zip(places, ahead, told, expected, chances, strict=True):
            out[place] = _told(questions[place], forecast, gain, worth, chance, starts[place])
    return out


def _told(
    question: Question,
    forecast: Forecast,
    gain: Sequence[float],
    expected: float,
    chance: float,
    start: tuple[float, float],
) -> Estimate:
    low, value, high = gain
    now = forecast.level_now
    details = {
        "expected_gain": expected,
        "level_now": now,
        "horizon": float(forecast.x[-1]),
        "min_gain": question.min_gain,
        "probability": chance,
    }
    level, noise = start
    done = question.sign * (level - now)
    if done + value > 3 * noise and done + low > 0:
        for key, left in (("share", value), ("share_low", low), ("share_high", high)):
            details[key] = left / (done + left)
    interval = Interval(low, high, question.level, "confidence", forecast.method)
    return Estimate("remaining_improvement", value, interval, question.unit, forecast.status, forecast.reasons, details)
