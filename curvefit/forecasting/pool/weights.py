"""The pool without anything learned: weights and spread come from back-test errors, noise and horizon."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .experts import REACH, Experts
from .mixture import Mixture
from .opinion import Opinion, describe
from .trends import GAMMAS, POWERS
from .view import View

__all__ = ["pool_by_backtests"]

# Set by hand on development curves (benchmarks/README.md); the neighborhood of each is flat.
SHARPNESS = 0.3  # an expert's weight is proportional to (mean squared back-test error)^-SHARPNESS
NOISE = 0.5  # scale^2 = NOISE noise^2 + ERROR S + SPREAD (variance between experts) + FIT v + CHANGE m^2
ERROR = 0.05
SPREAD = 0.3
FIT = 1.0
CHANGE = 0.08


def pool_by_backtests(view: View, experts: Experts) -> Opinion:
    r"""Mixture of a new observation and of the underlying mean: one component per recency, one for no change.

    An expert with mean squared back-test error S at a comparable horizon gets a weight proportional to :math:`S^{-.3}`.
    A component stands at the weighted mean m of the experts with one recency; its squared scale joins half the noise
    variance, a part of S, the variance between its experts, the variance v of their fits, and a part of the predicted
    change m itself. The mean view leaves the noise out.
    """
    said = experts.trends
    reach = (REACH * experts.scale)[..., None]
    shape = (*said.shape[:2], GAMMAS.size, POWERS.size)
    edge = (*said.shape[:2], 1)
    said = np.clip(said, -reach, reach).reshape(shape)
    weight = experts.square**-SHARPNESS
    weight /= weight.sum(axis=2, keepdims=True)
    inside = weight[..., :30].reshape(shape)
    group = inside.sum(axis=3)

    def pooled(values: NDArray[np.float64]) -> NDArray[np.float64]:
        mean: NDArray[np.float64] = (inside * values.reshape(shape)).sum(axis=3) / group
        return mean

    center = pooled(said)
    between = pooled((said - center[..., None]) ** 2)
    error = np.concatenate([pooled(experts.square[..., :30]), experts.square[..., 30:]], axis=2)
    fit = pooled(np.minimum(experts.variance, reach**2))
    location = np.concatenate([center, np.broadcast_to(view.last[:, None, None], edge)], axis=2)
    spread = np.concatenate([SPREAD * between + FIT * fit, np.zeros(edge)], axis=2)
    share = np.concatenate([group, weight[..., 30:]], axis=2)
    noise = (view.noise**2)[:, None, None]
    mean_square = ERROR * error + spread + CHANGE * location**2
    observation = Mixture(location, np.sqrt(mean_square + NOISE * noise), share)
    underlying = Mixture(location, np.sqrt(np.maximum(mean_square, 0.01 * noise)), share)
    return Opinion(observation, underlying, describe(weight[:, -1, :30], weight[:, -1, 30]))
