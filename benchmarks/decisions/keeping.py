"""Which checkpoint is kept: `best_point` against the place where the mean of simulated runs is best.

    python -m benchmarks.decisions keeping [--runs 60]

Overfitting: a validation loss that falls exponentially or as a power of x, steeply or not, and rises from a tenth, three
tenths or six tenths of the run on. Others: a plateau, two power laws and a line, which have no turn to be late for. White,
correlated and heavy-tailed noise of three sizes. Regret is the mean at the kept checkpoint above the best mean, in thousandths of the drop; lag is
the distance in checkpoints. Beside the estimate: the best place of the local mean, which it was before.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from curvefit.curves import Curve
from curvefit.estimands._local_mean import local_means
from curvefit.estimands.api import estimate
from curvefit.simulate import NOISES

Floats = NDArray[np.float64]
LENGTHS = (20, 60, 200, 1000)
KINDS = ("white", "ar.5", "ar.9", "t3")
SIZES = (0.001, 0.01, 0.05)  # of the noise, as shares of the drop


def worlds(n: int) -> dict[str, list[Floats]]:
    """Means of runs that overfit, and of others."""
    x = np.arange(1.0, n + 1)
    u = x / n
    turning = []
    for at in (0.1, 0.3, 0.6):
        for fall in (np.exp(-(x - 1) / max(at * n / 5, 0.7)), x**-1.2):
            turning += [fall + rise * np.maximum(u - at, 0) / (1 - at) for rise in (0.1, 0.5)]
    return {"overfitting": turning, "others": [np.exp(-(x - 1) / max(n / 15, 0.7)), x**-0.5, 1 / x, 1 - u]}


def kept(mean: Floats, y: Floats) -> list[tuple[float, float]]:
    """Regret in thousandths of the drop and lag of the best local mean and of the estimate."""
    curve = Curve(np.arange(1.0, y.size + 1), y, "val_loss")
    places = [int(local_means(curve, 1.0)[0].mean.argmin()), round(estimate(curve, "best_point").value or 1) - 1]
    best = int(mean.argmin())
    return [(1e3 * float(mean[k] - mean[best]) / float(mean[0] - mean[best]), abs(k - best)) for k in places]


def main(argv: Sequence[str]) -> int:
    """Print one table per kind of run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--runs", type=int, default=60, help="of each mean, noise and size; a third of that for the longest"
    )
    runs = parser.parse_args(argv).runs
    rng = np.random.default_rng(0)
    found: dict[tuple[str, int, float], list[list[tuple[float, float]]]] = {}
    for n in LENGTHS:
        for kind, means in worlds(n).items():
            for mean in means:
                for sd in SIZES:
                    for noise in KINDS:
                        for _ in range(runs if n < LENGTHS[-1] else max(runs // 3, 1)):
                            y = mean + sd * float(np.ptp(mean)) * NOISES[noise].draw(n, rng)
                            found.setdefault((kind, n, sd), []).append(kept(mean, y))
    for kind in ("overfitting", "others"):
        print(f"\n| {kind}: points | noise | runs | regret before | now | ratio | lag before | now |")
        print("|---|---|---|---|---|---|---|---|")
        for (name, n, sd), rows in found.items():
            if name == kind:
                (before, lag), (now, closer) = np.array(rows).mean(axis=0)
                ratio = now / before if before else 1.0
                print(
                    f"| {n} | {sd:g} | {len(rows)} | {before:.3f} | {now:.3f} | {ratio:.2f} | {lag:.2f} | {closer:.2f} |"
                )
    return 0
