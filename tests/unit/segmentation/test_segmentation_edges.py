"""Series at the limits: no noise, one x, breaks beside the ends, slow curves."""

import numpy as np
import pytest

import curvefit as cf
from curvefit.curves import DataError, Status

X = np.arange(1.0, 121.0)


@pytest.mark.parametrize(("last", "seed"), [(118, 1), (117, 2), (116, 3)])
def test_a_break_beyond_the_range_searched_is_not_excluded(last, seed):
    noise = 0.01 * np.random.default_rng(seed).standard_normal(120)
    fit = cf.segment((X, 2 - 0.05 * np.maximum(X - last, 0) + noise), 1)
    place = fit.breakpoints[0].interval
    assert place.low < last <= place.high == 120
    assert "drawn out to the end of the data" in fit.reasons[0]
    early = cf.segment((X, 2 + 0.05 * np.maximum(121 - last - X + 1, 0) + noise[::-1]), 1).breakpoints[0].interval
    assert early.low == 1 <= 122 - last < early.high


def test_a_break_inside_keeps_its_interval():
    noise = 0.01 * np.random.default_rng(4).standard_normal(120)
    fit = cf.segment((X, 2 - 0.05 * np.maximum(X - 60, 0) + noise), 1)
    place = fit.breakpoints[0].interval
    assert 58 < place.low < 60.5 and 59.5 < place.high < 62
    assert fit.reasons == ()


def test_the_profiles_are_not_printed():
    fit = cf.segment((X, np.minimum(X, 60) + np.random.default_rng(5).standard_normal(120)), 1)
    assert fit.profiles[0].x.size >= 400
    assert len(repr(fit)) < 3000 and "BreakpointProfile" not in repr(fit)


def test_slopes_that_rest_on_one_point_have_no_interval():
    y = np.array([1.0, 1.01, 0.98, 1.02, 0.99, 1.0, 1.01, 0.99, 1.0, 2.0, 5.0])
    fit = cf.segment((np.arange(11.0), y), 1, min_size=1)
    widths = [s.interval.high - s.interval.low for s in fit.slopes if s.interval is not None]
    assert all(w < 1e6 for w in widths)


def test_selection_and_test_that_disagree_say_so():
    rng = np.random.default_rng(1)
    noise = np.zeros(120)
    for i in range(1, 120):
        noise[i] = 0.7 * noise[i - 1] + 0.02 * rng.standard_normal()
    fit = cf.segment((X, 0.5 + 2 * X**-0.5 + noise))
    said = any("does not exclude none" in r for r in fit.reasons)
    assert said == (len(fit.breakpoints) > 0 and fit.existence_test.p_value > 0.05)
    assert said and fit.status is Status.DEGRADED


@pytest.mark.parametrize("steps", [(60,), (60, 90), (30, 60, 90)])
def test_steps_without_noise_are_dated(steps):
    y = 1 + 0.2 * sum((s < X) * (i + 1.0) for i, s in enumerate(steps))
    found = cf.structural_breaks((X, y))
    assert tuple(place.value for place in found.locations) == steps
    assert all(place.interval is None for place in found.locations)
    assert found.status is Status.DEGRADED and "no noise on one side" in found.reasons[0]
    for cost in ("mean", "meanvar", "linear"):
        assert tuple(place.value for place in cf.changepoints((X, y), cost=cost).locations) == steps, cost


@pytest.mark.parametrize("find", [cf.changepoints, cf.structural_breaks, cf.decay_segments, cf.segment])
def test_one_x_is_refused(find):
    with pytest.raises(DataError, match=r"x"):
        find((np.ones(60), np.random.default_rng(6).standard_normal(60)))


def test_a_trend_is_not_called_a_constant_level_without_doubt():
    noise = 0.02 * np.random.default_rng(7).standard_normal(120)
    trend = cf.changepoints((X, 2 - 0.01 * X + noise))
    assert trend.status is Status.DEGRADED and "cost='linear'" in trend.reasons[-1]
    assert cf.changepoints((X, 2 + noise)).status is Status.OK


def test_few_correlated_points_are_too_few_for_asymptotic_tests():
    rng = np.random.default_rng(8)
    slow = np.zeros(100)
    for i in range(1, 100):
        slow[i] = 0.8 * slow[i - 1] + rng.standard_normal()
    assert "asymptotic" in cf.structural_breaks((X[:100], slow)).reasons[-1]
    assert cf.structural_breaks((X[:100], rng.standard_normal(100))).reasons == ()


def test_a_constant_has_no_decay_breaks_and_known_breaks_lie_inside():
    assert cf.decay_segments((X, np.ones(120))).breakpoints == ()
    with pytest.raises(DataError, match="outside the data"):
        cf.decay_segments((X, 1 + X**-0.5), breaks=[200])


def test_values_whose_squares_vanish_are_refused():
    with pytest.raises(DataError, match="vanish"):
        cf.segment((X, 1e-300 * np.minimum(X, 60)), 1)


def test_a_constant_is_flat_and_a_fixed_slope_has_no_interval():
    flat = cf.segment((X, np.full(120, 1.1)))
    assert (flat.slopes[0].value, flat.intercept.value) == (0.0, 1.1)
    noise = 0.03 * np.random.default_rng(9).standard_normal(120)
    ramp = cf.segment((X, 2 - 0.02 * np.minimum(X, 60) + noise), 1, terminal_slope=0.0)
    assert ramp.slopes[0].interval is not None and ramp.slopes[1].interval is None
