"""Speed and memory against their budgets: ``python -m benchmarks.speed [--quick] [NAME ...]``.

Every time is a median of runs that alternate with a reference, on one thread, so that the ratio holds on a busy
machine. Exit code 1 when a budget does not hold.
"""

from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Callable

from . import cold, imports, million, monitor, table, warm
from ._timing import Row

BENCHMARKS: dict[str, Callable[[bool], list[Row]]] = {
    "imports": imports.run,
    "cold": cold.run,
    "warm": warm.run,
    "million": million.run,
    "table": table.run,
    "monitor": monitor.run,
}


def main() -> int:
    """Run the benchmarks asked for and print one Markdown table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, []], metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--quick", action="store_true", help="fewer repetitions")
    args = parser.parse_args()
    print(f"{platform.python_implementation()} {platform.python_version()}, {platform.machine()}, one thread\n")
    print("| what | measured | budget | n | holds |\n|---|---|---|---|---|", flush=True)
    missed = 0
    for name in args.names or BENCHMARKS:
        for row in BENCHMARKS[name](args.quick):
            print(row.text(), flush=True)
            missed += not row.holds
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
