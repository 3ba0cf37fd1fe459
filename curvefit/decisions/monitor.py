"""A running training asked again and again whether to go on: ``Monitor``."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any, Literal

import numpy as np

from ..curves import Curve, Metric, Run, Schedule, UsageError
from ..curves.curve import XUnit
from ..estimands import horizon_grid
from ..fitting.autocorrelation import robust_sd
from ..forecasting.forecast import Forecast
from ..forecasting.scheduled import forecast_run
from ._criteria import judged
from ._gain import smallest_gain
from ._memory import FIRST, Memory, too_early
from ._options import CRITERIA, LARGEST, Options, number, smooth, twice, within
from .recommendation import Action, Recommendation

__all__ = ["Monitor"]

Forecasting = Callable[[Curve, np.ndarray], Forecast]

_LOG = logging.getLogger("curvefit.monitor")
_SPARSER = 1.1  # each evaluation waits for a tenth more observations than the one before
_GRID = 16  # future x of a forecast
_ANY = Curve([0.0], [1.0], "loss")  # a smallest gain that is stated does not depend on the curve


class Monitor:
    r"""Asks at every step of a loop whether to stop, and answers with a `Recommendation`.

    .. math:: \text{stop} \iff \bigvee_{c \in \text{any\_of}} T_c \;\lor \bigwedge_{c \in \text{all\_of}} T_c, \qquad
              T_c = \text{criterion } c \text{ held at two evaluations in a row}

    Parameters
    ----------
    metric : str or Metric
        What ``value`` is; a name that does not say which way is better needs ``direction``.
    direction : {"min", "max"}, optional
        Which way is better.
    x_unit : str
        Unit of x: ``"step"``, ``"epoch"``, ...
    horizon : float, optional
        Planned last x. Without it each evaluation asks whether doubling the run is worth it.
    schedule : Schedule, optional
        Planned learning rate; a metric named like a learning rate is read as its log.
    min_gain : float or str, optional
        Smallest gain that matters: a number in the unit of the metric, ``"1%"`` of the level now or ``"2 sigma"`` of
        the noise of one observation. Default 2 % of the improvement so far, at least a tenth of the noise.
    warmup : str, optional
        No stop before, with its unit: ``"100 updates"``, ``"1 epoch"`` (when x counts epochs), ``"500 x"``. Only a
        target that is reached or a value that is no longer finite stops earlier.
    patience : str, optional
        Stop when the smoothed value has not improved by ``min_gain`` (0 when that is not given) for so long, with its
        unit, as for ``warmup``.
    target : float, optional
        Stop when the smoothed value has reached it, or when it is out of reach.
    best : float, optional
        Best value of earlier runs: stop when beating it is out of reach.
    cost_per_unit, worth_per_unit : float, optional
        Cost of one unit of x and worth of one unit of the metric, in one currency.
    smoother : {"mean", "median", "none"}
        Over the last ``window`` values, for patience and target; forecasts use the raw values.
    window : int
        Values that are smoothed over.
    any_of, all_of : iterable of str, optional
        Criteria of which one is enough, or which must hold together: ``"gain"``, ``"patience"``, ``"target"``,
        ``"hopeless"``, ``"diverged"``. Default: any of those whose arguments are given, ``gain`` and ``diverged`` always.
    confirm : int
        Evaluations in a row at which a criterion must hold.
    forecasting : callable, optional
        ``(curve, x) -> Forecast``; default the package's forecaster, with the learning rate and the horizon where known.

    Raises
    ------
    UsageError
        At construction, for arguments that make no sense.

    Notes
    -----
    Evaluations happen after 8, 9, ..., then after a tenth more observations each time: some 75 in 10,000 updates. All
    others cost microseconds. History is kept as at most 1,024 means of equal blocks per metric. How often it stopped
    real runs wrongly, and what patience does instead, is in ``benchmarks/decisions``.

    `update` never raises: what it cannot read or compute is logged once per kind to the logger ``curvefit.monitor`` and
    answered by "train on". When x goes back (a resumed run), what was seen at or after it is forgotten. Single values
    that are not finite are passed over; the run counts as diverged when they last longer than twice any gap before.

    Examples
    --------
    >>> import curvefit as cf
    >>> monitor = cf.Monitor("val_loss", patience="10 updates")
    >>> for step in range(1, 200):
    ...     answer = monitor.update(step, 0.5 + 2.0 / step**2)
    ...     if answer.stop:
    ...         break
    >>> answer.stop, step < 199
    (True, True)
    """

    def __init__(
        self,
        metric: str | Metric = "val_loss",
        *,
        direction: Literal["min", "max"] | None = None,
        x_unit: XUnit = "step",
        horizon: float | None = None,
        schedule: Schedule | None = None,
        min_gain: float | str | None = None,
        warmup: str | None = None,
        patience: str | None = None,
        target: float | None = None,
        best: float | None = None,
        cost_per_unit: float | None = None,
        worth_per_unit: float | None = None,
        smoother: Literal["mean", "median", "none"] = "mean",
        window: int = 5,
        any_of: Iterable[str] | None = None,
        all_of: Iterable[str] | None = None,
        confirm: int = 2,
        forecasting: Forecasting | None = None,
    ) -> None:
        prices = (cost_per_unit, worth_per_unit)
        self._asked = Options.of(
            metric, direction, x_unit, horizon, schedule, min_gain, warmup, patience, target, best, prices, smoother,
            window, any_of, all_of, confirm,
        )  # fmt: skip
        if not (forecasting is None or callable(forecasting)):
            raise UsageError(f"forecasting is a {type(forecasting).__name__}", code="CF-USE-011", hint="(curve, x)")
        self._forecasting = forecasting
        self._said: set[str] = set()
        self._seen = Memory()

    def update(self, x: Any, value: Any, **other_metrics: Any) -> Recommendation:
        """Take in one observation and say whether to go on.

        Parameters
        ----------
        x : float
            Where, in the unit of the monitor.
        value : float
            Of the monitored metric; anything that ``float`` accepts.
        **other_metrics : float
            Of the same step, by name: a training loss, a learning rate, a gradient norm.

        Returns
        -------
        Recommendation
            ``.stop``, ``.reason``, ``.next_check`` and all that `recommend` says.
        """
        try:
            with np.errstate(all="ignore"):
                for name, other in other_metrics.items():
                    self._beside(x, name, other)
                return self._step(within(x), number(value))
        except Exception as error:  # noqa: BLE001 - a monitor must never end the training it watches
            self._complain(error)
            return self._going_on("the monitor could not judge this step; its log says why")

    def _beside(self, x: Any, name: str, value: Any) -> None:
        try:
            self._seen.others.add(within(x), name, number(value))
        except (TypeError, ValueError) as error:  # the monitored metric is judged all the same
            self._complain(error)

    def _step(self, x: float, value: float) -> Recommendation:
        if not np.isfinite(value):
            return self._not_finite(x)
        value = max(-LARGEST, min(value, LARGEST))
        newest = self._seen.series.last_x
        if newest is not None and x <= newest:
            self._rewind(x)
        self._seen.longest, self._seen.gap = max(self._seen.longest, self._seen.gap), 0
        self._seen.series.add(x, value)
        self._seen.recent.append((x, value))
        newest_few = [v for _, v in islice(reversed(self._seen.recent), self._asked.window)][::-1]
        self._judge_now(x, smooth(newest_few, self._asked.smoother))
        count = len(self._seen.series)
        if count >= self._seen.upcoming:
            self._seen.upcoming = max(count + 1, int(count * _SPARSER))
            self._evaluate(x)
        return self._decide(x)

    def _rewind(self, x: float) -> None:
        """A resumed run: what comes now replaces what was seen from x on."""
        self._seen.series.rewind(x)
        self._seen.others.rewind(x)
        while self._seen.recent and self._seen.recent[-1][0] >= x:
            self._seen.recent.pop()
        self._seen.streak = dict.fromkeys(CRITERIA, 0)
        self._seen.upcoming = min(self._seen.upcoming, max(FIRST, int(len(self._seen.series) * _SPARSER)))
        self._seen.answer = None
        if self._seen.top is not None and self._seen.top[1] >= x:
            xs, ys = self._seen.series.arrays()
            self._seen.top = None
            if ys.size:
                i = int(np.argmin(self._asked.sign * ys))
                self._seen.top = [float(ys[i]), float(xs[i]), float((ys.size - 1 - i) * self._seen.series.size)]

    def _not_finite(self, x: float) -> Recommendation:
        (seen := self._seen).missed(x)
        if len(seen.series) >= FIRST and seen.gap > max(2 * seen.longest, self._asked.confirm):
            seen.streak["diverged"] = self._asked.confirm
            if self._stops(warm=True) == "diverged":
                since = f"since {self._asked.x_unit} {seen.gap_x:g}"
                return self._ended("diverged", f"{self._asked.metric.name} has not been finite {since}", alone=True)
        if seen.gap == 2 * FIRST and not len(seen.series):
            _LOG.warning("monitoring %s: %s", self._asked.metric.name, too_early(0, seen.gap))
        return self._decide(x)

    # criteria

    def _judge_now(self, x: float, now: float) -> None:
        """Target and patience, on the smoothed value."""
        full = min(len(self._seen.recent), self._asked.window) == self._asked.window
        if self._asked.target is not None:
            there = full and self._asked.sign * (now - self._asked.target) <= 0
            self._seen.streak["target"] = self._seen.streak["target"] + 1 if there else 0
        if self._asked.patience is None or not full:
            return
        if self._seen.top is None or self._asked.sign * (self._seen.top[0] - now) > self._smallest(now):
            self._seen.top = [now, x, 0.0]
        else:
            self._seen.top[2] += 1
        over = self._asked.patience.over(self._seen.top[2], x - self._seen.top[1])
        self._seen.streak["patience"] = self._asked.confirm if over else 0

    def _smallest(self, level: float) -> float:
        """Smallest improvement that patience counts."""
        if self._asked.min_gain is None:
            return 0.0
        return smallest_gain(self._asked.min_gain, _ANY, level, self._noise())[0]

    def _noise(self) -> float:
        """Standard deviation of single observations, from the last ones."""
        if len(self._seen.recent) < 4:
            return 0.0
        return robust_sd([v for _, v in self._seen.recent], order=2)

    def _known(self) -> Curve:
        return Curve(*self._seen.series.arrays(), self._asked.metric, x_unit=self._asked.x_unit)

    def _run(self) -> Run:
        curves, logged = self._seen.others.curves(self._asked.x_unit)
        curves[self._asked.metric.name] = self._known()
        return Run("live", curves, schedule=self._asked.schedule or logged, horizon=self._asked.horizon)

    def _evaluate(self, x: float) -> None:
        """Ask `recommend`, and count how often in a row each criterion has held."""
        if self._asked.horizon is not None and x >= self._asked.horizon:
            return
        name = self._asked.metric.name
        run = self._run()
        curve = run[name]
        gain = self._asked.min_gain
        if isinstance(gain, str) and gain.strip().lower().endswith("sigma") and self._seen.series.size > 1:
            # of one observation, not of a block
            gain = smallest_gain(gain, curve, float(curve.y[-1]), self._noise())[0]
        grid = horizon_grid(curve, self._asked.horizon or twice(curve, x), _GRID)
        ahead = forecast_run(run, curve, grid)[0] if self._forecasting is None else self._forecasting(curve, grid)
        if not isinstance(ahead, Forecast):
            raise UsageError(f"the forecasting that was given returned a {type(ahead).__name__}, not a Forecast")
        answer, held = judged(run, ahead, self._asked, gain)
        for criterion, holds in held.items():
            self._seen.streak[criterion] = self._seen.streak[criterion] + 1 if holds else 0
        self._seen.answer = answer

    # answers

    def _stops(self, *, warm: bool) -> str:
        """The criterion that ends the run, or an empty string; before it is warm only a target does."""
        held = [c for c in CRITERIA if self._seen.streak[c] >= self._asked.confirm and (warm or c == "target")]
        one = next((c for c in held if c in self._asked.any_of), "")
        together = bool(self._asked.all_of) and all(c in held for c in self._asked.all_of)
        return one or (self._asked.all_of[0] if together else "")

    def _decide(self, x: float) -> Recommendation:
        first = self._seen.series.first_x
        passed = 0.0 if first is None else x - first
        warm = self._asked.warmup is None or self._asked.warmup.over(len(self._seen.series), passed)
        criterion = self._stops(warm=warm)
        if criterion:
            return self._ended(criterion, self._why(criterion))
        answer = self._seen.answer
        if answer is None:
            return self._going_on(too_early(len(self._seen.series), self._seen.gap))
        if answer.action is Action.STOP:
            held = max(self._seen.streak["gain"], self._seen.streak["hopeless"])
            wait = "still warming up" if not warm else f"evaluation {held} of {self._asked.confirm} that say so"
            if held >= self._asked.confirm and warm:
                wait = "not what this monitor was asked to stop for"
            return self._going_on(f"would stop ({wait}): {answer.reason}")
        return replace(answer, next_check=self._next_x())

    def _why(self, criterion: str) -> str:
        if criterion == "target":
            return f"the target {self._asked.target:g} has been reached"
        if criterion == "patience" and self._asked.patience is not None and self._seen.top is not None:
            unit, (best, at, _) = self._asked.x_unit, self._seen.top
            counted = "updates" if self._asked.patience.unit == "updates" else f"{unit}s"
            return f"no improvement for {self._asked.patience.amount:g} {counted}: best {best:.6g} at {unit} {at:g}"
        return self._seen.answer.reason if self._seen.answer is not None else criterion

    def _ended(self, criterion: str, why: str, *, alone: bool = False) -> Recommendation:
        """STOP; ``alone`` leaves out the reasons of the last answer, which what has happened since makes void."""
        base = self._going_on("")
        rest = self._seen.answer.reasons if self._seen.answer is not None and not alone else ()
        reasons = (why, *(r for r in rest if r != why), f"criterion: {criterion}")
        return replace(base, action=Action.STOP, x_star=None, expected_value=None, reasons=reasons)

    def _going_on(self, why: str) -> Recommendation:
        """CONTINUE until the next evaluation."""
        ahead = self._next_x()
        if self._seen.answer is not None:
            a = self._seen.answer
            return replace(a, action=Action.CONTINUE, x_star=ahead, reasons=(why, *a.reasons[1:]), next_check=ahead)
        return Recommendation(
            action=Action.CONTINUE, metric=self._asked.metric.name, x_star=ahead, expected_value=None, keep_x=None,
            probability=None, expected_gain=None, min_gain=0.0, horizon=self._asked.horizon or float("inf"),
            reasons=(why,), next_check=ahead,
        )  # fmt: skip

    def _next_x(self) -> float | None:
        """About where the next evaluation will be."""
        if len(self._seen.recent) < 2:
            return None
        step = float(
            np.median(np.diff([x for x, _ in islice(self._seen.recent, max(len(self._seen.recent) - 32, 0), None)]))
        )
        return self._seen.recent[-1][0] + step * max(self._seen.upcoming - len(self._seen.series), 1)

    def _complain(self, error: Exception) -> None:
        """Log an error the first time it comes."""
        kind = type(error).__name__
        if kind in self._said:
            return
        self._said.add(kind)
        try:
            what = f"{kind}: {str(error)[:200]}"
            _LOG.warning("monitoring %s failed (said once): %s", self._asked.metric.name, what, exc_info=error)
        except Exception:  # noqa: BLE001, S110 - nor may an error that cannot be printed, or a handler of logs that fails
            pass

    # across restarts

    def state_dict(self) -> dict[str, Any]:
        """Everything learned so far as plain JSON values; the options are not part of it.

        Examples
        --------
        >>> import json
        >>> import curvefit as cf
        >>> monitor = cf.Monitor("val_loss")
        >>> _ = monitor.update(1, 2.5)
        >>> text = json.dumps(monitor.state_dict())
        >>> again = cf.Monitor("val_loss")
        >>> again.load_state_dict(json.loads(text))
        """
        return self._seen.state(self._asked.metric.name)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a saved state.

        Parameters
        ----------
        state : mapping
            From `state_dict`, of a monitor of the same metric; options may differ.

        Raises
        ------
        UsageError
            When it is something else; the monitor is then as it was.
        """
        self._seen = Memory.of(state, self._asked.metric.name)
