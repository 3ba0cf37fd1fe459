"""Smoothly broken power law (one break): E + A x^-alpha (1 + (x/b)^(1/w))^(-(beta - alpha) w)."""

from __future__ import annotations

from typing import final

import numpy as np
from numpy.typing import ArrayLike

from ._base import Array, Model, Parameter, Shape, log_spaced
from .power_law import power_rescaling

__all__ = ["BrokenPowerLaw"]


@final
class BrokenPowerLaw(Model):
    r"""Power law whose exponent changes once, smoothly, from alpha to beta around x = b.

    .. math:: f(x) = E + A\, x^{-\alpha} \left(1 + (x/b)^{1/w}\right)^{-(\beta - \alpha) w}

    Notes
    -----
    The broken neural scaling law with one break, written with both exponents instead of their difference; beta = alpha
    is `PowerLaw`. Six parameters: it needs a break well inside the data and points on both sides of it. Needs x > 0.

    References
    ----------
    Caballero, Gupta, Rish and Krueger (2023), Broken neural scaling laws. ICLR.
    """

    linear = (
        Parameter("E", "y", "asymptote"),
        Parameter("A", "y x^alpha", "gap to the asymptote at x = 1 if the break is later"),
    )
    shape = (
        Shape(
            "alpha",
            "",
            "exponent before the break",
            0.0,
            search=(1e-3, 12.0),
            grid=log_spaced(0.03, 3.0, 6),
            diverges=(False, False),
        ),
        Shape(
            "beta",
            "",
            "exponent after the break",
            0.0,
            search=(1e-3, 12.0),
            grid=log_spaced(0.03, 6.0, 7),
            diverges=(True, False),
        ),
        Shape(
            "b", "x", "x at the break", 0.0, search=(1e-6, 1.0), grid=log_spaced(0.003, 0.5, 8), diverges=(False, False)
        ),
        Shape("w", "", "width of the break in ln x", 0.0, search=(0.03, 3.0), grid=(0.1, 0.6), diverges=(False, False)),
    )
    limit = (1.0, 0.0)
    domain = "positive"

    def basis(self, x: Array, *shape: ArrayLike) -> tuple[Array, ...]:
        """1 and the broken power."""
        return np.ones_like(x), np.exp(_log_gap(x, *shape)[0])

    def slopes(self, x: Array, *shape: ArrayLike) -> tuple[tuple[Array | None, ...], ...]:
        """By alpha, beta, b and w."""
        alpha, beta, b, w = (np.asarray(s) for s in shape)
        log_gap, log_x, soft, gate, v = _log_gap(x, alpha, beta, b, w)
        gap = np.exp(log_gap)
        change = beta - alpha
        return (
            (None, gap * (w * soft - log_x)),
            (None, -gap * w * soft),
            (None, gap * change * gate / b),
            (None, -gap * change * (soft - gate * v)),
        )

    def rescaling(self, x_scale: float, *shape: ArrayLike) -> Array:
        """``A`` is multiplied by ``x_scale^alpha``."""
        batch = np.broadcast_shapes(*(np.shape(s) for s in shape))
        return power_rescaling(x_scale, np.broadcast_to(np.asarray(shape[0], dtype=np.float64), batch))

    def example(self) -> dict[str, float]:
        """A slow start that turns at x = 12."""
        return {"E": 0.3, "A": 2.0, "alpha": 0.1, "beta": 1.3, "b": 12.0, "w": 0.3}


def _log_gap(x: Array, *shape: ArrayLike) -> tuple[Array, Array, Array, Array, Array]:
    """Ln of the gap, ln x, softplus and logistic of v = ln(x / b) / w, and v."""
    alpha, beta, b, w = (np.asarray(s) for s in shape)
    log_x = np.log(x)
    v = (log_x - np.log(b)) / w
    soft = np.logaddexp(0.0, v)
    return -alpha * log_x - (beta - alpha) * w * soft, log_x, soft, np.exp(v - soft), v
