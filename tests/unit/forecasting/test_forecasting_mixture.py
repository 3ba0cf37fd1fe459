"""The mixture against scipy and itself."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from curvefit.forecasting.pool.mixture import Mixture, _Steps, t4_cdf, t4_pdf, t4_quantile

LEVELS = np.array([0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975])


def random_mixture(seed, shape=(200, 3, 6)):
    rng = np.random.default_rng(seed)
    weight = rng.dirichlet(np.full(shape[2], 0.4), size=shape[:2])
    return Mixture(rng.normal(size=shape), np.exp(2 * rng.normal(size=shape) - 1), weight)


def test_closed_forms_agree_with_scipy():
    x = np.r_[np.linspace(-60, 60, 2001), -np.logspace(1, 12, 60), np.logspace(1, 12, 60)]
    np.testing.assert_allclose(t4_cdf(x), stats.t(4).cdf(x), rtol=1e-13)
    np.testing.assert_allclose(t4_pdf(x), stats.t(4).pdf(x), rtol=1e-12)
    p = np.r_[1e-12, 1e-6, 0.001, LEVELS, 0.4999999, 0.999, 1 - 1e-9]
    np.testing.assert_allclose(t4_quantile(p), stats.t(4).ppf(p), rtol=1e-8, atol=1e-9)  # scipy cancels near the median
    np.testing.assert_allclose(t4_cdf(t4_quantile(p)), p, rtol=1e-12)


def test_lower_tail_does_not_cancel():
    far = np.array([-1e3, -1e5, -1e8])
    np.testing.assert_allclose(t4_cdf(far), 3 * np.abs(far) ** -4.0, rtol=1e-4)


@pytest.mark.parametrize("seed", range(3))
def test_quantile_inverts_the_distribution_function(seed):
    mixture = random_mixture(seed)
    levels = np.sort(np.r_[LEVELS, 1e-4, 0.5001, 0.9999])
    q = mixture.quantile(levels)
    np.testing.assert_allclose(mixture.cdf(q), np.broadcast_to(levels, q.shape), rtol=0, atol=1e-12)
    assert np.all(np.diff(q, axis=-1) > 0)


def test_quantiles_of_nearly_separate_components_are_exact_too():
    location = np.array([[[-1e6, 0.0, 1e6]]])
    mixture = Mixture(location, np.array([[[1e-2, 1e-9, 1e-3]]]), np.array([[[0.3, 0.4, 0.3]]]))
    levels = np.array([0.1, 0.299, 0.301, 0.5, 0.699, 0.9])
    np.testing.assert_allclose(mixture.cdf(mixture.quantile(levels))[0, 0], levels, atol=1e-6)


def test_density_is_the_derivative_of_the_distribution_function():
    mixture = random_mixture(5)
    z = np.linspace(-3, 3, 31) * np.ones((200, 3, 1))
    step = 1e-6
    slope = (mixture.cdf(z + step) - mixture.cdf(z - step)) / (2 * step)
    np.testing.assert_allclose(mixture.pdf(z), slope, rtol=1e-3, atol=1e-6)


def test_survival_is_the_upper_tail():
    mixture = random_mixture(6)
    z = np.linspace(-4, 4, 9) * np.ones((200, 3, 1))
    np.testing.assert_allclose(mixture.survival(z), 1 - mixture.cdf(z), atol=1e-14)
    far = np.full((200, 3, 1), 1e7)
    assert np.all(mixture.survival(far) > 0)


def test_quantiles_do_not_depend_on_the_neighbors():
    mixture = random_mixture(7)
    whole = mixture.quantile(LEVELS)
    for row in (0, 77, 199):
        np.testing.assert_array_equal(mixture.rows(slice(row, row + 1)).quantile(LEVELS)[0], whole[row])


def test_a_component_without_weight_is_ignored():
    mixture = random_mixture(8, (20, 2, 3))
    shape = (20, 2, 1)
    wider = Mixture(
        np.concatenate([mixture.location, np.full(shape, 1e9)], axis=2),
        np.concatenate([mixture.scale, np.ones(shape)], axis=2),
        np.concatenate([mixture.weight, np.zeros(shape)], axis=2),
    )
    np.testing.assert_allclose(wider.quantile(LEVELS), mixture.quantile(LEVELS), rtol=1e-12)


def test_scales_as_far_apart_as_floats_are():
    mixture = Mixture(np.zeros((1, 1, 2)), np.array([[[1e-200, 1e120]]]), np.array([[[0.5, 0.5]]]))
    got = mixture.quantile(np.array([0.1, 0.5, 0.9]))[0, 0]
    assert got == pytest.approx([1e120 * t4_quantile(0.2), 0.0, 1e120 * t4_quantile(0.8)], rel=1e-12)


def test_few_steps_are_enough_where_components_are_alike(monkeypatch):
    seen = []
    take = _Steps.take
    monkeypatch.setattr(_Steps, "take", lambda self, z, *rest: seen.append(z.size) or take(self, z, *rest))
    rng = np.random.default_rng(5)
    shape = (200, 2, 5)
    mixture = Mixture(
        rng.normal(size=shape), np.exp(0.5 * rng.normal(size=shape)), rng.dirichlet(np.ones(5), size=shape[:2])
    )
    levels = np.array([0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975])
    mixture.quantile(levels)
    assert sum(seen) < 4.5 * 400 * levels.size
