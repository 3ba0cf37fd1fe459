"""Rows of the catalogue of bad input that concern fits; each test is named after its row."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest

import curvefit as cf
from curvefit import CurvefitError, Status
from curvefit.models import registry

RNG = np.random.default_rng(12)
X = np.arange(1.0, 121.0)
TRUTH = 1.8 + 4 * X**-0.5
Y = TRUTH + 0.05 * RNG.standard_normal(120)
EVERY = sorted(registry.names())


def doubt(fit, name):
    return next(d for d in fit.checks if d.name == name)


def values(fit):
    return np.array(list(fit.params.values()))


class TestValues:
    @pytest.mark.parametrize("name", EVERY)
    @pytest.mark.parametrize("level", [0.0, 3.25, -1e-310, 1e308])
    def test_v05_v06_constant_values(self, name, level):
        found = cf.fit(cf.Curve(X, np.full(120, level), "loss"), name)
        assert found.status is Status.CONSTANT
        assert found.model.name == "constant"
        assert found.params["a"] == pytest.approx(level, rel=1e-12)
        assert found.conf_int() == {"a": None}, "a width of 0 would be a lie"
        shown = found.predict([200.0], "prediction")
        assert shown.mean[0] == found.params["a"] and math.isnan(shown.low[0])
        assert found.asymptote().interval is None
        assert "not vary" in found.summary()

    def test_v06_noise_in_proportion_to_zero_is_refused(self):
        found = cf.fit(cf.Curve(X, np.where(X > 60, 0.0, 1.0), "loss"), noise="multiplicative")
        assert found.status is Status.NOT_APPLICABLE and "one sign" in found.summary()

    def test_v07_negative_values_and_sign_changes(self):
        shifted = cf.Curve(X, Y - 3.0, "log_likelihood")
        assert np.min(shifted.y) < 0 < np.max(shifted.y)
        found = cf.fit(shifted)
        assert found.status is Status.OK
        assert found.params["E"] == pytest.approx(cf.fit(cf.Curve(X, Y, "loss")).params["E"] - 3, abs=1e-9)
        assert cf.fit(shifted, noise="multiplicative").status is Status.NOT_APPLICABLE
        assert cf.fit(cf.Curve(X, -Y, "reward"), noise="multiplicative").status is Status.OK

    @pytest.mark.parametrize("scale", [2.0**-1000, 1e-300, 1e150, 2.0**1000, 1e307])
    def test_v08_tiny_and_huge_values(self, scale):
        one = cf.fit(cf.Curve(X, Y, "loss"))
        found = cf.fit(cf.Curve(X, Y * scale, "loss"))
        assert found.status is Status.OK
        assert found.params["alpha"] == pytest.approx(one.params["alpha"], rel=1e-6)
        assert found.params["E"] / scale == pytest.approx(one.params["E"], rel=1e-6)
        assert found.stderr["E"] / scale == pytest.approx(one.stderr["E"], rel=1e-6)
        ends, first = found.conf_int()["E"], one.conf_int()["E"]
        assert ends.low / scale == pytest.approx(first.low, rel=1e-6)
        assert found.asymptote().status is one.asymptote().status

    def test_v08_subnormal_values(self):
        step = 5e-324
        found = cf.fit(cf.Curve(X, np.round(Y * 1000) * step, "loss"))
        assert found.params["alpha"] == pytest.approx(0.5, abs=0.2)
        assert np.all(np.isfinite(found.predict([1.0, 300.0]).mean))

    def test_v09_values_over_six_hundred_orders(self):
        y = np.geomspace(1e300, 1e-300, 120)
        found = cf.fit(cf.Curve(X, y, "loss"))
        assert found.status is Status.REFUSED or np.all(np.isfinite(values(found)))
        mixed = Y.copy()
        mixed[7] = 1e308
        found = cf.fit(cf.Curve(X, mixed, "loss"))
        assert found.status is Status.REFUSED and "usual spread" in found.summary()
        assert all(math.isnan(v) for v in found.params.values())

    def test_v17_one_enormous_outlier(self):
        rng = np.random.default_rng(1)
        x = np.arange(1.0, 10_001.0)
        y = 1.8 + 4 * x**-0.5 + 0.05 * rng.standard_normal(x.size)
        clean = cf.fit(cf.Curve(x, y, "loss"))
        y[4321] = 1e30
        found = cf.fit(cf.Curve(x, y, "loss"))
        for name in found.params:
            assert abs(found.params[name] - clean.params[name]) < clean.stderr[name]
        assert not doubt(found, "outliers").ok and "Student" in doubt(found, "outliers").message
        plain = cf.fit(cf.Curve(x, y, "loss"), noise="gaussian")
        assert abs(plain.params["E"] - clean.params["E"]) > 100 * clean.stderr["E"], "negative control"


class TestPositions:
    @pytest.mark.parametrize("name", EVERY)
    def test_x07_a_point_at_zero(self, name):
        x, y = np.append(0.0, X), np.append(9.0, Y)
        found = cf.fit(cf.Curve(x, y, "loss"), name, noise="gaussian")
        if registry[name].domain == "positive":
            without = cf.fit(cf.Curve(X, Y, "loss"), name, noise="gaussian")
            assert found.params == without.params
            assert "x = 0" in doubt(found, "excluded").message
            assert found.n == 120
        else:
            assert found.n == 121
            assert np.all(np.isfinite(found.predict([0.0, 10.0]).mean))

    @pytest.mark.parametrize("name", EVERY)
    def test_x08_negative_x(self, name):
        found = cf.fit(cf.Curve(np.append(-5.0, X), np.append(6.0, Y), "loss"), name)
        if registry[name].domain == "all":
            assert found.status.usable and np.all(np.isfinite(found.predict([-5.0, 50.0]).mean))
        else:
            assert found.status is Status.NOT_APPLICABLE and "-5" in found.summary()

    def test_x09_tokens_with_spacing_one(self):
        x = 1e15 + X
        found = cf.fit(
            cf.Curve(x, 3.0 - 1e-3 * X + 1e-3 * RNG.standard_normal(120), "loss", x_unit="token"), "log_linear"
        )
        slope = np.polyfit(X, found.predict(x).mean, 1)[0]
        exact = np.polyfit(X, found.curve.y, 1)[0]
        assert slope == pytest.approx(exact, rel=1e-3)

    @pytest.mark.parametrize("name", EVERY)
    def test_x10_all_x_equal(self, name):
        found = cf.fit(cf.Curve(np.full(30, 7.0), Y[:30], "loss"), name)
        if name == "constant":
            assert found.params["a"] == pytest.approx(np.mean(Y[:30]))
        else:
            assert found.status is Status.REFUSED and "x = 7" in found.summary()

    @pytest.mark.parametrize("name", EVERY)
    @pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 5, 6, 7])
    def test_x11_few_points(self, name, n):
        found = cf.fit(cf.Curve(X[:n], Y[:n], "loss"), name)
        need = len(registry[name].parameters) + 2
        if n < need:
            assert found.status is Status.TOO_FEW_POINTS
            assert f"at least {need} points" in found.summary()
            assert all(math.isnan(v) for v in found.stderr.values())
            assert set(found.conf_int().values()) == {None}
            assert np.isnan(found.predict([10.0], "confidence").mean[0])
            assert found.asymptote().value is None
        else:
            assert found.core is not None
            assert not doubt(found, "points").ok

    def test_x11_replicates_at_too_few_places(self):
        found = cf.fit(cf.Curve(np.repeat([1.0, 2.0], 10), Y[:20], "loss"))
        assert found.status is Status.TOO_FEW_POINTS and "different x" in found.summary()


class TestStatistics:
    @pytest.mark.parametrize("seed", range(5))
    def test_s01_flat_with_noise(self, seed):
        y = 2.5 + 0.1 * np.random.default_rng(seed).standard_normal(120)
        found = cf.fit(cf.Curve(X, y, "loss"))
        assert not doubt(found, "trend").ok and found.status is Status.DEGRADED
        interval = found.asymptote().interval
        assert np.mean(y) in interval
        assert cf.select(cf.Curve(X, y, "loss"), criterion="bic").best.model.name == "constant"

    def test_s01_a_real_trend_is_seen(self):
        assert doubt(cf.fit(cf.Curve(X, Y, "loss")), "trend").ok

    def test_s02_pure_noise_passes_for_a_trend_no_more_often_than_it_may(self):
        rng = np.random.default_rng(0)
        seen = [doubt(cf.fit(cf.Curve(X, rng.standard_normal(120), "loss")), "trend").ok for _ in range(150)]
        assert np.mean(seen) < 0.06  # level .01, somewhat more since the shape is searched

    def test_s02_a_random_walk_has_hardly_any_independent_points(self):
        walk = np.cumsum(np.random.default_rng(3).standard_normal(400))
        found = cf.fit(cf.Curve(np.arange(1.0, 401.0), walk, "loss"))
        assert found.n_effective < 20 and found.status is Status.DEGRADED

    def test_s03_a_straight_line_has_no_asymptote(self):
        y = 3.0 - 0.01 * X + 0.01 * RNG.standard_normal(120)
        for name in ("power_law", "exponential", "stretched_exponential", "mmf"):
            found = cf.fit(cf.Curve(X, y, "loss"), name)
            assert found.asymptote().status is Status.NOT_IDENTIFIED, name

    def test_s04_an_increasing_loss(self):
        y = 1.0 + 0.3 * np.log(X) + 0.02 * RNG.standard_normal(120)
        found = cf.fit(cf.Curve(X, y, "loss"))
        assert found.params["A"] < 0
        assert found.asymptote().status is Status.NOT_IDENTIFIED

    @pytest.mark.parametrize("name", EVERY)
    def test_s05_data_without_noise(self, name):
        m = registry[name]
        y = m.predict(X, m.example())
        found = cf.fit(cf.Curve(X, y, "loss"), m)
        if name == "constant":
            assert found.status is Status.CONSTANT
            return
        np.testing.assert_allclose(found.predict(X).mean, y, rtol=0, atol=1e-6 * np.ptp(y))
        if "noise" in {d.name for d in found.doubts if not d.ok}:
            assert set(found.conf_int().values()) == {None}
            assert np.isnan(found.predict([200.0], "confidence").low[0])
            assert found.status is Status.DEGRADED
        else:
            assert max(i.width for i in [found.asymptote().interval] if i is not None and i.closed) < 1e-3

    def test_s05_says_that_noise_is_not_estimable(self):
        found = cf.fit(cf.Curve(X, TRUTH, "loss"))
        np.testing.assert_allclose(values(found), [1.8, 4.0, 0.5], rtol=1e-6)
        assert "not estimable" in doubt(found, "noise").message

    def test_s06_inside_the_data_is_smoothing(self):
        found = cf.fit(cf.Curve(X, Y, "loss"))
        band = found.predict([60.0], "confidence")
        assert band.low[0] < TRUTH[59] < band.high[0]

    def test_s07_a_far_horizon_is_wide_or_open(self):
        found = cf.fit(cf.Curve(X[:40], Y[:40], "loss"))
        near, far = (found.predict(h, "confidence") for h in (80.0, 4e7))
        assert (far.high - far.low)[0] > 2.5 * (near.high - near.low)[0] > 0
        sharp = cf.fit(cf.Curve(X[:12], Y[:12], "loss")).predict(4e7, "confidence")
        assert (sharp.high - sharp.low)[0] > 1.0, "twelve points say next to nothing about forty million"

    def test_s09_a_parameter_on_its_limit(self):
        y = 5.0 - 0.5 * np.log(X) + 0.02 * RNG.standard_normal(120)
        y = y - 0.0004 * X  # bends the wrong way: the exponent wants to be negative
        found = cf.fit(cf.Curve(X, y, "loss"))
        assert not doubt(found, "limits").ok and "alpha" in doubt(found, "limits").message
        assert math.isnan(found.stderr["alpha"])
        interval = found.conf_int()["alpha"]
        assert interval.low == 0.0 and 0 < interval.high < 1
        assert found.status is Status.DEGRADED

    def test_s10_two_equal_exponentials(self):
        y = 0.4 + 1.5 * np.exp(-X / 20) + 0.02 * np.random.default_rng(0).standard_normal(120)
        curve = cf.Curve(X, y, "loss")
        found = cf.fit(curve, "exponential+exponential")
        assert found.status is Status.DEGRADED
        assert not (doubt(found, "parts").ok and doubt(found, "condition").ok)
        alone = cf.fit(curve, "exponential")
        np.testing.assert_allclose(found.predict(X).mean, alone.predict(X).mean, atol=0.03)

    def test_s11_weights(self):
        curve = cf.Curve(X, Y, "loss")
        w = np.ones(120)
        w[::7] = 0
        kept = w > 0
        some = cf.fit(curve, weights=w)
        without = cf.fit(cf.Curve(X[kept], Y[kept], "loss"))
        assert some.params == without.params and some.stderr == without.stderr
        for bad, text in ((-1.0, "negative"), (np.nan, "finite"), (np.inf, "finite")):
            w = np.ones(120)
            w[3] = bad
            with pytest.raises(CurvefitError, match=r"weights\[3\]"):
                cf.fit(curve, weights=w)
            assert text
        with pytest.raises(CurvefitError, match="119 weights for 120 points"):
            cf.fit(curve, weights=np.ones(119))
        assert cf.fit(curve, weights=np.zeros(120)).status is Status.REFUSED
        heavy = np.ones(120)
        heavy[60] = 1e8
        found = cf.fit(curve, weights=heavy)
        assert found.predict(X[60]).mean[0] == pytest.approx(Y[60], abs=1e-4)

    def test_s12_smoothed_input_is_suspected(self):
        rng = np.random.default_rng(0)
        x = np.arange(1.0, 2001.0)
        raw = 1.8 + 4 * x**-0.5 + 0.3 * rng.standard_normal(2000)
        ema = np.empty(2000)
        ema[0] = raw[0]
        for i in range(1, 2000):
            ema[i] = 0.98 * ema[i - 1] + 0.02 * raw[i]
        found = cf.fit(cf.Curve(x[200:], ema[200:], "loss"))
        assert not doubt(found, "smoothed").ok and found.status is Status.DEGRADED
        assert doubt(cf.fit(cf.Curve(x, raw, "loss")), "smoothed").ok

    def test_s12_uneven_noise_is_told(self):
        rng = np.random.default_rng(0)
        y = (0.05 + 4 * X**-0.8) * (1 + 0.1 * rng.standard_normal(120))
        found = cf.fit(cf.Curve(X, y, "loss"), noise="gaussian")
        assert not doubt(found, "even noise").ok and "first half" in doubt(found, "even noise").message
        assert found.status is Status.DEGRADED
        own = cf.fit(cf.Curve(X, y, "loss"), noise="multiplicative")
        assert doubt(own, "even noise").ok and own.status is Status.OK
        assert doubt(cf.fit(cf.Curve(X, Y, "loss")), "even noise").ok

    def test_s12_noise_that_is_large_at_the_first_points_only(self):
        rng = np.random.default_rng(0)
        x = np.arange(1.0, 401.0)
        truth = 0.5 + 4 * x**-0.7
        told = [
            doubt(cf.fit(cf.Curve(x, truth * (1 + 0.05 * rng.standard_normal(400)), "loss")), "even noise")
            for _ in range(20)
        ]
        assert sum(not d.ok and "multiplicative" in d.message for d in told) >= 15
        even = [cf.fit(cf.Curve(x, truth + 0.06 * rng.standard_normal(400), "loss")) for _ in range(40)]
        assert sum(not doubt(f, "even noise").ok for f in even) <= 1

    def test_s15_an_optimizer_that_ran_out_of_steps(self):
        m = registry["broken_power_law"]
        y = m.predict(X, m.example()) + 0.01 * RNG.standard_normal(120)
        found = cf.fit(cf.Curve(X, y, "loss"), m, max_iterations=1)
        assert found.status is Status.DEGRADED
        assert not doubt(found, "converged").ok and "best point found" in doubt(found, "converged").message
        assert np.all(np.isfinite(values(found)))

    def test_a_law_that_misses_the_start_is_told(self):
        x = np.arange(1.0, 1001.0)
        curve = cf.Curve(x, 1.8 + 4 * x**-0.5 + 0.05 * np.random.default_rng(1).standard_normal(1000), "loss")
        found = cf.fit(curve, "log_linear")
        assert not doubt(found, "ends").ok and "first" in doubt(found, "ends").message
        assert found.status is Status.DEGRADED
        assert doubt(cf.fit(curve), "ends").ok


def test_nothing_warns_on_any_law_and_any_of_these():
    cases = [
        Y, -Y, np.sort(RNG.standard_normal(120)), np.where(X > 60, 1.0, 0.0), np.where(X == 60, 1e6, Y), np.exp(-X),
        RNG.standard_cauchy(120), np.round(Y, 1), 1e-8 * Y + 5, np.append(Y[:119], 1e20), X**3, 0.5 ** X,
    ]  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for y in cases:
            curve = cf.Curve(X, y, "loss")
            for name in ("log_linear", "power_law", "exponential", "mmf"):
                found = cf.fit(curve, name)
                assert name == "mmf" or len(found.summary()) > 50
                shown = found.predict([0.5, 60.0, 1e9], "prediction")
                assert np.all(np.isfinite(shown.mean)) or found.core is None
                assert not np.any(shown.low > shown.mean) and not np.any(shown.high < shown.mean)
