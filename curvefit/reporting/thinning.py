"""Fewer points for a picture that looks the same: what sticks out stays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..curves import UsageError

__all__ = ["thin"]


def thin(x: NDArray[np.float64], y: NDArray[np.float64], columns: int = 1000, *, log: bool = False) -> NDArray[np.intp]:
    """Points that draw the same line: the first, last, lowest and highest of every column of the picture.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Points in order of x; finite.
    columns : int
        Width of the picture in pixels.
    log : bool
        Whether the x axis is logarithmic; x is positive then.

    Returns
    -------
    ndarray of int
        Increasing positions, at most four per column; all of them when there are no more than that.

    References
    ----------
    Jugel et al. (2014), M4: a visualization-oriented time series data aggregation. PVLDB 7, 797-808.
    """
    if not columns >= 1:
        raise UsageError(
            f"columns = {columns!r}", code="CF-USE-003", where="plot()", hint="columns=1000, of the picture"
        )
    if x.size <= 4 * columns:
        return np.arange(x.size)
    first, last = float(x[0]), float(x[-1])
    edges = np.geomspace(first, last, columns + 1) if log else np.linspace(first, last, columns + 1)
    starts = np.unique(np.searchsorted(x, edges[:-1]))  # x is sorted: the columns are runs of positions
    ends = np.append(starts[1:], x.size)
    low, high = np.minimum.reduceat(y, starts), np.maximum.reduceat(y, starts)
    size = ends - starts
    lowest = _first_equal(y, np.repeat(low, size), starts)
    highest = _first_equal(y, np.repeat(high, size), starts)
    return np.unique(np.concatenate((starts, lowest, highest, ends - 1)))


def _first_equal(y: NDArray[np.float64], wanted: NDArray[np.float64], starts: NDArray[np.intp]) -> NDArray[np.intp]:
    """First position in each run where y is what is wanted there."""
    found = np.flatnonzero(y == wanted)
    return found[np.searchsorted(found, starts)]
