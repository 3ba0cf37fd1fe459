"""What to do, and the arithmetic behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Any

from ..curves import Estimate
from ..curves._checks import rebuilt, safe_text
from ..curves.numbers import format_probability, format_x

__all__ = ["Action", "Recommendation"]


class Action(Enum):
    """The four answers to "should this run go on?"; the value is the sentence people read."""

    STOP = "stop now"
    CONTINUE = "train on"
    INTERVENE = "a person should look"
    COLLECT_MORE = "cannot tell yet"


@dataclass(frozen=True, slots=True)
class Recommendation:
    """An action with its reasons.

    Parameters
    ----------
    action : Action
        STOP, CONTINUE, INTERVENE or COLLECT_MORE.
    metric : str
        Curve the decision is about.
    x_star : float or None
        For CONTINUE: until when; for STOP: None.
    expected_value : Estimate or None
        Expected value of the mean curve at ``x_star`` with its interval.
    keep_x : float or None
        x of the best point so far: the checkpoint to keep on STOP or INTERVENE.
    probability : float or None
        P(gain of the mean curve by the horizon >= min_gain).
    expected_gain : float or None
        E[max(0, level now - mean at x_star)], in the metric's unit, positive is better whatever the direction.
    min_gain : float
        Smallest gain that matters, in the metric's unit.
    horizon : float
        x up to which the question was asked.
    reasons : tuple of str
        Plain sentences, the deciding one first, numbers included.
    arithmetic : mapping of str to float
        Every number the decision used, named.
    next_check : float or None
        x at which a `Monitor` asks again; None outside a monitor.
    """

    action: Action
    metric: str
    x_star: float | None
    expected_value: Estimate | None
    keep_x: float | None
    probability: float | None
    expected_gain: float | None
    min_gain: float
    horizon: float
    reasons: tuple[str, ...]
    arithmetic: Mapping[str, float] = field(default_factory=dict)
    next_check: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "arithmetic", MappingProxyType({k: float(v) for k, v in self.arithmetic.items()}))

    def __reduce__(self) -> tuple[Any, ...]:
        return rebuilt(self)

    @property
    def sentence(self) -> str:
        """The answer in a few words: what to do, until when, what to keep."""
        text = self.action.value
        if self.action is Action.CONTINUE and self.x_star is not None:
            return f"{text} until x = {format_x(self.x_star)}"
        if self.action in (Action.STOP, Action.INTERVENE) and self.keep_x is not None:
            return f"{text}; keep the checkpoint of x = {format_x(self.keep_x)}"
        return text

    def __str__(self) -> str:
        """The answer and its reasons, one a line."""
        lines = [f"{self.metric}: {self.sentence}", *(f"  - {reason}" for reason in self.reasons)]
        if self.expected_value is not None:
            lines.append(f"  - {self.expected_value}")
        return "\n".join(safe_text(line) for line in lines)

    def __repr__(self) -> str:
        chance = "" if self.probability is None else f", P(gain) = {format_probability(self.probability)}"
        return f"Recommendation({safe_text(self.metric)!r}: {self.sentence}{chance})"

    @property
    def stop(self) -> bool:
        """Whether the answer is to stop now."""
        return self.action is Action.STOP

    @property
    def reason(self) -> str:
        """The deciding reason."""
        return self.reasons[0] if self.reasons else ""
