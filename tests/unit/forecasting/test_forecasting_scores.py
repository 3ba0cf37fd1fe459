"""Scores of distributions, against closed forms, and the schedule beside the curve."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad

import curvefit as cf
from curvefit.curves import DataError, Status, UsageError
from curvefit.forecasting.forecast import Distribution, Forecast
from curvefit.forecasting.forecasters.annealed import Annealed
from curvefit.forecasting.normal import NormalDistribution

X = np.arange(1.0, 41.0)
RNG = np.random.default_rng(5)
CURVE = cf.Curve(X, 1 + 2 * X**-0.5 + 0.01 * RNG.normal(size=X.size), metric="val_loss")
PROBABILITIES = (1e-6, 1e-3, 0.3, 0.5, 0.9, 0.999, 1 - 1e-6)


class Of(Distribution):
    """A distribution of scipy at one x."""

    def __init__(self, of):
        self.of = of

    def quantile(self, levels):
        return np.atleast_2d(self.of.ppf(levels))

    def cdf(self, values):
        return np.atleast_2d(self.of.cdf(values))


def crps_normal(z):
    return z * (2 * stats.norm.cdf(z) - 1) + 2 * stats.norm.pdf(z) - 1 / np.sqrt(np.pi)


def crps_lognormal(y, s):
    """Baran and Lerch (2015), for log mean zero."""
    shifted = stats.norm.cdf(np.log(y) / s - s) + stats.norm.cdf(s / np.sqrt(2)) - 1
    return y * (2 * stats.norm.cdf(np.log(y) / s) - 1) - 2 * np.exp(s**2 / 2) * shifted


def crps_t(z, n):
    """Jordan, Krueger and Lerch (2019)."""
    t = stats.t(n)
    from scipy.special import beta

    ratio = beta(0.5, n - 0.5) / beta(0.5, n / 2) ** 2
    return z * (2 * t.cdf(z) - 1) + 2 * t.pdf(z) * (n + z * z) / (n - 1) - 2 * np.sqrt(n) / (n - 1) * ratio


@pytest.mark.parametrize("p", PROBABILITIES)
def test_crps_agrees_with_closed_forms(p):
    z = stats.norm.ppf(p)
    assert Of(stats.norm(2, 1e-3)).crps(np.array([2 + 1e-3 * z]))[0, 0] == pytest.approx(
        1e-3 * crps_normal(z), rel=1e-6
    )
    t = stats.t.ppf(p, 4)
    assert Of(stats.t(4, 1, 0.1)).crps(np.array([1 + 0.1 * t]))[0, 0] == pytest.approx(0.1 * crps_t(t, 4), rel=1e-6)
    y = stats.lognorm.ppf(p, 1.0)
    assert Of(stats.lognorm(1.0)).crps(np.array([y]))[0, 0] == pytest.approx(crps_lognormal(y, 1.0), rel=1e-6)


@pytest.mark.parametrize("of", [stats.norm(2, 1e-3), stats.t(4, 1, 0.1), stats.lognorm(1.0)], ids=["norm", "t4", "ln"])
def test_log_density_agrees_with_closed_forms(of):
    y = of.ppf(np.array(PROBABILITIES))
    np.testing.assert_allclose(Of(of).logpdf(y)[0], of.logpdf(y), rtol=0, atol=1e-5)


def test_mass_on_a_bound_counts_as_probability():
    d = NormalDistribution(np.array([0.97]), np.array([0.05]), (0.0, 1.0))
    beyond = stats.norm.sf(1.0, 0.97, 0.05)
    assert d.logpdf(np.array([1.0]))[0, 0] == pytest.approx(np.log(beyond), rel=1e-9)
    assert d.logpdf(np.array([0.9]))[0, 0] == pytest.approx(stats.norm.logpdf(0.9, 0.97, 0.05), abs=1e-5)
    assert d.logpdf(np.array([1.2]))[0, 0] == -np.inf
    below = quad(lambda v: stats.norm.cdf(v, 0.97, 0.05) ** 2, 0, 0.9)[0]
    above = quad(lambda v: stats.norm.sf(v, 0.97, 0.05) ** 2, 0.9, 1.0)[0]
    assert d.crps(np.array([0.9]))[0, 0] == pytest.approx(below + above, rel=1e-5)


def test_several_observations_at_several_x():
    d = NormalDistribution(np.array([0.0, 3.0]), np.array([1.0, 0.5]))
    each = d.crps(np.array([0.3, 2.0, -1.0]))
    assert each.shape == (2, 3)
    np.testing.assert_allclose(each[0], [crps_normal(v) for v in (0.3, 2.0, -1.0)], rtol=1e-6)
    np.testing.assert_allclose(d.crps(np.array([[0.3], [2.0]]))[:, 0], [each[0, 0], each[1, 1]], rtol=1e-12)


@pytest.mark.parametrize("method", ["pooled", "last_value", "annealed"])
def test_scores_of_a_forecast_agree_with_its_quantiles_and_cdf(method):
    """The pinball form of the score on a fine grid of levels, and a plain difference of the distribution function."""
    fc = cf.forecast(CURVE, [50, 80], method=method)
    y = np.array([1.29, 1.2])
    u = (np.arange(20_000) + 0.5) / 20_000
    q = fc.quantile(u)
    pinball = np.mean(2 * (u - (y[:, None] < q)) * (y[:, None] - q), axis=1)
    np.testing.assert_allclose(fc.crps(y), pinball, rtol=2e-3)
    h = 1e-5
    slope = [(fc.cdf(v + h)[i] - fc.cdf(v - h)[i]) / (2 * h) for i, v in enumerate(y)]
    np.testing.assert_allclose(fc.logpdf(y), np.log(slope), atol=1e-3)


def test_density_integrates_to_one():
    fc = cf.forecast(CURVE, 80)
    low, high = fc.quantile([1e-6, 1 - 1e-6])[0]
    v = np.linspace(low, high, 20_001)
    density = np.exp(fc.observation.logpdf(v))[0]
    assert np.trapezoid(density, v) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("scale", [1e-300, 1e300])
def test_scores_scale_with_the_metric(scale):
    curve = cf.Curve(X, scale * CURVE.y, metric="val_loss")
    fc, plain = cf.forecast(curve, 80), cf.forecast(CURVE, 80)
    assert fc.crps(1.2 * scale)[0] == pytest.approx(plain.crps(1.2)[0] * scale, rel=1e-4)
    assert fc.logpdf(1.2 * scale)[0] == pytest.approx(plain.logpdf(1.2)[0] - np.log(scale), abs=1e-3)


@pytest.mark.parametrize("y", [np.nan, np.inf, [1.0, 2.0, 3.0], [[1.0]]])
def test_observations_that_make_no_sense_are_refused(y):
    with pytest.raises(DataError):
        cf.forecast(CURVE, [50, 80]).crps(y)


# ---------------------------------------------------------------- schedule=

PLAN = cf.Schedule.wsd(1e-3, 80, decay=0.5)


def same(a: Forecast, b: Forecast) -> None:
    levels = [0.025, 0.5, 0.975]
    assert (a.method, a.status, a.reasons) == (b.method, b.status, b.reasons)
    np.testing.assert_array_equal(a.quantile(levels), b.quantile(levels))


def test_a_schedule_makes_the_forecast_aware_of_it():
    aware, blind = cf.forecast(CURVE, 80, schedule=PLAN), cf.forecast(CURVE, 80)
    same(aware, cf.forecast(CURVE, 80, method=Annealed(PLAN)))
    assert (aware.method, blind.method) == ("annealed", "pooled")
    assert aware.median[0] < blind.median[0]
    assert any("learning rate changes ahead" in r for r in aware.reasons)


def test_each_curve_has_its_own_schedule_or_none():
    logged = cf.Schedule(X, np.full(X.size, 1e-3))
    made = cf.forecast_many([CURVE] * 3, 80, schedule=[PLAN, None, logged], planned=[None, None, 80])
    same(made[0], cf.forecast(CURVE, 80, schedule=PLAN))
    same(made[2], cf.forecast(CURVE, 80, schedule=logged, planned=80))
    np.testing.assert_array_equal(made[1].median, cf.forecast(CURVE, 80).median)
    assert made[1].status is Status.DEGRADED
    assert any("no learning-rate schedule is known" in r for r in made[1].reasons)


def test_the_method_is_what_the_law_is_mixed_with():
    last = cf.forecast(CURVE, 80, schedule=PLAN, method="last_value")
    assert last.median[0] > cf.forecast(CURVE, 80, schedule=PLAN).median[0]
    same(cf.forecast(CURVE, 80, schedule=PLAN, method="annealed"), cf.forecast(CURVE, 80, schedule=PLAN))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"planned": 80}, "planned without a schedule"),
        ({"schedule": [1e-3]}, "not a Schedule"),
        ({"schedule": PLAN, "method": Annealed(PLAN)}, "two schedules"),
        ({"schedule": cf.Schedule.cosine(1e-3, 60)}, "60"),
    ],
)
def test_questions_that_make_no_sense_are_refused(options, words):
    with pytest.raises((UsageError, DataError), match=words):
        cf.forecast(CURVE, 80, **options)
