"""Random-effects pooling against statsmodels and the equation that defines the variance between runs."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, stats
from statsmodels.stats.meta_analysis import combine_effects

import curvefit as cf
from benchmarks.statistics.pooling import cell
from curvefit.curves import DataError

Y = np.array([0.50, 0.55, 0.41, 0.62, 0.58, 0.47])
S = np.array([0.02, 0.05, 0.02, 0.03, 0.04, 0.02])


def test_mean_interval_and_heterogeneity_are_statsmodels():
    found = cf.pool(Y, S, name="alpha")
    oracle = combine_effects(Y, S**2, method_re="iterated", use_t=True)
    half = stats.t.ppf(0.975, 5) * oracle.sd_eff_w_re_hksj
    assert found.mean.value == pytest.approx(oracle.mean_effect_re, abs=1e-9)
    assert found.mean.interval.high - found.mean.value == pytest.approx(half, abs=1e-9)
    assert found.tau**2 == pytest.approx(oracle.tau2, abs=1e-12)
    assert found.heterogeneity == pytest.approx(oracle.i2, abs=1e-12)


def test_the_variance_between_runs_solves_paule_and_mandels_equation():
    found = cf.pool(Y, S)
    w = 1 / (S**2 + found.tau**2)
    mean = (w * Y).sum() / w.sum()
    assert (w * (Y - mean) ** 2).sum() == pytest.approx(Y.size - 1, abs=1e-4)
    assert found.p_value == pytest.approx(
        stats.chi2.sf((((Y - (Y / S**2).sum() / (1 / S**2).sum()) / S) ** 2).sum(), 5), abs=1e-12
    )


def test_shrunken_runs_lie_between_themselves_and_the_mean_the_noisier_the_nearer():
    found = cf.pool(Y, S)
    for own, shrunk in zip(found.own, found.shrunken, strict=True):
        low, high = sorted((own.value, found.mean.value))
        assert low - 0.005 < shrunk.value < high + 0.005
        assert shrunk.interval.width < 1.01 * own.interval.width  # how far one far off is drawn is uncertain
    assert found.shrunken[1].interval.width < 0.9 * found.own[1].interval.width
    assert found.shrinkage[1] > found.shrinkage[0]
    assert found.new_run.interval.width > found.mean.interval.width
    assert found.new_run.interval.kind == "prediction"


def test_equal_runs_are_drawn_to_the_mean_though_not_all_of_the_way():
    found = cf.pool([1.0, 1.001, 0.999, 1.0], [0.1, 0.1, 0.2, 0.1])
    assert found.tau == 0.0
    assert all(e.value == pytest.approx(found.mean.value, abs=1e-3) for e in found.shrunken)
    assert all(0.5 < pull < 1 for pull in found.shrinkage)  # four that agree do not show that runs do not differ


def test_the_posterior_is_that_of_a_sum_over_the_spread():
    """Against adaptive quadrature over the spread, and simulation of it."""

    def density(tau):
        w = 1 / (S**2 + tau**2)
        mu = (w * Y).sum() / w.sum()
        return np.exp(0.5 * np.log(w).sum() - 0.5 * np.log(w.sum()) - 0.5 * (w * (Y - mu) ** 2).sum())

    def share(tau):
        return density(tau) * S[1] ** 2 / (S[1] ** 2 + tau**2)

    found = cf.pool(Y, S)
    total = integrate.quad(density, 0, 100, limit=400, points=[0.05, 0.2])[0]
    pull = integrate.quad(share, 0, 100, limit=400, points=[0.05, 0.2])[0] / total
    assert found.shrinkage[1] == pytest.approx(pull, rel=2e-3)

    def below(tau):
        w = 1 / (S**2 + tau**2)
        mu = (w * Y).sum() / w.sum()
        return density(tau) * stats.norm.cdf(found.new_run.interval.high, mu, np.sqrt(tau**2 + 1 / w.sum()))

    assert integrate.quad(below, 0, 100, limit=400, points=[0.05, 0.2])[0] / total == pytest.approx(0.975, abs=5e-4)


@pytest.mark.parametrize("n", [3, 10])
def test_intervals_hold_and_a_fixed_effect_does_not(n):
    """The table of the benchmark at a fraction of its size; tolerances of 3.3 Monte-Carlo standard errors."""
    found = cell(n, 1.0, "log", 150, seed=7)
    slack = 3.3 * np.sqrt(0.95 * 0.05 / 150)
    assert min(found.mean, found.new_run, found.shrunken) > 0.95 - slack
    assert found.mean < 0.95 + slack
    assert found.control < 0.7


def test_estimates_bring_their_standard_errors():
    ends = stats.norm.ppf(0.975) * S
    estimates = [
        cf.Estimate("a", float(y), cf.Interval(float(y - e), float(y + e))) for y, e in zip(Y, ends, strict=True)
    ]
    assert cf.pool(estimates).mean.value == pytest.approx(cf.pool(Y, S).mean.value, abs=1e-12)
    missing = [*estimates, cf.Estimate("a", None, status=cf.Status.NOT_IDENTIFIED)]
    assert cf.pool(missing).notes == ("1 of 7 runs left out: no value or no standard error",)


@pytest.mark.parametrize(
    ("values", "stderr", "words"),
    [
        ([1.0, 2.0], [0.1, 0.1], "at least 3"),
        ([1.0, 2.0, 3.0], [0.1, 0.1], "length"),
        ([1.0, 2.0, 3.0], None, "standard errors"),
    ],
)
def test_what_cannot_be_pooled_is_named(values, stderr, words):
    with pytest.raises(DataError, match=words):
        cf.pool(values, stderr)


def test_on_the_log_scale_logarithms_are_pooled_and_every_interval_is_positive():
    values, stderr = np.array([20.0, 35.0, 400.0, 90.0, 4000.0]), np.array([4.0, 2.0, 30.0, 60.0, 500.0])
    plain, found = cf.pool(values, stderr), cf.pool(values, stderr, scale="log")
    inside = cf.pool(np.log(values), stderr / values)
    assert plain.mean.interval.low < 0  # what the scale is for
    assert found.scale == "log" and found.tau == inside.tau
    for ours, logs in (
        (found.mean, inside.mean), (found.new_run, inside.new_run), *zip(found.shrunken, inside.shrunken, strict=True)
    ):  # fmt: skip
        assert ours.value == pytest.approx(np.exp(logs.value))
        assert (ours.interval.low, ours.interval.high) == pytest.approx(
            (np.exp(logs.interval.low), np.exp(logs.interval.high))
        )
        assert ours.interval.low > 0
    assert "geometric mean of all" in str(found)
    left_out = cf.pool([*values, -1.0], [*stderr, 1.0], scale="log")
    assert left_out.notes == ("1 of 6 runs left out: no positive value or no standard error",)
    assert left_out.mean == found.mean


def test_the_log_scale_refuses_what_is_not_positive():
    with pytest.raises(DataError, match="2 runs with a positive value"):
        cf.pool([1.0, 2.0, -3.0], [0.1, 0.1, 0.1], scale="log")
    with pytest.raises(cf.curves.UsageError, match="scale"):
        cf.pool(Y, S, scale="sqrt")


def test_an_interval_too_wide_for_numbers_is_open_above():
    found = cf.pool([1.0, 2.0, 1e300], [0.1, 0.2, 1e299], scale="log")
    assert found.new_run.interval.high == np.inf and found.new_run.interval.low == 0.0


def test_values_that_are_all_equal_have_no_heterogeneity():
    found = cf.pool([2.0, 2.0, 2.0], [0.1, 0.2, 0.1])
    assert (found.heterogeneity, found.tau, found.p_value) == (0.0, 0.0, 1.0)
