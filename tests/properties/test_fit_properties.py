"""What must not change a fit, and how a fit must change with its data."""

from __future__ import annotations

import itertools
import os

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import curvefit as cf
from curvefit.models import registry

FAMILIES = ("log_linear", "power_law", "exponential", "mmf", "log_law", "stretched_exponential", "shifted_power_law")
MANY = int(os.environ.get("CURVEFIT_EXAMPLES", "0"))
few = settings(max_examples=MANY or 20)
some = settings(max_examples=MANY or 10)


@st.composite
def curves(draw, names=FAMILIES, noisy=True):
    """A law, and a curve made of it at its example's parameters, moved a little, with noise."""
    name = draw(st.sampled_from(names))
    model = registry[name]
    n = draw(st.integers(24, 70))
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    x = np.sort(rng.uniform(1, 100, n)) if draw(st.booleans()) else np.linspace(1, 100, n)
    params = model.vector(model.example()) * np.exp(0.1 * rng.standard_normal(len(model.names)))
    truth = model.predict(x, params)
    y = truth + (0.02 * np.ptp(truth) * rng.standard_normal(n) if noisy else 0)
    return name, x, y, params


def fitted(name, x, y, **options):
    return cf.fit(cf.Curve(x, y, "value"), name, **options)


def assert_same(one, two, rel=1e-6, at=(0.5, 50.0, 100.0, 200.0)):
    """Predictions and their intervals agree to the relative size of the curve's range."""
    a, b = one.predict(at, "confidence", method="delta"), two.predict(at, "confidence", method="delta")
    size = np.ptp(one.curve.y)
    np.testing.assert_allclose(a.mean, b.mean, rtol=rel, atol=rel * size)
    np.testing.assert_allclose(a.low, b.low, rtol=rel, atol=rel * size * 10)
    np.testing.assert_allclose(a.high, b.high, rtol=rel, atol=rel * size * 10)


@few
@given(curves(), st.randoms(use_true_random=False))
def test_row_permutation(data, random):
    name, x, y, _ = data
    order = list(range(x.size))
    random.shuffle(order)
    one, two = fitted(name, x, y), fitted(name, x[order], y[order])
    assert one.params == two.params and one.conf_int(method="delta") == two.conf_int(method="delta")
    if len(registry[name].shape) < 2:
        assert one.summary() == two.summary()


@some
@given(curves(), st.floats(1e-6, 1e9))
def test_x_unit(data, c):
    """Shapes without a unit stay, those in x scale, the curve at c x is the curve at x."""
    name, x, y, _ = data
    one, two = fitted(name, x, y), fitted(name, c * x, y)
    assert one.status is two.status
    for s in registry[name].shape:
        factor = c if s.unit == "x" else 1.0
        if one.stderr[s.name] < 0.5 * abs(one.params[s.name]):
            assert two.params[s.name] == pytest.approx(factor * one.params[s.name], rel=2e-6)
    at = np.array([1.0, 50.0, 200.0])
    a, b = one.predict(at, "confidence"), two.predict(c * at, "confidence")
    size = np.ptp(y)
    np.testing.assert_allclose(b.mean, a.mean, atol=1e-6 * size)
    np.testing.assert_allclose(b.low, a.low, atol=1e-4 * size, rtol=1e-4)
    np.testing.assert_allclose(b.high, a.high, atol=1e-4 * size, rtol=1e-4)


@few
@given(curves(), st.floats(1e-3, 1e6), st.floats(-10, 10), st.booleans())
def test_affine_and_reflected_y(data, a, b, reflect):
    name, x, y, _ = data
    assume(cf.fit(cf.Curve(x, y, "value"), name).status.usable)
    a = -a if reflect else a
    shift = b * abs(a)
    one, two = fitted(name, x, y), fitted(name, x, a * y + shift)
    at = np.array([1.0, 50.0, 200.0])
    p, q = one.predict(at, "confidence", method="delta"), two.predict(at, "confidence", method="delta")
    size = abs(a) * np.ptp(y)
    np.testing.assert_allclose(q.mean, a * p.mean + shift, atol=1e-6 * size, rtol=1e-6)
    ends = (a * p.low + shift, a * p.high + shift)
    low, high = ends[::-1] if reflect else ends
    np.testing.assert_allclose(q.low, low, atol=1e-5 * size, rtol=1e-6)
    np.testing.assert_allclose(q.high, high, atol=1e-5 * size, rtol=1e-6)
    assert two.rho == pytest.approx(one.rho, abs=1e-5)


@some
@given(curves(), st.integers(-60, 60))
def test_powers_of_two_are_exact(data, k):
    name, x, y, _ = data
    one, two = fitted(name, x, y), fitted(name, x, y * 2.0**k)
    linear = {p.name for p in registry[name].linear}
    for key, value in one.params.items():
        assert two.params[key] == (value * 2.0**k if key in linear else value)
        assert two.stderr[key] == (one.stderr[key] * 2.0**k if key in linear else one.stderr[key]) or np.isnan(value)
    a, b = one.predict([1.0, 300.0], "confidence"), two.predict([1.0, 300.0], "confidence")
    np.testing.assert_array_equal(b.high, a.high * 2.0**k)


