"""Everything about one run, from its curve to a decision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .curves import Curve, DataError, Run, UsageError, as_run
from .curves._arguments import checked
from .curves._checks import check_level
from .curves.numbers import format_x
from .decisions._gain import smallest_gain
from .decisions.recommend import recommend
from .diagnostics.api import diagnose
from .diagnostics.evidence import future_grid
from .estimands import Question
from .estimands import registry as estimands
from .fitting.autocorrelation import effective_size, lag1
from .fitting.fit import Fit, fit
from .fitting.screening import first_look
from .fitting.selection import select
from .forecasting.learning.experience import Experience
from .forecasting.planned.ending import begins_late, default_horizon
from .forecasting.scheduled import forecast_run
from .reporting.report import Report

__all__ = ["analyze"]

LAWS = {  # what is compared for "auto": those that describe such curves in the literature, from flat to four parameters
    "falling": ("constant", "log_linear", "power_law", "exponential", "stretched_exponential", "mmf"),
    "saturating": ("constant", "log_linear", "exponential", "mmf", "log_law"),
}


@checked
def analyze(
    run: Run | Curve | Mapping[str, Any] | Any,
    metric: str | None = None,
    *,
    horizon: float | None = None,
    target: float | None = None,
    level: float = 0.95,
    min_gain: float | str | None = None,
    cost_per_unit: float | None = None,
    worth_per_unit: float | None = None,
    best: float | None = None,
    model: str | None = "auto",
    method: str = "pooled",
    experience: Experience | None = None,
) -> Report:
    """Fit, forecast and diagnose one curve of a run, and say what to do.

    Parameters
    ----------
    run : Run, Curve, mapping or array-like
        A run; a curve; equally long columns by metric name; or the values of one curve at x = 1, 2, 3, ...
    metric : str, optional
        Curve to analyze; default the run's main one: validation before training, loss before the rest.
    horizon : float, optional
        x up to which the questions are asked, in the unit of x, beyond the data. Default: the run's planned length if
        that lies beyond the data, else where the logged learning rate ends the decay it is in, else twice the data;
        the report's notes say which.
    target : float, optional
        Value to be reached, in the metric's unit.
    level : float
        Coverage of every interval, in (0, 1).
    min_gain : float or str, optional
        Smallest improvement that matters: in the metric's unit, ``"1%"`` of the level now, or ``"2 sigma"``.
    cost_per_unit, worth_per_unit : float, optional
        Cost of one unit of x and worth of one unit of the metric, in one currency.
    best : float, optional
        Best value of earlier runs, to be beaten.
    model : str or None
        Law to fit, or a sum of laws such as ``"power_law+exponential"``; "auto" compares those usual for such a metric;
        None fits none.
    method : str
        Forecaster. The default one uses the logged learning rate and the planned length when the log has them, and
        the notes say so when it has not.
    experience : Experience, optional
        What `curvefit.learn` learned from earlier runs of this kind; for the default forecaster.

    Returns
    -------
    Report
        Forecast, fit, estimates, diagnoses and recommendation, with the notes that qualify them.

    Raises
    ------
    UsageError
        When a name is unknown or a number makes no sense.
    DataError
        When the curve has no finite point, or nobody can tell which way is better.

    Notes
    -----
    Fit and forecast are two views of the same curve: the fit says which law describes the data, the forecast what
    will be observed. They may disagree, since a law fitted to the whole past follows the far past too well.

    Examples
    --------
    >>> import numpy as np
    >>> import curvefit as cf
    >>> x = np.arange(1.0, 101.0)
    >>> y = 2 + 3 * x**-0.5 + 0.01 * np.random.default_rng(1).standard_normal(100)
    >>> report = cf.analyze(cf.Curve(x, y, metric="val_loss"), horizon=200)
    >>> report.estimates["value_at"].interval.level
    0.95
    """
    level = check_level(level)
    run = as_run(run, "analyze", metric)
    metric = metric or run.main_metric()
    curve = run[metric]
    curve.metric.need_direction()
    if not len(curve):
        raise DataError(
            "no finite values", where=f"{run.name}: {metric}", hint="see the log: every value is NaN or infinite"
        )
    asked = horizon
    horizon, notes = planned(run, curve, horizon)
    ahead, about_rate = forecast_run(
        run, curve, future_grid(curve, horizon), method=method, level=level, experience=experience
    )
    diagnoses = diagnose(run, metric=metric, horizon=horizon, forecast=ahead)
    law, choice = describe(curve, model)
    question = Question(
        curve,
        ahead,
        law,
        horizon,
        target,
        level=level,
        min_gain=smallest_gain(min_gain, curve, ahead.level_now, ahead.noise)[0],
    )
    estimates = {name: estimands[name](question) for name in estimands}
    recommendation = recommend(
        run,
        metric=metric,
        horizon=asked,  # a run whose plan is reached is not told to go on unless more is asked about
        cost_per_unit=cost_per_unit,
        worth_per_unit=worth_per_unit,
        min_gain=min_gain,
        target=target,
        best=best,
        forecast=ahead,
        diagnoses=diagnoses,
        best_point=estimates["best_point"],
    )
    return Report(
        run,
        metric,
        curve,
        horizon,
        level,
        law,
        ahead,
        estimates,
        diagnoses,
        recommendation,
        (*notes, *about_rate, *choice),
    )


def planned(run: Run, curve: Curve, horizon: float | None) -> tuple[float, tuple[str, ...]]:
    """The horizon, and where it came from when it was not asked for."""
    last = float(curve.x[-1])
    if horizon is not None:
        if not (np.isfinite(horizon) and horizon > last):
            raise UsageError(
                f"the horizon {format_x(horizon)} is not beyond the last {curve.x_unit}, {format_x(last)}",
                code="CF-USE-007",
                where=f"{run.name}: {curve.metric.name}",
                hint="ask for a later one; for a value inside the data: cf.fit(curve, model).predict(x)",
            )
        return float(horizon), ()
    found, source = default_horizon(run, curve)
    where = f"{curve.x_unit} {format_x(found)}"
    if source == "planned":
        return found, (f"Horizon: the run's planned length, {where}.",)
    if source == "decay":
        return found, (f"Horizon: {where}, where the learning rate will have come down by its course so far.",)
    ended = f"the plan ({format_x(run.horizon)}) has been reached and " if run.horizon is not None else ""
    told = f"Horizon: twice the data, {where}, since {ended}no other was asked for."
    if begins_late(curve):
        told += (
            f" The log begins at {curve.x_unit} {format_x(float(curve.x[0]))}; laws and forecasts count from 0, so that a model "
            "which is trained further is told of better with that taken away from x."
        )
    return found, (told,)


def describe(curve: Curve, model: str | None) -> tuple[Fit | None, tuple[str, ...]]:
    """The law that describes the data, the one named or the best of several, and what qualifies the choice.

    Parameters
    ----------
    curve : Curve
        The data.
    model : str or None
        A law, a sum of laws such as ``"power_law+exponential"``, "auto", or None for no law.
    """
    if model is None:
        return None, ()
    if model != "auto":
        return fit(curve, model), ()
    seen = sampled(curve)
    near = within_reach(seen, LAWS["falling" if curve.direction == "min" else "saturating"])
    if len(near) == 1:
        law, caveat = fit(curve, near[0]), f"conditional on the selected model ({near[0]})"
    else:
        chosen = select(seen, near)
        law = chosen.best if len(chosen.best.curve) == len(curve) else fit(curve, chosen.best.model)
        caveat = chosen.caveat
    return law, (f"Intervals of the fitted law are {caveat}.",) if law.status.usable else ()


def within_reach(curve: Curve, laws: tuple[str, ...], most: float = 40.0) -> tuple[str, ...]:
    """Laws that may win: twice the log likelihood ratio to the best, on as many points as are independent, is at most so.

    Plain least squares on some of the points decides, which is quick; the rest need no closer look. Outliers raise all
    sums of squares alike, so that they exclude no law.
    """
    looks = first_look(sampled(curve, 300), laws)
    if not looks:
        return laws
    best = min(looks, key=lambda look: look.log_rss)
    residuals = best.residuals(curve)
    points = effective_size(residuals.size, lag1(residuals, curve.x[-residuals.size :]))
    near = {look.model.name for look in looks if points * (look.log_rss - best.log_rss) <= most}
    return tuple(name for name in laws if name in near) or laws


def sampled(curve: Curve, points: int = 3000) -> Curve:
    """At most so many of the points, two thirds even in rank and one third even in its logarithm, ends included.

    Enough to choose a law by: the winner is fitted to all points.
    """
    n = len(curve)
    if n <= points:
        return curve
    even = np.linspace(0, n - 1, 2 * points // 3)
    early = np.geomspace(1, n, points - even.size) - 1
    keep = np.unique(np.concatenate([even, early]).astype(np.intp))
    return Curve(curve.x[keep], curve.y[keep], curve.metric, x_unit=curve.x_unit, bounds=curve.bounds)
