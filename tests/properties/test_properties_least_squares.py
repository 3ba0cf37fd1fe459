"""What must not change a least-squares fit, and what must change it in a known way."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curvefit.fitting.least_squares import least_squares

LAW = "E + A*x**-a"
START = {"E": 1.0, "A": 1.0, "a": 0.5}
SMALL = settings(max_examples=12, deadline=None)


def sample(seed, n=25):
    rng = np.random.default_rng(seed)
    x = np.sort(rng.uniform(1.0, 100.0, n))
    return x, 1.5 + 2.0 * x ** -rng.uniform(0.3, 0.8) + 0.01 * rng.normal(size=n)


def fit(x, y, **options):
    return least_squares(LAW, {"x": x, "y": y}, START, multistart=False, **options)


def assert_same(left, right, rtol=1e-8, names=None):
    for name in names or left.params:
        assert right.params[name] == pytest.approx(left.params[name], rel=rtol)


seeds = st.integers(0, 10_000)


@SMALL
@given(seeds, st.integers(2, 5))
def test_every_row_k_times(seed, k):
    x, y = sample(seed)
    once, often = fit(x, y), fit(np.tile(x, k), np.tile(y, k))
    assert_same(once, often)
    n, p = len(x), 3
    for name in once.params:
        assert often.stderr[name] == pytest.approx(once.stderr[name] * np.sqrt((n - p) / (k * n - p)), rel=1e-6)


@SMALL
@given(seeds)
def test_whole_weights_are_replication_for_the_estimates(seed):
    x, y = sample(seed)
    counts = np.random.default_rng(seed).integers(1, 5, len(x))
    weighted = fit(x, y, weights=counts.astype(float))
    repeated = fit(np.repeat(x, counts), np.repeat(y, counts))
    assert_same(weighted, repeated)
    factor = np.sqrt((counts.sum() - 3) / (len(x) - 3))  # weights are relative: rows, not their weights, are counted
    for name in weighted.params:
        assert weighted.stderr[name] == pytest.approx(repeated.stderr[name] * factor, rel=1e-6)


@SMALL
@given(seeds, st.floats(1e-8, 1e8))
def test_the_scale_of_the_weights_does_not_matter(seed, scale):
    x, y = sample(seed)
    weights = np.random.default_rng(seed).uniform(0.5, 2.0, len(x))
    left, right = fit(x, y, weights=weights), fit(x, y, weights=scale * weights)
    assert_same(left, right, 1e-10)
    for name in left.params:
        assert right.stderr[name] == pytest.approx(left.stderr[name], rel=1e-8)


@SMALL
@given(seeds, st.sets(st.integers(0, 24), min_size=1, max_size=8))
def test_a_weight_of_zero_is_an_absent_row(seed, absent):
    x, y = sample(seed)
    weights = np.ones(len(x))
    weights[list(absent)] = 0.0
    left, right = fit(x, y, weights=weights), fit(x[weights > 0], y[weights > 0], weights=np.ones(int(weights.sum())))
    assert left.params == right.params
    assert left.stderr == right.stderr
    assert left.dropped == len(absent)


@SMALL
@given(seeds, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(seed, random):
    x, y = sample(seed)
    order = list(range(len(x)))
    random.shuffle(order)
    assert_same(fit(x, y), fit(x[order], y[order]), 1e-9)


@SMALL
@given(seeds, st.integers(-20, 20), st.floats(-100, 100))
def test_affine_response(seed, power, shift):
    x, y = sample(seed)
    scale = 2.0**power
    left, right = fit(x, y), fit(x, scale * y + shift * scale)
    assert right.params["a"] == pytest.approx(left.params["a"], rel=1e-6)
    assert right.params["A"] == pytest.approx(scale * left.params["A"], rel=1e-6)
    assert right.params["E"] == pytest.approx(scale * (left.params["E"] + shift), rel=1e-6, abs=scale * 1e-6)
    assert right.stderr["a"] == pytest.approx(left.stderr["a"], rel=1e-4)


@SMALL
@given(seeds, st.floats(1e-6, 1e12))
def test_unit_of_x(seed, scale):
    x, y = sample(seed)
    left, right = fit(x, y), fit(x * scale, y)
    assert right.params["a"] == pytest.approx(left.params["a"], rel=1e-6)
    assert right.params["E"] == pytest.approx(left.params["E"], rel=1e-6)
    assert right.params["A"] == pytest.approx(left.params["A"] * scale ** left.params["a"], rel=1e-6)
    np.testing.assert_allclose(right.predict(scale * x).mean, left.predict(x).mean, rtol=1e-8)


@SMALL
@given(seeds, st.integers(1, 5))
def test_missing_rows_are_absent_rows(seed, count):
    x, y = sample(seed)
    rng = np.random.default_rng(seed)
    place = np.sort(rng.integers(0, len(x) + 1, count))
    holed = fit(np.insert(x, place, 3.0), np.insert(y, place, np.nan))
    left = fit(x, y)
    assert holed.params == left.params
    assert holed.dropped == count


@SMALL
@given(seeds)
def test_the_fit_of_the_fitted_curve_is_the_fit(seed):
    x, y = sample(seed)
    left = fit(x, y)
    assert_same(left, fit(x, left.predict(x).mean), 1e-6)


@SMALL
@given(seeds)
def test_a_larger_model_fits_no_worse(seed):
    x, y = sample(seed)
    small, large = (least_squares(m, {"x": x, "y": y}) for m in (LAW, LAW + " + b*x"))
    assert large.rss <= small.rss * (1 + 1e-8)


@SMALL
@given(seeds)
def test_last_digits_of_the_data_do_not_decide(seed):
    x, y = sample(seed)
    jitter = 1 + 1e-12 * np.random.default_rng(seed).normal(size=len(y))
    left, right = fit(x, y), fit(x, y * jitter)
    assert left.status is right.status
    assert_same(left, right, 1e-6)
