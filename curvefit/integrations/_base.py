"""What every adapter shares: a `Monitor` at the side of a training, which can neither end it by an error nor slow it.

Contract of an adapter:

* It is thin: it finds x, the values and the planned length where its trainer keeps them, and hands them to a `Watch`.
* Wrong arguments are errors when it is made, before the training begins. After that nothing of this package reaches the
  loop: any exception, ``SystemExit`` included, is logged once and the training goes on; after three the adapter is
  silent. Only ``KeyboardInterrupt`` passes, for it is the user's.
* A forecast or a state that cannot be written is logged once and given up after three times; the watching goes on.
* A stop is asked for in the trainer's own way (a flag, a return value), with the reason logged.
* Where several processes train together, rank 0 decides and the others follow.
* What was learned so far is saved and restored with the trainer's checkpoint, or in a file of its own.
* Its framework is imported by `curvefit.curves._optional.optional` when the adapter's module is, never by the package.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from ..curves import Curve, Metric, UsageError
from ..curves._checks import check_level
from ..curves.errors import unknown_name
from ..decisions.monitor import Monitor
from ..decisions.recommendation import Recommendation
from ..forecasting.api import forecast
from ..forecasting.forecast import Forecast
from ._event_writer import EventWriter

__all__ = ["SAVING", "Watch", "agreed", "is_first"]

T = TypeVar("T")
Log = Callable[[dict[str, float], float], Any]

_LOG = logging.getLogger("curvefit.integrations")
_STRIKES = 3
SAVING = 50  # times as long as saving takes until the next save: at most 2 % of the time
_RESERVED = {"x", "value", "self"}  # cannot be names of other metrics of `Monitor.update`


class _Recorder:
    """Hands on what the monitor forecasts."""

    def __init__(self, of: Callable[[Curve, np.ndarray], Forecast]) -> None:
        self.of = of
        self.last: Forecast | None = None

    def __call__(self, curve: Curve, x: np.ndarray) -> Forecast:
        self.last = self.of(curve, x)
        return self.last

    def take(self) -> Forecast | None:
        """What was forecast since the last time."""
        last, self.last = self.last, None
        return last


class Watch:
    """A `Monitor` that no error leaves, whose forecasts are written back, and whose state survives a restart.

    Parameters
    ----------
    metric : str or Metric
        What is watched, by the name under which the trainer logs it.
    stop : bool
        Whether the training is stopped; False only logs that it would be.
    forecast_to : str, Path or callable, optional
        Where each new forecast for the planned length is written, as ``forecast/<metric>/median``, ``low`` and ``high``:
        a folder (TensorBoard event files; one of its own below the run's), ``"logger"`` (the trainer's own), or a
        function ``(values, x)``.
    level : float
        Of the interval from ``low`` to ``high``, of a new observation.
    state_file : str or Path, optional
        JSON file in which the state is kept and from which a restart takes it, where no checkpoint of the trainer does.
    has_logger : bool
        Whether the trainer has a logger of its own.
    **options
        Of `Monitor`: ``horizon``, ``patience``, ``target``, ``min_gain``, ``warmup``, ``any_of``, ...

    Attributes
    ----------
    answer : Recommendation or None
        The newest.
    stopped : bool
        Whether a criterion has held.
    larger_is_better : bool
        Of the metric.
    to_logger : bool
        Whether forecasts go to the trainer's own logger.

    Raises
    ------
    UsageError
        At construction only.
    """

    def __init__(
        self,
        metric: str | Metric = "val_loss",
        *,
        stop: bool = True,
        forecast_to: str | Path | Log | None = None,
        level: float = 0.95,
        state_file: str | Path | None = None,
        has_logger: bool = True,
        **options: Any,
    ) -> None:
        given = options.pop("forecasting", forecast)
        if not callable(given):
            raise UsageError(f"forecasting is a {type(given).__name__}", code="CF-USE-011", hint="(curve, x)")
        self._recorder = _Recorder(given)
        self._metric, self._options = metric, options
        self._planned: dict[str, float] = {}
        self.monitor = self._made()
        self.name = metric if isinstance(metric, str) else metric.name
        named = Metric.infer(metric) if isinstance(metric, str) else metric
        self.larger_is_better = options.get("direction", named.direction) == "max"
        self.to_logger = isinstance(forecast_to, str) and forecast_to == "logger"
        if self.to_logger and not has_logger:
            raise UsageError(
                "this trainer has no logger", code="CF-USE-013", hint="forecast_to: a folder or a function"
            )
        if not (forecast_to is None or isinstance(forecast_to, str | Path) or callable(forecast_to)):
            raise UsageError(f"forecast_to is a {type(forecast_to).__name__}", code="CF-USE-013", hint="a folder")
        folder = isinstance(forecast_to, str | Path) and not self.to_logger
        self._writer = EventWriter(Path(str(forecast_to))) if folder else None
        self._forecast_to, self._level = forecast_to, check_level(level)
        self._file = None if state_file is None else Path(state_file)
        self._may_stop = stop
        self._errors = 0
        self._failed: dict[str, int] = {}  # by what is written beside the watching
        self._looks = self._found = 0  # how often something was logged, and the metric among it
        self._saved = (0.0, 0.0)  # when, and how long it took
        self._beside: dict[str, float] = {}
        self._told: set[str] = set()
        self.answer: Recommendation | None = None
        self.stopped = False

    def _made(self) -> Monitor:
        options: dict[str, Any] = {**self._planned, **self._options}
        return Monitor(self._metric, **options, forecasting=self._recorder)

    # what an adapter calls; none of it raises

    def safely(self, call: Callable[..., T], *args: Any, otherwise: T) -> T:
        """What the call returns, or ``otherwise`` when it fails in whatever way."""
        return otherwise if self._errors >= _STRIKES else self.always(call, *args, otherwise=otherwise)

    def always(self, call: Callable[..., T], *args: Any, otherwise: T) -> T:
        """As `safely`, also after three errors: for what other ranks wait for, and for the state."""
        try:
            return call(*args)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - not even SystemExit may end the training that is watched
            self._errors += 1
            with suppress(Exception):
                self._say(
                    f"{type(error).__name__}", "watching %s failed (said once): %r", self.name, error, trace=error
                )
            return otherwise

    def begin(self, horizon: float | None = None) -> None:
        """The training begins or goes on: its planned length, unless one was stated, and its saved state."""
        self.safely(self._begin, horizon, otherwise=None)

    def see(self, x: Any, values: Mapping[str, Any], *, log: Log | None = None, expected: bool = True) -> bool:
        """Take in what the trainer logged at x, and say whether to stop.

        Parameters
        ----------
        x : float
            Where, in the unit of the monitor.
        values : mapping of str to float
            Whatever was logged; without the metric that is watched, it is kept for the next time.
        log : callable, optional
            The trainer's own logger, ``(values, x)``.
        expected : bool
            Whether a metric that is missing is worth a word.
        """
        return self.safely(self._see, x, values, log, expected, otherwise=False)

    def end(self) -> None:
        """The training has ended: save what a throttled save may have left out, and say if nothing was watched."""
        self.always(self._end, otherwise=None)

    def state_dict(self) -> dict[str, Any]:
        """The monitor's state as plain JSON values; empty when that fails."""
        empty: dict[str, Any] = {}
        return self.always(self.monitor.state_dict, otherwise=empty)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a saved state; one that does not fit is logged and left alone."""
        if state:
            self.always(self.monitor.load_state_dict, state, otherwise=None)

    def __getstate__(self) -> dict[str, Any]:
        """Plain values, so that a trainer can copy it or hand it to another process."""
        return {**self.__dict__, "monitor": self.monitor.state_dict(), "answer": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._recorder = _Recorder(self._recorder.of)
        self.monitor = self._made()
        self.monitor.load_state_dict(state["monitor"])

    # the work

    def _begin(self, horizon: float | None) -> None:
        if horizon is not None and 0 < horizon < float("inf"):
            state = self.monitor.state_dict()
            self._planned = {"horizon": float(horizon)}
            self.monitor = self._made()
            self.monitor.load_state_dict(state)
        self.stopped = False
        self._told.discard("stop")
        if self._file is not None and self._file.is_file():
            self._aside(f"reading the state file {self._file}, so the watching begins anew,", self._load)

    def _load(self) -> None:
        assert self._file is not None
        self.monitor.load_state_dict(json.loads(self._file.read_text(encoding="utf-8")))

    def _end(self) -> None:
        if self._looks and not self._found:
            self._say("missing", "%s was never logged as a number: nothing was watched", self.name)
        self._aside(f"writing the state file {self._file}", self._save, True)

    def _aside(self, what: str, call: Callable[..., Any], *args: Any) -> None:
        """Do something without which the watching goes on; after three errors it is left out."""
        if self._failed.get(what, 0) >= _STRIKES:
            return
        try:
            call(*args)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - as in `always`
            self._failed[what] = self._failed.get(what, 0) + 1
            with suppress(Exception):
                trace = None if isinstance(error, OSError | ValueError) else error  # of a function of the user's
                self._say(what, "%s failed (said once, watching %s goes on): %r", what, self.name, error, trace=trace)

    def _see(self, x: Any, values: Mapping[str, Any], log: Log | None, expected: bool) -> bool:
        numbers = {str(k): n for k, v in values.items() if (n := _number(v)) is not None}
        here = numbers.pop(self.name, None)
        self._looks += 1
        self._beside.update((k, v) for k, v in numbers.items() if k not in _RESERVED)
        if here is None:
            odd = values.get(self.name)
            if odd is not None:
                self._say("odd", "%s at %s is no number: %s; log a single one", self.name, self._at(x), _what(odd))
            elif expected and numbers and not self._found:
                self._say("missing", "%s: %s", f"at {self._at(x)}", unknown_name("metric", self.name, sorted(numbers)))
            return False
        self._found += 1
        self.answer = self.monitor.update(x, here, **self._beside)
        self._beside = {}
        ahead = self._recorder.take()
        if ahead is not None and self._forecast_to is not None:
            to = self._forecast_to if isinstance(self._forecast_to, str | Path) else "a function"
            self._aside(f"writing the forecast to {to}", self._write, ahead, float(x), log)
        self._aside(f"writing the state file {self._file}", self._save, False)
        if self.answer.stop and not self.stopped:
            self.stopped = True
            told = "stopping" if self._may_stop else "would stop"
            self._say("stop", "%s at %s: %s: %s", told, self._at(x), self.name, self.answer.reason)
        return self.answer.stop and self._may_stop

    def _at(self, x: Any) -> str:
        return f"{self._options.get('x_unit', 'step')} {float(x):g}"

    def _write(self, ahead: Forecast, x: float, log: Log | None) -> None:
        tail = (1 - self._level) / 2
        low, median, high = ahead.at(-1).quantile([tail, 0.5, 1 - tail])[0].tolist()
        values = {f"forecast/{self.name}/{k}": v for k, v in (("median", median), ("low", low), ("high", high))}
        if self._writer is not None:
            self._writer.write(values, x)
        elif callable(self._forecast_to):
            self._forecast_to(values, x)
        elif log is not None:
            log(values, x)

    def _save(self, now: bool) -> None:
        began = time.monotonic()
        if self._file is None or (not now and began - self._saved[0] < SAVING * self._saved[1]):
            return
        self._file.parent.mkdir(parents=True, exist_ok=True)
        part = self._file.with_name(f"{self._file.name}.{os.getpid()}.part")
        try:
            part.write_text(json.dumps(self.monitor.state_dict()), encoding="utf-8")
            part.replace(self._file)
        except BaseException:
            part.unlink(missing_ok=True)  # a full disk is not made fuller
            raise
        self._saved = (time.monotonic(), time.monotonic() - began)

    def _say(self, once: str, text: str, *args: Any, trace: BaseException | None = None) -> None:
        if once not in self._told:
            self._told.add(once)
            _LOG.warning(text, *args, exc_info=trace)


def _number(value: Any) -> float | None:
    """As a float, or None for text, arrays and other things that trainers log."""
    if value is None or isinstance(value, str | bytes | bool):
        return None
    try:
        return float(value.detach() if hasattr(value, "detach") else value)
    except (TypeError, ValueError, RuntimeError, OverflowError):  # a tensor of several values, an integer of 400 digits
        return None


def _what(value: Any) -> str:
    """A value that is no number, briefly."""
    shape = getattr(value, "shape", None)
    return f"a {type(value).__name__} of shape {tuple(shape)}" if shape else repr(value)[:60]


def _group() -> Any:
    """``torch.distributed`` where several processes train together, else None; nothing is imported to find out."""
    distributed = sys.modules.get("torch.distributed")
    together = distributed is not None and distributed.is_available() and distributed.is_initialized()
    return distributed if together else None


def is_first() -> bool:
    """Whether this process decides for all."""
    distributed = _group()
    return distributed is None or bool(distributed.get_rank() == 0)


def agreed(stop: bool) -> bool:
    """Rank 0's answer on every rank of ``torch.distributed``; one's own where there is only one process."""
    distributed = _group()
    if distributed is None:
        return stop
    box = [stop]
    distributed.broadcast_object_list(box, src=0)
    return bool(box[0])
