"""Numbers of a continuous broken line: breakpoints, slopes and intercepts with their intervals."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..curves import Estimate, Interval, Status
from ..fitting.autocorrelation import effective_size, lag1
from ._existence import ExistenceTest, assess_existence
from ._intervals import breakpoint_interval, coefficient_covariance
from ._problem import Problem
from ._profile import base_residual, orthonormal
from ._search import Design, Solution, solve
from ._segmented_fit import BreakpointProfile, SegmentedFit

__all__ = ["fitted_line", "is_exact", "report", "residuals", "state", "without_idle_breaks"]

Array = NDArray[np.float64]


def is_exact(design: Design, rss: float) -> bool:
    """Whether what is left of y is rounding."""
    return rss <= 1e-24 * max(float(design.w @ design.y**2), 1e-300)


def without_idle_breaks(design: Design, solution: Solution) -> Solution:
    """Of a line that fits exactly, the fewest breakpoints that do so: the place of any other is arbitrary."""
    while solution.psi.size and is_exact(design, solution.rss):
        simpler = solve(design, solution.psi.size - 1)
        if not is_exact(design, simpler.rss):
            break
        solution = simpler
    return solution


def residuals(design: Design, psi: Array) -> Array:
    """Residuals at each distinct x, scaled to the variance of a point of average weight."""
    q = orthonormal(design.columns(psi), design.w)
    return np.asarray(base_residual(design.y, q, design.w) * np.sqrt(design.w / np.mean(design.w)))


def fitted_line(design: Design, k: int) -> tuple[Array, int]:
    """Values of the best line with k breakpoints at the design's x, and how many parameters it has."""
    psi = solve(design, k).psi
    columns = design.columns(psi)
    return design.y - base_residual(design.y, orthonormal(columns, design.w), design.w), columns.shape[1] + psi.size


def state(problem: Problem, rss: float, parameters: int) -> tuple[Status, list[str]]:
    """How a fit ended, before anything is said of its intervals."""
    status, reasons = Status.OK, []
    if problem.constant:
        status = Status.CONSTANT
        reasons.append("the values do not vary")
    elif is_exact(problem.design, rss):
        status = Status.DEGRADED
        reasons.append("the line fits exactly: no noise seen, intervals are not estimable")
    if problem.n - parameters <= 0:
        status = Status.TOO_FEW_POINTS
        reasons.append(f"{problem.n} points for {parameters} parameters")
    return status, reasons


def report(
    problem: Problem,
    solution: Solution,
    kind: str,
    correlated: bool,
    level: float,
    rng: np.random.Generator,
    loss: str,
    criteria: tuple[float, ...],
    tests: tuple[ExistenceTest, ...],
) -> SegmentedFit:
    """Intervals and tests of a solution."""
    design, psi = problem.design, solution.psi
    parameters = design.columns(psi).shape[1] + psi.size
    rho = lag1(residuals(design, psi), design.x, parameters=parameters) if correlated and not problem.constant else 0.0
    n_effective = effective_size(problem.n, rho)
    dof = problem.n - parameters
    sigma2 = solution.rss / dof if dof > 0 else float("nan")
    status, reasons = state(problem, solution.rss, parameters)
    beta, covariance = coefficient_covariance(design, psi, sigma2, rho)
    if problem.constant:  # what is left of a slope is rounding
        beta = np.where(np.arange(beta.size) == 0, design.y[0], 0.0)
    known = status is Status.OK
    estimates, profiles = [], []
    for i in range(psi.size):
        place: Interval | None = None
        notes: tuple[str, ...] = ()
        if known:
            found = breakpoint_interval(design, psi, i, solution.rss, problem.n, rho, level, kind, rng)
            low, high = (problem.x_of(v) for v in (found.low, found.high))
            place = Interval(low, high, level, "confidence", kind)
            notes = found.notes
            status = Status.DEGRADED if notes else status
            at = np.array([problem.x_of(float(v)) for v in found.places])
            profiles.append(BreakpointProfile(at, found.rss, found.limit))
        value = problem.x_of(float(psi[i]))
        se = float(np.sqrt(covariance[-psi.size + i, -psi.size + i])) * problem.scale
        details = {f"stderr{'_log' * (problem.x_axis == 'log')}": se} if np.isfinite(se) else {}
        estimates.append(
            Estimate(
                f"breakpoint_{i + 1}", value, place, problem.x_unit, Status.DEGRADED if notes else Status.OK, notes,
                details,
            )
        )  # fmt: skip
        reasons.extend(f"breakpoint {i + 1}: {n}" for n in notes)
    slopes, intercepts, changes = _lines(problem, psi, beta, covariance, level, n_effective - parameters, known)
    test = assess_existence(design, correlated, rng) if known else None
    if known and not np.all(np.isfinite(covariance)):
        status = Status.DEGRADED
        reasons.append("the last points of a segment decide its slope and its start: slopes' intervals not estimable")
    if test is not None and criteria and psi.size and test.p_value > 0.05:
        status = Status.DEGRADED
        reasons.append(
            f"the criterion takes {psi.size} breakpoint{'s' if psi.size > 1 else ''}, the test does not exclude none "
            f"(p = {test.p_value:.2g}): a curve, or noise as slow as what a straight line leaves, can look so"
        )
    return SegmentedFit(
        tuple(estimates), slopes, intercepts[0], solution.rss, float(np.sqrt(sigma2)) if dof > 0 else 0.0, rho,
        n_effective, problem.n, test, status, tuple(reasons), problem.x_axis, problem.y_axis, level, criteria,
        intercepts, (), changes, tuple(profiles), tests, True, loss,
    )  # fmt: skip


