"""Power law counted from an earlier origin: E + A (x + s)^-alpha."""

from __future__ import annotations

from typing import final

import numpy as np
from numpy.typing import ArrayLike

from ._base import Array, Model, Parameter, Shape, log_spaced
from .power_law import power_rescaling

__all__ = ["ShiftedPowerLaw"]


@final
class ShiftedPowerLaw(Model):
    r"""Power law counted from an earlier origin.

    .. math:: f(x) = E + A (x + s)^{-\alpha}, \qquad \alpha > 0,\ s \ge 0

    Notes
    -----
    The shift flattens the start (warm-up, a fine-tuned model) and allows x = 0. With s = 0 it is `PowerLaw`; as s and
    alpha grow together with ``s / alpha`` fixed it becomes `Exponential`, so the two are confounded on short curves.
    Known as pow4 in the learning-curve literature.

    References
    ----------
    Domhan, Springenberg and Hutter (2015), Speeding up automatic hyperparameter optimization of deep neural networks by
    extrapolation of learning curves. IJCAI.
    """

    linear = (
        Parameter("E", "y", "asymptote"),
        Parameter("A", "y x^alpha", "gap to the asymptote where x + s = 1"),
    )
    shape = (
        Shape(
            "alpha",
            "",
            "final exponent",
            low=0.0,
            search=(1e-3, 30.0),
            grid=log_spaced(0.03, 20.0, 12),
            diverges=(True, False),
        ),
        Shape(
            "s",
            "x",
            "progress made before x = 0, in x",
            low=0.0,
            search=(0.0, 30.0),
            grid=(0.0, *log_spaced(1e-3, 10.0, 8)),
            offset=1e-4,
            diverges=(False, True),
        ),
    )
    limit = (1.0, 0.0)
    domain = "nonnegative"

    def basis(self, x: Array, *shape: ArrayLike) -> tuple[Array, ...]:
        """1 and (x + s)^-alpha."""
        alpha, s = shape
        with np.errstate(divide="ignore"):
            log_x = np.log(x + np.asarray(s))
        return np.ones_like(x), np.exp(-np.asarray(alpha) * log_x)

    def slopes(self, x: Array, *shape: ArrayLike) -> tuple[tuple[Array | None, ...], ...]:
        """By alpha and by s."""
        alpha, s = np.asarray(shape[0]), np.asarray(shape[1])
        with np.errstate(divide="ignore", invalid="ignore"):
            log_x = np.log(x + s)
            power = np.exp(-alpha * log_x)
            return (None, -power * log_x), (None, -alpha * power / (x + s))

    def rescaling(self, x_scale: float, *shape: ArrayLike) -> Array:
        """``A`` is multiplied by ``x_scale^alpha``."""
        return power_rescaling(x_scale, shape[0])

    def example(self) -> dict[str, float]:
        """A curve that is slow for the first ten steps."""
        return {"E": 0.6, "A": 30.0, "alpha": 1.2, "s": 12.0}
