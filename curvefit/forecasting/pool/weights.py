"""The pool without anything learned: weights and spread come from back-test errors, noise and horizon."""

from __future__ import annotations

import numpy as np

from .experts import REACH, Experts
from .mixture import Mixture
from .trends import GAMMAS, POWERS
from .view import View

__all__ = ["pool_by_backtests"]

# Set by hand on development curves; the neighborhood is flat.
SHARPNESS = 2.0  # weight of an expert is proportional to (mean squared back-test error)^-SHARPNESS
NOISE = 0.5  # scale^2 = NOISE noise^2 + ERROR error^2 + SPREAD (variance between experts)
ERROR = 0.35
SPREAD = 0.5


def pool_by_backtests(view: View, experts: Experts) -> tuple[Mixture, Mixture]:
    """Mixture of a new observation and of the underlying mean: one component per recency, one for no change.

    Experts are weighted by (S + noise^2 / 10)^-2 with S their mean squared back-test error at a comparable horizon. A
    component stands at the weighted mean of its experts; its scale joins observation noise, the error its experts
    made, and how far they disagree.
    """
    said = experts.trends
    reach = (REACH * experts.scale)[..., None]
    said = np.clip(said, -reach, reach)
    shape = (*said.shape[:2], GAMMAS.size, POWERS.size)
    weight = experts.square[..., :30] ** -SHARPNESS
    last_weight = experts.square[..., 30] ** -SHARPNESS
    total = weight.sum(axis=2) + last_weight
    weight = (weight / total[..., None]).reshape(shape)
    groups = weight.sum(axis=3)
    safe = np.where(groups > 0, groups, 1.0)
    center = (weight * said.reshape(shape)).sum(axis=3) / safe
    between = (weight * (said.reshape(shape) - center[..., None]) ** 2).sum(axis=3) / safe
    error = (weight * experts.square[..., :30].reshape(shape)).sum(axis=3) / safe
    location = np.concatenate([center, np.broadcast_to(view.last[:, None, None], (*said.shape[:2], 1))], axis=2)
    error = np.concatenate([error, experts.square[..., 30:]], axis=2)
    between = np.concatenate([between, np.zeros((*said.shape[:2], 1))], axis=2)
    share = np.concatenate([groups, (last_weight / total)[..., None]], axis=2)
    noise = (view.noise**2)[:, None, None]
    mean_scale = ERROR * error + SPREAD * between
    observed = Mixture(location, np.sqrt(mean_scale + NOISE * noise), share)
    underlying = Mixture(location, np.sqrt(np.maximum(mean_scale, 0.01 * noise)), share)
    return observed, underlying
