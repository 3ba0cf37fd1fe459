"""Prechelt's criteria where there is an error to speak of, and pruners where a sweep has several runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from curvefit.curves import Curve
from curvefit.estimands._local_mean import local_mean
from curvefit.forecasting.chances import Chances, using

from . import policies
from .runs import LoggedRun
from .watching import Looks, monitor_of

Floats = NDArray[np.float64]
ALPHAS = (1.0, 2.0, 3.0, 5.0)
QUOTIENTS = (0.5, 0.75, 1.0, 2.0, 3.0)
STRIPS = (2, 3, 4)
LEAST_TRIALS, MOST_TRIALS = 10, 12


def error_of(run: LoggedRun) -> Floats | None:
    """A positive error: a loss or error as it is, what an accuracy lacks to its bound; None for anything else."""
    y, curve = run.curve.y, run.curve
    if curve.kind == "accuracy":
        y = (100.0 if curve.percent else 1.0) - y
    elif curve.direction != "min":
        return None
    return y if float(y.min()) > 0 else None


def report(looks: Sequence[Looks], chances: Sequence[Chances]) -> None:
    """Print both tables; the corrections of probabilities are those of `watch`."""
    from . import replay

    def row(name: str, some: Sequence[Looks], rule: Callable[[Looks], int]) -> str:
        o = replay.Outcome.of(name, [one.run for one in some], [rule(one) for one in some])
        return f"| {name} | {len(some)} | {o.compute.mean():.3f} | {o.regret.mean():.4f} |"

    print("\n### Prechelt's criteria\n\n| rule | runs | compute | regret |\n|---|---|---|---|")
    errors = {one.run.name: e for one in looks if (e := error_of(one.run)) is not None}
    some = [one for one in looks if one.run.name in errors]
    beside = [one for one in some if one.run.training is not None and float(one.run.training.min()) > 0]
    for alpha in ALPHAS:
        print(row(f"GL {alpha:g}", some, lambda one, a=alpha: policies.prechelt_gl(errors[one.run.name], a)))
    for strips in STRIPS:
        print(row(f"UP {strips}", some, lambda one, s=strips: policies.prechelt_up(errors[one.run.name], s)))
    print(row("Monitor, the same runs", some, replay.stop_of))
    for alpha in QUOTIENTS:
        print(row(f"PQ {alpha:g}", beside, lambda one, a=alpha: _pq(one.run, errors[one.run.name], a)))
    print(row("Monitor, the same runs", beside, replay.stop_of))
    _sweeps(looks, chances)


def _pq(run: LoggedRun, error: Floats, alpha: float) -> int:
    if run.training is None:
        raise ValueError(f"{run.name} has no training loss")
    return policies.prechelt_pq(error, run.training, alpha)


def sweeps(looks: Sequence[Looks]) -> list[list[Looks]]:
    """Groups of at least ten runs with one metric, in a fixed order, at most 12 of each."""
    found: dict[tuple[str, str], list[Looks]] = {}
    for one in looks:
        found.setdefault((one.run.group, one.run.curve.metric.name), []).append(one)
    return [some[:MOST_TRIALS] for some in found.values() if len(some) >= LEAST_TRIALS]


def _sweeps(looks: Sequence[Looks], chances: Sequence[Chances]) -> None:
    from . import replay

    groups = sweeps([one for one in looks if one.run.half == 0])
    rules: dict[str, Callable[[list[Looks]], list[int]]] = {
        "to the end": lambda some: [len(one.run.curve) - 1 for one in some],
        "median pruner": lambda some: _pruned(some, policies.percentile_pruner(50)),
        "percentile pruner, 25": lambda some: _pruned(some, policies.percentile_pruner(25)),
        "patient median pruner, 3": lambda some: _pruned(
            some, policies.patient_pruner(policies.percentile_pruner(50), 3)
        ),
        "patient median pruner, 10": lambda some: _pruned(
            some, policies.patient_pruner(policies.percentile_pruner(50), 10)
        ),
        "Monitor": lambda some: [replay.stop_of(one) for one in some],
        "Monitor(best=best of the trials before)": lambda some: list(_against_best(some, chances)),
    }
    trials = sum(map(len, groups))
    print(f"\n### Sweeps of the scored half: {len(groups)} with {trials} trials\n")
    print("| rule | compute | regret of the sweep | regret per trial |\n|---|---|---|---|")
    for name, rule in rules.items():
        compute, lost, own = [], [], []
        for some in groups:
            stops = rule(some)
            o = replay.Outcome.of(name, [one.run for one in some], stops)
            reached = np.array([one.run.truths[0][: k + 1].min() for one, k in zip(some, stops, strict=True)])
            full = np.array([one.run.truths[0].min() for one in some])
            spread = float(np.median(full) - full.min()) or 1.0
            compute.append(o.compute.mean())
            own.append(o.regret.mean())
            lost.append((reached.min() - full.min()) / spread)
        print(f"| {name} | {np.mean(compute):.3f} | {np.mean(lost):.4f} | {np.mean(own):.4f} |")


def _pruned(some: Sequence[Looks], pruner: policies.Pruner) -> list[int]:
    return list(policies.prune_sweep([one.run.sign * one.run.curve.y for one in some], pruner))


def _against_best(some: Sequence[Looks], chances: Sequence[Chances]) -> Iterator[int]:
    """One trial after the other, each told the best local mean that those before it came to."""
    best: float | None = None
    for one in some:
        run = one.run
        monitor = monitor_of(run, best=best)
        stop = len(run.curve) - 1
        with using(chances[run.half]):
            for k, (x, y) in enumerate(zip(run.curve.x, run.curve.y, strict=True)):
                if monitor.update(x, y).stop:
                    stop = k
                    break
        yield stop
        seen = Curve(run.curve.x[: stop + 1], run.curve.y[: stop + 1], run.curve.metric)
        reached = float((run.sign * local_mean(seen).mean).min())
        best = run.sign * (reached if best is None else min(reached, run.sign * best))
