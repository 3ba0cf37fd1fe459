"""Statistical studies: ``python -m benchmarks.statistics NAME [--runs N] [--seed S]``.

``estimates`` also takes ``--curves FILE`` (the development curves, for the same on logged runs) and ``--cells FILE.csv``.

Prints Markdown. A study with promises ends with exit code 1 when one of them does not hold.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from . import coverage, estimate_tables, segmentation
from . import estimates as simulations
from . import mean_view as views
from . import pooling as pools
from .coverage import Cell, bounds


def _table(cells: dict[tuple[str, str], Cell]) -> list[str]:
    rows = ["| interval | quantity | covered | below / above | median width |", "|---|---|---|---|---|"]
    for (label, what), cell in cells.items():
        missing = f", {cell.none} not given" if cell.none else ""
        width = f"{np.median(cell.widths):.4f}" if cell.widths else "-"
        rows.append(
            f"| {label} | {what} | {100 * cell.share:.1f} % ({cell.hits}){missing} "
            f"| {cell.below} / {cell.above} | {width} |"
        )
    return rows


def power_law(runs: int, seed: int) -> int:
    """Exponent and value at twice the data's x: the promises of the default interval, with its negative control."""
    wrong = 0
    low, high = 0.932, 0.967
    for name, world in coverage.POWER_LAW.items():
        start = time.perf_counter()
        cells = coverage.coverage(world, runs, seed)
        few, many = bounds(runs, 0.95, 1e-3)
        print(
            f"\nPower law 1.8 + 4 x^-0.5 at x = 1 ... {world.n}, {name} noise of sd {world.scale:g}; {runs} runs, "
            f"seed {seed}, nominal 95 %; a calibrated interval covers {few} to {many} times but for one study in a "
            f"thousand; {time.perf_counter() - start:.0f} s.\n"
        )
        print("\n".join(_table(cells)))
        for what in ("alpha", "value at 2 x"):
            share = cells["default, profile", what].share
            if name == "white":
                held = low <= share <= high
                print(
                    f"\n{'held' if held else 'MISSED'}: default profile interval of {what} within {100 * low:.1f}-{100 * high:.1f} %"
                )
            else:
                control = cells["independent noise, profile", what].share
                held = share >= 0.88 and control < 0.75
                print(
                    f"\n{'held' if held else 'MISSED'}: default profile interval of {what} at least 88 %, and the negative "
                    f"control, which takes correlated noise for independent, under 75 %"
                )
            wrong += not held
    return 1 if wrong else 0


def _many(found: dict[str, dict[tuple[str, str], Cell]], runs: int, seed: int) -> int:
    few, many = bounds(runs, 0.95, 1e-3)
    print(f"\n{runs} runs per world, seed {seed}, nominal 95 % ({few} to {many} hits if calibrated, 99.9 %).\n")
    for name, cells in found.items():
        print(f"\n**{name}**\n")
        print("\n".join(_table(cells)))
    return 0


def noise_kinds(runs: int, seed: int) -> int:
    """Other noise, other numbers of points: reported, not promised."""
    return _many(coverage.noise_kinds(runs, seed), runs, seed)


def bootstraps(runs: int, seed: int) -> int:
    """Block and sieve bootstrap beside the profile: reported, not promised."""
    return _many(coverage.resampled(runs, seed), runs, seed)


SIEVE_PROMISES = {"white": (0.93, 0.93), "ar.7": (0.90, 0.93), "ar.9": (0.0, 0.86)}  # at 50 and at 200 points
DEFAULT_PROMISES = {"white": (0.915, 0.915), "ar.7": (0.80, 0.86), "ar.9": (0.0, 0.0)}


def segmented_coverage(runs: int, seed: int) -> int:
    """Breakpoint of a kink into a plateau: the promises of the default and of the sieve interval."""
    found = segmentation.segmented_coverage(runs, seed)
    _many(found, runs, seed)
    wrong = 0
    for name, cells in found.items():
        kind, size = name.split(", ")[0], int("200" in name)
        for label, promises in (("default, profile", DEFAULT_PROMISES), ("sieve profile", SIEVE_PROMISES)):
            share, least = cells[label, "breakpoint"].share, promises[kind][size]
            wrong += share < least
            if least > 0:
                print(f"\n{'held' if share >= least else 'MISSED'}: {name}, {label} {share:.3f}, promised {least}")
    return 1 if wrong else 0


