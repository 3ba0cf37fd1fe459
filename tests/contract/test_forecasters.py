"""What every forecaster promises, whatever it does inside."""

from __future__ import annotations

import numpy as np
import pytest

import curvefit as cf
from curvefit.curves import Status
from curvefit.forecasting.forecasters import Forecaster, registry

LEVELS = np.array([0.001, 0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975, 0.999])
RNG = np.random.default_rng(11)
N = np.arange(1, 31.0)

NOISY = {
    "decay": cf.Curve(N, 1 + 2 * N**-0.7 + 0.05 * RNG.normal(size=30), metric="val_loss"),
    "flat": cf.Curve(N, 3 + 0.2 * RNG.normal(size=30), metric="loss"),
    "rising": cf.Curve(N, 0.2 + 0.01 * N + 0.05 * RNG.normal(size=30), metric="val_loss"),
    "accuracy": cf.Curve(N, np.clip(0.9 - 0.8 / N + 0.02 * RNG.normal(size=30), 0, 1), metric="val_acc"),
    "percent": cf.Curve(N, np.clip(90 - 80 / N + 2 * RNG.normal(size=30), 0, 100), metric="val_acc"),
    "reward": cf.Curve(N - 1, 10 * N + 40 * RNG.normal(size=30), metric="reward"),
    "short": cf.Curve(N[:4], [3.0, 2.0, 1.7, 1.6], metric="loss"),
    "late start": cf.Curve(N + 1e4, 1 + 0.01 * RNG.normal(size=30), metric="loss"),
}
NASTY = {
    "one point": cf.Curve([5], [0.3], metric="loss"),
    "two points": cf.Curve([5, 6], [0.3, 0.2], metric="loss"),
    "constant": cf.Curve(N, np.full(30, 0.7), metric="loss"),
    "constant zero": cf.Curve(N, np.zeros(30), metric="reward"),
    "huge": cf.Curve(N, 1e300 * (1 + 1 / N), metric="loss"),
    "tiny": cf.Curve(N, 1e-300 * (1 + 1 / N), metric="loss"),
    "huge to tiny": cf.Curve(N, 10.0 ** np.linspace(300, -300, 30), metric="loss"),
    "huge signed": cf.Curve(N, 1e308 * np.cos(N), metric="reward"),
    "diverged": cf.Curve(N, np.exp(N**1.5), metric="loss"),
    "toggle": cf.Curve(N, N % 2, metric="acc"),
    "negative x": cf.Curve(N - 20, 1 / N, metric="loss"),
    "same x": cf.Curve([2, 2, 2, 3, 3], [1, 2, 3, 1, 2], metric="loss"),
    "accuracy above 1": cf.Curve(N, 1.2 - 1 / N, metric=cf.Metric("acc", "accuracy", "max", unit="fraction")),
    "accuracy below 0": cf.Curve(N, N / 30 - 0.1, metric="acc"),
    "spike": cf.Curve(N, np.where(N == 15, 1e12, 1 / N), metric="loss"),
    "one change at the end": cf.Curve(N, np.where(N == 30, 0.5, 0.4), metric="acc"),
    "gap in x": cf.Curve([1, 2, 3, 1e9], [4, 3, 2, 1], metric="loss"),
    "x from 1e-300": cf.Curve(1e-300 * N, 1 / N, metric="loss"),
    "mostly zero": cf.Curve(N, np.where(N < 3, 1.0, 0.0), metric="loss"),
}
ALL = {**NOISY, **NASTY}


@pytest.fixture(params=sorted(registry))
def forecaster(request):
    return registry[request.param]


def ask(curve):
    last, span = float(curve.x[-1]), float(curve.x[-1] - curve.x[0]) or abs(float(curve.x[-1]))
    return last + span * np.array([0.01, 0.5, 1.0, 10.0, 1e6])


def test_it_is_a_forecaster(forecaster):
    assert isinstance(forecaster, Forecaster)


@pytest.mark.parametrize("name", ALL)
def test_quantiles_are_finite_ordered_and_inside_the_bounds(forecaster, name):
    curve = ALL[name]
    fc = cf.forecast(curve, ask(curve), method=forecaster)
    for q in (fc.quantile(LEVELS), fc.mean(LEVELS)):
        assert q.shape == (5, LEVELS.size)
        assert np.all(np.isfinite(q))
        assert np.all(q[:, 1:] >= q[:, :-1])
        if curve.bounds is not None:
            assert q.min() >= curve.bounds[0]
            assert q.max() <= curve.bounds[1]
    assert np.isfinite([fc.level_now, fc.noise, fc.y_last, fc.x_last]).all()
    assert fc.noise >= 0
    assert (fc.status is Status.OK) == (fc.reasons == ())


@pytest.mark.parametrize("name", NOISY)
def test_no_interval_of_zero_width_on_noisy_data(forecaster, name):
    curve = NOISY[name]
    fc = cf.forecast(curve, ask(curve), method=forecaster)
    for q in (fc.quantile([0.025, 0.975]), fc.mean([0.025, 0.975])):
        assert np.all(q[:, 1] > q[:, 0])


@pytest.mark.parametrize("name", NASTY)
def test_no_interval_of_zero_width_anywhere_at_95_percent(forecaster, name):
    curve = NASTY[name]
    q = cf.forecast(curve, ask(curve), method=forecaster).quantile([0.025, 0.975])
    assert np.all(q[:, 1] > q[:, 0])


@pytest.mark.parametrize("name", ALL)
def test_the_distribution_function_rises_from_0_to_1_and_inverts_the_quantiles(forecaster, name):
    curve = ALL[name]
    fc = cf.forecast(curve, ask(curve), method=forecaster)
    levels = np.array([0.1, 0.5, 0.9])
    q = fc.quantile(levels)
    p = fc.cdf(q)
    assert np.all((p >= 0) & (p <= 1))
    assert np.all(np.diff(p, axis=1) >= 0)
    # the smallest value with at least that probability: mass may sit on a bound
    assert np.all(p >= levels - 1e-6)
    with np.errstate(over="ignore"):
        below = q - np.maximum(1e-9 * np.abs(q), 1e-9 * np.diff(fc.quantile([0.001, 0.999])))
    assert np.all(fc.cdf(below) <= levels + 1e-6)


def test_a_batch_equals_its_curves_one_by_one(forecaster):
    curves = list(ALL.values())
    xs = [ask(c) for c in curves]
    for fc, curve, x in zip(cf.forecast_many(curves, xs, method=forecaster), curves, xs, strict=True):
        alone = cf.forecast(curve, x, method=forecaster)
        np.testing.assert_allclose(fc.quantile(LEVELS), alone.quantile(LEVELS), rtol=1e-10)
        np.testing.assert_allclose(fc.mean(LEVELS), alone.mean(LEVELS), rtol=1e-10)
        np.testing.assert_allclose([fc.level_now, fc.noise], [alone.level_now, alone.noise], rtol=1e-10)
        assert (fc.status, fc.reasons) == (alone.status, alone.reasons)


def test_it_is_deterministic(forecaster):
    curve = NOISY["decay"]
    first, second = (cf.forecast(curve, [40, 60], method=forecaster).quantile(LEVELS) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_its_method_is_its_name():
    for name in registry:
        assert cf.forecast(NOISY["decay"], 60, method=name).method == name
