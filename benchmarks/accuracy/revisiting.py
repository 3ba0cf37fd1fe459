"""Extrapolation of error against data size: the published tasks of image, translation, language and BIG-Bench models.

    python -m benchmarks.accuracy.revisiting

Each curve is fitted on upstream's own training points (up to half of the largest x) and forecast at the others; the score
is the root mean square error of the logarithm. Beside the pool, whose gate was trained without this source, the four laws
of the paper are refitted in the same run by least squares of log y: b x^c, with a floor, with an offset, and M4,
(y - y_inf) / (y_0 - y)^a = b x^c. Groups are those of the development half.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from curvefit.curves import Curve, Metric
from curvefit.forecasting.api import forecast_many
from curvefit.forecasting.forecasters.pooled import Pooled
from curvefit.forecasting.pool.gate import Gate

from . import crossfit
from . import curves as development

Array = NDArray[np.float64]
SOURCE = "revisiting_scaling_laws"


def tasks(path: Path) -> list[tuple[str, str, Array, Array, Array, Array, str]]:
    """Group, name, fitted x and y, extrapolated x and y, kind."""
    frame = pd.read_parquet(path)
    frame = frame[frame.source == SOURCE].sort_values("x")
    out = []
    for (group, name), rows in frame.groupby(["group", "run_id"], sort=True):
        seen = rows.is_training_point.to_numpy(bool)
        x, y = rows.x.to_numpy(float), rows.y.to_numpy(float)
        ahead = ~seen & (x > x[seen].max())
        if seen.sum() >= 4 and ahead.any():
            out.append((group, name, x[seen], y[seen], x[ahead], y[ahead], rows.kind.iloc[0]))
    return out


def laws(x: Array, y: Array, ahead: Array) -> dict[str, Array]:
    """Extrapolations of the four laws."""
    from scipy.optimize import least_squares

    unit = x[-1]
    t, log_y, to = x / unit, np.log(y), ahead / unit
    out = {}

    def best(f, starts):
        found = None
        for start in starts:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                fit = least_squares(lambda p: np.nan_to_num(f(p, t) - log_y, nan=10.0), start, max_nfev=300)
            if found is None or fit.cost < found.cost:
                found = fit
        with np.errstate(all="ignore"):
            return f(found.x, to)

    level, low = float(log_y[-1]), float(y.min())
    out["M1"] = best(lambda p, s: p[0] + p[1] * np.log(s), [(level, -0.3)])
    floors = [np.log(low * k) for k in (0.01, 0.3, 0.7, 0.95)]
    out["M2"] = best(
        lambda p, s: np.log(np.exp(p[0] + p[1] * np.log(s)) + np.exp(p[2])),
        [(np.log(max(y[-1] - np.exp(f), 1e-3 * low)), -0.5, f) for f in floors],
    )
    out["M3"] = best(
        lambda p, s: p[0] + np.exp(p[2]) * np.log(1 / s + np.exp(p[1])),
        [(level, g, np.log(c)) for g in (-6.0, -2.0, 0.0) for c in (0.2, 0.6)],
    )
    out["M4"] = m4(t, y, to)
    return out


def m4(t: Array, y: Array, to: Array) -> Array:
    """Given y_inf and y_0 the law is linear in (a, ln b, c); the best nodes of a grid are polished in log y."""
    from scipy.optimize import least_squares

    log_t, log_y = np.log(t), np.log(y)
    nodes = []
    for floor in np.r_[1e-4, 0.05, 0.2, 0.4, 0.6, 0.75, 0.85, 0.92, 0.96, 0.98, 0.99, 0.999] * y.min():
        for top in y.max() * np.array([1.0005, 1.005, 1.02, 1.1, 1.3, 2.0, 10.0]):
            left, right = np.log(y - floor), np.log(top - y)
            weight = 1 / (y / (y - floor) + 0.5 * y / (top - y))
            design = np.stack([right, np.ones_like(t), log_t], axis=1)
            solution = np.linalg.lstsq(design * weight[:, None], left * weight, rcond=None)[0]
            a = float(np.clip(solution[0], 0.0, 8.0))
            solution = np.r_[
                a, np.linalg.lstsq(design[:, 1:] * weight[:, None], (left - a * right) * weight, rcond=None)[0]
            ]
            p = np.r_[np.log(floor), np.log(top - y.max()), np.sqrt(a), solution[1:]]
            nodes.append((float(np.mean((m4_values(p, log_t, y.max()) - log_y) ** 2)), p))
    nodes.sort(key=lambda n: n[0])
    found = None
    for _, p in nodes[:3]:
        with np.errstate(all="ignore"):
            fit = least_squares(lambda q: np.nan_to_num(m4_values(q, log_t, y.max()) - log_y, nan=10.0), p, max_nfev=60)
        if found is None or fit.cost < found.cost:
            found = fit
    return m4_values(found.x, np.log(to), y.max())


def m4_values(p: Array, log_t: Array, highest: float) -> Array:
    """Log y of M4 at p = (ln y_inf, ln(y_0 - highest y), sqrt a, ln b, c), by bisection."""
    floor, top, a = np.exp(min(p[0], np.log(highest))), highest + np.exp(np.clip(p[1], -30, 30)), p[2] ** 2
    goal = p[3] + p[4] * log_t
    low, high = np.full(log_t.shape, floor), np.full(log_t.shape, top)
    for _ in range(45):
        y = (low + high) / 2
        with np.errstate(all="ignore"):
            above = np.log(y - floor) - a * np.log(top - y) > goal
        low, high = np.where(above, low, y), np.where(above, y, high)
    return np.log(np.maximum((low + high) / 2, 1e-300))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="0,1")
    parser.add_argument("--cache", type=Path, default=crossfit.CACHE)
    parser.add_argument("--data", type=Path, default=crossfit.DATA)
    args = parser.parse_args()
    study = crossfit.Study(args.data, args.cache, [int(s) for s in args.seeds.split(",")])
    folds = development.folds(study.series, "source")
    found = study.gate(folds[SOURCE][0])
    gate = Gate(*(np.asarray(found[k], np.float64) for k in crossfit.PARTS))
    asked = tasks(args.data)
    made = [
        Curve(x, y, Metric("value", kind=kind, direction="min"), x_unit="sample") for _, _, x, y, _, _, kind in asked
    ]
    medians = forecast_many(made, [np.unique(t[4]) for t in asked], method=Pooled(gate))
    rows = []
    for (group, name, x, y, ahead, truth, _), fc in zip(asked, medians, strict=True):
        said = {"curvefit": np.interp(ahead, fc.x, np.log(np.maximum(fc.median, 1e-300))), **laws(x, y, ahead)}
        said["last value"] = np.full(ahead.shape, np.log(y[-1]))
        for law, value in said.items():
            error = float(np.sqrt(np.mean((value - np.log(truth)) ** 2)))
            rows.append({"group": group, "task": name, "law": law, "rmse": error})
    table = pd.DataFrame(rows)
    names = ["curvefit", "M1", "M2", "M3", "M4", "last value"]
    image = table.group.str.startswith("IC")
    print("| tasks | n | " + " | ".join(names) + " | curvefit / M4 |\n" + "|---" * (len(names) + 3) + "|")
    ratios = {}
    parts = [(g, table.group == g) for g in sorted(table.group.unique())] + [("image", image), ("others", ~image)]
    for label, pick in parts:
        mean = table[pick].groupby("law").rmse.mean()
        ratios[label] = float(mean["curvefit"] / mean["M4"])
        n = table[pick].task.nunique()
        print(f"| {label} | {n} | " + " | ".join(f"{mean[k]:.4f}" for k in names) + f" | {ratios[label]:.2f} |")
    wide = table.pivot_table(index=["group", "task"], columns="law", values="rmse")
    print(f"\nsmaller error than M4: {(wide.curvefit < wide.M4).mean():.0%} of {len(wide)} tasks")
    print(f"image tasks {ratios['image']:.2f} of M4 (at most .85), others {ratios['others']:.2f} (at most 1)")
    return int(ratios["image"] > 0.85 or ratios["others"] > 1)


if __name__ == "__main__":
    sys.exit(main())
