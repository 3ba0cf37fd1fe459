"""Three allowances of the estimands' intervals, each with the answer it gives without it as the negative control.

A law that need not go on (plateau onset), a value that was chosen for being the best (best point), and what a moving line
takes from correlated noise (standard error of a local mean). A count of N intervals passes when a calibrated one gives so
few but for one study in two thousand.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import toeplitz
from scipy.optimize import brentq
from scipy.signal import lfilter
from scipy.special import ndtr, ndtri
from scipy.stats import binom

from curvefit.curves import Curve
from curvefit.estimands import Question, _local_mean, horizon_grid
from curvefit.estimands.best_point import best_point
from curvefit.estimands.plateau_onset import plateau_onset
from curvefit.fitting.fit import fit
from curvefit.forecasting.forecast import Distribution, Forecast

LEVEL = 0.95
X = np.arange(1.0, 401.0)
END, SPREAD, EPS = 800.0, 0.008, 0.04


def noise(rng, rho, shape):
    e = rng.standard_normal(shape) * np.sqrt(1 - rho**2)
    e[..., 0] /= np.sqrt(1 - rho**2)
    return lfilter([1], [1, -rho], e, axis=-1)


def held(hits):
    return int(np.sum(hits)) >= binom.ppf(0.0005, len(hits), LEVEL)


class Normal(Distribution):
    """Normal with a mean and a standard deviation at every x."""

    def __init__(self, mean, sd):
        self.mean, self.sd = mean, sd

    def quantile(self, levels):
        return self.mean[:, None] + self.sd[:, None] * ndtri(np.asarray(levels))[None, :]

    def cdf(self, values):
        return ndtr((np.atleast_1d(values) - self.mean[:, None]) / self.sd[:, None])


def law(v):
    return 0.5 + v**-0.7


def onsets(n):
    """Onsets of runs that leave their law after the data as far as their forecasts say they may."""
    rng = np.random.default_rng(31)
    grid = horizon_grid(Curve(X, law(X), "val_loss"), END)
    way = (law(400) - law(grid)) / (law(400) - law(END))
    for _ in range(n):
        curve = Curve(X, law(X) + 0.004 * rng.standard_normal(X.size), "val_loss")
        spread = SPREAD * way + 0.002
        ahead = Forecast(
            grid, Normal(law(grid), np.hypot(spread, 0.004)), Normal(law(grid), spread), "normal", "val_loss",
            curve.kind, "min", 400.0, float(curve.y[-1]), law(400.0), 0.004,
        )  # fmt: skip
        off = SPREAD * rng.standard_normal()

        def left(v, off=off):
            gone = (law(400) - law(v)) / (law(400) - law(END)) if v > 400 else 0.0
            return law(v) + off * gone - law(END) - off - EPS * (law(1) - law(END) - off)

        told = plateau_onset(Question(curve, ahead, fit(curve, "power_law"), END, eps=EPS, level=LEVEL))
        assert told.details["from_fit"] == 1
        yield told.interval, brentq(left, 1, END)


def test_the_onset_of_a_run_that_leaves_its_law_is_covered():
    hits = [truth in interval for interval, truth in onsets(60)]
    assert held(hits), np.mean(hits)


def test_negative_control_the_law_is_believed_up_to_the_horizon(monkeypatch):
    monkeypatch.setattr("curvefit.estimands.plateau_onset.led_to", lambda *_: None)
    hits = [truth in interval for interval, truth in onsets(30)]
    assert not held(hits)
    assert np.mean(hits) < 0.7


def test_without_spread_an_onset_is_that_of_the_law_alone():
    curve = Curve(X, law(X) + 0.004 * np.random.default_rng(3).standard_normal(X.size), "val_loss")
    fitted = fit(curve, "power_law")
    grid = horizon_grid(curve, END)
    mean = fitted.predict(grid).mean
    sure = Normal(mean, np.full(grid.size, 1e-9))
    wide = Normal(mean, np.full(grid.size, 0.004))
    ahead = Forecast(grid, wide, sure, "normal", "val_loss", curve.kind, "min", 400.0, 0.5, float(law(400)), 0.004)
    alone = plateau_onset(Question(curve, None, fitted, END, eps=EPS))
    led = plateau_onset(Question(curve, ahead, fitted, END, eps=EPS))
    assert led.details["from_fit"] == alone.details["from_fit"] == 1
    assert led.value == alone.value
    assert 0.3 < led.interval.width / alone.interval.width < 1.5  # draws of the law still differ before the last x


def values(rho, n, seed=41):
    """Value at the best point of a level run, with its standard error, its interval, and the truth."""
    rng = np.random.default_rng(seed)
    for y in 2 + 0.05 * noise(rng, rho, (n, 1000)):
        yield best_point(Question(Curve(np.arange(1.0, 1001.0), y, "val_loss"), level=LEVEL)).details


@pytest.mark.parametrize("rho", [0.0, 0.7, 0.9])
def test_the_value_of_the_best_of_many_windows_is_covered(rho):
    hits = [d["value_low"] <= 2 <= d["value_high"] for d in values(rho, 120)]
    assert held(hits), np.mean(hits)


def test_negative_control_two_standard_errors_about_the_winner():
    hits = [abs(d["value"] - 2) <= 1.96 * d["stderr"] for d in values(0.0, 60)]
    assert np.mean(hits) < 0.5
    assert not held(hits)


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.9])
def test_what_a_line_takes_from_correlated_noise_is_what_its_projection_takes(rho):
    """Variance of the residual in the middle of the window, from the covariance matrix and the hat matrix."""
    window = 41
    design = np.column_stack([np.ones(window), np.arange(window) - window // 2])
    hat = design @ np.linalg.solve(design.T @ design, design.T)
    keep = (np.eye(window) - hat)[window // 2]
    residual = keep @ toeplitz(rho ** np.arange(window)) @ keep
    taken = _local_mean._taken(np.array([[rho]]), window)[0, 0] - 0.5 / window
    assert taken == pytest.approx(1 - residual, rel=1e-9)


def ratio(rho):
    """Standard error in the middle of level runs, over the standard deviation of the local means there."""
    rng = np.random.default_rng(43)
    found = _local_mean.local_means_of([Curve(X, y, "val_loss") for y in noise(rng, rho, (300, X.size))], 1.0)
    return np.mean([m.stderr[200] for (m,) in found]) / np.std([m.mean[200] for (m,) in found])


@pytest.mark.parametrize("rho", [0.0, 0.7, 0.9])
def test_the_standard_error_of_a_local_mean_is_that_of_its_noise(rho):
    assert 0.9 <= ratio(rho) <= 1.2  # the ratio of two standard deviations of 300 is known to a twentieth


def test_negative_control_a_line_takes_of_correlated_noise_what_it_takes_of_white(monkeypatch):
    monkeypatch.setattr(_local_mean, "_taken", lambda rho, window: np.full_like(rho, 1.5 / window))
    assert ratio(0.9) < 0.8
