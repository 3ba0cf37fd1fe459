"""Plateau onset by gain: against closed forms, and which view was used."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq

from curvefit.curves import Curve, Status
from curvefit.estimands._base import Question, horizon_grid
from curvefit.estimands._passages import _decreasing, first_passages
from curvefit.estimands._paths import mean_paths
from curvefit.estimands.asymptote import asymptote
from curvefit.estimands.convergence_rate import convergence_rate
from curvefit.estimands.plateau_onset import plateau_onset
from curvefit.fitting.fit import fit

X = np.arange(1.0, 401.0)


def law(x, alpha=1.2):
    return 0.5 + x**-alpha


def onset(eps, horizon, alpha=1.2):
    def left(v):
        return (law(v, alpha) - law(horizon, alpha)) / (law(1, alpha) - law(horizon, alpha)) - eps

    return brentq(left, 1, horizon)


def noisy(alpha=1.2, sd=0.005, seed=0):
    return Curve(X, law(X, alpha) + sd * np.random.default_rng(seed).standard_normal(X.size), "val_loss")


@pytest.mark.parametrize("eps", [0.005, 0.01, 0.05])
def test_it_solves_the_definition(eps):
    curve = noisy(sd=1e-6)
    out = plateau_onset(Question(curve, None, fit(curve), 800.0, eps=eps))
    assert out.value == pytest.approx(onset(eps, 800.0), rel=2e-3)
    assert out.details["from_fit"] == 1
    assert "fitted power law" in out.reasons[0]


def test_scores_that_climb_have_the_same_onset():
    curve = noisy()
    mirrored = Curve(X, -curve.y, "reward")
    down, up = (plateau_onset(Question(c, None, fit(c), 800.0)) for c in (curve, mirrored))
    assert up.value == pytest.approx(down.value, rel=1e-6)


def test_after_the_data_it_is_not_reached_and_says_what_is_left():
    curve = noisy(alpha=0.3, sd=0.001)
    out = plateau_onset(Question(curve, None, fit(curve), 4000.0))
    truth = onset(0.01, 4000.0, 0.3)
    assert truth > 400
    assert out.status is Status.NOT_REACHED
    assert out.value is None
    assert out.details["expected_x"] == pytest.approx(truth, rel=0.02)
    left = (law(400, 0.3) - law(4000, 0.3)) / (law(1, 0.3) - law(4000, 0.3))
    assert out.details["gain_left"] == pytest.approx(left, rel=0.02)
    assert out.details["probability"] == 0


def test_of_an_onset_that_only_a_forecast_puts_after_the_data_the_interval_is_all_that_is_ahead(normal_forecast):
    """Paths of a forecast have one shape and pass at nearly one x: an interval of width 0, or as good as."""
    curve = noisy(alpha=0.3, sd=0.001)
    ahead = normal_forecast(curve, horizon_grid(curve, 800), lambda v: law(v, 0.3), 0.01)
    out = plateau_onset(Question(curve, ahead, None, 800.0))
    assert out.status is Status.NOT_REACHED and out.value is None
    assert out.details["from_fit"] == 0 and out.details["probability"] < 0.025
    assert (out.interval.low, out.interval.high) == (400, 800)
    assert out.details["expected_x"] in out.interval


def test_a_law_that_contradicts_the_forecast_is_not_used(normal_forecast):
    curve = noisy()
    grid = horizon_grid(curve, 800)
    agreeing = normal_forecast(curve, grid, law, 0.01)
    worse = normal_forecast(curve, grid, lambda v: law(400) - 0.002 * (v - 400), 0.01)
    assert plateau_onset(Question(curve, agreeing, fit(curve), 800.0)).details["from_fit"] == 1
    out = plateau_onset(Question(curve, worse, fit(curve), 800.0))
    assert out.details["from_fit"] == 0
    assert "outside the forecast's interval" in out.reasons[0]


def test_from_the_forecast_alone_it_is_near_the_truth_and_consistent_with_what_remains(normal_forecast):
    from curvefit.estimands.remaining_improvement import remaining_improvement

    curve = noisy(sd=0.002)
    fc = normal_forecast(curve, horizon_grid(curve, 800), law, 0.0005)
    asked = Question(curve, fc, None, 800.0, eps=0.02)
    out = plateau_onset(asked)
    assert out.details["from_fit"] == 0
    assert onset(0.02, 800.0) in out.interval
    assert out.details["gain_left"] == pytest.approx(remaining_improvement(asked).details["share"], abs=0.002)


def test_a_run_that_does_not_improve_has_no_onset(normal_forecast):
    rng = np.random.default_rng(1)
    flat = Curve(X, 1 + 0.05 * rng.standard_normal(400), "val_loss")
    out = plateau_onset(
        Question(flat, normal_forecast(flat, horizon_grid(flat, 800), lambda v: 1.0, 0.01), fit(flat), 800.0)
    )
    assert out.status is Status.NOT_APPLICABLE
    rising = Curve(X, np.log(X), "val_loss")
    assert plateau_onset(Question(rising, None, fit(rising, "log_law"), 800.0)).status is Status.NOT_APPLICABLE


def test_draws_spread_like_the_delta_intervals_of_the_fit():
    """Where the law is nearly linear in its parameters both must agree: 200 draws know a width to 5 % (3 sd: 15 %)."""
    curve = noisy(sd=0.005)
    law_ = fit(curve)
    at = np.array([2.0, 20.0, 200.0, 800.0])
    paths = mean_paths(law_, at)
    band = law_.predict(at, "confidence", 0.95, method="delta")
    spread = 2 * 1.96 * paths[1:].std(axis=0)
    assert np.allclose(paths[0], band.mean)
    assert np.allclose(spread / (band.high - band.low), 1, atol=0.2)


def test_monotone_regression_against_scipy():
    from scipy.optimize import isotonic_regression

    rng = np.random.default_rng(2)
    y, w = rng.standard_normal(60), rng.uniform(1, 9, 60)
    assert np.allclose(_decreasing(y, w), isotonic_regression(y, weights=w, increasing=False).x)


def test_first_passage_between_grid_points():
    grid = np.array([1.0, 2.0, 4.0])
    seen = Question(Curve([1.0, 2.0], [1.0, 0.5], "val_loss"), horizon=4.0, eps=0.25)
    found = first_passages(grid, np.array([[1.0, 0.5, 0.0], [1.0, 0.0, 0.0]]), seen)
    assert (found.gains.tolist(), found.onsets.tolist(), found.left) == ([1.0, 1.0], [3.0, 1.75], 0.5)


@pytest.mark.parametrize(("model", "truth"), [("power_law", 1.2), ("log_law", 0.0)])
def test_local_exponent_is_the_laws(model, truth):
    curve = noisy(sd=1e-5) if model == "power_law" else Curve(X, 3 - 0.2 * np.log(X + 0.0), "val_loss")
    out = convergence_rate(Question(curve, None, fit(curve, "log_linear" if model == "log_law" else model), 800.0))
    assert out.details["exponent"] == pytest.approx(truth, abs=0.01)


def test_a_law_that_misses_the_tail_is_not_used(normal_forecast):
    """The steep start dominates the fit, which is level where the run still falls: a wrong and narrow onset."""
    mean = 1.2 * np.exp(-X / 12) + 0.2 - 0.015 * np.log(X)
    curve = Curve(X, mean + 0.002 * np.random.default_rng(0).standard_normal(400), "val_loss")
    fc = normal_forecast(curve, horizon_grid(curve, 800), lambda v: 0.2 - 0.015 * np.log(v), 0.02)
    law_ = fit(curve, "exponential")
    out = plateau_onset(Question(curve, fc, law_, 800.0))
    assert out.details["from_fit"] == 0
    assert "misses the late curve" in out.reasons[0]
    limit = asymptote(Question(curve, fc, law_, 800.0))
    assert limit.status is Status.DEGRADED
    assert "misses the late curve" in limit.reasons[-1]
    assert asymptote(Question(noisy(), None, fit(noisy()), 800.0)).status is Status.OK
    assert out.details["gain_left"] == pytest.approx(0.015 * np.log(2) / (mean[0] - 0.2 + 0.015 * np.log(800)), rel=0.1)


@pytest.mark.parametrize(("metric", "sign", "verb"), [("val_loss", 1.0, "rises"), ("val_accuracy", -1.0, "falls")])
def test_a_curve_that_turns_has_no_plateau(metric, sign, verb, normal_forecast):
    """A first passage on the way to a minimum that does not last is no onset, for losses and for accuracies."""
    x = np.arange(1.0, 62.0)
    mean = 0.5 + 0.3 * np.exp(-(x - 1) / 1.2)
    noise = 0.002 * np.random.default_rng(0).standard_normal(61)

    def onset_of(y):
        y = y if sign > 0 else 1 - y
        curve = Curve(x, y, metric)
        fc = normal_forecast(curve, horizon_grid(curve, 122), lambda _: float(y[-5:].mean()), 0.002, noise=0.002)
        return plateau_onset(Question(curve, fc, None, 122.0))

    turned = onset_of(mean + noise + 0.002 * np.maximum(x - 6, 0))
    assert turned.status is Status.NOT_REACHED
    assert turned.value is None
    assert turned.interval is None
    assert turned.reasons[0].startswith(f"the curve {verb} again: it ends 0.09")
    level = onset_of(mean + noise)
    assert level.status is Status.OK
    assert level.value < 12


def test_noise_alone_seldom_counts_as_a_turn(normal_forecast):
    """Level runs with an onset keep it: of 60 at most 4 may lose it at a level of 95 % (P(more) < .02 at the limit)."""
    x = np.arange(1.0, 121.0)
    mean = 0.5 + 0.5 * np.exp(-(x - 1) / 4)
    lost = 0
    for seed in range(60):
        curve = Curve(x, mean + 0.02 * np.random.default_rng(seed).standard_normal(120), "val_loss")
        fc = normal_forecast(curve, horizon_grid(curve, 240), lambda _: 0.5, 0.003, noise=0.02)
        lost += plateau_onset(Question(curve, fc, None, 240.0)).status is Status.NOT_REACHED
    assert lost <= 4
