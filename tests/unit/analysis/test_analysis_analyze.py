"""From whatever holds a curve to a report: what is chosen when nothing is said, and what is refused."""

from __future__ import annotations

import gc
import time
import tracemalloc

import numpy as np
import pytest

import curvefit as cf
from curvefit.analysis import LAWS, planned, sampled, within_reach
from curvefit.curves import DataError, UsageError
from curvefit.estimands import _local_mean
from curvefit.models import registry as models


def power_law(n=120, seed=0, noise=0.01, name="val_loss"):
    rng = np.random.default_rng(seed)
    x = np.arange(1.0, n + 1)
    return cf.Curve(x, 2 + 3 * x**-0.5 + noise * rng.standard_normal(n), metric=name)


def test_a_run_a_curve_columns_and_bare_values_give_the_same_answer():
    curve = power_law()
    reports = [
        cf.analyze(cf.Run("r", {"val_loss": curve}), "val_loss"),
        cf.analyze(curve),
        cf.analyze({"val_loss": curve}),
        cf.analyze({"val_loss": curve.y}),
        cf.analyze(curve.y, "val_loss"),
        cf.analyze(curve.y.tolist(), "val_loss"),
    ]
    values = {(r.horizon, r.estimates["value_at"].value, r.fit.model.name) for r in reports}
    assert len(values) == 1


def test_the_main_metric_is_validation_before_training():
    run = cf.Run("r", {"train_loss": power_law(name="train_loss"), "val_loss": power_law()})
    assert cf.analyze(run).metric == "val_loss"


@pytest.mark.parametrize(
    ("planned_length", "asked", "horizon", "words"),
    [
        (None, None, 240, "twice the data"),
        (500, None, 500, "planned length"),
        (120, None, 240, "the plan (120) has been reached"),
        (500, 300, 300, None),
    ],
)
def test_where_the_horizon_comes_from(planned_length, asked, horizon, words):
    run = cf.Run("r", {"val_loss": power_law()}, horizon=planned_length)
    found, notes = planned(run, run["val_loss"], asked)
    assert found == horizon
    assert (words is None) == (notes == ())
    assert words is None or words in notes[0]


@pytest.mark.parametrize("horizon", [120, 60, 0, -1, float("nan"), float("inf")])
def test_a_horizon_that_is_not_beyond_the_data_is_refused(horizon):
    with pytest.raises(UsageError, match="beyond"):
        cf.analyze(power_law(), horizon=horizon)


def test_x_that_starts_below_zero_or_is_all_zero_still_gets_a_horizon():
    low = cf.Curve(np.arange(-50.0, 0.0), np.linspace(2, 1, 50), metric="val_loss")
    assert planned(cf.Run("r", {"v": low}), low, None)[0] > -1
    zero = cf.Curve([0.0], [1.0], metric="val_loss")
    assert planned(cf.Run("r", {"v": zero}), zero, None)[0] > 0


def test_the_asked_level_reaches_every_interval():
    report = cf.analyze(power_law(), level=0.8, horizon=300)
    assert report.level == 0.8
    levels = {e.interval.level for e in report.estimates.values() if e.interval is not None}
    assert levels == {0.8}


def test_a_narrower_level_gives_a_narrower_interval():
    wide, narrow = (cf.analyze(power_law(), level=level).estimates["value_at"].interval for level in (0.95, 0.5))
    assert wide.low < narrow.low < narrow.high < wide.high


@pytest.mark.parametrize("level", [0, 1, 95, -0.5, float("nan")])
def test_a_level_is_strictly_between_0_and_1(level):
    with pytest.raises(UsageError, match="coverage level"):
        cf.analyze(power_law(), level=level)


def test_the_forecast_ends_at_the_horizon_and_the_decision_uses_it():
    report = cf.analyze(power_law(), horizon=333)
    assert report.forecast.x[-1] == report.horizon == report.recommendation.horizon == 333


def test_the_law_can_be_named_left_out_or_summed():
    assert cf.analyze(power_law(), model="exponential").fit.model.name == "exponential"
    assert cf.analyze(power_law(), model="power_law+exponential").fit.model.name == "power_law+exponential"
    without = cf.analyze(power_law(), model=None)
    assert without.fit is None
    assert without.estimates["asymptote"].value is None
    with pytest.raises(UsageError, match="power_law"):
        cf.analyze(power_law(), model="power_lw")


def test_a_chosen_law_says_that_its_intervals_are_conditional():
    chosen, named = cf.analyze(power_law()), cf.analyze(power_law(), model="power_law")
    assert any("conditional on the selected model" in note for note in chosen.notes)
    assert not any("conditional" in note for note in named.notes)


