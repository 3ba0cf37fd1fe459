"""Changepoints: exact partitions, dates with intervals, and no changes that correlated noise made."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest

import curvefit as cf
from curvefit.curves import DataError, Status, UsageError
from curvefit.segmentation._argmax_law import argmax_cdf, argmax_quantile
from curvefit.segmentation._partition import SegmentCost, partitions


def ar1(rng: np.random.Generator, n: int, rho: float) -> np.ndarray:
    e = rng.standard_normal(n)
    for i in range(1, n):
        e[i] = rho * e[i - 1] + np.sqrt(1 - rho * rho) * e[i]
    return e


def segment_cost(x: np.ndarray, y: np.ndarray, kind: str) -> float:
    """The oracle: numpy's own least squares and variance."""
    if kind == "linear":
        return float(np.sum((y - np.polyval(np.polyfit(x - x.mean(), y, 1), x - x.mean())) ** 2))
    rss = float(np.sum((y - y.mean()) ** 2))
    return rss if kind == "mean" else y.size * float(np.log(rss / y.size))


@pytest.mark.parametrize("kind", ["mean", "meanvar", "linear"])
def test_partitions_are_those_of_brute_force(kind):
    rng = np.random.default_rng(1)
    n, least = 22, 3
    x = np.sort(rng.uniform(0, 5, n))
    y = 50 + np.where(x > 2, 2.0, 0.0) + rng.standard_normal(n)
    found = partitions(SegmentCost.of(x, y, kind, least), n, 3)
    for k in range(4):
        options = [
            (sum(segment_cost(x[i:j], y[i:j], kind) for i, j in pairwise((0, *c, n))), c)
            for c in combinations(range(least, n - least + 1), k)
            if min(np.diff((0, *c, n))) >= least
        ]
        assert tuple(int(i) for i in found[k]) == min(options)[1]


def test_changes_on_bins_are_moved_to_their_best_place():
    """Beyond 640 points the optimum is searched on bins: no step of one point may improve it."""
    rng = np.random.default_rng(2)
    n = 5000
    x, y = np.arange(float(n)), np.repeat([0.0, 1.0, -0.5, 0.7], [1213, 1502, 911, 1374]) + 0.3 * rng.standard_normal(n)
    cost = SegmentCost.of(x, y, "mean", 50)
    changes = partitions(cost, n, 3)[3]

    def total(c: np.ndarray) -> float:
        edges = np.r_[0, c, n]
        return float(np.sum(cost(edges[:-1], edges[1:])))

    for i in range(3):
        for step in (-1, 1):
            other = changes.copy()
            other[i] += step
            assert total(other) >= total(changes)
    assert changes == pytest.approx([1213, 2715, 3626], abs=5)


def test_a_step_is_dated_with_its_jump():
    rng = np.random.default_rng(3)
    x = np.arange(100.0)
    found = cf.changepoints((x, np.where(x < 40, 2.0, 0.0) + 0.5 * rng.standard_normal(100)))
    (place,) = found.locations
    assert place.value == 39
    assert place.details["first_after"] == 40
    assert place.interval.low <= 39 <= place.interval.high
    assert place.details["jump"] == pytest.approx(-2, abs=0.3)
    assert place.details["p_value"] <= 0.01
    one, two = found.segments
    assert (one.start, one.end, one.n, two.start, two.end, two.n) == (0, 39, 40, 40, 99, 60)
    assert two.level - one.level == pytest.approx(place.details["jump"], rel=1e-12)
    assert found.status is Status.OK


def test_correlated_noise_is_not_paid_for_with_changes():
    rng = np.random.default_rng(4)
    counts = {"auto": [], "white": []}
    for _ in range(20):
        series = (np.arange(300.0), ar1(rng, 300, 0.7))
        for noise, found in counts.items():
            found.append(len(cf.changepoints(series, noise=noise).locations))
    assert sum(c > 0 for c in counts["auto"]) <= 2
    assert sum(c > 0 for c in counts["white"]) >= 15  # the negative control


def test_changes_are_found_in_correlated_noise():
    rng = np.random.default_rng(5)
    x = np.arange(400.0)
    right = 0
    for _ in range(10):
        y = np.repeat([0.0, 6.0, 1.0], [150, 100, 150]) + ar1(rng, 400, 0.7)
        right += [p.value for p in cf.changepoints((x, y)).locations] == [
            pytest.approx(149, abs=4),
            pytest.approx(249, abs=4),
        ]
    assert right >= 9


