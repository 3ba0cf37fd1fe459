"""Learn the shipped constants of schedule-aware forecasts: the shape prior and the six numbers of the mixture.

    python -m benchmarks.accuracy.schedule_constants            # minutes; writes learned.json
    python -m benchmarks.accuracy.schedule_constants --dry      # prints it only

Shapes are learned per group (one model size, one code base and month); the prior for unknown code is their center and
spread. The numbers of the mixture minimize the CRPS of prefixes of all groups with a learning rate, each group counted
once, with shapes from the sister group where there is one. They are also fitted with each shaped group left
out: those numbers go into the file too, and the acceptance benchmark uses only them.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from curvefit.forecasting.annealed import learned
from curvefit.forecasting.annealed.ahead import look_ahead
from curvefit.forecasting.annealed.component import MixtureNumbers, widen
from curvefit.forecasting.annealed.learn import LearnedShape, learn_shape
from curvefit.forecasting.annealed.shape import Shape, ShapePrior
from curvefit.forecasting.api import forecast_many
from curvefit.forecasting.pool.mixture import t4_cdf
from curvefit.models.annealed import MultiPower

from .schedule_runs import ScheduledRun, Task, load, tasks

VERSION = 1
TARGET = Path(learned.__file__).with_name("learned.json")
SHAPED = {  # groups that shapes are learned from, and the group that plays "the same kind of run" for each
    "multipowerlaw 25M": "multipowerlaw 100M",
    "multipowerlaw 100M": "multipowerlaw 25M",
    "modded 2024-10 val_loss": "modded 2024-12 val_loss",
    "modded 2024-12 val_loss": "modded 2024-10 val_loss",
}
MOST_RUNS = 12  # per group: the runs of one group are alike
START = ShapePrior(  # where learning starts: published shapes, as shares of a run of 24,000 steps
    Shape(0.47, 0.5, MultiPower(0.003, 0.5, 0.5), 0.1, 1.0), 0.1, 0.5, 1.0, 0.01, relative=True, source="start"
)
FOREIGN = {"alpha_sd": 0.05, "log_ratio_sd": 0.35, "log_tau_sd": 1.0, "misfit": 0.01}  # shapes from other code
FIRST_GUESS = np.array([-2.0, -5.0, 0.0, -3.5, 1.0, 0.0])


def learned_shapes(runs: Sequence[ScheduledRun]) -> dict[str, LearnedShape]:
    """Shape of each group in `SHAPED`."""
    found = {}
    for group in SHAPED:
        own = [r for r in runs if r.group == group][:MOST_RUNS]
        same_model = group.startswith("multipowerlaw")
        found[group] = learn_shape([(r.curve, r.told) for r in own], START, shared_levels=same_model)
    return found


def sister_prior(group: str, shapes: dict[str, LearnedShape]) -> ShapePrior:
    """Prior for a group from its sister: of the same code (multipowerlaw), or of other code as shares of the run."""
    other = SHAPED[group]
    if group.startswith("multipowerlaw"):
        return shapes[other].prior(source=other)
    return shapes[other].prior(relative=True, source=other, **FOREIGN)


def pooled_prior(shapes: dict[str, LearnedShape]) -> ShapePrior:
    """Prior for unknown code: the mean of the groups; its widths are their spread and what a new code base adds."""
    parts = [s.prior(relative=True).center for s in shapes.values()]
    kernels = [p.relaxation for p in parts if isinstance(p.relaxation, MultiPower)]

    def mean(values: list[float]) -> float:
        return float(np.mean(values))

    def spread(values: list[float], least: float) -> float:
        return max(float(np.std(values, ddof=1)) * 1.25, least)  # four groups: the t quantile is that much wider

    alphas, ratios, taus = (
        [p.alpha for p in parts],
        [np.log(p.ratio) for p in parts],
        [np.log(k.tau) for k in kernels],
    )
    center = Shape(
        mean(alphas),
        float(np.exp(mean(ratios))),
        MultiPower(float(np.exp(mean(taus))), mean([k.beta for k in kernels]), mean([k.gamma for k in kernels])),
        mean([p.kappa for p in parts]),
        1.0,
    )
    return ShapePrior(
        center,
        alpha_sd=spread(alphas, FOREIGN["alpha_sd"]),
        log_ratio_sd=spread(ratios, FOREIGN["log_ratio_sd"]),
        log_tau_sd=spread(taus, FOREIGN["log_tau_sd"]),
        misfit=FOREIGN["misfit"],
        relative=True,
        source=f"{len(parts)} groups of language-model runs",
    )


@dataclass(frozen=True)
class Evidence:
    """What one task's point says about the six numbers: CDFs are tabulated on a grid around the truth."""

    group: str
    ahead: object
    misfit: float
    point: int
    truth: float
    grid: NDArray[np.float64]
    blind: NDArray[np.float64]
    blind_sd: float
    base: float


