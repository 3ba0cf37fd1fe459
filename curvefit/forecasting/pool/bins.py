"""At most 64 bins of ln x, so that a fit costs the same for a hundred points and a million."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .batch import Floats, Ints

__all__ = ["Bins", "bin_curves"]

MOST = 64
LONG = 10_000  # points from which one row is binned on its own
_EARLIEST = -9.0  # bins start at most nine e-folds before the end
_DEEPEST = -40.0  # ln u below this would overflow in u^-4


@dataclass(frozen=True, slots=True)
class Bins:
    """Bins of each row in order of x, the last one in the last column; columns before the first have count 0.

    Parameters
    ----------
    log_u : ndarray, shape (N, K)
        Mean ln(x / x_last), <= 0; padding repeats the first bin.
    z : ndarray, shape (N, K)
        Mean z; padding repeats the first bin.
    count : ndarray, shape (N, K)
        Observations in the bin, 0 for padding.
    size : ndarray of int, shape (N,)
        Number of bins.
    scale : ndarray, shape (N,)
        Range of the binned z.
    """

    log_u: Floats
    z: Floats
    count: Floats
    size: Ints
    scale: Floats

    def rows(self, rows: slice) -> Bins:
        """The bins of some curves."""
        return Bins(self.log_u[rows], self.z[rows], self.count[rows], self.size[rows], self.scale[rows])

    @property
    def mask(self) -> NDArray[np.bool_]:
        """Where there is a bin."""
        return self.count > 0


def bin_curves(x: Floats, z: Floats, size: Ints, copies: Floats | None = None) -> Bins:
    """Points as they are up to 64 of them, else means over 64 equal bins of ln u on [max(ln u_0, -9), 0].

    Parameters
    ----------
    x, z : ndarray, shape (N, n)
        Right-aligned rows, x > 0 and increasing.
    size : ndarray of int, shape (N,)
        Points per row.
    copies : ndarray, shape (N, n), optional
        Observations behind each point.
    """
    columns = x.shape[1]
    if len(size) == 1 and columns == size[0] > LONG and copies is None:
        return _padded(_bin_one(x[0], z[0]))
    log_u = np.maximum(np.log(x / x[:, -1:]), _DEEPEST)
    present = np.arange(columns - 1, -1, -1) < size[:, None]
    weight = present.astype(float) if copies is None else np.where(present, copies, 0.0)
    if columns <= MOST:
        return _padded(Bins(log_u, z, weight, size, np.ptp(z, axis=1)))
    start = np.maximum(log_u[:, :1], _EARLIEST)
    with np.errstate(divide="ignore", invalid="ignore"):
        place: Floats = np.where(start < 0, np.floor(MOST * (log_u - start) / -start + 1e-9), 0.0)
    place = np.clip(place, 0, MOST - 1)
    place = np.where((size <= MOST)[:, None], np.arange(columns, dtype=float), place)
    fresh = (place[:, 1:] != place[:, :-1]) & present[:, :-1]
    behind = np.zeros(place.shape, np.int64)  # bins after this one
    behind[:, :-1] = np.cumsum(fresh[:, ::-1], axis=1)[:, ::-1]
    bins: Ints = behind[:, 0] + 1
    width = int(bins.max())
    key = (np.arange(len(size))[:, None] * width + (width - 1) - behind)[present]
    total = len(size) * width
    count: Floats = np.asarray(np.bincount(key, weight[present], minlength=total), np.float64).reshape(len(size), width)

    def mean(values: Floats) -> Floats:
        summed = np.bincount(key, (weight * values)[present], minlength=total).reshape(len(size), width)
        averaged: Floats = summed / np.where(count > 0, count, 1.0)
        return averaged

    log_u, z = mean(log_u), mean(z)
    filled = np.arange(width) >= (width - bins)[:, None]
    first = (np.arange(len(size)), width - bins)
    log_u = np.where(filled, log_u, log_u[first][:, None])
    z = np.where(filled, z, z[first][:, None])
    return _padded(Bins(log_u, z, count, bins, np.ptp(z, axis=1)))


def _padded(bins: Bins) -> Bins:
    """Fill up to `MOST` columns: sums over as many columns are added in the same order, so that a curve has the same
    forecast alone and in a batch, in every bit.
    """
    more = MOST - bins.z.shape[1]
    if more == 0:
        return bins
    log_u, z, count = np.empty((3, len(bins.z), MOST))
    for whole, part, before in (
        (log_u, bins.log_u, bins.log_u[:, :1]),
        (z, bins.z, bins.z[:, :1]),
        (count, bins.count, 0),
    ):
        whole[:, :more], whole[:, more:] = before, part
    return Bins(log_u, z, count, bins.size, bins.scale)


def _bin_one(x: Floats, z: Floats) -> Bins:
    """The same for one long row, in a fraction of the memory: its bins are stretches of x."""
    log_u = np.divide(x, x[-1])
    np.maximum(np.log(log_u, out=log_u), _DEEPEST, out=log_u)
    start = max(float(log_u[0]), _EARLIEST)
    place = log_u - start
    place *= MOST
    place /= -start
    place += 1e-9
    stretch = np.clip(np.floor(place, out=place), 0, MOST - 1, out=place).astype(np.int8)
    del place
    first = np.concatenate([[0], np.flatnonzero(stretch[1:] != stretch[:-1]) + 1])
    count = np.diff(np.append(first, x.size)).astype(np.float64)
    binned = np.add.reduceat(z, first) / count
    mean_log = np.add.reduceat(log_u, first) / count
    bins = np.array([first.size])
    return Bins(mean_log[None], binned[None], count[None], bins, np.array([float(np.ptp(binned))]))
