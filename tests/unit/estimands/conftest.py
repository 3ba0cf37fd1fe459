"""Forecasts whose distributions are known in closed form."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtr, ndtri

from curvefit.curves import Curve
from curvefit.forecasting.forecast import Distribution, Forecast


class Normal(Distribution):
    """Normal with a mean and a standard deviation at every x."""

    def __init__(self, mean, sd):
        self.mean, self.sd = np.asarray(mean, float), np.broadcast_to(np.asarray(sd, float), np.shape(mean))

    def quantile(self, levels):
        return self.mean[:, None] + self.sd[:, None] * ndtri(np.asarray(levels))[None, :]

    def cdf(self, values):
        return ndtr((np.atleast_1d(values) - self.mean[:, None]) / self.sd[:, None])


@pytest.fixture
def normal_forecast():
    """Build a forecast whose mean curve and spread are given functions of x."""

    def build(curve: Curve, x, mean, sd_mean=0.01, noise=0.05, level_now=None):
        x = np.asarray(x, float)
        centre = np.asarray([mean(v) for v in x])
        spread = np.asarray([sd_mean(v) for v in x]) if callable(sd_mean) else np.full(x.size, float(sd_mean))
        return Forecast(
            x,
            Normal(centre, np.hypot(spread, noise)),
            Normal(centre, spread),
            "normal",
            curve.metric.name,
            curve.kind,
            curve.direction or "min",
            float(curve.x[-1]),
            float(curve.y[-1]),
            float(mean(curve.x[-1]) if level_now is None else level_now),
            noise,
        )

    return build


@pytest.fixture
def power_curve():
    """2 + 3 x^-1/2 without noise at x = 1 ... 200."""
    x = np.arange(1.0, 201.0)
    return Curve(x, 2 + 3 * x**-0.5, "val_loss")
