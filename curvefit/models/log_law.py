"""Inverse-logarithmic law: c - a / ln(x / tau + e)."""

from __future__ import annotations

from typing import final

import numpy as np
from numpy.typing import ArrayLike

from ._base import Array, Model, Parameter, Shape, log_spaced

__all__ = ["LogLaw"]


@final
class LogLaw(Model):
    r"""Inverse-logarithmic law, the slowest approach to an asymptote in use.

    .. math:: f(x) = c - \frac{a}{\ln(x/\tau + e)}, \qquad \tau > 0

    Notes
    -----
    ``ilog2`` of the learning-curve literature, ``c - a / ln(x + 1)``, with the unit of x made a parameter so that steps
    and thousands of steps give the same fit, and with e in place of 1 so that f(0) = c - a is finite. The asymptote is
    approached so slowly that data hardly ever identify it. Needs x >= 0.

    References
    ----------
    Domhan, Springenberg and Hutter (2015), IJCAI. Kolachina et al. (2012), Prediction of learning curves in machine
    translation. ACL.
    """

    linear = (
        Parameter("c", "y", "asymptote, reached after any practical x"),
        Parameter("a", "y", "change between x = 0 and the asymptote"),
    )
    shape = (
        Shape(
            "tau",
            "x",
            "x after which the decline turns logarithmic",
            0.0,
            search=(1e-9, 1e3),
            grid=log_spaced(1e-7, 10, 20),
        ),
    )
    limit = (1.0, 0.0)
    domain = "nonnegative"

    def basis(self, x: Array, *shape: ArrayLike) -> tuple[Array, ...]:
        """1 and -1 / ln(x / tau + e)."""
        return np.ones_like(x), -1.0 / np.log(x / np.asarray(shape[0]) + np.e)

    def slopes(self, x: Array, *shape: ArrayLike) -> tuple[tuple[Array | None, ...], ...]:
        """By tau."""
        tau = np.asarray(shape[0])
        inside = x / tau + np.e
        return ((None, -x / (tau**2 * inside * np.log(inside) ** 2)),)

    def example(self) -> dict[str, float]:
        """A slowly improving score."""
        return {"c": 0.9, "a": 0.6, "tau": 0.5}
