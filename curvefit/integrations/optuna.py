"""Optuna: pruners that ask what a trial will come to, and how it stands against the others."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..curves import Curve, Metric, Run, UsageError
from ..curves._checks import check_level
from ..curves._optional import optional
from ..decisions.recommend import recommend
from ..estimands import horizon_grid
from ..forecasting.api import forecast
from ..forecasting.forecast import Forecast
from ._base import Watch

__all__ = ["ForecastPruner", "TrialPatiencePruner", "study_runs"]

pruners: Any = optional("optuna.pruners", feature="the Optuna pruner")
_FEWEST = 8  # reports before the first forecast


class ForecastPruner(pruners.BasePruner):
    """Prunes a trial that will hardly beat the best one: P(as good by ``horizon``) below a level, twice in a row.

    Parameters
    ----------
    horizon : float
        Last step that a trial reports when it is not pruned.
    below : float
        The level.
    confirm : int
        Reports in a row at which it has to hold.
    warmup : int
        No pruning before so many reports; at least 8.
    forecasting : callable, optional
        ``(curve, x) -> Forecast``.

    Notes
    -----
    It keeps no state: what trials reported and the best value are in the storage, so a study that is loaded again goes on
    as before. The best value of a study is as noisy as any; what a trial has to beat is the mean behind it.
    """

    def __init__(
        self,
        horizon: float,
        *,
        below: float = 0.05,
        confirm: int = 2,
        warmup: int = _FEWEST,
        forecasting: Callable[[Curve, np.ndarray], Forecast] = forecast,
    ) -> None:
        if not horizon > 0 or confirm < 1:
            raise UsageError(f"horizon={horizon}, confirm={confirm}", code="CF-USE-011", hint="both are positive")
        self._horizon, self._below, self._confirm = float(horizon), check_level(below, "below"), confirm
        self._warmup, self._forecasting = max(warmup, _FEWEST), forecasting
        self.watch = Watch("value", direction="min")  # of the errors: they must not end a study

    def prune(self, study: Any, trial: Any) -> bool:
        """Whether to prune; what Optuna asks after ``trial.report``."""
        return self.watch.safely(self._prune, study, trial, otherwise=False)

    def _prune(self, study: Any, trial: Any) -> bool:
        done = [t.value for t in _others(study, trial)]
        x = np.array(sorted(trial.intermediate_values), dtype=float)
        y = np.array([trial.intermediate_values[int(s)] for s in x], dtype=float)
        if not done or x.size < self._warmup + self._confirm - 1 or x[-1] >= self._horizon:
            return False
        best = min(done) if _sign(study) > 0 else max(done)
        return all(
            self._chance(study, x[: x.size - k], y[: x.size - k], best) < self._below for k in range(self._confirm)
        )

    def _chance(self, study: Any, x: Any, y: Any, best: float) -> float:
        metric = Metric.infer("value", direction="min" if _sign(study) > 0 else "max")
        curve = Curve(x, y, metric)
        ahead = self._forecasting(curve, horizon_grid(curve, self._horizon, 16))
        return recommend(curve, best=best, horizon=self._horizon, forecast=ahead).arithmetic["probability_beats_best"]


class TrialPatiencePruner(pruners.BasePruner):
    """Prunes a trial that has been worse than the other trials at the same steps for several reports in a row.

    Parameters
    ----------
    patience : int
        Reports in a row.
    share : float
        Worse than this share of the others; 0.5 is their median.
    fewest : int
        No pruning before so many other trials are complete.
    """

    def __init__(self, patience: int, *, share: float = 0.5, fewest: int = 4) -> None:
        if patience < 1 or fewest < 1:
            raise UsageError(f"patience={patience}, fewest={fewest}", code="CF-USE-011", hint="both are positive")
        self._patience, self._share, self._fewest = patience, check_level(share, "share"), fewest
        self.watch = Watch("value", direction="min")

    def prune(self, study: Any, trial: Any) -> bool:
        """Whether to prune; what Optuna asks after ``trial.report``."""
        return self.watch.safely(self._prune, study, trial, otherwise=False)

    def _prune(self, study: Any, trial: Any) -> bool:
        others, sign = _others(study, trial), _sign(study)
        steps = sorted(trial.intermediate_values)[-self._patience :]
        if len(steps) < self._patience:
            return False
        for step in steps:
            there = [sign * v for t in others if math.isfinite(v := t.intermediate_values.get(step, math.nan))]
            if len(there) < self._fewest:
                return False
            here = sign * trial.intermediate_values[step]
            if here <= np.quantile(there, self._share):  # a value that is not finite is worse than any
                return False
        return True


def study_runs(study: Any, metric: str = "value") -> list[Run]:
    """Each trial that reported anything as a run: its intermediate values by step, its parameters as attributes."""
    named = Metric.infer(metric, direction="min" if _sign(study) > 0 else "max")
    runs = []
    for t in study.get_trials(deepcopy=False):
        if steps := sorted(t.intermediate_values):
            curve = Curve(steps, [t.intermediate_values[s] for s in steps], named)
            runs.append(Run(f"trial {t.number}", {metric: curve}, attributes={**t.params, "state": t.state.name}))
    return runs


def _sign(study: Any) -> int:
    return 1 if study.direction.name == "MINIMIZE" else -1


def _others(study: Any, trial: Any) -> list[Any]:
    """Complete trials with a value."""
    every = study.get_trials(deepcopy=False)
    return [t for t in every if t.state.name == "COMPLETE" and t.number != trial.number and t.value is not None]
