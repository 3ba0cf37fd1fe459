"""Asymptote of the fitted law, or why the data do not identify it."""

from __future__ import annotations

from dataclasses import replace

from ..curves import Estimate, Status
from ._base import Question, unanswered

__all__ = ["asymptote"]


def asymptote(question: Question) -> Estimate:
    r"""Limit of the fitted mean curve as x grows.

    .. math:: f_\infty = \lim_{x \to \infty} f(x; \hat\theta)

    Parameters
    ----------
    question : Question
        Needs a fit.

    Returns
    -------
    Estimate
        In the unit of the metric. Its status is NOT_IDENTIFIED unless the profile interval at the stated level is
        closed on both sides, inside the bounds of the metric and no wider than the observed range.

    Notes
    -----
    The limit belongs to the law, not to the run: a law that fits as well may have another. For a decision ask for the
    value at a horizon.
    """
    fit = question.fit
    if fit is None:
        return unanswered("asymptote", Status.NOT_APPLICABLE, "no law was fitted", unit=question.unit)
    if not fit.status.usable:
        reason = f"the fit is not usable: {fit.status.value}"
        return unanswered("asymptote", fit.status, reason, unit=question.unit)
    return replace(fit.asymptote(question.level), name="asymptote", unit=question.unit)
