"""Intervals of the three plateau onsets cover a known onset as often as they say.

A count of N intervals passes when it lies inside the central 99.9 % of Binomial(N, level). Unconditional: a curve on
which the onset is not found counts as not covered. Negative controls: correlated noise taken for white, and a law that
is not the curve's.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import lfilter
from scipy.stats import binom

import curvefit as cf
from curvefit.estimands._onset_kink import onset_by_kink

N = 100
KINK = np.linspace(0.05, 10, N)
LAW = np.arange(1.0, 401.0)


def noise(rng, rho, n):
    e = rng.standard_normal(n) * np.sqrt(1 - rho**2)
    e[0] /= np.sqrt(1 - rho**2)
    return lfilter([1], [1, -rho], e)


def held(hits, level):
    """Not fewer than a rate of that level gives."""
    return int(np.sum(hits)) >= binom.ppf(0.0005, len(hits), level)


def kinks(rho, runs, sd=0.1, way=cf.plateau_onset, **options):
    rng = np.random.default_rng(11)
    for _ in range(runs):
        y = 1 + np.maximum(6.5 - KINK, 0) + sd * noise(rng, rho, N)
        yield way(cf.Curve(KINK, y, "val_loss"), **options)


def covers(found, truth):
    return found.interval is not None and truth in found.interval


# nominal 95 %; the profile interval with effective sample size is known to hold .86 at AR(.7)
@pytest.mark.parametrize(("rho", "level"), [(0.0, 0.93), (0.7, 0.84)])
def test_a_kink_of_given_number_is_covered(rho, level):
    hits = [covers(e, 6.5) for e in kinks(rho, 40, n_breakpoints=1, x_axis="linear")]
    assert held(hits, level), np.mean(hits)


@pytest.mark.slow
@pytest.mark.parametrize(("rho", "level"), [(0.0, 0.91), (0.7, 0.80)])
def test_a_kink_is_covered_when_number_and_axis_are_selected(rho, level):
    hits = [covers(e, 6.5) for e in kinks(rho, 60)]
    assert held(hits, level), np.mean(hits)


def test_negative_control_correlated_noise_taken_for_white():
    found = kinks(0.7, 40, way=onset_by_kink, n_breakpoints=1, x_axis="linear", noise="white")
    hits = [covers(e, 6.5) for e in found]
    assert not held(hits, 0.84)


def slopes(rho, runs, model, truth=150.0):
    rng = np.random.default_rng(12)
    delta = 0.7 * np.log(10) * truth**-0.7
    for _ in range(runs):
        curve = cf.Curve(LAW, 0.5 + LAW**-0.7 + 0.01 * noise(rng, rho, LAW.size), "val_loss")
        yield cf.plateau_onset(curve, "slope", delta=delta, model=model)


@pytest.mark.parametrize("rho", [0.0, 0.7])
def test_a_slope_is_covered(rho):
    hits = [covers(e, 150.0) for e in slopes(rho, 100, "power_law")]
    assert held(hits, 0.93), np.mean(hits)


@pytest.mark.slow
@pytest.mark.parametrize("rho", [0.0, 0.7])
def test_a_slope_is_covered_when_the_law_is_selected(rho):
    hits = [covers(e, 150.0) for e in slopes(rho, 100, "auto")]
    assert held(hits, 0.91), np.mean(hits)


def test_negative_control_a_law_that_is_not_the_curves(monkeypatch):
    """With the check of the late curve switched off the wrong law is sure of a wrong onset."""
    monkeypatch.setattr("curvefit.estimands._onset_slope.late_misfit", lambda law: (np.empty(0), np.empty(0)))
    hits = [covers(e, 150.0) for e in slopes(0.0, 15, "exponential")]
    assert not held(hits, 0.93)
