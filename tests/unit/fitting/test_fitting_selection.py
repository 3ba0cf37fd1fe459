"""Selection among laws: criteria against their formulas, ties, averaging, and refusal."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, stats

import curvefit as cf
from curvefit import CurvefitError, Status
from curvefit.fitting._information import deviance
from curvefit.fitting.autocorrelation import effective_size
from curvefit.fitting.selection import CANDIDATES, _mixture
from curvefit.models import registry
from curvefit.models.noise.autoregressive import Autoregressive


def curve(name="power_law", n=200, sd=0.02, seed=0, rho=0.0, metric="loss"):
    m = registry[name]
    x = np.linspace(1, 100, n)
    truth = m.predict(x, m.example())
    noise = Autoregressive(rho).sample(np.random.default_rng(seed), x, truth, sd)
    return cf.Curve(x, truth + noise, metric)


@pytest.mark.parametrize("spacing", ["regular", "irregular", "replicates"])
@pytest.mark.parametrize("rho", [0.0, 0.8])
def test_deviance_is_the_likelihood_of_correlated_noise(rho, spacing):
    """Against the multivariate normal density, maximized over level and correlation."""
    rng = np.random.default_rng(3)
    x = np.arange(1.0, 41.0)
    x = {"regular": x, "irregular": x**1.7, "replicates": np.repeat(x[:20], 2)}[spacing]
    e = Autoregressive(rho).sample(rng, x, x, 0.3)
    value, _ = deviance(e, x)

    def least(position):
        gap = np.abs(np.subtract.outer(position, position))

        def minus(r):
            v = r**gap
            if spacing == "replicates":  # a chain: replicates start anew
                phi = np.where(np.diff(x) > 0, r, 0.0)
                v = np.eye(40)
                for i in range(39):
                    for j in range(i + 1, 40):
                        v[i, j] = v[j, i] = np.prod(phi[i:j])
            s2 = e @ np.linalg.solve(v, e) / 40
            return -2 * stats.multivariate_normal.logpdf(e, np.zeros(40), s2 * v) - 40 * (1 + np.log(2 * np.pi))

        return optimize.minimize_scalar(minus, (1e-6, 0.99), bounds=(1e-9, 0.99), method="bounded").fun

    readings = [np.arange(40.0)] + ([x / np.median(np.diff(x))] if spacing == "irregular" else [])
    assert value == pytest.approx(min(least(p) for p in readings), abs=2e-3)


def test_aicc_and_bic_are_their_formulas():
    data = curve(n=60)
    for criterion in ("aicc", "bic"):
        found = cf.select(data, ["power_law", "log_linear"], criterion, noise="gaussian")
        best = [deviance(c.fit.residuals, data.x) for c in found.candidates]
        m = effective_size(60, min(best)[1])
        for c, (value, _) in zip(found.candidates, best, strict=True):
            k = len(c.fit.params) + 2
            expected = value + (k * np.log(m) if criterion == "bic" else 2 * k + 2 * k * (k + 1) / (59 - k))
            assert c.score == pytest.approx(expected, rel=1e-9)


def test_a_smooth_curve_that_no_law_follows_still_gets_the_nearest_one():
    x = np.arange(1.0, 61.0)
    y = 2 + 3 / (1 + (x / 12) ** 1.3) + 0.04 * np.sin(x / 5) + 0.003 * np.random.default_rng(0).standard_normal(60)
    found = cf.select(cf.Curve(x, y, "loss"))
    assert found.best.model.name not in ("constant", "log_linear")
    assert found.best.rho > 0.7


@pytest.mark.parametrize("name", ["power_law", "exponential", "mmf"])
@pytest.mark.parametrize("criterion", ["aicc", "bic"])
def test_the_true_law_is_found_on_clear_data(name, criterion):
    found = cf.select(curve(name, n=400, sd=0.005), criterion=criterion)
    assert found.best.model.name == name
    assert sum(c.weight for c in found.candidates) == pytest.approx(1)
    assert [c.delta for c in found.candidates] == sorted(c.delta for c in found.candidates)
    assert len(found.candidates) == len(CANDIDATES)


def test_rolling_forecasts_prefer_a_law_that_extrapolates():
    found = cf.select(curve(n=300, sd=0.01), ["power_law", "exponential", "log_linear"], "rolling")
    assert found.best.model.name == "power_law"
    assert found.candidates[-1].delta > 4


def test_correlated_noise_does_not_buy_parameters():
    """With the raw number of points (the negative control) a needless break is bought far more often."""
    effective = raw = 0
    for seed in range(15):
        data = curve(n=200, sd=0.05, seed=seed, rho=0.8)
        laws = ["power_law", "power_law+exponential"]
        found = cf.select(data, laws, "aicc")
        effective += found.best.model.name != "power_law"
        small, large = (cf.fit(data, m, noise="gaussian") for m in laws)
        raw += 200 * np.log(large.rss / small.rss) + 4.2 < 0
    assert effective <= 6 and raw >= 9


def test_ties_are_told_and_widen_the_average():
    data = curve("power_law", n=30, sd=0.4)
    found = cf.select(data)
    assert len(found.tied) > 1 and found.status is Status.DEGRADED
    assert "conditional on the selected model" in found.caveat and found.tied[1].name in found.caveat
    shown = found.predict([1000.0])
    means = np.array([c.fit.predict(1000.0).mean[0] for c in found.candidates if c.weight >= 0.01])
    assert means.min() <= shown.mean[0] <= means.max()
    assert shown.low[0] < shown.mean[0] < shown.high[0]
    best = found.best.predict([1000.0], "confidence")
    assert shown.high[0] - shown.low[0] > best.high[0] - best.low[0]


def test_the_average_of_one_law_is_that_law():
    data = curve(n=100)
    found = cf.select(data, ["power_law"])
    for kind in ("confidence", "prediction"):
        one, mixed = found.best.predict([50.0, 300.0], kind), found.predict([50.0, 300.0], kind)
        np.testing.assert_allclose(mixed.mean, one.mean)
        np.testing.assert_allclose(mixed.low, one.low, rtol=1e-9)
        np.testing.assert_allclose(mixed.high, one.high, rtol=1e-9)
    assert np.isnan(found.predict([50.0], None).low[0])


def test_mixture_quantiles_against_scipy():
    z = stats.norm.ppf(0.975)
    means = np.array([[0.0], [3.0]])
    half = np.array([[1.0], [0.5]]) * z
    low, high = _mixture(means, means - half, means + half, np.array([0.7, 0.3]), 0.95)

    def cdf(v):
        return 0.7 * stats.norm.cdf(v) + 0.3 * stats.norm.cdf((v - 3) / 0.5)

    assert cdf(low[0]) == pytest.approx(0.025, abs=1e-9)
    assert cdf(high[0]) == pytest.approx(0.975, abs=1e-9)
    open_low, open_high = _mixture(means, np.array([[-np.inf], [2.0]]), means + half, np.array([0.7, 0.3]), 0.95)
    assert open_low[0] == -np.inf and np.isfinite(open_high[0])


def test_s13_a_flat_curve_is_not_extrapolated_by_laws_that_see_no_trend():
    x = np.linspace(1, 100, 60)
    data = cf.Curve(x, 2.5 + 0.05 * np.random.default_rng(1).standard_normal(60), "loss")
    found = cf.select(data)
    shown = found.predict([200.0])
    assert 2.3 < shown.low[0] < 2.5 < shown.high[0] < 2.7


def test_laws_that_cannot_be_fitted_are_named_with_the_reason():
    short = cf.Curve(np.arange(1.0, 6.0), [5.0, 3, 2.5, 2.2, 2.1], "loss")
    found = cf.select(short)
    assert "needs at least 6 points" in found.refused["mmf"]
    assert {c.name for c in found.candidates} >= {"constant", "log_linear", "power_law"}
    nothing = cf.select(cf.Curve([1.0], [2.0], "loss"))
    assert nothing.best.status is Status.TOO_FEW_POINTS
    flat = cf.select(cf.Curve(np.arange(1.0, 30.0), np.ones(29), "loss"))
    assert flat.best.status is Status.CONSTANT


def test_robust_scores_ignore_an_outlier():
    clean = curve(n=150, sd=0.02)
    y = clean.y.copy()
    y[75] += 30
    found = cf.select(cf.Curve(clean.x, y, "loss"))
    assert found.best.model.name == cf.select(clean).best.model.name == "power_law"


def test_wrong_arguments():
    data = curve(n=30)
    with pytest.raises(CurvefitError, match="aicc"):
        cf.select(data, criterion="aic")
    with pytest.raises(CurvefitError, match="power_law"):
        cf.select(data, ["powerlaw"])
    with pytest.raises(CurvefitError, match="no models"):
        cf.select(data, [])
    with pytest.raises(CurvefitError, match="too short"):
        cf.select(cf.Curve(np.arange(1.0, 7.0), [5.0, 3, 2.5, 2.2, 2.1, 2.0], "loss"), ["constant"], "rolling")


def test_summary_fits_a_terminal():
    text = str(cf.select(curve(n=60)))
    assert all(len(line) <= 80 for line in text.splitlines()[:-1])
    assert "power_law" in text and "conditional on the selected model" in text
