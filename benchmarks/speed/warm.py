"""A second ``analyze`` in the same process: what remains when everything is imported."""

from __future__ import annotations

import numpy as np

from ._timing import Row, row, times
from .logs import columns

BUDGET = 0.060


def run(quick: bool) -> list[Row]:
    """Different curves each time, so that nothing is answered from a cache."""
    import curvefit as cf

    n = 20 if quick else 100
    runs = [cf.Run.from_mapping(columns(1000, seed), x="step") for seed in range(n + 2)]
    for known in runs[:2]:
        cf.analyze(known, "val_loss", horizon=2000)
    found = times([lambda run=run: cf.analyze(run, "val_loss", horizon=2000) for run in runs[2:]])
    share = np.mean(np.array(found.quiet) <= BUDGET)
    return [row("`analyze`, 1,000 points, warm", found, BUDGET, f"; {100 * share:.0f} % of runs within budget")]
