"""Asymptote of the fitted law, or why the data do not identify it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..curves import Estimate, Status
from ._base import Question, unanswered
from ._misfit import late_misfit

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
        closed on both sides, inside the bounds of the metric and no wider than the observed range; DEGRADED where the
        law misses the late curve by more than its noise.

    Notes
    -----
    The limit belongs to the law, not to the run: a law that fits as well may have another. For a decision ask for the
    value at a horizon. Where identified, a 95 % interval covers .83 to .98 of the limits of simulated power laws (.93 and more but for
    30 points of AR(.9) noise), .68 to .97 once the law was selected; with the doubt above, of curves no law describes,
    .00 to 1 (``benchmarks/statistics/ESTIMATES.md``).
    """
    fit = question.fit
    if fit is None:
        return unanswered("asymptote", Status.NOT_APPLICABLE, "no law was fitted", unit=question.unit)
    if not fit.status.usable:
        reason = f"the fit is not usable: {fit.status.value}"
        return unanswered("asymptote", fit.status, reason, unit=question.unit)
    out = replace(fit.asymptote(question.level), name="asymptote", unit=question.unit)
    off, noise = late_misfit(fit, known=question.known)
    if out.value is not None and np.any(off > noise):
        worst = float(off[np.argmax(off - noise)])
        reason = (
            f"the law misses the late curve by up to {worst:.2g}, more than its noise: its limit need not be the run's"
        )
        return replace(out, status=Status.DEGRADED, reasons=(*out.reasons, reason))
    return out
