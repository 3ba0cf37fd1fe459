"""The annealed law fitted on a grid of shapes: levels solved exactly at every node, all nodes at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...curves import Schedule
from ...models.annealed import Progress, Relaxation
from .shape import ShapePrior, tau_nodes

__all__ = ["Nodes", "Observed", "observe", "solve"]

Array = NDArray[np.float64]
_BINS = 128  # observations of one run are averaged down to at most this many
_FIRST = 0.01  # progress before this share of the last is start-up, which no power law describes
_ALPHA = (0.05, 1.5)


@dataclass(frozen=True, slots=True)
class Observed:
    """One run, thinned, with the two integrals of its schedule.

    Parameters
    ----------
    schedule : Progress
        Integrals of the schedule, planned part included.
    x, y, weight : ndarray, shape (m,)
        Bin means and the weight of each.
    s : ndarray, shape (m,)
        Progress in units of the grid's unit.
    annealed : ndarray, shape (T, m)
        R at each time constant.
    """

    schedule: Progress
    x: Array
    y: Array
    weight: Array
    s: Array
    annealed: Array

    def first(self, count: int, power: float) -> Observed:
        """The first ``count`` points, weighted as they would have been then."""
        s = self.s[:count]
        weight = self.weight[:count] * (self.s[-1] / s[-1]) ** power
        return Observed(self.schedule, self.x[:count], self.y[:count], weight, s, self.annealed[:, :count])


@dataclass(frozen=True, slots=True)
class Nodes:
    r"""Levels (L0, A, C) at every shape node, with their covariance and the node's posterior weight.

    Parameters
    ----------
    alpha : ndarray, shape (K,)
        Exponent of each node.
    tau : ndarray of int, shape (K,)
        Index of its relaxation.
    weight : ndarray, shape (K,)
        Posterior probability, sums to 1.
    levels : ndarray, shape (K, 3)
        Posterior mean of (L0, A, C).
    covariance : ndarray, shape (K, 3, 3)
        Posterior covariance.
    variance : ndarray, shape (K,)
        Weighted mean square of the residuals.
    relaxations : tuple of Relaxation
        By ``tau``.
    kappa, unit : float
        Of the prior.
    """

    alpha: Array
    tau: NDArray[np.intp]
    weight: Array
    levels: Array
    covariance: Array
    variance: Array
    relaxations: tuple[Relaxation, ...]
    kappa: float
    unit: float

    def design(self, s: Array, annealed: Array) -> Array:
        """Columns (1, S^-alpha, -R) from the two integrals, shape (K, m, 3).

        Parameters
        ----------
        s : ndarray, shape (m,)
            Progress in units of ``unit``.
        annealed : ndarray, shape (T, m)
            R at each relaxation.
        """
        power = np.exp(-self.alpha[:, None] * np.log(np.maximum(s, 1e-12)))
        return np.stack([np.ones_like(power), power, -annealed[self.tau]], axis=-1)

    def design_at(self, schedule: Progress, x: Array) -> Array:
        """The same at x under a schedule."""
        return self.design(schedule.progress(x) / self.unit, schedule.annealing(x, self.relaxations, self.kappa))


def observe(
    x: Array,
    y: Array,
    schedule: Schedule,
    relaxations: Sequence[Relaxation],
    kappa: float,
    unit: float,
    power: float,
    bins: int = _BINS,
) -> Observed | None:
    """Thin one run and integrate its schedule; None when fewer than 3 usable points are left.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        The run; smaller y is better.
    schedule : Schedule
        May go on beyond the data.
    relaxations, kappa, unit
        As for `Progress`.
    power : float
        Weights grow as this power of the progress: the far past says least about what comes.
    bins : int
        At most this many points are kept.
    """
    progress = Progress(schedule, unit)
    x, y, count = _thin(x, without_outliers(y), bins)
    s = progress.progress(x) / unit
    keep = s > _FIRST * s[-1] if s.size and s[-1] > 0 else np.zeros(x.size, bool)
    if np.count_nonzero(keep) < 3:
        keep = s > 0
    if np.count_nonzero(keep) < 3 or np.ptp(y[keep]) == 0:
        return None
    x, y, s, count = x[keep], y[keep], s[keep], count[keep]
    weight = count * (s / s[-1]) ** power
    return Observed(progress, x, y, weight, s, progress.annealing(x, relaxations, kappa))


def without_outliers(y: Array) -> Array:
    """Values with isolated outliers of the last half pulled in to 6 noise standard deviations.

    A value is an outlier when it is that far from each of its four neighbors, from their means, and from the straight
    lines through them; the noise is that of the differences.
    """
    n = y.size
    if n < 16:
        return y
    noise = 1.0484 * float(np.median(np.abs(np.diff(y[n // 2 :]))))  # 1.4826 / sqrt(2)
    if noise == 0:
        return y
    a, b, c, d = (np.full(n, np.nan) for _ in range(4))  # two before, two after
    a[2:], b[1:], c[:-1], d[:-2] = y[:-2], y[:-1], y[1:], y[2:]
    guesses = np.stack([a, b, c, d, (b + c) / 2, 2 * b - a, 2 * c - d])
    misses = y - guesses
    misses[np.isnan(misses)] = np.inf
    nearest = misses[np.argmin(np.abs(misses), axis=0), np.arange(n)]
    far = (np.abs(nearest) > 6 * noise) & (np.arange(n) >= n // 2)
    return np.where(far, y - nearest + 6 * noise * np.sign(nearest), y) if far.any() else y


def _thin(x: Array, y: Array, bins: int) -> tuple[Array, Array, Array]:
    """Means of at most ``bins`` groups of neighbors, and how many each holds."""
    n = x.size
    if n <= bins:
        return x, y, np.ones(n)
    edges = np.linspace(0, n, bins + 1).astype(np.intp)
    count = np.diff(edges).astype(np.float64)
    return np.add.reduceat(x, edges[:-1]) / count, np.add.reduceat(y, edges[:-1]) / count, count


def alpha_nodes(prior: ShapePrior, count: int = 25) -> Array:
    """Exponents across three standard deviations of the prior."""
    z = np.linspace(-3.0, 3.0, count)
    nodes = prior.center.alpha + prior.alpha_sd * z
    return nodes[(nodes > _ALPHA[0]) & (nodes < _ALPHA[1])]


def solve(runs: Sequence[Observed], prior: ShapePrior, n_effective: float, taus: int = 3) -> Nodes | None:
    r"""Posterior over shapes and shared levels, from one or several runs.

    At every node (alpha, tau) the levels have the conjugate posterior

    .. math::
        (L_0, A, C) : \quad \frac{n_{eff}}{2 \sigma^2} \sum_i w_i (y_i - L_0 - A S_i^{-\alpha} + C R_i)^2
        + \frac{(C - r A_0)^2}{2 (\sigma_r r A_0)^2}

    with weights that sum to 1, :math:`A_0` the amplitude at the prior ratio r, and :math:`\sigma^2` the node's own
    weighted residual variance; nodes are weighted by :math:`\sigma^{-n_{eff}}` times the prior.

    Parameters
    ----------
    runs : sequence of Observed
        Observed with the relaxations of ``tau_nodes(prior, taus)``.
    prior : ShapePrior
        In units of x, see `ShapePrior.for_progress`.
    n_effective : float
        Number of independent points the runs are worth: residuals of a smooth curve are misfit, not noise.
    taus : int
        Number of time constants.

    Returns
    -------
    Nodes or None
        None where every node has a negative amplitude: the metric gets worse with progress, which is not this law.
    """
    relaxations = tau_nodes(prior, taus)
    alpha = alpha_nodes(prior)
    a, t = (g.ravel() for g in np.meshgrid(np.arange(alpha.size), np.arange(len(relaxations)), indexing="ij"))
    columns = np.concatenate(
        [
            np.stack([np.ones(sum(r.x.size for r in runs))]),
            np.exp(-alpha[:, None] * np.log(np.concatenate([r.s for r in runs]))),
            -np.concatenate([r.annealed for r in runs], axis=1),
        ]
    )
    y = np.concatenate([r.y for r in runs])
    w = np.concatenate([r.weight / r.weight.sum() for r in runs]) / len(runs)
    middle = float(w @ y)
    scale = float(np.sqrt(w @ (y - middle) ** 2))
    z = (y - middle) / scale
    gram = (columns * w) @ columns.T
    moment = (columns * w) @ z
    pick = np.stack([np.zeros_like(a), 1 + a, 1 + alpha.size + t], axis=1)
    g, h = gram[pick[:, :, None], pick[:, None, :]], moment[pick]

    ratio = prior.center.ratio
    amplitude = _amplitude(g, h, ratio)
    proper = amplitude > 0
    amplitude = np.where(proper, amplitude, 1e-3)
    spread = prior.log_ratio_sd * ratio * amplitude
    floor = (prior.misfit * amplitude) ** 2
    levels, covariance, variance = _posterior(g, h, ratio * amplitude, spread, floor, n_effective)
    negative = levels[:, 2] < 0
    if negative.any():  # a gain below 0 is a gain of 0
        zero, tight = np.zeros(int(negative.sum())), np.full(int(negative.sum()), 1e-6)
        again = _posterior(g[negative], h[negative], zero, tight, floor[negative], n_effective)
        levels[negative], covariance[negative], variance[negative] = again
    log_weight = (
        -0.5 * n_effective * np.log(variance)
        - 0.5 * ((alpha[a] - prior.center.alpha) / prior.alpha_sd) ** 2
        + np.array([p for _, p in relaxations])[t]
        - 0.5 * np.minimum(((levels[:, 2] - ratio * amplitude) / spread) ** 2, 50.0)
    )
    log_weight = np.where(proper & (levels[:, 1] > 0), log_weight, -np.inf)
    if not np.isfinite(log_weight).any():
        return None
    weight = np.exp(log_weight - log_weight.max())
    levels = levels * scale
    levels[:, 0] += middle
    return Nodes(
        alpha=alpha[a],
        tau=t,
        weight=weight / weight.sum(),
        levels=levels,
        covariance=covariance * scale**2,
        variance=variance * scale**2,
        relaxations=tuple(r for r, _ in relaxations),
        kappa=prior.center.kappa,
        unit=prior.center.unit,
    )


def _amplitude(g: Array, h: Array, ratio: float) -> Array:
    """Amplitude of the best fit whose gain is ``ratio`` times it."""
    cross = g[:, 0, 1] + ratio * g[:, 0, 2]
    square = g[:, 1, 1] + 2 * ratio * g[:, 1, 2] + ratio**2 * g[:, 2, 2] - cross**2
    return (h[:, 1] + ratio * h[:, 2] - cross * h[:, 0]) / np.maximum(square, 1e-300)


def _posterior(g: Array, h: Array, gain: Array, spread: Array, floor: Array, n: float) -> tuple[Array, Array, Array]:
    """Conjugate posterior of the levels; its residual variance enters its own precision, settled by iteration."""
    variance = np.full(gain.size, 0.01) + floor
    precision = 1 / np.maximum(spread, 1e-12) ** 2
    covariance, levels = np.zeros_like(g), np.zeros_like(h)
    for _ in range(4):
        q = g * (n / variance)[:, None, None]
        q[:, 2, 2] += precision
        b = h * (n / variance)[:, None]
        b[:, 2] += precision * gain
        covariance[:] = np.linalg.inv(q)
        levels[:] = np.einsum("kij,kj->ki", covariance, b)
        rss = 1 - 2 * np.einsum("ki,ki->k", levels, h) + np.einsum("ki,kij,kj->k", levels, g, levels)
        variance = np.maximum(rss, 0.0) + floor
    return levels, covariance, variance
