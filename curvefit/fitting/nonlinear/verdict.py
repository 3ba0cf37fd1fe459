"""Post-checks of a least-squares solution: nothing is called converged on an optimizer's word."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ...curves import Status
from .._doubt import Doubt
from ..autocorrelation import lag1, variance_inflation
from .optimize import Solution
from .problem import Problem
from .setup import Setup
from .solvers import Optimum

__all__ = ["MAX_CONDITION", "judge", "residual_pattern"]

Array = NDArray[np.float64]
MAX_CONDITION = 1e10
NO_NOISE = 1e-11  # residuals this small beside the response are rounding, not noise
EXACT_OFFSET, DIFFERENCE_OFFSET = 1e-7, 1e-5  # steps left, in standard errors: the seventh or fifth digit of one
_FATAL = {"finite", "gradient", "start", "agreement"}


def judge(
    setup: Setup,
    problem: Problem,
    solution: Solution,
    optimum: Optimum,
    condition: float,
    exact: bool,
    needed: int,
    alone: bool,
) -> tuple[Status, tuple[Doubt, ...]]:
    """The status, and every check with its verdict.

    Parameters
    ----------
    setup, problem, solution, optimum
        What was solved and how.
    condition : float
        Of the scaled Jacobian of the parameters not at a bound.
    exact : bool
        Whether derivatives are exact to rounding.
    needed : int
        How many independent ways must have led to the optimum.
    alone : bool
        Whether the caller asked for one way only: then a lack of agreement is a doubt, not a failure.
    """
    doubts = [
        Doubt("finite", True, "the model, its derivatives and the residuals are finite at the optimum"),
        _gradient(optimum, exact),
        _start(optimum, solution),
        _agreement(solution, needed),
        _rank(condition),
        _bounds(setup, optimum),
        _noise(problem, optimum),
        _leverage(optimum, problem.n),
    ]
    pattern = _independence(setup, problem.residuals(optimum.theta))
    if pattern is not None:
        doubts.append(pattern)
    failed = {d.name for d in doubts if not d.ok}
    if failed & (_FATAL - {"agreement"} if alone else _FATAL):
        status = Status.NOT_CONVERGED
    elif np.ptp(setup.y) == 0:
        status = Status.CONSTANT
    else:
        status = Status.DEGRADED if failed else Status.OK
    return status, tuple(doubts)


def _gradient(optimum: Optimum, exact: bool) -> Doubt:
    limit = max(EXACT_OFFSET if exact else DIFFERENCE_OFFSET, 10.0 * optimum.rounding)
    return Doubt(
        "gradient",
        optimum.offset <= limit,
        f"a further step would move the parameters by {optimum.offset:.1e} standard errors (limit {limit:.1e})",
    )


def _start(optimum: Optimum, solution: Solution) -> Doubt:
    if solution.start_rss is None:
        return Doubt("start", True, "no start was given; starting values came from the scales of the data")
    if not math.isfinite(solution.start_rss):
        return Doubt("start", True, "the model is not finite at the given start; other starts were used")
    ok = optimum.rss <= solution.start_rss * (1 + 1e-10)
    word = "below" if ok else "ABOVE"
    return Doubt("start", ok, f"the sum of squares is {word} that of the start ({_ratio(optimum, solution):.3g} of it)")


def _ratio(optimum: Optimum, solution: Solution) -> float:
    return optimum.rss / solution.start_rss if solution.start_rss else 1.0


def _agreement(solution: Solution, needed: int) -> Doubt:
    begun, rounds = solution.from_start, solution.search
    reached = solution.reached(begun)
    ways = [f"{reached} of {len(begun)} algorithms from the start"] if begun else []
    tried = f"a global search over {rounds.tried} starting values" if rounds is not None else ""
    remarks = []
    if rounds is not None and (solution.search_reached or not begun):
        ways.append(f"{rounds.rounds_agreeing} of {rounds.rounds} rounds of {tried}")
        remarks += ["no algorithm reached it from the given start"] if begun and not reached else []
    elif rounds is not None:
        remarks.append(f"{tried} found nothing better")
    ok = solution.agreeing >= needed
    remarks += [] if ok else [f"{needed} independent ways are asked for"]
    return Doubt("agreement", ok, "; ".join([f"the optimum was reached by {' and '.join(ways)}", *remarks]))


def _rank(condition: float) -> Doubt:
    if math.isinf(condition):
        return Doubt("rank", False, "the data do not determine all parameters: the Jacobian is rank deficient")
    ok = condition <= MAX_CONDITION
    return Doubt(
        "rank", ok, f"the condition number of the scaled Jacobian is {condition:.1e} (limit {MAX_CONDITION:.0e})"
    )


def _bounds(setup: Setup, optimum: Optimum) -> Doubt:
    held = [name for name, at in zip(setup.free, optimum.at_bound, strict=True) if at]
    if held:
        verb = "is" if len(held) == 1 else "are"
        return Doubt("bounds", False, f"{', '.join(held)} {verb} at a bound; no standard error is given there")
    return Doubt("bounds", True, "no parameter is at a bound")


def _noise(problem: Problem, optimum: Optimum) -> Doubt:
    size = float(np.sum((problem.root_weights * problem.y) ** 2))
    relative = math.sqrt(optimum.rss / size) if size > 0 else 0.0
    ok = relative > NO_NOISE
    text = f"residuals are {relative:.1e} of the response"
    return Doubt("noise", ok, text if ok else f"{text}: no noise seen, standard errors are not estimable")


def _leverage(optimum: Optimum, n: int) -> Doubt:
    norms = np.linalg.norm(optimum.jacobian, axis=0)
    left, singular, _ = np.linalg.svd(optimum.jacobian / np.where(norms > 0, norms, 1.0), full_matrices=False)
    leverage = np.sum(left[:, singular > singular[0] * n * np.finfo(np.float64).eps] ** 2, axis=1)
    row = int(np.argmax(leverage))
    ok = bool(leverage[row] < 0.9999)
    text = f"the largest leverage of one row is {leverage[row]:.3f}"
    return Doubt("leverage", ok, text if ok else f"{text} (row {row} in use): that row alone decides a parameter")


def residual_pattern(x: Array, residuals: Array, parameters: int) -> float | None:
    """Correlation of residuals that are neighbors in x, after fitting so many parameters; None below 12 rows."""
    if len(residuals) < 12:
        return None
    order = np.argsort(x, kind="stable")
    return lag1(residuals[order], x[order], parameters=parameters)


def _independence(setup: Setup, residuals: Array) -> Doubt | None:
    if len(setup.columns) != 1:
        return None
    x = next(iter(setup.columns.values()))
    rho = residual_pattern(x, residuals, len(setup.free))
    if rho is None:
        return None
    ok = rho <= max(0.2, 2.0 / math.sqrt(len(residuals)))
    text = f"the correlation of neighboring residuals is {rho:.2f}"
    if not ok:
        factor = math.sqrt(variance_inflation(rho, np.sort(x)))
        text += f": standard errors assume none and should be {factor:.1f} times as large (conf_int(correlated=True))"
    return Doubt("independence", ok, text)
