"""Simulates the law of sup-F statistics: ``python -m benchmarks.statistics.sup_f_table > curvefit/segmentation/sup_f_law.json``."""

from __future__ import annotations

import json
import sys

import numpy as np

UPPER = (0.5, 0.4, 0.3, 0.2, 0.15, 0.1, 0.075, 0.05, 0.025, 0.01, 0.005, 0.002, 0.001)
MOST = {0.05: 5, 0.10: 5, 0.15: 5, 0.20: 3, 0.25: 2}
FINE, COARSE, WANTED = 400, 100, 1000  # steps simulated, and those that the published tables have
REPLICATES, BLOCK, SEED = 10_000, 500, 1998


def best_partitions(z: np.ndarray, trimming: float, most: int) -> np.ndarray:
    """Largest explained sum of squares of unit-variance increments z, shape (m, B), by 1 to ``most`` breaks over k."""
    m, replicates = z.shape
    h = round(trimming * m)
    walk = np.concatenate([np.zeros((1, replicates), np.float32), np.cumsum(z, axis=0, dtype=np.float32)])
    best = np.full((m + 1, replicates), -np.inf, np.float32)
    best[h:] = walk[h:] ** 2 / np.arange(h, m + 1, dtype=np.float32)[:, None]
    whole = walk[m] ** 2 / m
    out = []
    for k in range(1, most + 1):
        following = np.full_like(best, -np.inf)
        ends = [m] if k == most else range((k + 1) * h, m + 1)
        for t in ends:
            s = np.arange(k * h, t - h + 1)
            following[t] = np.max(best[s] + (walk[t] - walk[s]) ** 2 / (t - s).astype(np.float32)[:, None], axis=0)
        best = following
        out.append((best[m] - whole) / k)
    return np.array(out)


def main() -> int:
    table = {}
    # quantiles fall short of the limit by a multiple of 1 / sqrt(steps): two grids tell which
    further = (1 / np.sqrt(FINE) - 1 / np.sqrt(WANTED)) / (1 / np.sqrt(COARSE) - 1 / np.sqrt(FINE))
    for trimming, most in MOST.items():
        rng = np.random.default_rng(SEED)
        fine, coarse = [], []
        for _ in range(REPLICATES // BLOCK):
            z = rng.standard_normal((FINE, BLOCK), dtype=np.float32)
            fine.append(best_partitions(z, trimming, most))
            z = z.reshape(COARSE, FINE // COARSE, BLOCK).sum(axis=1) / np.sqrt(np.float32(FINE / COARSE))
            coarse.append(best_partitions(z, trimming, most))
        rows = {}
        one, two = np.concatenate(fine, axis=1), np.concatenate(coarse, axis=1)
        for name, a, b in [*((str(k + 1), one[k], two[k]) for k in range(most)), ("udmax", one.max(0), two.max(0))]:
            upper, rough = (np.quantile(v, 1 - np.array(UPPER)) for v in (a, b))
            rows[name] = [round(float(v), 3) for v in np.maximum.accumulate(upper + further * (upper - rough))]
        table[f"{trimming:.2f}"] = rows
        print(trimming, rows, file=sys.stderr, flush=True)
    note = (
        f"{REPLICATES} paths, seed {SEED}, one regressor, from {COARSE} and {FINE} to {WANTED} steps; "
        "upper tail probabilities in 'upper'"
    )
    print(json.dumps({"note": note, "upper": UPPER, "law": table}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
