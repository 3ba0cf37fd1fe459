"""Fits against independent oracles: statsmodels for linear laws, scipy and lmfit for curved ones."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, stats

import curvefit as cf
from curvefit import CurvefitError, Status
from curvefit.fitting.fit import find_model
from curvefit.models import registry
from curvefit.models.noise.autoregressive import Autoregressive
from curvefit.models.noise.student_t import StudentT


def power_curve(n=150, sd=0.05, seed=0, x=None):
    rng = np.random.default_rng(seed)
    x = np.arange(1.0, n + 1) if x is None else x
    return x, 1.8 + 4 * x**-0.5 + sd * rng.standard_normal(x.size)


def law(x, e, a, alpha):
    return e + a * x**-alpha


class TestLinearLawAgainstStatsmodels:
    """A line in ln x is an ordinary regression: every number has a textbook counterpart."""

    @pytest.fixture
    def both(self):
        sm = pytest.importorskip("statsmodels.api")
        rng = np.random.default_rng(3)
        x = np.geomspace(2.0, 900.0, 40)
        y = 3.0 - 0.2 * np.log(x) + 0.1 * rng.standard_normal(40)
        w = rng.uniform(0.3, 3.0, 40)
        design = sm.add_constant(np.log(x))
        return cf.Curve(x, y, "loss"), w, sm.OLS(y, design).fit(), sm.WLS(y, design, weights=w).fit()

    @pytest.mark.parametrize("method", ["delta", "profile_likelihood"])
    def test_estimates_errors_and_intervals(self, both, method):
        curve, w, ols, wls = both
        for found, oracle in (
            (cf.fit(curve, "log_linear", noise="gaussian"), ols),
            (cf.fit(curve, "log_linear", noise="gaussian", weights=w), wls),
        ):
            np.testing.assert_allclose(list(found.params.values()), oracle.params, rtol=1e-9)
            np.testing.assert_allclose(list(found.stderr.values()), oracle.bse, rtol=1e-9)
            np.testing.assert_allclose(found.covariance, oracle.cov_params(), rtol=1e-8)
            intervals = found.conf_int(0.9, method)
            got = [[i.low, i.high] for i in intervals.values()]
            np.testing.assert_allclose(got, oracle.conf_int(0.1), rtol=1e-9)

    @pytest.mark.parametrize("method", ["delta", "profile_likelihood"])
    def test_confidence_and_prediction_bands(self, both, method):
        curve, _, ols, _ = both
        found = cf.fit(curve, "log_linear", noise="gaussian")
        where = np.array([1.5, 30.0, 5000.0])
        frame = ols.get_prediction(np.column_stack([np.ones(3), np.log(where)])).summary_frame(alpha=0.05)
        band = found.predict(where, "confidence", method=method)
        np.testing.assert_allclose(band.mean, frame["mean"], rtol=1e-9)
        np.testing.assert_allclose(band.low, frame["mean_ci_lower"], rtol=1e-9)
        np.testing.assert_allclose(band.high, frame["mean_ci_upper"], rtol=1e-9)
        new = found.predict(where, "prediction", method=method)
        np.testing.assert_allclose(new.low, frame["obs_ci_lower"], rtol=1e-9)
        np.testing.assert_allclose(new.high, frame["obs_ci_upper"], rtol=1e-9)

    def test_rss_and_sigma(self, both):
        curve, _, ols, _ = both
        found = cf.fit(curve, "log_linear", noise="gaussian")
        assert found.rss == pytest.approx(ols.ssr, rel=1e-12)
        assert found.sigma == pytest.approx(np.sqrt(ols.mse_resid), rel=1e-12)
        np.testing.assert_allclose(found.residuals, ols.resid, atol=1e-12)

    def test_generalized_least_squares_with_known_correlation(self, both):
        sm = pytest.importorskip("statsmodels.api")
        curve, _, _, _ = both
        x, y = curve.x, curve.y
        sigma = 0.6 ** (np.abs(np.subtract.outer(x, x)) / np.median(np.diff(x)))
        gls = sm.GLS(y, sm.add_constant(np.log(x)), sigma=sigma).fit()
        found = cf.fit(curve, "log_linear", noise=Autoregressive(0.6))
        np.testing.assert_allclose(list(found.params.values()), gls.params, rtol=1e-8)
        np.testing.assert_allclose(list(found.stderr.values()), gls.bse, rtol=1e-8)


class TestPowerLaw:
    @pytest.mark.parametrize("seed", range(4))
    def test_estimates_and_delta_errors_against_scipy(self, seed):
        x, y = power_curve(seed=seed)
        p, covariance = optimize.curve_fit(law, x, y, p0=(1.8, 4, 0.5), xtol=1e-14, ftol=1e-14)
        found = cf.fit(cf.Curve(x, y, "loss"), noise="gaussian")
        np.testing.assert_allclose(list(found.params.values()), p, rtol=2e-6)
        np.testing.assert_allclose(list(found.stderr.values()), np.sqrt(np.diag(covariance)), rtol=2e-4)
        assert found.status is Status.OK

    def test_profile_intervals_against_lmfit(self):
        lmfit = pytest.importorskip("lmfit")
        x, y = power_curve(n=60, sd=0.1)
        parameters = lmfit.create_params(E=1.8, A=4.0, alpha=0.5)

        def residual(p):
            return law(x, p["E"].value, p["A"].value, p["alpha"].value) - y

        mini = lmfit.Minimizer(residual, parameters)
        result = mini.minimize(method="leastsq", xtol=1e-14, ftol=1e-14)
        oracle = lmfit.conf_interval(mini, result, sigmas=[0.95], maxiter=500)
        found = cf.fit(cf.Curve(x, y, "loss"), noise="gaussian").conf_int(0.95)
        for name, ends in oracle.items():
            low, high = ends[0][1], ends[-1][1]
            assert found[name].low == pytest.approx(low, abs=2e-3 * (high - low)), name
            assert found[name].high == pytest.approx(high, abs=2e-3 * (high - low)), name

    def test_profile_interval_of_a_value_against_constrained_refits(self):
        """The ends are where refits forced through the value raise the sum of squares by s^2 F."""
        x, y = power_curve(n=50, sd=0.1, seed=5)
        found = cf.fit(cf.Curve(x, y, "loss"), noise="gaussian")
        band = found.predict(100.0, "confidence", 0.9)
        limit = found.rss * (1 + stats.f.ppf(0.9, 1, 47) / 47)
        for end in (band.low[0], band.high[0]):

            def forced(p, end=end):  # E chosen so that the curve passes through (100, end)
                a, alpha = p
                return end - a * 100**-alpha + a * x**-alpha - y

            best = optimize.least_squares(forced, (4.0, 0.5), xtol=1e-14, ftol=1e-14, x_scale="jac")
            assert 2 * best.cost == pytest.approx(limit, rel=1e-4)

    def test_value_intervals_of_a_law_with_two_shapes_against_constrained_refits(self):
        m = registry["mmf"]
        x = np.linspace(1, 100, 80)
        rng = np.random.default_rng(2)
        y = m.predict(x, m.example()) + 0.02 * rng.standard_normal(80)
        found = cf.fit(cf.Curve(x, y, "loss"), m, noise="gaussian")
        limit = found.rss * (1 + stats.f.ppf(0.95, 1, 76) / 76)
        for where, alone in ((200.0, True), (200.0, False)):
            grid = [where] if alone else [1.0, 20.0, where, 400.0]
            band = found.predict(grid, "confidence")
            i = grid.index(where)
            for end in (band.low[i], band.high[i]):

                def forced(p, end=end, where=where):
                    a, kappa, delta = p
                    return end - a / (1 + (where / kappa) ** delta) + a / (1 + (x / kappa) ** delta) - y

                start = [found.params[k] for k in ("A", "kappa", "delta")]
                best = optimize.least_squares(forced, start, xtol=1e-14, ftol=1e-14, x_scale="jac")
                rise = (2 * best.cost - found.rss) / (limit - found.rss)
                assert rise == pytest.approx(1, abs=0.02)

    def test_shape_interval_of_a_law_with_two_shapes_against_a_profile(self):
        m = registry["mmf"]
        x = np.linspace(1, 100, 80)
        y = m.predict(x, m.example()) + 0.02 * np.random.default_rng(2).standard_normal(80)
        found = cf.fit(cf.Curve(x, y, "loss"), m, noise="gaussian")
        limit = found.rss * (1 + stats.f.ppf(0.95, 1, 76) / 76)
        for k, name in enumerate(("kappa", "delta")):
            ends = found.conf_int(parameters=[name])[name]
            for end in (ends.low, ends.high):

                def held(p, end=end, k=k):
                    shape = [end, p[2]] if k == 0 else [p[2], end]
                    return m.predict(x, [p[0], p[1], *shape]) - y

                start = [found.params["E"], found.params["A"], found.params["delta" if k == 0 else "kappa"]]
                best = optimize.least_squares(held, start, xtol=1e-14, ftol=1e-14, x_scale="jac")
                assert (2 * best.cost - found.rss) / (limit - found.rss) == pytest.approx(1, abs=1e-3)

    def test_delta_band_is_the_linearized_one(self):
        x, y = power_curve(seed=8)
        found = cf.fit(cf.Curve(x, y, "loss"), noise="gaussian")
        where = np.array([10.0, 300.0, 5e4])
        slope = registry["power_law"].jacobian(where, found.params)
        half = stats.t.ppf(0.975, 147) * np.sqrt(np.einsum("mi,ij,mj->m", slope, found.covariance, slope))
        band = found.predict(where, "confidence", method="delta")
        np.testing.assert_allclose(band.high - band.mean, half, rtol=1e-6)


class TestNoise:
    def test_student_t_is_its_maximum_likelihood(self):
        x = np.arange(1.0, 121.0)
        rng = np.random.default_rng(4)
        y = 1.8 + 4 * x**-0.5 + 0.05 * rng.standard_t(3, 120)
        noise = StudentT()

        def loss(p):
            return -noise.log_likelihood(y - law(x, *p[:3]), x, x, np.exp(p[3]))

        best = optimize.minimize(
            loss,
            [1.8, 4, 0.5, -3],
            method="Nelder-Mead",
            options={"xatol": 1e-9, "fatol": 1e-11, "maxiter": 10000, "maxfev": 10000},
        )
        found = cf.fit(cf.Curve(x, y, "loss"), noise="student_t")
        np.testing.assert_allclose(list(found.params.values()), best.x[:3], rtol=1e-5)
        assert found.sigma == pytest.approx(np.exp(best.x[3]), rel=1e-5)

    def test_proportional_noise_weighs_by_the_curve(self):
        x = np.arange(1.0, 201.0)
        y = (0.05 + 4 * x**-0.7) * (1 + 0.05 * np.random.default_rng(4).standard_normal(200))
        found = cf.fit(cf.Curve(x, y, "loss"), noise="multiplicative")
        mean = found.predict(x).mean
        p, covariance = optimize.curve_fit(law, x, y, p0=(0.05, 4, 0.7), sigma=mean, xtol=1e-14, ftol=1e-14)
        np.testing.assert_allclose(list(found.params.values()), p, rtol=1e-6)
        np.testing.assert_allclose(list(found.stderr.values()), np.sqrt(np.diag(covariance)), rtol=1e-4)
        assert found.sigma == pytest.approx(0.05, rel=0.15)
        wide = found.predict([2.0, 150.0], "prediction")
        assert np.ptp([2.0, 150.0]) and (wide.high - wide.low)[0] > 5 * (wide.high - wide.low)[1]

    def test_auto_counts_correlated_points_as_fewer(self):
        x = np.arange(1.0, 301.0)
        truth = 1.8 + 4 * x**-0.5
        y = truth + Autoregressive(0.8).sample(np.random.default_rng(0), x, truth, 0.1)
        curve = cf.Curve(x, y, "loss")
        auto, iid = cf.fit(curve), cf.fit(curve, noise="gaussian")
        assert auto.params == iid.params
        assert auto.rho == pytest.approx(0.8, abs=0.12)
        assert 20 < auto.n_effective < 60
        ratio = auto.stderr["alpha"] / iid.stderr["alpha"]
        # (n - p) / (n_eff - p), rooted
        assert ratio == pytest.approx(np.sqrt(297 / (auto.n_effective - 3)), rel=1e-6)
        assert auto.conf_int()["alpha"].width > 2 * iid.conf_int()["alpha"].width

    def test_whitening_estimates_the_correlation(self):
        x = np.arange(1.0, 301.0)
        truth = 1.8 + 4 * x**-0.5
        y = truth + Autoregressive(0.8).sample(np.random.default_rng(0), x, truth, 0.1)
        found = cf.fit(cf.Curve(x, y, "loss"), noise="autoregressive")
        assert found.rho == pytest.approx(0.8, abs=0.12)
        assert found.sigma == pytest.approx(0.1, rel=0.35)
        known = cf.fit(cf.Curve(x, y, "loss"), noise=Autoregressive(found.rho))
        np.testing.assert_allclose(list(known.params.values()), list(found.params.values()), rtol=1e-6)

    def test_irregular_spacing_takes_the_worse_reading(self):
        x = np.unique(np.geomspace(1, 3000, 150).round())
        truth = 1.8 + 4 * x**-0.5
        rng = np.random.default_rng(1)
        found = cf.fit(cf.Curve(x, truth + 0.05 * rng.standard_normal(x.size), "loss"))
        assert found.n_effective > 0.55 * x.size
        smooth = truth + 0.05 * np.sin(np.arange(x.size) / 6)
        assert cf.fit(cf.Curve(x, smooth, "loss")).n_effective < 0.15 * x.size


class TestLargeCurves:
    def test_bins_change_nothing_that_matters(self):
        """Against all points, one by one: within a hundredth of a standard error (and a tenth is the promise)."""
        rng = np.random.default_rng(0)
        x = np.arange(1.0, 60_001.0)
        y = 1.8 + 4 * x**-0.5 + 0.1 * rng.standard_normal(x.size)
        found = cf.fit(cf.Curve(x, y, "loss"), noise="gaussian")
        p, covariance = optimize.curve_fit(law, x, y, p0=(1.8, 4, 0.5), xtol=1e-14, ftol=1e-14)
        se = np.sqrt(np.diag(covariance))
        assert np.all(np.abs(np.array(list(found.params.values())) - p) < 0.02 * se)
        np.testing.assert_allclose(list(found.stderr.values()), se, rtol=5e-3)
        assert found.rss == pytest.approx(float(np.sum((law(x, *p) - y) ** 2)), rel=1e-7)
        assert found.residuals.size == x.size

    @pytest.mark.parametrize("name", ["exponential", "mmf", "log_law"])
    def test_bins_with_laws_that_bend_inside_them(self, name):
        m = registry[name]
        x = np.linspace(0.01, 100, 20_000)
        truth = m.predict(x, m.example())
        y = truth + 0.05 * np.random.default_rng(1).standard_normal(x.size)
        curve = cf.Curve(x, y, "loss")
        found = cf.fit(curve, m, noise="gaussian")
        values = np.array(list(found.params.values()))
        exact = optimize.least_squares(
            lambda p: m.predict(x, p) - y,
            values,
            jac=lambda p: m.jacobian(x, p),
            x_scale="jac",
            xtol=1e-15,
            ftol=1e-15,
            gtol=1e-15,
        )
        assert np.all(np.abs(values - exact.x) < 0.02 * np.array(list(found.stderr.values())))

    def test_robust_fit_of_a_large_curve(self):
        rng = np.random.default_rng(0)
        x = np.arange(1.0, 20_001.0)
        y = 1.8 + 4 * x**-0.5 + 0.1 * rng.standard_normal(x.size)
        y[5000:5010] += 30
        found = cf.fit(cf.Curve(x, y, "loss"))
        assert found.core.robust
        assert abs(found.params["alpha"] - 0.5) < 4 * found.stderr["alpha"]
        assert found.stderr["alpha"] < 1.3 * cf.fit(cf.Curve(x, np.where(y > 20, y - 30, y), "loss")).stderr["alpha"]


class TestInterface:
    def test_names_sums_and_models(self):
        x, y = power_curve()
        curve = cf.Curve(x, y, "loss")
        assert cf.fit(curve, "power_law + exponential").model == registry["power_law"] + registry["exponential"]
        assert find_model(registry["mmf"]) is registry["mmf"]
        for bad in ("powerlaw", ""):
            with pytest.raises(CurvefitError, match="power_law"):
                cf.fit(curve, bad)
        with pytest.raises(CurvefitError, match="gaussian"):
            cf.fit(curve, noise="gausian")
        with pytest.raises(CurvefitError, match="Curve"):
            cf.fit((x, y))

    def test_a_fit_is_frozen_and_its_arrays_read_only(self):
        found = cf.fit(cf.Curve(*power_curve(), "loss"))
        with pytest.raises(AttributeError):
            found.noise = "gaussian"
        with pytest.raises(ValueError, match="read-only"):
            found.residuals[0] = 0
        with pytest.raises(ValueError, match="read-only"):
            found.covariance[0, 0] = 0
        with pytest.raises(TypeError):
            found.params["E"] = 0

    def test_unknown_names_list_the_choices(self):
        found = cf.fit(cf.Curve(*power_curve(), "loss"))
        with pytest.raises(CurvefitError, match="profile_likelihood"):
            found.conf_int(method="profile")
        with pytest.raises(CurvefitError, match="alpha"):
            found.conf_int(parameters=["alfa"])
        with pytest.raises(CurvefitError, match=r"0\.95"):
            found.conf_int(95)
        with pytest.raises(CurvefitError, match="confidence"):
            found.predict(10.0, "both")
        with pytest.raises(CurvefitError, match="not defined"):
            found.predict(-1.0)

    def test_summary_fits_a_terminal_and_carries_the_numbers(self):
        found = cf.fit(cf.Curve(*power_curve(), "val_loss"))
        text = found.summary()
        assert all(len(line) <= 80 for line in text.splitlines())
        assert "val_loss" in text and "alpha" in text and "95 % interval" in text
        error = found.stderr["alpha"]
        assert f"{found.params['alpha']:.{1 - int(np.floor(np.log10(error)))}f}" in text
        assert str(found) == text

    def test_summary_of_hostile_names_and_failed_fits(self):
        bad = cf.fit(cf.Curve([1, 2], [1, 2], "loss\x1b[31m"))
        assert "\x1b" not in bad.summary() and "needs at least 5 points" in bad.summary()

    def test_asymptote_identified_and_not(self):
        x, y = power_curve(n=2000, sd=0.02)
        limit = cf.fit(cf.Curve(x, y, "loss")).asymptote()
        assert limit.status is Status.OK and 1.8 in limit.interval and limit.interval.closed
        early = cf.fit(cf.Curve(x[20:40], y[20:40] + 0.1 * np.sin(x[:20]), "loss"))
        assert early.asymptote().status is Status.NOT_IDENTIFIED
        assert early.asymptote().value is None and early.asymptote().reasons
        assert any(d.name == "asymptote" and not d.ok for d in early.doubts)
        flat = cf.fit(cf.Curve(x, y, "loss"), "log_linear").asymptote()
        assert flat.status is Status.NOT_APPLICABLE

    def test_an_asymptote_outside_the_metric_is_not_identified(self):
        x = np.arange(1.0, 101.0)
        y = 0.97 - 0.6 * x**-0.3 + 0.012 * np.random.default_rng(0).standard_normal(100)
        found = cf.fit(cf.Curve(x, y, "val_accuracy"))
        assert found.curve.bounds == (0.0, 1.0)
        limit = found.asymptote()
        assert limit.interval.high > 1
        assert limit.status is Status.NOT_IDENTIFIED and "bounds" in limit.reasons[0]
