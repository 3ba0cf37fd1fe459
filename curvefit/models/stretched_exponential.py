"""Stretched exponential (Weibull): E + A exp(-(x / tau)^beta)."""

from __future__ import annotations

from typing import final

import numpy as np
from numpy.typing import ArrayLike

from ._base import Array, Model, Parameter, Shape, log_spaced

__all__ = ["StretchedExponential"]


@final
class StretchedExponential(Model):
    r"""Stretched exponential, the Weibull growth curve.

    .. math:: f(x) = E + A\, e^{-(x/\tau)^\beta}, \qquad \tau, \beta > 0

    Notes
    -----
    beta = 1 is `Exponential`; beta < 1 slows down (many time scales), beta > 1 is a sigmoid. As beta goes to 0 it turns
    into a line in ln x and E is no longer identified. Needs x >= 0.

    References
    ----------
    Gu, Hu and Liu (2001), Modelling classification performance for large data sets. LNCS 2118.
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
            search=(1e-12, 1e4),
            grid=log_spaced(1e-5, 10, 12),
            diverges=(False, True),
        ),
        Shape(
            "beta",
            "",
            "stretching; 1 is exponential",
            0.0,
            search=(0.02, 12.0),
            grid=log_spaced(0.1, 4.0, 10),
            diverges=(True, False),
        ),
    )
    limit = (1.0, 0.0)
    domain = "nonnegative"

    def basis(self, x: Array, *shape: ArrayLike) -> tuple[Array, ...]:
        """1 and exp(-(x / tau)^beta)."""
        power, _ = _power(x, *shape)
        return np.ones_like(x), np.exp(-power)

    def slopes(self, x: Array, *shape: ArrayLike) -> tuple[tuple[Array | None, ...], ...]:
        """By tau and by beta."""
        tau, beta = np.asarray(shape[0]), np.asarray(shape[1])
        power, log_u = _power(x, tau, beta)
        decay = np.exp(-power)
        flow = power * decay
        return (None, flow * beta / tau), (None, -flow * np.where(flow > 0, log_u, 0.0))

    def example(self) -> dict[str, float]:
        """A curve with a long tail."""
        return {"E": 0.5, "A": 2.0, "tau": 8.0, "beta": 0.7}


def _power(x: Array, tau: ArrayLike, beta: ArrayLike) -> tuple[Array, Array]:
    """(x / tau)^beta, at most e^6.6 (where the exponential is 0 to rounding), and ln(x / tau)."""
    with np.errstate(divide="ignore"):
        log_u = np.log(x) - np.log(np.asarray(tau))
    return np.exp(np.minimum(np.asarray(beta) * log_u, 6.6)), log_u
