"""Segmented regression: a continuous broken line, its breakpoints with intervals that survive correlated noise."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..curves import Curve, DataError, Estimate, Interval, Status, UsageError
from ..curves._checks import check_level
from ..fitting.autocorrelation import effective_size, lag1
from ._existence import ExistenceTest, test_existence
from ._intervals import breakpoint_interval, coefficient_covariance
from ._problem import Axis, Problem, prepare
from ._profile import base_residual, orthonormal
from ._search import Design, Solution, solve, solve_up_to

__all__ = ["Axis", "BreakpointInterval", "SegmentedFit", "segment"]

Array = NDArray[np.float64]
BreakpointInterval = Literal["profile_likelihood", "profile_sieve", "delta", "block_bootstrap"]
MAX_BREAKPOINTS = 10


@dataclass(frozen=True, slots=True, eq=False)
class SegmentedFit:
    """A fitted broken line.

    Parameters
    ----------
    breakpoints : tuple of Estimate
        x of each breakpoint, increasing, in the unit of x.
    slopes : tuple of Estimate
        Slope of each segment, on the axes that were fitted.
    intercept : Estimate
        Value at x = 0 (or log x = 0) of the first segment's line.
    rss : float
        Residual sum of squares, weighted.
    sigma : float
        Residual standard deviation.
    rho, n_effective : float
        Correlation of neighboring residuals and the independent points that leaves.
    existence_test : ExistenceTest or None
        Is there any breakpoint at all?
    status, reasons
        How it ended.
    x_axis, y_axis : {"linear", "log"}
        Axes on which the segments are straight.
    """

    breakpoints: tuple[Estimate, ...]
    slopes: tuple[Estimate, ...]
    intercept: Estimate
    rss: float
    sigma: float
    rho: float
    n_effective: float
    n: int
    existence_test: ExistenceTest | None
    status: Status
    reasons: tuple[str, ...]
    x_axis: Axis
    y_axis: Axis
    level: float
    criteria: tuple[float, ...] = field(default=())

    def predict(self, x: ArrayLike) -> Array:
        """The broken line at x, on the original scale."""
        at = np.asarray(x, dtype=np.float64)
        z = np.log(at) if self.x_axis == "log" else at
        breaks = [float(b.value or 0.0) for b in self.breakpoints]
        knots = np.log(breaks) if self.x_axis == "log" and breaks else np.asarray(breaks)
        slopes = [float(s.value or 0.0) for s in self.slopes]
        out = float(self.intercept.value or 0.0) + slopes[0] * z
        for knot, before, after in zip(knots, slopes[:-1], slopes[1:], strict=True):
            out = out + (after - before) * np.maximum(z - knot, 0.0)
        return np.asarray(np.exp(out) if self.y_axis == "log" else out)


def segment(
    data: Curve | tuple[ArrayLike, ArrayLike],
    n_breakpoints: int | Literal["auto"] = "auto",
    *,
    terminal_slope: float | None = None,
    first_slope: float | None = None,
    weights: ArrayLike | None = None,
    interval: BreakpointInterval = "profile_likelihood",
    noise: Literal["auto", "white"] = "auto",
    level: float = 0.95,
    x_axis: Axis = "linear",
    y_axis: Axis = "linear",
    min_size: int | None = None,
    max_breakpoints: int = 5,
    rng: np.random.Generator | None = None,
) -> SegmentedFit:
    r"""Fit a continuous broken line with given or selected number of breakpoints.

    .. math:: y = \beta_0 + \beta_1 x + \sum_k \delta_k (x - \psi_k)_+ + e

    Parameters
    ----------
    data : Curve or (x, y)
        Curve, or two array-likes of equal length.
    n_breakpoints : int or "auto"
        How many; "auto" selects 0 to ``max_breakpoints`` by the modified BIC of the autocorrelated likelihood.
    terminal_slope, first_slope : 0.0 or None
        0 fixes the last (a true plateau) or the first slope.
    weights : array-like, shape (n,), optional
        Positive weights; only their ratios matter. Zero drops the point.
    interval : {"profile_likelihood", "profile_sieve", "delta", "block_bootstrap"}
        How breakpoint intervals are made; see Notes.
    noise : {"auto", "white"}
        "auto" lets neighbors correlate; "white" assumes they do not.
    level : float
        Nominal coverage.
    x_axis, y_axis : {"linear", "log"}
        Axes on which segments are straight.
    min_size : int, optional
        Least number of distinct x per segment; default the larger of 2 and 5 %.
    max_breakpoints : int
        For "auto".
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
    autoregressive sieve bootstrap of the same statistic. ``delta`` is the linearization of Muggeo (2003); it is too
    short in small samples and offered for comparison. With several breakpoints the others are linearized at their
    optimum. The set may be a union of intervals or run into the edge; then the hull is given and a reason says so.
    """
    check_level(level)
    if interval not in get_args(BreakpointInterval):
        raise UsageError(
            f"interval {interval!r}", code="CF-USE-007", hint=f"choices: {', '.join(get_args(BreakpointInterval))}"
        )
    if noise not in ("auto", "white"):
        raise UsageError(f"noise {noise!r}", code="CF-USE-007", hint="choices: auto, white")
    for name, slope in (("terminal_slope", terminal_slope), ("first_slope", first_slope)):
        if slope not in (None, 0, 0.0):
            raise UsageError(
                f"{name} = {slope!r}", code="CF-USE-007", hint="0.0 fixes the slope at zero, None leaves it free"
            )
    if terminal_slope is not None and first_slope is not None:
        raise UsageError(
            "both end slopes cannot be fixed at once",
            code="CF-USE-007",
            hint="fix terminal_slope=0.0 for a plateau at the end, or first_slope=0.0 for one at the start",
        )
    problem = prepare(data, weights, x_axis, y_axis, first_slope is not None, terminal_slope is not None, min_size)
    possible = problem.design.x.size // problem.design.min_size - 1
    if n_breakpoints == "auto":
        k, criteria = _select(problem, min(max_breakpoints, possible, MAX_BREAKPOINTS), noise)
    else:
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
        k, criteria = n_breakpoints, ()
    solution = _without_idle_breaks(problem, solve(problem.design, k))
    return _report(problem, solution, interval, noise, level, criteria, rng or np.random.default_rng(0))


def _is_exact(design: Design, rss: float) -> bool:
    """Whether what is left of y is rounding."""
    return rss <= 1e-24 * max(float(design.w @ design.y**2), 1e-300)


def _without_idle_breaks(problem: Problem, solution: Solution) -> Solution:
    """Of a line that fits exactly, the fewest breakpoints that do so: the place of any other is arbitrary."""
    while solution.psi.size and _is_exact(problem.design, solution.rss):
        simpler = solve(problem.design, solution.psi.size - 1)
        if not _is_exact(problem.design, simpler.rss):
            break
        solution = simpler
    return solution


def _residuals(design: Design, psi: Array) -> Array:
    q = orthonormal(design.columns(psi), design.w)
    return np.asarray(base_residual(design.y, q, design.w) * np.sqrt(design.w / np.mean(design.w)))


def _select(problem: Problem, most: int, noise: str) -> tuple[int, tuple[float, ...]]:
    """Modified BIC of the AR(1) likelihood: n log(whitened RSS / n) - log(1 - rho^2) + (2 + 3 k) log n."""
    design = problem.design
    n = design.x.size
    values = []
    for k, solution in enumerate(solve_up_to(design, max(most, 0))):
        e = _residuals(design, solution.psi)
        power = float(e @ e)
        rho = min(max(float(e[1:] @ e[:-1]) / power, 0.0), 0.995) if noise == "auto" and power > 0 else 0.0
        white = np.r_[np.sqrt(1 - rho * rho) * e[0], e[1:] - rho * e[:-1]]
        rss = max(float(white @ white), 1e-28 * float(design.w @ design.y**2), 1e-300)
        values.append(n * np.log(rss / n) - np.log(1 - rho * rho) + (2 + 3 * k) * np.log(n))
        if power <= 1e-24 * float(np.sum(design.w * (design.y - design.y.mean()) ** 2)):
            break  # exact: nothing left to explain
    return int(np.argmin(values)), tuple(float(v) for v in values)


def _report(
    problem: Problem,
    solution: Solution,
    kind: BreakpointInterval,
    noise: str,
    level: float,
    criteria: tuple[float, ...],
    rng: np.random.Generator,
) -> SegmentedFit:
    design, psi = problem.design, solution.psi
    e = _residuals(design, psi)
    parameters = design.columns(psi).shape[1] + psi.size
    rho = lag1(e, problem.design.x, parameters=parameters) if noise == "auto" and not problem.constant else 0.0
    n_effective = effective_size(problem.n, rho)
    dof = problem.n - parameters
    sigma2 = solution.rss / dof if dof > 0 else float("nan")
    reasons: list[str] = []
    status = Status.OK
    exact = _is_exact(design, solution.rss)
    if problem.constant:
        status = Status.CONSTANT
        reasons.append("the values do not vary")
    elif exact:
        status = Status.DEGRADED
        reasons.append("the line fits exactly: no noise seen, intervals are not estimable")
    if dof <= 0:
        status = Status.TOO_FEW_POINTS
        reasons.append(f"{problem.n} points for {parameters} parameters")
    beta, covariance = coefficient_covariance(design, psi, sigma2 * (1 + rho) / (1 - rho) if dof > 0 else float("nan"))
    known = status is Status.OK
    estimates = []
    for i in range(psi.size):
        place: Interval | None = None
        notes: tuple[str, ...] = ()
        if known:
            found = breakpoint_interval(design, psi, i, solution.rss, problem.n, rho, level, kind, rng)
            low, high = (problem.x_of(v) for v in (found.low, found.high))
            place = Interval(low, high, level, "confidence", kind)
            notes = found.notes
            status = Status.DEGRADED if notes else status
        value = problem.x_of(float(psi[i]))
        se = float(np.sqrt(covariance[-psi.size + i, -psi.size + i])) * problem.scale
        estimates.append(
            Estimate(
                f"breakpoint_{i + 1}", value, place, problem.x_unit, Status.DEGRADED if notes else Status.OK, notes,
                {f"stderr{'_log' * (problem.x_axis == 'log')}": se} if np.isfinite(se) else {},
            )
        )  # fmt: skip
        reasons.extend(f"breakpoint {i + 1}: {n}" for n in notes)
    slopes, intercept = _lines(
        problem,
        psi,
        beta,
        covariance,
        level,
        n_effective - parameters,
        known,
    )
    test = None
    if known:
        test = test_existence(design, noise == "auto", rng)
    return SegmentedFit(
        tuple(estimates), slopes, intercept, solution.rss, float(np.sqrt(sigma2)) if dof > 0 else 0.0, rho, n_effective,
        problem.n, test, status, tuple(reasons), problem.x_axis, problem.y_axis, level, criteria,
    )  # fmt: skip


def _lines(
    problem: Problem, psi: Array, beta: Array, covariance: Array, level: float, dof: float, known: bool
) -> tuple[tuple[Estimate, ...], Estimate]:
    from scipy.stats import t

    design, k = problem.design, psi.size
    # every slope and the intercept are linear in the coefficients: rows of a matrix
    free = not (design.first_zero or design.last_zero)
    width = beta.size
    rows = np.zeros((k + 2, width))
    first = 2 if free else 1  # position of the first hinge coefficient, after the intercept (and slope)
    if free:
        rows[1:, 1] = 1.0
    hinge_columns = width - first
    for j in range(hinge_columns):
        if design.last_zero:
            rows[1 : j + 2, first + j] = -1.0
            rows[0, first + j] = psi[j] + problem.center / problem.scale
        else:
            rows[j + 2 :, first + j] = 1.0
    rows[0, 0] = 1.0
    if free:
        rows[0, 1] = -problem.center / problem.scale
    rows[1:] /= problem.scale
    values = rows @ beta
    gradient = np.column_stack([rows, np.zeros((k + 2, k))])
    if design.last_zero:  # the first line starts from the plateau and climbs to the left of each breakpoint
        gradient[0, width:] = beta[first:]
    spread = np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", gradient, covariance, gradient), 0))
    quantile = float(t.ppf(0.5 + level / 2, max(dof, 1.0)))

    def estimate(name: str, i: int, unit: str) -> Estimate:
        half = quantile * float(spread[i])
        place = (
            Interval(float(values[i]) - half, float(values[i]) + half, level, "confidence", "delta")
            if known and np.isfinite(half)
            else None
        )
        return Estimate(
            name, float(values[i]), place, unit, details={"stderr": float(spread[i])} if np.isfinite(spread[i]) else {}
        )

    per = f"{problem.y_unit}/{problem.x_unit}" if problem.x_unit or problem.y_unit else ""
    return tuple(estimate(f"slope_{i + 1}", i + 1, per) for i in range(k + 1)), estimate("intercept", 0, problem.y_unit)
