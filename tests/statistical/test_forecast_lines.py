"""Losses that rise or fall along a line stay inside the 95 % interval: neither the log scale nor its cap may cut them."""

from __future__ import annotations

import numpy as np
import pytest

import curvefit as cf

WORLDS = 40
LINES = {"rises": (1.0, 1.0), "rises steeply": (0.2, 3.0), "falls": (3.0, -1.0)}


def forecasts(intercept, slope, h, seed=7):
    rng = np.random.default_rng(seed)
    curves, truth = [], []
    for _ in range(WORLDS):
        n = int(rng.integers(15, 120))
        u = np.arange(1, n + 1) / n
        noise = np.exp(rng.uniform(np.log(1e-3), np.log(0.05)))
        curves.append(
            cf.Curve(np.arange(1, n + 1.0), intercept + slope * u + noise * rng.normal(size=n), metric="loss")
        )
        truth.append(intercept + slope * h + noise * rng.normal())
    return cf.forecast_many(curves, [np.array([h * c.x[-1]]) for c in curves]), np.array(truth)


@pytest.mark.parametrize("h", [1.25, 1.5])
@pytest.mark.parametrize("line", LINES)
def test_a_line_goes_on_inside_the_interval(line, h):
    made, truth = forecasts(*LINES[line], h)
    low, high = np.array([f.quantile([0.025, 0.975])[0] for f in made]).T
    inside = int(((low <= truth) & (truth <= high)).sum())
    assert inside >= 33, "36 of 40 are expected at 90 %, 33 or more in 19 of 20 such studies"


def test_control_a_tight_cap_is_noticed():
    made, truth = forecasts(*LINES["rises"], 1.5)
    low, high = np.array([f.quantile([0.025, 0.975])[0] for f in made]).T
    largest = np.array([f.y_last for f in made])
    assert ((low <= truth) & (truth <= np.minimum(high, 1.1 * largest))).sum() < 33
