"""Local least-squares solvers, and the polish that takes an optimum to the last digit."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .problem import Problem

__all__ = ["ALGORITHMS", "Descent", "Optimum", "examine", "levenberg_marquardt", "polish", "run"]

Array = NDArray[np.float64]
_EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, slots=True, eq=False)
class Descent:
    """Where one algorithm ended.

    Parameters
    ----------
    algorithm : str
        Its name.
    theta : ndarray, shape (p,)
    rss : float
        Weighted residual sum of squares; infinite where the algorithm failed.
    evaluations : int
        Evaluations of the model with its derivatives.
    """

    algorithm: str
    theta: Array
    rss: float
    evaluations: int


@dataclass(frozen=True, slots=True, eq=False)
class Optimum:
    """What an optimum looks like from close by.

    Parameters
    ----------
    theta : ndarray, shape (p,)
    rss : float
    jacobian : ndarray, shape (n, p)
        Of the weighted model.
    at_bound : ndarray of bool, shape (p,)
        Parameters held by a bound: there the gradient points outward.
    offset : float
        Relative offset of Bates and Watts over the free parameters: the tangential part of the residuals per degree
        of freedom over the orthogonal part; in units of a standard error, how far a Gauss-Newton step would go.
    rounding : float
        The offset that rounding errors alone explain.
    """

    theta: Array
    rss: float
    jacobian: Array
    at_bound: NDArray[np.bool_]
    offset: float
    rounding: float


def levenberg_marquardt(problem: Problem, start: Array, iterations: int = 400, tolerance: float = 0.0) -> Descent:
    """Levenberg-Marquardt with scaled columns and QR; steps are clipped to the bounds, non-finite trials refused.

    Parameters
    ----------
    problem : Problem
    start : ndarray, shape (p,)
    iterations : int
        Accepted steps at most.
    tolerance : float
        Stop when a step promises or brings a smaller relative decrease of the sum of squares; by default, when
        rounding hides it.
    """
    theta = np.clip(start, problem.low, problem.high)
    rss = float(problem.rss(theta))
    if not math.isfinite(rss):
        return Descent("lm", theta, math.inf, 1)
    damping, grow = 1e-3, 2.0
    scale = np.zeros(problem.p)
    evaluations = 0
    stalled = 0
    for _ in range(iterations):
        residuals, jacobian = problem.residuals_and_jacobian(theta)
        evaluations += 1
        if not np.all(np.isfinite(jacobian)):
            break
        jacobian = np.where(_held(problem, theta, residuals, jacobian), 0.0, jacobian)
        with np.errstate(over="ignore"):
            scale = np.maximum(scale, np.linalg.norm(jacobian, axis=0))
        if not np.all(np.isfinite(scale)):
            break
        unit = np.where(scale > 0, scale, 1.0)
        q, r = np.linalg.qr(jacobian / unit)
        right = q.T @ residuals
        improved = False
        while damping < 1e16:
            if tolerance and np.sum(right**2) <= tolerance * rss:
                break  # all that any step could promise
            augmented = np.vstack([r, math.sqrt(damping) * np.eye(problem.p)])
            step = np.linalg.lstsq(augmented, np.concatenate([right, np.zeros(problem.p)]), rcond=None)[0]
            trial = np.clip(theta + step / unit, problem.low, problem.high)
            value = float(problem.rss(trial))
            evaluations += 1
            predicted = float(np.sum((r @ step) ** 2) + 2.0 * damping * np.sum(step**2))
            if value < rss:
                gain = (rss - value) / max(predicted, 1e-300)
                damping = max(damping * max(1.0 / 3.0, 1.0 - (2.0 * min(gain, 1.0) - 1.0) ** 3), 1e-15)
                grow = 2.0
                improved = True
                break
            if predicted <= _EPS * rss:
                break
            damping *= grow
            grow *= 2.0
        if not improved:
            break
        gained = rss - value
        stalled = stalled + 1 if gained <= 1e-14 * rss else 0
        theta, rss = trial, value
        if rss == 0.0 or stalled >= 3 or gained <= tolerance * rss:
            break
    return Descent("lm", theta, rss, evaluations)


def _held(problem: Problem, theta: Array, residuals: Array, jacobian: Array) -> NDArray[np.bool_]:
    """Parameters at a bound that the gradient pushes further out."""
    uphill = jacobian.T @ residuals
    return ((theta <= problem.low) & (uphill <= 0)) | ((theta >= problem.high) & (uphill >= 0))


class _NotFinite(ArithmeticError):
    """The derivatives at an accepted point are beyond what linear algebra can hold."""


def _scipy(problem: Problem, start: Array, algorithm: str) -> Descent:
    """One of scipy's trust-region algorithms, to where it went before derivatives overflowed."""
    from scipy.optimize import least_squares as scipy_least_squares

    margin = 1e-10 * np.where(np.isfinite(problem.high - problem.low), problem.high - problem.low, 1.0)
    found = np.clip(start, problem.low + margin, problem.high - margin)
    options = {} if algorithm == "minpack" else {"bounds": (problem.low, problem.high)}
    accepted: list[Array] = []

    def derivatives(theta: Array) -> Array:
        jacobian = problem.residuals_and_jacobian(theta)[1]
        if not np.all(np.abs(jacobian) < 1e150):  # also where not a number
            raise _NotFinite
        accepted.append(theta.copy())
        return jacobian

    try:
        with np.errstate(all="ignore"):
            result = scipy_least_squares(
                lambda t: -problem.residuals(t),
                found,
                jac=derivatives,
                method="lm" if algorithm == "minpack" else algorithm,
                x_scale="jac",
                ftol=1e-14,
                xtol=1e-14,
                gtol=1e-14,
                max_nfev=1000,
                **options,
            )
        found = np.asarray(result.x, dtype=np.float64)
    except (ValueError, np.linalg.LinAlgError, _NotFinite):
        if not accepted:
            return Descent(algorithm, found, math.inf, 0)
        found = accepted[-1]
    found = np.clip(found, problem.low, problem.high)
    return Descent(algorithm, found, float(problem.rss(found)), len(accepted))


