"""Value at the horizon: of a new observation, with the mean curve beside it."""

from __future__ import annotations

from ..curves import Estimate, Interval, Status
from ._base import Question, unanswered

__all__ = ["value_at"]


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
    """
    forecast = question.forecast
    if forecast is None:
        return unanswered("value_at", Status.NOT_APPLICABLE, "there is no forecast to a horizon", unit=question.unit)
    alpha = 1 - question.level
    levels = [alpha / 2, 0.5, 1 - alpha / 2]
    there = forecast.at(-1)
    low, value, high = (float(v) for v in there.quantile(levels)[0])
    mean_low, mean, mean_high = (float(v) for v in there.mean(levels)[0])
    return Estimate(
        "value_at",
        value,
        Interval(low, high, question.level, "prediction", forecast.method),
        question.unit,
        forecast.status,
        forecast.reasons,
        {"mean": mean, "mean_low": mean_low, "mean_high": mean_high, "horizon": float(forecast.x[-1])},
    )
