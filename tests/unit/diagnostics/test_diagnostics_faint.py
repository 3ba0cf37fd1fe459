"""Faint steps, bumps and sawteeth: what averages, a trend or a search without a known place would miss."""

from __future__ import annotations

import numpy as np
import pytest

from curvefit.curves import Curve, Run, Schedule
from curvefit.datasets.examples import load_example
from curvefit.diagnostics._bump import bump
from curvefit.diagnostics._changes import changes
from curvefit.diagnostics._steps import _bases, _Phase, strongest_steps
from curvefit.diagnostics.api import diagnose
from curvefit.diagnostics.evidence import Evidence
from curvefit.diagnostics.rules import registry
from curvefit.simulate.noise import ema

N = 600
X = np.arange(1.0, N + 1)
FALLING = 1 + 2 * X**-0.7


def slow(seed, n=N, rho=0.9, sd=0.03):
    e = np.random.default_rng(seed).standard_normal(n)
    for i in range(1, n):
        e[i] = rho * e[i - 1] + np.sqrt(1 - rho**2) * e[i]
    return sd * e


def white(seed, n=N, sd=0.03):
    return sd * np.random.default_rng(seed).standard_normal(n)


def traced(y):
    curve = Curve(np.arange(1.0, y.size + 1), y, "val_loss")
    return curve, Evidence(Run("r", {"val_loss": curve})).trace("val_loss")


def constant():
    return Schedule(X, np.full(N, 0.1))


# steps


@pytest.mark.parametrize("rho", [0.0, 0.7])
def test_the_scan_is_generalized_least_squares_at_every_place(rho):
    n = 90
    rng = np.random.default_rng(1)
    y = rng.standard_normal((1, n)) + 0.8 * (np.arange(n) >= 40)
    weight = np.exp(np.linspace(-0.3, 0.3, n))[None]
    smooth = _bases(n, 3)[:1]
    size, at = _Phase(y, _bases(n, 3), 6)._scan(smooth, weight, np.array([rho]))
    covariance = weight[0][:, None] * rho ** np.abs(np.subtract.outer(np.arange(n), np.arange(n))) * weight[0]
    inverse = np.linalg.inv(covariance)
    every = []
    for k in range(6, n - 6):
        design = np.column_stack([smooth[0], np.arange(n) >= k])
        gram = np.linalg.inv(design.T @ inverse @ design)
        estimate = gram @ design.T @ inverse @ y[0]
        every.append((abs(estimate[-1]) / np.sqrt(gram[-1, -1]), k, estimate[-1]))
    _, place, best = max(every)
    assert at[0] == place
    assert size[0] == pytest.approx(best, rel=1e-9)


def test_under_slow_noise_a_step_is_found_that_averages_hide():
    step = 0.1 * (X > 330)
    found = [traced(FALLING + slow(i) + step) for i in range(8)]
    fine = [strongest_steps(curve, trace, 0.002) for curve, trace in found]
    assert sum(any(abs(trace.at[c.at] - 330) < 20 for c in f) for f, (_, trace) in zip(fine, found, strict=True)) >= 6
    assert sum(bool(changes(trace, 0.002)) for _, trace in found) <= 3


def test_without_a_step_none_is_found():
    quiet = [traced(FALLING + (slow(100 + i) if i % 2 else white(100 + i))) for i in range(40)]
    assert sum(bool(strongest_steps(*each, 0.002)) for each in quiet) <= 1


def test_short_curves_are_left_to_the_averages():
    assert strongest_steps(*traced(FALLING[:60] + 0.5 * (X[:60] > 30)), 0.002) == ()


def test_a_small_step_up_stays_one_although_the_curve_falls_on_below_it():
    y = 1 + 2 * X**-0.3 + 0.05 * (X > 250) + white(3, sd=0.01)
    assert y[-20:].mean() < y[230:250].mean()
    said = registry["regime_change"](Evidence(Run("r", {"val_loss": Curve(X, y, "val_loss")}, schedule=constant())))
    assert said.present
    assert said.where[0].value == pytest.approx(251, abs=6)


def test_restarts_of_a_rate_that_is_not_logged_are_no_changes_of_regime():
    u = (X - 1) % 150 / 150
    y = 0.5 + X**-0.5 + 0.3 * (1 + np.cos(np.pi * u)) / 2 + white(4, sd=0.01)
    said = registry["regime_change"](Evidence(Run("r", {"val_loss": Curve(X, y, "val_loss")})))
    assert not said.present


