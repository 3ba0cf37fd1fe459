"""What the learning rate does ahead, in words."""

from __future__ import annotations

from collections.abc import Mapping

from ...curves import Curve
from ...curves.numbers import format_x

__all__ = ["AHEAD", "rate_ahead"]

AHEAD = 0.05  # a change of the rate by this share of its peak is worth a word


def rate_ahead(explanation: Mapping[str, float], curve: Curve, horizon: float) -> str:
    """A sentence when the learning rate changes before the horizon, empty when it does not or is not known.

    Parameters
    ----------
    explanation : mapping of str to float
        Of a forecast that knows the schedule.
    curve : Curve
        The curve.
    horizon : float
        Last future x.
    """
    if explanation.get("rate_change", 0.0) < AHEAD:
        return ""
    moves = (
        f"the learning rate changes ahead, from {explanation['rate_now']:.3g} to {explanation['rate_then']:.3g} by "
        f"{curve.x_unit} {format_x(horizon)}"
    )
    if "annealed_change" not in explanation:
        return f"{moves}: the forecast does not know what that brings"
    return f"{moves}: the schedule is expected to change {curve.metric.name} by {explanation['annealed_change']:.3g}"
