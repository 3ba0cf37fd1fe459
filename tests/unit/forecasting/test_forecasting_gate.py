"""The gate against its formula written out, and the stretch against what it promises."""

from __future__ import annotations

import json
import math
from importlib.resources import files

import numpy as np
import pytest

import curvefit as cf
from curvefit.forecasting.forecasters.pooled import Pooled
from curvefit.forecasting.pool.calibration import KNOTS, Stretch
from curvefit.forecasting.pool.features import NAMES
from curvefit.forecasting.pool.gate import Gate
from curvefit.forecasting.pool.mixture import Mixture, t4_cdf

LEVELS = np.array([0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975])
COMPONENTS = 3


def made_up_gate(seed=0, gates=2, stretch=None):
    rng = np.random.default_rng(seed)
    return Gate(
        mean=rng.normal(size=96),
        sd=np.exp(rng.normal(size=96)),
        weight=0.2 * rng.normal(size=(gates, 96, COMPONENTS * 38)),
        bias=rng.normal(size=(gates, COMPONENTS * 38)),
        stretch=stretch,
    )


def inputs(seed=1, rows=4, points=2):
    rng = np.random.default_rng(seed)
    shape = (rows, points)
    return (
        2 * rng.normal(size=(*shape, 96)),
        rng.normal(size=(*shape, 34)),
        rng.normal(size=(*shape, 34)),
        rng.normal(size=(*shape, 34)),
        np.exp(rng.normal(size=shape)),
    )


def test_the_mixture_is_the_formula_written_out():
    gate, (table, said, error, own, noise) = made_up_gate(), inputs()
    mixture, believed = gate.mix(table, said, error, own, noise)
    for n in range(4):
        total = np.zeros(34)
        for h in range(2):
            k = 0
            for g in range(2):
                x = [max(-2.0, min(2.0, (t - m) / s)) for t, m, s in zip(table[n, h], gate.mean, gate.sd, strict=True)]
                o = (np.array(x) @ gate.weight[g] + gate.bias[g]).reshape(COMPONENTS, 38)
                mass = [math.exp(v) for v in o[:, 35]]
                for j in range(COMPONENTS):
                    e = np.exp([o[j, i] + o[j, 36] * error[n, h, i] + o[j, 37] * own[n, h, i] for i in range(34)])
                    share = e / e.sum()
                    scale = math.sqrt(math.exp(2 * min(max(o[j, 34], -9), 2)) + (0.15 * noise[n, h]) ** 2)
                    assert mixture.location[n, h, k] == pytest.approx(share @ said[n, h], rel=1e-9, abs=1e-12)
                    assert mixture.scale[n, h, k] == pytest.approx(scale, rel=1e-9)
                    assert mixture.weight[n, h, k] == pytest.approx(mass[j] / sum(mass) / 2, rel=1e-9)
                    if h == 1:
                        total += share * mass[j] / sum(mass) / 2
                    k += 1
        np.testing.assert_allclose(believed[n], total, rtol=1e-9)
        assert total.sum() == pytest.approx(1)


def test_several_gates_are_the_mixture_of_each():
    gate, given = made_up_gate(gates=3), inputs()
    whole, _ = gate.mix(*given)
    z = np.linspace(-5, 5, 21) * np.ones((4, 2, 1))
    parts = [Gate(gate.mean, gate.sd, gate.weight[g : g + 1], gate.bias[g : g + 1]).mix(*given)[0] for g in range(3)]
    np.testing.assert_allclose(whole.cdf(z), np.mean([p.cdf(z) for p in parts], axis=0), rtol=1e-12)


def test_the_pool_without_a_gate_has_a_fifth_of_the_weight():
    gate, given = made_up_gate(), inputs()
    rest = np.stack([np.full((4, 2), 0.3), np.full((4, 2), 0.2)], axis=2)
    alone, _ = gate.mix(*given)
    whole, _ = gate.mix(*given, rest)
    z = np.linspace(-5, 5, 21) * np.ones((4, 2, 1))
    np.testing.assert_allclose(whole.cdf(z), 0.8 * alone.cdf(z) + 0.2 * t4_cdf((z - 0.3) / 0.2), rtol=1e-12)


def test_the_pool_without_a_gate_is_at_most_three_times_as_wide_as_the_gate_and_as_far_as_it_is():
    gate, given = made_up_gate(), inputs()
    alone, _ = gate.mix(*given)
    typical = np.exp((alone.weight * np.log(alone.scale)).sum(axis=2))
    center = (alone.weight * alone.location).sum(axis=2)
    rest = np.stack([center + 0.7, np.full((4, 2), 1e6)], axis=2)
    whole, _ = gate.mix(*given, rest)
    np.testing.assert_allclose(whole.scale[..., -1], 3 * typical + 0.7, rtol=1e-12)
    np.testing.assert_allclose(whole.location[..., -1], center + 0.7, rtol=1e-12)


