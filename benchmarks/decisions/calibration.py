"""Do probabilities come true? P(gain >= min_gain at the horizon), and P(target reached by x), on logged runs.

    python -m benchmarks.decisions calibration [--per-source 150] [--figure FILE.png]

Every run is cut after 10, 20, ... 90 % of its x and forecast to its logged end with a gate that has not seen its group. The
gain counts from the level that the forecast starts at to the local mean at the logged end. Targets lie one, three or ten
smallest gains beyond the level, and at least the noise of one observation; they are reached when the local mean first is.
The corrections of ``curvefit.forecasting.chances`` are learned on one half of the groups and scored on the other.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from curvefit.curves import Curve
from curvefit.decisions._gain import Gains, smallest_gain
from curvefit.estimands import horizon_grid
from curvefit.estimands._base import Question
from curvefit.estimands.target_reached import target_reached
from curvefit.forecasting.chances import AS_STATED, LEARNED, Chances, using

from . import gates
from .runs import LoggedRun, group_bootstrap, load

Floats = NDArray[np.float64]
SHARES = np.arange(1, 10) / 10
AHEAD = (0.25, 0.5, 0.75, 1.0)  # shares of the way to the end at which P(reached by then) is asked
FARTHER = (1, 3, 10)  # smallest gains from the level to the target
ALLOWED, LEAST = 0.07, 50
FIRST = 8
BATCH = 1000


@dataclass(frozen=True, eq=False)
class Cases:
    """Statements and what came of them.

    Parameters
    ----------
    said : ndarray, shape (n,)
        Probabilities of the forecast, not corrected.
    came : ndarray of bool, shape (n,)
        Whether it came.
    half : ndarray of int, shape (n,)
        Half of the run's group.
    group : ndarray of str, shape (n,)
        The group.
    """

    said: Floats
    came: NDArray[np.bool_]
    half: NDArray[np.int64]
    group: NDArray[np.str_]

    @classmethod
    def of(cls, rows: Sequence[tuple[float, bool, int, str]]) -> Cases:
        """From rows of these four."""
        said, came, half, group = zip(*rows, strict=True)
        return cls(np.array(said), np.array(came, bool), np.array(half), np.array(group))


@dataclass(frozen=True, slots=True)
class Row:
    """One tenth of the scale: mean probability, share that came with 95 % over groups, cases."""

    said: float
    came: float
    low: float
    high: float
    cases: int


@dataclass(frozen=True, slots=True)
class Reliability:
    """What is drawn and judged."""

    title: str
    rows: tuple[Row, ...]
    raw_rows: tuple[Row, ...]
    allowed: float = ALLOWED

    @property
    def worst(self) -> float:
        """Largest distance from the diagonal over the tenths with enough cases."""
        return max(abs(r.came - r.said) for r in self.rows)


def cases(runs: Sequence[LoggedRun]) -> tuple[Cases, Cases]:
    """Gains and targets of all runs at all cuts; nothing is corrected."""
    gains: list[tuple[float, bool, int, str]] = []
    targets: list[tuple[float, bool, int, str]] = []
    for half in (0, 1):
        cuts = [(run, k) for run in runs if run.half == half for k in _cuts(run.curve)]
        for start in range(0, len(cuts), BATCH):
            part = cuts[start : start + BATCH]
            seen = [_until(run.curve, k) for run, k in part]
            grids = [horizon_grid(c, float(run.curve.x[-1]), 24) for c, (run, _) in zip(seen, part, strict=True)]
            made = gates.pooled(half).forecast(seen, grids)
            with using(AS_STATED):
                for curve, forecast, (run, k) in zip(seen, made, part, strict=True):
                    least, _ = smallest_gain(None, curve, forecast.level_now, forecast.noise)
                    truth = run.truths[0]
                    gained = run.sign * forecast.level_now - truth[-1] >= least
                    gains.append((Gains.of(forecast).probability(least), bool(gained), half, run.group))
                    away = max(least * FARTHER[len(targets) // len(AHEAD) % 3], forecast.noise)
                    target = forecast.level_now - run.sign * away
                    question = Question(curve=curve, forecast=forecast, horizon=float(forecast.x[-1]), target=target)
                    if target_reached(question).details["already_reached"]:
                        continue
                    by = Gains.of(forecast).ever(target)
                    there = np.flatnonzero(truth[k:] <= run.sign * target)
                    when = float(run.curve.x[k:][there[0]]) if there.size else np.inf
                    last = float(curve.x[-1])
                    for share in AHEAD:
                        x = last + share * (float(forecast.x[-1]) - last)
                        said = float(np.interp(x, np.r_[last, forecast.x], np.r_[0.0, by]))
                        targets.append((said, when <= x, half, run.group))
    return Cases.of(gains), Cases.of(targets)


def _cuts(curve: Curve) -> list[int]:
    """Numbers of observations at which a run is cut: enough of them, and at least two later ones."""
    x = curve.x
    found = {int(np.searchsorted(x, x[0] + share * (x[-1] - x[0]), side="right")) for share in SHARES}
    return sorted(k for k in found if k >= FIRST and x.size - k >= 2)


def _until(curve: Curve, k: int) -> Curve:
    return Curve(curve.x[:k], curve.y[:k], curve.metric, x_unit=curve.x_unit)


def learn(gains: Cases, targets: Cases) -> Chances:
    """Corrections by maximum likelihood, groups weighted by the root of their cases: shift and slope, then the power."""
    from scipy.optimize import minimize, minimize_scalar

    weight = _root_weights(gains.group)
    logit = _logit(gains.said)

    def loss(z: Floats) -> float:
        eta = z[0] + z[1] * logit
        return float((weight * (np.logaddexp(0, eta) - gains.came * eta)).sum() + 5 * (z[0] ** 2 + (z[1] - 1) ** 2))

    shift, slope = minimize(loss, np.array([0.0, 1.0])).x
    once = np.clip(Chances(shift, slope).at_once(targets.said), 1e-4, 1 - 1e-4)

    def missed(k: float) -> float:
        p = 1 - (1 - once) ** k
        return -float(np.mean(np.where(targets.came, np.log(p), np.log(1 - p))))

    return Chances(float(shift), float(slope), float(minimize_scalar(missed, bounds=(1, 4), method="bounded").x))


def _logit(p: Floats) -> Floats:
    q = np.clip(p, 1e-4, 1 - 1e-4)
    out: Floats = np.log(q / (1 - q))
    return out


def _root_weights(group: NDArray[np.str_]) -> Floats:
    _, of = np.unique(group, return_inverse=True)
    weight = 1 / np.sqrt(np.bincount(of))[of]
    out: Floats = weight / weight.mean()
    return out


def corrected(gains: Cases, targets: Cases) -> tuple[Floats, Floats, list[Chances]]:
    """Probabilities with the corrections of the other half, and those corrections by the half they are used on."""
    p, q = gains.said.copy(), targets.said.copy()
    learned = []
    for half in (0, 1):
        own, their = gains.half != half, targets.half != half
        chances = learn(_some(gains, own), _some(targets, their))
        learned.append(chances)
        p[~own] = chances.at_once(gains.said[~own])
        # P(reached by x) comes as a running maximum; corrections keep order, so that of each x can come after it
        q[~their] = 1 - (1 - chances.at_once(targets.said[~their])) ** chances.again
    return p, q, learned


def _some(cases: Cases, rows: NDArray[np.bool_]) -> Cases:
    return Cases(cases.said[rows], cases.came[rows], cases.half[rows], cases.group[rows])


def tenths(said: Floats, cases: Cases, draws: int = 400) -> tuple[Row, ...]:
    """Rows of the tenths with at least 50 cases; intervals by bootstrap over groups."""
    counts = group_bootstrap(list(cases.group), draws).astype(np.float32)
    place = np.minimum((said * 10).astype(int), 9)
    rows = []
    for tenth in range(10):
        mine = place == tenth
        if mine.sum() < LEAST:
            continue
        weight = counts[:, mine]
        total = weight.sum(axis=1)
        drawn = (weight @ (cases.came[mine] - said[mine]).astype(np.float32))[total > 0] / total[total > 0]
        low, high = np.quantile(drawn, [0.025, 0.975]) + said[mine].mean()
        rows.append(
            Row(float(said[mine].mean()), float(cases.came[mine].mean()), float(low), float(high), int(mine.sum()))
        )
    return tuple(rows)


def show(part: Reliability) -> None:
    """Print one table."""
    print(f"\n| {part.title}: said | came (95 % over groups) | difference | cases |\n|---|---|---|---|")
    for r in part.rows:
        print(f"| {r.said:.3f} | {r.came:.3f} ({r.low:.3f}-{r.high:.3f}) | {r.came - r.said:+.3f} | {r.cases:,} |")
    print(f"\nworst {part.worst:.3f}, before the correction {max(abs(r.came - r.said) for r in part.raw_rows):.3f}")


def main(argv: Sequence[str]) -> int:
    """Run the study; 1 when a tenth lies too far from the diagonal."""
    from . import figures

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--per-source", type=int, default=150)
    parser.add_argument("--figure", type=Path, default=Path(__file__).with_name("calibration.png"))
    args = parser.parse_args(argv)
    start = time.process_time()
    runs = load(args.per_source)
    gains, targets = cases(runs)
    p, q, learned = corrected(gains, targets)
    parts = (
        Reliability("P(gain by the horizon)", tenths(p, gains), tenths(gains.said, gains)),
        Reliability("P(target reached by x)", tenths(q, targets), tenths(targets.said, targets)),
    )
    for part in parts:
        show(part)
    for half, chances in enumerate(learned):
        own, their = gains.half == half, targets.half == half
        one, two = tenths(p[own], _some(gains, own), 2), tenths(q[their], _some(targets, their), 2)
        worst = [max(abs(r.came - r.said) for r in rows) for rows in (one, two)]
        print(f"half {half} alone: worst tenth {worst[0]:.3f} (gain), {worst[1]:.3f} (target); corrected by {chances}")
    mixed = np.random.default_rng(0).permutation(p)
    control = max(abs(r.came - r.said) for r in tenths(mixed, gains, 2))
    print(f"negative control, probabilities dealt out at random: worst tenth {control:.3f}")
    print(f"on all runs together: {learn(gains, targets)}; in the package: {LEARNED}")
    figures.reliability(parts, args.figure)
    print(f"{len(runs)} runs, {time.process_time() - start:.0f} s of CPU; {args.figure.name}")
    ok = all(part.worst <= part.allowed for part in parts) and control > ALLOWED
    print("the bars hold" if ok else "a bar does not hold")
    return 0 if ok else 1
