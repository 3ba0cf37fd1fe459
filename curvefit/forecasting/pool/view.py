"""Everything computed from the observed part of curves before anybody is asked about the future."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ._rows import SMALLEST, mean_of_last, within
from .backtests import Backtests, backtest_trends
from .batch import Chunk, Floats, Ints
from .bins import Bins, bin_curves
from .link import Link
from .noise import Differences, late_differences, neighbor_sd, noise_sd
from .trends import TrendFits, fit_trends

__all__ = ["View", "look"]

_FARTHEST = 1e12  # times x_last: beyond, nothing changes any more


@dataclass(frozen=True, slots=True)
class View:
    """Observed curves on the link scale, relative to their present level.

    Parameters
    ----------
    link : Link
        From values to z and back.
    size : ndarray of int, shape (N,)
        Observations per row.
    h : ndarray, shape (N, H)
        Future x over x_last, > 1.
    z : ndarray, shape (N, n)
        s g(y) minus the level, right-aligned.
    level : ndarray, shape (N,)
        Mean of the last max(1, n // 10) of s g(y).
    last, noise, unit : ndarray, shape (N,)
        Last z, observation noise, and range of the binned z.
    steps : Differences
        Late first differences of z.
    bins : Bins
        Binned z.
    fits : TrendFits
        Trends of the curve and its beginnings.
    backtests : Backtests
        Their errors.
    """

    link: Link
    size: Ints
    h: Floats
    z: Floats
    level: Floats
    last: Floats
    noise: Floats
    unit: Floats
    steps: Differences
    bins: Bins
    fits: TrendFits
    backtests: Backtests


def look(chunk: Chunk, rows: NDArray[np.bool_], link: Link, g: Floats) -> View:
    """View of the chunk's rows that have at least three points and vary.

    Parameters
    ----------
    chunk : Chunk
        All rows.
    rows : ndarray of bool, shape (N,)
        Which to look at.
    link : Link
        Of all rows.
    g : ndarray, shape (N, n)
        Link values of all rows.
    """
    whole = bool(rows.all())
    size = chunk.size if whole else chunk.size[rows]
    most = int(size.max())

    def part(values: Floats) -> Floats:
        return values if whole else values[rows, values.shape[1] - most :]

    x, z = part(chunk.x), part(g)
    link = link if whole else link.rows(rows)
    level = mean_of_last(z, np.maximum(size // 10, 1))
    z = z - level[:, None]
    spread = np.ptp(z, axis=1)
    slope = np.maximum(link.slope(level), SMALLEST)
    tie_sd = chunk.tie_sd if whole else chunk.tie_sd[rows]
    steps = late_differences(z, size)
    noise = noise_sd(steps, spread, np.minimum(tie_sd / slope, spread), neighbor_sd(x, z, size))
    copies = None if chunk.copies is None else part(chunk.copies)
    bins = bin_curves(x, z, size, copies)
    unit = np.maximum(bins.scale, 1e-3 * spread)
    ahead = chunk.ahead if whole else chunk.ahead[rows]
    bins = Bins(bins.log_u, bins.z, bins.count, bins.size, unit)
    fits = fit_trends(bins)
    return View(
        link=link,
        size=size,
        h=within(ahead / x[:, -1:], 1.0, _FARTHEST),
        z=z,
        level=level,
        last=z[:, -1],
        noise=noise,
        unit=unit,
        steps=steps,
        bins=bins,
        fits=fits,
        backtests=backtest_trends(fits),
    )
