"""Real runs to be labelled by eye: their list, and pictures of them that show the curves and nothing else.

    python -m benchmarks.diagnosis.real_runs list > benchmarks/diagnosis/real_runs.csv
    python -m benchmarks.diagnosis.real_runs pictures FOLDER [--sheets 1-3]
    python -m benchmarks.diagnosis.real_runs agree labels_a.csv labels_b.csv

Runs are drawn by lot within each source of the development curves (``$SHARED``, else the folder beside the checkout);
names and labels are kept here, values are not. A picture carries the number of the run in the list and the names of its
curves: losses and errors in shades of blue to green (left axis), accuracies and rewards in orange to red (right axis).
Nothing of the package looks at these runs before the labels are there.

Labels are names of diagnoses, several separated by semicolons; ``benign`` says that nothing of severity warning or error
is there, ``ambiguous`` leaves the run out. ``agree`` prints Cohen's kappa of two passes for each label.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

LIST = Path(__file__).with_name("real_runs.csv")
SHARES = {
    "taskset_dpl": 26,
    "double_descent_jantonioruiz": 14,
    "grokking_muon_normcap": 14,
    "modded_nanogpt": 12,
    "datablations_blowups": 10,
    "dopamine_rl": 12,
    "wild_logs": 9,
    "colpret_llm": 8,
    "pytorch_sac_rl": 6,
    "rl_zoo_agents": 8,
    "gemstones": 6,
    "multipowerlaw": 6,
    "routing_scaling_laws": 6,
    "pythia_evals": 5,
    "wide_resnet_cifar": 2,
}
PER_SHEET = 12
LEFT = ("#0b3c8c", "#2f7fd1", "#1b9e77", "#66c2a5", "#7a7a7a")
RIGHT = ("#d95f02", "#b2182b", "#e7a13a", "#8c2d04", "#c994c7")


def curves() -> Any:
    """The development curves."""
    import pandas as pd

    root = Path(os.environ.get("SHARED", Path(__file__).resolve().parents[3] / "shared"))
    return pd.read_parquet(root / "curves" / "forecast_dev.parquet")


def draw_lots(frame: Any, seed: int = 20) -> list[tuple[str, str, str]]:
    """(source, run, metrics) of the runs drawn."""
    rng = np.random.default_rng(seed)
    chosen = []
    for source, count in SHARES.items():
        part = frame[frame["source"] == source]
        runs = sorted(part["run_id"].astype(str).unique())
        for run in sorted(rng.choice(runs, size=min(count, len(runs)), replace=False)):
            metrics = sorted(part.loc[part["run_id"].astype(str) == run, "metric"].unique())
            chosen.append((source, str(run), ";".join(metrics)))
    return chosen


def listed() -> list[dict[str, str]]:
    """The rows of the list."""
    with LIST.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def pictures(folder: Path, first: int, last: int) -> None:
    """Contact sheets of twelve runs each."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    frame, rows = curves(), listed()
    keyed = dict(tuple(frame.groupby(["source", frame["run_id"].astype(str)])))
    folder.mkdir(parents=True, exist_ok=True)
    for sheet in range(first, min(last, -(-len(rows) // PER_SHEET)) + 1):
        figure = Figure(figsize=(19, 13), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots(3, 4).ravel()
        for ax, row in zip(axes, rows[(sheet - 1) * PER_SHEET : sheet * PER_SHEET], strict=False):
            panel(ax, keyed[row["source"], row["run_id"]], row["number"])
        figure.savefig(folder / f"sheet{sheet:02d}.png", dpi=75)


def panel(ax: Any, part: Any, number: str) -> None:
    """One run."""
    right = None
    shown = {"left": 0, "right": 0}
    handles = []
    for metric, series in part.groupby("metric"):
        series = series.sort_values("x")
        side = "right" if series["kind"].iloc[0] in ("accuracy", "reward") else "left"
        if side == "right" and right is None and (part["kind"].isin(["accuracy", "reward"])).all():
            right = ax
        if side == "right" and right is None:
            right = ax.twinx()
        where, colors = (right, RIGHT) if side == "right" else (ax, LEFT)
        y = series["y"].to_numpy(float)
        dots = "." if y.size <= 60 else ""
        color = colors[shown[side] % len(colors)]
        handles += where.plot(series["x"], y, marker=dots, ms=4, lw=0.8, color=color, label=str(metric)[:26])
        shown[side] += 1
        if side == "left" and y.min() > 0 and y.max() > 30 * np.quantile(y, 0.5):
            ax.set_yscale("log")
    x = part["x"].to_numpy(float)
    if x.min() > 0 and x.max() / x.min() > 3000 and np.median(x) < 0.1 * x.max():
        ax.set_xscale("log")
    ax.set_title(f"#{number}", loc="left", fontsize=11, fontweight="bold")
    ax.legend(handles, [h.get_label() for h in handles], fontsize=7, loc="upper right")
    ax.tick_params(labelsize=7)


def agreement(first: Path, second: Path) -> dict[str, tuple[int, int, float]]:
    """Positives of either pass and Cohen's kappa for each label, over runs that neither calls ambiguous."""
    passes = []
    for file in (first, second):
        with file.open(encoding="utf-8", newline="") as text:
            passes.append({(r["source"], r["run_id"]): set(r["labels"].split(";")) for r in csv.DictReader(text)})
    both = [(passes[0][k], passes[1][k]) for k in passes[0].keys() & passes[1].keys()]
    both = [(a, b) for a, b in both if "ambiguous" not in a | b]
    out = {}
    for label in sorted(set().union(*(a | b for a, b in both))):
        a, b = (np.array([label in pair[i] for pair in both]) for i in (0, 1))
        chance = a.mean() * b.mean() + (1 - a.mean()) * (1 - b.mean())
        kappa = float((np.mean(a == b) - chance) / (1 - chance)) if chance < 1 else 1.0
        out[label] = int(a.sum()), int(b.sum()), kappa
    return out


def main() -> None:
    """Print the list, draw the sheets, or compare two passes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("list", "pictures", "agree"))
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("second", nargs="?", type=Path)
    parser.add_argument("--sheets", default="1-99", metavar="A-B")
    args = parser.parse_args()
    if args.what == "list":
        out = csv.writer(sys.stdout, lineterminator="\n")
        out.writerow(("number", "source", "run_id", "metrics"))
        for number, row in enumerate(draw_lots(curves()), 1):
            out.writerow((number, *row))
        return
    if args.folder is None:
        parser.error("a folder for the pictures is needed")
    if args.what == "agree":
        for label, (a, b, kappa) in agreement(args.folder, args.second).items():
            print(f"{label}: {a} and {b} positives, kappa {kappa:.2f}")
        return
    first, last = (int(v) for v in args.sheets.split("-"))
    pictures(args.folder, first, last)


if __name__ == "__main__":
    main()
