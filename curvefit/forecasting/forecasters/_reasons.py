"""Doubts that every forecaster shares."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...curves import Curve, Status

__all__ = ["shared_doubts"]

FAR = 30.0  # horizons beyond this many times the data were hardly ever checked against real curves


def shared_doubts(curve: Curve, x: NDArray[np.float64]) -> tuple[Status, tuple[str, ...]]:
    """Status and reasons that follow from the curve and the horizon alone."""
    n = int(curve.x.size)
    reasons: list[str] = []
    start, last, end = min(float(curve.x[0]), 0.0), float(curve.x[-1]), float(x[-1])
    times = (end - start) / (last - start) if last > start else float("inf")
    if times > FAR:
        reasons.append(
            f"{curve.x_unit} {x[-1]:g} is {times:.3g} times as far as the data reach: nothing observed says what happens "
            "there"
        )
    if curve.nonfinite_x.size:
        reasons.append(f"{curve.nonfinite_x.size} non-finite values were left out")
    shared = bool((curve.x[1:] == curve.x[:-1]).any())
    if shared:
        reasons.append("observations that share an x were averaged")
    if n < 3:
        plural = "" if n == 1 else "s"
        reasons.insert(0, f"only {n} point{plural}: the interval is a stated prior, not learned from this curve")
        return Status.TOO_FEW_POINTS, tuple(reasons)
    if float(curve.y.min()) == float(curve.y.max()):
        reasons.insert(
            0,
            f"all {n} values are {curve.y[-1]:g}: the interval rests on a stated prior (no change with probability "
            f"{n + 1}/{n + 2}), not on noise that was seen",
        )
        return Status.CONSTANT, tuple(reasons)
    if shared and np.unique(curve.x).size < 3:
        reasons.insert(0, "fewer than 3 distinct x: the interval is a stated prior, not learned from this curve")
        return Status.TOO_FEW_POINTS, tuple(reasons)
    return (Status.DEGRADED, tuple(reasons)) if reasons else (Status.OK, ())
