"""Mixtures of two forecasts: between their parts, the inverse of their distribution function, the same alone and together."""

from __future__ import annotations

import numpy as np
import pytest

import curvefit as cf
from curvefit.forecasting.either import Either
from curvefit.forecasting.inversion import crossings
from curvefit.forecasting.normal import NormalDistribution

LEVELS = np.array([0.025, 0.1, 0.5, 0.9, 0.975])
X = np.arange(1.0, 201)


def dropping(seed: int) -> cf.Curve:
    """A loss that falls by .3 between its points 60 and 135, or an accuracy that rises so."""
    rng = np.random.default_rng(seed)
    y = 1 + X**-0.5 - 0.3 * (60 + 5 * seed <= X) + 0.004 * rng.standard_normal(X.size)
    return cf.Curve(X, 1.5 - y, "reward") if seed % 3 == 2 else cf.Curve(X, y, "val_loss")


@pytest.fixture(scope="module")
def together() -> list[cf.Forecast]:
    """Losses and accuracies with as many future x as each likes."""
    many = [dropping(seed) for seed in range(15)]
    ahead = [200 * np.geomspace(1.1, 3, 1 + seed % 4) for seed in range(15)]
    return [f for f in cf.forecast_many(many, ahead) if isinstance(f.observation, Either)]


def test_either_lies_between_its_parts_and_inverts():
    one, other = (NormalDistribution(np.array([m]), np.array([s])) for m, s in ((0.0, 1.0), (3.0, 0.2)))
    levels = np.array([1e-4, 0.1, 0.5, 0.74, 0.9, 0.9999])
    both = Either(one, other, 0.25)
    np.testing.assert_allclose(both.cdf(both.quantile(levels)[0])[0], levels, atol=1e-12)
    np.testing.assert_allclose(Either(one, other, 0.0).quantile(levels), one.quantile(levels), rtol=1e-10)


def test_the_same_alone_and_together_in_every_bit(together):
    assert len(together) >= 12
    for made in together:
        for view in (made.observation, made.underlying):
            alone = Either(view.first, view.second, view.share)
            assert np.array_equal(view.quantile(LEVELS), alone.quantile(LEVELS))
            assert view.cdf(view.quantile(LEVELS)) == pytest.approx(np.tile(LEVELS, (made.x.size, 1)), abs=1e-10)
    found = Either.all_quantiles([f.observation for f in together], LEVELS)
    for made, q in zip(together, found, strict=True):
        assert np.array_equal(q, made.quantile(LEVELS))


def test_one_forecast_of_many_costs_those_beside_it_nothing_more(together, monkeypatch):
    from curvefit.forecasting import either

    calls = []
    monkeypatch.setattr(either, "crossings", lambda *a: calls.append(a[1].shape) or crossings(*a))
    levels = np.array([0.2, 0.8])
    for made in together:
        made.observation.quantile(levels)
    assert calls == [(sum(f.x.size for f in together), 2)]


def test_what_is_handed_out_belongs_to_who_asked(together):
    first = together[0].observation.quantile(LEVELS)
    kept = first.copy()
    first[:] = 0
    assert np.array_equal(together[0].observation.quantile(LEVELS), kept)


def test_some_of_the_x(together):
    for made in together:
        part = made.at(-1)
        assert isinstance(part.observation, Either)
        assert part.quantile(LEVELS) == pytest.approx(made.quantile(LEVELS)[-1:], rel=1e-11)
        assert part.mean(LEVELS) == pytest.approx(made.mean(LEVELS)[-1:], rel=1e-11)


def test_parts_of_any_kind():
    rng = np.random.default_rng(3)
    pairs = []
    for points in (1, 3, 2):
        one, other = (NormalDistribution(rng.normal(size=points), np.exp(rng.normal(size=points))) for _ in range(2))
        pairs.append((one, other, 0.3))
    for made, pair in zip(Either.of(pairs, [1, 3, 2]), pairs, strict=True):
        assert np.array_equal(made.quantile(LEVELS), Either(*pair).quantile(LEVELS))
        assert made.cdf(made.quantile(LEVELS)) == pytest.approx(np.tile(LEVELS, (len(pair[0].mean), 1)), abs=1e-12)


def test_many_points_are_solved_in_blocks(monkeypatch):
    from curvefit.forecasting import either

    shapes = []
    monkeypatch.setattr(either, "crossings", lambda *a: shapes.append(len(a[1])) or crossings(*a))
    one, other = (NormalDistribution(np.full(300, m), np.full(300, 1.0)) for m in (0.0, 2.0))
    made = Either.of([(one, other, 0.5)] * 4, [300] * 4)
    assert [m.quantile(LEVELS).shape for m in made] == [(300, 5)] * 4
    assert shapes == [300] * 4
