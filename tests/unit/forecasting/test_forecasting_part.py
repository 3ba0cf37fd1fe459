"""A forecast at some of its x says what the whole forecast says there."""

import numpy as np
import pytest

import curvefit as cf
from curvefit.forecasting.forecast import Distribution, Forecast
from curvefit.forecasting.forecasters.pooled import Pooled
from curvefit.forecasting.pool.calibration import Stretch
from curvefit.forecasting.pool.gate import Gate

LEVELS = [0.025, 0.2, 0.5, 0.9]
PICKS = [-1, 0, 2, [0, -1], [3, 1], slice(1, 4), slice(None)]


def curves():
    """Losses, an accuracy and a reward, of several lengths, with as many future x as suits the test."""
    rng = np.random.default_rng(4)
    x = [np.arange(1.0, n + 1) for n in (30, 45, 2, 80, 33)]
    out = [cf.Curve(v, 1 + v**-0.5 + 0.01 * rng.standard_normal(v.size), metric="val_loss") for v in x[:3]]
    out.append(cf.Curve(x[3], 0.9 - x[3] ** -0.7 / 2, metric="val_accuracy"))
    out.append(cf.Curve(x[4], np.sqrt(x[4]), metric="episode_reward"))
    return out, [c.x[-1] * np.geomspace(1.1, 3, 5 + i) for i, c in enumerate(out)]


def forecasts(method):
    many, ahead = curves()
    schedule = cf.Schedule.wsd(1e-3, 400) if method == "scheduled" else None
    return cf.forecast_many(many, ahead, method="pooled" if schedule else method, schedule=schedule)


def assert_the_same_there(whole: Forecast, pick):
    every = np.arange(whole.x.size)
    index = every[pick] if isinstance(pick, slice) else every[np.atleast_1d(pick)]
    part = whole.at(pick)
    assert np.array_equal(part.x, whole.x[index])
    assert part.quantile(LEVELS) == pytest.approx(whole.quantile(LEVELS)[index], rel=1e-11)
    assert part.mean(LEVELS) == pytest.approx(whole.mean(LEVELS)[index], rel=1e-11)
    values = [whole.y_last, float(whole.median[0])]
    assert part.cdf(values) == pytest.approx(whole.cdf(values)[index], rel=1e-11)
    own = part.median[:, None] * [[0.99, 1.01]]
    every_own = np.repeat(own[:1], whole.x.size, axis=0)
    every_own[index] = own
    there = whole.observation.cdf(every_own)[index]
    assert part.observation.cdf(own) == pytest.approx(there, rel=1e-11)
    again = part.at(-1)
    assert again.quantile(LEVELS) == pytest.approx(part.quantile(LEVELS)[-1:], rel=1e-11)


@pytest.mark.parametrize("pick", PICKS, ids=str)
@pytest.mark.parametrize("method", ["pooled", "last_value", "random_walk", "parametric", "scheduled"])
def test_a_part_of_a_forecast_says_what_the_whole_says_there(method, pick):
    for whole in forecasts(method):
        assert_the_same_there(whole, pick)


@pytest.mark.parametrize("pick", PICKS, ids=str)
def test_a_stretched_mixture_in_parts(pick):
    rng = np.random.default_rng(0)
    gate = Gate(
        mean=rng.normal(size=96),
        sd=np.exp(rng.normal(size=96)),
        weight=0.2 * rng.normal(size=(2, 96, 5 * 38)),
        bias=rng.normal(size=(2, 5 * 38)),
        stretch=Stretch(np.full(6, 1.3), np.full(6, 0.8)),
    )
    many, ahead = curves()
    for whole in cf.forecast_many(many, ahead, method=Pooled(gate)):
        assert_the_same_there(whole, pick)


class Plain(Distribution):
    """Uniform on [k, k + 1] at the k-th x; knows nothing of parts."""

    def quantile(self, levels):
        return np.arange(6.0)[:, None] + np.asarray(levels)

    def cdf(self, values):
        return np.clip(np.asarray(values) - np.arange(6.0)[:, None], 0, 1)


def test_a_distribution_that_cannot_be_taken_apart_is_asked_for_all():
    part = Plain().at(np.array([-1, 2]))
    assert part.quantile(np.array([0.25])) == pytest.approx(np.array([[5.25], [2.25]]))
    assert part.cdf(np.array([5.5])) == pytest.approx(np.array([[0.5], [1.0]]))
    assert part.cdf(np.array([[5.5], [2.5]])) == pytest.approx(np.array([[0.5], [0.5]]))
    assert part.crps(np.array([[5.5], [2.5]])) == pytest.approx(np.full((2, 1), 1 / 12), rel=1e-3)
