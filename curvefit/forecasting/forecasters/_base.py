"""The contract of every forecaster."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...curves import Curve
from ..forecast import Forecast

__all__ = ["Forecaster"]


class Forecaster(ABC):
    """Predicts the distribution of new observations, and of the underlying mean, at later x.

    Contract, checked for every forecaster by the contract tests:

    * deterministic, and blind to everything but the curve handed over;
    * quantiles finite, non-decreasing in the level, and inside the metric's bounds;
    * never an interval of zero width on noisy data;
    * a batch equals its curves one by one to a relative 1e-10;
    * what it cannot do is said by the forecast's status and reasons, not by an exception.
    """

    @abstractmethod
    def forecast(self, curves: Sequence[Curve], xs: Sequence[NDArray[np.float64]]) -> list[Forecast]:
        """Forecast each curve at its future x.

        Parameters
        ----------
        curves : sequence of Curve
            With at least one finite point and a known direction.
        xs : sequence of ndarray, each of shape (H,)
            Future x of each curve, finite, beyond its last observation.

        Returns
        -------
        list of Forecast
            In the order of the curves.
        """
