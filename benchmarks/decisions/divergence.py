"""Does a run come back after it has diverged? Every loss of the development curves, watched as it came in.

    python -m benchmarks.decisions divergence

At every evaluation of a `Monitor` the diagnosis `diverged` is asked, and nothing else: no forecast. A run is stopped when it
is present at two evaluations in a row, with what the monitor asks beside (`curvefit.decisions._criteria.gone`) and without.
False stops: the local mean gained more than 2 % of the improvement up to the stop afterwards, over the level at the stop
at the logged end, or over the best before it at any time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from curvefit.curves import Curve, Run
from curvefit.decisions._criteria import gone
from curvefit.diagnostics.api import judge
from curvefit.diagnostics.diagnosis import Diagnosis
from curvefit.diagnostics.evidence import Evidence

from .runs import LoggedRun, load
from .watching import evaluations

SMALL = 0.02  # share of the improvement so far that a gain must exceed
NEAR = 0.15  # an end closer to the best than this share of the range is no divergence and is not looked at
CONFIRM = 2
RULES: dict[str, Callable[[Run, Diagnosis], bool]] = {
    "diverged": lambda run, found: True,
    "and deep, certain and old": lambda run, found: gone(run, found, found.metric),
    "and of training: what the monitor asks": gone,
}


def seen(run: LoggedRun) -> list[tuple[int, Run, Diagnosis | None]]:
    """Number of observations, what is known then, and the divergence that is present, at each evaluation."""
    curve, out = run.curve, []
    name, y = curve.metric.name, run.sign * curve.y
    for k in evaluations(len(curve)):
        known = Run("live", {name: Curve(curve.x[:k], curve.y[:k], curve.metric, x_unit=curve.x_unit)})
        near = np.median(y[:k][-3:]) - y[:k].min() < NEAR * np.ptp(y[:k])
        (found,) = (None,) if near else judge(Evidence(known, metric=name), ("diverged",))
        out.append((k, known, found if found is not None and found.present else None))
    return out


def stop(looks: Sequence[tuple[int, Run, Diagnosis | None]], holds: Callable[[Run, Diagnosis], bool]) -> int | None:
    """Position of the observation that ends the run."""
    in_a_row = 0
    for k, known, found in looks:
        in_a_row = in_a_row + 1 if found is not None and holds(known, found) else 0
        if in_a_row >= CONFIRM:
            return k - 1
    return None


def report(runs: Sequence[LoggedRun], title: str) -> None:
    """Print one row per rule."""
    looks = [seen(run) for run in runs]
    print(f"\n| {title}: {len(runs)} runs | stopped | gained by the end | better than its best | regret |")
    print("|---|---|---|---|---|")
    for label, holds in RULES.items():
        ended, by_end, over_best, regrets = 0, 0, 0, []
        for run, each in zip(runs, looks, strict=True):
            at = stop(each, holds)
            if at is None:
                continue
            truth = run.truths[0]
            before = truth[: at + 1].min()
            least = SMALL * (max(run.sign * float(run.curve.y[0]), float(truth[0])) - before)
            ended += 1
            by_end += bool(truth[at] - truth[-1] > least)
            over_best += bool(at + 1 < truth.size and before - truth[at + 1 :].min() > least)
            regrets.append(run.regret(at))
        print(f"| {label} | {ended} | {by_end} | {over_best} | {f'{np.mean(regrets):.4f}' if regrets else ''} |")


def main() -> int:
    """Print the tables."""
    report(load(first=("train_loss",), only=True), "Training loss")
    report(load(first=("val_loss",), only=True), "Validation loss")
    return 0
