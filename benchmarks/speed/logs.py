"""Logs and curves to measure on: power laws with white noise, train and validation loss, a learning rate."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from curvefit import Curve


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


def write_log(path: Path, n: int, seed: int = 1, *, powers: bool = False) -> None:
    """Write such a log as CSV; with ``powers`` the rate falls with x and is written in exponent form."""
    data = columns(n, seed)
    if powers:
        data["lr"] = 3e-5 / (1 + data["step"] / n)
    form = "e" if powers else "g"
    with path.open("w", encoding="utf-8") as file:
        file.write(",".join(data) + "\n")
        for row in zip(*data.values(), strict=True):
            file.write(f"{row[0]:.0f},{row[1]:.6f},{row[2]:.6f},{row[3]:{form}}\n")


def curves(sizes: Sequence[int], seed: int = 1) -> list[Curve]:
    """Losses of those lengths, from smooth to noisy."""
    import curvefit as cf

    rng = np.random.default_rng(seed)
    out = []
    for size in sizes:
        x = np.arange(1.0, size + 1)
        falling = rng.uniform(0.5, 3) * (x + rng.uniform(0, 5)) ** -rng.uniform(0.2, 1)
        noise = 10 ** rng.uniform(-4, -1) * rng.standard_normal(size)
        out.append(cf.Curve(x, np.abs(1 + falling + noise), metric="val_loss"))
    return out
