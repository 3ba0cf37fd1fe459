"""What the rules look at: the facts about one run, each computed when first asked for and then kept."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..curves import Curve, CurvefitError, Metric, Run, Schedule, UsageError
from ..forecasting.forecast import Forecast
from ..forecasting.planned.ending import default_horizon
from ..forecasting.scheduled import forecast_run
from ..forecasting.together import last_chances
from ._changes import ALPHA_CHANGE, Change, changes
from ._future import check_begins, future_grid, landmarks
from ._known import Known
from ._leveling import Course, course
from ._noise import Residuals, residuals
from ._periodogram import Line, lines_of
from ._phases import Phase, phases
from ._steps import strongest_steps
from ._trace import HIGHEST, Trace, oriented
from ._traces import trace

__all__ = ["Evidence", "check_begins", "future_grid"]

Array = NDArray[np.float64]
Forecasting = Callable[[Curve, Array], Forecast]

_SPLIT_WORDS = re.compile(
    r"(?i)(^|[^a-z])(train|training|val|valid|validation|eval|evaluation|dev|test|testing)(?=[^a-z]|$)"
)
_PLAIN = ("loss", "error", "acc", "accuracy")
_GRADIENT = re.compile(r"(?i)grad(ient)?s?[^a-z]*norm|(^|[^a-z])gnorm")


class Evidence:
    """Facts about a run, shared by all rules.

    Parameters
    ----------
    run : Run
        The run.
    metric : str, optional
        Curve that matters; default the run's main metric.
    horizon : float, optional
        x up to which gains are asked for; default the planned length if it lies beyond the data, else twice the data.
    forecasting : callable, optional
        ``(curve, x) -> Forecast``; default the package's forecaster with the run's learning rate and planned length.
    ahead : Forecast, optional
        Of the curve that matters, on increasing x up to the horizon: one that is already there.

    Attributes
    ----------
    main : str or None
        Name of the curve that matters; None when no curve has a known direction and points.
    validation, training, score : str or None
        Names of the validation (or test) curve, its training partner and the validation accuracy, where there are any.
    progress : str or None
        Curve on which optimization itself is judged: the training partner, else the main curve.
    known : Known
        What has been found out so far; `_together.find_together` fills it for many runs at once.
    """

    def __init__(
        self,
        run: Run,
        *,
        metric: str | None = None,
        horizon: float | None = None,
        forecasting: Forecasting | None = None,
        ahead: Forecast | None = None,
    ) -> None:
        if horizon is not None and not (np.isfinite(horizon) and horizon > 0):
            raise UsageError(f"horizon = {horizon!r} is not a positive number", code="CF-USE-007", where=run.name)
        self.run = run
        self._forecasting = (
            forecasting  # not a method of its own: a cycle would keep every array until the next collection
        )
        self._ahead = ahead
        self._asked_horizon = horizon
        self.known = Known()
        if metric is not None:
            run[metric]  # an unknown name is an error that lists the choices
        self.main = metric if metric is not None else self._default_metric()
        self.validation = self._validation()
        self.training = self._training()
        self.score = self._score()
        self.progress = self.training or self.main
        if ahead is not None and self.main is not None:
            check_begins(ahead, run[self.main], horizon)

    # which curve is which

    def _default_metric(self) -> str | None:
        try:
            return self.run.main_metric()
        except CurvefitError:
            # all values of a curve may be non-finite: it still is what the run is about
            for name, curve in self.run.curves.items():
                if curve.direction is not None and not curve.metric.auxiliary and curve.nonfinite_x.size:
                    return name
            return None

    def _measures(self) -> list[tuple[str, Curve]]:
        return [
            (k, c)
            for k, c in self.run.curves.items()
            if not c.metric.auxiliary and c.direction is not None and (len(c) or c.nonfinite_x.size)
        ]

    def _closest(self, names: list[str], to: str) -> str | None:
        """The name with the same stem once the words for the split are gone, else the shortest."""
        if not names:
            return None
        stem = _stem(to)
        return min(names, key=lambda k: (_stem(k) != stem, len(k)))

    def _validation(self) -> str | None:
        if self.main is None:
            return None
        if self.run[self.main].metric.split in ("val", "test"):
            return self.main
        kind = self.run[self.main].kind
        for split in ("val", "test"):
            found = [k for k, c in self._measures() if c.metric.split == split and c.kind == kind]
            if found:
                return self._closest(found, self.main)
        return None

    def _training(self) -> str | None:
        if self.main is None:
            return None
        kind = self.run[self.main].kind
        others = [(k, c) for k, c in self._measures() if c.kind == kind and k != self.validation]
        found = [k for k, c in others if c.metric.split == "train"]
        if (
            not found and self.validation is not None
        ):  # Keras calls the training loss "loss"; "loss_c4" is another data set
            own = {_stem(self.validation), *_PLAIN}
            found = [k for k, c in others if c.metric.split is None and _stem(k) in own]
        return self._closest(found, self.validation or self.main)

    def _score(self) -> str | None:
        if self.main is None:
            return None
        found = [k for k, c in self._measures() if c.kind == "accuracy" and c.metric.split in ("val", "test")]
        return self._closest(found, self.main)

    @cached_property
    def gradient_norm(self) -> Curve | None:
        """The logged gradient norm."""
        return next((c for k, c in self.run.curves.items() if _GRADIENT.search(k)), None)

    # the learning rate

    @property
    def schedule(self) -> Schedule | None:
        """Learning rate as logged."""
        return self.run.schedule

    @cached_property
    def phases(self) -> tuple[Phase, ...]:
        """Phases between sudden changes and turning points of the learning rate."""
        return phases(self.schedule)

    # one curve

    def trace(self, name: str) -> Trace | None:
        """Averages, trend and noise of a curve; None when it is too short or its direction is unknown."""
        if name not in self.known.traces:
            own = self.alone(name)
            self.known.traces[name] = None if own is None else own.beside(self.others(name))
        return self.known.traces[name]

    def recent(self, name: str, start: int) -> Trace:
        """The bins of a trace from ``start`` on, see `Trace.since`, with the correlation from all curves that agree."""
        own = self.later(name, start)
        together = [k for k in self.mattering if k != name and len(self.alone(k) or ()) == start + len(own)]
        return own.beside([self.later(k, start) for k in together])

    def later(self, name: str, start: int) -> Trace:
        """The same of the curve by itself."""
        if (name, start) not in self.known.later:
            own = self.alone(name)
            if own is None:
                raise UsageError(f"{name} has no trace", where=self.run.name)
            self.known.later[name, start] = own.since(start)
        return self.known.later[name, start]

    def alone(self, name: str) -> Trace | None:
        """The trace of a curve by itself."""
        if name not in self.known.raw:
            self.known.raw[name] = trace(self.run[name], self.phases)
        return self.known.raw[name]

    def others(self, name: str) -> list[Trace]:
        """Traces of the other curves that matter, each by itself."""
        found = [self.alone(k) for k in self.mattering if k != name]
        return [t for t in found if t is not None]

    @property
    def mattering(self) -> tuple[str, ...]:
        """Names of the main, training and validation curve and of the validation accuracy."""
        names = (self.main, self.training, self.validation, self.score)
        return tuple(dict.fromkeys(name for name in names if name is not None))

    def residuals(self, name: str) -> Residuals | None:
        """Single observations about the trend; None where there is no trace."""
        if name not in self.known.residuals:
            boiled = self.trace(name)
            self.known.residuals[name] = None if boiled is None else residuals(self.run[name], boiled)
        return self.known.residuals[name]

    def changes(self, name: str) -> tuple[Change, ...]:
        """Sudden lasting changes of a curve; none where there is no trace."""
        if name not in self.known.changes:
            boiled = self.trace(name)
            self.known.changes[name] = () if boiled is None else changes(boiled, ALPHA_CHANGE)
        return self.known.changes[name]

    def steps(self, name: str) -> tuple[Change, ...]:
        """The strongest step of each phase of a curve, from every observation; none where there is no trace."""
        if name not in self.known.steps:
            boiled = self.trace(name)
            self.known.steps[name] = () if boiled is None else strongest_steps(self.run[name], boiled, ALPHA_CHANGE)
        return self.known.steps[name]

    def line(self, name: str) -> Line | None:
        """The strongest periodic part of what the trend leaves; None where nothing varies or there is no trace."""
        if name not in self.known.lines:
            single = self.residuals(name)
            self.known.lines[name] = None if single is None else lines_of([(self.run, self.run[name], single)])[0]
        return self.known.lines[name]

    # training and validation together

    def _common(self) -> tuple[Trace, Trace, float, float] | None:
        """Traces of validation and training and the range of x they share."""
        if self.validation is None or self.training is None:
            return None
        val, train = self.trace(self.validation), self.trace(self.training)
        if val is None or train is None:
            return None
        low, high = max(val.x[0], train.x[0]), min(val.x[-1], train.x[-1])
        return (val, train, float(low), float(high)) if high > low else None

    def late_gap(self, begin: float, end: float = 0.0) -> tuple[float, float] | None:
        """Validation less training (positive: validation is worse) over a late part of their common x, and its error.

        Parameters
        ----------
        begin, end : float
            The part, as shares of the common range counted from its end.
        """
        both = self._common()
        if both is None:
            return None
        val, train, low, high = both
        span = high - low
        found = []
        for one in (val, train):
            a, b = np.searchsorted(one.x, [high - begin * span, high - end * span + 1e-9 * span]).tolist()
            if b - a < 2:
                return None
            found.append(one.level(a, b))
        (v, sv), (t, st) = found
        return v - t, float(np.hypot(sv, st))

    @cached_property
    def gap(self) -> Trace | None:
        """Validation less training at the x of validation, boiled down like a curve; None where they share too few x."""
        both = self._common()
        if both is None or self.validation is None:
            return None
        val, train, low, high = both
        curve = self.run[self.validation]
        inside = (curve.x >= low) & (curve.x <= high)
        x = curve.x[inside]
        y = oriented(curve)[inside] - np.interp(x, train.x, train.y)
        found = trace(Curve(x, y, Metric("gap", direction="min"), x_unit=curve.x_unit), self.phases)
        return None if found is None else found.beside([val, train])

    # the future

    @cached_property
    def last_x(self) -> float | None:
        """Last x of the main curve."""
        if self.main is None or not len(self.run[self.main]):
            return None
        return float(self.run[self.main].x[-1])

    @cached_property
    def horizon(self) -> float | None:
        """X up to which gains are asked for."""
        last = self.last_x
        if last is None:
            return None
        if self._ahead is not None:
            return float(self._ahead.x[-1])
        for given in (self._asked_horizon, self.run.horizon):
            if given is not None and given > last:
                return float(given)
        if self._asked_horizon is not None:
            raise UsageError(
                f"horizon = {self._asked_horizon:g} is not beyond the last x, {last:g}",
                code="CF-USE-007",
                where=self.run.name,
                hint="give a later one, or none for the planned length or twice the data",
            )
        return default_horizon(self.run, self.run[self.main])[0] if self.main else last + 1.0

    def course(self, name: str) -> Course | None:
        """What is left to gain to the horizon if the present course goes on; None when too little shows one."""
        if name not in self.known.courses:
            boiled, ratio = self.trace(name), self.stretch(name)
            self.known.courses[name] = (
                None if boiled is None or ratio is None else course(boiled, ratio, self.others(name))
            )
        return self.known.courses[name]

    def stretch(self, name: str) -> float | None:
        """Length of a curve at the horizon over its length now; None where it has no trace or ends there."""
        boiled, horizon = self.trace(name), self.horizon
        curve = self.run[name]
        if boiled is None or horizon is None or horizon <= curve.x[-1]:
            return None
        span = float(curve.x[-1] - curve.x[0]) * boiled.count / max(boiled.count - 1, 1)
        return 1.0 + (horizon - float(curve.x[-1])) / span if span > 0 else 2.0

    @property
    def judged(self) -> tuple[str, ...]:
        """Names of the curves that most rules look at, the main one first."""
        found = (self.main, self.progress, self.validation)
        return tuple(dict.fromkeys(name for name in found if name is not None))

    def forecast(self, name: str) -> Forecast | None:
        """Forecast of a curve at a quarter, half and all of the way to the horizon; None where there can be none."""
        if name not in self.known.forecasts:
            self.known.forecasts[name] = self._forecast(name)
        return self.known.forecasts[name]

    def _forecast(self, name: str) -> Forecast | None:
        if (future := self.future(name)) is None:
            return None
        if self._ahead is not None and name == self.main:
            x = self._ahead.x
            found = self._ahead.at(np.unique(np.minimum(np.searchsorted(x, future), x.size - 1)))
        else:
            found = (self._forecasting or self._as_run)(self.run[name], future)
        return found if found.status.usable else None

    def _as_run(self, curve: Curve, x: Array) -> Forecast:
        """The forecast that `recommend` decides on and `analyze` reports: on the same grid, with the same schedule."""
        grid = future_grid(curve, float(x[-1]))
        return forecast_run(self.run, curve, grid)[0].at(np.searchsorted(grid, x))

    def future(self, name: str) -> Array | None:
        """The x that `forecast` asks about; None where there can be no forecast."""
        curve = self.run[name]
        if (
            self.horizon is None
            or self.last_x is None
            or curve.direction is None
            or np.count_nonzero(np.diff(curve.x[:100])) < 3
        ):
            return None
        if float(np.max(np.abs(curve.y))) >= HIGHEST:
            return None  # a value that is as good as infinite has no future
        last = float(curve.x[-1])
        end = self.horizon if last == self.last_x else last + (self.horizon - self.last_x)
        return landmarks(last, end) if end > last else None

    def chance_gain_exceeds(self, name: str, gain: float) -> float | None:
        """P(mean curve at the horizon is better than the level now by ``gain``), corrected as in `forecasting.chances`.

        Parameters
        ----------
        name : str
            Curve.
        gain : float
            In the unit of the metric, at least 0.
        """
        if (name, gain) not in self.known.chances:
            found = self.forecast(name)
            chance = None if found is None else float(last_chances([found], [self.goal(found, gain)])[0])
            self.known.chances[name, gain] = chance
        return self.known.chances[name, gain]

    @staticmethod
    def goal(ahead: Forecast, gain: float) -> float:
        """The level that is better than the one now by a gain."""
        return ahead.level_now - gain if ahead.direction == "min" else ahead.level_now + gain


def _stem(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", _SPLIT_WORDS.sub("", name).lower())
