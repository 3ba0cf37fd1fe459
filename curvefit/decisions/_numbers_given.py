"""Whether the numbers that a decision is asked with make sense."""

from __future__ import annotations

import numpy as np

from ..curves import Curve, UsageError
from ..curves._arguments import is_number, short

__all__ = ["check_prices", "check_values"]


def check_values(curve: Curve, horizon: float | None, target: float | None, best: float | None) -> None:
    """Finite, and within what the metric keeps to."""
    for name, value in (("horizon", horizon), ("target", target), ("best", best)):
        if value is not None and not np.isfinite(value):
            raise UsageError(f"{name} = {value!r}", code="CF-USE-008", where=curve.metric.name, hint="a finite number")
    for name, value in (("target", target), ("best", best)):
        if value is not None and curve.bounds is not None and not curve.bounds[0] <= value <= curve.bounds[1]:
            low, high = curve.bounds
            raise UsageError(
                f"{name} = {value:g} lies outside of {low:g} to {high:g}, which {curve.metric.name} keeps to",
                code="CF-USE-008",
                where=curve.metric.name,
                hint="in the unit of the curve: percent and shares differ by a factor of 100",
            )


def check_prices(cost: float | None, worth: float | None) -> None:
    """Both or neither, and not negative."""
    if (cost is None) != (worth is None):
        raise UsageError(
            "cost_per_unit and worth_per_unit belong together",
            code="CF-USE-008",
            hint="give both, in one currency, or neither",
        )
    for name, price in (("cost_per_unit", cost), ("worth_per_unit", worth)):
        if price is not None and not (is_number(price) and np.isfinite(float(price)) and price >= 0):
            raise UsageError(f"{name} = {short(price)}", code="CF-USE-008", hint="a number >= 0")
