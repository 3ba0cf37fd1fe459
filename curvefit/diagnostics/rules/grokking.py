"""Validation improves long after training was done improving."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np

from .._phases import Phase
from .._scan import student_tail
from .._trace import Trace, trace
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
RATIO = 2.0  # of the x of the jump over the x of saturation
ADVICE = (
    "Generalization came long after the training set was learned: train longer before giving up on a flat validation "
    "curve, and raise the weight decay, which makes it come earlier."
)


def grokking(evidence: Evidence) -> Diagnosis:
    r"""Test that most of what validation gained came after training was saturated.

    .. math:: \frac{(\bar v_\mathrm{sat} - \bar v_\mathrm{end}) - 0.25\,\text{drop}_v}{\mathrm{se}} > t_\alpha, \qquad
              x_\mathrm{jump} \ge 2\,x_\mathrm{sat}

    with saturation at nine tenths of the drop of training and the jump where half of what came later has come.

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
    error of the later gain is that of a difference of means under AR(1) noise. The test is against a quarter of the
    drop, and at least half of it must have come later. Loss and accuracy are both looked at.
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
    width = max(min((m - k) // 6, m // 10), 2)
    low = int(np.argmin(val.local[k:])) + k
    end = (min(max(low - width // 2, k + width), m - width), min(max(low - width // 2, k + width), m - width) + width)
    before = (k, k + width)
    later = val.level(*before)[0] - val.level(*end)[0]
    gained = max(val.drop, later)
    middle = val.level(*before)[0] - later / 2
    crossed = np.flatnonzero(val.local[k:] <= middle)
    jump = k + int(crossed[0]) if crossed.size else m - 1
    apart, first_window, last_window = val, before, end
    if later > LATER * gained and 0 < jump < m - 1:  # a jump is not noise: each side gets a trend of its own
        cut = _apart(evidence, name, val, jump)
        if cut is not None:
            apart, first_window, last_window = cut, _same(val, cut, before), _same(val, cut, end)
    stderr = apart.change(first_window, last_window)[1]
    excess = later - FOLLOWS * gained
    error = float(np.hypot(stderr, FOLLOWS * apart.level(0, min(2 * val.half_window + 1, m))[1]))
    p_value = student_tail(excess / error, val.dof) if error > 0 else float(excess <= 0)
    facts |= {"gained_later": later, "gained_later_stderr": stderr, "gained": gained}
    start = float(min(train.x[0], val.x[0]))
    origin = 0.0 if start >= 0 else start
    x_jump = float(val.x[jump])
    ratio = (x_jump - origin) / max(x_train - origin, 1e-300)
    facts |= {"jump": x_jump, "ratio": min(ratio, 1e9)}
    if p_value >= alpha or ratio < RATIO or later < LATER * gained:
        share = f"{percent(max(later, 0.0) / gained)} of what {name} gained" if gained > 0 else "nothing"
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
            place("validation_jump", x_jump, float(val.x[edges[0]]), float(val.x[edges[1]]), unit, method="half-way"),
        ),
        p_value=p_value,
    )


def _apart(evidence: Evidence, name: str, val: Trace, jump: int) -> Trace | None:
    """The curve boiled down anew with the stretch around the jump on its own."""
    reach = max(len(val) // 12, 2)
    cuts = [float(val.x[i]) for i in (jump - reach, jump + reach) if 4 <= i < len(val) - 4]
    return trace(evidence.run[name], [Phase(a, b) for a, b in pairwise([-np.inf, *cuts, np.inf])])


def _same(one: Trace, other: Trace, window: tuple[int, int]) -> tuple[int, int]:
    """The bins of another trace over the same x."""
    a = int(np.searchsorted(other.x, one.x[window[0]]))
    b = int(np.searchsorted(other.x, one.x[window[1] - 1], side="right"))
    a = min(a, len(other) - 2)
    return a, min(max(b, a + 2), len(other))
