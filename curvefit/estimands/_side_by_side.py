"""Questions that can be answered together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..curves import Estimate, Status
from ..forecasting.forecast import Forecast
from ._base import Question, unanswered

__all__ = ["by_level", "with_forecast"]


def with_forecast(name: str, questions: Sequence[Question]) -> tuple[list[int], list[Estimate]]:
    """Places of the questions with a forecast, and an answer for each question that is true of those without one."""
    none = [
        unanswered(name, Status.NOT_APPLICABLE, "there is no forecast to a horizon", unit=q.unit) for q in questions
    ]
    return [i for i, q in enumerate(questions) if q.forecast is not None], none


def by_level(questions: Sequence[Question], places: Sequence[int]) -> Iterator[tuple[float, list[int], list[Forecast]]]:
    """Questions of one level together, with their forecasts; those without one are left out."""
    groups: dict[float, list[tuple[int, Forecast]]] = {}
    for place in places:
        forecast = questions[place].forecast
        if forecast is not None:
            groups.setdefault(questions[place].level, []).append((place, forecast))
    for level, found in groups.items():
        yield level, [i for i, _ in found], [f for _, f in found]
