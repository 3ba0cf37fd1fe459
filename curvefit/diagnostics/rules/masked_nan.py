"""The loss is logged as exactly 0, or frozen, while the gradient norm is not finite."""

from __future__ import annotations

from typing import Final

import numpy as np

from ...curves import Curve
from ...curves.curve import Flag
from ..diagnosis import Diagnosis
from ..evidence import Evidence
from ._base import Voice, stretch
from ._text import no_curve, number

__all__ = ["SEVERITY", "masked_nan"]

SEVERITY: Final = "error"
VOICE = Voice("masked_nan", SEVERITY)

LONG = 3  # exact zeros at the end, after positive values, that no loss reaches by learning
ADVICE = (
    "The trainer's log filter hides NaN: turn it off, restart from the last finite checkpoint with a lower "
    "learning rate or gradient clipping, and inspect the batch at the onset."
)


def masked_nan(evidence: Evidence) -> Diagnosis:
    """Look for losses that are exactly 0 or repeat exactly where the gradient norm is NaN or infinite.

    Parameters
    ----------
    evidence : Evidence
        The training curve (else the main one), its flags, and the gradient norm where logged.

    Returns
    -------
    Diagnosis
        Where: the first such x.

    Notes
    -----
    A fact of the log, not a test. Without a gradient norm, three or more exact zeros at the end of a loss that was
    positive and noisy before are taken for a mask; a frozen value alone is undecided.
    """
    name = evidence.progress
    if name is None:
        return no_curve(VOICE)
    curve = evidence.run[name]
    if not len(curve):
        return VOICE.undecided(f"{name} has no finite value to look at.", {"points": 0.0}, metric=name)
    flagged = np.flatnonzero(curve.flags & int(Flag.MASKED_NAN))
    if flagged.size:
        return _present(curve, int(flagged[0]), "as its reader found", flagged.size)
    start = _frozen_from(curve)
    norm = evidence.gradient_norm
    bad = norm.nonfinite_x if norm is not None else np.zeros(0)
    frozen = curve.y.size - start
    facts = {"points": float(len(curve)), "frozen_points": float(frozen), "nonfinite_gradients": float(bad.size)}
    if bad.size:
        hidden = np.flatnonzero(np.isin(curve.x, bad) & ((curve.y == 0) | (np.arange(curve.y.size) >= start)))
        if hidden.size:
            return _present(curve, int(hidden[0]), "while the gradient norm is not finite", hidden.size)
        return VOICE.absent(
            f"The gradient norm is not finite at {bad.size} points, but {name} goes on changing there.",
            facts,
            metric=name,
        )
    if curve.kind in ("loss", "error") and frozen >= LONG and start > 0:
        if curve.y[-1] == 0 and np.all(curve.y[:start] > 0) and np.median(curve.y[:start]) > 0:
            noisy = np.count_nonzero(np.diff(curve.y[:start])) >= 0.9 * max(start - 1, 1)
            sudden = curve.y[start - 1] > 0.01 * float(np.median(curve.y[:start]))
            if noisy and sudden:
                return _present(curve, start, "after values that were positive", frozen)
        elif frozen >= 5 and np.count_nonzero(np.diff(curve.y[:start])) >= 0.9 * max(start - 1, 1) and start >= 5:
            return VOICE.undecided(
                f"{name} repeats {number(float(curve.y[-1]))} exactly at its last {frozen} points; the gradient norm in the log "
                "would tell a mask from a stop.",
                facts,
                metric=name,
            )
    return VOICE.absent(f"No value of {name} looks like a mask.", facts, metric=name)


def _frozen_from(curve: Curve) -> int:
    """Index from which the values repeat the last one exactly."""
    different = np.flatnonzero(curve.y != curve.y[-1])
    return int(different[-1]) + 1 if different.size else 0


def _present(curve: Curve, first: int, why: str, count: int) -> Diagnosis:
    x = float(curve.x[first])
    before = float(curve.x[first - 1]) if first else x
    return VOICE.present(
        f"{curve.metric.name} is logged as exactly {number(float(curve.y[first]))} from {curve.x_unit} {number(x)} on, {why}: "
        "the true loss is NaN.",
        ADVICE,
        {"first_x": x, "masked_points": float(count), "last_true_value": float(curve.y[first - 1]) if first else 0.0},
        metric=curve.metric.name,
        where=(stretch("masked_nan", x, before, x, curve.x_unit, method="logged values"),),
        p_value=0.0,
    )
