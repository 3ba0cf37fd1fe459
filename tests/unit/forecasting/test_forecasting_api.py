"""What forecast says about itself, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

import curvefit as cf
from curvefit.curves import DataError, LimitError, Status, UsageError
from curvefit.forecasting.scheduled import forecast_run

LEVELS = [0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975]


def decay(n=60, noise=0.02, metric="val_loss", seed=0):
    x = np.arange(1, n + 1.0)
    return cf.Curve(x, 0.5 + 2 * x**-0.5 + noise * np.random.default_rng(seed).normal(size=n), metric=metric)


def width(fc, level=0.95):
    return fc.quantile([(1 + level) / 2])[:, 0] - fc.quantile([(1 - level) / 2])[:, 0]


def test_a_decay_is_forecast_between_the_last_value_and_its_law():
    fc = cf.forecast(decay(), [90, 120, 240])
    truth = 0.5 + 2 * np.array([90, 120, 240]) ** -0.5
    assert fc.status is Status.OK
    assert np.all(np.abs(fc.median - truth) < 0.06)
    assert np.all(np.diff(fc.median) < 0)
    assert np.all(np.diff(width(fc)) > 0)
    assert np.all((fc.quantile([0.1])[:, 0] < truth) & (truth < fc.quantile([0.9])[:, 0]))


def test_the_record_describes_the_last_point_and_the_noise():
    curve = decay(200, 0.03)
    fc = cf.forecast(curve, 400)
    assert (fc.x_last, fc.y_last) == (200.0, curve.y[-1])
    assert fc.noise == pytest.approx(0.03, rel=0.25)
    assert fc.level_now == pytest.approx(0.5 + 2 * 200**-0.5, abs=0.02)
    assert (fc.method, fc.metric, fc.kind, fc.direction) == ("pooled", "val_loss", "loss", "min")
    assert 0 <= fc.explanation["no_change"] <= 1
    assert -2 <= fc.explanation["exponent"] <= 0.5
    assert 1 <= fc.explanation["recency"] <= 16


def test_the_mean_view_is_narrower_and_as_central():
    fc = cf.forecast(decay(100, 0.1), [120, 200])
    low, high = fc.mean([0.025, 0.975]).T
    observed = fc.quantile([0.025, 0.975])
    assert np.all((observed[:, 0] < low) & (high < observed[:, 1]))
    np.testing.assert_allclose(fc.mean(), fc.median, atol=0.05)


def test_quantile_and_distribution_function_are_inverse_in_the_units_of_the_metric():
    for curve in (decay(), decay(metric="reward"), cf.Curve(range(40), np.linspace(0.1, 0.8, 40) ** 2, metric="acc")):
        fc = cf.forecast(curve, [70, 80])
        q = fc.quantile(LEVELS)
        inside = (q > 0) & (q < 1) if curve.bounds else np.ones(q.shape, bool)
        assert inside[:, :5].all()
        np.testing.assert_allclose(fc.cdf(q)[inside], np.broadcast_to(LEVELS, q.shape)[inside], atol=1e-9)
        assert np.all(fc.cdf(q)[~inside] >= np.broadcast_to(LEVELS, q.shape)[~inside])
        assert fc.cdf(q[0, 3]).shape == (2,)


def test_a_loss_stays_at_or_above_zero_and_an_accuracy_inside_its_bounds():
    falling = cf.Curve(range(1, 41), np.exp(-0.3 * np.arange(1, 41)), metric="loss")
    q = cf.forecast(falling, [45, 400]).quantile(LEVELS)
    assert q.min() >= 0
    rising = cf.Curve(range(1, 41), 100 - 60 / np.arange(1, 41), metric="val_acc")
    fc = cf.forecast(rising, [45, 4000])
    assert fc.quantile(LEVELS).max() <= 100
    assert fc.quantile(LEVELS)[0, 3] > 98
    assert fc.cdf(100.0).tolist() == [1.0, 1.0]
    assert fc.cdf(-0.1).tolist() == [0.0, 0.0]


def test_a_loss_is_capped_by_its_own_recent_rise():
    y = np.r_[np.linspace(3, 1, 20), 1 + np.exp(np.linspace(0, 4, 20))]
    fc = cf.forecast(cf.Curve(range(1, 41), y, metric="loss"), [80])
    assert fc.quantile([0.999])[0, 0] <= y.max() + 1.4 * np.ptp(y)


@pytest.mark.parametrize("metric", ["loss", "acc", "reward"])
@pytest.mark.parametrize("n", [1, 2])
def test_fewer_than_three_points_get_a_stated_prior(metric, n):
    fc = cf.forecast(cf.Curve(range(1, n + 1), [0.4, 0.3][:n], metric=metric), [10])
    assert fc.status is Status.TOO_FEW_POINTS
    assert "stated prior" in fc.reasons[0]
    assert fc.median[0] == pytest.approx([0.4, 0.3][n - 1])
    assert width(fc)[0] > 0.05


@pytest.mark.parametrize("metric", ["loss", "acc", "reward"])
@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("n", [3, 20, 2000])
def test_constant_values_say_what_their_interval_rests_on(metric, value, n):
    fc = cf.forecast(cf.Curve(range(n), np.full(n, value), metric=metric), [2 * n, 4 * n])
    assert fc.status is Status.CONSTANT
    assert f"all {n} values" in fc.reasons[0]
    assert "not on noise that was seen" in fc.reasons[0]
    assert np.all(width(fc) > 0)
    np.testing.assert_allclose(fc.median, value, atol=1e-12)


def test_a_horizon_far_beyond_the_data_is_labeled():
    fc = cf.forecast(decay(), [60e6])
    assert fc.status is Status.DEGRADED
    assert "1000000 times" in fc.reasons[0]
    q = fc.quantile(LEVELS)
    assert np.all(np.isfinite(q))
    assert np.all(np.diff(q) > 0)


def test_x_inside_the_data_is_an_error_that_points_to_the_fit():
    for x in (60, 59.5, -1):
        with pytest.raises(UsageError, match=r"not beyond the last observation.*fit\(curve, model\)\.predict"):
            cf.forecast(decay(), [x, 100])


def test_unknown_direction_is_an_error_that_says_how_to_state_it():
    curve = cf.Curve(range(10), range(10), metric="mystery")
    with pytest.raises(DataError, match="direction"):
        cf.forecast(curve, 20)
    assert cf.forecast(curve.with_metric(direction="max"), 20).status is Status.OK


def test_no_finite_values_is_an_error():
    with pytest.raises(DataError, match="3 values, none finite"):
        cf.forecast(cf.Curve([1, 2, 3], [np.nan, np.inf, np.nan], metric="loss"), 5)
    with pytest.raises(DataError, match="no values"):
        cf.forecast(cf.Curve([], [], metric="loss"), 5)


def test_non_finite_values_are_left_out_and_said():
    curve = cf.Curve(range(10), [3, 2, np.nan, 1.8, 1.7, np.inf, 1.6, 1.55, 1.5, 1.48], metric="loss")
    fc = cf.forecast(curve, 20)
    assert fc.status is Status.DEGRADED
    assert "2 non-finite values" in fc.reasons[0]


def test_shared_x_are_averaged_and_their_scatter_is_noise():
    rng = np.random.default_rng(2)
    x = np.repeat(np.arange(1, 21.0), 8)
    curve = cf.Curve(x, 5 + 0.3 * rng.normal(size=x.size), metric="reward")
    fc = cf.forecast(curve, 30)
    assert any("share an x" in r for r in fc.reasons)
    assert fc.noise == pytest.approx(0.3, rel=0.2)
    same_x = cf.forecast(cf.Curve([2, 2, 2, 2], [1, 2, 3, 4], metric="reward"), 30)
    assert same_x.status is Status.TOO_FEW_POINTS


@pytest.mark.parametrize("bad", [95, 0, 1, "high"])
def test_a_level_is_checked_early(bad):
    with pytest.raises(UsageError, match="level"):
        cf.forecast(decay(), 100, level=bad)


def test_other_mistakes():
    with pytest.raises(UsageError, match="last_value"):
        cf.forecast(decay(), 100, method="last_valeu")
    with pytest.raises(UsageError, match="a Forecaster"):
        cf.forecast(decay(), 100, method=len)
    with pytest.raises(UsageError, match="not a Curve"):
        cf.forecast_many([[1, 2, 3]], 100)
    with pytest.raises(UsageError, match="2 sets of future x for 3 curves"):
        cf.forecast_many([decay()] * 3, [[70], [80]])
    with pytest.raises(DataError, match="nan"):
        cf.forecast(decay(), [80, np.nan])
    with pytest.raises(UsageError, match=r"shape|not numbers"):
        cf.forecast(decay(), [])
    with pytest.raises(LimitError, match="at most"):
        cf.forecast(decay(), np.linspace(61, 100, 200_000))
    assert cf.forecast_many([], 10) == []


def test_future_x_in_any_order_and_form():
    curve = decay()
    assert cf.forecast(curve, [120, 90]).x.tolist() == [90, 120]
    assert cf.forecast(curve, 90).quantile(LEVELS).shape == (1, 7)
    each = cf.forecast_many([curve, decay(30)], [[90, 120], [40]])
    assert [f.x.tolist() for f in each] == [[90, 120], [40]]
    shared = cf.forecast_many([curve, decay(30)], [90, 120])
    assert [f.x.tolist() for f in shared] == [[90, 120], [90, 120]]


def test_clean_curves_get_intervals_as_sharp_as_they_are():
    x = np.arange(1, 201.0)
    curve = cf.Curve(x, 2 + 3 * x**-0.4 + 1e-4 * np.random.default_rng(1).normal(size=200), metric="val_loss")
    fc = cf.forecast(curve, 220)
    assert width(fc, 0.8)[0] < 0.08
    assert fc.noise < 1e-3


def test_a_refusal_names_the_curve_among_many():
    good, empty = cf.Curve([1, 2, 3], [3.0, 2.0, 1.5], metric="val_loss"), cf.Curve([], [], metric="val_loss")
    with pytest.raises(DataError, match=r"curves\[1\]: val_loss: nothing to forecast from"):
        cf.forecast_many([good, empty], 9)
    with pytest.raises(DataError, match=r"CF-DATA-007: val_loss: nothing"):
        cf.forecast_many([empty], 9)


@pytest.mark.parametrize("end", [float("nan"), float("inf")])
def test_a_planned_end_that_is_no_number_is_refused(end):
    x = np.arange(1.0, 41.0)
    curve, rate = cf.Curve(x, 1 + x**-0.5, metric="val_loss"), cf.Schedule(x, 1e-3 / x)
    with pytest.raises(UsageError, match="planned = "):
        cf.forecast_many([curve], 80, schedule=rate, planned=end)
    with pytest.raises(UsageError, match="planned = "):
        cf.forecast_many([curve, curve], 80, schedule=rate, planned=[50, end])


def test_a_plan_that_ends_before_the_data_is_refused():
    x = np.arange(1.0, 41.0)
    curve, rate = cf.Curve(x, 1 + x**-0.5, metric="val_loss"), cf.Schedule(x, 1e-3 / x)
    for end in (20, 40, [60, 40]):
        several = [curve, curve] if isinstance(end, list) else [curve]
        with pytest.raises(UsageError, match=r"planned = [24]0 is not beyond the last observation at 40"):
            cf.forecast_many(several, 80, schedule=rate, planned=end)
    over = cf.Run("r", {"val_loss": curve}, schedule=rate, horizon=30)  # a run that went on
    assert forecast_run(over, curve, [80.0])[0].status.usable


def test_an_upper_end_that_is_a_limit_is_said_and_only_then():
    x = np.arange(1.0, 101)
    risen = 1 + 2 / x + 0.01 * x
    curves = {y_of: cf.Curve(x, y, metric="val_loss") for y_of, y in (("diverges", np.exp(x / 10)), ("rises", risen))}
    for curve in curves.values():
        fc = cf.forecast(curve, [120, 200])
        middle, upper = fc.quantile([0.5, 0.975])[-1]
        said = [r for r in fc.reasons if "a limit" in r]
        assert bool(said) == (upper == middle)
    fc = cf.forecast(curves["diverges"], [120, 200])
    assert fc.status is Status.DEGRADED
    assert "may lie above" in fc.reasons[-1] and "step 200" in fc.reasons[-1]
    reward = cf.Curve(x, -np.exp(x / 10), metric="reward")
    assert not any("a limit" in r for r in cf.forecast(reward, 200).reasons)
