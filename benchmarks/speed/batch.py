"""Forecasts of many curves at once, of one curve, and of one under a learning-rate schedule."""

from __future__ import annotations

import json
import warnings

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

    rows, per_curve = [], 0.0
    for what, some, factors, budget in (
        (f"{n:,} curves of 60 points, one horizon", same, np.array([2.0]), 1.0),
        (f"{n:,} curves of 60 points, eight horizons", same, eight, 1.5),
        (f"{n:,} curves of 500 different lengths, 10 to 509", mixed, np.array([2.0]), 2.5),
    ):
        forecasts(some[:600], factors)
        found = times([lambda s=some, f=factors: forecasts(s, f)] * repeats, beside=10)
        rows.append(row(what, found, budget * n / 10_000))
        per_curve = per_curve or found.median / n
    single = times([lambda c=c: cf.forecast(c, 120.0).quantile(LEVELS) for c in same[:200]])
    rows.append(row("one curve of 60 points, warm", single, 0.002))
    peers = times([lambda c=c: pow3(c.x, c.y, 120.0) for c in same[: 20 if quick else 100]])
    ahead = peers.median / per_curve
    rows.append(
        Row("a curve of the batch against a pow3 fit from four starts", f"{ahead:.0f} x faster", "100 x",
            len(peers.seconds), 100 / ahead)
    )  # fmt: skip
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


def pow3(x: np.ndarray, y: np.ndarray, ahead: float) -> np.ndarray:
    """Least squares of c + a x^-b from four starts, with the normal interval of the delta method."""
    from scipy.optimize import curve_fit
    from scipy.special import ndtri

    def law(t: np.ndarray, c: float, a: float, b: float) -> np.ndarray:
        return c + a * t**-b

    def slopes(t: np.ndarray, c: float, a: float, b: float) -> np.ndarray:
        p = t**-b
        return np.column_stack([np.ones_like(t), p, -a * p * np.log(t)])

    t, there = x / x[-1], np.array([ahead / x[-1]])
    best = (np.inf, np.zeros(3), np.zeros((3, 3)))
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for b in (0.1, 0.3, 0.7, 1.5):
            c, a = np.linalg.lstsq(np.column_stack([np.ones_like(t), t**-b]), y, rcond=None)[0]
            try:
                found, covariance = curve_fit(law, t, y, p0=(c, a, b), jac=slopes, method="lm", maxfev=2000)
            except RuntimeError:
                continue
            sse = float(np.sum((y - law(t, *found)) ** 2))
            if sse < best[0]:
                best = sse, found, covariance
        sse, found, covariance = best
        j = slopes(there, *found)
        sd = np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", j, covariance, j), 0) + sse / (t.size - 3))
        return law(there, *found)[:, None] + sd[:, None] * ndtri(np.array(LEVELS))
