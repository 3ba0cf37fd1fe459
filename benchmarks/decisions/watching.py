"""The default `Monitor` over logged runs as they came in, with a gate that has not seen their group.

One pass per run records every evaluation up to the logged end, whatever was decided: where each setting of ``confirm``
would have stopped is read off the streaks. Evaluations depend on nothing but the observations so far, so all forecasts of
some runs are made in one batch beforehand; diagnoses and recommendations are those of the monitor itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curvefit.curves import Curve
from curvefit.decisions._memory import FIRST
from curvefit.decisions._options import WIDEST
from curvefit.decisions.monitor import _GRID, _SPARSER, Monitor
from curvefit.estimands import horizon_grid
from curvefit.forecasting.chances import Chances, using
from curvefit.forecasting.forecast import Forecast

from . import gates
from .runs import LoggedRun

Floats = NDArray[np.float64]
COLUMNS = ("at", "held", "min_gain", "chance", "better", "level")
TOGETHER = 40  # runs whose forecasts are made in one batch


@dataclass(frozen=True, eq=False)
class Looks:
    """What a monitor said of one run at each evaluation.

    Parameters
    ----------
    run : LoggedRun
        The run.
    at : ndarray of int, shape (m,)
        Position of the newest observation.
    held : ndarray of bool, shape (m,)
        Whether any criterion of the default setting held.
    min_gain, chance, better, level : ndarray, shape (m,)
        Smallest gain that matters, P(gain >= it at the horizon), P(better than the best so far by it), and the level now
        in the unit of the metric.
    """

    run: LoggedRun
    at: NDArray[np.int64]
    held: NDArray[np.bool_]
    min_gain: Floats
    chance: Floats
    better: Floats
    level: Floats

    def stop(self, confirm: int = 2) -> int | None:
        """Index of the evaluation that stops the run, None when none does."""
        in_a_row = 0
        for j, holds in enumerate(self.held):
            in_a_row = in_a_row + 1 if holds else 0
            if in_a_row >= confirm:
                return j
        return None


def evaluations(n: int) -> list[int]:
    """Numbers of observations at which a monitor asks, below n."""
    out, count = [], FIRST
    while count < n:
        out.append(count)
        count = max(count + 1, int(count * _SPARSER))
    return out


def monitor_of(run: LoggedRun, forecasting: Any, **options: Any) -> Monitor:
    """A monitor of this run that knows how long it is planned to be, and nothing else."""
    curve = run.curve
    return Monitor(
        curve.metric, x_unit=curve.x_unit, horizon=float(curve.x[-1]), forecasting=forecasting, **options
    )  # fmt: skip


def forecasts(runs: Sequence[LoggedRun], half: int) -> Iterator[dict[int, Forecast]]:
    """For each run its forecasts by number of observations, as a monitor would ask for them."""
    asked, curves, grids = [], [], []
    for run in runs:
        counts = evaluations(len(run.curve))
        asked.append(counts)
        for k in counts:
            seen = Curve(run.curve.x[:k], run.curve.y[:k], run.curve.metric, x_unit=run.curve.x_unit)
            curves.append(seen)
            grids.append(horizon_grid(seen, float(run.curve.x[-1]), _GRID))
    made = iter(gates.pooled(half).forecast(curves, grids))
    for counts in asked:
        yield {k: next(made) for k in counts}


def kept(file: Path, runs: Sequence[LoggedRun], chances: Sequence[Chances]) -> list[Looks]:
    """What `watch` says, from the file when it is there, else written to it: a pass takes minutes."""
    if not file.exists():
        looks = list(watch(runs, chances))
        columns = {c: np.concatenate([getattr(one, c) for one in looks]) for c in COLUMNS}
        names = np.concatenate([np.full(one.at.size, one.run.name) for one in looks])
        np.savez_compressed(file, name=names, **columns)
    with np.load(file, allow_pickle=False) as data:
        table = {c: data[c] for c in (*COLUMNS, "name")}
    mine = {run.name: table["name"] == run.name for run in runs}
    return [Looks(run, *(table[c][mine[run.name]] for c in COLUMNS)) for run in runs]


def watch(runs: Sequence[LoggedRun], chances: Sequence[Chances]) -> Iterator[Looks]:
    """Every evaluation of every run, with the corrections of probabilities to be used on each half."""
    for half in (0, 1):
        mine = [run for run in runs if run.half == half]
        for start in range(0, len(mine), TOGETHER):
            part = mine[start : start + TOGETHER]
            for run, known in zip(part, forecasts(part, half), strict=True):
                with using(chances[half]):
                    yield _watch(run, known)


def _watch(run: LoggedRun, known: dict[int, Forecast]) -> Looks:
    monitor = monitor_of(run, lambda curve, x: known[len(curve)], confirm=WIDEST)
    rows: list[tuple[int, bool, float, float, float, float]] = []
    before = None
    for k, (x, y) in enumerate(zip(run.curve.x, run.curve.y, strict=True)):
        monitor.update(x, y)
        said = monitor._seen.answer
        if said is not before and said is not None:
            before = said
            streak = monitor._seen.streak
            sums = said.arithmetic
            rows.append((k, streak["gain"] > 0 or streak["diverged"] > 0, sums["min_gain"], sums["probability"],
                         sums["probability_better"], sums["level_now"]))  # fmt: skip
    if monitor._said:
        raise RuntimeError(f"the monitor failed on {run.name}: {monitor._said}")
    columns = [np.array(c) for c in zip(*rows, strict=True)] if rows else [np.empty(0)] * 6
    at, held, gain, chance, better, level = columns
    return Looks(run, at.astype(np.int64), held.astype(bool), gain, chance, better, level)
