"""Isolated excursions for the worse that recover, beyond what the run's own tails explain."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...curves import Estimate
from .._noise import Residuals
from .._tails import tail_probability
from .._trace import oriented
from ..diagnosis import Diagnosis
from ..evidence import Evidence
from ._base import ALPHA, Voice, stretch
from ._text import no_curve, number, too_short

__all__ = ["SEVERITY", "spikes"]

SEVERITY: Final = "warning"
VOICE = Voice("spikes", SEVERITY)

HIGH = 4.5  # robust standard deviations from which an excursion is looked at
SMALLEST = 0.02  # of the total drop: lower ones are of no consequence
LISTED = 20
SHORT, ALPHA_SHORT = 100, 0.03
ADVICE = (
    "Clip gradients, look at the batches around these x (and skip them on a rerun), lower the learning rate or lengthen "
    "the warm-up; if a spike costs much, restart from a checkpoint before it."
)


def spikes(evidence: Evidence) -> Diagnosis:
    r"""Test each excursion against the tails of the run's own noise.

    .. math:: p_i = 1 - (1 - \bar P(h_i))^n

    with the tail averaged over how heavy it may be (`curvefit.diagnostics._tails.tail_probability`), learned from the
    middle and the good side of the shocks of all curves; many moderate excursions on the bad side only are tested by their sign.

    Parameters
    ----------
    evidence : Evidence
        Training and validation curve, else the main one.

    Returns
    -------
    Diagnosis
        Where: the x of each spike (the 20 highest); evidence: number, height in robust standard deviations, recovery.

    Notes
    -----
    Healthy heavy-tailed noise reaches 13 robust standard deviations in 1,000 points, so no fixed threshold is used. A
    spike must come back to the trend within a twentieth of the run (10 points for short runs), and shocks are judged
    after taking out serial correlation. A run of fewer than 100 points is accused at .03 (of longer ones .0038): by less
    nothing is ever certain there.
    """
    names = [n for n in dict.fromkeys((evidence.progress, evidence.validation)) if n is not None]
    if not names:
        return no_curve(VOICE)
    answers = [_one(evidence, name, _level(len(evidence.run[name])) / len(names)) for name in names]
    for answer in answers:
        if answer.present:
            return answer
    return next((a for a in answers if a.p_value is not None), answers[0])


def _level(points: int) -> float:
    """Share of healthy runs that may be accused: more of the short ones, where little is certain at less."""
    return ALPHA if points >= SHORT else ALPHA_SHORT


def _one(evidence: Evidence, name: str, alpha: float) -> Diagnosis:
    boiled, single = evidence.trace(name), evidence.residuals(name)
    if boiled is None or single is None or len(evidence.run[name]) < 16:
        return too_short(VOICE, evidence, name, least=16)
    curve = evidence.run[name]
    shock = single.shock
    if not np.any(shock):
        return VOICE.undecided(
            f"Most values of {name} repeat the one before, so there is no noise to compare with; log it with more digits.",
            {"points": boiled.count},
            metric=name,
        )
    start = np.flatnonzero(shock > HIGH)
    start = start[single.settled[start]]
    longest = max(10, boiled.count // 20)
    found = _excursions(single, oriented(curve), start, longest)
    quiet = single.settled.copy()
    for i, end in found:  # the way back from an excursion says nothing about the tails of the noise
        quiet[i : end + 2] = False
    tested = np.r_[shock[quiet], shock[[i for i, _ in found]]]
    smallest = SMALLEST * boiled.drop
    found = [(i, end) for i, end in found if single.value[i : end + 1].max() >= smallest]
    facts = {"points": float(boiled.count), "noise": single.sd, "rho": single.rho, "alpha": alpha}
    if not found:
        return VOICE.absent(f"No excursion of {name} stands out of its noise.", facts, metric=name, p_value=1.0)
    heights = np.array([shock[i] for i, _ in found])
    each = -np.expm1(
        tested.size * np.log1p(-np.minimum(tail_probability(tested, heights, _others(evidence, name)), 1 - 1e-12))
    )
    chosen = [k for k in range(len(found)) if each[k] < 0.9 * alpha]
    p_value = float(min(1.0, each.min() / 0.9))
    bad, good = len(found), int(np.count_nonzero(tested < -HIGH))
    sign_test = _binomial_tail(bad, bad + good)
    if not chosen and sign_test < 0.1 * alpha:
        chosen = list(range(len(found)))
    p_value = min(p_value, 10 * sign_test)
    if not chosen:
        return VOICE.absent(
            f"The highest excursion of {name}, {heights.max():.1f} robust standard deviations, is within what its own "
            "noise produces.",
            {**facts, "highest": float(heights.max())},
            metric=name,
            p_value=p_value,
        )
    chosen.sort(key=lambda k: -heights[k])
    recovery = [float(curve.x[found[k][1]] - curve.x[found[k][0]]) for k in chosen]
    where = tuple(
        sorted((_place(evidence, name, found[k], heights[k]) for k in chosen[:LISTED]), key=lambda e: e.value or 0)
    )
    top = chosen[0]
    count = len(chosen)
    many = "A spike" if count == 1 else f"{count} spikes"
    peak = _peak(single, found[top])
    text = (
        f"{many} in {name}, the highest at {curve.x_unit} {number(float(curve.x[peak]))}: "
        f"{number(float(single.value[peak]))} above the trend, {heights[top]:.0f} robust standard deviations; "
        f"back after {number(recovery[0])} {curve.x_unit}{'s' if recovery[0] != 1 else ''}."
    )
    numbers = {
        **facts,
        "spikes": float(count),
        "highest": float(heights[top]),
        "highest_x": float(curve.x[peak]),
        "highest_size": float(single.value[peak]),
        "longest_recovery": max(recovery),
    }
    return VOICE.present(text, ADVICE, numbers, metric=name, where=where, p_value=p_value)


def _others(evidence: Evidence, name: str) -> list[NDArray[np.float64]]:
    """Shocks of the other curves, without their own excursions: they tell of the tails of the noise."""
    found = []
    for other in dict.fromkeys((evidence.progress, evidence.validation, evidence.score)):
        single = None if other is None or other == name else evidence.residuals(other)
        if single is None or 2 * np.unique(single.value).size < single.value.size:  # coarse values have no tail
            continue
        quiet = single.settled.copy()
        for i in np.flatnonzero(single.shock > HIGH).tolist():
            quiet[max(i - 1, 0) : i + 2] = False
        found.append(single.shock[quiet])
    return found


def _excursions(
    single: Residuals, y: NDArray[np.float64], starts: NDArray[np.intp], longest: int
) -> list[tuple[int, int]]:
    """Beginning and first point back within two standard deviations of the trend, for those that come back in time.

    An excursion climbs out of the values before it: what only lies above a trend that has missed a drop is none.
    """
    found: list[tuple[int, int]] = []
    back = -1
    for i in starts.tolist():
        if i <= back:
            continue
        if single.level[i] < 2.0:  # under slow noise a value may be far off from its neighbors alone
            if _alone(single, y, i):
                back = i + 1
                found.append((i, back))
            continue
        if y[i] - np.median(y[max(i - 3, 0) : i]) < 0.5 * single.value[i]:
            continue
        ahead = single.level[i + 1 : i + 1 + longest]
        calm = np.flatnonzero(ahead < 2.0)
        if not calm.size:
            continue
        back = i + 1 + int(calm[0])
        found.append((i, back))
    return found


def _alone(single: Residuals, y: NDArray[np.float64], i: int) -> bool:
    """Whether a value lies far above both of its neighbors, by noise of which neighbors share most."""
    if single.rho < 0.5 or not 0 < i < y.size - 1:
        return False
    return bool(
        y[i] - max(y[i - 1], y[i + 1]) > 0.5 * HIGH * single.sd * np.sqrt((1 - single.rho**2) / (1 + single.rho**2))
    )


def _binomial_tail(successes: int, trials: int) -> float:
    """P(at least that many of the trials fall on one side of a symmetric distribution)."""
    from scipy.special import bdtrc

    if trials == 0 or successes == 0:
        return 1.0
    return float(bdtrc(successes - 1, trials, 0.5))


def _peak(single: Residuals, span: tuple[int, int]) -> int:
    return span[0] + int(np.argmax(single.value[span[0] : span[1]]))


def _place(evidence: Evidence, name: str, span: tuple[int, int], height: float) -> Estimate:
    single = evidence.residuals(name)
    curve = evidence.run[name]
    i = span[0] if single is None else _peak(single, span)
    details = {"height": float(height), "recovery": float(curve.x[span[1]] - curve.x[span[0]])}
    if single is not None:
        details["size"] = float(single.value[i])
    return stretch(
        "spike",
        curve.x[i],
        curve.x[span[0]],
        curve.x[span[1]],
        curve.x_unit,
        method="extent of the excursion",
        details=details,
    )
