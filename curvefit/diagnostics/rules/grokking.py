"""Validation improves long after training was done improving."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np

from .._phases import Phase
from .._scan import student_tail
from .._trace import Trace
from .._traces import trace
from ..diagnosis import Diagnosis
from ..evidence import Evidence
from ._base import ALPHA, Voice, place
from ._text import number, percent, too_short

__all__ = ["SEVERITY", "grokking"]

SEVERITY: Final = "info"
VOICE = Voice("grokking", SEVERITY)

SATURATED = 0.9  # of the total drop of training
LATER = 0.5  # of the total drop of validation that must come after that
FOLLOWS = 0.25  # of it: what a validation curve that follows training may still gain then
PLACES = 8.0  # as many independent ones as a scan for a step is worth
RATIO = 2.0  # of the x of the jump over the x of saturation
ADVICE = (
    "Generalization came long after the training set was learned: train longer before giving up on a flat validation "
    "curve, and raise the weight decay, which makes it come earlier."
)


def grokking(evidence: Evidence) -> Diagnosis:
    r"""Test that most of what validation gained came after training was saturated.

    .. math:: p = K\,P\Big(t_\nu > \frac{\Delta_\text{later} - 0.25\,(\Delta_\text{later} + \Delta_\text{earlier})}
              {\mathrm{se}}\Big), \qquad x_\mathrm{jump} \ge 2\,x_\mathrm{sat}

    with saturation at nine tenths of the drop of training, and the jump where validation falls into two levels best
    after that, over places worth K = 8 independent ones.

    Parameters
    ----------
    evidence : Evidence
        Training curve, and validation loss or accuracy.

    Returns
    -------
    Diagnosis
        Where: the x of saturation and the x of the jump.

    Notes
    -----
    On a healthy run validation follows training, so that about a tenth of its gain comes after saturation. The standard
    error of the later gain is that of a difference of means under AR(1) noise. The test is against a quarter of all that
    was gained, and at least half of it must have come later. Loss and accuracy are both looked at.
    """
    train_name = evidence.training
    names = [n for n in dict.fromkeys((evidence.score, evidence.validation)) if n is not None]
    if train_name is None or not names:
        return VOICE.undecided("A training and a validation curve are needed to see one lag behind the other.")
    train = evidence.trace(train_name)
    if train is None:
        return too_short(VOICE, evidence, train_name)
    answers = [_one(evidence, train, train_name, name, ALPHA / len(names)) for name in names]
    return next((a for a in answers if a.present), next((a for a in answers if a.p_value is not None), answers[0]))


def _one(evidence: Evidence, train: Trace, train_name: str, name: str, alpha: float) -> Diagnosis:
    val = evidence.trace(name)
    if val is None:
        return too_short(VOICE, evidence, name)
    first = max(float(train.local[0]), float(train.trend[0]))
    done = first - SATURATED * (first - float(train.local.min()))
    saturated = int(np.argmax(train.local <= done))
    x_train = float(train.x[saturated])
    k = int(np.searchsorted(val.x, x_train, side="right"))
    m = len(val)
    facts = {"training_saturated": x_train, "alpha": alpha}
    if k < 1 or m - k < 6:
        return VOICE.absent(f"{train_name} improves almost to the end.", facts, metric=name, p_value=1.0)
    jump, cut = _jump(evidence, name, val, k)
    # a jump is not noise: the size of that is measured with the jump on its own
    at = int(np.searchsorted(cut.x, val.x[jump]))
    start = min(int(np.searchsorted(cut.x, x_train, side="right")), at - 2)
    before, after = cut.level(max(start, 0), at), cut.level(at, len(cut))
    later, stderr = before[0] - after[0], float(np.hypot(before[1], after[1]))
    earlier, error = _earlier(cut, max(start, 1), before)
    excess = later * (1 - FOLLOWS) - FOLLOWS * earlier
    error = float(np.hypot(stderr * (1 - FOLLOWS), FOLLOWS * error))
    p_value = min(1.0, PLACES * student_tail(excess / error, cut.dof)) if error > 0 else float(excess <= 0)
    gained = later + earlier
    facts |= {"gained_later": later, "gained_later_stderr": stderr, "gained": gained}
    begin = float(min(train.x[0], val.x[0]))
    origin = 0.0 if begin >= 0 else begin
    x_jump = float(val.x[jump])
    ratio = (x_jump - origin) / max(x_train - origin, 1e-300)
    facts |= {"jump": x_jump, "ratio": min(ratio, 1e9)}
    if p_value >= alpha or ratio < RATIO or later < LATER * gained:
        share = (
            f"{percent(max(later, 0.0) / gained)} of what {name} gained"
            if gained > 0 and later < gained
            else "nothing certain"
        )
        return VOICE.absent(
            f"{share[:1].upper()}{share[1:]} came after {train_name} was saturated.",
            facts,
            metric=name,
            p_value=p_value,
        )
    h = max(val.half_window, 1)
    unit = evidence.run[name].x_unit
    edges = [max(jump - 2 * h, 0), min(jump + 2 * h, m - 1)]
    around = [max(saturated - 1, 0), min(saturated + 1, len(train) - 1)]
    return VOICE.present(
        f"{name} improves by {number(later)} around {unit} {number(x_jump)}, {ratio:.1f} times as late as {train_name} was "
        f"saturated ({number(x_train)}).",
        ADVICE,
        facts,
        metric=name,
        where=(
            place("training_saturated", x_train, float(train.x[around[0]]), float(train.x[around[1]]), unit),
            place("validation_jump", x_jump, float(val.x[edges[0]]), float(val.x[edges[1]]), unit, method="step"),
        ),
        p_value=p_value,
    )


def _jump(evidence: Evidence, name: str, val: Trace, k: int) -> tuple[int, Trace]:
    """The bin at which the curve after saturation falls into two levels best, and the curve boiled down on either side.

    The stretch around the jump is a piece of its own there: it takes its time, which is neither noise nor correlation.
    """
    y, w = val.y[k:], val.weight[k:] ** -2.0
    total, moment = np.cumsum(w), np.cumsum(w * y)
    left = moment[:-1] / total[:-1]
    right = (moment[-1] - moment[:-1]) / (total[-1] - total[:-1])
    gain = (left - right) * np.sqrt(total[:-1] * (total[-1] - total[:-1]) / total[-1])
    inner = slice(1, max(y.size - 2, 2))
    jump = k + 1 + 1 + int(np.argmax(gain[inner]))
    reach = max(len(val) // 24, 1)
    cuts = [float(val.x[i]) for i in (jump - reach, jump + reach) if 4 <= i < len(val) - 4]
    cut = trace(evidence.run[name], [Phase(a, b) for a, b in pairwise([-np.inf, *cuts, np.inf])])
    return jump, cut if cut is not None else val


def _earlier(val: Trace, k: int, before: tuple[float, float]) -> tuple[float, float]:
    """What validation had gained when training was saturated, and its standard error; at least 0.

    Of beginnings of several lengths the one that stands highest by more than its noise.
    """
    begins = [val.level(0, w) for w in (1, 2, 4, 8) if w <= max(k, 1)]
    level, error = max(begins, key=lambda one: one[0] - 2 * one[1])
    gained = level - error - before[0]
    return (gained, float(np.hypot(error, before[1]))) if gained > 0 else (0.0, 0.0)
