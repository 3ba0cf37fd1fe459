"""A line in the logarithm of x: a + b ln x."""

from __future__ import annotations

from typing import final

import numpy as np
from numpy.typing import ArrayLike

from ._base import Array, Model, Parameter

__all__ = ["LogLinear"]


@final
class LogLinear(Model):
    r"""A line in the logarithm of x.

    .. math:: f(x) = a + b \ln x

    Notes
    -----
    The limit of a power law as its exponent goes to 0: each doubling of x changes f by ``b ln 2``, without end.
    It has no asymptote, so it must not be used far beyond the data. Needs x > 0.
    """

    linear = (
        Parameter("a", "y", "value at x = 1"),
        Parameter("b", "y", "change per e-fold of x"),
    )
    limit = None
    domain = "positive"

    def basis(self, x: Array, *shape: ArrayLike) -> tuple[Array, ...]:
        """1 and ln x."""
        return np.ones_like(x), np.log(x)

    def slopes(self, x: Array, *shape: ArrayLike) -> tuple[tuple[Array | None, ...], ...]:
        """No shape parameters."""
        return ()

    def rescaling(self, x_scale: float, *shape: ArrayLike) -> Array:
        """``a`` moves by ``-b ln(x_scale)``."""
        return np.array([[1.0, -np.log(x_scale)], [0.0, 1.0]])

    def example(self) -> dict[str, float]:
        """A loss that falls by 0.2 per decade."""
        return {"a": 3.0, "b": -0.0869}
