"""Paired measurements: what is measured and a fixed reference in turn, in CPU time, so that a busy machine slows both."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

REFERENCE_SECONDS = 0.0023  # CPU time of `reference` on the machine of the published results while nothing else ran
CLEAR = 2.0  # times the budget from which a miss cannot be laid to the machine


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Parameters
    ----------
    what, measured, budget : str
        In words and numbers.
    n : int
        Repetitions.
    share : float
        Measured over budget, with times in units of a reference measured beside them.
    """

    what: str
    measured: str
    budget: str
    n: int
    share: float

    @property
    def holds(self) -> bool:
        """Whether the budget holds."""
        return self.share <= 1

    @property
    def clearly_over(self) -> bool:
        """Whether it is missed by more than a crowded machine explains."""
        return self.share > CLEAR

    def text(self) -> str:
        """As a Markdown table row."""
        mark = "yes" if self.holds else "**no**"
        return f"| {self.what} | {self.measured} | {self.budget} | {self.n} | {self.share:.2f} | {mark} |"


def environment() -> dict[str, str]:
    """One thread everywhere, no display: the same for both sides of a pair."""
    return {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MPLBACKEND": "Agg"}


def process(command: Sequence[str]) -> float:
    """CPU seconds of a fresh process; its output is thrown away, its failure is an error."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, env=environment(), check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)


def inside(code: str) -> float:
    """CPU seconds that the code takes inside a fresh interpreter, the start of the interpreter left out."""
    return float(output(f"import time\n_t = time.process_time()\n{code}\nprint(time.process_time() - _t)").split()[-1])


def output(program: str) -> str:
    """What a program prints that runs in a fresh interpreter."""
    return subprocess.run(
        [sys.executable, "-c", program], env=environment(), check=True, capture_output=True, text=True
    ).stdout


def paired(ours: Callable[[], float], theirs: Callable[[], float], n: int) -> tuple[list[float], list[float]]:
    """Run both n times in turn, after one unmeasured pair that warms the disk cache."""
    ours(), theirs()
    pairs = [(ours(), theirs()) for _ in range(n)]
    return [a for a, _ in pairs], [b for _, b in pairs]


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Median of the pairwise ratios."""
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


def cpu(work: Callable[[], object]) -> float:
    """CPU seconds of one call."""
    start = time.process_time()
    work()
    return time.process_time() - start


_FEW, _MANY = np.linspace(1.0, 2.0, 160), np.linspace(0.1, 1.0, 1000)


def reference() -> float:
    """A fixed mixture of array and interpreter work; its sum, so that nothing is optimized away."""
    total = 0.0
    for _ in range(300):
        v = np.exp(-0.3 * _FEW) + 1
        total += float(v @ _FEW)
        v = v - 1e-9 * total * _FEW
        total += 1e-9 * float(np.log(_MANY).sum())
        for j in range(30):
            total += 1e-9 * j
    return total


@dataclass(frozen=True)
class Times:
    """CPU seconds of calls, and of the reference around each."""

    seconds: tuple[float, ...]
    references: tuple[float, ...]

    @property
    def load(self) -> float:
        """How many times slower than alone on the reference machine everything was, in the median."""
        return statistics.median(self.references) / REFERENCE_SECONDS

    @property
    def quiet(self) -> list[float]:
        """Seconds in units of the reference, times what that takes alone on the reference machine."""
        return [REFERENCE_SECONDS * s / r for s, r in zip(self.seconds, self.references, strict=True)]

    @property
    def median(self) -> float:
        """Middle of those."""
        return statistics.median(self.quiet)

    def text(self) -> str:
        """Median scaled to the quiet machine, and what the clock said."""
        raw = statistics.median(self.seconds)
        unit, scale = ("s", 1.0) if self.median >= 0.5 else ("ms", 1e3)
        digits = 2 if unit == "s" else 1 if scale * self.median < 10 else 0
        return f"{scale * self.median:.{digits}f} {unit} (CPU {scale * raw:.{digits}f}, load {self.load:.1f} x)"


def times(works: Iterable[Callable[[], object]], *, beside: int = 1) -> Times:
    """Time calls one by one, each between two measurements of the reference (means of ``beside`` runs)."""

    def around() -> float:
        return cpu(lambda: [reference() for _ in range(beside)]) / beside

    seconds, references = [], []
    around()
    for work in works:
        before = around()
        seconds.append(cpu(work))
        references.append((before + around()) / 2)
    return Times(tuple(seconds), tuple(references))


def row(what: str, found: Times, budget: float, note: str = "") -> Row:
    """A line about a time that has a budget in seconds."""
    words = f"{budget:g} s" if budget >= 0.5 else f"{1e3 * budget:g} ms"
    return Row(what, found.text() + note, words, len(found.seconds), found.median / budget)
