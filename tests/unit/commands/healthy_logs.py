"""Logs of healthy runs, for tests of the commands."""

from __future__ import annotations

import numpy as np


def power_law(n: int, seed: int = 0, noise: float = 0.01) -> list[tuple[int, float, float]]:
    """Step, training and validation loss of a healthy run."""
    rng = np.random.default_rng(seed)
    x = np.arange(1, n + 1)
    train = 1.8 + 3 * x**-0.5 + noise * rng.standard_normal(n)
    val = 2.0 + 3 * x**-0.5 + noise * rng.standard_normal(n)
    return list(zip(x.tolist(), train.tolist(), val.tolist(), strict=True))


def write(path, n: int = 200, seed: int = 0):
    """A CSV of such a run."""
    rows = "".join(f"{x},{a:.5f},{b:.5f}\n" for x, a, b in power_law(n, seed))
    path.write_text("step,train_loss,val_loss\n" + rows)
    return path
