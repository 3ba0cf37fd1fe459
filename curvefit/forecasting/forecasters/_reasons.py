"""Doubts that every forecaster shares."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...curves import Curve, Status
from ...curves.numbers import counted, format_number, format_x

__all__ = ["shared_doubts"]

FEW = 8  # points below which neither noise nor trend can be told, and the diagnosis says so
FAR = 30.0  # horizons beyond this many times the data were hardly ever checked against real curves


def shared_doubts(curve: Curve, x: NDArray[np.float64]) -> tuple[Status, tuple[str, ...]]:
    """Status and reasons that follow from the curve and the horizon alone."""
    n = int(curve.x.size)
    reasons: list[str] = []
    start, last, end = min(float(curve.x[0]), 0.0), float(curve.x[-1]), float(x[-1])
    times = (end - start) / (last - start) if last > start else float("inf")
    if times > FAR:
        reasons.append(
            f"{curve.x_unit} {format_x(end)} is {format_number(times, digits=3)} times as far as the data reach: nothing observed says what happens "
            "there"
        )
    if curve.nonfinite_x.size:
        reasons.append(f"{counted(int(curve.nonfinite_x.size), 'non-finite value')} left out")
    reasons.extend(_odd_accuracies(curve))
    shared = bool((curve.x[1:] == curve.x[:-1]).any())
    if shared:
        reasons.append("observations that share an x were averaged")
    if n < 3:
        reasons.insert(0, f"only {counted(n, 'point')}: the interval is a stated prior, not learned from this curve")
        return Status.TOO_FEW_POINTS, tuple(reasons)
    if float(curve.y.min()) == float(curve.y.max()):
        reasons.insert(
            0,
            f"all {n} values are {format_number(float(curve.y[-1]))}: the interval rests on a stated prior (no change with probability "
            f"{n + 1}/{n + 2}), not on noise that was seen",
        )
        return Status.CONSTANT, tuple(reasons)
    if shared and np.unique(curve.x).size < 3:
        reasons.insert(0, "fewer than 3 distinct x: the interval is a stated prior, not learned from this curve")
        return Status.TOO_FEW_POINTS, tuple(reasons)
    if n < FEW:
        reasons.insert(0, f"only {n} points: the width of the interval rests on a stated prior, hardly on this curve")
    return (Status.DEGRADED, tuple(reasons)) if reasons else (Status.OK, ())


def _odd_accuracies(curve: Curve) -> tuple[str, ...]:
    """Accuracies that are neither shares nor plainly percent."""
    if curve.kind != "accuracy":
        return ()
    low, high = float(curve.y.min()), float(curve.y.max())
    if curve.bounds == (0.0, 100.0) and 1 < high < 2:
        return (f"accuracies up to {format_number(high)} are taken as percent; as shares some would be above 1",)
    if curve.bounds is None and (low < 0 or high > 100):
        seen = f"{format_number(low)} to {format_number(high)}"
        return (f"accuracies from {seen} are neither shares nor percent: the forecast has no bounds",)
    return ()
