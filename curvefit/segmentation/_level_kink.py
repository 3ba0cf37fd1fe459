"""Where a line turns level: one breakpoint before a plateau, on the axis of x that leaves less."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..curves import Status
from ..fitting.autocorrelation import lag1
from ._continuous import residuals, state, without_idle_breaks
from ._existence import assess_existence
from ._intervals import breakpoint_interval
from ._problem import Axis, prepare
from ._search import highest

__all__ = ["LevelKink", "level_kink"]

Array = NDArray[np.float64]
_PARAMETERS = 3  # level, slope and place


@dataclass(frozen=True, slots=True)
class LevelKink:
    """The breakpoint of a line that ends level.

    Parameters
    ----------
    x : float
        Its place.
    low, high : float
        Ends of its interval.
    p_value : float
        Of there being no breakpoint.
    """

    x: float
    low: float
    high: float
    p_value: float


def level_kink(x: Array, y: Array, weights: Array, level: float = 0.95) -> LevelKink | None:
    """Breakpoint, interval and existence test as `curvefit.segment` has them, and nothing else of it.

    Parameters
    ----------
    x, y, weights : ndarray, shape (n,)
        Curve and positive weights; the axis is linear or, where every x is positive, logarithmic, whichever leaves less.
    level : float
        Of the interval.

    Returns
    -------
    LevelKink or None
        None where nothing varies or the line fits exactly.

    Raises
    ------
    DataError
        As for `curvefit.segment`.
    """
    axes: tuple[Axis, ...] = ("linear", "log") if float(np.min(x)) > 0 else ("linear",)
    problems = [prepare((x, y), weights, axis, "linear", False, True, None) for axis in axes]
    profiles = [problem.design.profile(np.zeros(0)) for problem in problems]
    solutions = [highest(problem.design, profile) for problem, profile in zip(problems, profiles, strict=True)]
    # before the second point both axes are the same: what differs by rounding is not better
    best = 1 if len(axes) > 1 and solutions[1].rss < solutions[0].rss * (1 - 1e-12) else 0
    problem, solution, profile = problems[best], solutions[best], profiles[best]
    design = problem.design
    solution = without_idle_breaks(design, solution)
    if not solution.psi.size or state(problem, solution.rss, _PARAMETERS)[0] is not Status.OK:
        return None
    rho = lag1(residuals(design, solution.psi), design.x, parameters=_PARAMETERS)
    kind, seed = "profile_likelihood", np.random.default_rng(0)
    line = solution.psi, 0, solution.rss, problem.n, rho
    found = breakpoint_interval(design, *line, level, kind, seed, shown=0, profile=profile)
    test = assess_existence(design, True, None, known=(profile, rho))
    at, low, high = (problem.x_of(float(v)) for v in (solution.psi[0], found.low, found.high))
    return LevelKink(at, low, high, test.p_value)
