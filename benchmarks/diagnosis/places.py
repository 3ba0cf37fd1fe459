"""How often the intervals of the places and sizes that a diagnosis gives hold the truth.

    python -m benchmarks.diagnosis places [--n 400] [--strengths 10,30] [--lengths 100,1000] [--only "A;B"] [--iid]

Each row is one interval in runs with one planted fault, ``strength`` standard errors of an oracle strong. Given: share of runs in
which the fault is found and the place has an interval. Of those: how many hold the truth, how many lie wholly above it
(the truth is below) and below it, and their median width as a share of the run (of the size, for a size). Where a rule
names several places, the one nearest to the truth counts. ``--iid`` is the negative control: noise taken as independent.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from curvefit.curves import Curve, Run, Schedule
from curvefit.diagnostics.api import diagnose
from curvefit.diagnostics.diagnosis import Diagnosis
from curvefit.simulate import run

from ..statistics.estimates import Tally
from .healthy_bank import ignoring_correlation
from .power import asked
from .worlds import KINDS, oracle_error, planted

NOISE = ("white", "ar.7", "t3")
SEED = 9_000_000
LIKE = 1.96

Ends = tuple[float, float, float]
"""Value, low and high."""
World = tuple[Run, dict[str, float]]
"""A run and what is true of it, by the name of the interval."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Intervals of one rule in one world.

    Parameters
    ----------
    rule : str
        Name of the rule.
    make : callable
        ``(strength, n, noise, seed)`` to a run and its truths.
    strong : bool
        Whether strength means something there.
    """

    rule: str
    make: Callable[[float, int, str, int], World]
    strong: bool = True


def told(tally: Tally) -> str:
    """Coverage of those given and of all planted; given; width; truth below and above."""
    if not tally.given:
        return "- (given 0.00)"
    return (
        f"{tally.share:.2f}, {tally.hits / tally.asked:.2f} ({tally.given / tally.asked:.2f}; {100 * tally.width:.3g} %; "
        f"{tally.below / tally.given:.2f}, {tally.above / tally.given:.2f})"
    )


def intervals(said: Diagnosis) -> dict[str, list[Ends]]:
    """Every interval of a diagnosis by name; sizes are a number and 1.96 standard errors, as its sentence or details say."""
    out: dict[str, list[Ends]] = {}
    for e in said.where:
        if e.value is not None and e.interval is not None:
            out.setdefault(e.name, []).append((e.value, e.interval.low, e.interval.high))
        if "size_stderr" in e.details:
            size = abs(e.details["size"])
            out.setdefault("size", []).append(_around(size, e.details["size_stderr"]))
    facts = said.evidence
    for name, error in (("rise", "rise_stderr"), ("loss_rise", "loss_rise_stderr"), ("gap", "gap_stderr")):
        if name in facts and error in facts and said.present and said.name in _TOLD[name]:
            out[name] = [_around(facts[name], facts[error])]
    if "kink_low" in facts:
        out["kink"] = [(facts["kink"], facts["kink_low"], facts["kink_high"])]
    return out


_TOLD = {
    "rise": ("overfitting",),
    "loss_rise": ("loss_accuracy_decoupled",),
    "gap": ("generalization_gap",),
}
"""Sizes that a sentence gives with their error, and the rule whose sentence it is."""


def _around(size: float, error: float) -> Ends:
    return size, size - LIKE * error, size + LIKE * error


def measured(kind: Kind, strength: float, n: int, noise: str, runs: int, seed: int = 0) -> dict[str, Tally]:
    """Tallies of one cell by the name of the interval."""
    out: dict[str, Tally] = {}
    for i in range(runs):
        made, truths = kind.make(strength, n, noise, seed + i)
        said = diagnose(made, rules=asked(kind.rule))[kind.rule]
        seen = intervals(said) if said.present else {}
        for name, truth in truths.items():
            near = min(seen.get(name, []), key=lambda ends: abs(ends[0] - truth), default=None)
            tally = out.setdefault(name, Tally())
            if near is None:
                tally.none()
                continue
            rounding = 1e-9 * max(abs(truth), 1.0)
            scale = abs(truth) if name in ("size", "period", *_TOLD) else float(n)
            tally.add(near[1], near[2], (truth - rounding, truth + rounding), scale)
    return out


def _x(made: Mapping[str, NDArray[np.float64]], name: str) -> NDArray[np.float64]:
    return np.arange(1.0, made[name].size + 1)


def _lowest(rule: str, *, size: str = "") -> Callable[[float, int, str, int], World]:
    """The minimum of the mean of validation, and its rise: the last fifth after it less the minimum."""

    def make(strength: float, n: int, noise: str, seed: int) -> World:
        world = planted(rule, strength, n, noise, seed)
        mean = world.means["val_loss"]
        k = int(np.argmin(mean))
        last = max(2, (n - k) // 5)
        name = {"overfitting": "overfitting_onset", "loss_accuracy_decoupled": "decoupling_onset"}[rule]
        return world.run, {name: float(k + 1), size: float(mean[-last:].mean() - mean[k])}

    return make


def _named(rule: str, **names: str) -> Callable[[float, int, str, int], World]:
    """Places that the simulator notes."""

    def make(strength: float, n: int, noise: str, seed: int) -> World:
        world = planted(rule, strength, n, noise, seed)
        return world.run, {name: abs(float(world.truth[noted])) for name, noted in names.items()}

    return make


def _as_it_is(fault: str, name: str, noted: str) -> Callable[[float, int, str, int], World]:
    def make(_: float, n: int, noise: str, seed: int) -> World:
        world = run(fault, rng=np.random.default_rng([seed, n, *fault.encode()]), n=n, noise=KINDS[noise])
        return world.run, {name: float(world.truth[noted])}

    return make


def _gap(strength: float, n: int, noise: str, seed: int) -> World:
    """The mean gap over the last third."""
    world = planted("generalization_gap", strength, n, noise, seed)
    gap = world.means["val_loss"] - world.means["train_loss"]
    return world.run, {"gap": float(gap[n - n // 3 :].mean())}


def _regime(strength: float, n: int, noise: str, seed: int) -> World:
    world = planted("regime_change", strength, n, noise, seed)
    k = int(world.truth["regime_change.x"]) - 1
    size = (world.means["val_loss"] - world.healthy["val_loss"])[k]
    return world.run, {"regime_change": float(k + 1), "size": float(size)}


def _not_logged(strength: float, n: int, noise: str, seed: int) -> World:
    world = planted("lr_drop", strength, n, noise, seed)
    truths = {"lr_drop": float(world.truth["lr_drop.x"]), "size": float(world.truth["lr_drop.size"])}
    return replace(world.run, schedule=None), truths


def _seldom_logged(strength: float, n: int, noise: str, seed: int) -> World:
    """The rate is logged at every seventh step only."""
    world = planted("lr_drop", strength, n, noise, seed)
    logged = world.run.schedule
    assert logged is not None
    sparse = Schedule(logged.x[::7], logged.rate[::7])
    truths = {"lr_drop": float(world.truth["lr_drop.x"]), "size": float(world.truth["lr_drop.size"])}
    return replace(world.run, schedule=sparse), truths


def _bump(strength: float, n: int, noise: str, seed: int) -> World:
    world = planted("double_descent", strength, n, noise, seed)
    mean = world.means["val_loss"]
    peak = int(world.truth["double_descent.peak"]) - 1
    near = slice(max(peak - n // 10, 0), peak + n // 10)  # the law moves the peak of the mean a little
    peak = near.start + int(np.argmax(mean[near] - np.minimum.accumulate(mean)[near]))
    low = int(np.argmin(mean[: peak + 1]))
    back = np.flatnonzero(mean[peak:] <= mean[low])
    truths = {"first_minimum": low + 1.0, "peak": peak + 1.0}
    return world.run, {**truths, "recovery": peak + back[0] + 1.0} if back.size else truths


def _grokking(strength: float, n: int, noise: str, seed: int) -> World:
    """Saturation: the first x at which the mean of training has made nine tenths of its way."""
    world = planted("grokking", strength, n, noise, seed)
    train = world.means["train_loss"]
    done = int(np.argmax(train <= train[0] - 0.9 * (train[0] - train.min())))
    return world.run, {"training_saturated": done + 1.0, "validation_jump": float(world.truth["grokking.val"])}


def _gained(mean: NDArray[np.float64]) -> float:
    """First x from which at most a fiftieth of the drop is left."""
    return float(np.argmax(mean - mean.min() <= 0.02 * np.ptp(mean)) + 1)


def _ramp(strength: float, n: int, noise: str, seed: int) -> World:
    world = planted("plateaued", strength, n, noise, seed)
    truths = {"plateau_onset": _gained(world.means["val_loss"]), "kink": float(world.truth["plateaued.onset"])}
    return world.run, truths


def _settling(strength: float, n: int, noise: str, seed: int) -> World:
    """An exponential approach to a level, as much as done after a third of the run."""
    rng = np.random.default_rng([seed, n, *b"settling", *noise.encode()])
    x = np.arange(1.0, n + 1)
    mean = 0.4 + 1.9 * np.exp(-x / (n * rng.uniform(0.04, 0.1)))
    error = np.log(2) * oracle_error(np.log(x[int(0.4 * n) :]), [], noise, 1.0)
    y = KINDS[noise].apply(mean, 0.02 / (strength * error) * float(np.ptp(mean)), rng)
    return Run("settling", {"val_loss": Curve(x, y, "val_loss")}), {"plateau_onset": _gained(mean)}


def _period(*, epoch: bool) -> Callable[[float, int, str, int], World]:
    def make(strength: float, n: int, noise: str, seed: int) -> World:
        world = planted("periodic", strength, n, noise, seed)
        curves = {k: c for k, c in world.run.curves.items() if epoch or k != "epoch"}
        return replace(world.run, curves=curves), {"period": float(world.truth["periodic.period"])}

    return make


PLACES: dict[str, Kind] = {
    "overfitting": Kind("overfitting", _lowest("overfitting", size="rise")),
    "loss_accuracy_decoupled": Kind("loss_accuracy_decoupled", _lowest("loss_accuracy_decoupled", size="loss_rise")),
    "overfitting_plateau": Kind(
        "overfitting_plateau", _named("overfitting_plateau", parting_onset="overfitting_plateau.onset")
    ),
    "generalization_gap": Kind("generalization_gap", _gap),
    "diverged": Kind("diverged", _named("diverged", divergence_onset="diverged.onset")),
    "diverged, suddenly": Kind(
        "diverged", _as_it_is("diverged_suddenly", "divergence_onset", "diverged.onset"), strong=False
    ),
    "diverged, nan": Kind("diverged", _as_it_is("nonfinite", "first_nonfinite", "nonfinite.x"), strong=False),
    "masked_nan": Kind("masked_nan", _as_it_is("masked_nan", "masked_nan", "masked_nan.x"), strong=False),
    "resumed": Kind("resumed", _as_it_is("resumed", "restart", "resumed.x"), strong=False),
    "regime_change": Kind("regime_change", _regime),
    "lr_drop, rate not logged": Kind("lr_drop", _not_logged),
    "lr_drop, rate logged every 7th": Kind("lr_drop", _seldom_logged),
    "double_descent": Kind("double_descent", _bump),
    "validation_below_training": Kind(
        "validation_below_training",
        _named("validation_below_training", validation_above_training="validation_below_training.end"),
    ),
    "slow_start": Kind("slow_start", _named("slow_start", slow_start_end="slow_start.end")),
    "grokking": Kind("grokking", _grokking),
    "plateaued, ramp": Kind("plateaued", _ramp),
    "plateaued, settling": Kind("plateaued", _settling),
    "periodic": Kind("periodic", _period(epoch=False)),
    "periodic, epoch logged": Kind("periodic", _period(epoch=True)),
    "spikes": Kind("spikes", _named("spikes", spike="spikes.x")),
}
"""Everything that comes with an interval, by rule and world."""


def table(
    runs: int, strengths: Sequence[float], lengths: Sequence[int], only: Sequence[str] = (), seed: int = SEED
) -> Iterator[str]:
    """Rows of a Markdown table."""
    yield f"| place, strength, n ({runs} runs each) | {' | '.join(NOISE)} |"
    yield "|---|" + "---|" * len(NOISE)
    for label, kind in PLACES.items():
        if only and label not in only and kind.rule not in only:
            continue
        for strength in strengths if kind.strong else (0.0,):
            for n in lengths:
                cells = [measured(kind, strength, n, noise, runs, seed) for noise in NOISE]
                for name in cells[0]:
                    what = f"{label}: {name}" + (f", {strength:g}" if kind.strong else "") + f", {n}"
                    yield f"| {what} | " + " | ".join(told(c[name]) if name in c else "-" for c in cells) + " |"


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=400, help="runs of each cell")
    parser.add_argument("--strengths", default="10,30")
    parser.add_argument("--lengths", default="100,1000")
    parser.add_argument("--only", default="", help="rules or labels separated by semicolons; default all")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--iid", action="store_true", help="negative control: noise taken as independent")
    args = parser.parse_args(arguments)
    started = time.process_time()
    strengths = [float(s) for s in args.strengths.split(",")]
    lengths = [int(s) for s in args.lengths.split(",")]
    only = tuple(s for s in args.only.split(";") if s)
    with ignoring_correlation() if args.iid else nullcontext():
        for line in table(args.n, strengths, lengths, only, args.seed):
            print(line, flush=True)
    print(f"\n{time.process_time() - started:.0f} s of processor time")


if __name__ == "__main__":
    main()