def test_the_shipped_gate_says_where_it_comes_from():
    file = files("curvefit.forecasting.pool").joinpath("gate.npz")
    with file.open("rb") as stream, np.load(stream, allow_pickle=False) as data:
        provenance = json.loads(str(data["provenance"]))
        assert data["weight"].shape == (1, 96, 5 * 38)
    assert file.stat().st_size < 150_000
    assert provenance["features"] == list(NAMES)
    assert sum(provenance["series by source"].values()) == 8293
    scores = provenance["scores on curves not trained on, last point"]
    assert {"half 0", "half 1", "source left out", "domain left out"} == set(scores)
    for name in ("source left out", "domain left out"):
        assert set(scores[name]) == {"macro", *provenance["series by source"]}
        assert scores[name]["macro"]["crpsR"] < 0.51, "the pool without a gate scores .516 on the same curves"


def test_a_file_gives_the_gate_back(tmp_path):
    gate = made_up_gate(stretch=Stretch(np.full(6, 1.2), np.full(6, 0.9)))
    file = tmp_path / "gate.npz"
    np.savez(
        file,
        mean=gate.mean,
        sd=gate.sd,
        weight=gate.weight,
        bias=gate.bias,
        worse=gate.stretch.worse,
        better=gate.stretch.better,
    )
    back = Gate.load(file)
    np.testing.assert_array_equal(back.weight, gate.weight)
    np.testing.assert_array_equal(back.stretch.better, np.full(6, 0.9))


def test_a_stretched_mixture_keeps_its_median_and_moves_its_quantiles():
    rng = np.random.default_rng(4)
    mixture = Mixture(
        rng.normal(size=(5, 2, 3)), np.exp(rng.normal(size=(5, 2, 3))), rng.dirichlet(np.ones(3), size=(5, 2))
    )
    factors = np.exp(rng.normal(size=(5, 2, 2)) / 2)
    wider = mixture.stretched(factors)
    before, after = mixture.quantile(LEVELS), wider.quantile(LEVELS)
    median = before[..., 3:4]
    np.testing.assert_allclose(after[..., 3:4], median, atol=1e-12)
    np.testing.assert_allclose(after[..., :3] - median, factors[..., :1] * (before[..., :3] - median), rtol=1e-9)
    np.testing.assert_allclose(after[..., 4:] - median, factors[..., 1:] * (before[..., 4:] - median), rtol=1e-9)
    np.testing.assert_allclose(wider.cdf(after), np.broadcast_to(LEVELS, after.shape), atol=1e-12)
    np.testing.assert_allclose(wider.survival(after), np.broadcast_to(1 - LEVELS, after.shape), atol=1e-12)
    z = np.linspace(-4, 4, 17) * np.ones((5, 2, 1)) + 1e-3
    step = 1e-6
    slope = (wider.cdf(z + step) - wider.cdf(z - step)) / (2 * step)
    np.testing.assert_allclose(wider.pdf(z), slope, rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(wider.rows(slice(2, 3)).quantile(LEVELS)[0], after[2], rtol=1e-12)


def test_the_fitted_stretch_makes_the_stated_share_lie_inside():
    rng = np.random.default_rng(5)
    n = 40_000
    log_h = rng.uniform(0, 3, n)
    true = 1 + 0.5 * log_h  # outcomes scatter by this factor more than was said, and less so on the better side
    miss = rng.standard_t(4, n)
    reach = 1.5332062737  # 90 % quantile
    ratio = miss * np.where(miss < 0, true, 0.8) / reach
    stretch = Stretch.fit(log_h, -ratio, ratio, np.ones(n))
    factors = stretch.factors(np.exp(log_h)[:, None])[:, 0]
    for low, high in ((0, 0.5), (0.5, 1.5), (1.5, 3)):
        here = (log_h >= low) & (log_h < high)
        assert np.mean(-ratio[here] > factors[here, 0]) == pytest.approx(0.1, abs=0.02)
        assert np.mean(ratio[here] > factors[here, 1]) == pytest.approx(0.1, abs=0.02)
    unfitted = np.mean(-ratio > 1)
    assert unfitted > 0.15, "the control: without the stretch too many outcomes lie outside"


def test_stretch_is_linear_between_knots_and_flat_outside():
    stretch = Stretch(np.arange(1.0, 7), np.ones(6))
    np.testing.assert_allclose(stretch.factors(np.exp(KNOTS)[None])[0, :, 0], np.arange(1.0, 7))
    np.testing.assert_allclose(stretch.factors(np.exp([[0.35, 50.0]]))[0, :, 0], [2.5, 6.0])


def test_a_gate_serves_as_a_way_of_pooling():
    x = np.arange(1, 41.0)
    curve = cf.Curve(x, 1 - x**-0.5, metric="reward")
    gate = made_up_gate(stretch=Stretch(np.full(6, 1.1), np.full(6, 1.3)))
    fc = cf.forecast(curve, [50, 80], method=Pooled(gate))
    q = fc.quantile(LEVELS)
    assert np.all(np.diff(q, axis=1) > 0)
    np.testing.assert_allclose(fc.cdf(q), np.broadcast_to(LEVELS, q.shape), atol=1e-9)
    assert set(fc.explanation) == {"exponent", "recency", "no_change"}
    one_component = t4_cdf(np.array([0.0]))
    assert one_component[0] == 0.5
