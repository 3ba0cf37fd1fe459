"""The logged values look already smoothed by a moving average."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

import numpy as np

from .._correlation import above, pooled
from ..diagnosis import Diagnosis
from ..evidence import Evidence
from ._base import Voice
from ._text import no_curve, too_short

__all__ = ["SEVERITY", "smoothed_input"]

SEVERITY: Final = "info"
VOICE = Voice("smoothed_input", SEVERITY)

HEAVY = 0.9  # correlation of neighboring observations
SURE = 0.95
LEAST = 0.7  # of single observations: below it what averages share is what the trend has missed
_COARSE = 4  # observations to a bin beyond which the averages tell little of single ones
_NAMED = re.compile(r"(?i)smooth|(^|[^a-z])(ema|avg|moving)([^a-z]|$)")
ADVICE = (
    "Log the raw values: smoothing hides the noise that intervals need, delays every turn and drags the start along."
)


def smoothed_input(evidence: Evidence) -> Diagnosis:
    r"""Test whether neighboring observations are correlated as an exponential moving average makes them.

    .. math:: \hat\rho - 2\,\mathrm{se}(\hat\rho) > 0.9 \quad\text{or}\quad P(\rho > 0.9) > 0.95,\ \hat\rho > 0.7

    the probability by the likelihood of averages, the trend's share of them allowed for, where these are of few
    observations. A curve without noise is not smoothed: what its trend has missed is as slow, but single observations,
    about a trend that follows them, are not.

    Parameters
    ----------
    evidence : Evidence
        The main curve.

    Returns
    -------
    Diagnosis
        Evidence: the implied smoothing factor.

    Notes
    -----
    White noise under an exponential moving average of factor rho is an AR(1) with that correlation, exactly: from the
    values alone the two cannot be told apart, and the sentence says so. A name such as ``loss_smoothed`` decides it.
    """
    name = evidence.main
    if name is None:
        return no_curve(VOICE)
    single = evidence.residuals(name)
    named = _NAMED.search(name) is not None
    n = len(evidence.run[name])
    if single is None:
        if named:
            return VOICE.present(f"{name} is smoothed, by its name.", ADVICE, {"points": float(n)}, metric=name)
        return too_short(VOICE, evidence, name)
    rho = single.rho
    low = rho - 2.0 * ((1 - rho**2) / n) ** 0.5 - 2.0 / n
    chance = _chance(evidence, name)
    facts = {"rho": rho, "rho_low": low, "chance_smoothed": chance, "points": float(n)}
    if named or low > HEAVY or (chance > SURE and rho > LEAST):
        facts["smoothing_factor"] = rho
        return VOICE.present(
            f"{name} is smoothed, by its name."
            if named
            else f"Neighboring values of {name} are correlated by {rho:.2f}, as after an exponential moving average with "
            "that factor (or noise as slow as that; the values alone cannot tell).",
            ADVICE,
            facts,
            metric=name,
        )
    if n < 50:
        return VOICE.undecided(
            f"{name} has {n} points; 50 would show smoothing.", {**facts, "points_needed": 50.0}, metric=name
        )
    return VOICE.absent(f"Neighboring values of {name} are not correlated enough for smoothing.", facts, metric=name)


def _chance(evidence: Evidence, name: str) -> float:
    """Probability that single observations are more correlated than the limit; 0 where averages say too little of them."""
    boiled = evidence.alone(name)
    if boiled is None:
        return 0.0
    k = round(boiled.count / len(boiled))
    if k > _COARSE:
        return 0.0
    start = len(boiled) // 4  # an average begins with the noise of single values
    names = [k for k in evidence.mattering if k != name and len(evidence.alone(k) or ()) == len(boiled)]
    others = [evidence.later(k, start).like for k in names]
    return above(pooled(evidence.later(name, start).like, others), _limit(k))


@cache
def _limit(k: int) -> float:
    """Correlation of averages of k neighbors each where that of these is the limit."""
    lag = np.abs(np.subtract.outer(np.arange(2 * k), np.arange(2 * k)))
    covariance = HEAVY**lag
    return float(covariance[:k, k:].sum() / covariance[:k, :k].sum())
