"""Breakpoints and changepoints beside other packages on the same data, in one run; a slow one is stopped."""

from __future__ import annotations

import signal
import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from types import FrameType
from typing import Any

import numpy as np

from ._timing import Row, times
from .segmentation import line, steps

LIMIT = 120  # seconds of CPU time after which a peer is stopped

Data = tuple[np.ndarray, np.ndarray]


class _TooLong(Exception):
    """The limit has passed."""


@contextmanager
def _limited(seconds: float) -> Iterator[None]:
    """Raise in the body once it has used so much CPU time."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise _TooLong

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def ours(k: int) -> Callable[[Data], object]:
    """Ours, with intervals: k breaks, or changepoints where k is 0."""
    import curvefit as cf

    return (lambda d: cf.segment(d, k)) if k else cf.changepoints


def pwlf(peer: Any, d: Data, k: int) -> object:
    """The fast fit that its manual recommends."""
    return peer.PiecewiseLinFit(*d, seed=1).fitfast(k + 1, pop=4)


def piecewise_regression(peer: Any, d: Data, k: int) -> object:
    """Ten restarts; its default, a hundred, takes ten times as long."""
    return peer.Fit(d[0], d[1], n_breakpoints=k, n_boot=10)


def ruptures_binseg(peer: Any, d: Data, k: int) -> object:
    """Binary segmentation at 3 log n."""
    return peer.Binseg(model="l2", jump=1).fit(d[1]).predict(pen=3 * np.log(d[1].size))


def ruptures_kernel(peer: Any, d: Data, k: int) -> object:
    """Optimal partitioning in C at 3 log n."""
    return peer.KernelCPD(kernel="linear").fit(d[1][:, None]).predict(pen=3 * np.log(d[1].size))


def fastcpd(peer: Any, d: Data, k: int) -> object:
    """Mean change with its default penalty."""
    return peer.mean(d[1][:, None])


PEERS: dict[str, tuple[str, Callable[[Any, Data, int], object]]] = {
    "pwlf": ("pwlf", pwlf),
    "piecewise-regression": ("piecewise_regression", piecewise_regression),
    "ruptures Binseg": ("ruptures", ruptures_binseg),
    "ruptures KernelCPD": ("ruptures", ruptures_kernel),
    "fastcpd": ("fastcpd.segmentation", fastcpd),
}
BROKEN_LINES, LEVELS = ("pwlf", "piecewise-regression"), ("ruptures Binseg", "ruptures KernelCPD", "fastcpd")


def run(quick: bool) -> list[Row]:
    """How many times our time each peer takes; ours include intervals and p-values, theirs do not."""
    sizes = (1000,) if quick else (1000, 10_000, 100_000)
    rows = []
    for n in sizes:
        for k in (1, 3):
            rows += _beside(
                f"{k} break{'s' if k > 1 else ''}, n = {n:,}", line(n, k, 1), line(300, k, 0), k, BROKEN_LINES
            )
    for n in (10_000,) if quick else (10_000, 100_000):
        rows += _beside(f"jumps, n = {n:,}", steps(n, 1), steps(300, 0), 0, LEVELS)
    return rows


def _beside(what: str, data: Data, small: Data, k: int, names: tuple[str, ...]) -> list[Row]:
    mine = ours(k)
    mine(small)
    own = times([lambda: mine(data)] * 3).median
    rows = []
    for name in names:
        package, theirs = PEERS[name]
        try:
            peer = import_module(package)
        except ImportError:
            rows.append(Row(f"{what}: {name}", "skip, not installed (the extra `bench` has it)", "-", 0, 0.0))
            continue
        theirs(peer, small, k)
        rows.append(_timed(f"{what}: {name} over ours", lambda t=theirs, p=peer: t(p, data, k), own))
    return rows


def _timed(what: str, work: Callable[[], object], own: float) -> Row:
    try:
        with _limited(LIMIT):
            found = times([work], beside=20)  # the clock is coarse while a limit is set
    except _TooLong:
        return Row(what, f"stopped at {LIMIT} s (ours {own:.3g} s)", "reported", 1, 0.0)
    other = statistics.median(found.quiet)
    if other < 0.1:
        other = statistics.median(times([lambda: [work() for _ in range(20)]], beside=20).quiet) / 20
    return Row(what, f"{other / own:.2g} x ours ({other:.3g} s against {own:.3g} s)", "reported", 1, 0.0)
