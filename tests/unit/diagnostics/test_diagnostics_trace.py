"""A curve boiled down: bins, trend, noise and their standard errors."""

from itertools import pairwise

import numpy as np
import pytest

from curvefit.curves import Curve, Metric, Schedule
from curvefit.diagnostics._noise import residuals
from curvefit.diagnostics._phases import Phase, phases
from curvefit.diagnostics._trace import _mean_sd
from curvefit.diagnostics._traces import _robust_bins, trace
from curvefit.simulate import NOISES, rates

ALL = (Phase(-np.inf, np.inf),)


def drawn(n, noise="white", sd=0.05, seed=0, metric="val_loss"):
    rng = np.random.default_rng(seed)
    x = np.arange(1.0, n + 1)
    return Curve(x, NOISES[noise].apply(1 + 2 * x**-0.6, sd, rng), metric)


@pytest.mark.parametrize(("n", "bins"), [(8, 8), (96, 96), (97, 64), (1000, 64), (50_000, 64)])
def test_long_curves_are_averaged(n, bins):
    assert len(trace(drawn(n), ALL)) == bins


def test_too_short_or_without_direction_is_nothing():
    assert trace(drawn(7), ALL) is None
    assert trace(Curve(np.arange(20), np.arange(20.0), "mystery"), ALL) is None


def test_bins_are_means_with_outliers_pulled_in():
    rng = np.random.default_rng(1)
    y = 1 + 0.1 * rng.standard_normal(640)
    edges = np.arange(0, 641, 10)
    plain = y.reshape(64, 10).mean(axis=1)
    assert _robust_bins(y[None, :], edges)[0] == pytest.approx(plain, abs=0.02)
    y[55] = 1e6
    assert _robust_bins(y[None, :], edges)[0][5] == pytest.approx(plain[5], abs=0.2)


