"""Decays that start anew at learning-rate drops: found, given, explained, and how big each drop is."""

from __future__ import annotations

import numpy as np
import pytest

import curvefit as cf
from curvefit.curves import DataError, Status, UsageError
from curvefit.segmentation._decay import basis, best_partitions, fit_decay, shapes

X = np.arange(1.0, 601.0)


def truth() -> np.ndarray:
    f = 1 + 3 * (1 + (X - 1) / 30) ** -0.5
    f = np.where(X >= 300, 1.0 + (f[298] - 1.0) * np.exp(-(X - 300) / 15), f)
    return np.where(X >= 450, 0.85 + (f[448] - 0.85) * np.exp(-(X - 450) / 15), f)


def noisy(seed: int, sd: float = 0.03, rho: float = 0.0) -> np.ndarray:
    z = np.random.default_rng(seed).standard_normal(X.size)
    for i in range(1, X.size):
        z[i] = rho * z[i - 1] + np.sqrt(1 - rho * rho) * z[i]
    return truth() + sd * z


def test_drops_are_found_dated_and_measured():
    found = cf.decay_segments((X, noisy(0)))
    assert len(found.breakpoints) == 2
    for place, at in zip(found.breakpoints, (300, 450), strict=True):
        assert place.value == pytest.approx(at, abs=8)
        assert place.interval.low <= at <= place.interval.high
        assert place.interval.width < 40
    law = 1 + 3 * (1 + (X - 1) / 30) ** -0.5
    assert found.drops[0].interval.low < law[448] - 1.0 < found.drops[0].interval.high
    assert found.drops[0].value == pytest.approx(law[448] - 1.0, abs=0.03)
    assert found.drops[1].value == pytest.approx(0.15, abs=0.03)
    assert found.segments[-1].level.value == pytest.approx(0.85, abs=0.02)
    assert np.sqrt(np.mean((found.predict(X) - truth()) ** 2)) < 0.02
    assert found.predict([700.0, 2000.0]) == pytest.approx([0.85, 0.85], abs=0.03)
    assert int(np.argmin(found.criteria)) == 2


def test_known_breaks_are_used_and_not_searched():
    found = cf.decay_segments((X, noisy(1)), breaks=[300, 450])
    assert [p.value for p in found.breakpoints] == [300, 450]
    assert all(p.interval is None for p in found.breakpoints)
    assert found.criteria == ()
    assert found.segments[1].exponent == np.inf
    assert found.segments[1].scale.interval.low < 15 < found.segments[1].scale.interval.high
    rate = np.where(X < 300, 1.0, np.where(X < 450, 0.1, 0.01))
    schedule = cf.Schedule(X, rate)
    same = cf.decay_segments((X, noisy(1)), breaks=schedule)
    assert [p.value for p in same.breakpoints] == [300, 450]
    assert [p.details["explained"] for p in same.breakpoints] == [1.0, 1.0]
    assert same.rss == found.rss


def test_a_break_that_the_rate_does_not_explain_is_told_apart():
    schedule = cf.Schedule(X, np.where(X < 300, 1.0, 0.1))
    found = cf.decay_segments((X, noisy(2)), n_breaks=2, schedule=schedule)
    assert [p.details["explained"] for p in found.breakpoints] == [1.0, 0.0]


def test_a_smooth_decay_has_no_drop_even_in_correlated_noise():
    f = 1 + 3 * (1 + (X - 1) / 30) ** -0.5
    rng = np.random.default_rng(3)
    for rho in (0.0, 0.7):
        z = rng.standard_normal(X.size)
        for i in range(1, X.size):
            z[i] = rho * z[i - 1] + np.sqrt(1 - rho * rho) * z[i]
        assert cf.decay_segments((X, f + 0.05 * z), max_breaks=2).breakpoints == ()


