"""Every kind of noise keeps the contract of `curvefit.models.noise._base.Noise`; found through the registry."""

from __future__ import annotations

import importlib
import inspect

import numpy as np
import pytest
from scipy import stats

from curvefit import CurvefitError
from curvefit.models.noise import Noise, registry
from curvefit.models.noise.autoregressive import Autoregressive
from curvefit.models.noise.student_t import StudentT

NAMES = registry.names()
X = np.cumsum(np.random.default_rng(0).gamma(2.0, 1.0, 40))
MEAN = 1 + 3 / np.sqrt(X)
every_kind = pytest.mark.parametrize("name", NAMES)


@every_kind
def test_is_final_documented_and_named_after_its_file(name):
    noise = registry[name]
    assert isinstance(noise, Noise) and noise.name == name
    assert getattr(type(noise), "__final__", False) and not inspect.isabstract(type(noise))
    assert registry.summary(name) == importlib.import_module(type(noise).__module__).__doc__.strip().splitlines()[0]


@every_kind
def test_the_true_scale_maximizes_the_likelihood_of_its_own_samples(name):
    noise = registry[name]
    rng = np.random.default_rng(5)
    x = np.arange(1.0, 4001.0)
    mean = 1 + 3 / np.sqrt(x)
    e = noise.sample(rng, x, mean, 0.3)
    assert e.shape == x.shape
    scales = 0.3 * np.array([0.8, 0.9, 1.0, 1.1, 1.25])
    values = [noise.log_likelihood(e, x, mean, s) for s in scales]
    assert int(np.argmax(values)) == 2


@every_kind
def test_sampling_is_reproducible_and_scales(name):
    noise = registry[name]
    one = noise.sample(np.random.default_rng(1), X, MEAN, 0.1)
    two = noise.sample(np.random.default_rng(1), X, MEAN, 0.1)
    np.testing.assert_array_equal(one, two)
    np.testing.assert_allclose(noise.sample(np.random.default_rng(1), X, MEAN, 0.2), 2 * one, rtol=1e-12)


@every_kind
def test_weights_are_positive_and_finite(name):
    noise = registry[name]
    w = noise.weights(noise.sample(np.random.default_rng(1), X, MEAN, 0.1), MEAN, 0.1)
    assert w.shape == X.shape and np.all(w > 0) and np.all(np.isfinite(w))


def test_likelihoods_against_scipy():
    e = np.random.default_rng(2).standard_normal(40) * 0.2
    assert registry["gaussian"].log_likelihood(e, X, MEAN, 0.2) == pytest.approx(stats.norm.logpdf(e, 0, 0.2).sum())
    assert registry["multiplicative"].log_likelihood(e, X, MEAN, 0.2) == pytest.approx(
        stats.norm.logpdf(e, 0, 0.2 * MEAN).sum()
    )
    assert StudentT(3).log_likelihood(e, X, MEAN, 0.2) == pytest.approx(stats.t.logpdf(e, 3, 0, 0.2).sum())
    d = np.median(np.diff(X))
    covariance = 0.04 * 0.6 ** (np.abs(np.subtract.outer(X, X)) / d)
    assert Autoregressive(0.6).log_likelihood(e, X, MEAN, 0.2) == pytest.approx(
        stats.multivariate_normal.logpdf(e, np.zeros(40), covariance)
    )


@pytest.mark.parametrize("x", [np.arange(1.0, 31.0), X[:30]], ids=["regular", "irregular"])
def test_autoregressive_samples_have_the_stated_correlation(x):
    rng = np.random.default_rng(3)
    noise = Autoregressive(0.7)
    draws = np.array([noise.sample(rng, x, np.ones(30), 2.0) for _ in range(4000)])
    expected = 4 * 0.7 ** (np.abs(np.subtract.outer(x, x)) / np.median(np.diff(x)))
    # standard error of a covariance of normals with variance 4: at most 4 sqrt(2/4000) = 0.09
    assert np.max(np.abs(np.cov(draws.T) - expected)) < 5 * 0.09


def test_replicates_at_one_x_are_independent():
    rng = np.random.default_rng(4)
    x = np.repeat(np.arange(1.0, 4.0), 2)
    draws = np.array([Autoregressive(0.9, spacing=1.0).sample(rng, x, np.ones(6), 1.0) for _ in range(4000)])
    assert abs(np.corrcoef(draws.T)[0, 1]) < 0.08


def test_nonsense_is_refused():
    for bad in (1.0, -0.1, 2.0):
        with pytest.raises(CurvefitError):
            Autoregressive(bad)
    with pytest.raises(CurvefitError):
        Autoregressive(0.5, spacing=0.0)
    with pytest.raises(CurvefitError):
        StudentT(1.5)
