"""Axes that fit the curve, and thinning that keeps what sticks out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curvefit.reporting.thinning import thin
from curvefit.reporting.view import choose_view


def test_even_steps_get_linear_axes(build):
    x = np.arange(1.0, 1001.0)
    view = choose_view(build(x, 1 + x**-0.3))
    assert (view.x_scale, view.y_scale) == ("linear", "linear")
    assert view.x_limits == (1, 2000)


def test_logarithmic_steps_and_decades_get_logarithmic_axes(build):
    x = np.geomspace(10, 1e6, 80)
    view = choose_view(build(x, 40 * x**-0.6, "loss", horizon=1e7))
    assert (view.x_scale, view.y_scale) == ("log", "log")
    assert 0 < view.y_limits[0] < 40 * 1e6**-0.6


def test_accuracies_and_rewards_never_get_a_logarithmic_y(build):
    x = np.arange(1.0, 101.0)
    assert choose_view(build(x, np.linspace(0.001, 0.9, 100), "val_accuracy")).y_scale == "linear"
    assert choose_view(build(x, np.linspace(0.001, 900, 100), "reward")).y_scale == "linear"


def test_the_steep_start_does_not_flatten_the_rest(build):
    x = np.arange(1.0, 401.0)
    y = 0.4 + 5 * x**-1.0 + 0.005 * np.random.default_rng(0).standard_normal(400)
    low, high = choose_view(build(x, y)).y_limits
    assert high < 2
    assert low < 0.41


def test_a_spike_does_not_set_the_scale(build):
    x = np.arange(1.0, 401.0)
    y = 1 - 0.001 * x + 0.01 * np.random.default_rng(1).standard_normal(400)
    y[300] = 50
    assert choose_view(build(x, y)).y_limits[1] < 2


def test_accuracy_axes_stay_within_what_is_possible(build):
    x = np.arange(1.0, 31.0)
    low, high = choose_view(build(x, 1 - 0.5 / x, "val_accuracy")).y_limits
    assert high <= 1.02
    assert low > 0


def test_forced_axes_are_taken_or_refused(build):
    x = np.arange(1.0, 51.0)
    report = build(x, np.linspace(-1, -2, 50), "reward")
    assert choose_view(report, x_scale="log").x_scale == "log"
    with pytest.raises(ValueError, match="no positive values"):
        choose_view(report, y_scale="log")
    with pytest.raises(ValueError, match="choices: auto, linear, log"):
        choose_view(report, x_scale="symlog")


@pytest.mark.parametrize(
    "y", [np.ones(20), np.r_[1.0, np.zeros(19)], np.full(20, 1e-300), np.linspace(1e300, 1e299, 20)]
)
def test_limits_are_always_an_interval(build, y):
    low, high = choose_view(build(np.arange(1.0, 21.0), y)).y_limits
    assert np.isfinite([low, high]).all()
    assert low < high


@given(st.integers(1, 5000), st.integers(5, 60), st.booleans(), st.integers(0, 2**32 - 1))
def test_thinning_keeps_extremes_ends_and_order(n, columns, log, seed):
    rng = np.random.default_rng(seed)
    x = np.sort(rng.uniform(1, 1000, n))
    y = rng.standard_t(2, n)
    at = thin(x, y, columns, log=log)
    assert np.all(np.diff(at) > 0)
    assert at.size <= max(4 * columns, 4)
    assert {0, n - 1} <= set(at.tolist())
    assert {int(np.argmin(y)), int(np.argmax(y))} <= set(at.tolist())


def test_thinning_keeps_each_columns_span():
    rng = np.random.default_rng(3)
    x, y = np.arange(10_000.0), rng.standard_normal(10_000)
    at = thin(x, y, 100)
    for k in range(100):
        inside = (x >= k * 99.99) & (x < (k + 1) * 99.99)
        kept = at[(x[at] >= k * 99.99) & (x[at] < (k + 1) * 99.99)]
        assert y[kept].max() == y[inside].max()
        assert y[kept].min() == y[inside].min()


def test_a_million_points_are_thinned_fast():
    from time import process_time

    x, y = np.arange(1e6), np.random.default_rng(4).standard_normal(1_000_000)
    start = process_time()
    assert thin(x, y).size <= 4000
    assert process_time() - start < 1
