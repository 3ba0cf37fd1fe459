"""Validation gets worse, peaks, and comes down again below where it turned: double descent."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...curves import Curve, Estimate
from .._bump import Bump, bump
from .._rows import MAD, medians
from .._scan import line
from .._trace import Trace, oriented
from ..diagnosis import Diagnosis
from ..evidence import Evidence
from ._base import Voice, place
from ._text import no_curve, number, too_short

__all__ = ["SEVERITY", "double_descent"]

SEVERITY: Final = "info"
VOICE = Voice("double_descent", SEVERITY)

ALPHA_BUMP: Final = 0.01
SMALLEST = 0.01  # of the total drop
SCREEN = 2.5  # standard errors that rise and fall must both have, were the noise white, before a bump is fitted
SEEN = 1.25  # the same at the correlation about law and bump
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


def double_descent(evidence: Evidence) -> Diagnosis:
    r"""Test a falling law against law and bump, each with the correlation of the noise that suits it best.

    .. math:: T = 2 \max_\rho \ell(\text{law} + \text{bump}, \rho) - 2 \max_\rho \ell(\text{law}, \rho)

    against what curves without a bump show (`curvefit.diagnostics._bump`), only where the local mean rises and falls.

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
    The data themselves must rise and fall by two standard errors each: a misfit of the laws is no bump. A single value
    that is off, a bump that training shares, and one that follows a rise of the logged learning rate have another cause
    and are none.
    """
    name = evidence.validation or evidence.main
    if name is None:
        return no_curve(VOICE)
    boiled = evidence.trace(name)
    if boiled is None:
        return too_short(VOICE, evidence, name)
    hump = _hump(boiled)
    facts = {"points": float(boiled.count), "alpha": ALPHA_BUMP}
    if (
        hump is None
        or min(hump.rise, hump.fall) < 0.5 * SMALLEST * boiled.drop
        or _weakest(boiled, hump, _rough(boiled), 0.0) < SCREEN
    ):
        return VOICE.absent(f"{name} shows no rise and fall beyond its noise (screened).", facts, metric=name)
    facts |= {"rise": hump.rise, "fall": hump.fall}
    before = float(np.max(boiled.y[: hump.bottom + 1])) - float(boiled.local[hump.bottom])
    if hump.bottom < 1 or before < max(SMALLEST * boiled.drop, 0.25 * hump.rise):
        return VOICE.absent(f"{name} rises and falls, but did not fall before: a late descent.", facts, metric=name)
    if _rate_rises(boiled, hump):
        return VOICE.absent(
            f"{name} rises and falls where the learning rate is raised: not double descent.", facts, metric=name
        )
    if _training_shares(evidence, boiled, hump):
        return VOICE.absent(f"{name} rises and falls, but so does training: not double descent.", facts, metric=name)
    if _single(oriented(evidence.run[name]), boiled, hump):
        return VOICE.absent(f"{name} rises and falls by a single value: no bump.", facts, metric=name)
    found = bump(boiled, ALPHA_BUMP)
    p_value = 1.0 if found is None else found.p_value
    if found is not None:
        facts |= {"statistic": found.statistic, "rho": found.rho}
    small = found is None or min(found.rise, found.fall) < SMALLEST * boiled.drop
    if found is None or small or p_value >= ALPHA_BUMP or _weakest(boiled, hump, found.noise, found.rho) < SEEN:
        return VOICE.absent(
            f"{name} rises and falls no more than correlated noise about a falling curve does.",
            facts,
            metric=name,
            p_value=p_value,
        )
    return _present(evidence.run[name], name, found, facts)


def _present(curve: Curve, name: str, found: Bump, facts: dict[str, float]) -> Diagnosis:
    unit = curve.x_unit
    index = np.arange(len(curve), dtype=np.float64)
    where: list[Estimate] = []
    named = {"first_minimum": found.minimum, "peak": found.peak, "recovery": found.recovery}
    numbers = dict(facts)
    for (label, at), ends in zip(named.items(), found.intervals, strict=True):
        if np.isfinite(at) and np.all(np.isfinite(ends)):
            x, low, high = np.interp([at, *ends], index, curve.x).tolist()
            where.append(place(label, x, low, high, unit, method="redrawn noise"))
            numbers[label] = x
    where.sort(key=lambda e: e.name != "peak")  # the peak is where it is
    numbers |= {"prominence": found.rise}
    score = curve.direction == "max"
    text = f"{name} {'falls' if score else 'rises'} by {number(found.rise)}"
    if "first_minimum" in numbers:
        text += f" after {unit} {number(numbers['first_minimum'])}"
    if "peak" in numbers:
        text += f", {'bottoms out' if score else 'peaks'} at {unit} {number(numbers['peak'])}"
    text += " and comes back"
    if "recovery" in numbers:
        text += f", to where it turned by {unit} {number(numbers['recovery'])}"
    return VOICE.present(f"{text}.", ADVICE, numbers, metric=name, where=tuple(where), p_value=found.p_value)


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
    rise, fall = local[peak] - local[bottom], local[peak] - local[after]
    return _Hump(bottom, peak, after, float(rise), float(fall))


def _weakest(boiled: Trace, hump: _Hump, noise: float, rho: float) -> float:
    """The lesser of rise and fall of the local mean in standard errors, with innovations of that size and correlation."""
    peak, bottom, after = (boiled.local_error(i, noise, rho) for i in (hump.peak, hump.bottom, hump.after))
    errors = math.hypot(peak, bottom), math.hypot(peak, after)
    return min(size / max(error, 1e-300) for size, error in zip((hump.rise, hump.fall), errors, strict=True))


def _rough(boiled: Trace) -> float:
    """Size of the noise of a bin from second differences."""
    steps = boiled.y[1:] - boiled.y[:-1]
    return MAD * float(medians(np.abs((steps[1:] - steps[:-1]) / boiled.weight[1:-1]))) / math.sqrt(6.0)


def _single(y: NDArray[np.float64], boiled: Trace, hump: _Hump) -> bool:
    """Whether only one observation stands above half of the height: that is a spike."""
    inside = y[int(boiled.at[hump.bottom]) : int(boiled.at[hump.after]) + 1]
    foot = float(boiled.local[hump.bottom])
    return int(np.count_nonzero(inside > foot + 0.5 * (float(inside.max()) - foot))) < 2


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
