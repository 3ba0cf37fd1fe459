"""Logs to run the commands on."""

from __future__ import annotations

import numpy as np
import pytest


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


@pytest.fixture
def log(tmp_path):
    """One healthy run of 200 steps."""
    return write(tmp_path / "run.csv")


@pytest.fixture
def folder(tmp_path):
    """Two good runs, one without data and one that is no log at all."""
    runs = tmp_path / "runs"
    runs.mkdir()
    write(runs / "a.csv", seed=1)
    write(runs / "b.csv", seed=2)
    (runs / "empty.csv").write_text("step,val_loss\n")
    return runs
