"""Estimands read off a forecast, against closed forms of a normal forecast."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from curvefit.curves import Curve, Status
from curvefit.estimands._base import Question, horizon_grid
from curvefit.estimands.remaining_improvement import remaining_improvement
from curvefit.estimands.target_reached import target_reached
from curvefit.estimands.value_at import value_at


def law(x):
    return 2 + 3 * x**-0.5


def test_value_at_is_the_predictive_median_with_the_mean_beside_it(power_curve, normal_forecast):
    fc = normal_forecast(power_curve, horizon_grid(power_curve, 400), law, 0.02, 0.05)
    out = value_at(Question(power_curve, fc, level=0.9))
    new, mean = stats.norm(law(400), np.hypot(0.02, 0.05)), stats.norm(law(400), 0.02)
    assert out.value == pytest.approx(law(400))
    assert (out.interval.low, out.interval.high) == pytest.approx(new.interval(0.9))
    assert (out.interval.kind, out.interval.level) == ("prediction", 0.9)
    assert (out.details["mean_low"], out.details["mean_high"]) == pytest.approx(mean.interval(0.9))
    assert out.details["horizon"] == 400


def test_remaining_improvement_in_units_and_share(power_curve, normal_forecast):
    fc = normal_forecast(power_curve, horizon_grid(power_curve, 400), law, 0.02)
    out = remaining_improvement(Question(power_curve, fc, min_gain=0.05))
    gain = law(200) - law(400)
    assert out.value == pytest.approx(gain)
    assert (out.interval.low, out.interval.high) == pytest.approx(stats.norm(gain, 0.02).interval(0.95))
    assert out.interval.kind == "confidence"
    assert out.details["share"] == pytest.approx(gain / (law(1) - law(400)))
    assert out.details["share_low"] < out.details["share"] < out.details["share_high"]
    assert out.details["probability"] == pytest.approx(stats.norm(gain, 0.02).sf(0.05))
    a = gain / 0.02  # E max(0, R) of a normal in closed form; the quadrature has 99 nodes
    assert out.details["expected_gain"] == pytest.approx(gain * stats.norm.cdf(a) + 0.02 * stats.norm.pdf(a), rel=0.01)


def test_improvement_is_positive_whatever_the_direction(normal_forecast):
    x = np.arange(1.0, 201.0)
    loss, reward = Curve(x, law(x), "val_loss"), Curve(x, -law(x), "episode_reward")
    grid = horizon_grid(loss, 400)
    down = remaining_improvement(Question(loss, normal_forecast(loss, grid, law, 0.02), min_gain=0.05))
    up = remaining_improvement(Question(reward, normal_forecast(reward, grid, lambda v: -law(v), 0.02), min_gain=0.05))
    assert reward.direction == "max"
    assert up.value == pytest.approx(down.value)
    assert (up.interval.low, up.interval.high) == pytest.approx((down.interval.low, down.interval.high))
    for key in ("share", "share_low", "share_high", "probability", "expected_gain"):
        assert up.details[key] == pytest.approx(down.details[key])


def test_a_run_that_gets_worse_has_a_negative_remaining_improvement(power_curve, normal_forecast):
    fc = normal_forecast(power_curve, horizon_grid(power_curve, 400), lambda v: law(200) + 0.001 * (v - 200), 0.02)
    assert remaining_improvement(Question(power_curve, fc)).value == pytest.approx(-0.2)


def test_share_is_withheld_when_nothing_dropped_beyond_the_noise(normal_forecast):
    x = np.arange(1.0, 201.0)
    flat = Curve(x, 1 + 0.1 * np.random.default_rng(0).standard_normal(200), "val_loss")
    fc = normal_forecast(flat, horizon_grid(flat, 400), lambda v: 1.0, 0.02)
    assert "share" not in remaining_improvement(Question(flat, fc)).details


def test_target_time_has_the_closed_form_quantiles(power_curve, normal_forecast):
    """With a constant spread P(T <= x) = Phi((t - f(x)) / sd), so the p quantile solves f(x) = t - sd z_p."""
    fc = normal_forecast(power_curve, horizon_grid(power_curve, 2000, 400), law, 0.01)
    target = law(500)
    out = target_reached(Question(power_curve, fc, target=target))

    def when(p):
        return (3 / (target - 0.01 * stats.norm.ppf(p) - 2)) ** 2

    assert out.status is Status.OK
    assert out.value == pytest.approx(500, rel=1e-3)
    assert (out.interval.low, out.interval.high) == pytest.approx((when(0.025), when(0.975)), rel=2e-3)
    assert out.details["probability_never"] == pytest.approx(stats.norm.sf((target - law(2000)) / 0.01), abs=1e-9)


def test_target_out_of_reach_is_not_reached_with_the_mass_on_never(power_curve, normal_forecast):
    fc = normal_forecast(power_curve, horizon_grid(power_curve, 400), law, 0.01)
    out = target_reached(Question(power_curve, fc, target=law(400) - 0.005))
    assert out.status is Status.NOT_REACHED
    assert out.value is None
    assert out.details["probability_never"] == pytest.approx(stats.norm.cdf(0.5))
    assert out.interval.high == np.inf
    assert np.isfinite(out.interval.low)
    far = target_reached(Question(power_curve, fc, target=law(400) - 1))
    assert far.interval is None
    assert far.details["probability_never"] == pytest.approx(1)


def test_target_already_reached_is_found_in_the_past():
    rng = np.random.default_rng(1)
    x = np.arange(1.0, 401.0)
    curve = Curve(x, law(x) + 0.02 * rng.standard_normal(400), "val_loss")
    out = target_reached(Question(curve, target=law(100)))
    assert out.details["already_reached"] == 1
    assert out.details["probability_never"] == 0
    assert 100 in out.interval
    assert out.value == pytest.approx(100, abs=15)


def test_a_target_inside_the_noise_of_the_past_is_left_to_the_forecast(normal_forecast):
    """Single values below the target do not reach it: the mean of this flat run is .03 above."""
    rng = np.random.default_rng(2)
    x = np.arange(1.0, 401.0)
    curve = Curve(x, 1.03 + 0.1 * rng.standard_normal(400), "val_loss")
    fc = normal_forecast(curve, horizon_grid(curve, 800), lambda v: 1.03, 0.01)
    assert (curve.y < 1).sum() > 100
    out = target_reached(Question(curve, fc, target=1.0))
    assert out.value is None
    assert out.details["probability_never"] == pytest.approx(stats.norm.cdf(3), abs=1e-6)


@pytest.mark.parametrize("way", [value_at, remaining_improvement, target_reached])
def test_without_a_forecast_there_is_a_status_not_an_exception(way, power_curve):
    out = way(Question(power_curve, target=0.5))
    assert out.value is None
    assert out.status is Status.NOT_APPLICABLE
    assert out.reasons


def test_horizon_grid_ends_at_the_horizon_and_starts_beyond_the_data(power_curve):
    grid = horizon_grid(power_curve, 400, 10)
    assert grid[-1] == 400
    assert grid[0] > 200
    assert np.allclose(np.diff(np.log(grid)), np.log(2) / 10)
    with pytest.raises(ValueError, match="not beyond the last step"):
        horizon_grid(power_curve, 200)
    at_zero = horizon_grid(Curve([-2.0, 0.0], [1.0, 2.0], "val_loss"), 10, 5)
    assert np.allclose(at_zero, [2, 4, 6, 8, 10])


@pytest.mark.parametrize("wrong", [{"eps": 0}, {"eps": 1.5}, {"level": 95}, {"min_gain": -1}, {"target": np.nan}])
def test_a_question_that_makes_no_sense_is_refused(power_curve, wrong):
    with pytest.raises(ValueError, match="CF-USE"):
        Question(power_curve, **wrong)
