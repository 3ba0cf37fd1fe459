"""Logs to measure on: a power law with white noise, train and validation loss, a learning rate."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def columns(n: int, seed: int = 1) -> dict[str, np.ndarray]:
    """Steps 1 to n, two losses and a constant learning rate."""
    rng = np.random.default_rng(seed)
    x = np.arange(1.0, n + 1)
    scale = n / 1000
    return {
        "step": x,
        "train_loss": 1.8 + 3 * (x / scale + 3) ** -0.5 + 0.02 * rng.standard_normal(n),
        "val_loss": 2.0 + 3 * (x / scale + 3) ** -0.5 + 0.02 * rng.standard_normal(n),
        "lr": np.full(n, 1e-3),
    }


def write_log(path: Path, n: int, seed: int = 1) -> None:
    """Write such a log as CSV."""
    data = columns(n, seed)
    with path.open("w", encoding="utf-8") as file:
        file.write(",".join(data) + "\n")
        for row in zip(*data.values(), strict=True):
            file.write(f"{row[0]:.0f},{row[1]:.6f},{row[2]:.6f},{row[3]:g}\n")
