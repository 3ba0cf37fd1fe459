"""What is expected of the real curves, written down before any method saw them.

    python -m benchmarks.segmentation.real_lists     # writes real_lists.json from the logged learning rates

Drops: steps at which the logged rate falls at once to at most half of what it was, with at least five points on either
side; the last steps of a decay to zero, whose rate falls as much at every step or by the last digit logged (less
than 2 % of the peak), are none. Runs whose rate never steps
are constant or smoothly decaying; a run whose only steps are smaller than to a half belongs to neither.

Peaks over model size were labelled by eye on plots of the validation loss and accuracy against width: the width of
the peak (the trough, for accuracy) and the range that the eye would accept. ``sure`` is false where two people might
disagree; those are not counted.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

FILE = Path(__file__).with_name("real_lists.json")
SHARED = Path(__file__).resolve().parents[3] / "shared"
LEAST = 5

C3, DEEP, PRE = "3CNN/simple3CNN_", "DeepNN/simpleDeepNN_", "PreActResNet18/preActResNet_"
LAST = "/modelwise_last_epoch"
PEAKS = [
    # run, metric, peak, from, to, sure
    (f"{C3}cifar1025k_020noise_noda_128bs{LAST}", "val_loss", 11, 9, 14, True),
    (f"{C3}mnist30k_010noise_noda_128bs{LAST}", "val_loss", 8, 6, 10, True),
    (f"{C3}mnist4k_010noise_noda_128bs{LAST}", "val_loss", 3, 2.5, 4.5, True),
    (f"{DEEP}mnist4k_010noise_noda_256bs/modelwise", "val_loss", 45, 30, 65, True),
    (f"{PRE}cifar1025k_020noise_noda_256bs{LAST}", "val_loss", 5, 4, 9, True),
    (f"{PRE}cifar10augmented_020noise_noda_256bs{LAST}", "val_loss", 6, 5, 9, True),
    (f"{PRE}mnist_010noise_noda_256bs{LAST}", "val_loss", 4, 3.5, 5.5, True),
    (f"{C3}cifar1025k_020noise_noda_128bs{LAST}", "val_acc", 9, 7, 11, True),
    (f"{C3}mnist30k_010noise_noda_128bs{LAST}", "val_acc", 7, 6, 8, True),
    (f"{C3}mnist4k_010noise_noda_128bs{LAST}", "val_acc", 3, 2.5, 4, False),  # one point
    (f"{DEEP}mnist4k_010noise_noda_256bs/modelwise", "val_acc", 14, 8, 20, False),  # hardly beyond the noise
    (f"{PRE}cifar1025k_020noise_noda_256bs{LAST}", "val_acc", 3, 2, 5, True),
    (f"{PRE}cifar10augmented_020noise_noda_256bs{LAST}", "val_acc", 4, 3, 6, True),
    (f"{PRE}mnist_010noise_noda_256bs{LAST}", "val_acc", 4, 3, 5, True),
]

MONOTONE = {
    "gemstones": ["val_loss_dclm", "val_loss_fineweb_edu"],
    "routing_scaling_laws": ["val_loss", "val_loss_lambada", "val_loss_wikitext103"],
    "multipowerlaw": ["train_loss"],  # its only curve
    "modded_nanogpt": ["val_loss"],
}
"""Sources whose loss series are not expected to show double descent."""


def steps(x: np.ndarray, rate: np.ndarray) -> tuple[list[float], bool]:
    """Places of the drops to at most a half, and whether the rate steps at all."""
    old, change = rate[:-1], np.abs(np.diff(rate))
    beside = np.maximum(np.r_[change[1:], 0.0], np.r_[0.0, change[:-1]])
    sudden = (change > 3 * beside) & (change > 0.1 * old) & (change > 0.02 * rate.max())
    i = np.flatnonzero(sudden) + 1
    i = i[(i >= LEAST) & (i <= rate.size - LEAST)]
    return [float(x[j]) for j in i if rate[j] <= 0.5 * rate[j - 1]], bool(i.size)


def main() -> None:
    """Write the lists."""
    import pandas as pd

    frame = pd.read_parquet(SHARED / "curves" / "schedules_dev.parquet")
    drops: dict[str, Any] = {}
    smooth: list[str] = []
    for (source, run), curves in frame.groupby(["source", "run_id"], sort=True):
        densest = max((g.sort_values("x") for _, g in curves.groupby("metric")), key=len)
        found, any_step = steps(densest.x.to_numpy(float), densest.lr.to_numpy(float))
        if found:
            drops[f"{source}/{run}"] = found
        elif not any_step:
            smooth.append(f"{source}/{run}")
    peaks = [dict(zip(("run", "metric", "peak", "low", "high", "sure"), p, strict=True)) for p in PEAKS]
    document = {"drops": drops, "no_drop": smooth, "peaks": peaks, "no_double_descent": MONOTONE}
    FILE.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    print(f"{sum(map(len, drops.values()))} drops in {len(drops)} runs, {len(smooth)} runs without a step")


if __name__ == "__main__":
    main()
