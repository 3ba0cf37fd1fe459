"""The two integrals of a schedule that a loss curve depends on: progress, and the gain from annealing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...curves import Schedule
from .relaxation import Relaxation

__all__ = ["Progress"]

Array = NDArray[np.float64]
_PIECES = 96  # a schedule's changes are cut into at most about this many pieces
_GAUSS = (0.5 - 0.5 / 3**0.5, 0.5 + 0.5 / 3**0.5)  # two-point Gauss-Legendre nodes on [0, 1]


class Progress:
    r"""Progress S(x) and annealing R(x) of one schedule, both in units of its peak rate.

    .. math::
        S(x) = \int_0^x \tilde\eta(v)\,dv, \qquad
        R(x) = -\int_{x_w}^x \Big(\frac{S(v)}{s_0}\Big)^{-\kappa} G(x, v)\, d\tilde\eta(v)

    with :math:`\tilde\eta = \eta / \max\eta`, :math:`x_w` the end of the warm-up, G the share of a change's gain that
    has arrived (a `Relaxation`) and :math:`s_0` = ``unit``. A rise of the rate after the warm-up counts as a loss.

    Parameters
    ----------
    schedule : Schedule
        Before its first x the rate is taken to be the first one, after its last x the last one.
    unit : float
        Progress at which the powers of S are 1, in the unit of x.

    Notes
    -----
    S is exact for a piecewise-linear schedule. R costs O(number of x): the changes of the rate are cut once into at
    most about a hundred pieces of equal variation (a sudden step is one piece), and each piece is integrated by two
    Gauss nodes. The published laws also count the rise of the warm-up, which only shifts L0: with ``max(x) >> tau``
    the shift is C, so that their L0 is the fully annealed floor and the one here the floor at the peak rate.
    """

    __slots__ = ("_end", "_progress", "_rate", "_start", "_x", "unit")

    def __init__(self, schedule: Schedule, unit: float = 1.0) -> None:
        schedule.require(float(schedule.x[-1]) if len(schedule) else 0.0)
        x, rate = schedule.x, schedule.rate / schedule.peak
        if x[0] > 0:
            x, rate = np.r_[0.0, x], np.r_[rate[0], rate]
        elif x.size == 1:
            x, rate = np.r_[x, x[0] + 1.0], np.r_[rate, rate]
        self._x, self._rate = x, rate
        self._progress = np.r_[0.0, np.cumsum(np.diff(x) * (rate[1:] + rate[:-1]) / 2)]
        self._progress -= np.interp(0.0, x, self._progress)  # a schedule may start before 0
        self._start, self._end = _pieces(x, rate, schedule.warmup_end)
        self.unit = float(unit)

    def rate(self, x: ArrayLike) -> Array:
        """Rate at x as a share of the peak."""
        rates: Array = np.interp(np.asarray(x, dtype=np.float64), self._x, self._rate)
        return rates

    def progress(self, x: ArrayLike) -> Array:
        """S(x), in the unit of x."""
        points = np.asarray(x, dtype=np.float64)
        left = np.clip(np.searchsorted(self._x, points, side="right") - 1, 0, self._x.size - 2)
        into = points - self._x[left]
        slope = (self._rate[left + 1] - self._rate[left]) / (self._x[left + 1] - self._x[left])
        inside = self._progress[left] + into * (self._rate[left] + slope * into / 2)
        after = points > self._x[-1]
        beyond = self._progress[-1] + (points - self._x[-1]) * self._rate[-1]
        total: Array = np.where(after, beyond, inside)
        return total

    def annealing(self, x: ArrayLike, relaxations: Sequence[Relaxation], kappa: float = 0.0) -> Array:
        """R(x) for each relaxation, shape (len(relaxations), len(x)); 0 where the rate has not changed yet."""
        points = np.atleast_1d(np.asarray(x, dtype=np.float64))
        out = np.zeros((len(relaxations), points.size))
        if not self._start.size:
            return out
        now = self.progress(points)[:, None]
        end = np.clip(points[:, None], self._start, self._end)
        drop = np.interp(self._start, self._x, self._rate) - np.interp(end, self._x, self._rate)
        after = np.interp(end, self._x, self._rate)
        for node in _GAUSS:
            at = self._start + (end - self._start) * node
            then = self.progress(at)
            weight = drop * (np.maximum(then, 1e-12 * self.unit) / self.unit) ** -kappa / 2
            since_x, since_s = np.maximum(points[:, None] - at, 0.0), np.maximum(now - then, 0.0)
            for row, relaxation in enumerate(relaxations):
                out[row] += np.einsum("ij,ij->i", weight, relaxation.arrived(since_x, since_s, after))
        return out


def _pieces(x: Array, rate: Array, begin: float) -> tuple[Array, Array]:
    """Start and end of the pieces into which the changes after the warm-up are cut."""
    first = int(np.searchsorted(x, begin))
    xs, rates = x[first:], rate[first:]
    variation = np.r_[0.0, np.cumsum(np.abs(np.diff(rates)))]
    if xs.size < 2 or variation[-1] <= 1e-12:
        return np.zeros(0), np.zeros(0)
    even = np.linspace(0.0, variation[-1], _PIECES + 1)[1:-1]
    cuts = np.interp(even, variation, xs)  # inside a sudden step, cuts fall into its one interval
    moving = np.diff(variation) > 0
    corners = np.flatnonzero(np.diff(np.r_[False, moving, False].astype(int)))  # where changes begin and end
    if corners.size > 2 * _PIECES:  # a rate that moves and rests all the time, as when logged with few digits
        corners = corners[:: corners.size // _PIECES]
    edges = np.unique(np.r_[xs[0], xs[corners], cuts, xs[-1]])
    start, end = edges[:-1], edges[1:]
    changed = np.abs(np.interp(end, xs, rates) - np.interp(start, xs, rates)) > 0
    return start[changed], end[changed]
