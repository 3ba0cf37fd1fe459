"""Fluctuation from one observation to the next that is comparable to all the run has gained."""

from __future__ import annotations

from typing import Final

import numpy as np

from ...fitting.autocorrelation import robust_sd
from ..diagnosis import Diagnosis
from ..evidence import Evidence
from ._base import ALPHA, Voice
from ._text import no_curve, number, percent, too_short

__all__ = ["SEVERITY", "erratic"]

SEVERITY: Final = "warning"
VOICE = Voice("erratic", SEVERITY)

COMPARABLE = 0.25  # of the total gain
ADVICE = (
    "Lower the learning rate or enlarge the batch, clip gradients, and check the data for outliers and wrong labels; "
    "for a validation metric, enlarge the evaluation set."
)


def erratic(evidence: Evidence) -> Diagnosis:
    r"""Test the ratio of noise to total gain.

    .. math:: R = \hat\sigma / \text{drop}, \qquad \ln R \pm z_\alpha\, \mathrm{se}(\ln R) > \ln 0.25

    Parameters
    ----------
    evidence : Evidence
        Training and validation curve, else the main one.

    Returns
    -------
    Diagnosis

    Notes
    -----
    The noise is robust and from second differences: what changes between neighboring observations, whatever the trend,
    untouched by a few spikes. A slow wander does not count as erratic. The error of the drop is part of that of the ratio.
    A run that has levelled off is not erratic, however noisy its tail is against what little is left to gain.
    """
    names = [n for n in dict.fromkeys((evidence.progress, evidence.validation)) if n is not None]
    if not names:
        return no_curve(VOICE)
    answers = [_one(evidence, name, ALPHA / len(names)) for name in names]
    order = sorted(answers, key=lambda a: (not a.present, a.verdict.value != "undecided" or a.p_value is None))
    return order[0]


def _one(evidence: Evidence, name: str, alpha: float) -> Diagnosis:
    from scipy.special import ndtr, ndtri

    boiled, single = evidence.trace(name), evidence.residuals(name)
    if boiled is None or single is None:
        return too_short(VOICE, evidence, name)
    rough = single.rough
    n = boiled.count
    error = boiled.level(0, min(2 * boiled.half_window + 1, len(boiled)))[1]
    z = -float(ndtri(alpha))
    drop = max(boiled.drop, error)
    # second differences of white noise carry about a third of the points' information on its size
    spread = float(np.hypot(1.6 / np.sqrt(n), error / drop)) if drop > 0 else 1.0
    ratio = rough / drop if drop > 0 else np.inf
    if rough == 0 or not np.isfinite(ratio):
        still = "does not vary" if boiled.drop == 0 else "shows no noise from point to point"
        return VOICE.absent(f"{name} {still}.", {"points": float(n), "noise": rough}, metric=name, p_value=1.0)
    facts = {
        "noise": rough,
        "drop": boiled.drop,
        "drop_stderr": error,
        "ratio": ratio,
        "points": float(n),
        "alpha": alpha,
    }
    facts |= _per_third(evidence, name)
    distance = float(np.log(ratio / COMPARABLE)) / spread
    p_value = float(ndtr(-distance))
    if p_value < alpha:
        return VOICE.present(
            f"{name} jumps by {number(rough)} (one standard deviation) from point to point, {percent(rough / boiled.drop) if boiled.drop > 0 else 'more than all'} "
            "of all it has gained.",
            ADVICE,
            facts,
            metric=name,
            p_value=p_value,
        )
    if p_value > 0.5:
        return VOICE.absent(
            f"The noise of {name} is {percent(ratio)} of what it has gained.", facts, metric=name, p_value=p_value
        )
    needed = int(np.ceil((1.6 * z / max(np.log(ratio / COMPARABLE), 0.1)) ** 2))
    return VOICE.undecided(
        f"The noise of {name} is {percent(ratio)} of what it has gained, near the limit of {percent(COMPARABLE)}; about "
        f"{max(needed, n + 1)} points would decide it.",
        {**facts, "points_needed": float(max(needed, n + 1))},
        metric=name,
        p_value=p_value,
    )


def _per_third(evidence: Evidence, name: str) -> dict[str, float]:
    y = evidence.run[name].y
    if y.size < 15:
        return {}
    return {
        f"noise_{when}": min(robust_sd(part[-20_000:], order=2), float(np.finfo(np.float64).max))
        for when, part in zip(("first_third", "middle_third", "last_third"), np.array_split(y, 3), strict=True)
    }
