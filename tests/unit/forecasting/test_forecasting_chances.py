"""Probabilities of the mean curve, and their corrections, against closed forms."""

import numpy as np
import pytest

from curvefit.curves import Curve
from curvefit.forecasting.api import forecast
from curvefit.forecasting.chances import AS_STATED, LEARNED, Chances, chance_as_good, chance_reached, using
from curvefit.forecasting.forecasters.pooled import Pooled

X = np.arange(1.0, 61.0)
LOSS = Curve(X, 1.0 + 2.0 * X**-0.5 + 0.02 * np.random.default_rng(0).standard_normal(60), metric="val_loss")
SCORE = Curve(X, -LOSS.y, metric="reward")
P = np.array([0.0, 1e-12, 0.02, 0.3, 0.5, 0.9, 1 - 1e-12, 1.0])


def test_corrections_keep_order_and_ends():
    p = LEARNED.at_once(P)
    assert p[0] == 0 and p[-1] == 1 and np.all(np.diff(p) > 0)
    odds = p[1:-1] / (1 - p[1:-1])
    np.testing.assert_allclose(
        np.log(odds[1:-1]), LEARNED.shift + LEARNED.slope * np.log(P[2:-2] / (1 - P[2:-2])), rtol=1e-9
    )


def test_as_stated_changes_nothing():
    np.testing.assert_allclose(AS_STATED.at_once(P), P, rtol=1e-9)
    np.testing.assert_allclose(AS_STATED.by_then(P[:, None])[:, 0], np.maximum.accumulate(P), atol=1e-12)


def test_reached_by_grows_along_x_and_counts_chances_again():
    p = np.array([[0.2], [0.5], [0.1]])
    np.testing.assert_allclose(Chances(again=2.0).by_then(p)[:, 0], [0.36, 0.75, 0.75])


def test_the_pool_is_corrected_and_other_methods_are_taken_at_their_word():
    for curve, sign in ((LOSS, 1.0), (SCORE, -1.0)):
        fc = forecast(curve, [90.0, 120.0])
        value = float(fc.mean()[-1]) - sign * 0.01
        stated = fc.underlying.cdf(np.array([value]))[:, 0]
        stated = stated if sign > 0 else 1 - stated
        np.testing.assert_allclose(chance_as_good(fc, value)[:, 0], LEARNED.at_once(stated), atol=1e-9)
        walk = forecast(curve, [90.0, 120.0], method="random_walk")
        said = walk.underlying.cdf(np.array([value]))[:, 0]
        np.testing.assert_allclose(chance_as_good(walk, value)[:, 0], said if sign > 0 else 1 - said, atol=1e-9)


def test_other_corrections_hold_inside_their_block_only():
    fc = Pooled().forecast([LOSS], [np.array([120.0])])[0]
    value = float(fc.mean()[0])
    outside = chance_reached(fc, value)[0, 0]
    with using(AS_STATED):
        assert chance_reached(fc, value)[0, 0] == pytest.approx(0.5, abs=1e-6)
    assert chance_reached(fc, value)[0, 0] == outside != pytest.approx(0.5, abs=1e-3)
