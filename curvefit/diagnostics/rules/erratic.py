"""Fluctuation from one observation to the next that is comparable to all the run has gained."""

from __future__ import annotations

import math
import sys
from typing import Final

import numpy as np

from ...fitting.autocorrelation import robust_sd
from .._trace import Trace, oriented
from ..diagnosis import Diagnosis
from ..evidence import Evidence
from ._base import ALPHA, Voice
from ._text import no_curve, number, percent, too_short

__all__ = ["SEVERITY", "erratic"]

SEVERITY: Final = "warning"
VOICE = Voice("erratic", SEVERITY)

COMPARABLE = 0.125  # of the total gain
STEEP = 1.0  # standard errors that a wider beginning may lie lower and still be taken for the same level
ADVICE = (
    "Lower the learning rate or enlarge the batch, clip gradients, and check the data for outliers and wrong labels; "
    "for a validation metric, enlarge the evaluation set."
)


def erratic(evidence: Evidence) -> Diagnosis:
    r"""Test whether the noise exceeds an eighth of the total gain.

    .. math:: \frac{8 \hat\sigma - \text{gain}}{\sqrt{(8 \hat\sigma)^2\, 2.56 / n + \mathrm{se}^2(\text{gain})}} > z_\alpha

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
    untouched by a few spikes. A slow wander does not count as erratic. The gain is that from the highest of several
    beginnings (or of a quarter, where a curve rises: noise is little beside a rise that is much larger) to the lowest
    quarter, each less its noise, and its error is part of the test. An eighth is where the eye
    begins to call runs erratic: noise of a tenth of the gain is still common on healthy ones.
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
    gain, error = _gained(boiled, float(oriented(evidence.run[name])[0]), rough)
    z = -float(ndtri(alpha))
    drop = max(gain, error)
    ratio = rough / drop if drop > 0 else np.inf
    if rough == 0 or not np.isfinite(ratio):
        still = "does not vary" if boiled.drop == 0 else "shows no noise from point to point"
        return VOICE.absent(f"{name} {still}.", {"points": float(n), "noise": rough}, metric=name, p_value=1.0)
    facts = {
        "noise": rough,
        "drop": gain,
        "drop_stderr": error,
        "ratio": ratio,
        "points": float(n),
        "alpha": alpha,
    }
    facts |= _per_third(evidence, name)
    # second differences of white noise carry about a third of the points' information on its size
    most = rough / COMPARABLE  # a gain from which on the noise is small
    p_value = float(ndtr((gain - most) / np.hypot(error, most * 1.6 / np.sqrt(n))))
    if p_value < alpha:
        return VOICE.present(
            f"{name} jumps by {number(rough)} (one standard deviation) from point to point, {percent(ratio) if gain > 0 else 'more than all'} "
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


def _gained(boiled: Trace, start: float, rough: float) -> tuple[float, float]:
    """From the highest level, the first one unless the curve has risen, to the best one, and its standard error.

    Of several beginnings (the first value alone among them: a start may be steep) the one that stands highest by more than its noise, of several ends the lowest: the highest and
    the lowest value of a noisy curve would be its noise.
    """
    m = len(boiled)
    firsts = [(start, rough)]
    for w in (1, 2, 4, 8):
        level, error = boiled.level(0, min(w, m // 2))
        # a wider beginning that is no lower beyond noise says more of the same level
        if all(one - level < STEEP * math.hypot(e, error) for one, e in firsts):
            firsts = [(level, error)]
        else:
            firsts.append((level, error))
    quarters = [boiled.level(m * k // 4, m * (k + 1) // 4) for k in range(4) if m * (k + 1) // 4 > m * k // 4]
    first, e0 = max([*firsts, *quarters], key=lambda one: one[0] - one[1])
    best, e1 = min(quarters, key=lambda one: one[0] + one[1])
    return max(first - e0 - best, 0.0), math.hypot(e0, e1)


def _per_third(evidence: Evidence, name: str) -> dict[str, float]:
    y = evidence.run[name].y
    n = y.size
    if n < 15:
        return {}
    ends = 0, (n + 2) // 3, (n + 2) // 3 + (n + 1) // 3, n
    parts = zip(("first_third", "middle_third", "last_third"), ends, ends[1:], strict=False)
    return {
        f"noise_{when}": min(robust_sd(y[max(a, b - 20_000) : b], order=2), sys.float_info.max) for when, a, b in parts
    }
