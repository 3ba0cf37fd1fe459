"""The law of the place where a two-sided Brownian motion with drift is largest: intervals for the date of a jump."""

from __future__ import annotations

import numpy as np

__all__ = ["argmax_cdf", "argmax_quantile"]


def argmax_cdf(x: float, xi: float = 1.0, phi1: float = 1.0, phi2: float = 1.0) -> float:
    """P(argmax <= x) with drift ratio xi and scale phi1 before, phi2 after the jump.

    References
    ----------
    Bai (1997), Estimation of a change point in multiple regression models. Review of Economics and Statistics 79,
    551-563, appendix B. Zeileis, Kleiber, Kraemer and Hornik (2003), Testing and dating of structural changes in
    practice. Computational Statistics and Data Analysis 44, 109-123.
    """
    from scipy.special import log_ndtr

    phi = xi * (phi2 / phi1) ** 2
    t = abs(x)
    if t == 0.0:
        t = 1e-300
    root = np.sqrt(t)
    if x < 0:
        frac = xi / phi
        return float(
            -np.exp(np.log(t) / 2 - t / 8 - np.log(2 * np.pi) / 2)
            - (phi / xi * (phi + 2 * xi) / (phi + xi))
            * np.exp(frac * (1 + frac) * t / 2 + log_ndtr(-(0.5 + frac) * root))
            + (t / 2 - 2 + (phi + 2 * xi) ** 2 / ((phi + xi) * xi)) * np.exp(log_ndtr(-root / 2))
        )
    frac = xi**2 / phi
    return float(
        1
        + np.sqrt(frac) * np.exp(np.log(t) / 2 - frac * t / 8 - np.log(2 * np.pi) / 2)
        + (xi / phi * (2 * phi + xi) / (phi + xi))
        * np.exp((phi + xi) * t / 2 + log_ndtr(-(phi + xi / 2) / np.sqrt(phi) * root))
        - ((2 * phi + xi) ** 2 / ((phi + xi) * phi) - 2 + frac * t / 2) * np.exp(log_ndtr(-np.sqrt(frac) * root / 2))
    )


def argmax_quantile(p: float, xi: float = 1.0, phi1: float = 1.0, phi2: float = 1.0) -> float:
    """The p-quantile of that law."""
    from scipy.optimize import brentq

    if xi == 1 and phi2 > phi1:  # the mirror image, whose formula does not overflow; in the unit of the other side
        return -((phi2 / phi1) ** 2) * argmax_quantile(1 - p, 1.0, phi2, phi1)

    def off(v: float) -> float:
        with np.errstate(over="ignore", invalid="ignore"):
            return argmax_cdf(v, xi, phi1, phi2) - p

    low, high = -1.0, 1.0
    while off(low) > 0 and low > -1e6:
        low *= 2
    while off(high) < 0 and high < 1e6:
        high *= 2
    if not off(low) <= 0 <= off(high):
        return low if p < 0.5 else high  # beyond all bounds: the interval then leaves the data and says so
    return float(brentq(off, low, high, xtol=1e-10))
