"""Asymptotic law of the sup-F statistics of structural breaks in a mean, from simulated Brownian motion."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["critical_value", "tail_probability"]

Array = NDArray[np.float64]
LEAST = 1e-3  # smallest upper probability that was simulated


@cache
def _table() -> dict[str, Any]:
    text = resources.files(__package__).joinpath("sup_f_law.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def _quantiles(which: str, trimming: float) -> tuple[Array, Array]:
    """Quantiles and their upper probabilities, between the trimmings that were simulated linearly interpolated."""
    table = _table()
    grid = sorted(table["law"], key=float)
    places = np.array([float(g) for g in grid])
    have = [i for i, g in enumerate(grid) if which in table["law"][g]]
    at = float(np.clip(trimming, places[0], places[have[-1]]))
    rows = np.array([table["law"][grid[i]][which] for i in have])
    quantiles = np.array([np.interp(at, places[have], rows[:, j]) for j in range(rows.shape[1])])
    return quantiles, np.asarray(table["upper"], dtype=np.float64)


def tail_probability(statistic: float, which: str, trimming: float, tests: int = 1) -> float:
    """Upper probability of a statistic, or of the largest of so many independent ones; never below 0.001.

    Parameters
    ----------
    statistic : float
        Sup-F or UDmax.
    which : str
        Number of breaks ("1" to "5") or "udmax".
    trimming : float
        Least share of the data per segment.
    tests : int
        Number l + 1 of segments searched by the test of l + 1 against l breaks.
    """
    quantiles, upper = _quantiles(which, trimming)
    if statistic <= quantiles[0]:
        p = 1.0 - (1.0 - upper[0]) * max(statistic, 0.0) / quantiles[0]
    else:
        p = float(np.exp(np.interp(statistic, quantiles, np.log(upper))))
    return float(max(1.0 - (1.0 - p) ** tests, LEAST))


def critical_value(alpha: float, which: str, trimming: float, tests: int = 1) -> float:
    """The statistic whose upper probability is alpha; alpha at least 0.001."""
    quantiles, upper = _quantiles(which, trimming)
    single = 1.0 - (1.0 - max(alpha, LEAST)) ** (1.0 / tests)
    return float(np.interp(-np.log(max(single, LEAST)), -np.log(upper), quantiles))
