"""The two gates of the halves, kept beside this file so that the studies need no training.

    python -m benchmarks.decisions gates [--cache DIR]

``half0.npz`` forecasts the groups of half 0 and has learned from those of half 1 only; ``half1.npz`` the reverse. They
are those of ``python -m benchmarks.accuracy.crossfit --split half``, stretch included. Making them needs torch.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from curvefit.curves import Curve
from curvefit.forecasting.forecast import Forecast
from curvefit.forecasting.forecasters.pooled import Pooled
from curvefit.forecasting.pool.gate import Gate

from ..accuracy import crossfit

HERE = Path(__file__).resolve().parent


@cache
def pooled(half: int) -> Pooled:
    """The default forecaster with a gate that has not seen the groups of this half."""
    return Pooled(Gate.load(HERE / f"half{half}.npz"))


def pooled_one(half: int) -> Callable[[Curve, NDArray[np.float64]], Forecast]:
    """The same for one curve, as a `Monitor` asks."""
    return lambda curve, x: pooled(half).forecast([curve], [x])[0]


def main(argv: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="0,1")
    parser.add_argument("--cache", type=Path, default=crossfit.CACHE)
    parser.add_argument("--data", type=Path, default=crossfit.DATA)
    args = parser.parse_args(argv)
    study = crossfit.Study(args.data, args.cache, [int(s) for s in args.seeds.split(",")])
    folds = crossfit.trained(study, "half")
    for half, fold in enumerate(folds):
        gate = fold.stretched(folds)
        file = HERE / f"half{half}.npz"
        stretch = gate.stretch
        if stretch is None:
            raise ValueError(f"{fold.name} has no stretch")
        parts = {k: np.asarray(fold.gate[k], np.float32) for k in crossfit.PARTS}
        np.savez_compressed(file, worse=stretch.worse, better=stretch.better, **parts)
        print(f"{file.name}: {file.stat().st_size / 1000:.0f} kB, forecasts {len(fold.test)} series of {fold.name}")
