"""A second ``analyze`` in the same process: what remains when everything is imported."""

from __future__ import annotations

import statistics

import numpy as np

from ._timing import Row, timed
from .logs import columns


def run(quick: bool) -> list[Row]:
    """Different curves each time, so that nothing is answered from a cache."""
    import curvefit as cf

    n = 20 if quick else 100
    times = []
    for seed in range(n + 2):
        data = columns(1000, seed)
        run = cf.Run.from_mapping({k: np.asarray(v) for k, v in data.items()}, x="step")
        times.append(timed(lambda run=run: cf.analyze(run, "val_loss", horizon=2000)))
    warm = times[2:]
    quick_share = sum(t <= 0.060 for t in warm) / len(warm)
    middle = statistics.median(warm)
    return [
        Row(
            "`analyze`, 1,000 points, warm",
            f"{1e3 * middle:.0f} ms (90 % of runs within {1e3 * float(np.quantile(warm, 0.9)):.0f} ms, "
            f"{100 * quick_share:.0f} % within budget)",
            "60 ms",
            n,
            middle <= 0.060,
        )
    ]
