"""Validation turns for the worse beyond the noise while training goes on improving."""

from __future__ import annotations

from typing import Final

import numpy as np

from ...curves import Curve, Estimate
from ...estimands.api import estimate
from .._scan import line
from .._trace import Trace, oriented
from .._turns import Turn, distinct, turns_of
from ..diagnosis import Diagnosis
from ..evidence import Evidence
from ._base import ALPHA, Voice, place
from ._text import lacking, no_curve, number, percent, plus_minus, too_short, without

__all__ = ["SEVERITY", "overfitting"]

SEVERITY: Final = "warning"
VOICE = Voice("overfitting", SEVERITY)

SMALLEST = 0.01  # of the total drop: a rise below it is of no consequence
ADVICE = (
    "Keep the checkpoint at the onset (early stopping). Regularize more (weight decay, dropout, augmentation), "
    "get more data, or use a smaller model."
)


def overfitting(evidence: Evidence) -> Diagnosis:
    r"""Test for a rise of the validation metric that lasts to the end of a phase of the learning rate.

    .. math:: p = 4 K\, P\big(t_\nu > \max_{b,c} \hat\beta_{bc} / \mathrm{se}(\hat\beta_{bc})\big)

    over hinges from bin c on within K phases (`curvefit.diagnostics._scan.rise`), under AR(1) noise.

    Parameters
    ----------
    evidence : Evidence
        Validation and, where logged, training curve.

    Returns
    -------
    Diagnosis
        Where: the minimum of the local mean in each phase that turns, with the x that cannot be told from it.

    Notes
    -----
    A healthy mean never rises while the learning rate does not, so any decrease, in steps or not, is a valid null.
    Phases in which the rate rises are left out. A rise that training shares is no overfitting; a single jump, or a rise
    that is gone again by the end of its phase, is none either.
    """
    name = evidence.validation
    if name is None:
        return without(VOICE, lacking(evidence))
    if evidence.run[name].direction is None:
        return no_curve(VOICE)
    boiled = evidence.trace(name)
    if boiled is None:
        return too_short(VOICE, evidence, name)
    turns = turns_of(boiled, oriented(evidence.run[name]), evidence.known.rises.get(name))
    smallest = min((t.p_value for t in turns), default=1.0)
    facts = {"points": boiled.count, "effective_points": boiled.effective, "alpha": ALPHA}
    found = [t for t in turns if t.p_value < ALPHA and t.size > SMALLEST * boiled.drop]
    lasting = [t for t in found if t.recovered < 0.5 and t.jump < 0.7]
    shared = [t for t in lasting if _training_rises(evidence, boiled, t)]
    real = distinct([t for t in lasting if t not in shared])
    if real:
        return _present(evidence, name, boiled, real, smallest, facts)
    if shared:
        return VOICE.absent(
            "Validation rises, but so does training: not overfitting.", facts, metric=name, p_value=smallest
        )
    if found:
        why = "in a single jump" if found[-1].jump >= 0.7 else "but comes back within the same phase"
        return VOICE.absent(f"Validation rises {why}: not overfitting.", facts, metric=name, p_value=smallest)
    if not turns:
        return VOICE.undecided(
            "Every phase of the learning rate is too short, or the rate rises in it; a phase of constant or falling "
            "rate with at least 5 validation points would decide it.",
            facts,
            metric=name,
        )
    return _not_found(boiled, turns, name, smallest, facts)


def _training_rises(evidence: Evidence, boiled: Trace, turn: Turn) -> bool:
    """Whether training gets worse over the same x, beyond noise and by a comparable share of its own drop."""
    if evidence.training is None:
        return False
    train = evidence.trace(evidence.training)
    if train is None:
        return False
    a, b = (int(np.searchsorted(train.x, boiled.x[i])) for i in (turn.bottom, turn.span.stop - 1))
    if b - a < 3:
        return False
    slope, stderr = line(train, a, b)
    climb = slope * float(train.at[b - 1] - train.at[a])
    share = climb / max(train.drop, 1e-300)
    return slope > 3 * stderr and share > 0.25 * turn.size / max(boiled.drop, 1e-300)


