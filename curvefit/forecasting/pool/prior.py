"""What is said when the curve says nothing: fewer than three points, or values that never vary.

Stated, not estimated: the last value stays with probability 1 - 1/(n + 2), up to a small scale, else it changes by a
scale of .5 (1 + ln h)^(1/2), in ln y for losses, in logits for bounded scores, relative to the largest value otherwise.
The small scale is .001 for values that never varied and the one difference seen (.15 when there is none) for fewer than
three points. Values that never varied leave even the size of a change open: .5, .05 and .005 are equally likely.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .batch import Chunk, Floats, Ints
from .link import IDENTITY, Link
from .mixture import Mixture

__all__ = ["CONSTANT", "FEW", "Prior", "stated_prior"]

FEW, CONSTANT = 1, 2
UNKNOWN = 0.5  # scale of a change nothing is known about: a factor of 1.6 of a loss, half an accuracy's logit
STILL = 0.001  # scale of "no change": the resolution values are usually logged with
SIZES = (0.01, 0.1, 1.0)  # of a change of values that never varied, over UNKNOWN


@dataclass(frozen=True, slots=True)
class Prior:
    """Stated distributions of z relative to the last value, and the noise they imply."""

    observation: Mixture
    underlying: Mixture
    noise: Floats


def stated_prior(chunk: Chunk, link: Link, g: Floats, basis: Ints, h: Floats) -> Prior:
    """Mixtures at the last value: one component nearly still, the others of unknown size.

    Parameters
    ----------
    chunk : Chunk
        Curves; all rows get a prior, rows that need none are replaced later.
    link : Link
        Of the rows.
    g : ndarray, shape (N, n)
        Link values.
    basis : ndarray of int, shape (N,)
        FEW or CONSTANT where the prior is used.
    h : ndarray, shape (N, H)
        Horizon over the last x.
    """
    points = h.shape[1]
    largest = np.abs(chunk.y).max(axis=1)
    # the identity link measures in ranges; "relative to the largest value" is that many of them
    with np.errstate(over="ignore"):
        ranges = np.where(largest > 0, largest / 2 / link.scale, 1.0)
    unit = np.where(link.kind == IDENTITY, np.clip(ranges, 1.0, 1e300), 1.0)
    spread = np.ptp(g, axis=1)
    few = basis == FEW
    still = np.where(few, np.where(spread > 0, spread, 0.3 * UNKNOWN * unit), STILL * unit)
    longer = np.sqrt(1 + np.log(np.clip(h, 1.0, 1e12)))
    wide = np.maximum(spread, UNKNOWN * unit)[:, None] * longer
    narrow = np.repeat(still[:, None], points, axis=1) * np.where(few[:, None], longer, 1.0)
    doubt = np.repeat(1 / (chunk.size + 2.0)[:, None], points, axis=1)
    sizes = [np.where(few[:, None], 1.0, size) * wide for size in SIZES]
    scale = np.stack([narrow, *sizes], axis=2)
    weight = np.stack([1 - doubt, *[doubt / len(SIZES)] * len(SIZES)], axis=2)
    mixture = Mixture(np.zeros(scale.shape), scale, weight)
    return Prior(mixture, mixture, still)
