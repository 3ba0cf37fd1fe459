"""What the trends would have said about the present when the curve was shorter, and how far off that was."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ._rows import with_column, within
from .batch import Floats
from .trends import LOG_CUTS, TrendFits, shrink

__all__ = ["Backtests", "backtest_trends"]


@dataclass(frozen=True, slots=True)
class Backtests:
    """Errors of back-tests, in units of sc.

    Parameters
    ----------
    error : ndarray, shape (N, 7, 31)
        Predicted minus actual present, for the thirty trends and the last value of each beginning, within +-20; 0
        where the beginning has fewer than three bins.
    valid : ndarray, shape (N, 7)
        1 where the beginning has at least three bins, else 0.
    """

    error: Floats
    valid: Floats

    def mean_square(self, h: Floats, noise: Floats) -> Floats:
        """Expected squared error at x = h x_last, shape (N, H, 31): S = sum_v a_v B_v^2 + .1 noise^2.

        Back-tests over a stretch as long as h (in ln x) count most: a_v is proportional to
        exp(-abs(ln h + ln v) / .5) + .05.

        Parameters
        ----------
        h : ndarray, shape (N, H)
            Future x over x_last.
        noise : ndarray, shape (N,)
            Observation noise over sc.
        """
        closeness = np.exp(-np.abs(np.log(h)[..., None] + LOG_CUTS) / 0.5) + 0.05
        share = closeness * self.valid[:, None, :]
        total = share.sum(axis=2, keepdims=True)
        share = share / np.where(total > 0, total, 1.0)
        square: Floats = share @ self.error**2 + 0.1 * (noise**2)[:, None, None]
        return square


def backtest_trends(fits: TrendFits) -> Backtests:
    """Back-tests of every beginning: the origin is its last bin, the target is the present level 0."""
    value, variance = fits.predict_present()
    last = fits.last[:, 1:, None]
    said = last + shrink(value - last, variance)
    error = with_column(said, last[..., 0])
    valid = fits.valid[:, 1:]
    return Backtests(np.where(valid[..., None] > 0, within(error, -20, 20), 0.0), valid)
