"""The default `Monitor` over logged runs as they came in, with a gate that has not seen their group.

One pass per run records the evaluations up to where the most patient setting of ``confirm`` has stopped: where each
setting would have is read off them. Evaluations depend on nothing but the observations so far, so P(gain) of all of them is
computed in one batch beforehand. Where it is one half or more no criterion of the default setting can hold (the rules of
`recommend` ask for less), other than a divergence of training, and the evaluation is left out unless it is of a training
loss; all others are the monitor's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curvefit.curves import Curve
from curvefit.decisions._gain import Gains, smallest_gain
from curvefit.decisions._memory import FIRST
from curvefit.decisions._options import WIDEST
from curvefit.decisions.monitor import _SPARSER, Monitor
from curvefit.forecasting.chances import Chances, using

from . import gates
from .runs import LoggedRun

Floats = NDArray[np.float64]
COLUMNS = ("at", "held", "min_gain", "chance", "level")
CERTAINLY = 0.55  # a little above one half: a forecast to the horizon alone differs from one on a grid by rounding
MOST = 4  # criteria in a row beyond which a run is not followed any further
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
    min_gain, chance, level : ndarray, shape (m,)
        Smallest gain that matters, P(gain >= it at the horizon), and the level now in the unit of the metric.
    """

    run: LoggedRun
    at: NDArray[np.int64]
    held: NDArray[np.bool_]
    min_gain: Floats
    chance: Floats
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


def monitor_of(run: LoggedRun, **options: Any) -> Monitor:
    """A monitor of this run that knows how long it is planned to be, and nothing else; with the gate of its half."""
    curve = run.curve
    known = {"x_unit": curve.x_unit, "horizon": float(curve.x[-1]), "forecasting": gates.pooled_one(run.half)}
    return Monitor(curve.metric, **known, **options)


def chances_of(runs: Sequence[LoggedRun], half: int) -> Iterator[dict[int, tuple[float, float, float]]]:
    """For each run, by number of observations: P(gain >= min_gain at the horizon), min_gain, and the level now."""
    asked, curves = [], []
    for run in runs:
        counts = evaluations(len(run.curve))
        asked.append(counts)
        curves += [Curve(run.curve.x[:k], run.curve.y[:k], run.curve.metric, x_unit=run.curve.x_unit) for k in counts]
    ends = [run.curve.x[-1:] for run, counts in zip(runs, asked, strict=True) for _ in counts]
    found = []
    for curve, said in zip(curves, gates.pooled(half).forecast(curves, ends), strict=True):
        least, _ = smallest_gain(None, curve, said.level_now, said.noise)
        found.append((Gains.of(said).probability(least), least, said.level_now))
    each = iter(found)
    for counts in asked:
        yield {k: next(each) for k in counts}


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
            with using(chances[half]):
                known = list(chances_of(part, half))
                made = [_watch(run, said) for run, said in zip(part, known, strict=True)]
            yield from made


class _Sparing(Monitor):
    """A monitor that leaves out evaluations at which no criterion can hold."""

    known: dict[int, tuple[float, float, float]]

    def _evaluate(self, x: float) -> None:
        said = self.known.get(len(self._seen.series))  # none at the logged end
        if said is not None and said[0] >= CERTAINLY and self._asked.metric.split != "train":
            self._seen.streak = dict.fromkeys(self._seen.streak, 0)
        else:
            super()._evaluate(x)


def _watch(run: LoggedRun, known: dict[int, tuple[float, float, float]]) -> Looks:
    curve = run.curve
    monitor = _Sparing(curve.metric, x_unit=curve.x_unit, horizon=float(curve.x[-1]), confirm=WIDEST,
                       forecasting=gates.pooled_one(run.half))  # fmt: skip
    monitor.known = known
    rows: list[tuple[int, bool, float, float, float]] = []
    in_a_row = 0
    for k, (x, y) in enumerate(zip(curve.x, curve.y, strict=True)):
        monitor.update(x, y)
        if k + 1 in known:
            holds = monitor._seen.streak["gain"] > 0 or monitor._seen.streak["diverged"] > 0
            rows.append((k, holds, *known[k + 1]))
            in_a_row = in_a_row + 1 if holds else 0
            if in_a_row >= MOST:
                break
    if monitor._said:
        raise RuntimeError(f"the monitor failed on {run.name}: {monitor._said}")
    at, held, chance, gain, level = [np.array(c) for c in zip(*rows, strict=True)] if rows else [np.empty(0)] * 5
    return Looks(run, at.astype(np.int64), held.astype(bool), gain, chance, level)
