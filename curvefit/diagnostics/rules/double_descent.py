"""Validation gets worse, peaks, and comes down again below where it turned: double descent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from ...curves import DataError
from ...segmentation.bump import BumpTest
from ...segmentation.bump import double_descent as bump_test
from .._scan import line
from .._trace import Trace
from ..diagnosis import Diagnosis
from ..evidence import Evidence
from ._base import ALPHA, Voice
from ._text import no_curve, number, too_short

__all__ = ["SEVERITY", "double_descent"]

SEVERITY: Final = "info"
VOICE = Voice("double_descent", SEVERITY)

REPLICATES = 499
SMALLEST = 0.01  # of the total drop
SCREEN = 2.0  # standard errors that rise and fall must both have before the bootstrap is worth its time
ADVICE = (
    "Do not stop in the bump: validation comes back. More regularization (weight decay, early stopping before the first "
    "minimum) or more data flattens it."
)


@dataclass(frozen=True, slots=True)
class _Hump:
    """The most prominent rise and fall of the local mean, in bins."""

    bottom: int
    peak: int
    after: int
    rise: float
    fall: float
    weakest: float  # of rise and fall, in standard errors


def double_descent(evidence: Evidence) -> Diagnosis:
    r"""Screen the local mean for a rise and a fall, then test a monotone law against law and bump.

    .. math:: T = n \log \frac{\min \mathrm{RSS}(\text{law})}{\min \mathrm{RSS}(\text{law} + \text{bump})}

    with a null by an autoregressive sieve bootstrap (`curvefit.double_descent`), only where the screen fires.

    Parameters
    ----------
    evidence : Evidence
        The validation curve, else the main one; the training curve and the schedule.

    Returns
    -------
    Diagnosis
        Where: the peak, the first minimum and the recovery, where they lie in the data.

    Notes
    -----
    A bump that training shares, or that follows a rise of the logged learning rate, has another cause and is none.
    """
    name = evidence.validation or evidence.main
    if name is None:
        return no_curve(VOICE)
    boiled = evidence.trace(name)
    if boiled is None:
        return too_short(VOICE, evidence, name)
    hump = _hump(boiled)
    facts = {"points": float(boiled.count), "alpha": ALPHA}
    if hump is None or hump.weakest < SCREEN or min(hump.rise, hump.fall) < SMALLEST * boiled.drop:
        return VOICE.absent(f"{name} shows no rise and fall beyond its noise (screened).", facts, metric=name)
    facts |= {"rise": hump.rise, "fall": hump.fall}
    if _rate_rises(boiled, hump):
        return VOICE.absent(
            f"{name} rises and falls where the learning rate is raised: not double descent.", facts, metric=name
        )
    if _training_shares(evidence, boiled, hump):
        return VOICE.absent(f"{name} rises and falls, but so does training: not double descent.", facts, metric=name)
    try:
        tested = bump_test(evidence.run[name], alpha=ALPHA, replicates=REPLICATES)
    except DataError as refused:  # values whose squares overflow
        return VOICE.undecided(f"{name} rises and falls, but cannot be tested: {refused.what}.", facts, metric=name)
    p_value = tested.p_value if np.isfinite(tested.p_value) else None
    if tested.verdict == "undecided":
        return VOICE.undecided(
            f"{name} rises and falls, but cannot be tested: {'; '.join(tested.reasons) or 'no noise model'}.",
            facts,
            metric=name,
            p_value=p_value,
        )
    facts |= {"statistic": tested.statistic, "rho": tested.rho, "max_rise": tested.max_rise}
    if tested.verdict == "absent":
        return VOICE.absent(
            f"{name} rises and falls no more than correlated noise about a falling curve does.",
            facts,
            metric=name,
            p_value=p_value,
        )
    return _present(evidence, name, tested, facts)


def _present(evidence: Evidence, name: str, tested: BumpTest, facts: dict[str, float]) -> Diagnosis:
    unit = evidence.run[name].x_unit
    minimum, peak, recovery = tested.first_minimum, tested.peak, tested.recovery
    where = tuple(
        e for e in (peak, minimum, recovery) if e is not None and e.value is not None and e.interval is not None
    )
    numbers = dict(facts)
    for e in (minimum, peak, recovery, tested.height, tested.prominence):
        if e is not None and e.value is not None:
            numbers[e.name] = e.value
    score = evidence.run[name].direction == "max"
    text = f"{name} {'falls' if score else 'rises'}"
    if tested.prominence is not None and tested.prominence.value is not None:
        text += f" by {number(tested.prominence.value)}"
    if minimum is not None and minimum.value is not None:
        text += f" after {unit} {number(minimum.value)}"
    if peak is not None and peak.value is not None:
        text += f", {'bottoms out' if score else 'peaks'} at {unit} {number(peak.value)}"
    text += " and comes back"
    if recovery is not None and recovery.value is not None:
        text += f", to where it turned by {unit} {number(recovery.value)}"
    return VOICE.present(f"{text}.", ADVICE, numbers, metric=name, where=where, p_value=tested.p_value)


def _hump(boiled: Trace) -> _Hump | None:
    """The bin whose local mean stands highest above the lowest before and the lowest after it, whichever is less."""
    local = boiled.local
    first = 2 if len(boiled) >= 16 else 1  # the first values are not a minimum that the curve came down to
    lowest = np.minimum.accumulate(local)
    ahead = np.minimum.accumulate(local[::-1])[::-1]
    height = np.minimum(local - lowest, local - ahead)
    peak = int(np.argmax(height[first:-1])) + first if len(boiled) > first + 2 else 0
    if peak <= 0 or height[peak] <= 0:
        return None
    bottom = int(np.argmin(local[: peak + 1]))
    after = int(np.argmin(local[peak:])) + peak
    h = max(boiled.half_window, 1)

    def around(i: int) -> tuple[int, int]:
        return max(i - h, 0), min(i + h + 1, len(boiled))

    up, up_error = boiled.change(around(bottom), around(peak))
    down, down_error = boiled.change(around(peak), around(after))
    each = [size / error if error > 0 else np.inf for size, error in ((up, up_error), (-down, down_error))]
    return _Hump(bottom, peak, after, up, -down, float(min(each)))


def _rate_rises(boiled: Trace, hump: _Hump) -> bool:
    """Whether the learning rate is raised between the minimum and the peak, or just before."""
    slack = max(len(boiled) // 16, 2)
    return any(
        (s.phase.rising or s.phase.after_rise) and s.start <= hump.peak and s.stop > hump.bottom - slack and s.start > 0
        for s in boiled.spans
    )


def _training_shares(evidence: Evidence, boiled: Trace, hump: _Hump) -> bool:
    """Whether training gets worse on the way up, beyond noise and by a comparable share of its own drop."""
    if evidence.training is None:
        return False
    train = evidence.trace(evidence.training)
    if train is None:
        return False
    a, b = (int(np.searchsorted(train.x, boiled.x[i])) for i in (hump.bottom, hump.peak))
    if b - a < 3:
        return False
    slope, stderr = line(train, a, b)
    climb = slope * float(train.at[b - 1] - train.at[a])
    return slope > 3 * stderr and climb / max(train.drop, 1e-300) > 0.25 * hump.rise / max(boiled.drop, 1e-300)
