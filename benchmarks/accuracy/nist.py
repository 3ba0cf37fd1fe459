"""Correct digits on the 27 nonlinear data sets of NIST StRD: ``python -m benchmarks.accuracy.nist``.

Every set is fitted three times: from NIST's first and second starting values, and from the formula alone (no starting
values, no ranges). The table shows correct significant digits (LRE: -log10 of the relative error, the minimum over
the parameters, sign-aware) of parameters, standard errors, residual sum of squares and residual standard deviation.
The certified values have 11 digits. A fit that does not call itself converged is marked ``-``.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from curvefit.fitting.least_squares import LeastSquaresFit, least_squares

from .nist_data import Reference, equivalents, load, log_relative_error, names

__all__ = ["Score", "Tally", "evaluate", "main", "score", "tally"]

WAYS = ("start 1", "start 2", "no start")
SOLVED, GATE = 4.0, {"params": 6.0, "stderr": 5.0, "rss": 8.0, "rsd": 8.0}


@dataclass(frozen=True)
class Score:
    """Correct digits of one fit."""

    name: str
    way: str
    converged: bool
    params: float
    stderr: float
    rss: float
    rsd: float
    seconds: float

    @property
    def wrong(self) -> bool:
        """Called converged, and is not the certified solution."""
        return self.converged and self.params < SOLVED

    @property
    def passed(self) -> bool:
        """Converged with the digits that are asked for; Lanczos1's RSS is at rounding level and only bounded."""
        if self.name == "Lanczos1":
            return self.converged and self.params >= GATE["params"] and self.rss > 0
        return self.converged and all(getattr(self, key) >= limit for key, limit in GATE.items())


def score(reference: Reference, way: str, fit: LeastSquaresFit, seconds: float) -> Score:
    """Compare a fit with the certified values, whichever of the equivalent parameterizations it found."""
    best = (0.0, 0.0)
    for values, origin in equivalents(reference.name, dict(fit.params)):
        digits = min(log_relative_error(values[b], c) for b, c in reference.certified.items())
        errors = min(log_relative_error(fit.stderr[origin[b]], c) for b, c in reference.certified_sd.items())
        best = max(best, (digits, errors))
    rss = log_relative_error(fit.rss, reference.rss)
    rsd = log_relative_error(fit.sigma, reference.rsd)
    if reference.name == "Lanczos1":
        rss = 15.0 if fit.rss < 1e-20 else 0.0
    return Score(reference.name, way, fit.converged, *best, rss, rsd, seconds)


def evaluate(name: str, way: str) -> Score:
    """Fit one data set in one way."""
    reference = load(name)
    start = None if way == "no start" else reference.starts[WAYS.index(way)]
    clock = time.perf_counter()
    fit = least_squares(reference.model, reference.data, start)
    return score(reference, way, fit, time.perf_counter() - clock)


@dataclass(frozen=True)
class Tally:
    """What a way of starting achieves over all data sets."""

    way: str
    total: int
    passed: int
    solved: int
    failed: int
    wrong: int


def tally(scores: Iterable[Score], way: str) -> Tally:
    """Count one way's results."""
    mine = [s for s in scores if s.way == way]
    return Tally(
        way,
        total=len(mine),
        passed=sum(s.passed for s in mine),
        solved=sum(s.converged and s.params >= SOLVED for s in mine),
        failed=sum(not s.converged for s in mine),
        wrong=sum(s.wrong for s in mine),
    )


def _cell(s: Score) -> str:
    mark = " " if s.converged else "-"
    wrong = "!" if s.wrong else mark
    error = "   ." if s.name == "Lanczos1" else f"{s.stderr:4.1f}"
    rss = "1e-20" if s.name == "Lanczos1" else f"{s.rss:5.1f}"
    rsd = "   ." if s.name == "Lanczos1" else f"{s.rsd:4.1f}"
    return f"{wrong}{s.params:4.1f} {error} {rss} {rsd} {s.seconds:5.2f}s"


def main(arguments: list[str] | None = None) -> int:
    """Print the table; the exit code is 1 when a fit is called converged and is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="data sets (default: all 27)")
    chosen = parser.parse_args(arguments).names or names()
    scores: list[Score] = []
    print("correct digits (LRE) of parameters, standard errors, RSS, residual sd; seconds\n")
    print(f"{'data set':<10}{'level':<8}  " + "   ".join(f"{way:<26}" for way in WAYS))
    for name in chosen:
        row = [evaluate(name, way) for way in WAYS]
        scores += row
        print(f"{name:<10}{load(name).level:<8} " + "   ".join(_cell(s) for s in row), flush=True)
    print()
    for way in WAYS:
        t = tally(scores, way)
        lowest = min((s.params for s in scores if s.way == way and s.converged), default=np.nan)
        print(
            f"{t.way:<9} {t.passed:2d} of {t.total} with all digits asked for, {t.solved} solved, {t.failed} say they "
            f"failed, {t.wrong} converged but wrong; lowest parameter LRE {lowest:.1f}"
        )
    print(f"total {sum(s.seconds for s in scores):.1f} s")
    return int(any(s.wrong for s in scores))


if __name__ == "__main__":
    raise SystemExit(main())