def _lines(
    problem: Problem, psi: Array, beta: Array, covariance: Array, level: float, dof: float, known: bool
) -> tuple[tuple[Estimate, ...], tuple[Estimate, ...], tuple[Estimate, ...]]:
    """Slope and intercept of every segment and slope change at every breakpoint, linear in the coefficients."""
    from scipy.stats import t

    design, k = problem.design, psi.size
    contrast = design.contrast(k) if k else np.zeros((0, beta.size))
    heights = contrast @ beta
    # a segment feels the hinges on its left, or with a plateau at the end those on its right
    m, j = np.arange(k + 1)[:, None], np.arange(k)[None, :]
    left = design.last_zero and not design.first_zero
    felt = (j >= m).astype(float) if left else -(j < m).astype(float)
    slope, intercept = -felt @ contrast, (felt * psi) @ contrast
    intercept[:, 0] += 1.0
    if not (design.first_zero or design.last_zero):
        slope[:, 1] += 1.0
    center, scale = problem.center, problem.scale
    still = np.zeros((k + 1, k))
    slopes = np.column_stack([slope, still]) / scale
    intercepts = np.column_stack([intercept, felt * heights]) - center * slopes
    changes = np.column_stack([contrast, np.zeros((k, k))]) / scale
    per = f"{problem.y_unit}/{problem.x_unit}" if problem.x_unit or problem.y_unit else ""
    quantile = float(t.ppf(0.5 + level / 2, max(dof, 1.0)))

    def estimates(name: str, gradient: Array, values: Array, unit: str) -> tuple[Estimate, ...]:
        spread = np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", gradient, covariance, gradient), 0))
        found = []
        for i, (value, se) in enumerate(zip(values, spread, strict=True)):
            half = quantile * float(se)
            place = (
                Interval(float(value) - half, float(value) + half, level, "confidence", "delta")
                if known and np.isfinite(half) and half > 0  # a slope that was fixed has none
                else None
            )
            found.append(
                Estimate(
                    f"{name}_{i + 1}" if name != "intercept" or i else name, float(value), place, unit,
                    details={"stderr": float(se)} if np.isfinite(se) else {},
                )
            )  # fmt: skip
        return tuple(found)

    width = beta.size
    return (
        estimates("slope", slopes, slopes[:, :width] @ beta, per),
        estimates("intercept", intercepts, intercepts[:, :width] @ beta, problem.y_unit),
        estimates("slope_change", changes, changes[:, :width] @ beta, per),
    )
