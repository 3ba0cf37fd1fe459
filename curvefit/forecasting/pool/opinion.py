"""What a way of pooling hands back: two mixtures, and in three numbers why."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ._rows import SMALLEST
from .batch import Floats
from .mixture import Mixture
from .trends import TREND_GAMMA, TREND_POWER

__all__ = ["Opinion", "describe"]


@dataclass(frozen=True, slots=True)
class Opinion:
    """Pooled distributions of z relative to the present level.

    Parameters
    ----------
    observation, underlying : Mixture
        Of a new observation, and of the mean curve.
    reasons : ndarray, shape (N, 3)
        At the farthest future x: mean power and mean recency of the trends by weight, and the share of "no change".
    """

    observation: Mixture
    underlying: Mixture
    reasons: Floats


def describe(trend_weight: Floats, no_change: Floats) -> Floats:
    """Mean power and recency of trends with weights of shape (N, 30), beside the share of "no change", shape (N,)."""
    total = np.maximum(trend_weight.sum(axis=1), SMALLEST)
    power = trend_weight @ TREND_POWER / total
    recency = np.exp(trend_weight @ np.log(TREND_GAMMA) / total)
    return np.stack([power, recency, no_change], axis=1)
