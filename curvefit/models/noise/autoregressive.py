"""Normal deviations that remember the point before, fading with the distance in x (AR(1))."""

from __future__ import annotations

from typing import final

import numpy as np

from ...curves.errors import UsageError
from .._base import Array
from ._base import Noise

__all__ = ["Autoregressive"]


@final
class Autoregressive(Noise):
    r"""Stationary normal deviations with correlation :math:`\rho^{|x_i - x_j| / d}`.

    .. math:: e_i = \phi_i e_{i-1} + \sigma \sqrt{1 - \phi_i^2}\, z_i, \qquad \phi_i = \rho^{(x_i - x_{i-1})/d}

    Parameters
    ----------
    rho : float
        Correlation at distance d, in [0, 1).
    spacing : float, optional
        Distance d in the unit of x; default the median spacing of the points at hand.

    Notes
    -----
    ``scale`` is the standard deviation of one deviation, not of the innovation. Exact for irregular spacing. Points at
    the same x are replicates, drawn independently.
    An exponential moving average with weight ``a`` on the past makes white noise exactly this, with rho = a.
    """

    def __init__(self, rho: float = 0.7, spacing: float | None = None) -> None:
        if not 0 <= rho < 1:
            raise UsageError(f"rho = {rho!r} is not a correlation in [0, 1)", code="CF-USE-003")
        if spacing is not None and not spacing > 0:
            raise UsageError(f"spacing = {spacing!r} must be positive", code="CF-USE-003")
        self.rho, self.spacing = float(rho), spacing

    def phi(self, x: Array) -> Array:
        """Correlation of each point with the one before it, shape (n - 1,)."""
        gap = np.diff(x)
        positive = gap[gap > 0]
        if self.rho == 0 or positive.size == 0:
            return np.zeros(gap.size)
        unit = self.spacing if self.spacing is not None else float(np.median(positive))
        out: Array = np.where(gap > 0, np.exp(np.log(self.rho) * gap / unit), 0.0)
        return out

    def log_likelihood(self, residuals: Array, x: Array, mean: Array, scale: float) -> float:
        """Normal log density of the innovations and of the first deviation."""
        phi = self.phi(x)
        rest = 1.0 - phi * phi
        inner = np.concatenate([residuals[:1], (residuals[1:] - phi * residuals[:-1]) / np.sqrt(rest)]) / scale
        half_log = 0.5 * float(np.sum(np.log(rest)))
        return float(-0.5 * (inner @ inner) - half_log - residuals.size * np.log(scale * np.sqrt(2 * np.pi)))

    def sample(self, rng: np.random.Generator, x: Array, mean: Array, scale: float) -> Array:
        """Draw the chain from its stationary start."""
        e = scale * rng.standard_normal(np.shape(mean))
        phi = self.phi(x)
        if phi.size and np.all(phi == phi[0]):
            from scipy.signal import lfilter

            e[1:] *= np.sqrt(1.0 - phi[0] ** 2)
            out: Array = lfilter([1.0], [1.0, -phi[0]], e)
            return out
        inner = np.sqrt(1.0 - phi * phi)
        for i in range(1, e.size):
            e[i] = phi[i - 1] * e[i - 1] + inner[i - 1] * e[i]
        return e

    def __repr__(self) -> str:
        return f"Autoregressive(rho={self.rho:g}, spacing={self.spacing})"
