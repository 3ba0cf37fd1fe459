"""What a `Monitor` may be asked for: durations with a unit, smoothers, criteria; all checked when it is made."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from ..curves import Curve, Metric, Schedule, UsageError
from ..curves.curve import XUnit
from ..curves.errors import unknown_name
from ..curves.metric import Direction
from ._gain import smallest_gain
from .recommend import check_prices

__all__ = ["CRITERIA", "LARGEST", "WIDEST", "Duration", "Options", "smooth", "twice", "within"]

CRITERIA = ("gain", "patience", "target", "hopeless", "diverged")
"""What can end a run."""

WIDEST = 256  # updates
LARGEST = 1e290  # values are cut there, so that sums stay finite

SMOOTHERS = ("mean", "median", "none")
"""How the newest values become one that single lucky values do not move."""


@dataclass(frozen=True, slots=True)
class Duration:
    """A length, in updates or in x.

    Parameters
    ----------
    amount : float
        How long, at least 0.
    unit : {"updates", "x"}
        What is counted.
    """

    amount: float
    unit: Literal["updates", "x"]

    def over(self, updates: float, x: float) -> bool:
        """Whether so many updates, or so much x, is at least that long."""
        return (updates if self.unit == "updates" else x) >= self.amount


def _duration(name: str, value: str | None, x_unit: str) -> Duration | None:
    """Read ``"10 updates"``, ``"5 epochs"`` (when x counts epochs) or ``"500 x"``.

    Raises
    ------
    UsageError
        For a number without a unit, an unknown unit, or a length that is not positive.
    """
    if value is None:
        return None
    hint = f'"10 updates", or "10 {x_unit}s" in the unit of x'
    words = value.split() if isinstance(value, str) else []
    if len(words) != 2:
        raise UsageError(f"{name} = {value!r} is not a number and a unit", code="CF-USE-011", hint=hint)
    try:
        amount = float(words[0])
    except ValueError:
        amount = math.nan
    unit = words[1].lower()
    counted: dict[str, Literal["updates", "x"]] = {
        "update": "updates",
        "updates": "updates",
        "x": "x",
        x_unit: "x",
        f"{x_unit}s": "x",
    }
    if not (math.isfinite(amount) and amount > 0) or unit not in counted:
        raise UsageError(f"{name} = {value!r}", code="CF-USE-011", hint=hint)
    return Duration(amount, counted[unit])


def _criteria(name: str, given: Iterable[str] | None, ready: Sequence[str]) -> tuple[str, ...]:
    """Names of criteria, each known and with what it needs.

    Parameters
    ----------
    name : str
        Name of the argument, for errors.
    given : iterable of str or None
        As the user gave them.
    ready : sequence of str
        Those that can be judged with the other arguments.
    """
    if given is None:
        return ()
    if isinstance(given, str):
        raise UsageError(f"{name} = {given!r} is one string", code="CF-USE-011", hint=f'("{given}",)')
    found = tuple(dict.fromkeys(given))
    needs = {"patience": "patience", "target": "target", "hopeless": "target or best"}
    for one in found:
        if one not in CRITERIA:
            raise unknown_name("criterion", str(one), CRITERIA, where=name)
        if one not in ready:
            raise UsageError(
                f"the criterion {one!r} needs {needs[one]}", code="CF-USE-011", where=name, hint=f"give {needs[one]}="
            )
    return found


def _finite(name: str, value: float | None, *, above: float = -math.inf) -> float | None:
    """A finite number above a bound, or None."""
    if value is None:
        return None
    try:
        number = math.nan if isinstance(value, bool | str) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not (math.isfinite(number) and number > above):
        wanted = "a finite number" if above == -math.inf else f"a finite number above {above:g}"
        raise UsageError(f"{name} = {value!r}", code="CF-USE-011", hint=wanted)
    return number


@dataclass(frozen=True, slots=True)
class Options:
    """What a monitor was asked for, checked; the arguments are those of `Monitor`."""

    metric: Metric
    x_unit: XUnit
    horizon: float | None
    schedule: Schedule | None
    min_gain: float | str | None
    warmup: Duration | None
    patience: Duration | None
    target: float | None
    best: float | None
    prices: tuple[float | None, float | None]
    smoother: str
    window: int
    any_of: tuple[str, ...]
    all_of: tuple[str, ...]
    confirm: int

    @property
    def sign(self) -> float:
        """+1 when smaller is better, -1 otherwise."""
        return 1.0 if self.metric.direction == "min" else -1.0

    @classmethod
    def of(
        cls,
        metric: str | Metric,
        direction: Direction | None,
        x_unit: XUnit,
        horizon: float | None,
        schedule: Schedule | None,
        min_gain: float | str | None,
        warmup: str | None,
        patience: str | None,
        target: float | None,
        best: float | None,
        prices: tuple[float | None, float | None],
        smoother: str,
        window: int,
        any_of: Iterable[str] | None,
        all_of: Iterable[str] | None,
        confirm: int,
    ) -> Options:
        """Check everything now: while the training runs it is too late for an error."""
        named = metric if isinstance(metric, Metric) else Metric.infer(metric, direction=direction)
        named = replace(named, direction=direction or named.need_direction())
        probe = Curve([0.0], [1.0], named, x_unit=x_unit)  # an unknown unit is an error now
        if schedule is not None and not isinstance(schedule, Schedule):
            raise UsageError(
                f"schedule is a {type(schedule).__name__}", code="CF-USE-011", hint="cf.Schedule.cosine(...)"
            )
        smallest_gain(min_gain, probe, 1.0, 1.0)
        check_prices(*prices)
        if smoother not in SMOOTHERS:
            raise unknown_name("smoother", str(smoother), SMOOTHERS)
        for name, count in (("window", window), ("confirm", confirm)):
            if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= WIDEST:
                raise UsageError(f"{name} = {count!r}", code="CF-USE-011", hint=f"a whole number from 1 to {WIDEST}")
        given = {"patience": patience, "target": target, "hopeless": target if best is None else best}
        ready = [c for c in CRITERIA if c not in given or given[c] is not None]
        every = _criteria("all_of", all_of, ready)
        one = _criteria("any_of", ready if any_of is None and all_of is None else any_of, ready)
        if not one and not every:
            raise UsageError("no criterion could ever stop the run", code="CF-USE-011", hint="any_of=('gain',)")
        return cls(
            named,
            x_unit,
            _finite("horizon", horizon, above=0.0),
            schedule,
            min_gain,
            _duration("warmup", warmup, x_unit),
            _duration("patience", patience, x_unit),
            _finite("target", target),
            _finite("best", best),
            prices,
            smoother,
            window,
            one,
            every,
            confirm,
        )


def smooth(values: Sequence[float], smoother: str) -> float:
    """One value for the newest ones."""
    if smoother == "none":
        return values[-1]
    if smoother == "median":
        return float(statistics.median(values))
    return math.fsum(values) / len(values)


def within(x: Any) -> float:
    """X as a number that can be compared and averaged."""
    number = float(x)
    if not abs(number) < LARGEST:
        raise UsageError(f"x = {x!r} is not a finite number")
    return number


def twice(curve: Curve, x: float) -> float:
    """Twice the length of the data, counted from 0 where x starts above it."""
    reach = x - min(float(curve.x[0]), 0.0)
    return x + (reach if reach > 0 else 1.0)
