"""Segmented regression: broken lines, their breakpoints with intervals that survive correlated noise."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..curves import Curve, DataError, UsageError
from ..curves._checks import check_level
from ._continuous import fitted_line, report, residuals, without_idle_breaks
from ._criteria import Criterion, check_criterion, deviance, price
from ._discontinuous import Partition, fitted_pieces, jump_test, partitions_up_to, piece_residuals, report_pieces
from ._existence import ExistenceTest, assess_existence
from ._problem import Axis, Problem, prepare
from ._robust import Loss, evened, robustified
from ._search import solve, solve_up_to
from ._segmented_fit import BreakpointProfile, SegmentedFit

__all__ = ["Axis", "BreakpointInterval", "BreakpointProfile", "SegmentedFit", "segment"]

Array = NDArray[np.float64]
BreakpointInterval = Literal["profile_likelihood", "profile_sieve", "delta", "block_bootstrap"]
Noise = Literal["auto", "white", "heteroscedastic"]
MAX_BREAKPOINTS = 10


def segment(
    data: Curve | tuple[ArrayLike, ArrayLike],
    n_breakpoints: int | Literal["auto"] = "auto",
    *,
    terminal_slope: float | None = None,
    first_slope: float | None = None,
    weights: ArrayLike | None = None,
    interval: BreakpointInterval = "profile_likelihood",
    noise: Noise = "auto",
    level: float = 0.95,
    x_axis: Axis = "linear",
    y_axis: Axis = "linear",
    min_size: int | None = None,
    max_breakpoints: int = 5,
    continuous: bool = True,
    loss: Loss = "squared",
    criterion: Criterion = "mbic",
    alpha: float = 0.05,
    rng: np.random.Generator | None = None,
) -> SegmentedFit:
    r"""Fit a broken line with given or selected number of breakpoints.

    .. math:: y = \beta_0 + \beta_1 x + \sum_k \delta_k (x - \psi_k)_+ + e

    Parameters
    ----------
    data : Curve or (x, y)
        Curve, or two array-likes of equal length.
    n_breakpoints : int or "auto"
        How many; "auto" selects 0 to ``max_breakpoints`` by ``criterion``.
    terminal_slope, first_slope : 0.0 or None
        0 fixes the last (a true plateau) or the first slope; both make a ramp between two plateaus, or more breakpoints.
    weights : array-like, shape (n,), optional
        Positive weights; only their ratios matter. Zero drops the point.
    interval : {"profile_likelihood", "profile_sieve", "delta", "block_bootstrap"}
        How breakpoint intervals are made; see Notes.
    noise : {"auto", "white", "heteroscedastic"}
        "auto" lets neighbors correlate, with any spacing of x; "white" assumes they do not; "heteroscedastic" lets them
        correlate and weights each point by a noise variance that is log-linear in the fitted line, where it is.
    level : float
        Nominal coverage.
    x_axis, y_axis : {"linear", "log"}
        Axes on which segments are straight.
    min_size : int, optional
        Least number of distinct x per segment; default the larger of 2 and 5 %.
    max_breakpoints : int
        For "auto".
    continuous : bool
        Whether the segments meet; if not, level and slope both jump at a breakpoint.
    loss : {"squared", "huber", "student_t"}
        "huber" and "student_t" (4 degrees of freedom) keep outliers from pulling at lines and breakpoints.
    criterion : {"mbic", "bic", "lwz", "sequential"}
        For "auto": modified BIC, BIC or LWZ of the autocorrelated likelihood, or tests of one breakpoint more at
        size ``alpha`` until one does not reject.
    alpha : float
        Size of each sequential test.
    rng : numpy.random.Generator, optional
        For the bootstrap intervals; default seed 0.

    Returns
    -------
    SegmentedFit

    Raises
    ------
    DataError
        Too few points, all x equal, non-positive values on a log axis, negative weights.
    UsageError
        An option that does not exist, or more breakpoints than the data can hold.

    Notes
    -----
    ``profile_likelihood`` inverts the exact profile F statistic, its quantile multiplied by (1 + rho)/(1 - rho) and
    its degrees of freedom reduced to the effective sample size. ``profile_sieve`` takes the quantile from an
    autoregressive sieve bootstrap of the same statistic; up to 2,000 distinct x the bias of the correlation and its
    sampling error are those of a first round of replicates. ``delta`` is the linearization of Muggeo (2003); it is too
    short in small samples and offered for comparison. With several breakpoints the others are linearized at their
    optimum. The set may be a union of intervals or run into the edge; then the hull is given and a reason says so.
    Where segments do not meet, ``profile_likelihood`` inverts the likelihood ratio with the law of Hansen (2000), and
    ``profile_sieve`` simulates it.

    References
    ----------
    Muggeo (2003), Estimating regression models with unknown break-points. Statistics in Medicine 22, 3055-3071.
    Hansen (2000), Sample splitting and threshold estimation. Econometrica 68, 575-603.
    Bai and Perron (1998), Estimating and testing linear models with multiple structural changes. Econometrica 66, 47-78.
    """
    check_level(level)
    check_level(alpha, "alpha")
    check_criterion(criterion)
    for name, value, kinds in (
        ("interval", interval, BreakpointInterval),
        ("noise", noise, Noise),
        ("loss", loss, Loss),
    ):
        if value not in get_args(kinds):
            raise UsageError(f"{name} {value!r}", code="CF-USE-007", hint=f"choices: {', '.join(get_args(kinds))}")
    for name, slope in (("terminal_slope", terminal_slope), ("first_slope", first_slope)):
        if slope not in (None, 0, 0.0):
            raise UsageError(
                f"{name} = {slope!r}", code="CF-USE-007", hint="0.0 fixes the slope at zero, None leaves it free"
            )
    if not continuous and interval not in ("profile_likelihood", "profile_sieve"):
        raise UsageError(
            f"interval {interval!r} of a jump", code="CF-USE-007", hint="choices: profile_likelihood, profile_sieve"
        )
    first, last = first_slope is not None, terminal_slope is not None
    problem = prepare(data, weights, x_axis, y_axis, first, last, min_size)
    possible = problem.design.x.size // problem.design.min_size - 1
    most = min(max_breakpoints, possible, MAX_BREAKPOINTS)
    if n_breakpoints != "auto":
        _check_number(n_breakpoints, possible, problem)
        if continuous and first and last and n_breakpoints == 1:
            raise UsageError(
                "a continuous line that is flat at both ends has no or at least 2 breakpoints",
                code="CF-USE-007", hint="n_breakpoints=2 for a ramp, or continuous=False for a step",
            )  # fmt: skip
        most = n_breakpoints
    fitter = fitted_line if continuous else fitted_pieces
    correlated = noise != "white"
    generator = rng or np.random.default_rng(0)

    def ready(k: int) -> Problem:
        seen = problem
        if not problem.constant:
            seen = evened(seen, partial(fitter, k=k)) if noise == "heteroscedastic" else seen
            seen = robustified(seen, partial(fitter, k=k), loss) if loss != "squared" else seen
        return seen

    k = most
    criteria: tuple[float, ...] = ()
    tests: tuple[ExistenceTest, ...] = ()
    if n_breakpoints == "auto":
        k, criteria, tests = _select(ready(max(most, 0)), most, continuous, correlated, criterion, alpha, generator)
    final = ready(k)
    rest: tuple[Any, ...] = (interval, correlated, level, generator, loss, criteria, tests)
    if continuous:
        return report(final, without_idle_breaks(final.design, solve(final.design, k)), *rest)
    return report_pieces(final, list(partitions_up_to(final.design, k))[-1], *rest)


def _check_number(n_breakpoints: int, possible: int, problem: Problem) -> None:
    if (
        not isinstance(n_breakpoints, int)
        or isinstance(n_breakpoints, bool)
        or not 0 <= n_breakpoints <= MAX_BREAKPOINTS
    ):
        raise UsageError(
            f"n_breakpoints = {n_breakpoints!r}", code="CF-USE-007", hint=f"0 to {MAX_BREAKPOINTS}, or 'auto'"
        )
    if n_breakpoints > max(possible, 0):
        raise DataError(
            f"{n_breakpoints} breakpoints need segments of {problem.design.min_size} distinct x; "
            f"{problem.design.x.size} hold at most {max(possible, 0)}",
            code="CF-DATA-007",
        )


def _select(
    problem: Problem,
    most: int,
    continuous: bool,
    correlated: bool,
    criterion: Criterion,
    alpha: float,
    rng: np.random.Generator,
) -> tuple[int, tuple[float, ...], tuple[ExistenceTest, ...]]:
    """How many breakpoints, the criterion of each number, or the tests that were made."""
    design = problem.design
    n = design.x.size
    exact = 1e-24 * float(np.sum(design.w * (design.y - design.y.mean()) ** 2))
    values: list[float] = []
    tests: list[ExistenceTest] = []
    flat = int(design.first_zero) + int(design.last_zero)
    candidates: Iterator[Array | Partition] = (
        (s.psi for s in solve_up_to(design, max(most, 0))) if continuous else partitions_up_to(design, max(most, 0))
    )
    for k, candidate in enumerate(candidates):
        if continuous:
            e = residuals(design, np.asarray(candidate, dtype=np.float64))
            coefficients = 1 if k == 0 and flat else 2 + k - flat
        else:
            e = piece_residuals(design, np.asarray(candidate, dtype=np.intp))
            coefficients = 2 * (k + 1) - (min(flat, 1) if k == 0 else flat)
        power = float(e @ e)
        if criterion == "sequential":
            if k == most or power <= exact:
                return k, (), tuple(tests)
            if continuous and flat == 2 and k == 1:
                continue  # the first step of a line that is flat at both ends is two breakpoints
            if continuous:
                tests.append(assess_existence(design, correlated, rng, np.asarray(candidate, dtype=np.float64)))
            else:
                tests.append(jump_test(design, correlated, rng, np.asarray(candidate, dtype=np.intp)))
            if tests[-1].p_value > alpha:
                return k, (), tuple(tests)
            continue
        deviation = deviance(e, correlated, 1e-28 * float(design.w @ design.y**2))
        values.append(deviation + price(criterion, n, k, coefficients, 2.0 if continuous else 3.0))
        if power <= exact:
            break  # nothing left to explain
    return int(np.argmin(values)), tuple(float(v) for v in values), ()
