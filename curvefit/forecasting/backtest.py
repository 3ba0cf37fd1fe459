"""What would have been said: forecasts from parts of a curve about its last observation, against what came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from ..curves import Curve, DataError, Run, Schedule, UsageError
from ..curves._arguments import checked, is_number
from ..curves._checks import check_level
from .api import forecast_many
from .forecasters import Forecaster
from .learning.experience import Experience
from .replay import Backtest, Backtests, Replay

__all__ = ["backtest", "backtest_many"]

T = TypeVar("T")
_BY_RATIO = ("sample", "parameter", "flop")  # x whose equal steps are factors


@checked
def backtest(
    curve_or_run: Curve | Run,
    metric: str | None = None,
    *,
    shares: Sequence[float] = (0.2, 0.4, 0.6, 0.8),
    horizon: float | None = None,
    method: str | Forecaster = "pooled",
    level: float = 0.95,
    schedule: Schedule | None = None,
    planned: float | None = None,
    experience: Experience | None = None,
) -> Backtest:
    r"""Replay a finished or running curve: what would have been forecast on the way, against what came.

    .. math:: \mathrm{error\ ratio} = |\hat y - y| \,/\, |y_\mathrm{cut} - y|

    the error of the median relative to the error of "it stays at its last value".

    Parameters
    ----------
    curve_or_run : Curve or Run
        What has been observed so far.
    metric : str, optional
        Metric of a run; default its main one.
    shares : sequence of float
        Where to cut, as shares of the way in x from the first to the last observation; of the way in log x when x
        counts samples, parameters or FLOPs and is positive.
    horizon : float, optional
        The observation to forecast is the last one at or before this x; default the last of all.
    method : str or Forecaster
        As for `forecast`.
    level : float
        Of the interval for the observation.
    schedule : Schedule, optional
        Learning rate. A stated one is known from the start; a logged one only up to each cut.
    planned : float, optional
        x at which training was planned to end, known from the start; for inferring the rest of a logged schedule.
    experience : Experience, optional
        What `curvefit.learn` learned from runs other than this one; for the default method.

    Returns
    -------
    Backtest
        One `Replay` per cut.

    Raises
    ------
    DataError
        Fewer than two distinct x, or unknown direction.
    UsageError
        A share outside (0, 1), an unknown metric or method.

    Notes
    -----
    Each forecast is made from the observations up to its cut and nothing later; bounds of an accuracy are inferred
    again from those. The x of the observation to forecast is known. What was observed is one noisy value, so that no
    forecast has an error of zero, and the forecasts of one curve are all about that value: they are not independent.
    Cuts that leave the same observations are made once.

    Examples
    --------
    >>> import curvefit as cf
    >>> x = range(1, 101)
    >>> curve = cf.Curve(x, [1.0 + 2.0 * i**-0.5 for i in x], metric="val_loss")
    >>> bt = cf.backtest(curve)
    >>> [r.x_cut for r in bt.replays]
    [20.0, 40.0, 60.0, 80.0]
    >>> bool(bt.error_ratio < 0.2)
    True
    """
    return backtest_many(
        [curve_or_run],
        metric,
        shares=shares,
        horizon=horizon,
        method=method,
        level=level,
        schedule=schedule,
        planned=planned,
        experience=experience,
    )[0]


@checked
def backtest_many(
    runs: Sequence[Curve | Run],
    metric: str | None = None,
    *,
    shares: Sequence[float] = (0.2, 0.4, 0.6, 0.8),
    horizon: float | None = None,
    method: str | Forecaster = "pooled",
    level: float = 0.95,
    schedule: Schedule | Sequence[Schedule | None] | None = None,
    planned: float | Sequence[float | None] | None = None,
    experience: Experience | None = None,
) -> Backtests:
    """Replay many curves in one batch; `Backtests.summary` says how often the intervals held.

    Parameters
    ----------
    runs : sequence of Curve or Run
        What has been observed so far.
    metric, shares, horizon, method, level
        As for `backtest`, the same for all.
    schedule : Schedule, or sequence of Schedule or None, optional
        One for all, or one for each.
    planned : float, or sequence of float or None, optional
        One for all, or one for each.

    Returns
    -------
    Backtests
        In the order of the runs.

    Raises
    ------
    DataError, UsageError
        As for `backtest`; the message names the run.
    """
    check_level(level)
    wanted = sorted({_share(s) for s in shares})
    if not wanted:
        raise UsageError("no shares to cut at", hint="shares=(.2, .4, .6, .8)")
    runs = list(runs)
    plans = _each(schedule, len(runs), "schedules")
    ends = _each(planned, len(runs), "planned ends")
    named = [_curve_of(run, metric) for run in runs]
    cuts: list[_Cut] = []
    for i, ((name, curve), plan, end) in enumerate(zip(named, plans, ends, strict=True)):
        cuts += _cuts(i, name, curve, wanted, horizon, plan, end)
    known = any(c.schedule is not None for c in cuts)
    forecasts = forecast_many(
        [c.curve for c in cuts],
        [np.array([c.x]) for c in cuts],
        schedule=[c.schedule for c in cuts] if known else None,
        planned=[c.planned for c in cuts] if known else None,
        method=method,
        level=level,
        experience=experience,
    )
    replays: list[list[Replay]] = [[] for _ in runs]
    for cut, made in zip(cuts, forecasts, strict=True):
        replays[cut.run].append(Replay.of(made, cut.share, len(cut.curve), cut.observed, level))
    return Backtests(
        tuple(
            Backtest(name, curve.metric.name, curve.x_unit, level, tuple(of_run))
            for (name, curve), of_run in zip(named, replays, strict=True)
        )
    )


@dataclass(frozen=True, slots=True)
class _Cut:
    """One question of the past, with what was known then."""

    run: int
    share: float
    curve: Curve
    x: float
    observed: float
    schedule: Schedule | None
    planned: float | None


def _cuts(
    run: int,
    name: str,
    curve: Curve,
    shares: list[float],
    horizon: float | None,
    schedule: Schedule | None,
    planned: float | None,
) -> list[_Cut]:
    """The curve as it was at each share; cuts that leave the same observations only once."""
    curve.metric.need_direction()
    last = _last(curve, horizon)
    if last < 1 or not curve.x[last] > curve.x[0]:
        before = "" if horizon is None else f" up to {curve.x_unit} {horizon:g}"
        raise DataError(
            f"a back-test needs observations at two x at least{before}", code="CF-DATA-007", where=f"{name}: {curve}"
        )
    first, end = float(curve.x[0]), float(curve.x[last])
    ratio = curve.x_unit in _BY_RATIO and first > 0
    out: list[_Cut] = []
    for share in shares:
        at = first * (end / first) ** share if ratio else first + share * (end - first)
        seen = curve.until(min(at, float(np.nextafter(end, -np.inf))))
        if out and len(out[-1].curve) == len(seen):
            continue
        known = _schedule_then(schedule, at)
        out.append(_Cut(run, share, seen, end, float(curve.y[last]), known, planned if known is not None else None))
    return out


def _schedule_then(schedule: Schedule | None, x: float) -> Schedule | None:
    """What was known of the learning rate at x: of a log the part until then, None before its first entry."""
    if schedule is None or schedule.shape != "logged":
        return schedule
    known = schedule.until(x)
    return known if len(known) else None


def _last(curve: Curve, horizon: float | None) -> int:
    """Place of the observation to forecast, -1 when there is none."""
    if horizon is None:
        return len(curve) - 1
    return int(np.searchsorted(curve.x, horizon, side="right")) - 1


def _curve_of(run: Curve | Run, metric: str | None) -> tuple[str, Curve]:
    if isinstance(run, Run):
        return run.name, run[run.main_metric() if metric is None else metric]
    if not isinstance(run, Curve):
        raise UsageError(f"a back-test of a {type(run).__name__}", hint="a Curve or a Run, as cf.read returns them")
    if metric is not None and metric != run.metric.name:
        raise UsageError(f"metric {metric!r} of a curve of {run.metric.name!r}", hint="leave metric out")
    return "curve", run


def _share(value: float) -> float:
    if not (is_number(value) and 0 < value < 1):
        raise UsageError(f"a share of {value!r}", hint="between 0 and 1, such as 0.2")
    return float(value)


def _each(value: T | Sequence[T | None] | None, count: int, what: str) -> list[T | None]:
    """One per run, from one for all or a sequence."""
    if isinstance(value, Sequence):
        if len(value) != count:
            raise UsageError(f"{len(value)} {what} for {count} runs", hint="one for all, or one per run")
        return list(value)
    return [value] * count
