"""The 80 % interval of the mean curve holds known means as often as it says, over horizons, in white and AR(.7) noise."""

from __future__ import annotations

import numpy as np
import pytest

import curvefit as cf
from benchmarks.statistics.mean_view import HORIZONS, NOISES, mean_view

RUNS = 1000  # standard error of a pooled share: under .01, three horizons of one curve counted as one


@pytest.fixture(scope="module")
def hits():
    return mean_view(RUNS, seed=3)


@pytest.mark.parametrize("noise", NOISES)
def test_the_mean_is_covered_as_often_as_stated(hits, noise):
    share = np.mean([hit for (name, _), cell in hits.items() if name == noise for hit in cell.mean])
    assert 0.75 <= share <= 0.85


def test_the_mean_is_surer_than_an_observation_where_noise_is_what_is_left(hits):
    near, far = (np.median(hits["white", h].narrower) for h in (HORIZONS[0], HORIZONS[-1]))
    assert near < 0.65
    assert 0.85 < far <= 1


def test_control_an_interval_for_observations_covers_the_mean_too_often():
    rng = np.random.default_rng(0)
    x = np.arange(1, 101.0)
    inside = []
    for _ in range(200):
        curve = cf.Curve(x, 1 + x**-0.5 + 0.05 * rng.normal(size=100), metric="loss")
        made = cf.forecast(curve, [105.0]).interval(0.8)
        inside.append(made.low[0] <= 1 + 105.0**-0.5 <= made.high[0])
    assert np.mean(inside) > 0.85
