"""Value at the horizon: of a new observation, with the mean curve beside it."""

from __future__ import annotations

from collections.abc import Sequence

from ..curves import Estimate, Interval
from ..forecasting.together import last_quantiles
from ._base import Question
from ._side_by_side import by_level, with_forecast

__all__ = ["many", "value_at"]


def value_at(question: Question) -> Estimate:
    r"""Median of the predictive distribution of a new observation at the horizon.

    .. math:: \hat y(H) = F_H^{-1}(1/2), \qquad [F_H^{-1}(\alpha/2),\; F_H^{-1}(1 - \alpha/2)]

    Parameters
    ----------
    question : Question
        Needs a forecast whose last x is the horizon.

    Returns
    -------
    Estimate
        In the unit of the metric, with a prediction interval; details ``mean``, ``mean_low``, ``mean_high`` are the
        underlying mean there and its confidence interval, ``horizon`` is H.

    Notes
    -----
    A 95 % interval covers .92 to 1 of new observations at twice the data's x in simulated worlds whose course goes on, .49 to
    .81 where the curve turns, which no forecast knows, and .91 on logged runs (``benchmarks/statistics/ESTIMATES.md``).
    """
    return many([question])[0]


def many(questions: Sequence[Question]) -> list[Estimate]:
    """Answer many questions at once."""
    able, out = with_forecast("value_at", questions)
    for level, places, ahead in by_level(questions, able):
        alpha = 1 - level
        levels = [alpha / 2, 0.5, 1 - alpha / 2]
        observed, mean = last_quantiles(ahead, levels), last_quantiles(ahead, levels, view="mean")
        rows = zip(places, ahead, observed.tolist(), mean.tolist(), strict=True)
        for place, forecast, (low, value, high), (mean_low, middle, mean_high) in rows:
            out[place] = Estimate(
                "value_at",
                value,
                Interval(low, high, level, "prediction", forecast.method),
                questions[place].unit,
                forecast.status,
                forecast.reasons,
                {"mean": middle, "mean_low": mean_low, "mean_high": mean_high, "horizon": float(forecast.x[-1])},
            )
    return out
