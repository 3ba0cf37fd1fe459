"""Forecast curves: ``forecast`` and ``forecast_many``."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..curves import Curve, CurvefitError, DataError, LimitError, Schedule, UsageError
from ..curves._arguments import as_numbers, checked
from ..curves._checks import check_level
from ..curves.numbers import format_x
from .forecast import Forecast
from .forecasters import Forecaster, registry
from .forecasters.annealed import Annealed
from .forecasters.pooled import Pooled
from .learning.experience import Experience, Experienced
from .restart import restarted

__all__ = ["forecast", "forecast_many"]

_MOST_POINTS = 100_000


@checked
def forecast(
    curve: Curve,
    x: ArrayLike,
    *,
    schedule: Schedule | None = None,
    planned: float | None = None,
    method: str | Forecaster = "pooled",
    level: float = 0.95,
    experience: Experience | None = None,
    found_breaks: bool = True,
) -> Forecast:
    r"""Predict the distribution of new observations, and of the mean curve, at later x.

    .. math:: P(Y(x) \le v \mid \text{curve up to its last observation})

    Parameters
    ----------
    curve : Curve
        Observed part; its metric must say which direction is better.
    x : float or array-like, shape (H,)
        Future x in the unit of the curve, all beyond its last observation; sorted in the result.
    schedule : Schedule, optional
        Learning rate over x, stated up to the last future x or logged so far; with it decays to come are part of the
        forecast, which is then a mixture of the annealed law and what ``method`` says.
    planned : float, optional
        x at which training is planned to end, for inferring the rest of a logged schedule.
    method : str or Forecaster
        Name in the registry of forecasters, or one of your own.
    level : float
        Level of intervals the forecast is printed with; checked here so that 95 is caught early.
    experience : Experience, optional
        What `curvefit.learn` learned from earlier runs of this kind; for the default method.
    found_breaks : bool
        Whether a third of the default method's forecast, experienced or not, rests on the curve since its last sudden drop, where the values
        alone show one (`curvefit.forecasting.restart`); the drops of a known schedule are used anyway.

    Returns
    -------
    Forecast
        Quantiles, median, distribution function and mean view; status and reasons where it rests on little.

    Raises
    ------
    DataError
        No finite point; unknown direction; a stated schedule that ends before the last future x.
    UsageError
        x not beyond the data; unknown method; ``planned`` without a schedule, not beyond the data, or not a finite number.

    Notes
    -----
    Without a schedule it sees the curve and nothing else: a learning-rate decay still to come is not known to it. With
    one, the reasons of the forecast say what the schedule does ahead, how its rest was inferred, or why the law of the
    schedule does not apply and the forecast is the blind one.

    Examples
    --------
    >>> import curvefit as cf
    >>> x = range(1, 41)
    >>> curve = cf.Curve(x, [1.0 + 2.0 * i**-0.5 for i in x], metric="val_loss")
    >>> fc = cf.forecast(curve, 80)
    >>> bool(abs(fc.median[0] - (1.0 + 2.0 * 80**-0.5)) < 0.02)
    True

    A decay of the learning rate ahead lowers the loss that is expected:

    >>> plan = cf.Schedule.wsd(1e-3, 80, decay=0.5)
    >>> bool(cf.forecast(curve, 80, schedule=plan).median[0] < fc.median[0])
    True
    """
    check_level(level)
    return _forecasts([curve], [x], schedule, planned, method, experience, found_breaks)[0]


@checked
def forecast_many(
    curves: Sequence[Curve],
    x: ArrayLike | Sequence[ArrayLike],
    *,
    schedule: Schedule | Sequence[Schedule | None] | None = None,
    planned: float | Sequence[float | None] | None = None,
    method: str | Forecaster = "pooled",
    level: float = 0.95,
    experience: Experience | None = None,
    found_breaks: bool = True,
) -> list[Forecast]:
    """Forecast many curves at once; the same as one by one, in a fraction of the time.

    Parameters
    ----------
    curves : sequence of Curve
        Observed parts, of any lengths.
    x : float, array-like of shape (H,), or a sequence of one array-like per curve
        Future x, the same for all curves or (a list or tuple as long as ``curves``) for each its own.
    schedule : Schedule, or sequence of Schedule or None, optional
        One for all curves, or one for each; a curve whose schedule is None is forecast blindly and says so.
    planned : float, or sequence of float or None, optional
        One for all curves, or one for each.
    method, level, experience, found_breaks
        As for `forecast`.

    Returns
    -------
    list of Forecast
        In the order of the curves.

    Raises
    ------
    DataError
        As for `forecast`; the message says which curve.
    """
    check_level(level)
    curves = list(curves)
    for i, curve in enumerate(curves):
        if not isinstance(curve, Curve):
            raise UsageError(
                f"curves[{i}] is a {type(curve).__name__}, not a Curve", hint="cf.Curve(x, y, metric='val_loss')"
            )
    return _forecasts(curves, x, schedule, planned, method, experience, found_breaks)


def _forecasts(
    curves: list[Curve],
    x: ArrayLike | Sequence[ArrayLike],
    schedule: Schedule | Sequence[Schedule | None] | None,
    planned: float | Sequence[float | None] | None,
    method: str | Forecaster,
    experience: Experience | None,
    found_breaks: bool,
) -> list[Forecast]:
    """Forecasts of curves that are known to be ones."""
    forecaster = registry[method] if isinstance(method, str) else method
    if not isinstance(forecaster, Forecaster):
        raise UsageError(
            f"method is a {type(forecaster).__name__}, not a Forecaster", hint=f"choices: {', '.join(registry)}"
        )
    if experience is not None:
        forecaster = _experienced(forecaster, experience)
    forecaster = _aware(forecaster, schedule, planned)
    asked = _futures(curves, _per_curve(curves, x))
    if not curves:
        return []
    _check_ends(curves, planned)
    made = forecaster.forecast(curves, asked)
    if found_breaks and type(forecaster) in (Pooled, Experienced):
        return restarted(forecaster, curves, asked, made)
    return made


def _experienced(forecaster: Forecaster, experience: Experience) -> Forecaster:
    """The pool with what was learned."""
    if not isinstance(experience, Experience):
        raise UsageError(f"experience is a {type(experience).__name__}", hint="cf.Experience.load('experience.json')")
    if type(forecaster) is not Pooled:
        raise UsageError(
            f"an experience sharpens the default method, not {type(forecaster).__name__}", hint="leave method out"
        )
    return Experienced(experience)


def _aware(
    forecaster: Forecaster,
    schedule: Schedule | Sequence[Schedule | None] | None,
    planned: float | Sequence[float | None] | None,
) -> Forecaster:
    """The forecaster, made to know the schedule when there is one."""
    if schedule is None:
        if planned is not None:
            raise UsageError(
                "planned without a schedule", hint="it serves to infer the rest of a logged schedule; the future x is x"
            )
        return forecaster
    for end in np.ravel(np.array(planned, dtype=object)):
        if end is not None and not np.isfinite(float(end)):
            raise UsageError(f"planned = {end} is no x", hint="the x at which training is planned to end, or None")
    wrong = [s for s in ([schedule] if isinstance(schedule, Schedule) else schedule) if not _is_schedule(s)]
    if wrong:
        raise UsageError(
            f"a schedule is a {type(wrong[0]).__name__}, not a Schedule", hint="cf.Schedule.cosine(3e-4, 24_000)"
        )
    if isinstance(forecaster, Experienced):
        learned = forecaster.experience
        return Annealed(schedule, planned=planned, earlier=learned.schedules, prior=learned.prior, blind=forecaster)
    if not isinstance(forecaster, Annealed):
        return Annealed(schedule, planned=planned, blind=forecaster)
    if forecaster.schedule is not None:
        raise UsageError("two schedules: one in the forecaster, one beside it", hint="give it once")
    return Annealed(
        schedule,
        planned=planned,
        earlier=forecaster.earlier,
        prior=forecaster.prior,
        numbers=forecaster.numbers,
        blind=forecaster.blind,
    )


def _check_ends(curves: list[Curve], planned: float | Sequence[float | None] | None) -> None:
    for curve, end in zip(curves, planned if isinstance(planned, Sequence) else [planned] * len(curves), strict=False):
        if end is not None and float(end) <= float(curve.x[-1]):
            raise UsageError(
                f"planned = {format_x(float(end))} is not beyond the last observation at {format_x(float(curve.x[-1]))}",
                code="CF-USE-007",
                where=curve.metric.name,
                hint="the x at which training is planned to end; leave it out when the plan is over",
            )


def _is_schedule(value: object) -> bool:
    return value is None or isinstance(value, Schedule)


def _per_curve(curves: list[Curve], x: ArrayLike | Sequence[ArrayLike]) -> Sequence[ArrayLike]:
    """One set of future x per curve: x itself when it is that, else the same for all."""
    if isinstance(x, list | tuple) and any(
        isinstance(part, list | tuple) or getattr(part, "ndim", 0) > 0 for part in x
    ):
        if len(x) != len(curves):
            raise UsageError(
                f"{len(x)} sets of future x for {len(curves)} curves", hint="one per curve, or one array for all"
            )
        return x
    if isinstance(x, list | tuple) and len(curves) == 1 and len(x) == 1:
        return [x[0]]
    shared: ArrayLike = as_numbers(x, "x", "forecast()")
    return [shared] * len(curves)


def _futures(curves: list[Curve], xs: Sequence[ArrayLike]) -> list[NDArray[np.float64]]:
    """The future x of each curve; of several curves a refusal says which, since they may share their name."""
    asked = []
    for i, (curve, x) in enumerate(zip(curves, xs, strict=True)):
        try:
            asked.append(_future(curve, x))
        except CurvefitError as error:
            if len(curves) == 1:
                raise
            where = f"curves[{i}]: {error.where}" if error.where else f"curves[{i}]"
            raise type(error)(error.what, code=error.code, where=where, hint=error.hint) from None
    return asked


def _future(curve: Curve, x: ArrayLike) -> NDArray[np.float64]:
    name = curve.metric.name
    curve.metric.need_direction()
    if not len(curve):
        beside = f"{curve.nonfinite_x.size} values, none finite" if curve.nonfinite_x.size else "no values"
        raise DataError(f"nothing to forecast from: {beside}", code="CF-DATA-007", where=name)
    points = as_numbers(x, "x", "forecast()")
    if points.ndim == 0:
        points = points.reshape(1)
    if points.ndim != 1 or not points.size:
        raise UsageError(f"future x has shape {points.shape}", hint="a number or a sequence of numbers")
    if points.size > _MOST_POINTS:
        raise LimitError(
            f"{points.size} future x for one curve, at most {_MOST_POINTS}",
            where=name,
            hint="np.linspace(last, horizon, 200)",
        )
    if not np.isfinite(points).all():
        raise DataError(
            f"future x holds {points[~np.isfinite(points)][0]}", where=name, hint="finite numbers beyond the data"
        )
    points = np.sort(points) if points.size > 1 else points.copy()
    last = float(curve.x[-1])
    if points[0] <= last:
        raise UsageError(
            f"x = {format_x(float(points[0]))} is not beyond the last observation at {format_x(last)}",
            code="CF-USE-007",
            where=name,
            hint="a forecast is about later x; inside the data use cf.fit(curve, model).predict(x)",
        )
    points.flags.writeable = False  # a copy, so our own
    return points
