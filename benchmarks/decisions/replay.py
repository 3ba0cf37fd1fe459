"""Compute used against regret: the default monitor, patience, Prechelt's criteria and pruners on logged runs.

    python -m benchmarks.decisions replay [--per-source 150] [--figure FILE.png] [--keep FILE.npz]

Every run is replayed observation by observation. Compute is the share of the logged x that was used; regret is the best
local mean up to the stop against the best of the whole run, as a share of the improvement since the start. The monitor's
one setting was chosen on half 1 of the groups; half 0 is scored. The corrections of probabilities used on a half were
learned on the other (``calibration``), like the gates. Intervals are bootstraps over groups.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from . import policies
from .calibration import cases, corrected
from .runs import WINDOWS, LoggedRun, group_bootstrap, load
from .watching import Looks, kept, watch

Floats = NDArray[np.float64]
STATED = 0.1  # P(worthwhile gain) below which the monitor stops
WAITS = (3, 5, 10, 20)
LONGER = (40, 80, 160)  # beyond what is asked: a harder bar
CONFIRM = (1, 2, 3, 4)
DEFAULT = 2


@dataclass(frozen=True, eq=False)
class Outcome:
    """Where one rule stopped each run.

    Parameters
    ----------
    name : str
        The rule.
    stops : ndarray of int, shape (n,)
        Position of the last observation of each run.
    compute, regret : ndarray, shape (n,)
        Shares.
    """

    name: str
    stops: NDArray[np.int64]
    compute: Floats
    regret: Floats

    @classmethod
    def of(cls, name: str, runs: Sequence[LoggedRun], stops: Sequence[int], window: int = 0) -> Outcome:
        """Judge the stops."""
        compute = np.array([run.compute(k) for run, k in zip(runs, stops, strict=True)])
        regret = np.array([run.regret(k, window) for run, k in zip(runs, stops, strict=True)])
        return cls(name, np.array(stops), compute, regret)


def patience_rules(waits: Sequence[int]) -> dict[str, Callable[[LoggedRun], int]]:
    """Every patience, with min_delta 0 and with the noise of one observation."""
    out: dict[str, Callable[[LoggedRun], int]] = {}
    for scaled in (False, True):
        for wait in waits:
            name = f"patience {wait}" + (", min_delta = noise" if scaled else "")
            out[name] = lambda r, w=wait, s=scaled: policies.patience(r.sign * r.curve.y, w, s)
    return out


def hull(points: Sequence[tuple[float, float]]) -> tuple[Floats, Floats]:
    """Lower convex hull of (compute, regret) with "to the end": the best of all mixtures of the rules, in hindsight."""
    found: list[tuple[float, float]] = []
    for p in sorted({*points, (1.0, 0.0)}):
        while len(found) >= 2 and _turns_up(found[-2], found[-1], p) <= 0:
            found.pop()
        found.append(p)
    c, g = (np.array(v) for v in zip(*found, strict=True))
    best = int(np.argmin(g))
    return c[: best + 1], g[: best + 1]


def _turns_up(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def ratios(point: tuple[float, float], others: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Compute over that of the others' hull at the same regret, and regret over theirs at the same compute."""
    c, g = hull(others)
    same_regret = float(np.interp(-point[1], -g, c))
    same_compute = float(np.interp(point[0], c, g))
    return point[0] / same_regret, point[1] / same_compute if same_compute > 0 else np.inf


def stop_of(looks: Looks, confirm: int = DEFAULT) -> int:
    """Position of the observation after which the monitor ends the run."""
    j = looks.stop(confirm)
    return len(looks.run.curve) - 1 if j is None else int(looks.at[j])


def false_stop(looks: Looks, confirm: int = DEFAULT, window: int = 0) -> tuple[bool, bool, bool] | None:
    """Whether the local mean gained more than min_gain after the stop: by the end, at any time, over the best before.

    None when the monitor never stopped the run.
    """
    j = looks.stop(confirm)
    if j is None:
        return None
    truth, k, least = looks.run.truths[window], int(looks.at[j]), float(looks.min_gain[j])
    if k + 1 >= truth.size:
        return False, False, False
    later = float(truth[k + 1 :].min())
    return (
        bool(truth[k] - truth[-1] > least),
        bool(truth[k] - later > least),
        bool(truth[: k + 1].min() - later > least),
    )


def interval(values: Floats) -> str:
    """95 % of the bootstrap."""
    low, high = np.nanquantile(values, [0.025, 0.975])
    return f"{low:.3f}-{high:.3f}"


def outcomes(looks: Sequence[Looks], waits: Sequence[int] = (*WAITS, *LONGER), window: int = 0) -> dict[str, Outcome]:
    """The monitor's settings, every patience and training to the end on the same runs."""
    runs = [one.run for one in looks]
    out = {"to the end": Outcome.of("to the end", runs, [len(r.curve) - 1 for r in runs], window)}
    for confirm in CONFIRM:
        name = f"Monitor, confirm = {confirm}" + (" (default)" if confirm == DEFAULT else "")
        out[name] = Outcome.of(name, runs, [stop_of(one, confirm) for one in looks], window)
    for name, rule in patience_rules(waits).items():
        out[name] = Outcome.of(name, runs, [rule(r) for r in runs], window)
    return out


def monitor_name() -> str:
    """Row of the default setting."""
    return f"Monitor, confirm = {DEFAULT} (default)"


