"""A curve of a million points: time after reading, and memory beside the two arrays."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys

from ._timing import Row, environment

PROGRAM = """
import json, time, tracemalloc
import numpy as np
import curvefit as cf
from benchmarks.speed.logs import columns
cf.analyze(cf.Curve(np.arange(1., 101), 2 + np.arange(1., 101) ** -.5, metric="val_loss"), horizon=200)
data = columns(1_000_000, seed={seed})
curve = cf.Curve(data["step"], data["val_loss"], metric="val_loss")
del data
start = time.perf_counter()
cf.analyze(curve, horizon=2e6)
seconds = time.perf_counter() - start
tracemalloc.start()
cf.analyze(curve, horizon=2e6)
peak = tracemalloc.get_traced_memory()[1]
print(json.dumps(dict(seconds=seconds, peak=peak, size=curve.x.nbytes + curve.y.nbytes)))
"""


def run(quick: bool) -> list[Row]:
    """Fresh processes; memory is the peak of what the analysis allocates (tracemalloc), measured in a run of its own."""
    n = 3 if quick else 7
    results = []
    for seed in range(n):
        out = subprocess.run(
            [sys.executable, "-c", PROGRAM.format(seed=seed)],
            env=environment(),
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        results.append(json.loads(out.splitlines()[-1]))
    seconds = statistics.median(r["seconds"] for r in results)
    memory = max(r["peak"] / r["size"] for r in results)
    return [
        Row("`analyze`, 1,000,000 points, after reading", f"{seconds:.2f} s", "1 s", n, seconds <= 1),
        Row("the same: peak memory over that of x and y", f"{memory:.2f} x", "4 x", n, memory <= 4),
    ]
