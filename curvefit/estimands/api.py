"""Ask for one quantity of interest of a curve, or for all that can be answered."""

from __future__ import annotations

from collections.abc import Iterable

from ..curves import Curve, DataError, Estimate, UsageError
from ..fitting.fit import Fit
from ..fitting.fit import fit as fit_law
from ..forecasting.api import forecast as make_forecast
from ..forecasting.forecast import Forecast
from . import registry
from ._base import Question, horizon_grid

__all__ = ["answer", "estimate"]

_NEEDS_HORIZON = frozenset({"value_at", "remaining_improvement", "target_reached", "plateau_onset"})
_READS_FIT = frozenset({"asymptote", "remaining_improvement", "plateau_onset", "convergence_rate"})


def estimate(
    curve: Curve,
    name: str,
    *,
    horizon: float | None = None,
    target: float | None = None,
    eps: float = 0.01,
    level: float = 0.95,
    min_gain: float = 0.0,
    forecast: Forecast | None = None,
    fit: Fit | None = None,
    model: str = "power_law",
) -> Estimate:
    """One quantity of interest of a curve, with its interval.

    Parameters
    ----------
    curve : Curve
        The observed part.
    name : str
        One of ``curvefit list estimands``: value_at, remaining_improvement, asymptote, target_reached, plateau_onset,
        convergence_rate, best_point.
    horizon : float, optional
        x up to which the question is asked; needed by value_at, remaining_improvement, target_reached, plateau_onset.
    target : float, optional
        Value to be reached, in the unit of the metric; needed by target_reached.
    eps : float
        Share of the total drop that counts as nothing (plateau onset).
    level : float
        Nominal coverage of the interval.
    min_gain : float
        Smallest improvement that matters, in the unit of the metric.
    forecast : Forecast, optional
        One that is already there, its last x the horizon; by default the default forecast to the horizon is made.
    fit : Fit, optional
        One that is already there; by default ``model`` is fitted where the quantity reads a fit.
    model : str
        Law to fit when no fit is given.

    Returns
    -------
    Estimate
        Value, interval with level and kind, unit, status with reasons, details.

    Raises
    ------
    UsageError
        For an unknown name, or when the horizon or the target it needs is missing or not beyond the data.
    DataError
        For a curve without finite points, or without a direction where one is needed.

    Examples
    --------
    >>> import numpy as np, curvefit as cf
    >>> x = np.arange(1, 201)
    >>> curve = cf.Curve(x, 2 + 3 * x**-0.5, "val_loss")
    >>> cf.estimate(curve, "best_point").value
    200.0
    """
    way = registry[name]
    if not len(curve):
        raise DataError("the curve has no finite points", where=curve.metric.name)
    if name == "target_reached" and target is None:
        raise UsageError("target_reached needs a target", code="CF-USE-001", hint="target=0.25, in the metric's unit")
    if horizon is None and forecast is not None:
        horizon = float(forecast.x[-1])
    if horizon is None and name in _NEEDS_HORIZON:
        raise UsageError(
            f"{name} needs a horizon: the {curve.x_unit} up to which is asked",
            code="CF-USE-001",
            hint=f"horizon={2 * curve.x[-1]:g} would be twice what has been seen",
        )
    if forecast is None and horizon is not None and name in _NEEDS_HORIZON:
        forecast = make_forecast(curve, horizon_grid(curve, horizon))
    if fit is None and name in _READS_FIT:
        fit = fit_law(curve, model)
    return way(Question(curve, forecast, fit, horizon, target, eps, level, min_gain))


def answer(question: Question, names: Iterable[str] | None = None) -> dict[str, Estimate]:
    """Every quantity of interest for one question, in the order people read them.

    Parameters
    ----------
    question : Question
        With whatever is known; what an estimand misses it answers with a status, not an exception.
    names : iterable of str, optional
        Default: all that are registered, target_reached only when there is a target.
    """
    order = ("value_at", "remaining_improvement", "target_reached", "best_point", "plateau_onset", "convergence_rate")
    if names is None:
        known = registry.names()
        names = [n for n in order if n in known] + [n for n in known if n not in order]
        if question.target is None:
            names = [n for n in names if n != "target_reached"]
    return {name: registry[name](question) for name in names}
