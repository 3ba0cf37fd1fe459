"""How many breakpoints or changes: information criteria of the autocorrelated likelihood."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ..curves import UsageError

__all__ = ["Criterion", "check_criterion", "deviance", "price"]

Array = NDArray[np.float64]
Criterion = Literal["mbic", "bic", "lwz", "sequential"]


def check_criterion(criterion: str) -> None:
    """Refuse a criterion that does not exist."""
    if criterion not in get_args(Criterion):
        raise UsageError(
            f"criterion {criterion!r}", code="CF-USE-007", hint=f"choices: {', '.join(get_args(Criterion))}"
        )


def deviance(e: Array, correlated: bool, floor: float, most: float = 0.995) -> float:
    """N log(whitened RSS / n) - log(1 - rho^2) of residuals in order, rho their lag-1 correlation (at most ``most``) or 0."""
    n = e.size
    power = float(e @ e)
    rho = min(max(float(e[1:] @ e[:-1]) / power, 0.0), most) if correlated and power > 0 else 0.0
    white = np.r_[np.sqrt(1 - rho * rho) * e[0], e[1:] - rho * e[:-1]]
    rss = max(float(white @ white), floor, 1e-300)
    return float(n * np.log(rss / n) - np.log(1 - rho * rho))


def price(criterion: Criterion, n: int, k: int, coefficients: int, breaks: float) -> float:
    """What k breakpoints cost.

    Parameters
    ----------
    criterion : {"mbic", "bic", "lwz"}
        Modified BIC: log n for each coefficient and twice that for each place. BIC: log n for each coefficient and
        place. LWZ: .299 (log n)^2.1 for each of them.
    n, k : int
        Points and breakpoints.
    coefficients : int
        Of the lines, breakpoints not counted.
    breaks : float
        Cost of one place under the modified BIC, in units of log n.

    References
    ----------
    Zhang and Siegmund (2007), A modified Bayes information criterion. Biometrics 63, 22-32. Liu, Wu and Zidek (1997),
    On segmented multivariate regression. Statistica Sinica 7, 497-525.
    """
    if criterion == "lwz":
        return float((coefficients + k) * 0.299 * np.log(n) ** 2.1)
    return float((coefficients + (breaks if criterion == "mbic" else 1.0) * k) * np.log(n))
