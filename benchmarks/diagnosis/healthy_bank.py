"""False alarms on healthy runs: the share with any warning or error, by world and by rule.

    python -m benchmarks.diagnosis healthy [--n 2000] [--worlds "white;ar.9"] [--iid]

``--n`` runs of each world are spread evenly over the lengths. Seeds begin at 5,000,000: no threshold was set on them.
``--iid`` is the negative control: the same rules with serial correlation ignored.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from importlib import import_module
from typing import Any

import numpy as np

from curvefit.diagnostics import _correlation, _noise, _trace, _traces
from curvefit.diagnostics.api import diagnose
from curvefit.diagnostics.rules import registry

from .worlds import HEALTHY, LENGTHS, healthy

WARNING_RULES = tuple(
    name for name in registry if import_module(f"curvefit.diagnostics.rules.{name}").SEVERITY != "info"
)
FRESH = 5_000_000


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
    kept = _correlation.settled_each, _trace.cautious, _noise.lag1_rows
    places = (_correlation, _trace, _traces)
    for place in places:
        place.settled_each = _uncorrelated
    _trace.cautious = lambda *_: 0.0
    _noise.lag1_rows = lambda level, *_: np.zeros(len(level))
    try:
        yield
    finally:
        for place in places:
            place.settled_each = kept[0]
        _trace.cautious, _noise.lag1_rows = kept[1:]


def _uncorrelated(_: object, own: Sequence[_correlation.Likelihood], **__: object) -> tuple[Any, Any, Any]:
    """Correlations of 0, with the noise that goes with them: the grid begins there."""
    none = np.zeros(len(own))
    return none, none, np.array([(one.power[0] / one.free) ** 0.5 for one in own])


def table(runs: int, worlds: Iterable[str], seed: int = FRESH, lengths: Sequence[int] = LENGTHS) -> Iterator[str]:
    """Rows of a Markdown table; ``runs`` of each world and length."""
    yield f"| world ({runs} runs per length) | " + " | ".join(f"n = {n}" for n in lengths) + " | all | fired |"
    yield "|---|" + "---|" * (len(lengths) + 2)
    grand, by_all, total_runs = 0, Counter[str](), 0
    for world in worlds:
        rows, total = [], Counter[str]()
        for n in lengths:
            count, by_rule = alarms(world, n, runs, seed)
            rows.append(count)
            total.update(by_rule)
        shares = " | ".join(f"{100 * c / runs:.1f} %" for c in rows)
        fired = ", ".join(f"{k} {v}" for k, v in total.most_common()) or "-"
        yield f"| {world} | {shares} | {100 * sum(rows) / (runs * len(rows)):.1f} % | {fired} |"
        grand, total_runs = grand + sum(rows), total_runs + runs * len(rows)
        by_all.update(total)
    fired = ", ".join(f"{k} {v}" for k, v in by_all.most_common()) or "-"
    yield (
        f"| all {total_runs:,} runs | "
        + " | ".join("" for _ in lengths)
        + (f" | {100 * grand / max(total_runs, 1):.2f} % | {fired} |")
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=2000, help="runs per world, over all lengths")
    parser.add_argument("--worlds", default="", help="names separated by semicolons; default all")
    parser.add_argument("--seed", type=int, default=FRESH)
    parser.add_argument("--iid", action="store_true", help="ignore serial correlation (negative control)")
    args = parser.parse_args(arguments)
    worlds = [w.strip() for w in args.worlds.split(";")] if args.worlds else list(HEALTHY)
    print(f"rules: {', '.join(WARNING_RULES)}; seeds from {args.seed:,}\n", flush=True)
    started = time.process_time()
    with ignoring_correlation() if args.iid else nullcontext():
        for line in table(-(-args.n // len(LENGTHS)), worlds, args.seed):
            print(line, flush=True)
    print(f"\n{time.process_time() - started:.0f} s of processor time")


if __name__ == "__main__":
    main()
