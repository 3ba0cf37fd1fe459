"""Recall of planted faults against their strength in standard errors of an oracle, and how far off the place is.

    python -m benchmarks.diagnosis planted [--n 25] [--few 8] [--strengths 3,4,5,6,7,8] [--rules A,B] [--picture FILE.png]

Found (undecided, median error of the place as a share of the x range). Faults at a known place are asked for at 5
standard errors, scanned ones (overfitting, spikes, lr_drop, grokking, double_descent, regime_change) at 7. A dash: the
fault cannot be that strong at that length (`worlds.possible`). The last columns pool the cells of a row.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from curvefit.diagnostics import story
from curvefit.diagnostics.api import diagnose

from .worlds import AS_IT_IS, KNOWN, LENGTHS, PLACE, SCANNED, planted, possible

KINDS = ("white", "ar.5", "ar.9")
SEED = 8_000_000
AIM = 0.9

Cell = tuple[int, int, int, list[float]]
"""Runs, found, undecided, errors of the place."""


def asked(rule: str) -> list[str]:
    """The rule and those that may explain it away."""
    explain = {cause for cause, effects in story._EXPLAINS.items() if rule in effects}
    return sorted({rule, *explain, *(["double_descent"] if rule == "overfitting" else [])})


def recall(rule: str, strength: float, n: int, noise: str, runs: int, seed: int = 0) -> Cell:
    """How many runs there were, in how many it is found, in how many undecided, and the errors of the place."""
    found, undecided, errors = 0, 0, []
    for i in range(runs):
        world = planted(rule, strength, n, noise, seed + i)
        answer = diagnose(world.run, rules=asked(rule))[rule]
        found += answer.present
        undecided += answer.verdict.value == "undecided"
        if answer.present and answer.where and rule in PLACE:
            places = [e.value for e in answer.where if e.value is not None]
            errors.append(min(abs(x - world.truth[PLACE[rule]]) for x in places) / n)
    return runs, found, undecided, errors


def told(cells: Sequence[Cell]) -> str:
    """Share found (undecided, place) of cells pooled."""
    runs = sum(c[0] for c in cells)
    if not runs:
        return "-"
    errors = [e for c in cells for e in c[3]]
    place = f", {100 * float(np.median(errors)):.1f} %" if errors else ""
    return f"{sum(c[1] for c in cells) / runs:.2f} ({sum(c[2] for c in cells) / runs:.2f}{place})"


def table(
    runs: int,
    strengths: Sequence[float],
    seed: int = SEED,
    rules: Sequence[str] = (*SCANNED, *KNOWN, *AS_IT_IS),
    curves: dict[str, dict[float, list[Cell]]] | None = None,
    few: int | None = None,
) -> Iterator[str]:
    """Rows of a Markdown table; the cells are also put into ``curves``; ``few`` runs at strengths not asked for."""
    head = " | ".join(f"{kind}, n = {n}" for kind in KINDS for n in LENGTHS)
    yield f"| rule, strength ({runs} runs each) | {head} | n = 200 and 1000 | all |"
    yield "|---|" + "---|" * (len(KINDS) * len(LENGTHS) + 2)
    for rule in rules:
        for strength in strengths if rule not in AS_IT_IS else (0.0,):
            cells, long = [], []
            count = runs if few is None or strength in (0.0, 7 if rule in SCANNED else 5) else few
            for kind in KINDS:
                for n in LENGTHS:
                    cell: Cell = (0, 0, 0, [])
                    if possible(rule, strength, n, kind):
                        cell = recall(rule, strength, n, kind, count, seed)
                    cells.append(cell)
                    long += [cell] if n > LENGTHS[0] else []
            if curves is not None:
                curves.setdefault(rule, {})[strength] = cells
            label = (f"{rule}, {strength:g}" if strength else rule) + ("" if count == runs else f" ({count} runs each)")
            yield f"| {label} | " + " | ".join(told([c]) for c in cells) + f" | {told(long)} | {told(cells)} |"


def picture(curves: dict[str, dict[float, list[Cell]]], file: Path) -> None:
    """Recall against strength, one panel per rule, one line per length, noises pooled."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shown = [r for r in curves if r not in AS_IT_IS]
    columns = 5
    figure = Figure(figsize=(13, 2.3 * -(-len(shown) // columns)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = np.atleast_1d(figure.subplots(-(-len(shown) // columns), columns, sharex=True, sharey=True)).ravel()
    for ax in axes[len(shown) :]:
        ax.set_axis_off()
    for ax, rule in zip(axes, shown, strict=False):
        for j, (n, color) in enumerate(zip(LENGTHS, ("#9ecae1", "#3182bd", "#08306b"), strict=True)):
            xs, ys = [], []
            for strength, cells in sorted(curves[rule].items()):
                part = [cells[k * len(LENGTHS) + j] for k in range(len(KINDS))]
                total = sum(c[0] for c in part)
                if total:
                    xs.append(strength)
                    ys.append(sum(c[1] for c in part) / total)
            ax.plot(xs, ys, marker="o", ms=3, lw=1.3, color=color, label=f"n = {n}")
        ax.axhline(AIM, color="#999999", lw=0.8, ls=":")
        ax.axvline(7 if rule in SCANNED else 5, color="#999999", lw=0.8, ls=":")
        ax.set_title(rule.replace("_", " "), fontsize=9)
        ax.set_ylim(-0.03, 1.03)
        ax.tick_params(labelsize=8)
    axes[0].legend(fontsize=7, loc="lower right")
    figure.supxlabel("strength in standard errors of the oracle", fontsize=9)
    figure.supylabel("share found", fontsize=9)
    figure.savefig(file, dpi=110)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table, and draw the recall curves."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=25, help="runs of each fault, strength, noise and length")
    parser.add_argument("--few", type=int, help="the same at strengths that are drawn only; default as many")
    parser.add_argument("--strengths", default="3,4,5,6,7,8")
    parser.add_argument("--rules", default="", help="names separated by commas; default all")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--picture", type=Path)
    args = parser.parse_args(arguments)
    started = time.process_time()
    curves: dict[str, dict[float, list[Cell]]] = {}
    rules = args.rules.split(",") if args.rules else (*SCANNED, *KNOWN, *AS_IT_IS)
    for line in table(args.n, [float(s) for s in args.strengths.split(",")], args.seed, rules, curves, args.few):
        print(line, flush=True)
    if args.picture is not None:
        picture(curves, args.picture)
    print(f"\n{time.process_time() - started:.0f} s of processor time")


if __name__ == "__main__":
    main()
