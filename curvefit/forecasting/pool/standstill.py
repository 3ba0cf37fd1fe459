"""Curves that have stopped: the last half of the values, or more, are all the same number.

Accuracies at a bound, rewards at their limit, logs of a network that no longer learns. Of such development curves 96 %
were at the very same number later; a smooth spread around it, however learned, misses that.
"""

from __future__ import annotations

import numpy as np

from .batch import Floats, Ints
from .link import IDENTITY
from .mixture import Mixture
from .view import View

__all__ = ["standstill", "with_standstill"]

LEAST = 4  # equal values at the end
_ROUNDING = 3e-7  # relative: two steps of single precision, which is what most logs hold


def standstill(view: View) -> Floats:
    r"""Probability that the curve still stands where it stands, shape (N, H); 0 for curves that move.

    .. math:: P = \max\Big(0, 1 - \frac{1 + 2 \ln h}{r + 2}\Big)

    after r equal values: Laplace's rule for the next value, and as much again for each factor of 1.6 in x. On the
    development curves: .96 stay up to h = 1.3, .93 around 2, .84 beyond 3.3.
    """
    z, size = view.z, view.size
    tolerance = np.where(view.link.kind == IDENTITY, 0.0, _ROUNDING)[:, None]
    if z.shape[1] < LEAST or not (np.abs(z[:, -LEAST:] - z[:, -1:]) <= tolerance).all(axis=1).any():
        return np.zeros(view.h.shape)
    equal = (np.abs(z[:, ::-1] - z[:, -1:]) <= tolerance).cumprod(axis=1).sum(axis=1)
    run: Ints = np.minimum(equal, size)
    stands = (run >= LEAST) & (2 * run >= size)
    share = 1 - (1 + 2 * np.log(view.h)) / (run[:, None] + 2)
    probability: Floats = np.where(stands[:, None], np.maximum(share, 0.0), 0.0)
    return probability


def with_standstill(mixture: Mixture, view: View) -> Mixture:
    """The mixture with one more component, at the last value, for curves that have stopped."""
    share = standstill(view)[..., None]
    if not share.any():
        return mixture
    last = np.broadcast_to(view.last[:, None, None], share.shape)
    floor = np.where(view.link.kind == IDENTITY, 0.0, _ROUNDING / 3)
    noise = np.broadcast_to(np.maximum(view.noise, floor)[:, None, None], share.shape)
    return Mixture(
        np.concatenate([mixture.location, last], axis=2),
        np.concatenate([mixture.scale, noise], axis=2),
        np.concatenate([mixture.weight * (1 - share), share], axis=2),
    )
