"""Where the curve started: the level from which the total gain is counted."""

from __future__ import annotations

from ..fitting.autocorrelation import robust_sd
from ._base import Question

__all__ = ["starting_level"]


def starting_level(question: Question) -> tuple[float, float]:
    """Mean at the first observation and the noise of one observation, in the unit of the metric.

    The fitted law's value where a usable fit agrees with the first observation within three times the noise (it is
    the less noisy of the two), else the first observation itself.
    """
    curve, fit = question.curve, question.fit
    first = float(curve.y[0])
    noise = robust_sd(curve.y)
    if fit is not None and fit.status.usable and (curve.x[0] > 0 or fit.model.domain == "all"):
        fitted = float(fit.predict(curve.x[:1]).mean[0])
        if abs(fitted - first) <= 3 * max(noise, fit.sigma):
            return fitted, max(noise, fit.sigma)
    return first, noise
