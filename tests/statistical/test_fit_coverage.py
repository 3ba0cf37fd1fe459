"""Intervals of fitted parameters and values cover the truth of simulated curves as often as they say.

A count k of N passes when it lies inside the central 99.9 % of Binomial(N, level). Correlated noise: the default interval must
cover at least 88 %, counted against the lower binomial limit of that, and the named negative control, which takes the
noise for independent, must be refused.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

import curvefit as cf
from benchmarks.statistics.coverage import POWER_LAW, World, bounds, coverage
from curvefit.models import registry
from curvefit.models.noise.autoregressive import Autoregressive
from curvefit.models.noise.gaussian import Gaussian
from curvefit.models.noise.multiplicative import Multiplicative
from curvefit.models.noise.student_t import StudentT

PROFILE = ("default", "auto", "profile_likelihood")
DELTA = ("delta", "auto", "delta")
CONTROL = ("independent", "gaussian", "profile_likelihood")
WHAT = ("alpha", "value at 2 x")


def check_white(runs, seed):
    cells = coverage(POWER_LAW["white"], runs, seed, [PROFILE, DELTA])
    few, many = bounds(runs, 0.95, 1e-3)
    for cell in cells.values():
        assert few <= cell.hits <= many
        assert cell.none == 0
        # each side is missed about equally often
        assert max(cell.below, cell.above) <= binom.ppf(0.9995, runs, 0.025) + 1


def check_correlated(runs, seed):
    cells = coverage(POWER_LAW["ar.7"], runs, seed, [PROFILE, CONTROL])
    least = int(binom.ppf(0.0005, runs, 0.88))
    for what in WHAT:
        assert cells["default", what].hits >= least
        control = cells["independent", what]
        few, _ = bounds(runs, 0.95, 1e-3)
        assert control.hits < few, "negative control: independent noise assumed where it is correlated"
        assert control.hits <= binom.ppf(0.9995, runs, 0.75)
        assert np.median(cells["default", what].widths) < 4 * np.median(control.widths)


def test_white_noise():
    check_white(100, 1)


def test_correlated_noise_and_the_negative_control():
    check_correlated(80, 2)


@pytest.mark.slow
def test_white_noise_400_runs():
    check_white(400, 3)


@pytest.mark.slow
def test_correlated_noise_400_runs():
    check_correlated(400, 4)


def test_a_standard_error_a_fifth_too_small_would_be_seen():
    """Negative control of the check itself: shrinking the interval by 20 % must fail it at 400 runs."""
    few, _ = bounds(400, 0.95, 1e-3)
    assert few > 400 * 0.883  # coverage of +-1.96 x 0.8 sd


@pytest.mark.slow
@pytest.mark.parametrize(
    ("world", "fitted"),
    [
        (World("whitened", Autoregressive(0.7)), "autoregressive"),
        (World("Student t", StudentT(4.0)), "student_t"),
        (World("in proportion", Multiplicative(), scale=0.03), "multiplicative"),
        (World("short", Gaussian(), n=40, scale=0.05), "gaussian"),
    ],
    ids=lambda v: v if isinstance(v, str) else v.name,
)
def test_each_assumption_covers_in_its_own_world(world, fitted):
    runs = 300
    cells = coverage(world, runs, 5, [("own", fitted, "profile_likelihood")])
    few, _ = bounds(runs, 0.95, 1e-3)
    slack = 0.04 * runs if fitted in ("autoregressive", "student_t") else 0  # first-order methods
    for cell in cells.values():
        assert cell.hits >= few - slack


@pytest.mark.slow
@pytest.mark.parametrize("name", ["exponential", "mmf", "log_law", "stretched_exponential"])
def test_values_ahead_of_other_laws(name):
    runs, m = 200, registry[name]
    x = np.linspace(1, 100, 150)
    truth = m.predict(x, m.example())
    ahead = float(m.predict(np.array([200.0]), m.example())[0])
    rng = np.random.default_rng(6)
    hits = 0
    for _ in range(runs):
        y = truth + 0.02 * np.ptp(truth) * rng.standard_normal(x.size)
        band = cf.fit(cf.Curve(x, y, "loss"), m).predict(200.0, "confidence")
        hits += bool(band.low[0] <= ahead <= band.high[0])
    few, _ = bounds(runs, 0.95, 1e-3)
    assert hits >= few


@pytest.mark.slow
def test_averaged_values_ahead_when_the_law_is_unknown():
    """After selection: the average covers although the law is chosen from the data."""
    runs, m = 120, registry["power_law"]
    x = np.arange(1.0, 101.0)
    truth, ahead = m.predict(x, m.example()), float(m.predict(np.array([200.0]), m.example())[0])
    rng = np.random.default_rng(7)
    hits = 0
    for _ in range(runs):
        y = truth + 0.1 * rng.standard_normal(x.size)
        band = cf.select(cf.Curve(x, y, "loss")).predict(200.0)
        hits += bool(band.low[0] <= ahead <= band.high[0])
    assert hits >= binom.ppf(0.0005, runs, 0.93)


def test_new_observations_fall_into_prediction_intervals():
    rng = np.random.default_rng(8)
    world = POWER_LAW["white"]
    hits, runs = 0, 150
    for _ in range(runs):
        band = cf.fit(world.curve(rng)).predict(400.0, "prediction")
        y = world.truth(np.array([400.0]))[0] + 0.1 * rng.standard_normal()
        hits += bool(band.low[0] <= y <= band.high[0])
    few, many = bounds(runs, 0.95, 1e-3)
    assert few <= hits <= many
