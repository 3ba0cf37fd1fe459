"""False alarms on healthy runs: the share with any warning or error, by world and by rule.

    python -m benchmarks.diagnosis.healthy_bank [--runs 300] [--worlds "white;ar.9"] [--iid]

``--iid`` is the negative control: the same rules with serial correlation ignored.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext

from curvefit.diagnostics import _noise, _trace
from curvefit.diagnostics.api import diagnose

from .worlds import HEALTHY, LENGTHS, healthy

WARNING_RULES = ("diverged", "erratic", "masked_nan", "not_learning", "overfitting", "spikes")


def alarms(
    world: str, n: int, runs: int, seed: int = 0, rules: Iterable[str] = WARNING_RULES
) -> tuple[int, Counter[str]]:
    """Runs with any false warning, and how often each rule fired."""
    any_alarm, by_rule = 0, Counter[str]()
    for i in range(runs):
        found = diagnose(healthy(world, n, seed + i).run, rules=rules).warnings
        any_alarm += bool(found)
        by_rule.update(d.name for d in found)
    return any_alarm, by_rule


@contextmanager
def ignoring_correlation() -> Iterator[None]:
    """The negative control: every estimate of serial correlation is 0 and certain."""
    kept = _trace.lag1, _trace.cautious, _noise.lag1
    _trace.lag1 = _noise.lag1 = lambda *_, **__: 0.0  # type: ignore[assignment]
    _trace.cautious = lambda *_: 0.0  # type: ignore[assignment]
    try:
        yield
    finally:
        _trace.lag1, _trace.cautious, _noise.lag1 = kept


def table(runs: int, worlds: Iterable[str], seed: int = 0) -> Iterator[str]:
    """Rows of a Markdown table."""
    yield f"| world ({runs} runs per length) | " + " | ".join(f"n = {n}" for n in LENGTHS) + " | all | fired |"
    yield "|---|" + "---|" * (len(LENGTHS) + 2)
    for world in worlds:
        rows, total = [], Counter[str]()
        for n in LENGTHS:
            count, by_rule = alarms(world, n, runs, seed)
            rows.append(count)
            total.update(by_rule)
        shares = " | ".join(f"{100 * c / runs:.1f} %" for c in rows)
        fired = ", ".join(f"{k} {v}" for k, v in total.most_common()) or "-"
        yield f"| {world} | {shares} | {100 * sum(rows) / (runs * len(rows)):.1f} % | {fired} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=300, help="runs per world and length")
    parser.add_argument("--worlds", default="", help="names separated by semicolons; default all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--iid", action="store_true", help="ignore serial correlation (negative control)")
    args = parser.parse_args()
    worlds = [w.strip() for w in args.worlds.split(";")] if args.worlds else list(HEALTHY)
    with ignoring_correlation() if args.iid else nullcontext():
        for line in table(args.runs, worlds, args.seed):
            print(line, flush=True)


if __name__ == "__main__":
    main()
