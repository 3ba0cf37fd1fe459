"""Sudden drops, model-wise peaks and false bumps on the real development curves, against the lists beside this file.

    python -m benchmarks.segmentation.real_curves [--part drops|peaks|bumps]

Drops: every run of `real_lists.json` is diagnosed without its learning rate; what `lr_drop` finds in the values alone is
compared with the logged steps (found within 2 % of the x range), and counted as invented where the rate never steps.
Peaks: `curvefit.double_descent` on validation loss and accuracy against width. Bumps: the same on loss series that
are not expected to show double descent.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

import numpy as np
import pandas as pd

import curvefit as cf
from curvefit.diagnostics.api import diagnose

from .real_lists import FILE, SHARED

WITHIN = 0.02  # of the x range
CURVES = SHARED / "curves"


def drops(lists: dict[str, Any]) -> None:
    """Found and invented drops."""
    frame = pd.read_parquet(CURVES / "schedules_dev.parquet")
    frame["name"] = frame.source + "/" + frame.run_id
    found = expected = 0
    print(
        "\n## Drops of the learning rate, found in the values alone\n\n| run | expected | found | missed | besides |\n|---|---|---|---|---|"
    )
    for name, places in lists["drops"].items():
        run, span = as_run(frame[frame.name == name])
        seen = places_of(run)
        hits = [p for p in places if any(abs(p - s) <= WITHIN * span for s in seen)]
        others = [s for s in seen if all(abs(p - s) > WITHIN * span for p in places)]
        found, expected = found + len(hits), expected + len(places)
        print(
            f"| {name} | {text(places)} | {text(hits)} | {text(set(places) - set(hits))} | {text(others)} |", flush=True
        )
    print(f"\nfound {found} of {expected}")
    invented, runs, changed = {}, 0, {}
    for name in lists["no_drop"]:
        run, _ = as_run(frame[frame.name == name])
        runs += 1
        if seen := places_of(run):
            invented[name] = seen
        said = diagnose(run, rules=["regime_change"])["regime_change"]
        if said.present:
            changed[name] = said.explanation
    total = sum(len(v) for v in invented.values())
    print(f"\ninvented {total} drops in {len(invented)} of {runs} runs of constant or smoothly decaying rate")
    for name, seen in invented.items():
        print(f"* {name}: {text(seen)}")
    print(f"\nregime_change says something of {len(changed)} of these runs")
    for name, said_ in changed.items():
        print(f"* {name}: {said_}")


def as_run(rows: pd.DataFrame) -> tuple[cf.Run, float]:
    """The run without its schedule, and the range of x."""
    curves = {}
    for metric, one in rows.groupby("metric"):
        one = one.sort_values("x")
        curves[str(metric)] = cf.Curve(one.x.to_numpy(float), one.y.to_numpy(float), str(metric))
    return cf.Run(str(rows.run_id.iloc[0]), curves), float(np.ptp(rows.x))


def places_of(run: cf.Run) -> list[float]:
    """X of the drops found."""
    said = diagnose(run, rules=["lr_drop"])["lr_drop"]
    return [float(e.value) for e in said.where if e.value is not None]


def peaks(lists: dict[str, Any]) -> None:
    """Model-wise peaks labelled by eye."""
    frame = pd.read_parquet(CURVES / "sweeps_dev.parquet")
    print(
        "\n## Peaks over model size\n\n| sweep | metric | by eye | sure | verdict | p | peak |\n|---|---|---|---|---|---|---|"
    )
    found = {True: 0, False: 0}
    for label in lists["peaks"]:
        one = frame[(frame.run_id == label["run"]) & (frame.metric == label["metric"])].sort_values("x")
        way = "max" if label["metric"].endswith("acc") else "min"
        bump = cf.double_descent((one.x.to_numpy(float), one.y.to_numpy(float)), direction=way)
        at = bump.peak.value if bump.peak is not None else None
        hit = bump.verdict == "present" and at is not None and label["low"] <= at <= label["high"]
        found[label["sure"]] += hit
        where = (
            "-"
            if at is None or bump.peak is None or bump.peak.interval is None
            else (f"{at:.1f} [{bump.peak.interval.low:.1f}, {bump.peak.interval.high:.1f}]")
        )
        print(
            f"| {label['run']} | {label['metric']} | {label['peak']} ({label['low']}-{label['high']}) | "
            f"{'yes' if label['sure'] else 'no'} | {bump.verdict} | {bump.p_value:.3f} | {where} |", flush=True,
        )  # fmt: skip
    sure = sum(p["sure"] for p in lists["peaks"])
    print(f"\nfound {found[True]} of {sure} sure peaks, {found[False]} of {len(lists['peaks']) - sure} doubtful ones")


def bumps(lists: dict[str, Any]) -> None:
    """Series that should not be called double descent."""
    frame = pd.read_parquet(CURVES / "forecast_dev.parquet")
    print(
        "\n## Called double descent (5 % test; the rule asks for more)\n\n| source | series | test | rule |\n|---|---|---|---|"
    )
    total = np.zeros(3, int)
    for source, metrics in lists["no_double_descent"].items():
        rows = frame[(frame.source == source) & frame.metric.isin(metrics)]
        count = np.zeros(3, int)
        names = []
        for (run, metric), one in rows.groupby(["run_id", "metric"]):
            one = one.sort_values("x")
            curve = cf.Curve(one.x.to_numpy(float), one.y.to_numpy(float), cf.Metric(str(metric), "loss", "min", "val"))
            test = cf.double_descent(curve).verdict == "present"
            rule = diagnose(cf.Run(str(run), {str(metric): curve}), rules=["double_descent"])["double_descent"].present
            count += [1, test, rule]
            if test:
                names.append(f"{run}/{metric}")
        total += count
        print(f"| {source} | {count[0]} | {count[1]} | {count[2]} |", flush=True)
        for name in names:
            print(f"<!-- {name} -->")
    print(
        f"| all | {total[0]} | {total[1]} ({100 * total[1] / total[0]:.1f} %) | {total[2]} ({100 * total[2] / total[0]:.1f} %) |"
    )


def text(places: Any) -> str:
    """Numbers in order."""
    return ", ".join(f"{p:g}" for p in sorted(places)) or "-"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=("drops", "peaks", "bumps"), help="default: all")
    args = parser.parse_args()
    lists = json.loads(FILE.read_text(encoding="utf-8"))
    for part in (drops, peaks, bumps):
        if args.part in (None, part.__name__):
            part(lists)


if __name__ == "__main__":
    main()