def test_a_change_of_variance_alone_needs_the_cost_that_sees_it():
    rng = np.random.default_rng(6)
    y = rng.standard_normal(300) * np.repeat([0.3, 2.0], 150)
    series = (np.arange(300.0), y)
    (place,) = cf.changepoints(series, cost="meanvar").locations
    assert place.value == pytest.approx(149, abs=6)
    sds = [s.sd for s in cf.changepoints(series, cost="meanvar").segments]
    assert sds == pytest.approx([0.3, 2.0], rel=0.2)
    assert cf.changepoints(series, cost="mean").locations == ()


def test_a_sloped_step_needs_lines():
    rng = np.random.default_rng(7)
    x = np.linspace(0, 10, 200)
    y = np.where(x < 6, 5 - 0.5 * x, 8 - 0.2 * x) + 0.1 * rng.standard_normal(200)
    found = cf.changepoints((x, y), cost="linear")
    (place,) = found.locations
    assert place.value == pytest.approx(6, abs=0.1)
    assert place.details["jump"] == pytest.approx(3 + 0.3 * 6, rel=0.03)
    assert [s.slope for s in found.segments] == pytest.approx([-0.5, -0.2], abs=0.03)
    assert len(cf.changepoints((x, y), cost="mean").locations) > 1


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_scale_offset_and_order_change_nothing(scale):
    rng = np.random.default_rng(8)
    x = np.sort(rng.uniform(0, 10, 150))
    y = np.where(x > 4, 1.0, 0.0) + 0.3 * rng.standard_normal(150)
    base = cf.changepoints((x, y))
    order = rng.permutation(150)
    for other in (cf.changepoints((x, 7 * scale + scale * y)), cf.changepoints((x[order], y[order]))):
        assert [(p.value, p.interval.low, p.interval.high) for p in other.locations] == [
            (p.value, p.interval.low, p.interval.high) for p in base.locations
        ]


def test_the_number_can_be_given():
    rng = np.random.default_rng(9)
    series = (np.arange(100.0), rng.standard_normal(100))
    for k in (0, 1, 3):
        found = cf.changepoints(series, n_changes=k)
        assert len(found.locations) == k
        assert len(found.segments) == k + 1
        assert sum(s.n for s in found.segments) == 100


def test_a_higher_price_finds_fewer():
    rng = np.random.default_rng(10)
    y = np.repeat([0.0, 0.9, 0.2, 1.1], 40) + 0.5 * rng.standard_normal(160)
    counts = [len(cf.changepoints((np.arange(160.0), y), penalty=p).locations) for p in (0.5, 3.0, 50.0)]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > counts[-1] == 0


def test_steps_without_noise_are_exact_and_get_no_interval():
    found = cf.changepoints((np.arange(60.0), np.repeat([1.0, 4.0, 2.0], 20)))
    assert [p.value for p in found.locations] == [19, 39]
    assert all(p.interval is None for p in found.locations)
    assert found.status is Status.DEGRADED


def test_values_that_do_not_vary():
    found = cf.changepoints((np.arange(30.0), np.full(30, 2.5)))
    assert (found.locations, found.status) == ((), Status.CONSTANT)
    assert found.segments[0].level == 2.5


def test_an_interval_that_leaves_the_data_says_so():
    rng = np.random.default_rng(11)
    y = np.where(np.arange(60) < 5, 0.8, 0.0) + rng.standard_normal(60)
    place = cf.changepoints((np.arange(60.0), y), n_changes=1, min_size=3).locations[0]
    assert place.status is Status.DEGRADED
    assert 0 <= place.interval.low <= place.value <= place.interval.high <= 59


