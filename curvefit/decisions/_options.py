"""What a `Monitor` may be asked for: durations with a unit, smoothers, criteria; all checked when it is made."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from ..curves import Curve, Metric, Schedule, UsageError
from ..curves._arguments import is_number, short
from ..curves.curve import XUnit
from ..curves.errors import unknown_name
from ..curves.metric import Direction
from ._gain import smallest_gain
from ._numbers_given import check_prices

__all__ = ["CRITERIA", "LARGEST", "WIDEST", "Duration", "Options", "number", "smooth", "twice", "within"]

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
        raise UsageError(f"{name} = {short(value)} is not a number and a unit", code="CF-USE-011", hint=hint)
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
    if not isinstance(given, Iterable):
        raise UsageError(f"{name} = {short(given)} names no criteria", code="CF-USE-011", hint=f"of {CRITERIA}")
    found = list(given)
    needs = {"patience": "patience", "target": "target", "hopeless": "target or best"}
    for one in found:
        if not isinstance(one, str) or one not in CRITERIA:
            raise unknown_name("criterion", str(one), CRITERIA, where=name)
        if one not in ready:
            raise UsageError(
                f"the criterion {one!r} needs {needs[one]}", code="CF-USE-011", where=name, hint=f"give {needs[one]}="
            )
    return tuple(dict.fromkeys(found))


def _finite(name: str, value: float | None, *, above: float = -math.inf) -> float | None:
    """A finite number above a bound, or None."""
    if value is None:
        return None
    number = float(value) if is_number(value) else math.nan
    if not (math.isfinite(number) and number > above):
        wanted = "a finite number" if above == -math.inf else f"a finite number above {above:g}"
        raise UsageError(f"{name} = {short(value)}", code="CF-USE-011", hint=wanted)
    return number


def _count(name: str, value: Any) -> int:
    """A whole number from 1 to `WIDEST`."""
    number = value if is_number(value) and hasattr(type(value), "__index__") else 0
    if not 1 <= number <= WIDEST:
        raise UsageError(f"{name} = {short(value)}", code="CF-USE-011", hint=f"a whole number from 1 to {WIDEST}")
    return int(number)


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
            (_finite("cost_per_unit", prices[0]), _finite("worth_per_unit", prices[1])),
            smoother,
            _count("window", window),
            one,
            every,
            _count("confirm", confirm),
        )


def smooth(values: Sequence[float], smoother: str) -> float:
    """One value for the newest ones."""
    if smoother == "none":
        return values[-1]
    if smoother == "median":
        return float(statistics.median(values))
    return math.fsum(values) / len(values)


def number(value: Any) -> float:
    """One number, of anything that holds one: an array or tensor with a single element, too."""
    try:
        return float(value)
    except TypeError:
        if not hasattr(value, "item"):
            raise
        return float(value.item())


def within(x: Any) -> float:
    """X as a number that can be compared and averaged."""
    place = number(x)
    if not abs(place) < LARGEST:
        raise UsageError(f"x = {short(x)} is not a finite number")
    return place


def twice(curve: Curve, x: float) -> float:
    """Twice the length of the data, counted from 0 where x starts above it."""
    reach = x - min(float(curve.x[0]), 0.0)
    return x + (reach if reach > 0 else 1.0)
