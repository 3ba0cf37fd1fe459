"""Least squares under each kind of noise; large curves through bins that keep the estimate exact."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from ..models import Array, Model
from ..models.noise import Noise
from ..models.noise.autoregressive import Autoregressive
from ..models.noise.gaussian import Gaussian
from ..models.noise.multiplicative import Multiplicative
from ..models.noise.student_t import StudentT
from ._projection import Solution, polish, search
from ._sample import Bins, Points, Sample
from .autocorrelation import MAX_RHO, effective_size, lag1, regularly_spaced, robust_sd

__all__ = ["FINE", "Core", "correlation", "solve"]

FINE = 4096  # curves with more points than this are binned
_BINS = 2048
_EXACT = 1e-11  # residuals this small, in interquartile ranges, are rounding errors
_FAR = 1e3  # interquartile ranges from the median beyond which values are clipped for a first look
_OUTLIER = 8.0  # robust standard deviations from the curve at which "auto" turns to Student's t


@dataclass(frozen=True, slots=True, eq=False)
class Core:
    """A solved problem in the fit's own units, all that intervals need.

    Attributes
    ----------
    points : Points
        Rows whose least-squares optimum is the estimate; a few thousand at most.
    solution : Solution
        That optimum.
    deviation : ndarray, shape (n,)
        Residual of every point of the sample.
    rss, variance, dof : float
        (Weighted) residual sum of squares, long-run variance and degrees of freedom: an interval keeps what raises the
        sum of squares of ``points`` by at most ``variance * F(1, dof)``.
    n_effective, rho : float
        Independent points, correlation of neighbors.
    spread : float
        Scale of the noise of one observation, in the meaning of ``noise``.
    cache : dict
        What intervals at one level have in common, computed once.
    """

    model: Model
    sample: Sample
    noise: Noise
    robust: bool
    points: Points
    solution: Solution
    deviation: Array
    rss: float
    variance: float
    dof: float
    n_effective: float
    rho: float
    spread: float
    cache: dict[object, object] = field(default_factory=dict, repr=False)

    @property
    def unit_params(self) -> Array:
        """Parameters for u and z."""
        return np.concatenate([self.solution.c, self.solution.theta])

    def mean(self, u: Array) -> Array:
        """Value of the law at u, in z."""
        return self.model.predict(u, self.unit_params)

    def noise_sd(self, x: Array) -> Array:
        """Standard deviation of one observation at x, in the unit of y."""
        if isinstance(self.noise, Multiplicative):
            value = self.sample.center + self.sample.scale * self.mean(x / self.sample.x_scale)
            return np.abs(value) * self.spread
        return np.full(np.shape(x), self.spread * self.sample.scale)


def solve(model: Model, sample: Sample, noise: Noise | None, *, known: bool = False, iterations: int = 60) -> Core:
    """Fit a law to a sample.

    Parameters
    ----------
    model : Model
        The law.
    sample : Sample
        At least one point more than parameters.
    noise : Noise or None
        Its assumption is taken at its word; None chooses: least squares, Student's t when there are outliers, and
        intervals for the number of independent points the residuals leave.
    known : bool
        Whether the correlation of autoregressive noise is as given, not to be estimated.
    iterations : int
        Most steps of the optimizer.
    """
    weight = sample.weight
    if isinstance(noise, Autoregressive):
        return _whitened(model, sample, noise, iterations, known)
    if isinstance(noise, Multiplicative):
        return _proportional(model, sample, noise, iterations)
    if isinstance(noise, StudentT):
        return _robust(model, sample, noise, iterations, correlated=False)
    if noise is None:
        clipped = sample.clipped(_FAR)
        if clipped is not sample:  # a fit bent by enormous values would hide them behind rounding errors
            solution, _, _ = _least_squares(model, clipped, weight, None, iterations)
            deviation = sample.residuals(_law(model, solution))
        else:
            solution, points, deviation = _least_squares(model, sample, weight, None, iterations)
        if np.isfinite(solution.rss) and _outlying(deviation if weight is None else deviation * np.sqrt(weight)):
            return _robust(model, sample, StudentT(), iterations, correlated=True)
        if clipped is not sample:
            solution, points, deviation = _least_squares(model, sample, weight, None, iterations)
    else:
        solution, points, deviation = _least_squares(model, sample, weight, None, iterations)
    return _finish(model, sample, noise or Gaussian(), points, solution, deviation, weight, correlated=noise is None)


def _outlying(e: Array) -> bool:
    """Whether single residuals lie far out, as opposed to a law that fails along a stretch at either end."""
    middle = robust_sd(e, order=0)
    size = np.abs(e - np.median(e[:: max(1, e.size // 65536)]))
    if not (middle > _EXACT and np.max(size) > _OUTLIER * middle):
        return False
    inside = np.flatnonzero(size <= 3.0 * middle)
    far = np.flatnonzero(size > _OUTLIER * middle)
    first, last = int(inside[0]), int(inside[-1])
    between = bool(np.any((far > first) & (far < last)))
    return between or (first == 1 and far[0] == 0) or (last == e.size - 2 and far[-1] == e.size - 1)


def _least_squares(
    model: Model, sample: Sample, weight: Array | None, start: Array | None, iterations: int
) -> tuple[Solution, Points, Array]:
    """Optimum, its rows and all residuals.

    Curves of more than 4096 points are merged into 2048 bins of equal width in ln x. The law's mean over a bin is not its
    value at the mean x, so each bin's value is corrected by that difference at the current estimate, until the estimate
    moves by less than a thousandth of a standard error in every direction; what remains of binning is a loss of
    efficiency of the order of the squared bin width.
    """
    if len(sample) <= FINE:
        root = None if weight is None else np.sqrt(weight)
        points = Points(sample.x / sample.x_scale, sample.z(), root)
        solution = _optimum(model, points, start, iterations)
        return solution, points, sample.residuals(_law(model, solution)) if root is not None else solution.residual
    bins = sample.bins(_BINS, weight)
    points = Points(bins.center, bins.mean(sample.z()), np.sqrt(bins.total))
    solution = _optimum(model, points, start, iterations)
    for _ in range(6):
        law = _law(model, solution)
        deviation = sample.residuals(law)
        before = law(bins.center)
        points = replace(points, z=before + bins.mean(deviation))
        solution = _optimum(model, points, solution.t, iterations)
        moved = float(np.sum(bins.total * (_law(model, solution)(bins.center) - before) ** 2))
        total = float(deviation @ deviation if weight is None else (deviation * weight) @ deviation)
        if moved <= 1e-6 * total / len(sample):
            break
    return solution, points, deviation


def _optimum(model: Model, points: Points, start: Array | None, iterations: int) -> Solution:
    return (
        search(model, points, iterations=iterations)
        if start is None
        else polish(model, points, start, iterations=iterations)
    )


def _finish(
    model: Model,
    sample: Sample,
    noise: Noise,
    points: Points,
    solution: Solution,
    deviation: Array,
    weight: Array | None,
    *,
    correlated: bool,
    pseudo: Array | None = None,
    spread: float | None = None,
) -> Core:
    """Put residuals, correlation and degrees of freedom together; ``pseudo`` stands in for the residuals."""
    used = deviation if pseudo is None else pseudo
    standard = used if weight is None else used * np.sqrt(weight)
    n, p = len(sample), len(model.parameters)
    rho, n_effective = correlation(standard, sample.x, p)
    total = float(standard @ standard)
    left = n_effective if correlated else float(n)
    dof = max(left - p, 1.0)
    marginal = math.sqrt(total * left / (n * dof)) if correlated else math.sqrt(total / dof)
    return Core(
        model,
        sample,
        noise,
        pseudo is not None,
        points,
        solution,
        deviation,
        total,
        total / dof,
        dof,
        n_effective,
        rho,
        marginal if spread is None else spread,
    )


def correlation(e: Array, x: Array, parameters: int) -> tuple[float, float]:
    """Correlation of neighbors and effective size; with irregular spacing the worse of "in x" and "in order"."""
    n = e.size
    if np.all(x[1:] > x[:-1]) and regularly_spaced(x):
        rho = lag1(e, parameters=parameters)
        return rho, effective_size(n, rho)
    rank = np.cumsum(np.append(0.0, np.diff(x) > 0))
    in_order, in_x = lag1(e, rank, parameters=parameters), lag1(e, x, parameters=parameters)
    by_order, by_x = effective_size(n, in_order, rank), effective_size(n, in_x, x)
    return (in_order, by_order) if by_order <= by_x else (in_x, by_x)


def _robust(model: Model, sample: Sample, noise: StudentT, iterations: int, *, correlated: bool) -> Core:
    """Maximum likelihood under Student's t by reweighting; intervals from pseudo-residuals.

    At the optimum the residuals psi(e) / mean(psi') are orthogonal to the tangent plane, so least squares on the curve plus
    these has the same estimate, and its covariance is the usual one of an M-estimate (Huber 1973, Ann. Stat. 1, 799).
    """
    user = sample.weight
    root = 1.0 if user is None else np.sqrt(user)
    solution, points, deviation = _least_squares(model, sample.clipped(_FAR), user, None, iterations)
    deviation = sample.residuals(_law(model, solution))
    probe = sample.x[:: max(1, len(sample) // 256)] / sample.x_scale
    scale = 0.0
    for k in range(200):
        standard = deviation * root
        # from a start that outliers have bent, the scale first follows the bulk of the points
        w = noise.weights(standard, deviation, scale) if k else np.ones(len(sample))
        scale = math.sqrt(float(np.mean(w * standard**2))) if k > 8 else robust_sd(standard, order=0)
        if not scale > _EXACT:
            break
        w = noise.weights(standard, deviation, scale)
        before = _law(model, solution)(probe)
        start, steps = (None, iterations) if k < 3 else (solution.t, 2)
        solution, points, deviation = _least_squares(model, sample, w if user is None else w * user, start, steps)
        if k > 9 and float(np.max(np.abs(_law(model, solution)(probe) - before))) <= 1e-9 * scale:
            break
    if not scale > _EXACT:  # more than half the points lie on the curve: nothing to weigh by
        solution, points, deviation = _least_squares(model, sample, user, None, iterations)
        return _finish(model, sample, noise, points, solution, deviation, user, correlated=correlated)
    r2 = (deviation * root / scale) ** 2
    share = noise.df / (noise.df + r2)
    slope = float(np.mean(share * (1.0 - 2.0 * r2 / (noise.df + r2))))
    pseudo = deviation * share / max(slope, 0.05)
    points = _rows(model, sample, solution, pseudo, user)
    solution = polish(model, points, solution.t, iterations=iterations)
    return _finish(
        model, sample, noise, points, solution, deviation, user, correlated=correlated, pseudo=pseudo, spread=scale
    )


def _join(solution: Solution) -> Array:
    return np.concatenate([solution.c, solution.theta])


def _rows(model: Model, sample: Sample, solution: Solution, deviation: Array, weight: Array | None) -> Points:
    """Rows of the curve plus given deviations, binned where the sample is large."""
    params = _join(solution)
    if len(sample) <= FINE:
        u = sample.x / sample.x_scale
        return Points(u, model.predict(u, params) + deviation, None if weight is None else np.sqrt(weight))
    bins: Bins = sample.bins(_BINS, weight)
    return Points(bins.center, model.predict(bins.center, params) + bins.mean(deviation), np.sqrt(bins.total))


def _proportional(model: Model, sample: Sample, noise: Multiplicative, iterations: int) -> Core:
    """Weights 1 / mean^2, with the mean of the fit before."""
    user = sample.weight
    value = sample.y
    start: Array | None = None
    for k in range(60):
        weight = 1.0 / np.maximum(np.abs(value), 1e-3 * float(np.median(np.abs(value)))) ** 2
        weight = weight if user is None else weight * user
        weight = weight / float(np.mean(weight))
        solution, points, deviation = _least_squares(model, sample, weight, start, iterations)
        start = solution.t
        new = sample.center + sample.scale * sample.mean(_law(model, solution))
        if k and float(np.max(np.abs(new - value))) <= 1e-10 * float(np.max(np.abs(new))):
            break
        value = new
    core = _finish(model, sample, noise, points, solution, deviation, weight, correlated=False)
    relative = deviation * sample.scale / value * (1.0 if user is None else np.sqrt(user))
    return replace(core, spread=math.sqrt(float(relative @ relative) / core.dof))


def _whitened(model: Model, sample: Sample, noise: Autoregressive, iterations: int, known: bool) -> Core:
    """Generalized least squares: rho from the residuals (or as given), rows whitened, repeated until it settles.

    Every point is a row: curves of a million points take seconds and several times their memory here.
    """
    user = sample.weight
    root = None if user is None else np.sqrt(user)
    solution, _, deviation = _least_squares(model, sample, user, None, iterations)
    n, p = len(sample), len(model.parameters)
    base = sample.points()
    kind, points = noise, base
    for _ in range(12):
        if not known:
            rho = lag1(deviation if root is None else deviation * root, sample.x, parameters=p)
            settled = abs(rho - kind.rho) <= 1e-6
            kind = Autoregressive(rho)
        points = replace(base, phi=kind.phi(sample.x))
        solution = polish(model, points, solution.t, iterations=iterations)
        deviation = sample.residuals(_law(model, solution))
        if known or settled:
            break
    gap = np.diff(sample.x)
    middle = float(np.median(gap[gap > 0])) if np.any(gap > 0) else 1.0
    rho = kind.rho if kind.spacing is None else kind.rho ** (middle / kind.spacing)
    n_effective = effective_size(n, min(rho, MAX_RHO), sample.x)
    variance = solution.rss / max(n - p, 1)
    return Core(
        model,
        sample,
        kind,
        False,
        points,
        solution,
        deviation,
        solution.rss,
        variance,
        max(n_effective - p, 1.0),
        n_effective,
        rho,
        math.sqrt(variance),
    )


def _law(model: Model, solution: Solution) -> Callable[[Array], Array]:
    params = _join(solution)
    return lambda u: model.predict(u, params)
