"""The whole strategy: several algorithms from the start, a global search, a polish, and how well they agree."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .problem import Problem
from .scales import StartSampler
from .search import Search, search
from .solvers import ALGORITHMS, Descent, Optimum, examine, levenberg_marquardt, polish, run

__all__ = ["Solution", "minimize", "probe_couples"]

Array = NDArray[np.float64]
SAME_RSS = 1e-6  # relative difference of sums of squares below which two optima are the same


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """The best optimum, and what supports it.

    Parameters
    ----------
    optimum : Optimum or None
        None where no finite point was found.
    descents : tuple of Descent
        One per algorithm and start.
    search : Search or None
        The global search, if one was made.
    agreeing : int
        How many independent ways led to the optimum: algorithms from the given start, and rounds of the search.
    start_rss : float or None
        Sum of squares at the given start.
    limit : float
        Sum of squares up to which a descent ended at the same optimum.
    """

    optimum: Optimum | None
    descents: tuple[Descent, ...]
    search: Search | None
    agreeing: int
    start_rss: float | None
    limit: float = 0.0

    @property
    def from_start(self) -> tuple[Descent, ...]:
        """The algorithms that began at the given start."""
        return tuple(d for d in self.descents if d.algorithm != "search")

    def reached(self, descents: Sequence[Descent]) -> int:
        """How many of them ended at the optimum."""
        return sum(d.rss <= self.limit for d in descents)

    @property
    def search_reached(self) -> bool:
        """Whether the search ended at the optimum, too."""
        return any(d.rss <= self.limit for d in self.descents if d.algorithm == "search")


def minimize(
    problem: Problem,
    thinned: Problem,
    start: Array | None,
    sampler: StartSampler | None,
    rng: np.random.Generator,
    *,
    algorithms: Sequence[str] | None,
    cheap: bool,
    serial: Callable[[Array], bool] | None = None,
    roughness: Callable[[Array], float] | None = None,
) -> Solution:
    """Find the best optimum by every way asked for.

    Parameters
    ----------
    problem : Problem
    thinned : Problem
        The same on fewer rows, for the search.
    start : ndarray, shape (p,), or None
    sampler : StartSampler or None
        None: no global search.
    rng : numpy.random.Generator
    algorithms : sequence of str or None
        From the start; None: LM and TRF, the others too when these two disagree.
    cheap : bool
        Whether many parameter vectors can be evaluated at once.
    serial : callable, optional
        Whether residuals (of the thinned problem) show a pattern: then the search asks for more agreement.
    roughness : callable, optional
        How much the model varies between the rows: decides between aliases.
    """
    descents: list[Descent] = []
    start_rss = None
    if start is not None:
        start_rss = float(problem.rss(start))
        descents = _from_start(problem, start, algorithms)
    found = None
    if sampler is not None:
        found = _searched(thinned, sampler, rng, cheap, serial, roughness, _known(problem, thinned, descents))
        for basin in found.basins[: 3 if start is None else 1]:
            if problem is thinned:
                descents.append(Descent("search", basin.theta, basin.rss, 0))
            else:
                end = levenberg_marquardt(problem, basin.theta)
                descents.append(Descent("search", end.theta, end.rss, end.evaluations))
    usable = [d for d in descents if math.isfinite(d.rss)]
    if not usable:
        return Solution(None, tuple(descents), found, 0, start_rss)
    # At equal sums of squares the optimum reached from the given start wins over a mirror image of it.
    low = min(d.rss for d in usable)
    floor = problem.floor
    best = next(d for d in usable if d.rss <= low * (1 + SAME_RSS) + floor)
    theta = polish(problem, best.theta)
    optimum = examine(problem, theta)
    if optimum is None or optimum.offset > 1e-8:  # an algorithm stopped early: finish its work
        again = levenberg_marquardt(problem, theta, iterations=1000)
        theta = polish(problem, again.theta if again.rss <= low * (1 + SAME_RSS) + floor else theta)
        optimum = examine(problem, theta)
    if optimum is None:
        return Solution(None, tuple(descents), found, 0, start_rss)
    limit = optimum.rss * (1 + SAME_RSS) + floor
    solution = Solution(optimum, tuple(descents), found, 0, start_rss, limit)
    agreeing = solution.reached(solution.from_start)
    if found is not None:  # a search that found nothing better than the start's optimum supports it, too
        agreeing += found.rounds_agreeing if solution.search_reached else int(agreeing > 0)
    return replace(solution, agreeing=agreeing)


def _from_start(problem: Problem, start: Array, algorithms: Sequence[str] | None) -> list[Descent]:
    names = list(algorithms or ("lm", "trf"))
    if problem.bounded:
        names = [n for n in names if n != "minpack"] or ["lm"]
    ends = [run(problem, start, name) for name in names]
    if algorithms is None:
        low = min(e.rss for e in ends)
        if not all(e.rss <= low * (1 + SAME_RSS) + problem.floor for e in ends):
            others = [n for n in ALGORITHMS if n not in names and not (n == "minpack" and problem.bounded)]
            ends += [run(problem, start, name) for name in others]
            if problem.linear:
                ends.append(_projected(problem, start))
    return ends


def _projected(problem: Problem, start: Array) -> Descent:
    """LM from the start with its linear parameters solved."""
    theta = problem.solve_linear(start[np.newaxis])[0][0]
    end = levenberg_marquardt(problem, theta if np.all(np.isfinite(theta)) else start)
    return Descent("lm, linear parameters solved", end.theta, end.rss, end.evaluations)


def _known(problem: Problem, thinned: Problem, descents: Sequence[Descent]) -> float | None:
    """Sum of squares, on the thinned problem, of the best optimum reached from the start."""
    usable = [d for d in descents if math.isfinite(d.rss)]
    if not usable:
        return None
    best = min(usable, key=lambda d: d.rss)
    if thinned is problem:
        return best.rss
    return levenberg_marquardt(thinned, best.theta).rss


def _searched(
    problem: Problem,
    sampler: StartSampler,
    rng: np.random.Generator,
    cheap: bool,
    serial: Callable[[Array], bool] | None,
    roughness: Callable[[Array], float] | None,
    known: float | None,
) -> Search:
    """The global search; its effort grows with the number of shape parameters and with doubts about its result.

    When an optimum is known from the start, one round looks for a better one; only if it finds one, the search goes
    on until it agrees with itself.
    """
    q = len(problem.shape_parameters)
    if q == 0:
        return search(problem, sampler, rng, candidates=2, descents=2, max_rounds=1, agreeing=1)
    candidates = min(256 * (q + 1), 1536) if cheap else 64 * (q + 1)
    descents = 32 if cheap else 8
    agreeing = 2 if q <= 3 else 3
    rounds = 10 if cheap else 6

    def further(max_rounds: int, agreeing: int) -> Search:
        return search(
            problem,
            sampler,
            rng,
            candidates=candidates,
            descents=descents,
            max_rounds=max_rounds,
            agreeing=agreeing,
            roughness=roughness,
        )

    if known is not None:
        found = further(1, 1)
        if not found.basins or found.basins[0].rss >= known * (1 - SAME_RSS) - problem.floor:
            return found
        return _merged(found, further(rounds, agreeing))
    found = further(rounds, agreeing)
    if serial is not None and found.basins and serial(problem.residuals(found.basins[0].theta)):
        return _merged(found, further(rounds, agreeing + 1))
    return found


def _merged(first: Search, second: Search) -> Search:
    """Two searches as one; of two equally good best basins the smoother comes first."""
    low = min((s.basins[0].rss for s in (first, second) if s.basins), default=math.inf)
    good = [s for s in (first, second) if s.basins and s.basins[0].rss <= low * (1 + SAME_RSS)]
    good.sort(key=lambda s: s.basins[0].roughness)
    leading = [s.basins[0] for s in good[:1]]
    others = sorted((b for s in (first, second) for b in s.basins if b not in leading), key=lambda b: b.rss)
    agreeing = sum(s.rounds_agreeing for s in good)
    return Search((*leading, *others), agreeing, first.rounds + second.rounds, first.tried + second.tried)


def probe_couples(problem: Problem, thetas: Array) -> NDArray[np.bool_]:
    """Which pairs of parameters have a non-zero second derivative, by looking at how the Jacobian changes.

    Pairs that could not be looked at, because nothing was finite, count as coupled.
    """
    p = problem.p
    seen = np.zeros((p, p), dtype=bool)
    couples = np.zeros((p, p), dtype=bool)
    for theta, other in zip(thetas, np.roll(thetas, 1, axis=0), strict=True):
        base = problem.residuals_and_jacobian(theta)[1]
        size = np.max(np.abs(base), axis=0)
        for i in range(p):
            moved = theta.copy()
            moved[i] = other[i]
            jacobian = problem.residuals_and_jacobian(moved)[1]
            larger = np.maximum(size, np.max(np.abs(jacobian), axis=0))
            change = np.max(np.abs(jacobian - base), axis=0)
            usable = np.isfinite(larger) & np.isfinite(change) & (size > 0)
            seen[i] |= usable
            couples[i] |= usable & (change > 1e-7 * larger)
    couples |= ~seen
    return couples | couples.T
