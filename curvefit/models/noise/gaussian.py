"""Independent normal deviations of one standard deviation."""

from __future__ import annotations

from typing import final

import numpy as np

from .._base import Array
from ._base import Noise

__all__ = ["Gaussian"]


@final
class Gaussian(Noise):
    r"""Independent normal deviations, :math:`y_i = f(x_i) + \sigma z_i`.

    Notes
    -----
    The textbook assumption. Logged losses violate its independence: intervals that rely on it are too short there.
    """

    def log_likelihood(self, residuals: Array, x: Array, mean: Array, scale: float) -> float:
        """Sum of normal log densities."""
        z = residuals / scale
        return float(-0.5 * (z @ z) - residuals.size * np.log(scale * np.sqrt(2 * np.pi)))

    def sample(self, rng: np.random.Generator, x: Array, mean: Array, scale: float) -> Array:
        """Independent normal draws."""
        return scale * rng.standard_normal(np.shape(mean))
