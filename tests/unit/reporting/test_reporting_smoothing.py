"""Display smoothers against the recurrences their viewers publish, written out by hand here."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from curvefit.reporting.smoothing import (
    SMOOTHERS,
    local_regression,
    moving_average,
    smooth,
    tensorboard_ema,
    wandb_ema,
)


def test_tensorboard_worked_by_hand():
    # w = .5: s = .5, 1.25, 2.125; divided by 1/2, 3/4, 7/8
    assert np.allclose(tensorboard_ema([1, 2, 3], 0.5), [1, 5 / 3, 17 / 7], rtol=1e-15)


def test_tensorboard_recurrence_skips_what_is_not_finite():
    """The viewer's loop: last = last w + (1 - w) y; debiased by 1 - w^n over the finite values so far."""
    y = [3.0, np.nan, 1.0, np.inf, 2.0, 2.5]
    last, n, expected = 0.0, 0, []
    for v in y:
        if not np.isfinite(v):
            expected.append(v)
            continue
        last = last * 0.9 + 0.1 * v
        n += 1
        expected.append(last / (1 - 0.9**n))
    assert np.allclose(tensorboard_ema(y, 0.9), expected, rtol=1e-14, equal_nan=True)


def test_wandb_recurrence():
    """The documented loop: weight^(dx / range * 1000), last = last w' + y, debias = debias w' + 1."""
    x, y = [0.0, 1.0, 5.0, 6.0, 20.0], [5.0, 3.0, 4.0, 1.0, 2.0]
    for p in (0.0, 0.3, 0.97, 0.9999, 1.0):
        weight = min(np.sqrt(p), 0.999)
        last = debias = 0.0
        expected = []
        for i in range(5):
            change = (x[i] - x[max(i - 1, 0)]) / 20 * 1000
            adjusted = weight**change
            last = last * adjusted + y[i]
            debias = debias * adjusted + 1
            expected.append(last / debias)
        assert np.allclose(wandb_ema(x, y, p), expected, rtol=1e-14)


def test_wandb_at_one_x_is_a_running_mean():
    assert np.allclose(wandb_ema([2, 2, 2], [1, 2, 6]), [1, 1.5, 3])


def test_moving_average_by_hand():
    assert np.allclose(moving_average([1, 2, 6, 3, 4], 3), [1.5, 3, 11 / 3, 13 / 3, 3.5])
    assert np.allclose(moving_average([1, np.nan, 5], 3), [1, np.nan, 5], equal_nan=True)


def test_local_regression_is_exact_on_a_line_and_ignores_a_spike():
    x = np.arange(200.0)
    y = 3 - 0.01 * x
    assert np.allclose(local_regression(x, y, 0.2), y)
    noisy = y + 0.01 * np.random.default_rng(0).standard_normal(200)
    spiked = noisy.copy()
    spiked[100] = 50
    assert abs(local_regression(x, spiked, 0.2)[100] - y[100]) < 0.02


@pytest.mark.parametrize("how", sorted(SMOOTHERS))
def test_constants_stay_and_lengths_too(how):
    x = np.arange(30.0)
    assert np.allclose(smooth(x, np.full(30, 2.5), how), 2.5)
    assert smooth(x, np.sin(x), how).shape == (30,)
    assert smooth([], [], how).shape == (0,)


@settings(max_examples=50)
@given(arrays(float, st.integers(1, 40), elements=st.floats(-1e6, 1e6)), st.floats(0, 0.999))
def test_averages_stay_within_the_values(y, weight):
    for out in (tensorboard_ema(y, weight), wandb_ema(np.arange(y.size), y, weight), moving_average(y, 5)):
        slack = 1e-9 * (1 + np.abs(y).max())
        assert np.all(out >= y.min() - slack)
        assert np.all(out <= y.max() + slack)


@pytest.mark.parametrize(
    "call",
    [
        lambda: tensorboard_ema([1.0], 1.0),
        lambda: tensorboard_ema([1.0], -0.1),
        lambda: wandb_ema([1.0], [1.0], 1.5),
        lambda: wandb_ema([1.0, 2.0], [1.0]),
        lambda: moving_average([1.0], 0),
        lambda: local_regression([1.0], [1.0], 0),
        lambda: smooth([1.0], [1.0], "tensorbord"),
    ],
)
def test_wrong_arguments_are_named(call):
    with pytest.raises(ValueError, match="CF-USE"):
        call()
