"""Morgan-Mercer-Flodin (Hill) curve: E + A / (1 + (x / kappa)^delta)."""

from __future__ import annotations

from typing import final

import numpy as np
from numpy.typing import ArrayLike

from ._base import Array, Model, Parameter, Shape, log_spaced

__all__ = ["Mmf"]


@final
class Mmf(Model):
    r"""Morgan-Mercer-Flodin (Hill) curve.

    .. math:: f(x) = E + \frac{A}{1 + (x/\kappa)^\delta}, \qquad \kappa, \delta > 0

    Notes
    -----
    Flat at first, then a power law with exponent delta after kappa: with an early kappa it is `PowerLaw`, with delta
    above 1 a sigmoid in x. Among sixteen families it had the best mean rank in extrapolating sample-wise learning
    curves. Needs x >= 0.

    References
    ----------
    Morgan, Mercer and Flodin (1975), General model for nutritional responses of higher organisms. PNAS 72, 4327-4331.
    Mohr, Viering, Loog and van Rijn (2022), LCDB 1.0. ECML PKDD.
    """

    linear = (
        Parameter("E", "y", "asymptote"),
        Parameter("A", "y", "gap to the asymptote at x = 0"),
    )
    shape = (
        Shape(
            "kappa",
            "x",
            "x at which half the gap is closed",
            0.0,
            search=(1e-8, 1e3),
            grid=log_spaced(1e-4, 5, 12),
            diverges=(False, True),
        ),
        Shape(
            "delta",
            "",
            "final exponent",
            0.0,
            search=(0.02, 20.0),
            grid=log_spaced(0.1, 8.0, 12),
            diverges=(True, False),
        ),
    )
    limit = (1.0, 0.0)
    domain = "nonnegative"

    def basis(self, x: Array, *shape: ArrayLike) -> tuple[Array, ...]:
        """1 and 1 / (1 + (x / kappa)^delta)."""
        return np.ones_like(x), _open_share(x, *shape)[0]

    def slopes(self, x: Array, *shape: ArrayLike) -> tuple[tuple[Array | None, ...], ...]:
        """By kappa and by delta."""
        kappa, delta = np.asarray(shape[0]), np.asarray(shape[1])
        share, log_u = _open_share(x, kappa, delta)
        flow = share * (1.0 - share)
        return (None, flow * delta / kappa), (None, -flow * np.where(flow > 0, log_u, 0.0))

    def example(self) -> dict[str, float]:
        """An error rate from chance level down."""
        return {"E": 0.1, "A": 0.8, "kappa": 10.0, "delta": 1.4}


def _open_share(x: Array, kappa: ArrayLike, delta: ArrayLike) -> tuple[Array, Array]:
    """Share of the gap that is still open, and ln(x / kappa)."""
    with np.errstate(divide="ignore"):
        log_u = np.log(x) - np.log(np.asarray(kappa))
    return 1.0 / (1.0 + np.exp(np.minimum(np.asarray(delta) * log_u, 700.0))), log_u
