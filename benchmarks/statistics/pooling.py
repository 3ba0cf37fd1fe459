"""Coverage of pooled quantities: how often the intervals of `curvefit.pool` hold what they are of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

import curvefit as cf

SIZES = (3, 5, 10, 30)
RATIOS = (0.0, 1.0, 3.0)  # standard deviation between runs over the typical standard error


@dataclass(frozen=True, slots=True)
class Share:
    """Shares of intervals that held."""

    runs: int
    ratio: float
    scale: str
    mean: float
    new_run: float
    shrunken: float
    control: float
    width: float


def simulated(
    n: int, ratio: float, scale: str, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """True values of n runs, estimates, standard errors, and the true value of another run; log scale: of logarithms."""
    noise = 0.1 * np.exp(0.5 * rng.standard_normal(n))  # as known as a fit makes it
    between = ratio * 0.1 if scale == "linear" else ratio * 0.3
    true, new = between * rng.standard_normal(n), between * rng.standard_normal()
    if scale == "linear":
        return 1 + true, 1 + true + noise * rng.standard_normal(n), noise, float(1 + new)
    values = np.exp(true + noise * rng.standard_normal(n))
    return np.exp(true), values, noise * values, float(np.exp(new))


def cell(n: int, ratio: float, scale: str, sims: int, seed: int) -> Share:
    """One row: the mean of the population, another run, and the runs drawn toward the mean, all at 95 %.

    The control pools with the standard error of a mean of equal runs, as if runs did not differ (fixed effect).
    """
    rng = np.random.default_rng([seed, n, int(10 * ratio), scale == "log"])
    held = np.zeros(4)
    widths = []
    for _ in range(sims):
        true, values, stderr, new = simulated(n, ratio, scale, rng)
        found = cf.pool(values, stderr, scale="log" if scale == "log" else "linear")
        assert found.mean.interval is not None and found.new_run.interval is not None
        inside = [t in e.interval for t, e in zip(true, found.shrunken, strict=True) if e.interval is not None]
        y, s = (np.log(values), stderr / values) if scale == "log" else (values - 1, stderr)
        weights = 1 / s**2
        fixed = abs(float((weights * y).sum() / weights.sum())) <= 1.96 / np.sqrt(float(weights.sum()))
        held += [1.0 in found.mean.interval, new in found.new_run.interval, float(np.mean(inside)), fixed]
        widths.append(found.mean.interval.width)
    shares = held / sims
    return Share(n, ratio, scale, *(float(s) for s in shares), width=float(np.median(widths)))


def cells(sims: int, seed: int) -> Iterator[Share]:
    """Every size, ratio and scale."""
    for scale in ("linear", "log"):
        for ratio in RATIOS:
            for n in SIZES:
                yield cell(n, ratio, scale, sims, seed)