def compare(
    found: dict[str, Outcome], counts: NDArray[np.int64], waits: Sequence[int]
) -> tuple[tuple[float, float], NDArray[np.float64]]:
    """Ratios of the default monitor to patience in hindsight, and the same in each bootstrap sample, shape (draws, 2)."""
    names = list(patience_rules(waits))
    ours = found[monitor_name()]

    def at(weight: Floats) -> tuple[float, float]:
        def mean(o: Outcome) -> tuple[float, float]:
            return float(np.average(o.compute, weights=weight)), float(np.average(o.regret, weights=weight))

        return ratios(mean(ours), [mean(found[name]) for name in names])

    point = at(np.ones(ours.compute.size))
    return point, np.array([at(w.astype(float)) for w in counts if w.sum() > 0])


def report(looks: Sequence[Looks], title: str) -> bool:
    """Print the tables of some runs; whether the bars hold."""
    runs = [one.run for one in looks]
    counts = group_bootstrap([r.group for r in runs])
    found = outcomes(looks)
    print(
        f"\n### {title}: {len(runs)} runs, {len({r.group for r in runs})} groups, {len({r.source for r in runs})} sources\n"
    )
    print("| rule | compute | regret | runs stopped early | regret above .05 |")
    print("|---|---|---|---|---|")
    for name, o in found.items():
        both = [interval(counts @ v / counts.sum(axis=1)) for v in (o.compute, o.regret)]
        early = np.mean([k < len(r.curve) - 1 for r, k in zip(runs, o.stops, strict=True)])
        print(
            f"| {name} | {o.compute.mean():.3f} ({both[0]}) | {o.regret.mean():.4f} ({both[1]}) | {early:.2f} | "
            f"{np.mean(o.regret > 0.05):.3f} |"
        )
    print("\n| default monitor against patience in hindsight | compute at equal regret | regret at equal compute |")
    print("|---|---|---|")
    ok = False
    for label, waits in (("patience 3, 5, 10, 20", WAITS), ("and 40, 80, 160", (*WAITS, *LONGER))):
        point, drawn = compare(found, counts, waits)
        print(f"| {label} | {point[0]:.2f} ({interval(drawn[:, 0])}) | {point[1]:.2f} ({interval(drawn[:, 1])}) |")
        ok = ok or (waits == WAITS and min(point) <= 0.85)
    for window, factor in enumerate(WINDOWS):
        if window:
            point, _ = compare(outcomes(looks, WAITS, window), counts[:2], WAITS)
            print(f"| the first, local mean over {factor:g} windows | {point[0]:.2f} | {point[1]:.2f} |")
    print(
        "\n| false stops of the monitor | stopped | gained more than min_gain by the end | at any time | over its best |"
    )
    print("|---|---|---|---|---|")
    for confirm in CONFIRM:
        wrong = [false_stop(one, confirm) for one in looks]
        stopped = np.array([w is not None for w in wrong])
        rate = np.array([w or (0, 0, 0) for w in wrong], dtype=float)
        shares = rate[stopped].mean(axis=0)
        drawn = (counts @ rate[:, 0]) / np.maximum(counts @ stopped, 1)
        print(
            f"| confirm = {confirm} | {stopped.sum()} | {shares[0]:.3f} ({interval(drawn)}) | {shares[1]:.3f} | "
            f"{shares[2]:.3f} |"
        )
        if confirm == DEFAULT:
            ok = ok and bool(shares[0] <= 1.2 * STATED)
    return ok


def by_source(looks: Sequence[Looks]) -> None:
    """One row per source: the monitor and the best patience of the four."""
    print("\n| source | runs | Monitor: compute | regret | stopped | false | patience 20: compute | regret |")
    print("|---|---|---|---|---|---|---|---|")
    for source in sorted({one.run.source for one in looks}):
        mine = [one for one in looks if one.run.source == source]
        runs = [one.run for one in mine]
        ours = Outcome.of("", runs, [stop_of(one) for one in mine])
        wait = Outcome.of("", runs, [policies.patience(r.sign * r.curve.y, 20) for r in runs])
        wrong = [w[0] for one in mine if (w := false_stop(one)) is not None]
        share = f"{np.mean(wrong):.2f}" if wrong else ""
        print(
            f"| {source} | {len(mine)} | {ours.compute.mean():.2f} | {ours.regret.mean():.3f} | {len(wrong)} | {share} | "
            f"{wait.compute.mean():.2f} | {wait.regret.mean():.3f} |"
        )


def main(argv: Sequence[str]) -> int:
    """Run the study; 1 when a bar does not hold on the scored half."""
    from . import classics, figures

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--per-source", type=int, default=150)
    parser.add_argument("--figure", type=Path, default=Path(__file__).with_name("replay.png"))
    parser.add_argument("--keep", type=Path, help="evaluations are written to this file, or read from it")
    args = parser.parse_args(argv)
    start = time.process_time()
    runs = load(args.per_source)
    _, _, learned = corrected(*cases(runs))
    looks = kept(args.keep, runs, learned) if args.keep else list(watch(runs, learned))
    scored = [one for one in looks if one.run.half == 0]
    ok = report(scored, "Scored half")
    report([one for one in looks if one.run.half == 1], "Half on which the setting was chosen")
    report(looks, "All")
    by_source(looks)
    classics.report(looks, learned)
    figures.pareto(outcomes(scored), args.figure)
    print(
        f"\n{sum(one.at.size for one in looks)} evaluations, {time.process_time() - start:.0f} s of CPU; {args.figure.name}"
    )
    print("the bars hold" if ok else "a bar does not hold")
    return 0 if ok else 1
