"""Exponential approach: E + A exp(-x / tau)."""

from __future__ import annotations

from typing import final

import numpy as np
from numpy.typing import ArrayLike

from ._base import Array, Model, Parameter, Shape, log_spaced

__all__ = ["Exponential"]


@final
class Exponential(Model):
    r"""Exponential approach to an asymptote.

    .. math:: f(x) = E + A e^{-x/\tau}, \qquad \tau > 0

    Notes
    -----
    The same share of the gap is closed in every tau. It settles far sooner than a power law, so on a curve that still
    bends like one its asymptote is too pessimistic and its interval too short.
    """

    linear = (
        Parameter("E", "y", "asymptote"),
        Parameter("A", "y", "gap to the asymptote at x = 0"),
    )
    shape = (
        Shape(
            "tau",
            "x",
            "x in which the gap falls to 37 %",
            0.0,
            search=(1e-5, 1e3),
            grid=log_spaced(1e-4, 30, 24),
            diverges=(False, True),
        ),
    )
    limit = (1.0, 0.0)

    def basis(self, x: Array, *shape: ArrayLike) -> tuple[Array, ...]:
        """1 and exp(-x / tau)."""
        return np.ones_like(x), np.exp(-x / np.asarray(shape[0]))

    def slopes(self, x: Array, *shape: ArrayLike) -> tuple[tuple[Array | None, ...], ...]:
        """By tau: ``exp(-x / tau) x / tau^2``."""
        tau = np.asarray(shape[0])
        return ((None, np.exp(-x / tau) * x / tau**2),)

    def example(self) -> dict[str, float]:
        """A curve that has settled by x = 100."""
        return {"E": 0.4, "A": 1.5, "tau": 20.0}
