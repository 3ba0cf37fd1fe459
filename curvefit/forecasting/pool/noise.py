"""How much one observation scatters about the curve near its end."""

from __future__ import annotations

import numpy as np

from ._rows import median_of_last, of_last
from .batch import Floats, Ints

__all__ = ["Differences", "late_differences", "noise_sd"]


class Differences:
    """Centered first differences of the second half of each prefix (all of it when n < 6).

    Attributes
    ----------
    count : ndarray of int, shape (N,)
        Number m of differences.
    raw, centered : ndarray, shape (N, M)
        Right-aligned; 0 where a row has fewer than M.
    """

    __slots__ = ("centered", "count", "raw")

    def __init__(self, count: Ints, raw: Floats, centered: Floats) -> None:
        self.count, self.raw, self.centered = count, raw, centered


def late_differences(z: Floats, size: Ints) -> Differences:
    """Differences d of the second half of z, shape (N, n), and d minus their mean."""
    count = np.where(size < 6, size - 1, size - size // 2 - 1)
    most = int(count.max())
    raw = np.diff(z[:, z.shape[1] - most - 1 :], axis=1)
    mask = of_last(most, count)
    if mask is not None:
        raw = np.where(mask, raw, 0.0)
    centered = raw - (raw.sum(axis=1) / count)[:, None]
    return Differences(count, raw, centered if mask is None else np.where(mask, centered, 0.0))


def noise_sd(d: Differences, spread: Floats, tie_sd: Floats) -> Floats:
    """Standard deviation of the observation noise: sqrt(mean d^2 / 2), shape (N,).

    With more than 8 differences at most 1.5 times the median of abs(d), so that single spikes do not set it; at least
    1e-6 of the range and the scatter of observations that share an x.

    Parameters
    ----------
    d : Differences
        Centered late differences.
    spread : ndarray, shape (N,)
        Range of z.
    tie_sd : ndarray, shape (N,)
        Standard deviation of observations at the same x, in units of z.
    """
    square = (d.centered**2).sum(axis=1) / d.count
    sd = np.sqrt(square / 2)
    many = d.count > 8
    if many.any():
        typical = 1.5 * median_of_last(np.abs(d.centered[many]), d.count[many])
        sd[many] = np.minimum(sd[many], typical)
    floored: Floats = np.maximum(np.maximum(sd, 1e-6 * spread), tie_sd)
    return floored
