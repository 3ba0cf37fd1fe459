"""Recommendations as plain JSON values and back, for the state of a `Monitor`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, cast, get_args

from ..curves import Estimate, Interval, IntervalKind, UsageError
from ._history import BROKEN, numbers
from .recommendation import Action, Recommendation

__all__ = ["from_plain", "to_plain"]

_NUMBERS = ("x_star", "keep_x", "probability", "expected_gain", "min_gain", "horizon", "next_check")


def to_plain(answer: Recommendation) -> dict[str, Any]:
    """Only dict, list, str, float and None."""
    out: dict[str, Any] = {"action": answer.action.name, "metric": answer.metric, "reasons": list(answer.reasons)}
    out |= {k: getattr(answer, k) for k in _NUMBERS}
    out["arithmetic"] = {k: v for k, v in answer.arithmetic.items() if math.isfinite(v)}
    value = answer.expected_value
    out["expected_value"] = None
    if value is not None and value.interval is not None and value.interval.closed:
        i = value.interval
        out["expected_value"] = [value.name, value.value, value.unit, i.low, i.high, i.level, i.kind, i.method]
    return out


def from_plain(state: Mapping[str, Any]) -> Recommendation:
    """What `to_plain` made."""
    try:
        value = state["expected_value"]
        estimate = None
        if value is not None:
            name, middle, unit, low, high, level, kind, method = value
            name, unit, kind, method = (_text(v) for v in (name, unit, kind, method))
            middle, low, high, level = numbers((middle, low, high, level))
            estimate = Estimate(name, middle, Interval(low, high, level, _kind(kind), method), unit)
        known = {k: None if state[k] is None else numbers([state[k]])[0] for k in _NUMBERS}
        told = state["arithmetic"]
        return Recommendation(
            action=Action[state["action"]],
            metric=str(state["metric"]),
            expected_value=estimate,
            reasons=tuple(map(str, state["reasons"])),
            arithmetic=dict(zip(map(str, told), numbers(told.values()), strict=True)),
            **known,  # type: ignore[arg-type]  # fields of numbers, by name
        )
    except BROKEN as e:
        raise UsageError(f"this is no saved recommendation: {e!r}", code="CF-USE-012", where="Monitor state") from e


def _kind(value: str) -> IntervalKind:
    """An interval of that kind takes any text: what it is must be seen to here."""
    if value not in get_args(IntervalKind):
        raise ValueError(f"{value!r} is no kind of interval")
    return cast(IntervalKind, value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{type(value).__name__} where a text belongs")
    return value
