"""Recall of planted faults against their strength in standard errors of an oracle, and how far off the place is.

    python -m benchmarks.diagnosis planted [--n 100] [--strengths 3,5,7]

Found (undecided, median error of the place as a share of the x range). Faults at a known place are asked for at 5
standard errors, scanned ones (overfitting, spikes, lr_drop, grokking) at 7.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence

import numpy as np

from curvefit.diagnostics.api import diagnose

from .healthy_bank import WARNING_RULES
from .worlds import AS_IT_IS, KNOWN, LENGTHS, PLACE, SCANNED, planted

KINDS = ("white", "ar.5", "ar.9")
SEED = 6_000_000


def recall(rule: str, strength: float, n: int, noise: str, runs: int, seed: int = 0) -> tuple[float, float, float]:
    """Share found, share undecided, and the median error of the place as a share of the x range."""
    found, undecided, errors = 0, 0, []
    for i in range(runs):
        world = planted(rule, strength, n, noise, seed + i)
        answer = diagnose(world.run, rules=sorted({*WARNING_RULES, rule}))[rule]
        found += answer.present
        undecided += answer.verdict.value == "undecided"
        if answer.present and answer.where and rule in PLACE:
            places = [e.value for e in answer.where if e.value is not None]
            errors.append(min(abs(x - world.truth[PLACE[rule]]) for x in places) / n)
    return found / runs, undecided / runs, float(np.median(errors)) if errors else float("nan")


def table(runs: int, strengths: Sequence[float], seed: int = SEED) -> Iterator[str]:
    """Rows of a Markdown table."""
    head = " | ".join(f"{kind}, n = {n}" for kind in KINDS for n in LENGTHS)
    yield f"| rule, strength ({runs} runs each) | {head} |"
    yield "|---|" + "---|" * (len(KINDS) * len(LENGTHS))
    for rule in (*SCANNED, *KNOWN, *AS_IT_IS):
        for strength in strengths if rule not in AS_IT_IS else (0.0,):
            cells = []
            for kind in KINDS:
                for n in LENGTHS:
                    share, undecided, error = recall(rule, strength, n, kind, runs, seed)
                    place = f", {100 * error:.1f} %" if np.isfinite(error) else ""
                    cells.append(f"{share:.2f} ({undecided:.2f}{place})")
            label = f"{rule}, {strength:g}" if strength else rule
            yield f"| {label} | " + " | ".join(cells) + " |"


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=100, help="runs of each fault, strength, noise and length")
    parser.add_argument("--strengths", default="3,5,7")
    args = parser.parse_args(arguments)
    started = time.process_time()
    for line in table(args.n, [float(s) for s in args.strengths.split(",")]):
        print(line, flush=True)
    print(f"\n{time.process_time() - started:.0f} s of processor time")


if __name__ == "__main__":
    main()
