"""The x at which the mean curve reaches a target, with the probability that it never does by the horizon."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..curves import Estimate, Interval, Status
from ..curves.numbers import format_probability, format_x
from ..forecasting.chances import chance_reached
from ..forecasting.forecast import Forecast
from ._base import Question, unanswered
from ._shared import local_of

__all__ = ["many", "target_reached"]


def target_reached(question: Question) -> Estimate:
    r"""First x at which the mean curve is at the target or better, from its distribution at each x.

    .. math:: P(T \le x) = 1 - \big(1 - \max_{x_T < x' \le x} P(s f(x') \le s\,t)\big)^k, \qquad
              P(\mathrm{never}) = 1 - P(T \le H)

    Parameters
    ----------
    question : Question
        Needs a target, and a forecast whose last x is the horizon unless the target was already reached.

    Returns
    -------
    Estimate
        Median of T in the unit of x with its interval, open above where the mass on "never" exceeds (1 - level)/2;
        NOT_REACHED and no value when that mass is one half or more. Details ``probability_never`` (by the horizon),
        ``probability`` (its complement), ``horizon``, ``target``; ``already_reached`` is 1 when the past decided it.

    Notes
    -----
    It is a statement about the mean curve: noisy observations cross almost any target sooner. A curve
    that kept to one quantile of the forecast would give k = 1; those seen move about, and k was learned from when they
    crossed their targets (`forecasting.chances`). The past decides
    only when the local mean was beyond the target by more than its noise. What it can neither prove nor exclude belongs to
    the interval, which then begins before the last observation although the median lies ahead. A 95 % interval covers .97 to 1 of
    first passages in simulated worlds and .99 on logged runs (``benchmarks/statistics/ESTIMATES.md``).
    """
    return many([question])[0]


def many(questions: Sequence[Question]) -> list[Estimate]:
    """Answer many questions at once."""
    local_of([q for q in questions if q.target is not None and len(q.curve) >= 3])
    return [_told(q) for q in questions]


def _told(question: Question) -> Estimate:
    name, curve = "target_reached", question.curve
    if question.target is None:
        return unanswered(name, Status.NOT_APPLICABLE, "no target was given", unit=curve.x_unit)
    past = _in_the_past(question, question.target)
    if past is not None:
        return past
    forecast = question.forecast
    if forecast is None:
        return unanswered(name, Status.NOT_APPLICABLE, "there is no forecast to a horizon", unit=curve.x_unit)
    reached = _probability_by(forecast, question.target, question.sign)
    alpha = 1 - question.level
    x = np.concatenate(([float(curve.x[-1])], forecast.x))
    low, value, high = (_first(x, reached, p) for p in (alpha / 2, 0.5, 1 - alpha / 2))
    low = min(low, _passage(question, question.target)[0])  # what the past cannot exclude
    horizon = float(forecast.x[-1])
    details = {
        "probability_never": float(1 - reached[-1]),
        "probability": float(reached[-1]),
        "horizon": horizon,
        "target": question.target,
        "already_reached": 0.0,
    }
    interval = Interval(low, high, question.level, "confidence", forecast.method) if np.isfinite(low) else None
    if not np.isfinite(value):
        reason = f"by {curve.x_unit} {format_x(horizon)} the mean curve reaches it with probability {format_probability(float(reached[-1]))}"
        return Estimate(name, None, interval, curve.x_unit, Status.NOT_REACHED, (reason, *forecast.reasons), details)
    return Estimate(name, value, interval, curve.x_unit, forecast.status, forecast.reasons, details)


def _probability_by(forecast: Forecast, target: float, sign: float) -> NDArray[np.float64]:
    """P(T <= x) just after the last observation and at the x of the forecast, shape (H + 1,), non-decreasing."""
    met = chance_reached(forecast, target)[:, 0]
    # the first interval belongs to the future too: what is met at its end may be met anywhere inside
    start = 0.0 if (forecast.level_now - target) * sign > 0 else met[0]
    return np.concatenate(([start], met))


def _first(x: NDArray[np.float64], reached: NDArray[np.float64], p: float) -> float:
    """Smallest x with P(T <= x) >= p, linear between the grid points; infinite when there is none."""
    at = int(np.searchsorted(reached, p, side="left"))
    if at == x.size:
        return np.inf
    if at == 0:
        return float(x[0])
    share = (p - reached[at - 1]) / (reached[at] - reached[at - 1])
    return float(x[at - 1] + share * (x[at] - x[at - 1]))


def _in_the_past(question: Question, target: float) -> Estimate | None:
    """When the local mean passed the target by more than its noise: where it did."""
    low, high = _passage(question, target)
    if not np.isfinite(high):
        return None
    curve, local = question.curve, local_of([question])[0][0]
    met = np.flatnonzero(question.sign * (target - local.mean) >= 0)
    value = min(max(float(local.x[met[0]]) if met.size else high, low), high)
    interval = Interval(low, high, question.level, "confidence", "local mean")
    details = {"probability_never": 0.0, "probability": 1.0, "target": target, "already_reached": 1.0}
    reason = "the past decides: the local mean was beyond the target by more than its noise"
    return Estimate("target_reached", value, interval, curve.x_unit, Status.OK, (reason,), details)


def _passage(question: Question, target: float) -> tuple[float, float]:
    """X before which the mean was not at the target yet, and x by which it was; infinite where the past cannot say.

    A test inverted: there once any window is surely beyond the target; not yet there at the last window before the best one
    that is surely short of it, and never where the best one is. Each of two widths has half of the error; the narrower
    tells more where the curve is steep. A window's mean is that of its middle but for the bend inside, for which it is
    moved by a quarter of its width.
    """
    curve = question.curve
    if len(curve) < 3:
        return np.inf, np.inf
    low, high = -np.inf, np.inf
    for local in local_of([question])[0][:2]:
        ahead = question.sign * (target - local.mean)  # positive where the target is met
        margin = local.margin((1 + question.level) / 2) * local.stderr
        moved = int(np.ceil(local.points.max() * ahead.size / len(curve) / 4))
        best = int(ahead.argmax())
        short = np.flatnonzero(ahead[: best + 1] < -margin[: best + 1])
        before = float(local.x[max(short[-1] - moved, 0)]) if short.size else float(local.x[0])
        sure = np.flatnonzero(ahead > margin)
        after = float(local.x[min(sure[0] + moved, ahead.size - 1)]) if sure.size else np.inf
        low, high = max(low, np.inf if short.size and short[-1] == best else before), min(high, after)
    return min(low, high), high