@few
@given(curves(), st.randoms(use_true_random=False))
def test_integer_weights_are_replication(data, random):
    name, x, y, _ = data
    w = np.array([random.randint(1, 4) for _ in x])
    one = fitted(name, x, y, weights=w, noise="gaussian")
    two = fitted(name, np.repeat(x, w), np.repeat(y, w), noise="gaussian")
    at = np.array([1.0, 50.0, 200.0])
    np.testing.assert_allclose(one.predict(at).mean, two.predict(at).mean, rtol=1e-7, atol=1e-8 * np.ptp(y))


@some
@given(curves(), st.integers(2, 4))
def test_duplication_divides_the_variance_by_the_degrees_of_freedom(data, k):
    name, x, y, _ = data
    one = fitted(name, x, y, noise="gaussian")
    two = fitted(name, np.repeat(x, k), np.repeat(y, k), noise="gaussian")
    n, p = x.size, len(one.params)
    for key, error in one.stderr.items():
        if np.isfinite(error) and one.condition_number < 1e5:
            assert two.stderr[key] == pytest.approx(error * np.sqrt((n - p) / (k * n - p)), rel=1e-5)


@few
@given(curves(), st.randoms(use_true_random=False))
def test_zero_weight_is_a_dropped_row(data, random):
    name, x, y, _ = data
    kept = np.array([random.random() < 0.8 for _ in x])
    assume(kept.sum() > 12)
    one, two = fitted(name, x, y, weights=kept.astype(float)), fitted(name, x[kept], y[kept])
    assert one.params == two.params and one.stderr == two.stderr and one.status is two.status


@few
@given(curves(), st.floats(1e-6, 1e6))
def test_the_scale_of_weights_does_not_matter(data, c):
    name, x, y, _ = data
    w = 1 + (np.arange(x.size) % 3)
    assert_same(fitted(name, x, y, weights=w), fitted(name, x, y, weights=c * w), rel=1e-7)


@few
@given(curves(noisy=False))
def test_self_recovery(data):
    name, x, y, params = data
    found = fitted(name, x, y)
    np.testing.assert_allclose(found.predict(x).mean, y, atol=1e-6 * np.ptp(y))
    if found.condition_number < 1e6:
        np.testing.assert_allclose(list(found.params.values()), params, rtol=1e-5)


NESTED = [
    ("constant", "log_linear"),
    ("constant", "power_law"),
    ("power_law", "shifted_power_law"),
    ("power_law", "broken_power_law"),
    ("exponential", "stretched_exponential"),
    ("power_law", "power_law+exponential"),
    ("exponential", "power_law+exponential"),
    ("mmf", "mmf+exponential"),
]


@some
@given(curves(), st.sampled_from(NESTED))
def test_a_larger_law_never_fits_worse(data, pair):
    _, x, y, _ = data
    small, large = (fitted(m, x, y, noise="gaussian") for m in pair)
    assert large.rss <= small.rss * (1 + 1e-6)


@few
@given(curves())
def test_never_worse_than_the_truth(data):
    name, x, y, params = data
    found = fitted(name, x, y, noise="gaussian")
    assert found.rss <= float(np.sum((y - registry[name].predict(x, params)) ** 2)) * (1 + 1e-9)


@few
@given(curves(names=("log_linear", "power_law", "exponential", "log_law")))
def test_intervals_nest_and_widen_beyond_the_data(data):
    name, x, y, _ = data
    found = fitted(name, x, y)
    at = np.array([100.0, 150.0, 250.0, 500.0])
    for method in ("delta", "profile_likelihood"):
        bands = [found.predict(at, "confidence", level, method=method) for level in (0.5, 0.8, 0.95)]
        for inner, outer in itertools.pairwise(bands):
            assert np.all(outer.low < inner.low) and np.all(outer.high > inner.high)
        shown = found.predict(at, "prediction", 0.95, method=method)
        assert np.all(shown.low < bands[-1].low) and np.all(shown.high > bands[-1].high)


@some
@given(curves(), st.randoms(use_true_random=False))
def test_rows_without_a_value_change_nothing_but_their_count(data, random):
    name, x, y, _ = data
    extra = np.array([random.uniform(0, 200) for _ in range(5)])
    worse = cf.Curve(np.append(x, extra), np.append(y, np.full(5, np.nan)), "value")
    assert worse.nonfinite_x.size == 5
    one, two = fitted(name, x, y), cf.fit(worse, name)
    assert one.params == two.params and one.stderr == two.stderr


@some
@given(curves())
def test_a_hair_changes_nothing(data):
    """Knife-edge decisions inside the fit would show as a jump."""
    name, x, y, _ = data
    jitter = 1 + 1e-12 * np.sign(np.sin(1e3 * x))
    one, two = fitted(name, x, y), fitted(name, x, y * jitter)
    assert one.status is two.status
    assert_same(one, two, rel=1e-6)
