"""Coverage of the intervals of method comparisons: ``python -m benchmarks.statistics.comparison [--sims 1000]``.

Every cell simulates comparisons with known truth: tasks with their own means and scales, seeds from a normal, a
lognormal or a t distribution with three degrees of freedom. The truth of an aggregate is that of the population. Prints
the share of intervals that hold it; the Monte-Carlo error at 95 % and 1,000 simulations is 0.7 %. ``--ranks`` prints how
often the probability of the first rank is above .975 or below .025 for two equal methods. ``--crossings`` prints the coverage of
the x since when one method is the better one: whole curves, whose noise is a level of each seed and autocorrelated.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from curvefit.studies._ranks import rankings
from curvefit.studies._resampling import crossing
from curvefit.studies._statistics import (
    AGGREGATES,
    accelerated_median,
    expanded_tails,
    improvement,
    improvement_interval,
    iqm,
    mean_difference,
    paired_difference,
    quantile_interval,
    resampled,
    studentized,
)

LEVEL = 0.95
SHAPES = ("normal", "lognormal", "t3")


def noise(shape: str, rng: np.random.Generator, size: tuple[int, ...]) -> np.ndarray:
    """Noise with mean zero and standard deviation one."""
    if shape == "normal":
        return rng.standard_normal(size)
    if shape == "lognormal":
        s = 0.75
        return (np.exp(s * rng.standard_normal(size)) - np.exp(s * s / 2)) / np.sqrt(
            (np.exp(s * s) - 1) * np.exp(s * s)
        )
    return rng.standard_t(3, size) / np.sqrt(3.0)


def world(tasks: int) -> tuple[np.ndarray, np.ndarray]:
    """Means and scales of the tasks."""
    return np.linspace(0.0, 1.5, tasks), np.linspace(0.7, 1.3, tasks) if tasks > 1 else np.ones(1)


def truths(shape: str, tasks: int) -> dict[str, float]:
    """Aggregates of the population."""
    means, scales = world(tasks)
    draws = means[:, None] + scales[:, None] * noise(shape, np.random.default_rng(99), (tasks, 4_000_000 // tasks))
    return {"iqm": float(iqm(draws.ravel())), "median": float(np.median(means)), "mean": float(means.mean())}


def aggregates(shape: str, seeds: int, tasks: int, sims: int, replicates: int) -> dict[tuple[str, str], float]:
    """Coverage by aggregate and kind of interval."""
    truth = truths(shape, tasks)
    means, scales = world(tasks)
    rng = np.random.default_rng(1000 * seeds + tasks)
    hits: dict[tuple[str, str], int] = {}
    for _ in range(sims):
        sample = list(means[:, None] + scales[:, None] * noise(shape, rng, (tasks, seeds)))
        draws = resampled(sample, replicates, rng)
        wide = expanded_tails(sample, LEVEL)
        for name, function in AGGREGATES.items():
            drawn = function(draws)
            ends = {
                "percentile": quantile_interval(drawn, (1 - LEVEL) / 2),
                "expanded": quantile_interval(drawn, wide),
                "t": studentized(sample, name, LEVEL, draws),
            }
            if name == "median" and tasks > 1:
                ends["accelerated"] = accelerated_median(sample, draws, LEVEL)
            for how, pair in ends.items():
                if pair is not None:
                    hits[name, how] = hits.get((name, how), 0) + (pair[0] <= truth[name] <= pair[1])
    return {k: v / sims for k, v in hits.items()}


def pairs(shape: str, seeds: int, tasks: int, sims: int, replicates: int) -> dict[str, float]:
    """Coverage of differences and of the probability of improvement; size of the tests."""
    means, scales = world(tasks)
    rng = np.random.default_rng(7000 * seeds + tasks)
    shift = 0.5
    big = np.random.default_rng(5)
    share = float(
        np.mean(
            [np.mean(s * noise(shape, big, (400_000,)) - shift < s * noise(shape, big, (400_000,))) for s in scales]
        )
    )
    hits = dict.fromkeys(("difference", "paired", "improvement, score", "improvement, bootstrap", "false alarms"), 0)
    for _ in range(sims):
        common = 0.7 * noise(shape, rng, (tasks, seeds))
        a = list(means[:, None] + scales[:, None] * noise(shape, rng, (tasks, seeds)) - shift)
        b = list(means[:, None] + scales[:, None] * noise(shape, rng, (tasks, seeds)))
        found = mean_difference(a, b, LEVEL)
        hits["difference"] += found.low <= -shift <= found.high
        hits["false alarms"] += mean_difference([v + shift for v in a], b, LEVEL).p_value < 1 - LEVEL
        together = paired_difference([u + c - (v + c) for u, v, c in zip(a, b, common, strict=True)], LEVEL)
        hits["paired"] += together.low <= -shift <= together.high
        got = float(improvement(a, b, smaller_is_better=True))
        low, high = improvement_interval(got, [(seeds, seeds)] * tasks, LEVEL)
        hits["improvement, score"] += low <= share <= high
        drawn = improvement(resampled(a, replicates, rng), resampled(b, replicates, rng), smaller_is_better=True)
        low, high = quantile_interval(drawn, (1 - LEVEL) / 2)
        hits["improvement, bootstrap"] += low <= share <= high
    return {k: v / sims for k, v in hits.items()}


def ranks(shape: str, seeds: int, tasks: int, sims: int, replicates: int, *, studentize: bool) -> float:
    """How often one of two equal methods is all but surely the first."""
    means, scales = world(tasks)
    rng = np.random.default_rng(9000 * seeds + tasks)
    sure = 0
    for _ in range(sims):
        both = [
            [v[:, None] for v in means[:, None] + scales[:, None] * noise(shape, rng, (tasks, seeds))] for _ in range(2)
        ]
        (found,) = rankings((1.0,), "ab", both, replicates, rng, smaller_is_better=True, few=10, studentize=studentize)
        sure += not (1 - LEVEL) / 2 <= found.probability[0, 0] <= (1 + LEVEL) / 2
    return sure / sims


X = np.linspace(1.0, 100.0, 60)
CROSSES = 40.0


def falling(tasks: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean curves by task of a method that is behind until x = 40 and of one that is ahead until then."""
    scale = np.linspace(0.7, 1.3, tasks)[:, None] if tasks > 1 else np.ones((1, 1))
    ahead = 1 + X**-0.5
    return ahead + scale * 0.15 * (np.log(CROSSES) - np.log(X)), np.broadcast_to(ahead, (tasks, X.size))


