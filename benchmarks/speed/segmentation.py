"""Breakpoints, changepoints and bumps against their budgets and beside other packages, in one run."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
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
    """Ours against budgets, then every peer that is installed; a missing one is a line that says skip."""
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
    rows = [row(what, times(_many(n, make, work)), budget) for what, budget, make, work in ours]
    return rows + _peers(quick)


def _streamed(data: tuple[np.ndarray, np.ndarray]) -> None:
    import curvefit as cf

    stream = cf.ChangeStream()
    for x, y in zip(*(v.tolist() for v in data), strict=True):
        stream.update(x, y)


def _peers(quick: bool) -> list[Row]:
    """Ours over theirs on the same data; at most 1 is ours faster."""
    import curvefit as cf

    short, long = (1000, 10_000) if quick else (10_000, 100_000)

    def segmented(k: int) -> Callable[[Any], object]:
        return lambda d: cf.segment(d, k)

    def ruptures_binseg(peer: Any, d: Any) -> None:
        peer.Binseg(model="l2", jump=1).fit(d[1]).predict(pen=3 * np.log(d[1].size))

    def ruptures_kernel(peer: Any, d: Any) -> None:
        peer.KernelCPD(kernel="linear").fit(d[1][:, None]).predict(pen=3 * np.log(d[1].size))

    def pwlf_fit(k: int) -> Callable[[Any, Any], object]:
        return lambda peer, d: peer.PiecewiseLinFit(*d, seed=1).fitfast(k + 1, pop=4)

    def piecewise(k: int) -> Callable[[Any, Any], object]:
        return lambda peer, d: peer.Fit(d[0], d[1], n_breakpoints=k, n_boot=10)

    jumps, changes = lambda s: steps(long, s), cf.changepoints
    cases: list[tuple[str, str, Callable, Callable, Callable]] = [
        (f"1 break, n = {short:,}", "pwlf", lambda s: line(short, 1, s), segmented(1), pwlf_fit(1)),
        (f"3 breaks, n = {short:,}", "pwlf", lambda s: line(short, 3, s), segmented(3), pwlf_fit(3)),
        ("1 break, n = 1,000", "piecewise_regression", lambda s: line(1000, 1, s), segmented(1), piecewise(1)),
        ("3 breaks, n = 1,000", "piecewise_regression", lambda s: line(1000, 3, s), segmented(3), piecewise(3)),
        (f"jumps, n = {long:,}, Binseg", "ruptures", jumps, changes, ruptures_binseg),
        (f"jumps, n = {long:,}, KernelCPD", "ruptures", jumps, changes, ruptures_kernel),
        (f"jumps, n = {long:,}", "fastcpd", jumps, changes, lambda peer, d: peer.mean(d[1][:, None])),
    ]
    rows = []
    for what, package, make, ours, theirs in cases:
        try:
            peer = import_module("fastcpd.segmentation" if package == "fastcpd" else package)
        except ImportError:
            rows.append(Row(f"{what}: {package}", "skip, not installed (the extra `bench` has it)", "-", 0, 0.0))
            continue
        data = make(1)
        theirs(peer, make(0)), ours(make(0))
        mine = times([lambda data=data, ours=ours: ours(data)] * 3).median
        other = times([lambda data=data, theirs=theirs, peer=peer: theirs(peer, data)]).median
        measured = f"{other / mine:.2g} x ours ({other:.3g} s against {mine:.3g} s)"
        rows.append(Row(f"{what}: {package} over ours", measured, "reported", 1, 0.0))
    return rows
