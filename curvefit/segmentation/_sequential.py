"""Monte-Carlo p-values that stop drawing once the answer is no."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["MonteCarlo", "enough", "sequential_p"]

Array = NDArray[np.float64]
LEAST = 10  # exceedances that stop the draws: a p-value is then known to a third of itself


@dataclass(frozen=True, slots=True, eq=False)
class MonteCarlo:
    """A p-value, the null statistics it rests on, and whether the draws were stopped early."""

    p_value: float
    null: Array
    stopped: bool


def enough(alpha: float, most: int) -> int:
    """Exceedances after which no further draw, up to ``most``, can make a test of size ``alpha`` reject."""
    return max(LEAST, int(np.floor(alpha * most)) + 1)


def sequential_p(
    draw: Callable[[int], Array], observed: float, most: int, exceedances: int, first: int = 60
) -> MonteCarlo:
    r"""Draw null statistics until so many reach the observed one.

    .. math:: p = h / l \ \text{ if the } h\text{-th exceedance is draw } l, \qquad p = (g + 1)/(N + 1) \text{ if all } N
        \text{ draws hold only } g < h

    Parameters
    ----------
    draw : callable
        Gives that many independent statistics of the null, shape (m,).
    observed : float
        Statistic of the data.
    most : int
        N.
    exceedances : int
        h. With `enough` of them the test decides as it would with all N draws.
    first : int
        Draws of the first batch; what a batch holds beyond the h-th exceedance is left out of p but kept for figures.

    Returns
    -------
    MonteCarlo

    Notes
    -----
    Valid at every level: P(p <= a) <= a under the null, as for the p-value of all draws.

    References
    ----------
    Besag and Clifford (1991), Sequential Monte Carlo p-values. Biometrika 78, 301-304.
    """
    null = np.zeros(0)
    while null.size < most:
        null = np.concatenate([null, draw(min(first, most) if not null.size else most - null.size)])
        larger = np.flatnonzero(null >= observed)
        if larger.size >= exceedances:
            return MonteCarlo(exceedances / float(larger[exceedances - 1] + 1), null, null.size < most)
    return MonteCarlo(float(1 + np.sum(null >= observed)) / (1 + most), null, False)