def grown(shape: str, rng: np.random.Generator, mean: np.ndarray, seeds: int) -> list[np.ndarray]:
    """Runs of every task: a level of the seed and noise with an autocorrelation of .7."""
    out = []
    for row in mean:
        white = noise(shape, rng, (seeds, X.size))
        for i in range(1, X.size):
            white[:, i] = 0.7 * white[:, i - 1] + np.sqrt(1 - 0.49) * white[:, i]
        out.append(row + 0.1 * noise(shape, rng, (seeds, 1)) + 0.05 * white)
    return out


def crossings(shape: str, seeds: int, tasks: int, sims: int, replicates: int) -> tuple[float, float, float]:
    """Coverage of the crossing; shares of intervals that end within the data on both sides, and of crossings without any."""
    rng = np.random.default_rng(3000 * seeds + tasks)
    held, closed, none = 0, 0, 0
    means = falling(tasks)
    for _ in range(sims):
        curves = {name: grown(shape, rng, mean, seeds) for name, mean in zip("ab", means, strict=True)}
        found = crossing("a", "b", curves, X, "step", LEVEL, replicates, rng, smaller_is_better=True)
        if found is None or found.x.interval is None:
            none += 1
            continue
        low, high = found.x.interval.low, found.x.interval.high
        held += low <= (CROSSES if found.a == "a" else np.inf) <= high  # b passes a nowhere
        closed += bool(np.isfinite([low, high]).all())
    given = max(sims - none, 1)
    return held / given, closed / given, none / sims


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sims", type=int, default=1000)
    parser.add_argument("--replicates", type=int, default=500)
    parser.add_argument("--ranks", action="store_true", help="only the table of ranks")
    parser.add_argument("--crossings", action="store_true", help="only the table of crossings")
    args = parser.parse_args()
    start = time.process_time()
    if args.crossings:
        print("| noise | tasks | seeds | covered | closed | no interval |\n|---|--:|--:|--:|--:|--:|")
        for shape in SHAPES:
            for tasks, seeds in [(t, s) for t in (1, 5) for s in (3, 4, 5, 7, 10, 20)]:
                shares = crossings(shape, seeds, tasks, args.sims, args.replicates)
                print(f"| {shape} | {tasks} | {seeds} | " + " | ".join(map(_share, shares)) + " |", flush=True)
        print(f"\n{time.process_time() - start:.0f} s of one core")
        return
    if args.ranks:
        print("| noise | tasks | seeds | resampled | t |\n|---|--:|--:|--:|--:|")
        for shape in SHAPES:
            for tasks, seeds in [(t, s) for t in (1, 10) for s in (3, 4, 5, 7, 10, 20)]:
                drawn = [ranks(shape, seeds, tasks, args.sims, args.replicates, studentize=t) for t in (False, True)]
                print(f"| {shape} | {tasks} | {seeds} | " + " | ".join(map(_share, drawn)) + " |", flush=True)
        print(f"\n{time.process_time() - start:.0f} s of one core")
        return
    ways = ("percentile", "expanded", "t")
    kinds = [(n, h) for n in AGGREGATES for h in (*ways, *(("accelerated",) if n == "median" else ()))]
    print(f"{args.sims} simulations, {args.replicates} replicates, level {LEVEL}\n")
    print("| noise | tasks | seeds | " + " | ".join(f"{n} {h}" for n, h in kinds) + " |")
    print("|---|--:|--:|" + "--:|" * len(kinds))
    cells = [*((t, s) for t in (1, 10) for s in (3, 4, 5, 7, 10, 20)), (20, 10), (20, 20)]
    for shape in SHAPES:
        for tasks, seeds in cells:
            found = aggregates(shape, seeds, tasks, args.sims, args.replicates)
            print(
                f"| {shape} | {tasks} | {seeds} | " + " | ".join(_share(found.get(k)) for k in kinds) + " |", flush=True
            )
    print()
    names = ("difference", "paired", "improvement, score", "improvement, bootstrap", "false alarms")
    print("| noise | tasks | seeds | " + " | ".join(names) + " |")
    print("|---|--:|--:|" + "--:|" * len(names))
    for shape in SHAPES:
        for tasks, seeds in cells:
            told = pairs(shape, seeds, tasks, args.sims, args.replicates)
            print(f"| {shape} | {tasks} | {seeds} | " + " | ".join(f"{told[k]:.3f}" for k in names) + " |", flush=True)
    print(f"\n{time.process_time() - start:.0f} s of one core")


if __name__ == "__main__":
    main()