def segmented_selected(runs: int, seed: int) -> int:
    """The same kinks with the number of breakpoints selected: reported, not promised."""
    print(f"{runs} runs per world, seed {seed}, default interval, nominal 95 %, 0 to 3 breakpoints selected.\n")
    print("| world | one found | covered, given one found | covered by any, of all runs |\n|---|---|---|---|")
    for name, (one, covered, anyhow) in segmentation.selected_coverage(runs, seed).items():
        given = f"{covered / one:.3f}" if one else "-"
        print(f"| {name} | {one / runs:.3f} | {given} | {anyhow / runs:.3f} |", flush=True)
    return 0


def number_of_breaks(runs: int, seed: int) -> int:
    """Breakpoints selected where there are 0 to 3, AR(.7) noise; taking it for independent is the negative control."""
    wrong = 0
    print(f"{runs} curves of 200 points per K, seed {seed}.\n")
    print("| truth | 0 | 1 | 2 | 3 | 4 | 5 | exact | too many | promise |\n|---|" + "---|" * 9)
    for assumed, some in (("auto", runs), ("white", max(runs // 5, 20))):
        for k, counts in segmentation.numbers_found(some, seed, assumed=assumed).items():
            exact, over = counts[k] / some, sum(counts[k + 1 :]) / some
            held = exact >= 0.8 and over <= 0.1
            wrong += assumed == "auto" and not held
            verdict = ("held" if held else "MISSED") if assumed == "auto" else f"control, {some} curves"
            cells = " | ".join(str(c) for c in counts)
            print(f"| {k} | {cells} | {exact:.3f} | {over:.3f} | {verdict} |", flush=True)
    return 1 if wrong else 0


def _share_table(found: dict[str, dict[str, int]], runs: int, promises: dict[str, float], at_most: bool) -> int:
    wrong = 0
    for kind, hits in found.items():
        first = next(iter(hits.values())) / runs
        limit = promises.get(kind)
        held = limit is None or (first <= limit if at_most else first >= limit)
        wrong += not held
        rates = ", ".join(f"{label} {count / runs:.3f} ({count})" for label, count in hits.items())
        bound = "no promise" if limit is None else f"{'at most' if at_most else 'at least'} {limit}"
        print(f"* {'held' if held else 'MISSED'}: {kind}: {rates}; {bound}")
    return 1 if wrong else 0


def existence_size(runs: int, seed: int) -> int:
    """Breakpoints seen in straight lines at 5 %; Davies' bound beside it is the negative control."""
    promises = {"white": 0.07, "ar.7": 0.07, "t3": 0.07, "follows the curve": 0.07, "ar.9": 0.10}
    return _share_table(segmentation.existence_rates(runs, seed), runs, promises, at_most=True)


def bump_size(runs: int, seed: int) -> int:
    """Bumps seen in smooth decays at 5 %."""
    return _share_table(
        segmentation.bump_rates(runs, seed), runs, dict.fromkeys(segmentation.NOISES, 0.07), at_most=True
    )


def bump_power(runs: int, seed: int) -> int:
    """Bumps of 6 sd in white and of 10 sd in AR(.7) and AR(.9) noise, seen at 5 %."""
    low = {"white": segmentation.bump_rates(runs, seed, 6.0, ("white",))["white"]}
    high = segmentation.bump_rates(runs, seed, 10.0, ("ar.7", "ar.9"))
    return _share_table(low | high, runs, {"white": 0.95, "ar.7": 0.90, "ar.9": 0.90}, at_most=False)


def mean_view(runs: int, seed: int) -> int:
    """The forecast's 80 % interval of the mean curve, where the mean is known."""
    found = views.mean_view(runs, seed)
    print(f"\n{runs} curves per kind of noise, seed {seed}, nominal 80 %.\n")
    print("| noise | x over the last x | new observation | mean curve | width of the mean's over the observation's |")
    print("|---|---|---|---|---|")
    for (noise, h), cell in found.items():
        print(
            f"| {noise} | {h:g} | {100 * np.mean(cell.observation):.1f} % | {100 * np.mean(cell.mean):.1f} % "
            f"| {np.median(cell.narrower):.2f} |"
        )
    wrong = 0
    for noise in views.NOISES:
        share = float(np.mean([hit for (name, _), cell in found.items() if name == noise for hit in cell.mean]))
        held = 0.75 <= share <= 0.85
        print(
            f"\n{'held' if held else 'MISSED'}: mean curve, {noise}, all horizons: {100 * share:.1f} % within 75-85 %"
        )
        wrong += not held
    return 1 if wrong else 0


def pooling(runs: int, seed: int) -> int:
    """Quantities pooled over runs: mean of the population, another run, shrunken runs; a fixed effect is the control."""
    print(f"{runs} simulated poolings per row, seed {seed}, nominal 95 %.\n")
    print("| scale | between / within | runs | mean | another run | shrunken | control, mean | median width |")
    print("|---|---|---|---|---|---|---|---|")
    wrong = 0
    for c in pools.cells(runs, seed):
        print(
            f"| {c.scale} | {c.ratio:g} | {c.runs} | {c.mean:.3f} | {c.new_run:.3f} | {c.shrunken:.3f} "
            f"| {c.control:.3f} | {c.width:.3f} |",
            flush=True,
        )
        wrong += min(c.mean, c.new_run, c.shrunken) < 0.92
    print(f"\n{'held' if not wrong else 'MISSED'}: each interval holds at least 92 % in every row")
    return 1 if wrong else 0


def estimates(runs: int, seed: int, curves: Path | None = None, cells: Path | None = None) -> int:
    """Intervals and probabilities of all estimands, in simulated worlds and on logged runs: reported, not promised."""
    found = estimate_tables.merged(simulations.simulated(runs, seed))
    print(f"{runs} runs per cell, seed {seed}, nominal {simulations.LEVEL:g}; {found.seconds:.0f} s of CPU.\n")
    estimate_tables.print_worlds(found.tallies)
    estimate_tables.print_low(found.tallies)
    print("\nProbabilities: said, came (cases).\n")
    estimate_tables.print_chances(found.chances)
    if cells is not None:
        estimate_tables.write_cells(found.tallies, cells)
    if curves is not None:
        from .estimates_real import real

        logged = real(curves)
        print("\nLogged runs.\n")
        estimate_tables.print_sources(logged.tallies)
        print("\nProbabilities: said, came (cases).\n")
        estimate_tables.print_chances([replace(c, where="all sources") for c in logged.chances])
    return 0


STUDIES: dict[str, tuple[Callable[[int, int], int], int]] = {
    "power_law": (power_law, 2000),
    "noise_kinds": (noise_kinds, 250),
    "bootstraps": (bootstraps, 120),
    "segmented_coverage": (segmented_coverage, 1000),
    "segmented_selected": (segmented_selected, 300),
    "existence_size": (existence_size, 2000),
    "number_of_breaks": (number_of_breaks, 500),
    "bump_size": (bump_size, 2000),
    "bump_power": (bump_power, 500),
    "mean_view": (mean_view, 2000),
    "pooling": (pooling, 2000),
    "estimates": (estimates, 400),
}


def main() -> int:
    """Run one study."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.statistics", description=__doc__)
    parser.add_argument("name", choices=list(STUDIES), metavar="NAME", help=", ".join(STUDIES))
    parser.add_argument("--runs", type=int, help="number of curves per world")
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--curves", type=Path, help="estimates: development curves, asked about as well")
    parser.add_argument("--cells", type=Path, help="estimates: file for every cell")
    args = parser.parse_args()
    study, runs = STUDIES[args.name]
    if args.name == "estimates":
        if args.curves is not None and not args.curves.is_file():
            parser.error(f"no file {args.curves}")  # before minutes of simulation, not after
        if args.cells is not None and not args.cells.parent.is_dir():
            parser.error(f"no folder {args.cells.parent}")
        study = partial(estimates, curves=args.curves, cells=args.cells)
    elif args.curves or args.cells:
        parser.error("--curves and --cells belong to estimates")
    return study(args.runs or runs, args.seed)


if __name__ == "__main__":
    sys.exit(main())
