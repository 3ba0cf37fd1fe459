"""Estimands read off the observed part: local mean, best point, rate of convergence."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from curvefit.curves import Curve, Status
from curvefit.estimands._base import Question
from curvefit.estimands._local_mean import _moving_line, local_mean, winsorized
from curvefit.estimands.best_point import best_point
from curvefit.estimands.convergence_rate import convergence_rate
from curvefit.simulate import NOISES


def test_local_mean_is_a_centered_moving_average_cut_at_the_ends():
    y = np.sin(np.arange(100) / 20)
    out = local_mean(Curve(np.arange(100), y, "val_loss"))
    assert out.window == 11
    plain = [y[max(i - 5, 0) : i + 6].mean() for i in range(100)]
    assert np.allclose(out.mean, plain, atol=1e-12)


def test_moving_line_equals_polyfit_in_every_window():
    y = np.random.default_rng(3).standard_normal(40).cumsum()
    expected = []
    for i in range(40):
        j = np.arange(max(i - 4, 0), min(i + 5, 40))
        expected.append(np.polyval(np.polyfit(j, y[j], 1), i))
    assert np.allclose(_moving_line(y[None, :], 9)[0], expected, atol=1e-10)


def test_winsorizing_pulls_in_spikes_and_leaves_the_rest():
    rng = np.random.default_rng(4)
    y = np.linspace(1, 0, 200) + 0.01 * rng.standard_normal(200)
    spiked = y.copy()
    spiked[[50, 120]] += [3, -3]
    out = winsorized(spiked, 15)
    assert np.abs(out - y).max() < 0.12
    assert np.mean(out == spiked) > 0.98


def test_standard_error_of_the_local_mean_of_white_noise():
    """The claimed error matches the spread over 200 runs within the Monte-Carlo error of 200 draws (4 sd = 20 %)."""
    rng = np.random.default_rng(5)
    runs = [local_mean(Curve(np.arange(400), rng.standard_normal(400), "val_loss")) for _ in range(200)]
    actual = np.std([r.mean[200] for r in runs])
    claimed = np.mean([r.stderr[200] for r in runs])
    assert claimed == pytest.approx(actual, rel=0.2)


def test_long_curves_are_blocked_and_agree_with_the_plain_average():
    rng = np.random.default_rng(6)
    n = 100_003
    y = np.linspace(1, 0, n) + 0.1 * rng.standard_normal(n)
    out = local_mean(Curve(np.arange(n), y, "val_loss"))
    assert out.x.size <= 4096
    assert out.window == pytest.approx(2000, rel=0.05)
    middle = int(np.searchsorted(out.x, n // 2))
    assert out.mean[middle] == pytest.approx(y[n // 2 - 1000 : n // 2 + 1000].mean(), abs=0.003)


def test_best_point_of_an_improving_run_is_the_last():
    x = np.arange(1.0, 201.0)
    out = best_point(Question(Curve(x, 2 + 3 * x**-0.5, "val_loss")))
    assert out.value == 200
    assert out.unit == "step"


def test_best_point_finds_the_turn_and_says_how_sure():
    rng = np.random.default_rng(7)
    x = np.arange(1.0, 401.0)
    curve = Curve(x, (np.log(x / 150)) ** 2 + 0.05 * rng.standard_normal(400), "val_loss")
    out = best_point(Question(curve))
    assert 150 in out.interval
    assert out.interval.width < 130
    assert out.details["window"] == 21
    assert {"x_half", "x_double", "value_half", "value_double", "stderr", "value"} <= set(out.details)


def test_a_lucky_value_is_not_the_best_point():
    rng = np.random.default_rng(8)
    x = np.arange(1.0, 401.0)
    y = (np.log(x / 150)) ** 2 + 0.05 * rng.standard_normal(400)
    y[350] = -5
    assert np.argmin(y) == 350
    assert best_point(Question(Curve(x, y, "val_loss"))).value < 250


def test_best_point_mirrors_with_the_direction():
    rng = np.random.default_rng(9)
    x = np.arange(1.0, 301.0)
    y = (np.log(x / 150)) ** 2 + 0.05 * rng.standard_normal(300)
    down, up = (best_point(Question(Curve(x, v, m))) for v, m in ((y, "val_loss"), (-y, "reward")))
    assert down.value == up.value
    assert down.interval == up.interval
    assert down.details["value"] == pytest.approx(-up.details["value"])


def test_flat_noise_is_told_apart_from_a_best_point():
    rng = np.random.default_rng(10)
    out = best_point(Question(Curve(np.arange(300), rng.standard_normal(300), "val_loss")))
    assert out.status is Status.DEGRADED
    assert out.interval.width > 250


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_few_points_have_a_best_point_without_an_interval(n):
    out = best_point(Question(Curve(np.arange(n), np.arange(n, 0, -1.0), "val_loss")))
    assert out.interval is None
    assert out.value is not None


def test_constant_values_are_a_status():
    out = best_point(Question(Curve(np.arange(50), np.ones(50), "val_loss")))
    assert out.status is Status.CONSTANT


def test_rate_equals_the_regression_line_of_the_last_half():
    rng = np.random.default_rng(11)
    x = np.arange(1.0, 2001.0)
    y = 3 - 0.4 * np.log10(x) + 0.02 * rng.standard_normal(2000)
    out = convergence_rate(Question(Curve(x, y, "val_loss")))
    line = scipy.stats.linregress(np.log10(x[999:]), y[999:])
    assert out.details["x_from"] == 1000
    assert out.value == pytest.approx(-line.slope, rel=0.02)  # a handful of values are pulled in
    assert out.value == pytest.approx(0.4, abs=4 * line.stderr)
    assert out.interval.width == pytest.approx(2 * 1.962 * line.stderr, rel=0.15)
    assert out.unit == "val_loss per decade"


def test_rate_of_a_score_that_climbs_is_positive():
    x = np.arange(1.0, 101.0)
    assert convergence_rate(Question(Curve(x, np.log10(x), "reward"))).value == pytest.approx(1)


def test_rate_needs_eight_points():
    assert convergence_rate(Question(Curve([1, 2, 3], [3, 2, 1], "val_loss"))).status is Status.TOO_FEW_POINTS


def test_correlated_noise_widens_the_interval_of_the_rate():
    rng = np.random.default_rng(12)
    x = np.arange(1.0, 1001.0)
    e = np.zeros(1000)
    for i in range(1, 1000):
        e[i] = 0.8 * e[i - 1] + rng.standard_normal()
    white = convergence_rate(Question(Curve(x, rng.standard_normal(1000) / 0.6, "val_loss")))
    ar = convergence_rate(Question(Curve(x, e, "val_loss")))
    assert ar.details["rho"] == pytest.approx(0.8, abs=0.12)
    assert 2 < ar.interval.width / white.interval.width < 4  # sqrt((1 + .8) / (1 - .8)) = 3


@pytest.mark.parametrize("n", [5, 50, 400, 10_007])
def test_each_local_mean_says_how_many_observations_it_is_of(n):
    """Counted by hand at the ends, where the window is cut, and in the middle, where it is full."""
    out = local_mean(Curve(np.arange(n), np.linspace(1, 0, n), "val_loss"))
    block = -(-n // 4096)
    half = (round(out.window / block) - 1) // 2
    assert out.points[0] == min((half + 1) * block, n)
    assert out.points[out.x.size // 2] == min(out.window, n)
    last_block = n - (out.x.size - 1) * block
    assert out.points[-1] == half * block + last_block


def test_the_best_point_at_the_end_of_a_run_is_a_mean_of_fewer_values():
    x = np.arange(1.0, 51.0)
    y = 2 - 0.03 * x
    answer = best_point(Question(Curve(x, y, "val_loss")))
    assert answer.details["window"] == 7
    assert answer.details["points"] == 4
    assert answer.details["value"] == pytest.approx(y[-4:].mean())


@pytest.mark.parametrize("metric", ["val_loss", "val_accuracy"])
@pytest.mark.parametrize(("n", "share"), [(20, 0.5), (60, 0.9)])
def test_a_steep_start_does_not_push_the_best_point_late(n, share, metric):
    """A fall over a few checkpoints, then a slow climb: a window that reaches into the fall is best where it has left it."""
    x = np.arange(1.0, n + 1)
    at = round(0.1 * n) if n > 20 else 4
    mean = np.exp(-(x - 1) / (at / 5)) + 0.3 * np.maximum(x - at, 0) / n
    best = int(mean.argmin())
    sign = 1.0 if metric == "val_loss" else -1.0
    found = []
    for seed in range(20):
        y = 0.5 + 0.3 * sign * (mean + 0.001 * np.random.default_rng(seed).standard_normal(n))
        told = best_point(Question(Curve(x, y, metric)))
        local = sign * local_mean(Curve(x, y, metric)).mean
        found.append((abs(told.value - x[best]), abs(x[int(local.argmin())] - x[best])))
        assert told.interval.low <= told.value <= told.interval.high
        assert sign * (told.details["value"] - 0.5) / 0.3 == pytest.approx(mean[int(told.value) - 1], abs=0.02)
    now, before = np.array(found).mean(axis=0)
    assert before >= 1
    assert now <= share * before


def test_a_lucky_value_on_a_plateau_is_no_best_point():
    """Heavy tails and correlation: neither single values nor short dips are chosen beyond what the local mean says."""
    x = np.arange(1.0, 201.0)
    moved = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        y = 1 + np.exp(-x / 10) + 0.02 * NOISES["t3" if seed % 2 else "ar.9"].draw(200, rng)
        told = best_point(Question(Curve(x, y, "val_loss")))
        local = local_mean(Curve(x, y, "val_loss"))
        moved += told.value != local.x[int(local.mean.argmin())]
    assert moved <= 2


def test_a_spike_downward_beside_the_best_point_is_not_kept():
    x = np.arange(1.0, 61.0)
    y = 1 + np.exp(-x / 3) + 0.004 * np.maximum(x - 15, 0) + 0.002 * np.random.default_rng(1).standard_normal(60)
    y[17] -= 0.8
    told = best_point(Question(Curve(x, y, "val_loss")))
    assert told.value != 18
    assert told.details["value"] > 0.95