def test_what_cannot_be_analyzed_is_refused_in_words():
    with pytest.raises(DataError, match="smaller or larger"):
        cf.analyze(cf.Curve([1, 2, 3], [1, 2, 3], metric="quantity"), "quantity")
    with pytest.raises(DataError, match="finite"):
        cf.analyze(cf.Curve([1, 2, 3], [np.nan] * 3, metric="val_loss"), "val_loss")
    with pytest.raises(UsageError, match="Did you mean 'val_loss'"):
        cf.analyze(cf.Run("r", {"val_loss": power_law()}), "val-loss")


def test_order_of_rows_does_not_matter():
    curve = power_law()
    order = np.random.default_rng(4).permutation(len(curve))
    mixed = cf.Curve(curve.x[order], curve.y[order], metric="val_loss")
    assert cf.analyze(curve).to_json() == cf.analyze(mixed).to_json()


def test_what_comes_after_is_not_seen():
    curve = power_law(200)
    then = curve.until(120)
    later = cf.Curve(np.r_[then.x, 121:201.0], np.r_[then.y, np.full(80, 9.0)], metric="val_loss").until(120)
    assert cf.analyze(then, horizon=300).to_json() == cf.analyze(later, horizon=300).to_json()


def test_the_callers_arrays_are_left_alone():
    x, y = np.arange(1.0, 51), 1 / np.arange(1.0, 51)
    before = y.copy()
    cf.analyze(cf.Curve(x, y, metric="val_loss"))
    np.testing.assert_array_equal(y, before)
    assert y.flags.writeable


def test_a_target_a_best_and_costs_are_answered():
    report = cf.analyze(power_law(), horizon=480, target=2.1, best=2.2, cost_per_unit=0.01, worth_per_unit=100)
    reached = report.estimates["target_reached"]
    assert reached.value is not None or reached.reasons
    assert report.recommendation.arithmetic


def test_long_curves_are_chosen_on_a_sample_and_fitted_on_all():
    curve = power_law(20_000, noise=0.02)
    seen = sampled(curve)
    assert len(seen) <= 3000
    assert (seen.x[0], seen.x[-1]) == (curve.x[0], curve.x[-1])
    assert set(seen.x) <= set(curve.x)
    report = cf.analyze(curve)
    assert report.fit.n == len(curve)
    assert report.fit.model.name == "power_law"
    assert sampled(power_law()) is not None and len(sampled(power_law())) == 120


def test_laws_out_of_reach_are_dropped_and_near_ones_kept():
    curve = power_law(400, noise=0.005)
    near = within_reach(curve, LAWS["falling"])
    assert "power_law" in near
    assert "constant" not in near
    flat = cf.Curve(np.arange(1.0, 101), 1 + 0.1 * np.random.default_rng(1).standard_normal(100), metric="val_loss")
    assert "constant" in within_reach(flat, LAWS["falling"])


def test_an_outlier_drops_no_law_that_fits():
    curve = power_law(300, noise=0.01)
    y = curve.y.copy()
    y[150] = 1e6
    assert "power_law" in within_reach(cf.Curve(curve.x, y, metric="val_loss"), LAWS["falling"])


def test_every_law_compared_exists():
    assert {name for laws in LAWS.values() for name in laws} <= set(models)


def test_a_long_curve_takes_little_memory_and_time():
    """The million points of the benchmark; bounds with room for a busy machine."""
    n = 1_000_000
    x = np.arange(1.0, n + 1)
    y = 2 + 3 * (x / 300 + 3) ** -0.5 + 0.02 * np.random.default_rng(2).standard_normal(n)
    curve = cf.Curve(x, y, metric="val_loss")
    cf.analyze(curve.until(1000))
    tracemalloc.start()
    start = time.process_time()
    cf.analyze(curve)
    took = time.process_time() - start
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert took < 4
    assert peak < 3.6 * (curve.x.nbytes + curve.y.nbytes)


def test_nothing_of_an_analysis_waits_for_the_garbage_collector():
    """What refers to itself keeps every array of a long curve until the next collection, beside those of the next one."""
    curve = power_law(400, noise=0.02)
    cf.analyze(curve)
    gc.collect()
    gc.disable()
    try:
        report = cf.analyze(curve)
        assert report.fit.status.usable
        del report
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        ours = {type(one).__name__ for one in gc.garbage if type(one).__module__.startswith("curvefit")}
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    assert ours == set()


def test_local_means_of_the_curve_and_of_the_residuals_are_taken_once(monkeypatch):
    taken = []
    whole = _local_mean._means_of_rows
    monkeypatch.setattr(_local_mean, "_means_of_rows", lambda y, *rest: taken.append(y.shape) or whole(y, *rest))
    report = cf.analyze(power_law(300))
    assert report.estimates["plateau_onset"].details["from_fit"] == 1.0  # the residuals have been asked for twice
    assert report.recommendation.keep_x == report.estimates["best_point"].value
    assert len(taken) == 2
