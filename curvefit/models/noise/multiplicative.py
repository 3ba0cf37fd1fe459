"""Independent normal deviations in proportion to the value of the curve."""

from __future__ import annotations

from typing import final

import numpy as np

from .._base import Array
from ._base import Noise

__all__ = ["Multiplicative"]


@final
class Multiplicative(Noise):
    r"""Independent normal deviations in proportion to the curve, :math:`y_i = f(x_i) (1 + \sigma z_i)`.

    Notes
    -----
    ``scale`` is the relative standard deviation. For losses and errors, whose fluctuations shrink as they do; the curve
    must stay positive (or stay negative). The likelihood includes the variance's dependence on the mean.
    """

    def log_likelihood(self, residuals: Array, x: Array, mean: Array, scale: float) -> float:
        """Sum of normal log densities with standard deviation ``scale * |mean|``."""
        sd = scale * np.abs(mean)
        z = residuals / sd
        return float(-0.5 * (z @ z) - np.sum(np.log(sd)) - 0.5 * residuals.size * np.log(2 * np.pi))

    def weights(self, residuals: Array, mean: Array, scale: float) -> Array:
        """``1 / mean^2``."""
        return 1.0 / (mean * mean)

    def sample(self, rng: np.random.Generator, x: Array, mean: Array, scale: float) -> Array:
        """Independent normal draws times the mean."""
        return scale * np.abs(mean) * rng.standard_normal(np.shape(mean))
