"""Serial correlation against closed forms, simulated AR(1) series and statsmodels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curvefit import CurvefitError
from curvefit.fitting.autocorrelation import (
    correlations,
    effective_size,
    lag1,
    long_run_variance,
    regularly_spaced,
    robust_sd,
    variance_inflation,
)


def ar1(rng, n, rho, x=None):
    """A stationary AR(1) series of unit variance, rho per median spacing of x."""
    phi = np.full(n - 1, rho) if x is None else correlations(rho, x)
    e = rng.standard_normal(n)
    for i in range(1, n):
        e[i] = phi[i - 1] * e[i - 1] + np.sqrt(1 - phi[i - 1] ** 2) * e[i]
    return e


@pytest.mark.parametrize("rho", [0.3, 0.5, 0.7, 0.9])
@pytest.mark.parametrize("degree", [0, 1, 2])
def test_lag1_is_nearly_unbiased_after_detrending(rho, degree):
    rng = np.random.default_rng(7)
    n, runs = 100, 400
    t = np.linspace(-1, 1, n)
    q, _ = np.linalg.qr(np.vander(t, degree + 1))
    found, naive = [], []
    for _ in range(runs):
        e = ar1(rng, n, rho)
        e -= q @ (q.T @ e)
        found.append(lag1(e, parameters=degree + 1))
        naive.append(float(e[1:] @ e[:-1] / (e @ e)))
    error = np.std(found) / np.sqrt(runs)
    # first-order correction: what is left is of order 1/n^2, largest near the unit root
    assert abs(np.mean(found) - rho) < 4 * error + 0.012 / (1 - rho) ** 0.5 * (degree + 1) * 0.5
    assert abs(np.mean(found) - rho) < abs(np.mean(naive) - rho)  # the uncorrected one is the negative control


def test_lag1_of_white_noise_is_small_and_never_negative():
    rng = np.random.default_rng(3)
    found = np.array([lag1(rng.standard_normal(400)) for _ in range(300)])
    assert found.min() >= 0
    # max(0, N(0, 1/n)): mean 0.4/sqrt(n), half of them exactly 0
    assert abs(found.mean() - 0.399 / 20) < 4 * 0.58 / 20 / np.sqrt(300) + 0.005
    assert 0.38 < np.mean(found == 0) < 0.62


@pytest.mark.parametrize("rho", [0.3, 0.7, 0.9])
def test_lag1_with_irregular_spacing_recovers_rho_per_median_spacing(rho):
    rng = np.random.default_rng(11)
    found = []
    for _ in range(120):
        x = np.cumsum(rng.gamma(0.7, 1.0, 300))
        found.append(lag1(ar1(rng, 300, rho, x), x))
    assert abs(np.mean(found) - rho) < 4 * np.std(found) / np.sqrt(120) + 0.02


def test_lag1_with_log_spacing_sees_that_late_points_are_independent():
    rng = np.random.default_rng(5)
    x = np.geomspace(1, 1e4, 300)
    white = [lag1(rng.standard_normal(300), x) for _ in range(100)]
    assert np.mean(white) < 0.05
    assert not regularly_spaced(x)
    found = [lag1(ar1(rng, 300, 0.8, x), x) for _ in range(100)]
    assert abs(np.mean(found) - 0.8) < 0.05


def test_lag1_treats_equal_x_as_replicates():
    rng = np.random.default_rng(1)
    x = np.repeat(np.arange(200.0), 3)
    found = [lag1(rng.standard_normal(600), x) for _ in range(60)]
    assert np.mean(found) < 0.06
    shared = np.repeat(ar1(rng, 200, 0.8), 3)
    assert lag1(shared, x) > 0.6


def test_lag1_on_a_long_irregular_series_uses_blocks_and_stays_right():
    rng = np.random.default_rng(2)
    x = np.cumsum(rng.exponential(1.0, 60_000))
    assert abs(lag1(ar1(rng, 60_000, 0.6, x), x) - 0.6) < 0.03


@given(st.integers(2, 60), st.floats(0, 0.97))
def test_effective_size_of_a_regular_grid_against_the_full_matrix(n, rho):
    v = rho ** np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
    assert effective_size(n, rho, np.arange(n)) == pytest.approx(n**2 / v.sum(), rel=1e-10)


@settings(max_examples=50)
@given(st.integers(3, 40), st.floats(0.05, 0.97), st.integers(0, 10_000))
def test_variance_inflation_of_irregular_points_against_the_full_matrix(n, rho, seed):
    x = np.cumsum(np.random.default_rng(seed).exponential(1.0, n))
    d = np.median(np.diff(x))
    v = rho ** (np.abs(np.subtract.outer(x, x)) / d)
    assert variance_inflation(rho, x) == pytest.approx(v.sum() / n, rel=1e-10)


def test_effective_size_of_a_long_series_is_the_textbook_formula():
    assert effective_size(1000, 0.5) == pytest.approx(1000 / 3)
    assert effective_size(1000, 0.0) == 1000
    assert effective_size(100_000, 0.7, np.arange(100_000)) == pytest.approx(effective_size(100_000, 0.7), rel=1e-4)
    with pytest.raises(CurvefitError, match="correlation"):
        effective_size(10, 1.0)


def test_robust_sd_ignores_trend_and_outliers():
    rng = np.random.default_rng(0)
    y = 5 * np.linspace(0, 1, 4000) ** 2 + 0.2 * rng.standard_normal(4000)
    y[::100] += 50
    assert robust_sd(y) == pytest.approx(0.2, rel=0.06)
    assert robust_sd(y, order=2) == pytest.approx(0.2, rel=0.08)
    assert np.std(np.diff(y)) > 10 * 0.2  # the plain one is the negative control
    assert robust_sd(rng.standard_normal(5000), order=0) == pytest.approx(1, rel=0.06)
    assert robust_sd([3.0, 3.0, 3.0, 3.0]) == 0
    assert robust_sd([0, 0, 0, 0, 1.0]) > 0
    assert robust_sd([1.0]) == 0


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.8])
def test_long_run_variance_of_an_autoregression(rho):
    rng = np.random.default_rng(9)
    truth = (1 + rho) / (1 - rho)
    found = np.array([long_run_variance((e := ar1(rng, 500, rho)) - e.mean()) for _ in range(200)])
    assert np.median(found) == pytest.approx(truth, rel=0.12)


def test_long_run_variance_against_statsmodels_without_prewhitening():
    sm = pytest.importorskip("statsmodels.stats.sandwich_covariance")
    rng = np.random.default_rng(4)
    e = rng.standard_normal(400)
    e = e - e.mean()
    e[1:] -= 0.2 * e[:-1]  # negative correlation: rho is 0, so only the Bartlett window is left
    lags = int(4 * (400 / 100) ** (2 / 9))
    oracle = float(sm.S_hac_simple(e[:, None], nlags=lags)[0, 0]) / 400
    v = e[1:]
    ours = float(v @ v) + sum(2 * (1 - k / (lags + 1)) * float(v[k:] @ v[:-k]) for k in range(1, lags + 1))
    assert lag1(e) == 0
    assert ours / 398 == pytest.approx(oracle, rel=0.02)
    assert long_run_variance(e) == pytest.approx(max(float(e @ e) / 399, ours / 398), rel=1e-12)


def test_scale_never_matters_and_bad_input_is_refused():
    rng = np.random.default_rng(6)
    e = ar1(rng, 80, 0.5)
    assert lag1(e * 1e-300) == pytest.approx(lag1(e), rel=1e-12)
    assert lag1(e * 1e150) == pytest.approx(lag1(e), rel=1e-12)
    assert lag1([1.0, 2.0]) == 0
    assert lag1(np.zeros(20)) == 0
    assert lag1(np.full(50, np.nan)) == 0
    with pytest.raises(CurvefitError, match="positions"):
        lag1(e, x=np.arange(3))
    with pytest.raises(CurvefitError, match="decrease"):
        lag1(e, x=np.arange(80)[::-1])
