"""How heavy tails are learned, against scipy."""

import numpy as np
import pytest
from scipy import stats

from curvefit.diagnostics._noise import _KEPT, _PRIOR, _TAILS, tail_probability


def by_hand(shocks, height):
    kept = shocks[shocks <= _KEPT]
    weights, tails = [], []
    for prior, nu in zip(_PRIOR, _TAILS, strict=True):
        scale = stats.norm.ppf(0.75) / stats.t.ppf(0.75, nu)
        t = stats.t(nu, scale=scale)
        weights.append(np.log(prior) + t.logpdf(kept).sum() - kept.size * t.logcdf(_KEPT))
        tails.append(t.sf(height))
    weights = np.exp(np.array(weights) - max(weights))
    return float(weights @ tails / weights.sum())


@pytest.mark.parametrize("kind", ["gauss", "t3"])
def test_mixture_of_tails(kind):
    rng = np.random.default_rng(0)
    u = rng.standard_normal(150) if kind == "gauss" else rng.standard_t(3, 150) * 0.88
    for height in (3.0, 7.0, 15.0):
        assert tail_probability(u, np.array([height]))[0] == pytest.approx(by_hand(u, height), rel=1e-5)


def test_heavy_noise_makes_a_high_value_less_surprising():
    rng = np.random.default_rng(1)
    light, heavy = rng.standard_normal(400), rng.standard_t(3, 400) * 0.88
    at = np.array([8.0])
    assert tail_probability(light, at)[0] < 1e-2 * tail_probability(heavy, at)[0]
    assert tail_probability(heavy, at)[0] == pytest.approx(stats.t(3, scale=0.882).sf(8.0), rel=0.5)


def test_few_observations_leave_the_heavy_tail_its_weight():
    few, many = np.zeros(10), np.random.default_rng(2).standard_normal(2000)
    at = np.array([10.0])
    assert tail_probability(few, at)[0] > 100 * tail_probability(many, at)[0]


def test_prior_is_a_distribution():
    assert sum(_PRIOR) == pytest.approx(1.0)
