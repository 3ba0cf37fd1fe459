"""Runs drawn toward their mean, averaged over what the spread between runs may be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Posterior", "posterior"]

_Array = NDArray[np.float64]
_STEPS = 160
_FAR = 100.0  # largest spread looked at, over the largest that the values could have alone
_HALVINGS = 40
_LEAST = 1e-9  # share of a spread below which it is left out


@dataclass(frozen=True, slots=True)
class Posterior:
    """Mixtures of normals over a grid of spreads, one spread per entry of ``weights``.

    Parameters
    ----------
    weights : ndarray, shape (G,)
        Probabilities of the spreads.
    centers, deviations : ndarray, shape (G, n + 1)
        Of every run, and last of a run that is still to come.
    pulls : ndarray, shape (n,)
        How far every run is drawn toward the mean, averaged over the spreads.
    """

    weights: _Array
    centers: _Array
    deviations: _Array
    pulls: _Array

    def means(self) -> _Array:
        """Shape (n + 1,)."""
        out: _Array = self.weights @ self.centers
        return out

    def quantiles(self, p: float) -> _Array:
        """Shape (n + 1,), by bisection between the outermost quantiles of the parts."""
        from scipy.special import ndtr, ndtri

        ends = self.centers + float(ndtri(p)) * self.deviations
        low, high = ends.min(axis=0), ends.max(axis=0)
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            below = self.weights @ ndtr((middle - self.centers) / self.deviations) < p
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        out: _Array = (low + high) / 2
        return out


def posterior(y: _Array, s: _Array) -> Posterior:
    r"""What is known of every run and of the next one, with a flat prior for the mean and for the spread.

    .. math:: p(\tau \mid y) \propto \prod_i (s_i^2 + \tau^2)^{-1/2} \Big(\sum_i w_i\Big)^{-1/2}
              \exp\Big(-\tfrac12 \sum_i w_i (y_i - \hat\mu)^2\Big), \quad w_i = \frac1{s_i^2 + \tau^2}

    Parameters
    ----------
    y, s : ndarray, shape (n,)
        Estimates and their standard errors, n at least 3 (with fewer there is no posterior).

    References
    ----------
    Gelman (2006), Prior distributions for variance parameters in hierarchical models. Bayesian Analysis 1, 515-534.
    """
    widest = float(np.std(y)) + float(s.max())
    at = float(s.min()) * 1e-3
    tau = np.r_[0.0, np.geomspace(at, _FAR * widest, _STEPS - 1)][:, None]
    w = 1 / (s**2 + tau**2)
    total = w.sum(axis=1, keepdims=True)
    mu = (w * y).sum(axis=1, keepdims=True) / total
    log: Any = 0.5 * (np.log(w).sum(axis=1) - np.log(total[:, 0]) - (w * (y - mu) ** 2).sum(axis=1))
    widths = np.diff(tau[:, 0])
    weights = np.exp(log - log.max()) * (np.r_[widths, 0.0] + np.r_[0.0, widths]) / 2  # trapezoids
    weights /= weights.sum()
    kept = weights > _LEAST
    weights, w, mu, total, tau = weights[kept] / weights[kept].sum(), w[kept], mu[kept], total[kept], tau[kept]
    pull = s**2 * w
    centers = np.hstack([(1 - pull) * y + pull * mu, mu])
    variances = np.hstack([s**2 * (1 - pull) + pull**2 / total, tau**2 + 1 / total])
    return Posterior(weights, centers, np.sqrt(variances), weights @ pull)
