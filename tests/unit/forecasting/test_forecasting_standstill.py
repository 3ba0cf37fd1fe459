"""Curves that have stopped are mostly still there later, and only those."""

from __future__ import annotations

import math

import numpy as np
import pytest

import curvefit as cf

X = np.arange(1, 41.0)


def stopped(at, metric="acc", level=0.75):
    y = np.where(at > X, 0.2 + 0.5 * X / 41, level)
    return cf.Curve(X, y, metric=metric)


def share_at(fc, value, width=1e-9):
    return float(fc.cdf(value + width)[0] - fc.cdf(value - width)[0])


@pytest.mark.parametrize("h", [1.25, 2, 5])
def test_the_share_is_laplaces_rule_over_the_run(h):
    fc = cf.forecast(stopped(16), [40 * h])
    expected = 1 - (1 + 2 * math.log(h)) / (25 + 2)
    assert share_at(fc, 0.75, 1e-5) == pytest.approx(expected, abs=0.02)


def test_a_curve_that_moves_or_has_hardly_stopped_has_no_such_share():
    assert share_at(cf.forecast(stopped(30), [60]), 0.75) < 0.01
    noisy = stopped(16).y + 1e-3 * np.sin(12.9 * X)
    assert share_at(cf.forecast(cf.Curve(X, noisy, metric="acc"), [60]), float(noisy[-1])) < 0.01


def test_single_precision_counts_as_equal_and_rewards_must_be_exact():
    loss = np.where(X < 10, 6 - 0.1 * X, 4.78265953)
    rounded = loss.astype(np.float32).astype(float)
    rounded[-5:-1:2] += 4.8e-7
    assert share_at(cf.forecast(cf.Curve(X, rounded, metric="loss"), [60]), 4.78265953, 1e-4) > 0.85


def test_the_same_alone_and_in_a_batch():
    many = [stopped(16), stopped(39), cf.Curve(X, 1 + X**-0.5, metric="loss")]
    levels = [0.025, 0.1, 0.5, 0.9, 0.975]
    together = cf.forecast_many(many, [60.0])
    for curve, fc in zip(many, together, strict=True):
        alone = cf.forecast(curve, [60.0])
        np.testing.assert_allclose(fc.quantile(levels), alone.quantile(levels), rtol=1e-10)
