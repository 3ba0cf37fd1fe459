"""Power law with an asymptote: E + A x^-alpha."""

from __future__ import annotations

from typing import final

import numpy as np
from numpy.typing import ArrayLike

from ._base import Array, Model, Parameter, Shape, log_spaced

__all__ = ["PowerLaw", "power_rescaling"]

ALPHA = Shape(
    "alpha",
    "",
    "exponent: share of the gap closed per e-fold of x",
    low=0.0,
    search=(1e-3, 12.0),
    grid=log_spaced(0.01, 8.0, 24),
    diverges=(True, False),
)


@final
class PowerLaw(Model):
    r"""Power law with an asymptote.

    .. math:: f(x) = E + A x^{-\alpha}, \qquad \alpha > 0

    Notes
    -----
    The usual law of loss against steps, tokens or parameters. E and alpha are nearly confounded unless the curve has
    visibly bent: on less than a decade of x the asymptote is rarely identified. As alpha goes to 0 it becomes
    `LogLinear`. Rising curves have A < 0. Needs x > 0.

    References
    ----------
    Hestness et al. (2017), Deep learning scaling is predictable, empirically. arXiv:1712.00409.
    """

    linear = (
        Parameter("E", "y", "asymptote"),
        Parameter("A", "y x^alpha", "gap to the asymptote at x = 1"),
    )
    shape = (ALPHA,)
    limit = (1.0, 0.0)
    domain = "positive"

    def basis(self, x: Array, *shape: ArrayLike) -> tuple[Array, ...]:
        """1 and x^-alpha."""
        (alpha,) = shape
        return np.ones_like(x), np.exp(-np.asarray(alpha) * np.log(x))

    def slopes(self, x: Array, *shape: ArrayLike) -> tuple[tuple[Array | None, ...], ...]:
        """By alpha: ``-x^-alpha ln x``."""
        (alpha,) = shape
        log_x = np.log(x)
        return ((None, -np.exp(-np.asarray(alpha) * log_x) * log_x),)

    def rescaling(self, x_scale: float, *shape: ArrayLike) -> Array:
        """``A`` is multiplied by ``x_scale^alpha``."""
        return power_rescaling(x_scale, shape[0])

    def example(self) -> dict[str, float]:
        """A language-model loss."""
        return {"E": 1.8, "A": 4.0, "alpha": 0.5}


def power_rescaling(x_scale: float, alpha: ArrayLike) -> Array:
    """Matrix diag(1, x_scale^alpha), with the shape of alpha in front."""
    exponent = np.asarray(alpha, dtype=np.float64)
    out = np.zeros((*exponent.shape, 2, 2))
    out[..., 0, 0] = 1.0
    with np.errstate(over="ignore"):
        out[..., 1, 1] = np.exp(exponent * np.log(x_scale))
    return out
