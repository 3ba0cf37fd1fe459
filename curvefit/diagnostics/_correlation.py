"""How correlated the noise of a curve is: the likelihood of a grid of correlations, of one curve or of several that agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["GRID", "Likelihood", "above", "likelihood", "likelihoods", "pooled", "settled", "settled_each"]

Array = NDArray[np.float64]

GRID = np.tanh(np.linspace(0.0, np.arctanh(0.995), 40))
"""Correlations of neighbors that are looked at."""

_PRIOR = np.log(1.0 - GRID**2)  # even in the correlation
_ABOVE = 1.0  # standard errors by which a curve may be more correlated than another and still be taken for alike
_BELOW = 2.0  # the same for one that is less correlated, where taking them together is on the safe side


@dataclass(frozen=True, slots=True, eq=False)
class Likelihood:
    """What residuals say of their correlation.

    Parameters
    ----------
    log : ndarray, shape (g,)
        Logarithm of the restricted likelihood at each of `GRID`.
    power : ndarray, shape (g,)
        Sum of squared innovations, the mean taken out by generalized least squares.
    free : int
        Residuals less parameters.
    rest : ndarray, shape (n,)
        The residuals.
    """

    log: Array
    power: Array
    free: int
    rest: Array

    def spread(self) -> tuple[float, float]:
        """Mean and standard deviation of the correlation."""
        weight = np.exp(self.log + _PRIOR - np.max(self.log + _PRIOR))
        weight /= weight.sum()
        mean = float(weight @ GRID)
        return mean, float(np.sqrt(weight @ (GRID - mean) ** 2))


def likelihood(rest: Sequence[Array], designs: Sequence[Array]) -> Likelihood:
    """`likelihoods` of one curve: pieces of shape (n_k,) and columns of shape (n_k, p_k)."""
    return likelihoods([e[None] for e in rest], [x[None] for x in designs])[0]


def likelihoods(rest: Sequence[Array], designs: Sequence[Array]) -> list[Likelihood]:
    r"""Restricted likelihood of AR(1) residuals in independent pieces, of many curves at once.

    .. math:: \ell(\rho) = \tfrac12 \sum_k \big[\ln(1 - \rho^2) - \ln|X_k' \Omega^{-1} X_k|\big]
              - \tfrac{n - p}{2} \ln S(\rho)

    Parameters
    ----------
    rest : sequence of ndarray, shape (r, n_k)
        Residuals of each piece at unit weight, one row per curve.
    designs : sequence of ndarray, shape (r, n_k, p_k)
        The columns that were fitted to each piece, at the same weight.

    References
    ----------
    Cheang and Reinsel (2000), Bias reduction of autoregressive estimates in time series regression model through restricted maximum
    likelihood. JASA 95, 1173-1184.
    """
    all_of = np.concatenate(rest, axis=1)
    count = all_of.shape[0]
    log, power, free = np.zeros((count, GRID.size)), np.zeros((count, GRID.size)), 0
    least = 1e-12 * np.einsum("ij,ij->i", all_of, all_of) + 1e-300
    rho = GRID[:, None, None]
    for e, x in zip(rest, designs, strict=True):
        p = x.shape[2]
        z = np.concatenate([x, e[:, :, None]], axis=2)
        inner, beside = z[:, 1:-1], np.swapaxes(z[:, 1:], 1, 2) @ z[:, :-1]
        beside = (beside + np.swapaxes(beside, 1, 2))[:, None]
        gram = (np.swapaxes(z, 1, 2) @ z)[:, None] + rho**2 * (np.swapaxes(inner, 1, 2) @ inner)[:, None] - rho * beside
        gram[:, :, p, p] += least[:, None]
        root = np.diagonal(np.linalg.cholesky(gram), axis1=2, axis2=3)
        log += 0.5 * np.log1p(-(GRID**2)) - np.sum(np.log(root[:, :, :p]), axis=2)
        power += root[:, :, p] ** 2
        free += e.shape[1] - p
    free = max(free, 2)
    log = log - 0.5 * free * np.log(power)
    return [Likelihood(log[i], power[i], free, all_of[i]) for i in range(count)]


def pooled(own: Likelihood, others: Sequence[Likelihood]) -> Array:
    """Logarithm of the likelihood of the correlation from a curve and those others that agree with it.

    Parameters
    ----------
    own : Likelihood
        Of the curve.
    others : sequence of Likelihood
        Of other curves of the run with the same spacing.

    Returns
    -------
    ndarray, shape (g,)

    Notes
    -----
    What neighbors share comes from the same batches and weights on every curve of a run, but need not be alike on all: a
    curve that is more correlated than another by a standard error of the difference keeps its own estimate, one
    that is less correlated by two as well. Residuals of curves that go together count less: the same ones twice count once.
    """
    if not others:
        return own.log
    mean, sd = own.spread()
    group = [own]
    for other in others:
        its, error = other.spread()
        total = float(np.hypot(sd, error))
        if -_BELOW * total <= mean - its <= _ABOVE * total:
            group.append(other)
    if len(group) == 1:
        return own.log
    free = np.sqrt(np.array([one.free for one in group], dtype=np.float64))
    together = np.array([[_together(a.rest, b.rest) ** 2 for b in group] for a in group])
    worth = max(float((free @ free) / (free @ together @ free)), own.free / float(free @ free))
    out: Array = worth * np.sum([one.log for one in group], axis=0)
    return out


def above(log: Array, limit: float) -> float:
    """Probability that the correlation exceeds a limit."""
    weight = np.exp(log + _PRIOR - np.max(log + _PRIOR))
    return float(weight[limit < GRID].sum() / weight.sum())


def _together(a: Array, b: Array) -> float:
    if a.size != b.size:
        return 0.0
    sizes = (
        float(np.linalg.norm(a)),
        float(np.linalg.norm(b)),
    )  # of values up to 1e100 the squares would overflow together
    return float((a / sizes[0]) @ (b / sizes[1])) if min(sizes) > 0 else 1.0


def settled(log: Array, own: Likelihood, *, few: bool = False) -> tuple[float, float, float]:
    """`settled_each` of one curve."""
    rho, high, noise = settled_each([log], [own], few=few)
    return float(rho[0]), float(high[0]), float(noise[0])


def settled_each(logs: Sequence[Array], own: Sequence[Likelihood], *, few: bool = False) -> tuple[Array, Array, Array]:
    r"""Correlation, the one to test with, and the standard deviation of the innovations that goes with that.

    .. math:: \ln \frac{\sigma(\rho_h)}{1 - \rho_h} = \int \ln \frac{\sigma(\rho)}{1 - \rho}\, dP(\rho)

    The noise of a mean over many neighbors is its average over what the correlation may be, in logarithms.

    Parameters
    ----------
    logs : sequence of ndarray, shape (g,)
        Logarithm of the likelihood of each curve.
    own : sequence of Likelihood
        Of the curves, which have as many residuals.
    few : bool
        Average the noise itself instead: more cautious where little is known, as within a short stretch.
    """
    weight = np.stack(logs) + _PRIOR
    weight = np.exp(weight - np.max(weight, axis=1, keepdims=True))
    weight /= np.sum(weight, axis=1, keepdims=True)
    power = np.stack([one.power for one in own])
    lasting = np.maximum.accumulate(0.5 * np.log(power) - np.log1p(-GRID), axis=1)
    if few:
        least = lasting[:, :1]
        aim = least[:, 0] + np.log(np.sum(weight * np.exp(lasting - least), axis=1))
    else:
        aim = np.sum(weight * lasting, axis=1)
    rows = np.arange(aim.size)
    left = np.clip(np.count_nonzero(lasting <= aim[:, None], axis=1) - 1, 0, GRID.size - 2)
    low, step = lasting[rows, left], lasting[rows, left + 1] - lasting[rows, left]
    share = np.clip((aim - low) / np.where(step > 0, step, 1.0), 0.0, 1.0)
    high = GRID[left] + share * (GRID[left + 1] - GRID[left])
    noise = power[rows, left] + share * (power[rows, left + 1] - power[rows, left])
    return weight @ GRID, high, np.sqrt(noise / own[0].free)
