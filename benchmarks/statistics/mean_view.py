"""Coverage of a forecast's two intervals on simulated curves whose mean is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

import curvefit as cf
from curvefit.curves import Curve

Floats = NDArray[np.float64]
HORIZONS = (1.05, 1.5, 3.0)
NOISES = {"white": 0.0, "AR(0.7)": 0.7}
_BATCH = 200


@dataclass(slots=True)
class Hits:
    """How often the mean lay in the interval of the mean curve, an observation in its own, and the ratio of widths."""

    mean: list[bool] = field(default_factory=list)
    observation: list[bool] = field(default_factory=list)
    narrower: list[float] = field(default_factory=list)


def worlds(runs: int, rho: float, seed: int) -> tuple[list[Curve], list[Floats], list[Floats], list[Floats]]:
    """Curves, future x, true means there and new observations: losses, accuracies and rewards in turn."""
    curves, ahead, means, new = [], [], [], []
    for k in range(runs):
        rng = np.random.default_rng([seed, k])
        n = int(np.exp(rng.uniform(np.log(20), np.log(300))))
        x = np.arange(1, n + 1.0)
        later = n * np.array(HORIZONS)
        mean, kind = _mean(k, n, rng)
        span = float(np.ptp(mean(x)))
        sd = span * np.exp(rng.uniform(np.log(0.005), np.log(0.1)))
        e = rng.normal(size=n)
        for i in range(1, n):
            e[i] = rho * e[i - 1] + np.sqrt(1 - rho**2) * e[i]
        curves.append(Curve(x, mean(x) + sd * e, metric=kind))
        ahead.append(later)
        means.append(mean(later))
        new.append(mean(later) + sd * rng.normal(size=later.size))
    return curves, ahead, means, new


def _mean(k: int, n: int, rng: np.random.Generator) -> tuple[Callable[[Floats], Floats], str]:
    alpha, size = rng.uniform(0.25, 1.0), rng.uniform(0.3, 3)
    start = n * np.exp(rng.uniform(np.log(0.005), np.log(0.1)))
    tau = n * np.exp(rng.uniform(np.log(0.1), np.log(1.5)))

    def fall(x: Floats) -> Floats:
        law: Floats = (1 + x / start) ** -alpha if k % 2 else np.exp(-x / tau)
        return law

    if k % 3 == 0:
        return (lambda x: 1 + size * fall(x)), "loss"
    if k % 3 == 1:
        low, high = rng.uniform(0.1, 0.3), rng.uniform(0.6, 0.85)
        return (lambda x: high - (high - low) * fall(x)), "accuracy"
    return (lambda x: 100 * (1 - fall(x))), "reward"


def mean_view(runs: int, seed: int, level: float = 0.8) -> dict[tuple[str, float], Hits]:
    """Hits by kind of noise and horizon."""
    found = {}
    for name, rho in NOISES.items():
        curves, ahead, means, new = worlds(runs, rho, seed)
        cells = [Hits() for _ in HORIZONS]
        for at in range(0, runs, _BATCH):
            part = slice(at, at + _BATCH)
            made = cf.forecast_many(curves[part], ahead[part])
            for forecast, mean, observed in zip(made, means[part], new[part], strict=True):
                wide, narrow = forecast.interval(level), forecast.interval(level, view="mean")
                for j, cell in enumerate(cells):
                    cell.observation.append(bool(wide.low[j] <= observed[j] <= wide.high[j]))
                    cell.mean.append(bool(narrow.low[j] <= mean[j] <= narrow.high[j]))
                    cell.narrower.append(float((narrow.high[j] - narrow.low[j]) / (wide.high[j] - wide.low[j])))
        found |= {(name, h): cell for h, cell in zip(HORIZONS, cells, strict=True)}
    return found
