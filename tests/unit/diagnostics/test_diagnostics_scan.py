"""Estimates and standard errors of the scans, against dense matrices."""

import numpy as np
import pytest
from scipy import stats

from curvefit.curves import Curve
from curvefit.diagnostics._leveling import course
from curvefit.diagnostics._phases import Phase
from curvefit.diagnostics._scan import WINDOWS, line, rise, step, student_tail
from curvefit.diagnostics._traces import trace
from curvefit.simulate import NOISES

ALL = (Phase(-np.inf, np.inf),)


def made(seed=0, n=80, noise="ar.5"):
    rng = np.random.default_rng(seed)
    x = np.arange(1.0, n + 1)
    return trace(Curve(x, NOISES[noise].apply(1 + x**-0.5, 0.05, rng), "val_loss"), ALL)


def test_the_dense_check_sees_uneven_noise():
    t = made(0, n=1000, noise="heteroscedastic")
    assert np.ptp(t.weight) > 0.2
    b, cov = dense(t, np.column_stack([np.ones(64), t.at]), 0, 64)
    slope, stderr = line(t, 0, 64)
    assert (slope, stderr) == pytest.approx((b[1], np.sqrt(cov[1, 1])), rel=1e-8)


def dense(t, design, start, stop):
    """Weighted least squares and the covariance that the AR(1) of the trace gives it, written out."""
    m = stop - start
    lag = np.abs(np.subtract.outer(np.arange(m), np.arange(m)))
    sd = t.noise * t.weight[start:stop]
    covariance = t.rho_high**lag * np.outer(sd, sd) / (1 - t.rho_high**2)
    w = np.diag(1 / t.weight[start:stop] ** 2)
    bread = np.linalg.inv(design.T @ w @ design)
    solve = bread @ design.T @ w
    return solve @ t.y[start:stop], solve @ covariance @ solve.T


@pytest.mark.parametrize("window", [(0, 80), (10, 60), (70, 80)])
def test_line_is_weighted_least_squares_with_correlated_errors(window):
    t = made()
    start, stop = window
    design = np.column_stack([np.ones(stop - start), t.at[start:stop]])
    b, cov = dense(t, design, start, stop)
    slope, stderr = line(t, start, stop)
    assert slope == pytest.approx(b[1], rel=1e-8)
    assert stderr == pytest.approx(np.sqrt(cov[1, 1]), rel=1e-8)


@pytest.mark.parametrize("down", [False, True])
def test_rise_is_the_best_hinge_of_all(down):
    t = made(3, n=40)
    found = rise(t, 0, len(t), down=down)
    best = -np.inf
    last = len(t) - 5
    knots = np.unique(np.linspace(0, last, 32).round().astype(int))
    starts = np.unique(np.linspace(0, last, 24).round().astype(int))
    for b in starts:
        for c in knots[knots >= b]:
            design = np.column_stack([np.ones(len(t) - b), np.maximum(t.at[b:] - t.at[c], 0)])
            coef, cov = dense(t, design, b, len(t))
            best = max(best, (-1 if down else 1) * coef[1] / np.sqrt(cov[1, 1]))
    assert found.t == pytest.approx(best, rel=1e-6)
    assert found.p_value == pytest.approx(min(1, WINDOWS * stats.t.sf(best, t.dof)), rel=1e-6)


def test_step_is_generalized_least_squares():
    t = made(4)
    size, stderr = step(t, 10, 40, 70)
    design = np.column_stack([np.ones(60), t.at[10:70], np.log(t.at[10:70] + 1), t.at[10:70] >= t.at[40]])
    sd = t.noise * t.weight[10:70]
    lag = np.abs(np.subtract.outer(np.arange(60), np.arange(60)))
    precision = np.linalg.inv(t.rho_high**lag * np.outer(sd, sd) / (1 - t.rho_high**2))
    cov = np.linalg.inv(design.T @ precision @ design)
    assert size == pytest.approx((cov @ design.T @ precision @ t.y[10:70])[3], rel=1e-6)
    assert stderr == pytest.approx(np.sqrt(cov[3, 3]), rel=1e-6)
    assert step(t, 10, 13, 70) is None


def test_course_is_the_slope_in_the_logarithm():
    t = made(5)
    ahead = course(t, 2.0)
    start = len(t) - round(0.4 * len(t))
    recent = t.since(start)
    design = np.column_stack([np.ones(len(recent)), np.log(recent.at + 1)])
    b, cov = dense(recent, design, 0, len(recent))
    assert ahead.gain == pytest.approx(-b[1] * np.log(2), rel=1e-8)
    assert ahead.stderr == pytest.approx(np.sqrt(cov[1, 1]) * np.log(2), rel=1e-8)


@pytest.mark.parametrize(("t", "dof"), [(0.0, 3), (2.5, 7), (-1.0, 30), (9.0, 50)])
def test_student_tail(t, dof):
    assert student_tail(t, dof) == pytest.approx(stats.t.sf(t, dof), rel=1e-9)


def test_a_decreasing_curve_without_noise_never_rises():
    x = np.arange(1.0, 200.0)
    for y in (1 + x**-0.5, np.exp(-x / 20), 3 - x / 200, np.where(x < 100, 2.0, 1.0) + x**-1.0):
        t = trace(Curve(x, y, "val_loss"), ALL)
        assert rise(t, 0, len(t)).t <= 1e-6


def test_too_few_bins_are_no_test():
    t = made(n=8)
    assert rise(t, 4, 8) is None
