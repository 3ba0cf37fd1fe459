"""Work, memory and ratios of times that do not depend on the machine."""

from __future__ import annotations

import time
import tracemalloc

import numpy as np
import pytest

import curvefit as cf
from curvefit.fitting import _projection
from curvefit.forecasting.forecasters import registry
from curvefit.forecasting.forecasters.pooled import task_of
from curvefit.forecasting.pool.engine import pool
from curvefit.forecasting.pool.mixture import _Steps

LEVELS = [0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975]


def curves(n, size=60):
    rng = np.random.default_rng(n)
    x = np.arange(1.0, size + 1)
    return [
        cf.Curve(x, 1 + rng.uniform(1, 3) * x ** -rng.uniform(0.3, 0.9) + 0.01 * rng.normal(size=size), "val_loss")
        for _ in range(n)
    ]


@pytest.mark.slow
def test_many_curves_cost_a_fraction_of_one_by_one():
    """Measured about 25 times; 4 would be a loop in disguise."""
    many = curves(300)
    cf.forecast_many(many[:50], 120.0)

    def cpu(work):
        start = time.process_time()
        work()
        return time.process_time() - start

    def together():
        return [f.quantile(LEVELS) for f in cf.forecast_many(many, 120.0)]

    def alone():
        return [cf.forecast(c, 120.0).quantile(LEVELS) for c in many[:100]]

    ratios = [3 * cpu(alone) / cpu(together) for _ in range(3)]
    assert max(ratios) > 4


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_curves():
    peaks = []
    for n in (600, 3000):
        tasks = [task_of(curve, np.array([120.0])) for curve in curves(n)]
        tracemalloc.start()
        for chunk in pool(tasks, registry["pooled"].pooling):
            chunk.quantile(np.array(LEVELS))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.3 * peaks[0]


@pytest.fixture
def counted(monkeypatch):
    """How many distribution functions and sums of squares are evaluated."""
    seen = {"points": 0, "sums": 0}
    take, evaluate = _Steps.take, _projection._evaluate

    def counting_take(self, z, *rest):
        seen["points"] += z.size
        return take(self, z, *rest)

    def counting_evaluate(*arguments):
        seen["sums"] += 1
        return evaluate(*arguments)

    monkeypatch.setattr(_Steps, "take", counting_take)
    monkeypatch.setattr(_projection, "_evaluate", counting_evaluate)
    return seen


def test_one_x_of_many_costs_as_much_as_one_x(counted):
    curve = curves(1)[0]
    whole = cf.forecast(curve, np.linspace(70, 120, 48))
    levels = np.linspace(0.01, 0.99, 99)
    whole.at(-1).mean(levels)
    one = counted["points"]
    whole.mean(levels)
    assert counted["points"] - one > 20 * one


def test_an_analysis_evaluates_no_more_than_it_did(counted):
    """3,300 points of distribution functions and 102 sums of squares when this was written."""
    x = np.arange(1.0, 1001)
    y = 2 + 3 * (x + 3) ** -0.5 + 0.02 * np.random.default_rng(0).standard_normal(x.size)
    cf.analyze(cf.Curve(x, y, metric="val_loss"), horizon=2000)
    assert counted["points"] < 6000
    assert counted["sums"] < 200
