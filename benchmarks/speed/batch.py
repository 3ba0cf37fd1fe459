"""Forecasts of many curves at once, of one curve, and of one under a learning-rate schedule."""

from __future__ import annotations

import json

import numpy as np

from ._timing import Row, output, row, times
from .logs import columns, curves

LEVELS = [0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975]

MEMORY = """
import json, tracemalloc
import curvefit as cf
from benchmarks.speed.batch import LEVELS
from benchmarks.speed.logs import curves
from curvefit.forecasting.forecasters import registry
from curvefit.forecasting.forecasters.pooled import task_of
from curvefit.forecasting.pool.engine import pool
import numpy as np
cf.forecast_many(curves([60] * 600), 120.0)
peaks = []
for n in (1000, 20_000):
    many = curves([60] * n)
    tasks = [task_of(curve, np.array([120.0])) for curve in many]
    pooling = registry["pooled"].pooling
    tracemalloc.start()
    for chunk in pool(tasks, pooling):
        chunk.quantile(np.array(LEVELS))
    peaks.append(tracemalloc.get_traced_memory()[1])
    tracemalloc.stop()
print(json.dumps(peaks))
"""


def run(quick: bool) -> list[Row]:
    """10,000 curves at full size; 7 quantiles of each forecast are taken."""
    import curvefit as cf

    n, repeats = (2000, 3) if quick else (10_000, 5)
    same, mixed = curves([60] * n), curves([10 + i % 500 for i in range(n)])
    eight = np.geomspace(1.1, 2, 8)

    def forecasts(some: list[cf.Curve], factors: np.ndarray) -> None:
        for forecast in cf.forecast_many(some, [c.x[-1] * factors for c in some]):
            forecast.quantile(LEVELS)

    rows = []
    for what, some, factors, budget in (
        (f"{n:,} curves of 60 points, one horizon", same, np.array([2.0]), 1.0),
        (f"{n:,} curves of 60 points, eight horizons", same, eight, 1.5),
        (f"{n:,} curves of 500 different lengths, 10 to 509", mixed, np.array([2.0]), 2.5),
    ):
        forecasts(some[:600], factors)
        found = times([lambda s=some, f=factors: forecasts(s, f)] * repeats, beside=10)
        rows.append(row(what, found, budget * n / 10_000))
    single = times([lambda c=c: cf.forecast(c, 120.0).quantile(LEVELS) for c in same[:200]])
    rows.append(row("one curve of 60 points, warm", single, 0.002))
    small, large = json.loads(output(MEMORY).splitlines()[-1])
    rows.append(
        Row("peak memory of 20,000 curves over that of 1,000", f"{large / small:.2f} x ({large / 1e6:.0f} MB)", "1.5 x",
            1, large / small / 1.5)
    )  # fmt: skip
    return [*rows, scheduled(20 if quick else 60)]


def scheduled(n: int) -> Row:
    """A schedule-aware forecast of one run of 1,000 points, blind forecast and back-tests included."""
    import curvefit as cf

    plan = cf.Schedule.cosine(1e-3, 2000)
    many = [cf.Run.from_mapping(columns(1000, seed), x="step")["val_loss"] for seed in range(n + 2)]

    def ask(curve: cf.Curve) -> None:
        cf.forecast(curve, 2000.0, schedule=plan).quantile(LEVELS)

    ask(many[0]), ask(many[1])
    return row("one run of 1,000 points with its schedule", times([lambda c=c: ask(c) for c in many[2:]]), 0.050)