ALGORITHMS = ("lm", "trf", "dogbox", "minpack")


def run(problem: Problem, start: Array, algorithm: str) -> Descent:
    """Run the named algorithm: own Levenberg-Marquardt, or scipy's trf, dogbox and MINPACK."""
    if algorithm == "lm":
        return levenberg_marquardt(problem, start)
    return _scipy(problem, start, algorithm)


def polish(problem: Problem, theta: Array, iterations: int = 200) -> Array:
    """Gauss-Newton steps by QR as long as they get shorter: what is left of a good optimum's error.

    Notes
    -----
    Near the optimum the sum of squares is flat to rounding and says nothing; the length of the step, in units of the
    standard errors, does. It shrinks by the relative curvature per iteration, down to rounding.
    """
    best = theta
    shortest = math.inf
    first = float(problem.rss(theta))
    for _ in range(iterations):
        residuals, jacobian = problem.residuals_and_jacobian(theta)
        if not np.all(np.isfinite(jacobian)) or not np.all(np.isfinite(residuals)):
            break
        free = ~_held(problem, theta, residuals, jacobian)
        step, length = gauss_newton(jacobian[:, free], residuals)
        if not length < 0.95 * shortest or not np.all(np.isfinite(step)):
            break
        best, shortest = theta, length
        following = theta.copy()
        following[free] += step
        following = np.clip(following, problem.low, problem.high)
        if np.array_equal(following, theta) or float(problem.rss(following)) > first * (1 + 1e-9) + 1e-300:
            break
        theta = following
    return best


def gauss_newton(jacobian: Array, residuals: Array) -> tuple[Array, float]:
    """The Gauss-Newton step of smallest scaled length, and its length in the space of the residuals."""
    with np.errstate(over="ignore"):
        norms = np.linalg.norm(jacobian, axis=0)
    unit = np.where(norms > 0, norms, 1.0)
    if not jacobian.size or not np.all(np.isfinite(norms)):
        return np.zeros(jacobian.shape[1]), 0.0 if not jacobian.size else math.inf
    q, r = np.linalg.qr(jacobian / unit)
    left, singular, rows = np.linalg.svd(r)
    kept = singular > singular[0] * _EPS * max(jacobian.shape)  # directions that the data say nothing about stay put
    right = left[:, kept].T @ (q.T @ residuals)
    step = rows[kept].T @ (right / singular[kept])
    return step / unit, float(np.linalg.norm(right))


def examine(problem: Problem, theta: Array) -> Optimum | None:
    """Derivatives, bounds and relative offset at a point; None where they are not finite.

    References
    ----------
    Bates and Watts (1981), A relative offset orthogonality convergence criterion for nonlinear least squares.
    Technometrics 23, 179-183.
    """
    residuals, jacobian = problem.residuals_and_jacobian(theta)
    if not np.all(np.isfinite(residuals)) or not np.all(np.isfinite(jacobian)):
        return None
    rss = float(np.sum(residuals**2))
    held = _held(problem, theta, residuals, jacobian)
    free = jacobian[:, ~held]
    k = free.shape[1]
    size = math.sqrt(rss)
    value = problem.root_weights * problem.y - residuals
    rounding = 4.0 * _EPS * (float(np.linalg.norm(value)) + float(np.linalg.norm(problem.root_weights * problem.y)))
    tangential = gauss_newton(free, residuals)[1] if k else 0.0
    per_dof = size / math.sqrt(max(problem.n - k, 1))
    offset = tangential / math.sqrt(max(k, 1)) / per_dof if per_dof > 0 else 0.0
    return Optimum(theta, rss, jacobian, held, offset, rounding / size if size > 0 else math.inf)
