"""Speed and memory against their budgets: ``python -m benchmarks.speed [--quick] [--check] [NAME ...]``.

Times are CPU times on one thread, medians of runs that alternate with a fixed reference (or with the peer they are
compared to); they are printed as they would be on the machine of the published results with nothing else on it, the
clock's figure beside them. Exit code 1 when a budget does not hold; with ``--check`` only when one is missed so clearly
that no crowd on the machine explains it.
"""

from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Callable

from . import batch, cold, imports, million, peers, segmentation, segmentation_peers, table, trackers, warm
from ._timing import CLEAR, Row

BENCHMARKS: dict[str, Callable[[bool], list[Row]]] = {
    "imports": imports.run,
    "cold": cold.run,
    "warm": warm.run,
    "million": million.run,
    "table": table.run,
    "batch": batch.run,
    "peers": peers.run,
    "segmentation": segmentation.run,
    "segmentation_peers": segmentation_peers.run,
    "trackers": trackers.run,
}


def main() -> int:
    """Run the benchmarks asked for and print one Markdown table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, []], metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--quick", action="store_true", help="fewer repetitions, fewer curves")
    parser.add_argument(
        "--check", action="store_true", help=f"fail only above {CLEAR:g} times a budget, measured twice in a row"
    )
    args = parser.parse_args()
    print(f"{platform.python_implementation()} {platform.python_version()}, {platform.machine()}, one thread\n")
    print("| what | measured | budget | n | measured / budget | holds |\n|---|---|---|---|---|---|", flush=True)
    failed = 0
    for name in args.names or BENCHMARKS:
        rows = BENCHMARKS[name](args.quick)
        for row in rows:
            print(row.text(), flush=True)
        if not args.check:
            failed += sum(not row.holds for row in rows)
        elif over := {row.what for row in rows if row.clearly_over}:
            again = [row for row in BENCHMARKS[name](args.quick) if row.what in over]
            for row in again:
                print(row.text(), flush=True)
            failed += sum(row.clearly_over for row in again)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
