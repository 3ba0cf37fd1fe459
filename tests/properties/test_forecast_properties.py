"""What must not change a forecast, and what must change it in proportion."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import curvefit as cf
from curvefit.curves import Metric

LEVELS = np.array([0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975])
KINDS = {
    "loss": Metric("v", "loss", "min"),
    "error": Metric("v", "error", "min"),
    "accuracy": Metric("v", "accuracy", "max", unit="fraction"),
    "reward": Metric("v", "reward", "max"),
    "other": Metric("v", "other", "min"),
}


@st.composite
def curves(draw, kinds=tuple(KINDS)):
    """x, y, kind and horizon factors of curves of many shapes: decays, drifts, steps, noise, jumps."""
    kind = draw(st.sampled_from(kinds))
    n = draw(st.sampled_from([1, 2, 3, 4, 5, 7, 12, 30, 64, 65, 90, 140]))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    spacing = draw(st.sampled_from(["even", "log", "random", "from 0", "late"]))
    i = np.arange(1, n + 1.0)
    x = {
        "even": i,
        "log": 10 ** (3 * i / n),
        "random": np.cumsum(rng.exponential(size=n) + 1e-3),
        "from 0": i - 1,
        "late": i + 500,
    }[spacing]
    t = i / n
    shape = draw(st.sampled_from(["decay", "u-shape", "drift", "noise", "jump"]))
    y = {
        "decay": 0.1 + 0.8 * i**-0.5,
        "u-shape": 0.3 + (t - 0.6) ** 2,
        "drift": 0.9 - 0.5 * t,
        "noise": np.full(n, 0.5),
        "jump": np.where(t > 0.7, 0.2, 0.8),
    }[shape]
    y = y + draw(st.sampled_from([0.0, 1e-4, 0.03])) * rng.normal(size=n)
    if draw(st.booleans()):
        y = np.round(y, 2)
    if kind == "accuracy":
        y = np.clip(1 - y, 0, 1)
    if kind == "reward":
        y = 100 * (1 - 2 * y)
    return x, y, kind, np.array([1.02, 1.5, draw(st.sampled_from([2.0, 10.0, 300.0]))])


def ahead(x, factors):
    last = x[-1] if x[-1] > 0 else 1.0
    return last * factors


def quantiles(x, y, kind, at, metric=None):
    return cf.forecast(cf.Curve(x, y, metric=metric or KINDS[kind]), at).quantile(LEVELS)


def assert_near(got, want, scale, rtol=1e-6):
    np.testing.assert_allclose(got, want, rtol=rtol, atol=rtol * scale)


def spread(y):
    return float(np.ptp(y)) or float(np.abs(y).max()) or 1.0


@given(curves(), st.randoms(use_true_random=False))
def test_order_of_rows_does_not_matter(curve, random):
    x, y, kind, factors = curve
    order = list(range(len(x)))
    random.shuffle(order)
    np.testing.assert_array_equal(
        quantiles(x[order], y[order], kind, ahead(x, factors)), quantiles(x, y, kind, ahead(x, factors))
    )


@given(curves(), st.floats(1e-6, 1e6))
def test_unit_of_x_does_not_matter(curve, c):
    x, y, kind, factors = curve
    at = ahead(x, factors)
    assert_near(quantiles(c * x, y, kind, c * at), quantiles(x, y, kind, at), spread(y))


@given(curves(), st.integers(-20, 20))
def test_powers_of_two_in_x_change_nothing_at_all(curve, k):
    x, y, kind, factors = curve
    at = ahead(x, factors)
    np.testing.assert_array_equal(quantiles(2.0**k * x, y, kind, 2.0**k * at), quantiles(x, y, kind, at))


@given(curves(), st.integers(1, 40), st.integers(0, 10**6))
def test_nothing_after_the_cutoff_is_seen(curve, more, seed):
    x, y, kind, factors = curve
    rng = np.random.default_rng(seed)
    later = x[-1] + np.cumsum(rng.exponential(size=more) + 1e-3)
    metric = KINDS[kind]
    bounds = cf.Curve(x, y, metric=metric).bounds
    longer = cf.Curve(np.r_[x, later], np.r_[y, rng.uniform(y.min(), y.max(), more)], metric=metric, bounds=bounds)
    at = ahead(x, factors)
    cut = cf.forecast(longer.until(x[-1]), at).quantile(LEVELS)
    np.testing.assert_array_equal(cut, cf.forecast(cf.Curve(x, y, metric=metric), at).quantile(LEVELS))


@settings(max_examples=20)
@given(st.lists(curves(), min_size=1, max_size=4), st.lists(curves(), min_size=1, max_size=4))
def test_appending_curves_to_a_batch_changes_none(first, second):
    def batch(parts):
        made = [cf.Curve(x, y, metric=KINDS[kind]) for x, y, kind, _ in parts]
        return [f.quantile(LEVELS) for f in cf.forecast_many(made, [ahead(x, f) for x, _, _, f in parts])]

    together = batch(first + second)
    for got, want, part in zip(together, batch(first) + batch(second), first + second, strict=True):
        tolerance = {"rtol": 1e-10, "atol": 1e-12 * spread(part[1])}  # a quantile may lie near 0
        np.testing.assert_allclose(got, want, **tolerance)
        np.testing.assert_allclose(got, batch([part])[0], **tolerance)


@given(curves(kinds=("reward",)), st.floats(1e-3, 1e3), st.floats(-1e3, 1e3))
def test_rewards_may_be_scaled_and_shifted(curve, a, b):
    x, y, kind, factors = curve
    if len(x) < 3 or np.ptp(y) == 0:
        return  # a stated prior has nothing but the size of the values to go by
    at = ahead(x, factors)
    plain = quantiles(x, y, kind, at)
    assert_near(quantiles(x, a * y + b, kind, at), a * plain + b, a * spread(y) + 1e-4 * abs(b))


@given(curves(kinds=("reward",)))
def test_rewards_may_be_reflected(curve):
    x, y, kind, factors = curve
    at = ahead(x, factors)
    mirrored = quantiles(x, -y, kind, at, Metric("v", "reward", "min"))
    assert_near(-mirrored[:, ::-1], quantiles(x, y, kind, at), spread(y), rtol=1e-9)


@given(curves(kinds=("loss", "error", "other")), st.floats(1e-6, 1e6))
def test_losses_may_be_scaled(curve, a):
    x, y, kind, factors = curve
    if y.min() < 0 and (len(x) < 3 or np.ptp(y) == 0):
        return
    at = ahead(x, factors)
    assert_near(quantiles(x, a * y, kind, at), a * quantiles(x, y, kind, at), a * spread(y))


@given(curves(kinds=("accuracy",)))
def test_an_accuracy_may_be_given_in_percent(curve):
    x, y, kind, factors = curve
    at = ahead(x, factors)
    percent = Metric("v", "accuracy", "max", unit="percent")
    assert_near(quantiles(x, 100 * y, kind, at, percent), 100 * quantiles(x, y, kind, at), 100 * spread(y))


@given(curves())
def test_quantiles_never_cross_and_are_finite(curve):
    x, y, kind, factors = curve
    fc = cf.forecast(cf.Curve(x, y, metric=KINDS[kind]), ahead(x, factors))
    for q in (fc.quantile(LEVELS), fc.mean(LEVELS)):
        assert np.all(np.isfinite(q))
        assert np.all(np.diff(q, axis=1) >= 0)
        assert np.all(q[:, -1] > q[:, 0])
