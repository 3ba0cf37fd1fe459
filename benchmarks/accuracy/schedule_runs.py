"""Development runs with a learning rate, and forecasting tasks made of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from curvefit import Curve, Schedule

DATA = Path(__file__).resolve().parents[3] / "shared" / "curves" / "schedules_dev.parquet"
CUTOFFS = (0.2, 0.4, 0.6, 0.8)
WARMUP, PEAK = 2160, 3e-4  # multipowerlaw: linear warm-up before the first row, and the highest rate
TRAINED = ("cosine_24000", "constant_24000", "wsdcon_9")  # the fit of the published multi-power table ...
TESTED = ("constant_72000", "cosine_72000", "wsd_20000_24000", "wsdld_20000_24000", "wsdcon_3", "wsdcon_18")


@dataclass(frozen=True)
class ScheduledRun:
    """One run: its curve, the schedule it was given (``told``) and the one in the log (``logged``)."""

    group: str
    name: str
    curve: Curve
    told: Schedule
    logged: Schedule


@dataclass(frozen=True)
class Task:
    """A prefix of a run, and what came at later x."""

    run: ScheduledRun
    cutoff: float
    seen: Curve
    x: NDArray[np.float64]
    y: NDArray[np.float64]


def load(path: Path = DATA) -> list[ScheduledRun]:
    """All runs with a learning rate, one per metric; groups are named ``source/group``, short for the large sources."""
    import pandas as pd

    frame = pd.read_parquet(path)
    runs = []
    for (source, group, run_id, metric), rows in frame.groupby(["source", "group", "run_id", "metric"], sort=True):
        rows = rows.sort_values("x")
        x, y, rate = (rows[c].to_numpy(np.float64) for c in ("x", "y", "lr"))
        name = run_id.rsplit("/", 1)[-1]
        label = f"{source}/{group}"
        logged = Schedule(x, rate)
        told = logged
        if source == "multipowerlaw":
            label, told = f"multipowerlaw {group}", stated(name)
        elif source == "modded_nanogpt":
            other_code = rows.lr_kind.iloc[0] == "logged"  # the one run of another code base
            label = f"modded {group[-7:]} {metric}" + (" other" if other_code else "")
        elif source == "datablations_blowups":
            label = source
        runs.append(ScheduledRun(label, f"{name} {metric}", Curve(x, y, metric), told, logged))
    return runs


def stated(name: str) -> Schedule:
    """The schedule of a multipowerlaw run, from its name; warm-up included."""
    kind, *numbers = re.split("_", name)
    if kind == "constant":
        return Schedule.constant(PEAK, int(numbers[0]), warmup=WARMUP)
    if kind == "cosine":
        return Schedule.cosine(PEAK, int(numbers[0]), final=0.1, warmup=WARMUP)
    if kind in ("wsd", "wsdld"):
        stable, total = int(numbers[0]), int(numbers[1])
        shape = "exponential" if kind == "wsd" else "linear"
        return Schedule.wsd(PEAK, total, decay=1 - stable / total, final=0.1, shape=shape, warmup=WARMUP)
    if kind == "wsdcon":
        return Schedule.step(PEAK, 16_000, [8_000], factor=int(numbers[0]) * 1e-5 / PEAK, warmup=WARMUP)
    raise ValueError(name)


def tasks(run: ScheduledRun, points: int = 1) -> Iterator[Task]:
    """Prefixes at the four cutoffs of x, with the last point (and ``points`` - 1 before it) to be forecast."""
    x, y = run.curve.x, run.curve.y
    for cutoff in CUTOFFS:
        k = int(np.searchsorted(x, x[0] + cutoff * (x[-1] - x[0]), side="right"))
        if k < 5 or x.size - k < 2:
            continue
        asked = np.unique(np.linspace(k, x.size - 1, points + 1).round().astype(int)[1:])
        yield Task(run, cutoff, run.curve.until(float(x[k - 1])), x[asked], y[asked])
