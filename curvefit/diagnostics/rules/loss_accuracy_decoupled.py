"""Validation loss gets worse while validation accuracy holds or improves."""

from __future__ import annotations

from typing import Final

import numpy as np

from ...curves import Estimate
from .._scan import line
from .._trace import Trace, oriented
from .._turns import Turn, distinct, turns_of
from ..diagnosis import Diagnosis
from ..evidence import Evidence
from ._base import ALPHA, Voice, place
from ._text import lacking, number, plus_minus, too_short, without

__all__ = ["SEVERITY", "loss_accuracy_decoupled"]

SEVERITY: Final = "warning"
VOICE = Voice("loss_accuracy_decoupled", SEVERITY)

SMALLEST = 0.01  # of the total drop of the loss
SCAN = (
    2 * ALPHA
)  # the rise is that of overfitting: both rules are wrong together, and one false alarm takes the share of both
HOLDS = 0.02  # of the total gain of the accuracy: what it may lose and still be said to hold
ADVICE = (
    "The model grows too sure of its mistakes, or its confidence drifts while its decisions do not. Choose the metric that "
    "matters and stop on that one; label smoothing, temperature scaling or mixup keep the loss in step."
)


def loss_accuracy_decoupled(evidence: Evidence) -> Diagnosis:
    r"""Test for a rise of the loss that lasts to the end of a phase, over which the accuracy does not fall.

    .. math:: p_\mathrm{rise} < 2 \alpha, \qquad
              \Delta a + 2\,\mathrm{se}(\Delta a) > 0, \qquad \Delta a > -0.02\,\text{gain}_a

    with the change of the accuracy by a line over the same x.

    Parameters
    ----------
    evidence : Evidence
        Validation loss and validation accuracy.

    Returns
    -------
    Diagnosis
        Where: the minimum of the loss in each phase of the learning rate in which the two part.

    Notes
    -----
    The rise is that of overfitting, tested over hinges and phases under AR(1) noise; a healthy loss never rises while
    the rate does not, whatever its shape.
    """
    loss, score = evidence.validation, evidence.score
    if loss is None or score is None or score == loss or evidence.run[loss].kind not in ("loss", "error"):
        if loss is None:
            return without(VOICE, lacking(evidence))
        there = evidence.run[loss].kind in ("loss", "error")
        return without(VOICE, f"a validation {'accuracy' if there else 'loss'} beside {loss}")
    boiled, other = evidence.trace(loss), evidence.trace(score)
    if boiled is None or other is None:
        return too_short(VOICE, evidence, loss if boiled is None else score)
    turns = turns_of(boiled, oriented(evidence.run[loss]))
    p_value = min((t.p_value for t in turns), default=1.0)
    facts = {"points": float(boiled.count), "alpha": SCAN}
    rising = distinct(
        [
            t
            for t in turns
            if t.p_value < SCAN and t.size > SMALLEST * boiled.drop and t.recovered < 0.5 and t.jump < 0.7
        ]
    )
    if not rising:
        return VOICE.absent(f"{loss} does not rise beyond its noise.", facts, metric=loss, p_value=p_value)
    changes = [(t, _change(boiled, other, t)) for t in rising]
    parted = [(t, c) for t, c in changes if c is not None and -c[0] > -HOLDS * other.drop and -c[0] + 2 * c[1] > 0]
    if not parted:
        if all(c is None for _, c in changes):
            return VOICE.undecided(
                f"{score} has fewer than 4 points while {loss} rises; more would tell whether it holds.",
                facts,
                metric=loss,
            )
        return VOICE.absent(f"{loss} rises, and {score} falls with it.", facts, metric=loss, p_value=p_value)
    turn, change = parted[-1]
    assert change is not None
    gained, error = -change[0], change[1]
    where = tuple(_place(evidence, loss, boiled, t) for t, _ in parted)
    onset = where[-1].value or 0.0
    facts |= {
        "onset": onset,
        "loss_rise": turn.size,
        "loss_rise_stderr": turn.stderr,
        "accuracy_change": gained,
        "accuracy_change_stderr": error,
        "phases": float(len(parted)),
    }
    does = f"improves by {number(gained)}" if gained > 2 * error else "holds"
    unit = evidence.run[loss].x_unit
    until = f" until {unit} {number(turn.span.phase.stop)}" if np.isfinite(turn.span.phase.stop) else ""
    return VOICE.present(
        f"From about {unit} {number(onset)}{until} {loss} rises by {plus_minus(turn.size, 1.96 * turn.stderr)} while "
        f"{score} {does}.",
        ADVICE,
        facts,
        metric=loss,
        where=where,
        p_value=p_value,
    )


def _change(boiled: Trace, other: Trace, turn: Turn) -> tuple[float, float] | None:
    """Change of the accuracy (oriented: negative is better) over the x of the rise, and its standard error."""
    low, high = float(boiled.x[turn.bottom]), float(boiled.x[turn.span.stop - 1])
    a, b = (int(v) for v in np.searchsorted(other.x, [low, high + 1e-9 * abs(high)]))
    if b - a < 4:
        return None
    slope, stderr = line(other, a, b)
    reach = float(other.at[b - 1] - other.at[a])
    return slope * reach, stderr * reach


def _place(evidence: Evidence, name: str, boiled: Trace, turn: Turn) -> Estimate:
    """The minimum of the loss, with the bins whose local mean cannot be told from it."""
    inside = slice(turn.first, turn.span.stop)
    local, error = boiled.local[inside], boiled.local_stderr[inside]
    k = turn.bottom - turn.first
    near = np.flatnonzero(local - local[k] < 1.96 * np.hypot(error, error[k]))
    x = boiled.x[inside]
    after = np.flatnonzero(np.diff(near) > 1)
    group = next((g for g in np.split(near, after + 1) if k in g), near)
    return place(
        "decoupling_onset",
        float(x[k]),
        float(x[group[0]]),
        float(x[group[-1]]),
        evidence.run[name].x_unit,
        method="local mean",
    )