def _present(
    evidence: Evidence, name: str, boiled: Trace, turns: list[Turn], p_value: float, facts: dict[str, float]
) -> Diagnosis:
    unit = evidence.run[name].x_unit
    where = tuple(_onset(evidence.run[name], boiled, t) for t in turns)
    main = turns[-1]
    onset = where[-1].value or 0.0
    score = "falls" if boiled.sign < 0 else "rises"
    share = main.size / boiled.drop if boiled.drop > 0 else float("inf")
    numbers = {
        **facts,
        "onset": onset,
        "rise": main.size,
        "rise_stderr": main.stderr,
        "best_level": boiled.sign * float(boiled.local[main.bottom]),
        "turns": len(turns),
        "lasts_to_end": float(main.span.stop == len(boiled)),
    }
    if np.isfinite(share):
        numbers["rise_share_of_drop"] = share
    rise = plus_minus(main.size, 1.96 * main.stderr)
    text = f"{name} {score} by {rise} after {unit} {number(onset)}"
    if np.isfinite(share):
        text += f" ({percent(share)} of all it had gained)"
    if len(turns) > 1:
        text += f", and in {len(turns) - 1} earlier phase{'s' if len(turns) > 2 else ''} of the learning rate"
    if np.isfinite(main.span.phase.stop):
        text += f", until the learning rate changes at {unit} {number(main.span.phase.stop)}"
    gain = _training_gain(evidence, boiled, main)
    if gain is None:
        text += ". No training curve is logged, so a drift of the data is not excluded."
    else:
        numbers["training_gain"] = gain
        text += ", while training " + ("goes on improving." if gain > 0 else "no longer improves.")
    return VOICE.present(text, ADVICE, numbers, metric=name, where=where, p_value=p_value)


def _training_gain(evidence: Evidence, boiled: Trace, turn: Turn) -> float | None:
    train = evidence.trace(evidence.training) if evidence.training is not None else None
    if train is None:
        return None
    a, b = (int(np.searchsorted(train.x, boiled.x[i])) for i in (turn.bottom, turn.span.stop - 1))
    if b - a < 2:
        return None
    return float(train.local[a] - train.local[min(b, len(train) - 1)])


def _onset(curve: Curve, boiled: Trace, turn: Turn) -> Estimate:
    """The best point of the phase, as the estimand of that name finds it, so that it is the checkpoint to keep."""
    low = boiled.x[turn.first] if turn.first else -np.inf
    high = boiled.x[turn.span.stop - 1] if turn.span.stop < len(boiled) else np.inf
    inside = (curve.x >= low) & (curve.x <= high)
    part = Curve(curve.x[inside], curve.y[inside], curve.metric, x_unit=curve.x_unit, bounds=curve.bounds)
    best = estimate(part, "best_point")
    x = float(boiled.x[turn.bottom]) if best.value is None else best.value
    ends = (x, x) if best.interval is None else (best.interval.low, best.interval.high)
    return place("overfitting_onset", x, *ends, curve.x_unit, method="local mean")


def _not_found(boiled: Trace, turns: list[Turn], name: str, p_value: float, facts: dict[str, float]) -> Diagnosis:
    """Absent only if a rise that matters would have been seen."""
    last = turns[-1]
    n = last.span.stop - last.span.start
    k = max(n // 4, 1)
    size, stderr = boiled.change((last.span.stop - 2 * k, last.span.stop - k), (last.span.stop - k, last.span.stop))
    most = max(size, 0.0) + 2.0 * stderr
    numbers = {**facts, "largest_rise_compatible": most}
    if boiled.drop > 0 and most < 0.1 * boiled.drop:
        return VOICE.absent(
            f"{name} has not turned: losing more than {percent(most / boiled.drop)} of what it has gained is excluded.",
            numbers,
            metric=name,
            p_value=p_value,
        )
    more = 2 * max(boiled.count, 8)
    return VOICE.undecided(
        f"{name} is too noisy or too short for it: a recent rise of up to {number(most)} would not be seen. About {more} "
        f"points, or a larger evaluation set, would decide it.",
        {**numbers, "points_needed": more},
        metric=name,
        p_value=p_value,
    )
