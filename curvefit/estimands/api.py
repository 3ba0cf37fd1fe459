"""Ask for one quantity of interest of a curve, or for all that can be answered."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import isfinite, log10
from typing import Literal, get_args

from ..curves import Curve, DataError, Estimate, Schedule, UsageError
from ..curves._arguments import checked
from ..curves._checks import check_level
from ..fitting.fit import Fit
from ..fitting.fit import fit as fit_law
from ..forecasting.api import forecast as make_forecast
from ..forecasting.forecast import Forecast
from ..forecasting.learning.experience import Experience
from ..segmentation.segmented_regression import BreakpointInterval
from . import registry
from ._base import Question, horizon_grid
from ._onset_kink import onset_by_kink
from ._onset_slope import onset_by_slope

__all__ = ["Definition", "answer", "answer_many", "estimate", "plateau_onset"]

Definition = Literal["kink", "gain", "slope"]

_NEEDS_HORIZON = frozenset({"value_at", "remaining_improvement", "target_reached", "plateau_onset"})
_READS_FIT = frozenset({"asymptote", "remaining_improvement", "plateau_onset", "convergence_rate"})


@checked
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
    schedule: Schedule | None = None,
    planned: float | None = None,
    experience: Experience | None = None,
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
    schedule, planned, experience
        As for `curvefit.forecast`, when no forecast is given.

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
        forecast = make_forecast(
            curve, horizon_grid(curve, horizon), schedule=schedule, planned=planned, experience=experience
        )
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


def answer_many(questions: Sequence[Question], name: str) -> list[Estimate]:
    """One quantity of interest for many questions; the same as one by one, in a fraction of the time.

    Parameters
    ----------
    questions : sequence of Question
        Each with whatever is known.
    name : str
        Of the estimand.
    """
    way = registry[name]
    together = getattr(sys.modules[way.__module__], "many", None) if hasattr(way, "__module__") else None
    if together is None:
        return [way(question) for question in questions]
    found: list[Estimate] = together(questions)
    return found


@checked
def plateau_onset(
    curve: Curve,
    definition: Definition = "kink",
    *,
    eps: float = 0.01,
    delta: float | None = None,
    horizon: float | None = None,
    level: float = 0.95,
    interval: BreakpointInterval = "profile_likelihood",
    x_axis: Literal["auto", "linear", "log"] = "auto",
    n_breakpoints: int | Literal["auto"] = "auto",
    model: str = "auto",
) -> Estimate:
    r"""Where a curve levels off, by one of three definitions.

    .. math:: \text{kink: } x_p = \psi_K,\; f'(x) = 0 \text{ beyond}; \qquad
              \text{gain: } G(x_p) = \varepsilon,\; G(x) = \frac{f(x) - f(H)}{f(x_1) - f(H)}; \qquad
              \text{slope: } \Big|\frac{df}{d \log_{10} x}\Big|(x_p) = \delta

    Parameters
    ----------
    curve : Curve
        The observed part, of a metric with a known direction.
    definition : {"kink", "gain", "slope"}
        "kink": the last breakpoint of a broken line that ends with slope zero. "gain": the first x at which at most the
        share ``eps`` of the improvement up to the horizon is still to come. "slope": the first x, after the steepest,
        at which the fitted law improves by at most ``delta`` per decade.
    eps : float
        Share, for "gain".
    delta : float, optional
        In the unit of the metric per tenfold x; needed by "slope".
    horizon : float, optional
        x up to which is asked; needed by "gain", and where "slope" stops following its law.
    level : float
        Nominal coverage of the interval.
    interval : {"profile_likelihood", "profile_sieve", "delta", "block_bootstrap"}
        How the interval of a kink is made; see `curvefit.segment`.
    x_axis : {"auto", "linear", "log"}
        Axis of the broken line, for "kink"; "auto" takes the one that describes the curve better.
    n_breakpoints : int or "auto"
        Of the broken line, the onset included, for "kink".
    model : str
        Law, for "slope"; "auto" averages over the laws that the curve does not tell apart.

    Returns
    -------
    Estimate
        Its name and reasons say which definition: ``plateau_onset_kink``, ``_gain`` or ``_slope``. Value and interval
        are in the unit of x; ``log10_x``, ``log10_low`` and ``log10_high`` among the details are the same in decades.
        NOT_REACHED when the onset lies after the last observation.

    Raises
    ------
    UsageError
        For an unknown definition, or when ``delta`` or the horizon it needs is missing.
    DataError
        For a curve without finite points, or without a direction.

    Notes
    -----
    The three differ on purpose. A power law has no kink, a gain onset that moves with the horizon, and a slope onset that
    moves with delta; only a true plateau has all three close together. None of them excludes a later breakthrough.

    Examples
    --------
    >>> import numpy as np, curvefit as cf
    >>> x = np.arange(1.0, 81.0)
    >>> noise = 0.02 * np.random.default_rng(0).standard_normal(80)
    >>> curve = cf.Curve(x, 1 + np.maximum(0, 1 - x / 50) + noise, "val_loss")
    >>> onset = cf.plateau_onset(curve)
    >>> onset.name, 46 < onset.interval.low < onset.value < onset.interval.high < 54
    ('plateau_onset_kink', True)
    """
    check_level(level)
    if definition not in get_args(Definition):
        raise UsageError(
            f"definition {definition!r}", code="CF-USE-007", hint=f"choices: {', '.join(get_args(Definition))}"
        )
    if not len(curve):
        raise DataError("the curve has no finite points", where=curve.metric.name)
    if definition == "gain":
        found = estimate(curve, "plateau_onset", horizon=horizon, eps=eps, level=level)
        return _in_decades(replace(found, name="plateau_onset_gain", reasons=_named("gain", found.reasons)))
    if definition == "kink":
        return _in_decades(
            onset_by_kink(curve, level=level, n_breakpoints=n_breakpoints, x_axis=x_axis, interval=interval)
        )
    if delta is None:
        raise UsageError(
            "the slope definition needs delta, in the unit of the metric per tenfold x",
            code="CF-USE-001",
            hint="the present rate: cf.estimate(curve, 'convergence_rate').value",
        )
    if not (isfinite(delta) and delta > 0):
        raise UsageError(f"delta = {delta!r} is not a positive number", code="CF-USE-007")
    if horizon is not None and not (isfinite(horizon) and horizon > 0):
        raise UsageError(f"horizon = {horizon!r} is not a positive number", code="CF-USE-007")
    return _in_decades(onset_by_slope(curve, delta, horizon=horizon, level=level, model=model))


def _named(definition: str, reasons: tuple[str, ...]) -> tuple[str, ...]:
    first, *rest = reasons or ("",)
    return (f"{definition}: {first}" if first else definition, *rest)


def _in_decades(found: Estimate) -> Estimate:
    """The same with value and end points in log10 x among the details, where they are positive and finite."""
    ends = (found.interval.low, found.interval.high) if found.interval is not None else (None, None)
    both = zip(("log10_x", "log10_low", "log10_high"), (found.value, *ends), strict=True)
    decades = {k: log10(v) for k, v in both if v is not None and v > 0 and isfinite(v)}
    return replace(found, details={**found.details, **decades})
