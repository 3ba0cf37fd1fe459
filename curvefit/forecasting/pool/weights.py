"""The pool without anything learned: weights and spread come from back-test errors, noise and horizon."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ._rows import with_column, within
from .batch import Floats
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
    """Mixtures of a new observation and of the mean curve, whose scales leave the noise out; see `components`."""
    observation, mean_square, weight = components(view, experts)
    scale = np.sqrt(np.maximum(mean_square, 0.01 * (view.noise**2)[:, None, None]))
    underlying = Mixture(observation.location, scale, observation.weight)
    return Opinion(observation, underlying, describe(weight[:, -1, :30], weight[:, -1, 30]))


def components(view: View, experts: Experts) -> tuple[Mixture, Floats, Floats]:
    r"""Mixture of a new observation: one component per recency, one for no change.

    An expert with mean squared back-test error S at a comparable horizon gets a weight proportional to :math:`S^{-.3}`.
    A component stands at the weighted mean m of the experts with one recency; its squared scale joins half the noise
    variance, a part of S, the variance between its experts, the variance v of their fits, and a part of the predicted
    change m itself.

    Returns
    -------
    Mixture
        Of a new observation.
    ndarray, shape (N, H, 6)
        Squared scales without the noise.
    ndarray, shape (N, H, 31)
        Weights of the trends and of the last value.
    """
    said = experts.trends
    reach = (REACH * experts.scale)[..., None]
    shape = (*said.shape[:2], GAMMAS.size, POWERS.size)
    said = within(said, -reach, reach).reshape(shape)
    weight = experts.square**-SHARPNESS
    weight /= weight.sum(axis=2, keepdims=True)
    inside = weight[..., :30].reshape(shape)
    group = inside.sum(axis=3)

    def pooled(values: NDArray[np.float64]) -> NDArray[np.float64]:
        mean: NDArray[np.float64] = (inside * values.reshape(shape)).sum(axis=3) / group
        return mean

    center = pooled(said)
    between = pooled((said - center[..., None]) ** 2)
    error = with_column(pooled(experts.square[..., :30]), experts.square[..., 30])
    fit = pooled(np.minimum(experts.variance, reach**2))
    location = with_column(center, view.last[:, None])
    spread = with_column(SPREAD * between + FIT * fit, 0.0)
    mean_square = ERROR * error + spread + CHANGE * location**2
    scale = np.sqrt(mean_square + NOISE * (view.noise**2)[:, None, None])
    return Mixture(location, scale, with_column(group, weight[..., 30])), mean_square, weight
