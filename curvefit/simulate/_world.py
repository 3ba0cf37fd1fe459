"""The means of a simulated run while faults are being planted; private and mutable."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .schedules import lagged

__all__ = ["World", "healthy_world"]

Array = NDArray[np.float64]
Edit = Callable[[dict[str, Array], np.random.Generator], None]

CHANCE_LOSS = float(np.log(10.0))
CHANCE_ACCURACY = 0.1


@dataclass(slots=True)
class World:
    """Means on a common grid of n points, and what is done to the values after the noise.

    ``drop`` is what each metric gains from its first to its best mean; sizes of faults are shares of it.
    """

    x: Array
    rate: Array
    means: dict[str, Array]
    drop: dict[str, float]
    sd: dict[str, float]
    truth: dict[str, float] = field(default_factory=dict)
    edits: list[Edit] = field(default_factory=list)
    smoothing: float = 0.0
    restart: float | None = None

    @property
    def n(self) -> int:
        """Number of points."""
        return int(self.x.size)

    @property
    def u(self) -> Array:
        """Share of the run, from 0 to 1."""
        return np.linspace(0.0, 1.0, self.n)

    def index(self, share: float) -> int:
        """Index of the point at a share of the run."""
        return int(np.clip(round(share * (self.n - 1)), 0, self.n - 1))


def healthy_world(x: Array, rate: Array, sd: float, rng: np.random.Generator) -> World:
    """A ten-class classifier that learns: losses and accuracy improve with the sum of the learning rate.

    Notes
    -----
    loss = floor + (start - floor) (1 - c) (1 + S/s)^-alpha + (start - floor) c lagged(rate), S the summed rate: what the
    annealed scaling laws say, and monotone unless the rate rises.
    """
    n = x.size
    total = np.r_[0.0, np.cumsum(rate)[:-1]]
    reach = max(float(total[-1]), 1e-12)
    alpha, scale = rng.uniform(0.5, 1.5), rng.uniform(0.005, 0.06) * reach
    decay = (1.0 + total / scale) ** -alpha
    schedule_matters = float(np.ptp(rate)) > 0
    share = rng.uniform(0.05, 0.15) if schedule_matters else 0.0
    heat = lagged(rate / max(float(rate.max()), 1e-12), max(n / 60, 1.0)) if schedule_matters else np.zeros(n)
    shape = (1 - share) * decay + share * heat
    shape = shape / shape[0] if shape[0] > 0 else shape
    floor = CHANCE_LOSS * rng.uniform(0.05, 0.3)
    gap = CHANCE_LOSS * rng.uniform(0.02, 0.15)
    top = rng.uniform(0.75, 0.97)
    means = {
        "train_loss": floor + (CHANCE_LOSS - floor) * shape,
        "val_loss": floor + gap + (CHANCE_LOSS - floor - gap) * shape,
        "val_accuracy": top - (top - CHANCE_ACCURACY) * shape,
    }
    drop = {k: float(np.ptp(v)) for k, v in means.items()}
    return World(x, rate, means, drop, {k: sd * d for k, d in drop.items()})
