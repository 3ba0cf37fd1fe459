"""Forecast a curve of a run with what its log says of the learning rate and of the planned length."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from ..curves import Curve, Run, Schedule
from ..curves.numbers import format_x
from .api import forecast
from .forecast import Forecast
from .forecasters import Forecaster
from .learning.experience import Experience

__all__ = ["forecast_run", "logged_schedule"]

_BY_SIZE = ("sample", "parameter", "flop", "token")  # an x along which runs are compared has no schedule to miss
_SHARE = 0.8  # of the curve's range that the logged rates must cover
_CONSTANT = 1e-6  # of the peak


def forecast_run(
    run: Run,
    curve: Curve,
    x: ArrayLike,
    *,
    method: str | Forecaster = "pooled",
    level: float = 0.95,
    experience: Experience | None = None,
) -> tuple[Forecast, tuple[str, ...]]:
    """Forecast with the logged learning rate where there is one that says something, blindly elsewhere.

    Parameters
    ----------
    run : Run
        Whose log may hold the learning rate and the planned length.
    curve : Curve
        The curve of the run to forecast.
    x, level
        As for `curvefit.forecasting.api.forecast`.
    method : str or Forecaster
        The schedule is used with the default method (and "annealed") only: who names another one gets that one.
    experience : Experience, optional
        What was learned from earlier runs.

    Returns
    -------
    Forecast
        Of the annealed law and the pool, or of the method alone.
    tuple of str
        Why the schedule was not used, as sentences for the report; empty when it was.
    """
    if method not in ("pooled", "annealed"):
        return forecast(curve, x, method=method, level=level, experience=experience), ()
    schedule, why = logged_schedule(run, curve)
    if schedule is None:
        return _noted(forecast(curve, x, level=level, experience=experience), curve, (why,) if why else ())
    if float(schedule.x[-1]) < float(np.max(np.asarray(x, dtype=np.float64))):
        schedule = Schedule(schedule.x, schedule.rate)  # what goes on beyond its end is inferred, as from a log
    end = run.horizon if run.horizon is not None and run.horizon > curve.x[-1] else None
    made = forecast(curve, x, schedule=schedule, planned=end, level=level, experience=experience)
    if made.explanation.get("annealed_weight"):
        return made, ()
    blind = forecast(curve, x, level=level, experience=experience)
    added = made.reasons[len(blind.reasons) :]
    known = {**blind.explanation, **{k: v for k, v in made.explanation.items() if k.startswith("rate_")}}
    notes = tuple(f"{reason[0].upper()}{reason[1:]}." for reason in added)
    return _noted(replace(blind, explanation=known), curve, notes)


def _noted(blind: Forecast, curve: Curve, notes: tuple[str, ...]) -> tuple[Forecast, tuple[str, ...]]:
    """What the reader should know of a blind forecast: a drop that was found in the values, too."""
    at = blind.explanation.get("restarted_at")
    if at is None:
        return blind, notes
    said = f"A third of the forecast rests on the curve since its sudden drop at {curve.x_unit} {format_x(at)}."
    return blind, (*notes, said)


def logged_schedule(run: Run, curve: Curve) -> tuple[Schedule | None, str]:
    """The run's learning rate where a forecast of the curve can rest on it, else None and a sentence that says why.

    A log in which the rate has been constant so far says nothing about what is planned unless the planned length is
    known: the forecast is then the blind one, which allows for more than "it stays constant" would.
    """
    schedule = run.schedule
    if schedule is None:
        if curve.x_unit in _BY_SIZE or curve.kind == "reward":
            return None, ""
        return None, "No learning rate is logged: the forecast knows nothing of a decay still to come."
    if len(schedule) < 2 or schedule.peak <= 0:
        return None, "The logged learning rate is zero or a single value: the forecast is made without it."
    first, last = float(curve.x[0]), float(curve.x[-1])
    covered = min(float(schedule.x[-1]), last) - max(float(schedule.x[0]), first)
    if covered < _SHARE * (last - first):
        return None, (
            f"The learning rate is logged for {curve.x_unit} {schedule.x[0]:g} to {schedule.x[-1]:g} only: the forecast "
            "is made without it."
        )
    body = schedule.rate[schedule.x >= schedule.warmup_end]
    if (run.horizon is None or run.horizon <= last) and np.ptp(body) <= _CONSTANT * schedule.peak:
        plan = "no planned length is known" if run.horizon is None else "the planned length is reached"
        return None, (
            f"The learning rate has not been lowered yet and {plan}: the forecast is made without it, "
            "and a decay still to come would bring more."
        )
    return schedule, ""
