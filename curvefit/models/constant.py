"""A level that does not change: a."""

from __future__ import annotations

from typing import final

import numpy as np
from numpy.typing import ArrayLike

from ._base import Array, Model, Parameter

__all__ = ["Constant"]


@final
class Constant(Model):
    r"""A level that does not change.

    .. math:: f(x) = a

    Notes
    -----
    The yardstick: a law that does not beat it has seen no trend.
    """

    linear = (Parameter("a", "y", "level"),)
    limit = (1.0,)

    def basis(self, x: Array, *shape: ArrayLike) -> tuple[Array, ...]:
        """One."""
        return (np.ones_like(x),)

    def slopes(self, x: Array, *shape: ArrayLike) -> tuple[tuple[Array | None, ...], ...]:
        """No shape parameters."""
        return ()

    def example(self) -> dict[str, float]:
        """A converged loss."""
        return {"a": 2.5}