# bumps


def test_a_bump_below_the_noise_of_single_values_is_placed():
    height = 0.12 * np.exp(-(((X - 300) / 48) ** 2) / 2)
    found = bump(traced(FALLING + height + white(5, sd=0.05))[1], 0.01)
    assert found.p_value < 1e-4
    assert found.peak == pytest.approx(299, abs=25)
    assert found.minimum < found.peak < found.recovery
    low, high = found.intervals[1]
    assert low <= found.peak <= high


@pytest.mark.parametrize("noise", [white, slow])
def test_a_falling_curve_has_no_bump(noise):
    values = [bump(traced(FALLING + noise(200 + i))[1], 0.0) for i in range(20)]
    assert sum(v is not None and v.p_value < 0.01 for v in values) <= 2


def test_values_that_do_not_vary_have_no_bump():
    assert bump(traced(np.ones(50))[1], 0.01) is None


def test_a_rise_without_a_fall_before_it_is_no_double_descent():
    y = 1 + np.exp(-(((X - 200) / 80) ** 2) / 2) - 0.5 * (X / N) + white(6)
    assert not registry["double_descent"](Evidence(Run("r", {"val_loss": Curve(X, y, "val_loss")}))).present


# sawteeth


def sawtooth(epoch, size=0.06, seed=7):
    y = FALLING + size * ((X - 1) % 60 / 60 - 0.5) + white(seed, sd=0.1)
    curves = {"train_loss": Curve(X, y, "train_loss")}
    if epoch is not None:
        curves["epoch"] = Curve(X, epoch, "epoch")
    return registry["periodic"](Evidence(Run("r", curves)))


def test_a_sawtooth_is_found_by_the_logged_epoch_whole_or_not():
    fraction = (X - 1) / 60
    for epoch in (fraction, np.floor(fraction)):
        said = sawtooth(epoch)
        assert said.present
        assert said.evidence["period"] == pytest.approx(60, rel=0.03)
    assert not sawtooth(None).present  # the search for a period has to be paid for


def test_an_epoch_without_a_sawtooth_is_no_period():
    assert sum(sawtooth((X - 1) / 60, size=0.0, seed=i).present for i in range(20)) == 0


def test_an_epoch_of_another_length_is_not_the_period():
    assert not sawtooth((X - 1) / 47).present


def test_a_decline_that_goes_on_is_no_late_jump():
    x = np.arange(10.0, 7001.0, 10.0)
    late = x[9::10]
    rng = np.random.default_rng(5)
    train = 2.2 + 22 * np.exp(-x / 25) + 4 * x**-0.2 + 0.05 * rng.standard_normal(x.size)
    curves = {
        "loss": Curve(x, train, "loss"),
        "eval_loss": Curve(late, 1.5 + 7.5 * late**-0.3 + 0.015 * rng.standard_normal(late.size), "eval_loss"),
    }
    said = diagnose(Run("m", curves))["grokking"]
    assert not said.present
    assert "gradually" in said.explanation


def test_a_single_value_that_is_off_is_no_double_descent():
    x = np.arange(0.0, 1150.0, 50.0)
    y = 4.6 * np.exp(-x / 40) + 0.015 * np.exp(0.6 * np.random.default_rng(5).standard_normal(x.size))
    off, wide = y.copy(), y.copy()
    off[9:11] += (0.04, 0.32)
    wide[8:13] += (0.1, 0.25, 0.32, 0.25, 0.1)
    said = [diagnose(Run("m", {"val_loss": Curve(x, v, "val_loss")}))["double_descent"] for v in (off, wide)]
    assert not said[0].present
    assert "single value" in said[0].explanation
    assert said[1].present


def test_a_curve_nearly_without_noise_is_not_smoothed():
    run = load_example("healthy")
    said = diagnose(run)["smoothed_input"]
    assert not said.present
    assert said.evidence["chance_smoothed"] > 0.95  # what the trend has missed is slow
    found = 0
    for seed in range(6):
        x, rng = np.arange(1.0, 201.0), np.random.default_rng(seed)
        slow = {
            k: Curve(x, ema(2 - x / 300 + 0.1 * rng.standard_normal(200), 0.98), k) for k in ("train_loss", "val_loss")
        }
        found += diagnose(Run("m", slow))["smoothed_input"].present
    assert found == 6
