"""The kink before a plateau agrees with the general broken line, and its short cuts with the full search."""

import numpy as np
import pytest

from curvefit.segmentation._existence import _bent
from curvefit.segmentation._level_kink import level_kink
from curvefit.segmentation._profile import hinge_profile, orthonormal
from curvefit.segmentation._search import Design
from curvefit.segmentation.segmented_regression import segment


def drawn(seed, n=64):
    rng = np.random.default_rng(seed)
    x = np.arange(1.0, n + 1)
    y = 0.5 + np.maximum(0.0, 0.3 * np.log(30 / x)) + 0.03 * rng.standard_normal(n)
    return x, y, rng.uniform(0.5, 1.0, n)


@pytest.mark.parametrize("seed", range(4))
def test_it_is_that_of_the_better_axis(seed):
    x, y, w = drawn(seed)
    found = level_kink(x, y, w)
    fits = [segment((x, y), 1, terminal_slope=0.0, weights=w, x_axis=axis) for axis in ("linear", "log")]
    best = min(fits, key=lambda one: one.rss)
    place = best.breakpoints[0]
    assert found.x == pytest.approx(place.value, rel=1e-12)
    assert (found.low, found.high) == pytest.approx((place.interval.low, place.interval.high), rel=1e-9)
    assert found.p_value == pytest.approx(best.existence_test.p_value, rel=1e-12)


def test_nothing_is_said_of_what_does_not_vary_or_fits_exactly():
    x = np.arange(1.0, 41.0)
    assert level_kink(x, np.ones(40), np.ones(40)) is None
    assert level_kink(x, np.maximum(20.0 - x, 0.0), np.ones(40)) is None


@pytest.mark.parametrize("side", ["left", "right", "both"])
def test_what_reaches_a_threshold_is_what_the_maximum_says(side):
    rng = np.random.default_rng(5)
    x, w = np.sort(rng.uniform(0, 1, 40)), rng.uniform(0.5, 2.0, 40)
    base = np.column_stack([np.ones(40), x]) if side == "both" else np.ones((40, 1))
    y = np.cumsum(rng.standard_normal((40, 300)), axis=0)
    profile = hinge_profile(x, y, w, orthonormal(base, w), side=side)
    largest = profile.best()[1]
    thresholds = largest * rng.choice([0.9, 0.999, 1.0, 1.001, 1.1], 300)
    assert np.array_equal(profile.reaches(thresholds), largest >= thresholds)
    assert 50 < np.count_nonzero(profile.reaches(thresholds)) < 250


@pytest.mark.parametrize("n", [23, 64])
@pytest.mark.parametrize(("first", "last"), [(False, False), (True, False), (False, True)])
def test_series_that_are_left_out_have_no_such_breakpoint(first, last, n):
    rng = np.random.default_rng(6)
    x = np.sort(rng.standard_normal(n))
    design = Design((x - x.mean()) / x.std(), np.zeros(n), rng.uniform(0.5, 2.0, n), 0.0, first, last, 2)
    y = np.cumsum(rng.standard_normal((n, 400)), axis=0)
    profile = design.profile(np.zeros(0), y)
    explained = profile.best()[1] / profile.base_rss
    for quantile in (0.5, 0.8, 0.95):
        share = float(np.quantile(explained, quantile))
        kept = _bent(design, y, share)
        assert np.all(kept[explained >= share])
    assert np.count_nonzero(~kept) > 40  # of the largest share
