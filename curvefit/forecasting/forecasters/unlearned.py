"""The pool of trends without its learned gate: weights and width from back-tests on the same curve alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ...curves import Curve
from ..forecast import Forecast
from ..pool.weights import pool_by_backtests
from ._base import Forecaster
from .pooled import Pooled

__all__ = ["Unlearned"]


class Unlearned(Forecaster):
    """What the gate of `Pooled` has to beat on curves it has not seen: half a dozen constants set by hand.

    Notes
    -----
    The trends, back-tests and links are the same. Use it where the kinds of curves that the gate was trained on are a
    doubt, or to see what the training is worth.
    """

    def forecast(self, curves: Sequence[Curve], xs: Sequence[NDArray[np.float64]]) -> list[Forecast]:
        """Forecast each curve at its future x."""
        return [replace(made, method="unlearned") for made in Pooled(pool_by_backtests).forecast(curves, xs)]