def test_a_shared_shape_is_one_shape():
    f = np.where(X < 300, 1 + 2 * np.exp(-X / 40), 0.4 + 0.6 * np.exp(-(X - 300) / 40))
    y = f + 0.03 * np.random.default_rng(4).standard_normal(X.size)
    found = cf.decay_segments((X, y), sharing="shared", max_breaks=2)
    assert len(found.breakpoints) == 1
    assert found.breakpoints[0].value == pytest.approx(300, abs=3)
    one, two = found.segments
    assert one.scale.value == two.scale.value == pytest.approx(40, rel=0.1)
    assert one.exponent == two.exponent == np.inf


def test_drops_in_correlated_noise_are_covered():
    hits = {"auto": 0, "white": 0}
    law = 1 + 3 * (1 + (X - 1) / 30) ** -0.5
    for seed in range(30):
        y = noisy(100 + seed, 0.05, 0.8)
        for noise in hits:
            place = cf.decay_segments((X, y), breaks=[300, 450], noise=noise).drops[0].interval
            hits[noise] += place.low <= law[448] - 1.0 <= place.high
    assert hits["auto"] >= 24
    assert hits["white"] <= 22  # negative control


@pytest.mark.parametrize("sharing", ["free", "shared"])
def test_no_partition_of_few_points_is_better(sharing):
    """Oracle: every split of a short series, every shape of the grid, by least squares."""
    rng = np.random.default_rng(5)
    x = np.sort(rng.uniform(0, 10, 40))
    y = np.where(x < 5, np.exp(-x), 2 + np.exp(-(x - 5))) + 0.1 * rng.standard_normal(40)
    grid = shapes(x)

    def rss(i: int, j: int, shape) -> float:
        matrix = np.column_stack([np.ones(j - i), basis(x[i:j] - x[i], *shape)])
        return float(np.sum((y[i:j] - matrix @ np.linalg.lstsq(matrix, y[i:j], rcond=1e-10)[0]) ** 2))

    def split(t: int) -> float:
        if sharing == "shared":
            return min(rss(0, t, s) + rss(t, 40, s) for s in grid)
        return min(rss(0, t, s) for s in grid) + min(rss(t, 40, s) for s in grid)

    found = best_partitions(x, y, 1, 8, sharing)[1]
    assert split(int(found[0])) <= min(split(t) for t in range(8, 33)) * (1 + 1e-6)


def test_one_decay_is_that_of_nonlinear_least_squares():
    from scipy.optimize import curve_fit

    rng = np.random.default_rng(6)
    x = np.linspace(0, 10, 200)
    y = 1 + 2 * np.exp(-x / 1.7) + 0.05 * rng.standard_normal(200)
    law = fit_decay(x, y, shapes(x), None)
    assert law.exponent == np.inf
    best, covariance = curve_fit(lambda x, c, a, t: c + a * np.exp(-x / np.exp(t)), x, y, [1, 2, 0.5])
    assert [law.level, law.amplitude, np.log(law.scale)] == pytest.approx(list(best), rel=1e-4)
    assert law.covariance * law.rss / 197 == pytest.approx(covariance, rel=1e-3)
    assert law.gradient(2.0) == pytest.approx(
        [1, np.exp(-2 / law.scale), law.amplitude * np.exp(-2 / law.scale) * 2 / law.scale], rel=1e-6
    )


def test_poor_data_and_options():
    assert cf.decay_segments((X, np.full(600, 2.0))).status is Status.CONSTANT
    exact = cf.decay_segments((X, truth()), breaks=[300, 450], n_breaks=0)
    assert exact.status in (Status.DEGRADED, Status.OK)
    for options, error in (
        ({"sharing": "some"}, UsageError),
        ({"noise": "pink"}, UsageError),
        ({"n_breaks": -1}, UsageError),
        ({"n_breaks": 1000}, DataError),
        ({"min_size": 2}, UsageError),
        ({"breaks": [2.0]}, DataError),
        ({"breaks": [np.nan]}, DataError),
        ({"level": 1.0}, UsageError),
    ):
        with pytest.raises(error):
            cf.decay_segments((X, noisy(7)), **options)
    with pytest.raises(DataError):
        cf.decay_segments((X[:5], truth()[:5]))
