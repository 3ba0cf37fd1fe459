"""How heavy tails are learned, against scipy."""

import numpy as np
import pytest
from scipy import stats

from curvefit.diagnostics._tails import _BELIEVED, _KEPT, _PRIOR, _SCALES, _TAILS, tail_probability


def by_hand(shocks, height, others=()):
    """The average over tails and sizes, each curve with its own size, value by value."""

    def likelihoods(values, nu):
        kept = values[values <= _KEPT]
        reach = np.clip(3.5 / np.sqrt(kept.size), 0.1, 0.7)
        tied = stats.norm.ppf(0.75) / stats.t.ppf(0.75, nu)
        laws = [stats.t(nu, scale=tied * s) for s in np.exp(np.linspace(-reach, reach, _SCALES))]
        return laws, np.array([t.logpdf(kept).sum() - kept.size * t.logcdf(_KEPT) for t in laws])

    count = shocks.size + sum(o.size for o in others)
    weights, beyond = [], []
    for prior, nu in zip(_PRIOR, _TAILS, strict=True):
        laws, logs = likelihoods(shocks, nu)
        also = sum(np.logaddexp.reduce(likelihoods(o, nu)[1]) - np.log(_SCALES) for o in others)
        weights.extend(np.log(prior) + min(1.0, _BELIEVED / count) * (logs + also))
        beyond.extend(t.sf(height) for t in laws)
    shares = np.exp(np.array(weights) - max(weights))
    return float(shares @ beyond / shares.sum())


@pytest.mark.parametrize("kind", ["gauss", "t3"])
@pytest.mark.parametrize(("curves", "n"), [(0, 60), (2, 60), (1, 500)])
def test_mixture_of_tails(kind, curves, n):
    rng = np.random.default_rng(0)
    draws = [rng.standard_normal(n) if kind == "gauss" else rng.standard_t(3, n) * 0.88 for _ in range(1 + curves)]
    for height in (3.0, 7.0, 15.0):
        found = tail_probability(draws[0], np.array([height]), draws[1:])[0]
        assert found == pytest.approx(by_hand(draws[0], height, draws[1:]), rel=1e-5)


def test_heavy_noise_makes_a_high_value_less_surprising():
    rng = np.random.default_rng(1)
    light, heavy = rng.standard_normal(400), rng.standard_t(3, 400) * 0.88
    at = np.array([8.0])
    assert tail_probability(light, at)[0] < 1e-2 * tail_probability(heavy, at)[0]
    assert tail_probability(heavy, at)[0] == pytest.approx(stats.t(3, scale=0.882).sf(8.0), rel=0.5)


def test_few_observations_leave_the_heavy_tail_its_weight():
    rng = np.random.default_rng(2)
    few, many = rng.standard_normal(10), rng.standard_normal(2000)
    at = np.array([10.0])
    assert tail_probability(few, at)[0] > 100 * tail_probability(many, at)[0]


def test_other_curves_tell_of_the_tails_and_not_of_the_size():
    rng = np.random.default_rng(3)
    own, others, at = rng.standard_normal(25), [rng.standard_normal(400)], np.array([7.0])
    alone = tail_probability(own, at)[0]
    assert tail_probability(own, at, others)[0] < 0.5 * alone
    assert tail_probability(own, at, [rng.standard_t(3, 400)])[0] > alone
    assert tail_probability(own, at, [0.8 * others[0]])[0] < 0.5 * alone


def test_prior_is_a_distribution():
    assert sum(_PRIOR) == pytest.approx(1.0)
