"""Coverage of breakpoint intervals, and size and power of the tests for breakpoints and bumps, under many noises."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

import curvefit as cf
from curvefit.segmentation._existence import davies_p

from .coverage import Cell

__all__ = ["NOISES", "bump_rates", "existence_rates", "numbers_found", "segmented_coverage", "selected_coverage"]

NOISES = ("white", "ar.7", "ar.9", "t3", "follows the curve")
WAYS = [
    ("default, profile", "profile_likelihood", "auto"),
    ("sieve profile", "profile_sieve", "auto"),
    ("independent noise, delta", "delta", "white"),
]
BUMP_WIDTH = 0.6


def noise(kind: str, mean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Noise of unit standard deviation; "follows the curve" is in proportion to it."""
    n = mean.size
    if kind == "t3":
        return rng.standard_t(3, n) / np.sqrt(3)
    z = rng.standard_normal(n)
    if kind == "follows the curve":
        return z * mean / np.mean(mean)
    rho = float(kind[2:]) if kind.startswith("ar") else 0.0
    for i in range(1, n):
        z[i] = rho * z[i - 1] + np.sqrt(1 - rho * rho) * z[i]
    return z


def segmented_coverage(runs: int, seed: int) -> dict[str, dict[tuple[str, str], Cell]]:
    """A kink at 6.5 of 0 ... 10 into a plateau: 50 and 200 points, noise of sd .5 (low) and .1 (high)."""
    out: dict[str, dict[tuple[str, str], Cell]] = {}
    for kind in ("white", "ar.7", "ar.9"):
        for n in (50, 200):
            for name, sd in (("low", 0.5), ("high", 0.1)):
                rng = np.random.default_rng(seed)
                cells = {(label, "breakpoint"): Cell() for label, _, _ in WAYS}
                x = np.linspace(0, 10, n)
                mean = 5 - 0.8 * np.minimum(x, 6.5)
                for _ in range(runs):
                    y = mean + sd * noise(kind, mean, rng)
                    for label, interval, assumed in WAYS:
                        fit = cf.segment((x, y), 1, interval=interval, noise=assumed, rng=rng)
                        place = fit.breakpoints[0].interval
                        ends = (np.nan, np.nan) if place is None else (place.low, place.high)
                        cells[label, "breakpoint"].add(6.5, *ends)
                out[f"{kind}, {n} points, {name} signal"] = cells
    return out


def selected_coverage(runs: int, seed: int) -> dict[str, tuple[int, int, int]]:
    """The same kinks with their number selected: how often one is found, and its default interval covers then, or at all.

    Counts per cell: one breakpoint found; found and covered; some breakpoint's interval covers, whatever their number.
    """
    out = {}
    for kind in ("white", "ar.7", "ar.9"):
        for n in (50, 200):
            for name, sd in (("low", 0.5), ("high", 0.1)):
                rng = np.random.default_rng(seed)
                x = np.linspace(0, 10, n)
                mean = 5 - 0.8 * np.minimum(x, 6.5)
                one = covered = anyhow = 0
                for _ in range(runs):
                    fit = cf.segment((x, mean + sd * noise(kind, mean, rng)), max_breakpoints=3, rng=rng)
                    places = [b.interval for b in fit.breakpoints if b.interval is not None]
                    hit = any(p.low <= 6.5 <= p.high for p in places)
                    one += len(fit.breakpoints) == 1
                    covered += hit and len(fit.breakpoints) == 1
                    anyhow += hit
                out[f"{kind}, {n} points, {name} signal"] = (one, covered, anyhow)
    return out


PLACES: dict[int, tuple[float, ...]] = {0: (), 1: (6.5,), 2: (3.0, 6.5), 3: (2.5, 5.0, 7.5)}


def numbers_found(runs: int, seed: int, kind: str = "ar.7", assumed: str = "auto") -> dict[int, list[int]]:
    """How often 0 to 5 breakpoints are selected where there are K, at the kinks' high signal: slopes -.8, 0, -.8, 0."""
    x = np.linspace(0, 10, 200)
    out = {}
    for k, places in PLACES.items():
        rng = np.random.default_rng(seed)
        mean = 5 - 0.8 * x + sum(0.8 * (-1) ** j * np.maximum(x - p, 0) for j, p in enumerate(places))
        counts = [0] * 6
        for _ in range(runs):
            counts[len(cf.segment((x, mean + 0.1 * noise(kind, mean, rng)), noise=assumed).breakpoints)] += 1
        out[k] = counts
    return out


def _rates(
    runs: int, seed: int, mean: np.ndarray, tests: dict[str, Callable], kinds: tuple[str, ...] = NOISES
) -> dict[str, dict[str, int]]:
    out: dict[str, dict[str, int]] = {}
    for kind in kinds:
        rng = np.random.default_rng(seed)
        hits = dict.fromkeys(tests, 0)
        for _ in range(runs):
            y = mean + 0.1 * noise(kind, mean, rng)
            for label, test in tests.items():
                hits[label] += test(y, rng) <= 0.05
        out[kind] = hits
    return out


def existence_rates(runs: int, seed: int) -> dict[str, dict[str, int]]:
    """How often a breakpoint is seen at 5 % in a straight line of 200 points; Davies' bound is the negative control."""
    x = np.linspace(0.05, 10, 200)
    tests = {
        "sup-F, sieve null": lambda y, rng: cf.segment((x, y), 1, rng=rng).existence_test.p_value,
        "Davies, independent noise": lambda y, rng: davies_p(x, y),
    }
    return _rates(runs, seed, 1 + 0.3 * (10 - x), tests)


def bump_rates(runs: int, seed: int, height: float = 0.0, kinds: tuple[str, ...] = NOISES) -> dict[str, dict[str, int]]:
    """How often a bump of so many noise sd is seen at 5 %, on an exponential decay of 200 points.

    By the p-value of the likelihood ratio, and by the verdict, which asks besides that the data themselves rise.
    """
    x = np.linspace(0.05, 10, 200)
    mean = 1 + 3 * np.exp(-x / 2.5) + 0.1 * height * np.exp(-0.5 * ((x - 6) / BUMP_WIDTH) ** 2)
    out: dict[str, dict[str, int]] = {}
    for kind in kinds:
        rng = np.random.default_rng(seed)
        hits = {"p-value": 0, "verdict": 0}
        for _ in range(runs):
            found = cf.double_descent((x, mean + 0.1 * noise(kind, mean, rng)), rng=rng)
            hits["p-value"] += found.p_value <= 0.05
            hits["verdict"] += found.verdict == "present"
        out[kind] = hits
    return out
