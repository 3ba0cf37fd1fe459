"""Logged runs that are replayed, and the truth that stops are judged by: their local means up to the logged end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curvefit.curves import Curve, Metric
from curvefit.estimands._local_mean import local_means
from curvefit.fitting.autocorrelation import robust_sd

from ..accuracy import curves as development

DATA = development.SCORER.with_name("forecast_dev.parquet")
NOT_TIME = ("samples", "train_samples", "width", "params", "flops")
"""Units of x along which no run goes on: there is nothing to stop."""

UNITS = {"step": "step", "epoch": "epoch", "tokens": "token", "iteration": "iteration"}
FIRST_CHOICE = ("val_loss", "val_acc", "train_loss")
WINDOWS = (1.0, 0.5, 2.0)
"""Factors on the window of the local mean: the one that counts, and how much hangs on it."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LoggedRun:
    """One metric of one run to its logged end.

    Parameters
    ----------
    source, group, name : str
        Where it comes from; the group is the unit of the split and of the bootstrap.
    half : int
        0 or 1, by the parity of a hash of the group.
    curve : Curve
        All that was logged.
    training : ndarray, shape (n,), optional
        Training loss at the same x, where it was logged beside.
    """

    source: str
    group: str
    name: str
    half: int
    curve: Curve
    training: Floats | None = None

    @property
    def sign(self) -> float:
        """+1 when smaller is better."""
        return 1.0 if self.curve.direction == "min" else -1.0

    @cached_property
    def truths(self) -> tuple[Floats, ...]:
        """Local mean at every point, signed so that smaller is better, for each factor of ``WINDOWS``."""
        return tuple(self.sign * m.mean for m in local_means(self.curve, *WINDOWS))

    @cached_property
    def scale(self) -> float:
        """Improvement from the start (first observation or local mean) to the best local mean, at least the noise."""
        truth = self.truths[0]
        start = max(self.sign * float(self.curve.y[0]), float(truth[0]))
        return max(start - float(truth.min()), robust_sd(self.curve.y)) or 1.0

    def compute(self, stop: int) -> float:
        """Share of the logged x that a run which ends with point ``stop`` has used."""
        x = self.curve.x
        return float((x[stop] - min(x[0], 0.0)) / (x[-1] - min(x[0], 0.0)))

    def regret(self, stop: int, window: int = 0) -> float:
        """Best local mean up to the stop against the best of all, as a share of the improvement since the start."""
        truth = self.truths[window]
        return float(truth[: stop + 1].min() - truth.min()) / self.scale


def load(
    per_source: int = 150,
    least: int = 12,
    data: Path = DATA,
    *,
    first: tuple[str, ...] = FIRST_CHOICE,
    only: bool = False,
) -> list[LoggedRun]:
    """One metric per run (validation loss, validation accuracy, training loss, else the first), x in training time.

    Parameters
    ----------
    per_source : int
        Runs of one source at most, the first ones in the scorer's fixed order.
    least : int
        Points of a run at least.
    data : Path
        The development curves, which lie beside the checkout.
    first : tuple of str
        Metrics in the order of choice.
    only : bool
        Whether runs without any of them are left out.
    """
    chosen: dict[tuple[str, str], dict[str, Any]] = {}
    training: dict[tuple[str, str], dict[str, Any]] = {}
    for s in development.scorer().load(str(data)):
        if s["x_unit"] in NOT_TIME or len(s["x"]) < least:
            continue
        key = (s["source"], s["id"].rsplit("|", 1)[0])
        if s["metric"] == "train_loss":
            training[key] = s
        if only and s["metric"] not in first:
            continue
        if key not in chosen or _rank(s["metric"], first) < _rank(chosen[key]["metric"], first):
            chosen[key] = s
    counted: dict[str, int] = {}
    out = []
    for key, s in chosen.items():
        counted[s["source"]] = counted.get(s["source"], 0) + 1
        if counted[s["source"]] <= per_source:
            metric = Metric.infer(s["metric"], kind=s["kind"], direction=s["direction"])
            curve = Curve(s["x"], s["y"], metric, x_unit=UNITS.get(s["x_unit"], "step"))
            group = f"{s['source']}|{s['group']}"
            beside = training.get(key)
            same = beside is not None and beside is not s and np.array_equal(beside["x"], s["x"])
            loss = beside["y"] if beside is not None and same else None
            out.append(LoggedRun(s["source"], group, s["id"], development.half(s), curve, loss))
    return out


def _rank(metric: str, first: tuple[str, ...]) -> int:
    return first.index(metric) if metric in first else len(first)


def group_bootstrap(groups: Sequence[str], draws: int = 1000, seed: int = 0) -> NDArray[np.int64]:
    """How often each run counts in samples of groups with replacement, shape (draws, runs)."""
    names, of = np.unique(np.asarray(groups), return_inverse=True)
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=draws)
    return counts[:, of]
