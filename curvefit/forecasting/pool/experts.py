"""The experts: what each trend, two averages of them and two kinds of standing still say about the future."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ._rows import mean_of, with_column, within
from .backtests import Backtests
from .batch import Floats
from .trends import TREND_GAMMA, TREND_POWER, TrendFits, shrink, trend

__all__ = ["CENTRAL", "CORE", "EXPERTS", "Experts", "consult"]

CORE = [trend(-0.5, 4), trend(-0.5, 2), trend(-1, 4), trend(-0.25, 4), trend(-1, 8), trend(-0.5, 8)]
CENTRAL = np.flatnonzero(np.isin(TREND_POWER, (-1, -0.5, -0.25, 0)) & np.isin(TREND_GAMMA, (2, 4, 8)))
EXPERTS = 34  # 30 trends, average of all, average of the central ones, no change, back to the last value
ROBUST = [*CORE, 30, 31, 32, 33]
REACH = 6.0  # predictions are kept within this many scales of the present


@dataclass(frozen=True, slots=True)
class Experts:
    """What the experts say, per curve and future x, in units of z relative to the present level.

    Parameters
    ----------
    trends : ndarray, shape (N, H, 30)
        Shrunk trends.
    variance : ndarray, shape (N, H, 30)
        Their variance before shrinking.
    square : ndarray, shape (N, H, 31)
        Mean squared error by back-tests, of the trends and the last value.
    weight : ndarray, shape (N, H, 31)
        Weights of the first average, proportional to square^-2.
    average, central : ndarray, shape (N, H)
        Back-test weighted averages over all trends and the last value, and over the central twelve trends.
    last : ndarray, shape (N,)
        Last value.
    scale : ndarray, shape (N, H)
        q: root of noise^2 plus the mean square of six core trends.
    """

    trends: Floats
    variance: Floats
    square: Floats
    weight: Floats
    average: Floats
    central: Floats
    last: Floats
    scale: Floats

    def relative(self) -> Floats:
        """All 34 predictions over q, within +-6, none worse than the worst robust one: shape (N, H, 34).

        Robust are the six core trends, the two averages and the two kinds of standing still. A trend that looks far back
        on a curve that has collapsed stands at its distant past; such a one is pulled up to them. Better ones are free.
        """
        said = np.empty((*self.average.shape, EXPERTS))
        said[..., :30] = self.trends
        said[..., 30] = self.average
        said[..., 31] = self.central
        said[..., 32] = 0
        said[..., 33] = self.last[:, None]
        said /= self.scale[..., None]
        worst = said[..., ROBUST].min(axis=2, keepdims=True)
        return within(np.maximum(said, worst), -REACH, REACH)

    def merits(self) -> tuple[Floats, Floats]:
        """Log of each expert's back-test error, and of its own standard error, over q: two arrays (N, H, 34).

        The averages have those of the experts they hold, by weight; standing still has the back-test error of the last
        value and no standard error. Both are within +-4.
        """
        square, variance = np.zeros((*self.average.shape, EXPERTS)), np.zeros((*self.average.shape, EXPERTS))
        square[..., :30], variance[..., :30] = self.square[..., :30], self.variance
        square[..., 30] = (self.weight * self.square).sum(axis=2)
        variance[..., 30] = (self.weight[..., :30] * self.variance).sum(axis=2)
        center = self.weight[..., CENTRAL]
        center = center / center.sum(axis=2, keepdims=True)
        square[..., 31] = (center * self.square[..., CENTRAL]).sum(axis=2)
        variance[..., 31] = (center * self.variance[..., CENTRAL]).sum(axis=2)
        square[..., 32:] = self.square[..., 30:]
        unit = self.scale[..., None] ** 2
        for part in (square, variance):
            part /= unit
            part += 1e-3
            np.log(part, out=part)
            part *= 0.5
            np.maximum(part, -4, out=part)
            np.minimum(part, 4, out=part)
        return square, variance


def consult(fits: TrendFits, backtests: Backtests, h: Floats, scale: Floats, noise: Floats, last: Floats) -> Experts:
    """Ask every expert.

    Parameters
    ----------
    fits, backtests
        Of the curves.
    h : ndarray, shape (N, H)
        Future x over x_last.
    scale, noise, last : ndarray, shape (N,)
        Range of the bins, observation noise and last value, in units of z.
    """
    unit = scale[:, None, None]
    move, variance = fits.predict(h)
    trends = shrink(move, variance) * unit
    square = backtests.mean_square(h, noise / scale)
    weight = 1 / square**2
    with_last = with_column(trends, last[:, None])
    share = weight / weight.sum(axis=2, keepdims=True)
    average = np.einsum("nhe,nhe->nh", share, with_last)
    center = weight[..., CENTRAL]
    central = np.einsum("nhe,nhe->nh", center, trends[..., CENTRAL]) / center.sum(axis=2)
    core = mean_of(trends[..., CORE] ** 2)
    q = np.sqrt(noise[:, None] ** 2 + core)
    return Experts(trends, variance * unit**2, square * unit**2, share, average, central, last, q)
