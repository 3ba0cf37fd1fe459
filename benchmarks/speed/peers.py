"""A pow3 fit from four starts against a forecast of the batch, per curve, on real curves; needs ../shared."""

from __future__ import annotations

import numpy as np

from benchmarks.accuracy.curves import SCORER, scorer

from ._timing import Row, times
from .batch import LEVELS


def run(quick: bool) -> list[Row]:
    """The scorer's own pow3 on the first series of each source, ours on many; forecasts of the last point from 20 to 80 %."""
    if not SCORER.exists():
        return []
    import curvefit as cf

    score = scorer()
    series = score.load(SCORER.parent / "forecast_dev.parquet", limit=10 if quick else 40)
    tasks = [(series[i], k) for i, _, k, _ in score.tasks(series)]
    first = {s["id"] for s in score.load(SCORER.parent / "forecast_dev.parquet", limit=1)}
    few = [(s, k) for s, k in tasks if s["id"] in first]

    def theirs(s: dict, k: int) -> None:
        try:
            score.pow3_multistart(s["x"][:k], s["y"][:k], s["x"][-1:], s["direction"], s["kind"])
        except (RuntimeError, ValueError, np.linalg.LinAlgError):
            return

    curves = [
        cf.Curve(s["x"][:k], s["y"][:k], cf.Metric.infer(s["metric"], direction=s["direction"], kind=s["kind"]))
        for s, k in tasks
    ]
    ahead = [s["x"][-1:] for s, _ in tasks]

    def ours() -> None:
        for forecast in cf.forecast_many(curves, ahead):
            forecast.quantile(LEVELS)

    ours()
    mine = times([ours] * 3, beside=10).median / len(tasks)
    peer = sum(times([lambda s=s, k=k: theirs(s, k) for s, k in few]).quiet) / len(few)
    return [
        Row(
            f"a real curve in a batch of {len(tasks):,} against a pow3 fit from four starts",
            f"{peer / mine:.0f} x faster ({1e3 * mine:.2f} ms against {1e3 * peer:.1f} ms)",
            "100 x",
            len(few),
            100 * mine / peer,
        )
    ]