@pytest.mark.parametrize(
    ("data", "options", "error"),
    [
        (([1, 2, 3], [1, 2, 3]), {}, DataError),
        ((np.arange(30.0), np.arange(29.0)), {}, DataError),
        ((np.arange(30.0), np.arange(30.0) * 1e200), {}, DataError),
        ((np.arange(30.0), np.sin(np.arange(30.0))), {"n_changes": 20}, DataError),
        ((np.arange(30.0), np.sin(np.arange(30.0))), {"n_changes": -1}, UsageError),
        ((np.arange(30.0), np.sin(np.arange(30.0))), {"cost": "median"}, UsageError),
        ((np.arange(30.0), np.sin(np.arange(30.0))), {"penalty": 0.0}, UsageError),
        ((np.arange(30.0), np.sin(np.arange(30.0))), {"penalty": float("nan")}, UsageError),
        ((np.arange(30.0), np.sin(np.arange(30.0))), {"noise": "pink"}, UsageError),
        ((np.arange(30.0), np.sin(np.arange(30.0))), {"min_size": 0}, UsageError),
        ((np.arange(30.0), np.sin(np.arange(30.0))), {"level": 0.0}, UsageError),
    ],
)
def test_what_cannot_be_done_is_refused(data, options, error):
    with pytest.raises(error):
        cf.changepoints(data, **options)


@pytest.mark.parametrize(("xi", "phi1", "phi2"), [(1.0, 1.0, 1.0), (1.0, 0.5, 2.0), (1.0, 3.0, 1.0)])
def test_the_law_of_the_argmax_is_a_law(xi, phi1, phi2):
    grid = np.linspace(-60, 60, 241)
    values = np.array([argmax_cdf(float(v), xi, phi1, phi2) for v in grid])
    assert np.all(np.diff(values) >= -1e-12)
    assert argmax_cdf(-4000.0, xi, phi1, phi2) == pytest.approx(0, abs=1e-6)
    assert argmax_cdf(4000.0, xi, phi1, phi2) == pytest.approx(1, abs=1e-6)
    for p in (0.025, 0.3, 0.9):
        assert argmax_cdf(argmax_quantile(p, xi, phi1, phi2), xi, phi1, phi2) == pytest.approx(p, abs=1e-8)


def test_quantiles_of_the_symmetric_argmax_are_those_of_bai():
    """Bai (1997), Econometric Theory 13, table: 7.69 at 90 % and 11.03 at 95 %, two-sided."""
    assert argmax_quantile(0.95) == pytest.approx(7.69, abs=0.01)
    assert argmax_quantile(0.975) == pytest.approx(11.03, abs=0.01)


@pytest.mark.parametrize("ratio", [1.5, 10.0, 1e3, 1e6, 1e9])
def test_a_side_that_is_far_noisier_has_the_mirrored_law(ratio):
    for p in (0.025, 0.5, 0.975):
        one, other = argmax_quantile(p, 1.0, 1.0, ratio), argmax_quantile(1 - p, 1.0, ratio, 1.0)
        assert np.isfinite(one)
        assert one == pytest.approx(-(ratio**2) * other)
        if ratio <= 10:  # beyond, the formula overflows
            assert argmax_cdf(one, 1.0, 1.0, ratio) == pytest.approx(p, abs=1e-6)


def test_noise_on_one_side_only_is_dated_without_an_error():
    rng = np.random.default_rng(12)
    y = np.r_[1e-7 * rng.standard_normal(40), 1 + 0.1 * rng.standard_normal(40)]
    (place,) = cf.changepoints((np.arange(80.0), y), n_changes=1).locations
    assert place.details["first_after"] == 40
    assert place.interval.low <= place.interval.high


def test_the_law_of_the_argmax_is_that_of_simulated_paths():
    rng = np.random.default_rng(12)
    step, half = 0.05, 1200
    size = 3000
    right = np.cumsum(np.sqrt(step) * rng.standard_normal((size, half)), axis=1) - 0.5 * step * np.arange(1, half + 1)
    left = np.cumsum(np.sqrt(step) * rng.standard_normal((size, half)), axis=1) - 0.5 * step * np.arange(1, half + 1)
    at = np.where(right.max(axis=1) > left.max(axis=1), np.argmax(right, axis=1) + 1.0, -np.argmax(left, axis=1) - 1.0)
    at[(right.max(axis=1) <= 0) & (left.max(axis=1) <= 0)] = 0.0
    for q in (-6.0, -2.0, 2.0, 6.0):
        expected = argmax_cdf(q)
        assert np.mean(step * at <= q) == pytest.approx(expected, abs=4 * np.sqrt(expected * (1 - expected) / size))
