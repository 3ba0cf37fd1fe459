"""Values and x at the edge of what floating point holds: finite, ordered, never of zero width, never a warning."""

from __future__ import annotations

import numpy as np
import pytest

import curvefit as cf

LEVELS = [0.025, 0.1, 0.5, 0.9, 0.975]
FALL = np.array([8.0, 7, 6, 5, 4.2, 3.8, 3.5, 3.4]) / 8
SWINGS = FALL * [1, -1, 1, -1, 1, -1, 1, -1]
EVEN = np.arange(1, 9.0)
CASES = {
    "x a rounding apart": (np.sort(np.r_[EVEN, np.nextafter(EVEN, 10)]), np.r_[FALL, 0.9 * FALL]),
    "x within a millionth of a millionth": (1e3 * (1 + 1e-12 * EVEN), FALL),
    "the last two x a rounding apart": (np.r_[EVEN, np.nextafter(8, 9)], np.r_[FALL, 0.4]),
    "x that jumps to 1e300": (np.array([1, 2, 3, 1e300]), FALL[:4]),
    "x from 1e-300": (np.array([1e-300, 2e-300, 3e-300, 1]), FALL[:4]),
    **{f"values up to {s:g}": (EVEN, s * FALL) for s in (5e-324, 1e-310, 1e-300, 1e300, 1.7e308)},
    **{f"swings of {s:g}": (EVEN, s * SWINGS) for s in (1e-300, 1e300, 1.7e308)},
}


@pytest.mark.parametrize("method", ["pooled", "unlearned"])
@pytest.mark.parametrize("metric", ["loss", "acc", "reward"])
@pytest.mark.parametrize("name", CASES)
def test_forecasts_at_the_edge_of_floating_point(name, metric, method):
    x, y = CASES[name]
    curve = cf.Curve(x, y, metric=metric)
    ahead = np.array([np.nextafter(x[-1], np.inf), 1.5 * x[-1], 1e6 * x[-1]])
    fc = cf.forecast(curve, ahead, method=method)
    for q in (fc.quantile(LEVELS), fc.mean(LEVELS)):
        assert np.isfinite(q).all()
        assert np.all(q[:, 1:] >= q[:, :-1])
    if y.max() > y.min():
        assert np.all(fc.quantile(LEVELS)[:, -1] > fc.quantile(LEVELS)[:, 0])


@pytest.mark.parametrize("h", [2, 10, 300])
def test_a_loss_that_falls_towards_zero_is_not_certain_of_it(h):
    falling = cf.Curve(np.arange(501, 506.0), [0.8, 0.7, 0.6, 0.5, 0.4], metric="loss")
    q = cf.forecast(falling, [505.0 * h]).quantile(LEVELS)[0]
    assert q[0] >= 0 and q[-1] > 0.001


def test_few_points_leave_room_above_the_latest():
    y = [2.412, 2.405, 2.404, 2.3805, 2.394]  # the last of few: the range of the latest says little
    made = cf.forecast(cf.Curve([1, 2, 3, 4, 5], y, "val_loss"), 6)
    low, high = (float(side[0]) for side in (made.interval(0.95).low, made.interval(0.95).high))
    assert low < 2.394 < high and high - 2.394 > 0.1 * (2.394 - low)


@pytest.mark.parametrize(
    ("top", "says"), [(1.27, "taken as percent"), (150, "neither shares nor percent"), (0.9, None), (90, None)]
)
def test_accuracies_outside_their_range_are_said(top, says):
    made = cf.forecast(cf.Curve(range(1, 21), np.linspace(0.3 * top, top, 20), "val_accuracy"), 40)
    assert any(says in r for r in made.reasons) if says else made.reasons == ()
    assert (made.status is cf.Status.DEGRADED) == bool(says)


@pytest.mark.parametrize("method", ["last_value", "random_walk", "parametric"])
@pytest.mark.parametrize("y", [[2.0], [2.0, 1.99]])
def test_one_or_two_points_are_no_certainty_for_any_forecaster(method, y):
    made = cf.forecast(cf.Curve(range(1, len(y) + 1), y, "val_loss"), 4, method=method).interval(0.95)
    assert float(made.high[0] - made.low[0]) > 0.5
