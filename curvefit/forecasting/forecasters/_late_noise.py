"""Observation noise of one curve in its own unit, for the simple forecasters."""

from __future__ import annotations

import numpy as np

from ...curves import Curve
from ..pool.noise import late_differences, noise_sd

__all__ = ["FEW", "STILL", "late_noise", "smallest_width"]

STILL = 0.001  # stated scale of "no change", relative to the value: the resolution values are usually logged with
FEW = 0.5  # of the value: one or two points say nothing of what is to come


def late_noise(curve: Curve) -> float:
    """Standard deviation of one observation about the curve near its end; 0 when nothing varies."""
    y = curve.y
    half = float(y.max() / 2 - y.min() / 2)
    if y.size < 3 or half == 0:
        return 0.0
    z = ((y / 2 - y[-1] / 2) / half)[None]
    size = np.array([y.size])
    sd = noise_sd(late_differences(z, size), np.ones(1), np.zeros(1))
    return float(sd[0]) * 2 * half


def smallest_width(curve: Curve) -> float:
    """Standard deviation used where a curve shows no scatter: .001 of its last value, half of it for one or two points.

    1 stands for a last value of 0.
    """
    return (STILL if curve.y.size > 2 else FEW) * (abs(float(curve.y[-1])) or 1.0)