@pytest.mark.parametrize("n", [97, 333, 1000])
def test_medians_of_unequal_bins(n):
    """The one-sort medians against numpy's, by a curve of which clipping leaves nothing else."""
    rng = np.random.default_rng(n)
    y = rng.standard_normal(n)
    edges = np.linspace(0, n, 20).round().astype(int)
    counts = np.diff(edges)
    order = np.lexsort((y, np.repeat(np.arange(19), counts)))
    ranked = y[order]
    ours = (ranked[edges[:-1] + (counts - 1) // 2] + ranked[edges[:-1] + counts // 2]) / 2
    assert ours == pytest.approx([np.median(y[a:b]) for a, b in pairwise(edges)])


@pytest.mark.parametrize(("kind", "bias"), [("white", 0.06), ("ar.5", 0.06), ("ar.9", 0.15)])
def test_correlation_and_size_of_the_noise_are_recovered(kind, bias):
    rho, n, sd = NOISES[kind].rho, 96, 0.05  # as many points as are used one by one
    found = [trace(drawn(n, kind, sd, seed), ALL) for seed in range(200)]
    estimates = np.array([t.rho for t in found])
    # clipping at 0 lifts the mean of the white ones, the trend takes slow noise along; both are known and bounded
    assert estimates.mean() == pytest.approx(rho, abs=3 * np.sqrt((1 - rho**2) / 88 / 200) + bias)
    cautious = np.mean([t.rho_high for t in found])
    assert (
        cautious > rho - 0.08
    )  # of noise this slow the trend takes some; healthy runs say that half an error is enough
    shocks = np.median([t.noise for t in found])
    assert shocks == pytest.approx(sd * np.sqrt(1 - rho**2), rel=0.1)


@pytest.mark.parametrize("rho", [0.0, 0.4, 0.95])
@pytest.mark.parametrize("k", [1, 2, 7, 40])
def test_error_of_a_mean_is_that_of_an_ar1(rho, k):
    covariance = rho ** np.abs(np.subtract.outer(np.arange(k), np.arange(k))) / (1 - rho**2)
    assert _mean_sd(k, rho) == pytest.approx(np.sqrt(covariance.sum()) / k, rel=1e-9)


def test_orientation_makes_smaller_better():
    up = trace(drawn(100, metric=Metric("s", "reward", "max")), ALL)
    down = trace(Curve(drawn(100).x, -drawn(100).y, Metric("s", "loss", "min")), ALL)
    assert up.y == pytest.approx(down.y)


def test_local_mean_is_the_plain_one_away_from_ends():
    t = trace(drawn(90), ALL)
    h = t.half_window
    assert t.local[30] == pytest.approx(t.y[30 - h : 31 + h].mean())
    assert t.local_stderr[30] == pytest.approx(t.level(30 - h, 31 + h)[1])


def test_a_jump_is_no_noise():
    x = np.arange(1.0, 91.0)
    rng = np.random.default_rng(0)
    y = np.where(x < 50, 1.0, 5.0) + 0.05 * rng.standard_normal(90)
    t = trace(Curve(x, y, "train_loss"), ALL)
    assert (49 in {a for a, _ in t.pieces}) and t.noise < 0.1


def test_residuals_are_observations_minus_trend():
    curve = drawn(1000, sd=0.03)
    t = trace(curve, ALL)
    single = residuals(curve, t)
    trend, settled = t.expected()
    assert single.value == pytest.approx(curve.y - trend)
    assert single.sd == pytest.approx(0.03, rel=0.15)
    assert single.rough == pytest.approx(0.03, rel=0.15)
    assert single.rho < 0.1
    assert not settled[:2].any() and settled[100:].all()


@pytest.mark.parametrize(
    ("schedule", "boundaries"),
    [
        ("constant", []),
        ("cosine", []),
        ("linear", []),
        ("staircase", [60, 120, 160]),
        ("warm_restarts", [50, 100, 150]),
        ("cyclical", [20, 40, 60, 80, 100, 120, 140, 160, 180]),
        ("one_cycle", [60]),
    ],
)
def test_phases_of_the_usual_schedules(schedule, boundaries):
    x = np.arange(200.0)
    found = phases(Schedule(x, rates(schedule, 200)))
    assert [p.start for p in found[1:]] == pytest.approx(boundaries, abs=2)
    if schedule == "one_cycle":
        assert found[0].rising and found[1].after_rise
    if schedule == "warm_restarts":
        assert [p.after_rise for p in found] == [False, True, True, True]


def test_phases_of_a_million_rates_are_found_quickly():
    n = 1_000_000
    found = phases(Schedule(np.arange(float(n)), rates("warm_restarts", n)))
    assert [p.start for p in found[1:]] == pytest.approx([n / 4, n / 2, 3 * n / 4], abs=n / 1000)


def test_no_schedule_is_one_phase():
    assert phases(None) == ALL
    assert phases(Schedule([1, 2, 3], [0, 0, 0])) == ALL
    noisy = np.where(np.arange(100) % 2, 1.0, 0.1)
    assert phases(Schedule(np.arange(100.0), noisy)) == ALL


def test_noise_in_proportion_to_the_curve_is_judged_by_its_logarithm(monkeypatch):
    def judged(noise, sd):
        curves = [drawn(200, noise, sd, seed=s, metric="train_loss") for s in range(60)]
        found = [residuals(c, trace(c, ALL)) for c in curves]
        return np.mean([r.logarithmic for r in found]), np.mean([r.shock[r.settled].max() for r in found])

    share, highest = judged("multiplicative", 0.3)
    assert share > 0.5
    assert judged("white", 0.05)[0] < 0.3  # noise that is the same everywhere
    monkeypatch.setattr("curvefit.diagnostics._noise._PROPORTIONAL", np.inf)  # the control: by skewness alone
    by_skewness, higher = judged("multiplicative", 0.3)
    assert by_skewness < 0.3
    assert higher > highest + 0.3
