"""When others stop: patience, Prechelt's three criteria, Optuna's pruners; each as it was published.

Values come signed so that smaller is better. A rule returns the position of the observation after which it stops, the
last one when it never does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from curvefit.fitting.autocorrelation import robust_sd

Floats = NDArray[np.float64]

STRIP = 5  # observations that Prechelt counts at once
STARTUP = 5  # completed trials before a pruner says anything


def patience(y: Floats, wait: int, noise_scaled: bool = False) -> int:
    """Stop when ``wait`` observations in a row have not been better than the best by more than min_delta.

    min_delta is 0 or the robust standard deviation of one observation, from those seen so far.
    """
    best, since = np.inf, 0
    for k, value in enumerate(y):
        least = robust_sd(y[: k + 1]) if noise_scaled and k >= 4 else 0.0
        if value < best - least:
            best, since = float(value), 0
        else:
            since += 1
            if since >= wait:
                return k
    return len(y) - 1


def generalization_loss(error: Floats) -> Floats:
    """Prechelt's GL in percent: the error over the smallest one so far, less 1."""
    return 100 * (error / np.minimum.accumulate(error) - 1)


def prechelt_gl(error: Floats, alpha: float) -> int:
    """GL: stop when the generalization loss exceeds alpha percent."""
    return _first(generalization_loss(error) > alpha)


def prechelt_pq(error: Floats, training: Floats, alpha: float) -> int:
    """PQ: stop when the generalization loss over the progress of training in the last strip exceeds alpha."""
    loss = generalization_loss(error)
    said = np.zeros(error.size, bool)
    for k in range(STRIP - 1, error.size, STRIP):
        strip = training[k - STRIP + 1 : k + 1]
        progress = 1000 * (strip.mean() / strip.min() - 1)
        said[k] = loss[k] > alpha * progress
    return _first(said)


def prechelt_up(error: Floats, strips: int) -> int:
    """UP: stop when the error has grown from strip to strip so many times in a row."""
    ends = np.arange(STRIP - 1, error.size, STRIP)
    grown = np.r_[False, np.diff(error[ends]) > 0]
    run = 0
    for k, up in zip(ends, grown, strict=True):
        run = run + 1 if up else 0
        if run >= strips:
            return int(k)
    return error.size - 1


def _first(said: NDArray[np.bool_]) -> int:
    return int(np.argmax(said)) if said.any() else said.size - 1


Pruner = Callable[[Floats, Sequence[Floats]], bool]


def percentile_pruner(percentile: float) -> Pruner:
    """Prune when the trial's best is worse than this percentile of the completed trials' values at the same step."""

    def prune(seen: Floats, completed: Sequence[Floats]) -> bool:
        if len(completed) < STARTUP:
            return False
        here = [y[seen.size - 1] for y in completed if y.size >= seen.size]
        return bool(here) and bool(seen.min() > np.percentile(here, percentile))

    return prune


def patient_pruner(inner: Pruner, wait: int) -> Pruner:
    """The same, only when the trial has not improved for more than ``wait`` steps."""

    def prune(seen: Floats, completed: Sequence[Floats]) -> bool:
        if seen.size <= wait + 1:
            return False
        late = wait + 1
        return bool(seen[:-late].min() < seen[-late:].min()) and inner(seen, completed)

    return prune


def prune_sweep(trials: Sequence[Floats], pruner: Pruner) -> Iterator[int]:
    """Where each trial of a sweep, one after the other, is pruned; only trials that came to their end are compared to."""
    completed: list[Floats] = []
    for y in trials:
        stop = next((k for k in range(y.size - 1) if pruner(y[: k + 1], completed)), y.size - 1)
        if stop == y.size - 1:
            completed.append(y)
        yield stop
