"""Trends begin anew after a sudden drop that the values show: it is placed, healthy curves are left alone."""

from __future__ import annotations

import numpy as np
import pytest

import curvefit as cf
from curvefit.forecasting.restart import begun_anew, enough_since, found_drop, found_drops
from curvefit.forecasting.scheduled import forecast_run

X = np.arange(1.0, 201)


def values(drop: float, sd: float = 0.004, seed: int = 0, at: float = 100) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return 1 + X**-0.5 - drop * (at <= X) * (1 - np.exp(-(X - at) / 2)) + sd * rng.standard_normal(X.size)


@pytest.mark.parametrize("seed", range(5))
def test_a_sudden_drop_is_found_where_it_is(seed):
    place = found_drop(cf.Curve(X, values(0.3, seed=seed), "val_loss"))
    assert place == pytest.approx(100, abs=4)
    rising = cf.Curve(X, 1.2 - values(0.3, seed=seed), "accuracy")
    assert found_drop(rising) == pytest.approx(100, abs=4)


def test_smooth_curves_rises_and_sizes_have_none():
    rng = np.random.default_rng(1)
    walk = np.cumsum(rng.standard_normal((200, 20)), axis=0)
    smooth = [cf.Curve(X, values(0.0, seed=s), "val_loss") for s in range(30)]
    assert [found_drop(c) for c in smooth] == [None] * 30
    assert sum(found_drop(cf.Curve(X, w, "val_loss")) is not None for w in walk.T) <= 1
    assert found_drop(cf.Curve(X, values(-0.3), "val_loss")) is None
    assert found_drop(cf.Curve(X, values(0.3), "val_loss", x_unit="sample")) is None
    assert found_drop(cf.Curve(X, np.ones(200), "val_loss")) is None
    assert found_drop(cf.Curve(X, np.zeros(200), "val_loss")) is None
    assert found_drop(cf.Curve(X[:12], values(0.3)[:12], "val_loss")) is None


def test_a_drop_with_little_after_it_is_not_used():
    curve = cf.Curve(X, values(0.3), "val_loss")
    assert found_drop(curve.until(112)) is not None
    assert found_drop(curve.until(104)) is None
    assert not enough_since(curve.until(104), 100)


def test_the_place_does_not_depend_on_units():
    y = values(0.3)
    place = found_drop(cf.Curve(X, y, "val_loss"))
    assert found_drop(cf.Curve(X, 1e6 * y, "val_loss")) == place
    assert found_drop(cf.Curve(1000 * X, y, "val_loss")) == 1000 * place


def test_many_curves_are_screened_as_each_alone():
    curves = [cf.Curve(X, values(0.3 * (s % 2), seed=s, at=60 + 5 * s), "val_loss") for s in range(16)]
    curves += [cf.Curve(X[:n], values(0.3, seed=n, at=40)[:n], "val_loss") for n in (10, 80, 120, 120)]
    alone = {i: at for i, c in enumerate(curves) if (at := found_drop(c)) is not None}
    assert found_drops(curves) == alone and len(alone) >= 8


@pytest.mark.parametrize("size", [1e-310, 1e-300, 1e300, 1.5e308])
def test_values_near_the_ends_of_the_range_of_floats(size):
    x = np.arange(1.0, 1001)
    y = size * (0.9 - 0.4 * (x >= 500))
    assert found_drop(cf.Curve(x, y, "val_loss")) in (None, pytest.approx(500, abs=8))


def test_long_curves_are_looked_at_in_bins():
    x = np.arange(1.0, 5001)
    rng = np.random.default_rng(2)
    y = 1 + x**-0.5 - 0.3 * (x >= 2500) + 0.05 * rng.standard_normal(5000)
    assert found_drop(cf.Curve(x, y, "val_loss")) == pytest.approx(2500, abs=63)


def test_a_third_of_the_forecast_rests_on_what_came_since():
    curve = cf.Curve(X, values(0.3), "val_loss")
    place = found_drop(curve)
    made = cf.forecast(curve, [250.0, 400.0])
    without = cf.forecast(curve, [250.0, 400.0], found_breaks=False)
    assert made.explanation["restarted_at"] == place
    assert "restarted_at" not in without.explanation
    part, origin = begun_anew(curve, place)
    since = cf.forecast(part, np.array([250.0, 400.0]) - origin, found_breaks=False)
    at = np.array([0.7, 0.72, 0.75])
    expected = 2 / 3 * without.observation.cdf(at) + since.observation.cdf(at) / 3
    assert made.observation.cdf(at) == pytest.approx(expected)
    expected = 2 / 3 * without.underlying.cdf(at) + since.underlying.cdf(at) / 3
    assert made.underlying.cdf(at) == pytest.approx(expected)
    assert np.all(np.diff(made.quantile([0.1, 0.5, 0.9]), axis=1) > 0)


def test_only_the_default_method_and_no_known_schedule_begin_anew():
    curve = cf.Curve(X, values(0.3), "val_loss")
    smooth = cf.Curve(X, values(0.0), "val_loss")
    assert "restarted_at" not in cf.forecast(curve, 250, method="unlearned").explanation
    plan = cf.Schedule.constant(1e-3, 400)
    assert "restarted_at" not in cf.forecast(curve, 250, schedule=plan).explanation
    both = cf.forecast_many([smooth, curve], 250)
    assert ["restarted_at" in fc.explanation for fc in both] == [False, True]
    assert both[1].median == pytest.approx(cf.forecast(curve, 250).median, rel=1e-9)


def test_forecasts_after_a_drop_are_better_for_it():
    scores = []
    for seed in range(20):
        y = values(0.3, seed=seed)
        curve = cf.Curve(X, y, "val_loss").until(130)
        pair = [cf.forecast(curve, X[-1], found_breaks=use) for use in (True, False)]
        scores.append([float(fc.observation.crps(y[-1:])[0, 0]) for fc in pair])
    used, unused = np.mean(scores, axis=0)
    assert used < unused


@pytest.mark.slow
def test_an_experience_begins_anew_as_well():
    experience = cf.learn([cf.Curve(X[:60], values(0.0, seed=s)[:60], "val_loss") for s in range(8)])
    curve = cf.Curve(X, values(0.3), "val_loss")
    made = cf.forecast(curve, 400, experience=experience)
    without = cf.forecast(curve, 400, experience=experience, found_breaks=False)
    assert made.explanation["restarted_at"] == found_drop(curve)
    assert made.median[0] != without.median[0]


def test_the_reader_is_told_of_the_drop():
    curve = cf.Curve(X, values(0.3), "val_loss")
    place = found_drop(curve)
    _, notes = forecast_run(cf.Run("a", {"val_loss": curve}), curve, 250)
    assert f"rests on the curve since its sudden drop at step {place:g}." in notes[-1]
    smooth = cf.Curve(X, values(0.0), "val_loss")
    _, notes = forecast_run(cf.Run("b", {"val_loss": smooth}), smooth, 250)
    assert not any("sudden drop" in note for note in notes)
