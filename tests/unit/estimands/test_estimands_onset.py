"""Plateau onset by kink, gain and slope: closed forms, names, and what is not reached."""

from __future__ import annotations

import numpy as np
import pytest

import curvefit as cf
from curvefit.curves import Status
from curvefit.estimands._onset_slope import _below

X = np.arange(1.0, 201.0)
RNG = np.random.default_rng(3)
NOISE = 0.01 * RNG.standard_normal(200)


def curve(mean, noise=NOISE, metric="val_loss"):
    return cf.Curve(X, mean + noise, metric)


def test_a_kink_in_x_and_a_kink_in_log_x():
    for truth, mean, log in (
        (120.0, 1 + np.maximum(0, 1 - X / 120), 0.0),
        (60.0, 1 + np.maximum(0, 1 - np.log(X) / np.log(60)), 1.0),
    ):
        out = cf.plateau_onset(curve(mean), n_breakpoints=1)
        assert out.name == "plateau_onset_kink"
        assert out.value == pytest.approx(truth, rel=0.02)
        assert truth in out.interval
        assert out.details["log_x"] == log
        assert out.details["log10_x"] == pytest.approx(np.log10(out.value))
        assert 10 ** out.details["log10_low"] == pytest.approx(out.interval.low)
        assert 10 ** out.details["log10_high"] == pytest.approx(out.interval.high)
        assert "whose last slope is 0" in out.reasons[0]


def test_a_score_that_levels_off_has_the_kink_of_its_mirror_image():
    mean = np.maximum(0, 1 - X / 120)
    down = cf.plateau_onset(curve(mean), n_breakpoints=1, x_axis="linear")
    up = cf.plateau_onset(cf.Curve(X, -(mean + NOISE), "reward"), n_breakpoints=1, x_axis="linear")
    assert up.value == pytest.approx(down.value)


def test_a_curve_that_goes_on_falling_has_not_reached_it():
    out = cf.plateau_onset(curve(3 - X / 200), n_breakpoints=1)
    assert out.status is Status.NOT_REACHED
    assert out.value is None
    assert "still improves" in out.reasons[0]


def test_a_curve_that_turns_or_is_level_throughout_has_none():
    turned = cf.plateau_onset(curve(np.where(X < 100, 2 - X / 100, 1 + (X - 100) / 100)), n_breakpoints=1)
    assert turned.status is Status.NOT_APPLICABLE
    assert "gets worse" in turned.reasons[0]
    level = cf.plateau_onset(curve(np.ones(200)), x_axis="linear")
    assert level.status is Status.NOT_APPLICABLE
    assert "throughout" in level.reasons[0]
    assert cf.plateau_onset(cf.Curve(X, np.ones(200), "val_loss")).status is Status.CONSTANT
    assert cf.plateau_onset(cf.Curve(X[:5], X[:5], "val_loss")).status is Status.TOO_FEW_POINTS


def test_a_slope_solves_the_definition():
    """-df/dlog10 x of a power law is alpha ln(10) x^-alpha."""
    truth, alpha = 80.0, 0.7
    delta = alpha * np.log(10) * truth**-alpha
    out = cf.plateau_onset(curve(0.5 + X**-alpha, 1e-4 * NOISE), "slope", delta=delta, model="power_law")
    assert out.name == "plateau_onset_slope"
    assert out.value == pytest.approx(truth, rel=1e-3)
    assert "power law" in out.reasons[0]


def test_a_slope_that_is_met_after_the_data_is_not_reached():
    truth, alpha = 1000.0, 0.7
    delta = alpha * np.log(10) * truth**-alpha
    out = cf.plateau_onset(curve(0.5 + X**-alpha, 0.01 * NOISE), "slope", delta=delta, model="power_law")
    assert out.status is Status.NOT_REACHED
    assert out.value is None
    assert out.details["expected_x"] == pytest.approx(truth, rel=0.05)
    assert truth in out.interval


def test_a_slow_start_is_no_plateau():
    """exp(-x/30) is level in log x at first: the slope per decade rises to its peak at x = 30."""
    out = cf.plateau_onset(curve(1 + np.exp(-X / 30)), "slope", delta=0.1, model="exponential")
    u = X / 30
    truth = np.interp(-0.1, -(np.log(10) * u * np.exp(-u))[30:], X[30:])
    assert out.value == pytest.approx(truth, rel=0.05)


def test_first_x_below_by_hand():
    grid = np.array([1.0, 10.0, 100.0])
    slope = np.array([[0.0, 2.0, 0.0], [3.0, 2.0, 1.5], [0.1, 0.1, 0.1]])
    out = _below(grid, slope, 1.0)
    assert out[0] == pytest.approx(10**1.5)
    assert np.isinf(out[1])
    assert np.isnan(out[2])


def test_a_law_that_misses_the_late_curve_says_nothing():
    mean = np.where(X < 100, 2 - X / 100, 1.0)
    out = cf.plateau_onset(curve(mean), "slope", delta=0.05, model="power_law")
    assert out.status is Status.NOT_IDENTIFIED


def test_gain_is_the_estimand_under_its_own_name():
    data = curve(0.5 + X**-1.2)
    out = cf.plateau_onset(data, "gain", horizon=400, eps=0.02)
    same = cf.estimate(data, "plateau_onset", horizon=400, eps=0.02)
    assert out.name == "plateau_onset_gain"
    assert (out.value, out.interval) == (same.value, same.interval)
    assert out.reasons[0].startswith("gain: ")


def test_what_is_missing_is_said():
    data = curve(0.5 + X**-1.2)
    with pytest.raises(cf.CurvefitError, match="choices: kink, gain, slope"):
        cf.plateau_onset(data, "level")
    with pytest.raises(cf.CurvefitError, match="needs delta"):
        cf.plateau_onset(data, "slope")
    with pytest.raises(cf.CurvefitError, match="not a positive number"):
        cf.plateau_onset(data, "slope", delta=-1)
    with pytest.raises(cf.CurvefitError, match="needs a horizon"):
        cf.plateau_onset(data, "gain")
    with pytest.raises(cf.CurvefitError, match="no finite points"):
        cf.plateau_onset(cf.Curve([1.0], [np.nan], "val_loss"))
    with pytest.raises(cf.CurvefitError, match="smaller or larger"):
        cf.plateau_onset(cf.Curve(X, NOISE, "something"))


@pytest.mark.parametrize("factor", [1e-3, 1e3])
def test_units_do_not_matter(factor):
    data = curve(1 + np.maximum(0, 1 - X / 120))
    plain = cf.plateau_onset(data, n_breakpoints=1, x_axis="linear")
    other = cf.plateau_onset(cf.Curve(factor * X, factor * data.y, "val_loss"), n_breakpoints=1, x_axis="linear")
    assert other.value == pytest.approx(factor * plain.value, rel=1e-9)
    assert other.interval.high == pytest.approx(factor * plain.interval.high, rel=1e-6)
