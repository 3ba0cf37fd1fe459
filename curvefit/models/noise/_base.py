"""The contract of a kind of noise."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from .._base import Array

__all__ = ["Noise"]


class Noise(ABC):
    """Independent or correlated deviations of the observations from the law.

    ``scale`` is the standard deviation of one observation wherever that exists; each kind says what it means by it.
    """

    @property
    def name(self) -> str:
        """Name in the registry: that of the file."""
        return type(self).__module__.rsplit(".", 1)[-1]

    @abstractmethod
    def log_likelihood(self, residuals: Array, x: Array, mean: Array, scale: float) -> float:
        """Log density of all residuals together.

        Parameters
        ----------
        residuals : ndarray, shape (n,)
            Observation minus mean, in the order of x.
        x : ndarray, shape (n,)
            Where, non-decreasing.
        mean : ndarray, shape (n,)
            Value of the law.
        scale : float
            Scale of the noise, positive.
        """

    @abstractmethod
    def sample(self, rng: np.random.Generator, x: Array, mean: Array, scale: float) -> Array:
        """Draw deviations, shape (n,), to be added to the mean.

        Parameters
        ----------
        rng : numpy.random.Generator
            Source of chance.
        x, mean : ndarray, shape (n,)
            Where (non-decreasing) and the value of the law there.
        scale : float
            Scale of the noise.
        """

    def weights(self, residuals: Array, mean: Array, scale: float) -> Array:
        """Weight each squared residual deserves, so that weighted least squares is maximum likelihood; 1 by default."""
        return np.ones_like(residuals)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"
