"""A curve of a million points: time after reading, and memory beside the two arrays."""

from __future__ import annotations

import json

from ._timing import Row, Times, output, row

PROGRAM = """
import json, tracemalloc
import numpy as np
import curvefit as cf
from benchmarks.speed._timing import times
from benchmarks.speed.logs import columns
small = cf.Curve(np.arange(1., 101), 2 + np.arange(1., 101) ** -.5, metric="val_loss")
cf.analyze(small, horizon=200)
data = columns(1_000_000, seed={seed})
curve = cf.Curve(data["step"], data["val_loss"], metric="val_loss")
del data
forecast = times([lambda: cf.forecast(curve, 2e6).quantile([.1, .5, .9])], beside=20)
analysis = times([lambda: cf.analyze(curve, horizon=2e6)], beside=20)
tracemalloc.start()
cf.analyze(curve, horizon=2e6)
peak = tracemalloc.get_traced_memory()[1]
print(json.dumps(dict(
    forecast=[forecast.seconds[0], forecast.references[0]],
    analysis=[analysis.seconds[0], analysis.references[0]],
    memory=peak / (curve.x.nbytes + curve.y.nbytes),
)))
"""


def run(quick: bool) -> list[Row]:
    """Fresh processes; memory is the peak of what the analysis allocates (tracemalloc), measured in a run of its own."""
    n = 3 if quick else 7
    results = [json.loads(output(PROGRAM.format(seed=seed)).splitlines()[-1]) for seed in range(n)]

    def all_of(name: str) -> Times:
        return Times(*zip(*(r[name] for r in results), strict=True))

    memory = max(r["memory"] for r in results)
    return [
        row("`analyze`, 1,000,000 points, after reading", all_of("analysis"), 1.0),
        Row("the same: peak memory over that of x and y", f"{memory:.2f} x", "4 x", n, memory / 4),
        row("`forecast` and three quantiles, 1,000,000 points", all_of("forecast"), 0.3),
    ]
