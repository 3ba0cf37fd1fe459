"""All figures of this folder, written to RESULTS.md: ``python -m benchmarks.diagnosis [--runs 150] [--power-runs 100]``.

A stranger reads there how often healthy runs are accused, what the same rules do when serial correlation is ignored
(the negative control), and how strong a fault has to be to be found.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from . import healthy_bank, power
from .worlds import HEALTHY

FILE = Path(__file__).with_name("RESULTS.md")
CONTROL = ("ar.9", "early plateau, ar.9", "linear, ar.9")


def main() -> None:
    """Run everything and write the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=150, help="healthy runs per world and length")
    parser.add_argument("--power-runs", type=int, default=100, help="runs per planted fault, noise and length")
    args = parser.parse_args()
    lines = [
        "# Diagnosis",
        "",
        f"`python -m benchmarks.diagnosis --runs {args.runs} --power-runs {args.power_runs}`",
        "",
    ]
    lines += ["## Healthy runs with any warning or error", "", *healthy_bank.table(args.runs, HEALTHY), ""]
    with healthy_bank.ignoring_correlation():
        control = list(healthy_bank.table(max(args.runs // 3, 20), CONTROL))
    lines += ["## Negative control: serial correlation ignored", "", *control, ""]
    lines += [
        "## Planted faults",
        "",
        "Found (undecided, median error of the place as a share of the x range). Strength in standard errors of an oracle",
        "that knows the covariance of the noise (`worlds.py`); a divergence is never planted below three quarters of the drop.",
        "",
        *power.table(args.power_runs, [3.0, 5.0, 7.0]),
        "",
    ]
    FILE.write_text("\n".join(lines), encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
