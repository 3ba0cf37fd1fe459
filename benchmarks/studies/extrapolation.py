"""Do prediction intervals of scaling laws hold larger runs? ``python -m benchmarks.studies.extrapolation POINTS.parquet``.

Points of real runs (N, D, L, run_id, source, group): the smaller runs are fitted, with their own rolling checks, and asked about the
larger ones, which neither the fit nor its checks have seen. Prints, per set and cut, the share of larger runs inside the 95 %
prediction intervals as they are and widened by what the checks needed.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

import curvefit as cf

CUTS = (0.4, 0.55, 0.7, 0.85)
LEVEL = 0.95
Points = dict[str, np.ndarray]


def sets(path: Path) -> Iterator[tuple[str, Points]]:
    """The 240 points of the replication, all of Gemstones, and routing networks by size of their dense part."""
    import pyarrow.parquet as pq

    table = pq.read_table(path, columns=["source", "group", "run_id", "N", "D", "L"])
    rows = {k: table[k].to_numpy(zero_copy_only=False) for k in table.column_names}
    usable = np.isfinite(rows["N"]) & np.isfinite(rows["D"]) & np.isfinite(rows["L"])

    def chosen(keep: np.ndarray) -> Points:
        return {k: rows[k][keep & usable] for k in ("N", "D", "L", "run_id")}

    chinchilla = chosen(rows["source"] == "chinchilla")
    fewer = chinchilla["L"] < np.sort(chinchilla["L"])[-5]
    yield "chinchilla", {k: v[fewer] for k, v in chinchilla.items()}
    yield "gemstones", chosen(rows["source"] == "gemstones")
    routing = rows["source"] == "routing_scaling_laws"
    for size in sorted(set(rows["group"][routing])):
        yield f"routing, {size}", chosen(routing & (rows["group"] == size))


def measured(points: Points, cut: float, replicates: int) -> tuple[int, int, float, float, float]:
    """Points fitted and asked about, coverage as it is and widened, and by how much it was widened."""
    size = points["N"] * points["D"]
    inside = size <= np.quantile(size, cut)
    below = {k: v[inside] for k, v in points.items()}
    fit = cf.scaling_law(below, "N", "D", loss="L", run="run_id", level=LEVEL, replicates=replicates)
    seen = points["L"][~inside]
    shares = []
    for one in (replace(fit, checks=()), fit):
        told = one.predict(points["N"][~inside], points["D"][~inside])
        shares.append(float(np.mean((told.low <= seen) & (seen <= told.high))))
    return int(inside.sum()), int((~inside).sum()), shares[0], shares[1], fit.widening


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("points", type=Path)
    parser.add_argument("--replicates", type=int, default=400)
    args = parser.parse_args()
    print("| points | cut | fitted | larger | covered | widened | by |\n|---|--:|--:|--:|--:|--:|--:|")
    found = []
    for name, points in sets(args.points):
        for cut in CUTS:
            row = measured(points, cut, args.replicates)
            found.append(row[2:4])
            plain, wide = (f"{v:.2f}" for v in row[2:4])
            print(f"| {name} | {cut:g} | {row[0]} | {row[1]} | {plain} | {wide} | {row[4]:.2f} |", flush=True)
    plain, wide = np.mean(found, axis=0)
    print(f"\nmean over {len(found)} rows: {plain:.3f} as they are, {wide:.3f} widened; nominal {LEVEL:g}")
    return 0 if wide > plain else 1


if __name__ == "__main__":
    raise SystemExit(main())
