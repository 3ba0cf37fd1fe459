"""Breakpoints, changepoints and bumps against their budgets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ._timing import Row, row, times

PLACES = (2.5, 5.0, 7.5)


def line(n: int, k: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Slope .5, then alternating, noise of sd .25."""
    rng = np.random.default_rng(seed)
    x = np.linspace(0, 10, n)
    y = 0.5 * x + sum((-1.0) ** (j + 1) * np.maximum(x - p, 0) for j, p in enumerate(PLACES[3 - k :]))
    return x, y + 0.25 * rng.standard_normal(n)


def steps(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Five jumps of 1.5 standard deviations."""
    rng = np.random.default_rng(seed)
    x = np.arange(float(n))
    return x, 1.5 * (np.floor(6 * x / n) % 2) + rng.standard_normal(n)


def bump(n: int, height: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A decay, with or without a bump."""
    rng = np.random.default_rng(seed)
    x = np.linspace(0.05, 10, n)
    y = 1 + 3 * np.exp(-x / 2.5) + height * np.exp(-0.5 * ((x - 6) / 0.6) ** 2)
    return x, y + 0.01 * rng.standard_normal(n) * (10 if height else 1) - (0 if height else 0.2 * x)


def _many(n: int, make: Callable[[int], Any], work: Callable[[Any], object]) -> list[Callable[[], object]]:
    data = [make(seed) for seed in range(n + 1)]
    work(data[0])  # imports and caches
    return [lambda d=d: work(d) for d in data[1:]]


def run(quick: bool) -> list[Row]:
    """Every promise of `curvefit.segmentation`."""
    import curvefit as cf

    n = 3 if quick else 7
    ours = [
        ("`segment`, 1 break, n = 100,000, profile interval", 0.15, lambda s: line(100_000, 1, s), lambda d: cf.segment(d, 1)),
        ("`segment`, 3 breaks, n = 10,000, profile intervals", 1.0, lambda s: line(10_000, 3, s), lambda d: cf.segment(d, 3)),
        ("`segment`, 0 to 5 breaks selected, n = 1,000", 1.0, lambda s: line(1000, 2, s), cf.segment),
        ("`segment`, sieve interval of 199 replicates, n = 200", 1.5, lambda s: line(200, 1, s),
         lambda d: cf.segment(d, 1, interval="profile_sieve")),
        ("`changepoints`, n = 100,000", 0.2, lambda s: steps(100_000, s), cf.changepoints),
        ("`double_descent`, screened, n = 1,000", 0.01, lambda s: bump(1000, 0.0, s), cf.double_descent),
        ("`double_descent`, bootstrap, n = 1,000", 2.0, lambda s: bump(1000, 0.6, s), cf.double_descent),
        ("`ChangeStream`, 10,000 points one by one", 2.0, lambda s: steps(10_000, s), _streamed),
    ]  # fmt: skip
    return [row(what, times(_many(n, make, work)), budget) for what, budget, make, work in ours]


def _streamed(data: tuple[np.ndarray, np.ndarray]) -> None:
    import curvefit as cf

    stream = cf.ChangeStream()
    for x, y in zip(*(v.tolist() for v in data), strict=True):
        stream.update(x, y)
