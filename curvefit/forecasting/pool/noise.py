"""How much one observation scatters about the curve near its end."""

from __future__ import annotations

import numpy as np

from ._rows import median_of_last, of_last
from .batch import Floats, Ints

__all__ = ["Differences", "late_differences", "neighbor_sd", "noise_sd"]

_MOST = 4096  # deviations looked at: enough for any noise, and no more memory for a long curve


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
    late = z[:, z.shape[1] - most - 1 :]
    raw = late[:, 1:] - late[:, :-1]
    mask = of_last(most, count)
    if mask is not None:
        raw = np.where(mask, raw, 0.0)
    centered = raw - (raw.sum(axis=1) / count)[:, None]
    return Differences(count, raw, centered if mask is None else np.where(mask, centered, 0.0))


def noise_sd(d: Differences, spread: Floats, tie_sd: Floats, neighbors: Floats | None = None) -> Floats:
    """Standard deviation of the observation noise, shape (N,).

    The smaller of two estimates, since a curve's own course adds to both: sqrt(mean d^2 / 2) of the centered first
    differences (with more than 8 at most 1.5 times the median of abs(d), so that single spikes do not set it), and the
    deviations from neighbors. At least 1e-6 of the range and the scatter of observations that share an x.

    Parameters
    ----------
    d : Differences
        Centered late differences.
    spread : ndarray, shape (N,)
        Range of z.
    tie_sd : ndarray, shape (N,)
        Standard deviation of observations at the same x, in units of z.
    neighbors : ndarray, shape (N,), optional
        `neighbor_sd`.
    """
    square = (d.centered**2).sum(axis=1) / d.count
    sd = np.sqrt(square / 2)
    many = d.count > 8
    if many.all():
        sd = np.minimum(sd, 1.5 * median_of_last(np.abs(d.centered), d.count))
    elif many.any():
        typical = 1.5 * median_of_last(np.abs(d.centered[many]), d.count[many])
        sd[many] = np.minimum(sd[many], typical)
    if neighbors is not None:
        sd = np.minimum(sd, neighbors)
    floored: Floats = np.maximum(np.maximum(sd, 1e-6 * spread), tie_sd)
    return floored


def neighbor_sd(x: Floats, z: Floats, size: Ints) -> Floats:
    r"""Scatter of points about the line in ln x through their two neighbors, shape (N,); infinite below 5 points.

    .. math:: e_i = \frac{z_i - a z_{i-1} - b z_{i+1}}{\sqrt{1 + a^2 + b^2}}, \quad
        \min\big(\sqrt{\overline{e^2}},\ 2 \operatorname{median} |e|\big)

    over the second half, at least the last 4 and at most the last 4,096 interior points. Unlike first differences it does not take a steep
    but smooth curve for a noisy one.

    References
    ----------
    Gasser, Sroka and Jennen-Steinmetz (1986), Residual variance and residual pattern in nonlinear regression.
    """
    interior = size - 2
    count = np.minimum(np.maximum(size - 1 - np.maximum(size // 2, 1), 4), interior)
    count = np.minimum(np.maximum(count, 1), _MOST)
    most = int(count.max())
    if z.shape[1] < 3:
        return np.full(size.size, np.inf)
    x, y = np.log(x[:, -most - 2 :] / x[:, -1:]), z[:, -most - 2 :]
    width = x[:, 2:] - x[:, :-2]
    b = (x[:, 1:-1] - x[:, :-2]) / np.where(width > 0, width, 1.0)
    a = 1 - b
    e = np.abs(y[:, 1:-1] - a * y[:, :-2] - b * y[:, 2:]) / np.sqrt(1 + a * a + b * b)
    mask = of_last(most, count)
    square = (e**2 if mask is None else np.where(mask, e**2, 0.0)).sum(axis=1) / count
    sd = np.minimum(np.sqrt(square), 2 * median_of_last(e, count))
    return np.where(interior >= 3, sd, np.inf)
