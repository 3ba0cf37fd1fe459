"""What several ways read of a curve, computed for many curves side by side and once for each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..fitting._rowwise import robust_sd_rows
from ._base import Question
from ._local_mean import LocalMean, alike, local_means_of

__all__ = ["local_of", "noise_of", "starting_level", "starting_levels"]

_FACTORS = (1.0, 0.5, 2.0)  # of the usual window


def local_of(questions: Sequence[Question]) -> list[tuple[LocalMean, ...]]:
    """Local means over the usual window, half and twice of it; see `local_means`."""
    new = [q for q in questions if q.known.local is None]
    for question, found in zip(new, local_means_of([q.curve for q in new], *_FACTORS), strict=True):
        question.known.local = found
    return [q.known.local or () for q in questions]


def noise_of(questions: Sequence[Question]) -> list[float]:
    """Standard deviation of the noise of each curve, from its first differences."""
    new = [q for q in questions if q.known.noise is None]
    for places in alike([len(q.curve) for q in new]):
        found = robust_sd_rows(np.array([new[i].curve.y for i in places]))
        for i, noise in zip(places, found.tolist(), strict=True):
            new[i].known.noise = noise
    return [q.known.noise or 0.0 for q in questions]


def starting_levels(questions: Sequence[Question]) -> list[tuple[float, float]]:
    """Where each curve started: the level from which the total gain is counted.

    Mean at the first observation and the noise of one observation, in the unit of the metric: the fitted law's value
    where a usable fit agrees with the first observation within three times the noise (it is the less noisy of the two),
    else the first observation itself.
    """
    return [starting_level(q, noise) for q, noise in zip(questions, noise_of(questions), strict=True)]


def starting_level(question: Question, noise: float) -> tuple[float, float]:
    """Of one curve, with the noise of its observations; see `starting_levels`."""
    curve, fit = question.curve, question.fit
    first = float(curve.y[0])
    if fit is not None and fit.status.usable and (curve.x[0] > 0 or fit.model.domain == "all"):
        fitted = float(fit.predict(curve.x[:1]).mean[0])
        if abs(fitted - first) <= 3 * max(noise, fit.sigma):
            return fitted, max(noise, fit.sigma)
    return first, noise