def collect(runs: Sequence[ScheduledRun], shapes: dict[str, LearnedShape], default: ShapePrior) -> list[Evidence]:
    """Blind and schedule-aware forecasts of every task, three points of each."""
    count: dict[str, int] = {}
    chosen: list[Task] = []
    for run in runs:
        count[run.group] = count.get(run.group, 0) + 1
        if count[run.group] <= MOST_RUNS:
            chosen += tasks(run, points=3)
    blind = forecast_many([t.seen for t in chosen], [t.x for t in chosen])
    out = []
    for task, fc in zip(chosen, blind, strict=True):
        group = task.run.group
        prior = sister_prior(group, shapes) if group in SHAPED else default
        ahead = look_ahead(task.seen, task.run.told, task.x, prior)
        if ahead is None:
            continue
        q = fc.quantile([0.01, 0.1, 0.5, 0.9, 0.99])
        base = np.maximum(np.abs(task.y - task.seen.y[-1]), np.abs(task.y - q[:, 2]))
        low = np.minimum(np.minimum(q[:, 0], task.y), ahead.location)
        high = np.maximum(np.maximum(q[:, 4], task.y), ahead.location)
        grid = (low - (high - low) / 2)[:, None] + 2 * (high - low)[:, None] * np.linspace(0, 1, 241)
        below = fc.observation.cdf(grid)
        for i in range(task.x.size):
            sd = float(q[i, 3] - q[i, 1]) / 2.5631
            out.append(Evidence(group, ahead, prior.misfit, i, float(task.y[i]), grid[i], below[i], sd, float(base[i])))
    return out


def crps(evidence: Sequence[Evidence], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """CRPS of the blend at six numbers, one per piece of evidence."""
    numbers = MixtureNumbers(*values)
    out = np.empty(len(evidence))
    for j, e in enumerate(evidence):
        part = widen(e.ahead, e.misfit, numbers)
        weight = float(part.weight(np.full(part.scale.size, e.blind_sd))[e.point])
        own = t4_cdf((e.grid - part.location[e.point]) / part.scale[e.point])
        gap = (1 - weight) * e.blind + weight * own - (e.grid >= e.truth)
        out[j] = float(np.mean(gap * gap) * (e.grid[-1] - e.grid[0]))
    return out


def fit_numbers(evidence: Sequence[Evidence], leave_out: str | None = None) -> MixtureNumbers:
    """Six numbers that minimize the CRPS relative to the last value's and the blind error, groups counted once."""
    groups = sorted({e.group for e in evidence} - {leave_out})
    parts = [[e for e in evidence if e.group == g] for g in groups]
    bases = [max(float(np.mean([e.base for e in part])), 1e-12) for part in parts]

    def loss(values: NDArray[np.float64]) -> float:
        scores = [np.minimum(crps(p, values) / b, 10.0).mean() for p, b in zip(parts, bases, strict=True)]
        return float(np.mean(scores)) + 0.0005 * float(np.sum(((values - FIRST_GUESS) / 2) ** 2))

    corners = np.vstack([FIRST_GUESS, FIRST_GUESS + 0.8 * np.eye(FIRST_GUESS.size)])
    found = minimize(
        loss,
        FIRST_GUESS,
        method="Nelder-Mead",
        options={"initial_simplex": corners, "maxiter": 250, "xatol": 0.03, "fatol": 2e-5},
    )
    return MixtureNumbers(*(round(float(v), 3) for v in found.x))


def main() -> None:
    """Learn and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dry", action="store_true", help="print, do not write")
    dry = parser.parse_args().dry
    runs = load()
    shapes = learned_shapes(runs)
    default = pooled_prior(shapes)
    evidence = collect(runs, shapes, default)
    groups = sorted({e.group for e in evidence})
    result = {
        "version": VERSION,
        "made_by": "benchmarks/accuracy/schedule_constants.py",
        "from": {
            "runs with a logged learning rate": groups,
            "points forecast": len(evidence),
            "shapes": {
                g: {"runs": s.runs, "relative_rmse": round(s.rmse, 5), **s.prior(source=g).to_dict()}
                for g, s in shapes.items()
            },
        },
        "prior": default.to_dict(),
        "mixture": asdict(fit_numbers(evidence)),
        "mixture_without": {g: asdict(fit_numbers(evidence, leave_out=g)) for g in SHAPED},
    }
    text = json.dumps(result, indent=1) + "\n"
    if dry:
        print(text)
    else:
        TARGET.write_text(text, encoding="utf-8")
        print(f"wrote {TARGET.name}: {len(text)} bytes, {len(evidence)} points of {len(groups)} groups")


if __name__ == "__main__":
    main()
