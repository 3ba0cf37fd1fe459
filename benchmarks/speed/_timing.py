"""Paired measurements: both sides in turn, so that a busy machine slows both."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One line of the table: what was measured, how, and whether the budget holds."""

    what: str
    measured: str
    budget: str
    n: int
    holds: bool

    def text(self) -> str:
        """As a Markdown table row."""
        return f"| {self.what} | {self.measured} | {self.budget} | {self.n} | {'yes' if self.holds else 'NO'} |"


def environment() -> dict[str, str]:
    """One thread everywhere, no display: the same for both sides of a pair."""
    return {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MPLBACKEND": "Agg"}


def process(command: Sequence[str]) -> float:
    """Wall seconds of a fresh process; its output is thrown away, its failure is an error."""
    start = time.perf_counter()
    subprocess.run(command, env=environment(), check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def inside(code: str) -> float:
    """Seconds that the code takes inside a fresh interpreter, the start of the interpreter left out."""
    program = f"import time\n_t = time.perf_counter()\n{code}\nprint(time.perf_counter() - _t)"
    out = subprocess.run(
        [sys.executable, "-c", program], env=environment(), check=True, capture_output=True, text=True
    ).stdout
    return float(out.split()[-1])


def paired(ours: Callable[[], float], theirs: Callable[[], float], n: int) -> tuple[list[float], list[float]]:
    """Run both n times in turn, after one unmeasured pair that warms the disk cache."""
    ours(), theirs()
    pairs = [(ours(), theirs()) for _ in range(n)]
    return [a for a, _ in pairs], [b for _, b in pairs]


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Median of the pairwise ratios."""
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


def timed(work: Callable[[], object]) -> float:
    """Seconds of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
