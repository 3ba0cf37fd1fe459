"""Validation improves long after training was done improving."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from ...fitting.autocorrelation import lag1
from .._scan import student_tail
from .._trace import Trace, cautious
from ..diagnosis import Diagnosis
from ..evidence import Evidence
from ._base import Voice, place, stretch
from ._text import lacking, number, percent, too_short, without

__all__ = ["SEVERITY", "grokking"]

SEVERITY: Final = "info"
VOICE = Voice("grokking", SEVERITY)

ALPHA_LATE = 0.01
SATURATED = 0.9  # of the total drop of training
LATER = 0.5  # of the total drop of validation that must come after that
FOLLOWS = 0.25  # of it: what a validation curve that follows training may still gain then
PLACES = 8.0  # as many independent ones as a scan for a step is worth, up to half as many more under slow noise
LARGER = 1.5  # than the difference of the levels before and after it, from which on it is no step
RATIO = 2.0  # of the x of the jump over the x of saturation
ADVICE = (
    "Generalization came long after the training set was learned: train longer before giving up on a flat validation "
    "curve, and raise the weight decay, which makes it come earlier."
)


def grokking(evidence: Evidence) -> Diagnosis:
    r"""Test that most of what validation gained came after training was saturated.

    .. math:: p = K\,P\Big(t_\nu > \frac{\Delta_\text{later} - 0.25\,(\Delta_\text{later} + \Delta_\text{earlier})}
              {\mathrm{se}}\Big), \qquad x_\mathrm{jump} \ge 2\,x_\mathrm{sat}

    with saturation at nine tenths of the drop of training, the later gain that of the best logistic step after it by
    generalized least squares, over places worth K = 8 independent ones (12 where neighbors are fully correlated).

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
    On a healthy run validation follows training, so that about a tenth of its gain comes after saturation. The noise and
    its correlation are those about the step and the logarithm of the position: no trend has bent to the jump. The test is
    against a quarter of all that was gained, and at least half of it must have come later. Loss and accuracy are both
    looked at. A decline that goes on all the while is no jump, however late: the step that fits it is larger than the
    difference between the levels before and after.
    """
    train_name = evidence.training
    names = [n for n in dict.fromkeys((evidence.score, evidence.validation)) if n is not None]
    if train_name is None or not names:
        return without(VOICE, "a training curve of the same kind" if names else lacking(evidence))
    train = evidence.trace(train_name)
    if train is None:
        return too_short(VOICE, evidence, train_name)
    answers = [_one(evidence, train, train_name, name, ALPHA_LATE / len(names)) for name in names]
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
    jump, later, stderr, own = _jump(val, k)
    before, after = own.level(k, jump), own.level(jump, m)
    earlier, error = _earlier(own, k, before)
    excess = later * (1 - FOLLOWS) - FOLLOWS * earlier
    error = float(np.hypot(stderr * (1 - FOLLOWS), FOLLOWS * error))
    p_value = (
        min(1.0, PLACES * (1 + own.rho_high / 2) * student_tail(excess / error, own.dof))
        if error > 0
        else float(excess <= 0)
    )
    gained = later + earlier
    facts |= {"gained_later": later, "gained_later_stderr": stderr, "gained": gained}
    begin = float(min(train.x[0], val.x[0]))
    origin = 0.0 if begin >= 0 else begin
    x_jump = float(val.x[jump])
    ratio = (x_jump - origin) / max(x_train - origin, 1e-300)
    facts |= {"jump": x_jump, "ratio": min(ratio, 1e9)}
    # a gradual decline is fitted by a step that is larger than what lies between the levels on both sides of it
    gradual = later - 2 * stderr > LARGER * (before[0] - after[0])
    if p_value >= alpha or ratio < RATIO or later < LATER * gained or gradual:
        if gradual:
            return VOICE.absent(
                f"{name} goes on improving gradually after {train_name} was saturated.", facts, metric=name, p_value=1.0
            )
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
    first = float(train.x[max(_surely(train, done) - train.half_window - 1, 0)])
    last = float(train.x[min(saturated + 1, len(train) - 1)])
    return VOICE.present(
        f"{name} improves by {number(later)} around {unit} {number(x_jump)}, {ratio:.1f} times as late as {train_name} was "
        f"saturated ({number(x_train)}).",
        ADVICE,
        facts,
        metric=name,
        where=(
            place("training_saturated", x_train, first, last, unit, method="local mean"),
            stretch(
                "validation_jump",
                x_jump,
                float(val.x[edges[0]]),
                float(val.x[edges[1]]),
                unit,
                method="window about the step",
            ),
        ),
        p_value=p_value,
    )


def _surely(train: Trace, done: float) -> int:
    """First bin whose local mean may be as low as that, for all its noise.

    Where a curve bends, a local mean lies above it until its window has passed: half a window more is to be allowed for.
    """
    return int(np.argmax(train.local - 1.96 * train.local_stderr <= done))


def _jump(val: Trace, k: int) -> tuple[int, float, float, Trace]:
    """First bin of the upper half of the best jump after bin k, its size and error, and the trace with the noise it leaves.

    A jump is not noise: beside the logarithm of the position and a logistic step, at the place and with the width that
    leave least, the noise has lost four degrees of freedom and no trend has bent to the jump. Its size is that beside a level,
    by generalized least squares, as of two levels where the noise is white.
    """
    y, weight, m = val.y[k:], val.weight[k:], val.y.size - k
    one, log = np.ones(m), np.log(val.at[k:] + 1.0)
    widths = np.array([0.1, 0.5, 1.0, 2.0, 4.0]) * max(m / 60, 0.5)
    center, width = (v.ravel() for v in np.meshgrid(np.arange(2, m - 2) - 0.5, widths))
    steps = 1.0 / (1.0 + np.exp(-np.clip((np.arange(m)[:, None] - center) / width, -50.0, 50.0)))
    scaled = np.column_stack([one, log, y, steps]) / weight[:, None]
    free, rho, best = max(m - 4, 2), 0.0, 0
    for _ in range(3):  # the place, then the correlation about it, then the place under that
        white = np.vstack([np.sqrt(1 - rho**2) * scaled[:1], scaled[1:] - rho * scaled[:-1]])
        q = np.linalg.qr(white[:, :2])[0]
        rest = white[:, 2:] - q @ (q.T @ white[:, 2:])
        power = np.maximum(np.sum(rest[:, 1:] ** 2, axis=0), 1e-12)
        part = rest[:, 1:].T @ rest[:, 0]
        best = int(np.argmax(np.where(part < 0, part**2 / power, 0.0)))
        q = np.linalg.qr(scaled[:, [0, 1, 3 + best]])[0]
        about = scaled[:, 2] - q @ (q.T @ scaled[:, 2])
        rho = cautious(lag1(about, parameters=4), free)
    shocks = about[1:] - rho * about[:-1]
    noise = float(np.sqrt((shocks @ shocks + (1 - rho**2) * about[0] ** 2) / max(free - 1, 1)))
    noise = max(noise, 1e-12 * float(np.max(np.abs(y), initial=0.0)))
    white = np.vstack([np.sqrt(1 - rho**2) * scaled[:1], scaled[1:] - rho * scaled[:-1]])
    level, column = white[:, 0] / np.linalg.norm(white[:, 0]), white[:, 3 + best]
    column = column - level * (level @ column)
    power = float(column @ column)
    size = -float(column @ white[:, 2]) / power
    own = replace(val, noise=noise, rho_high=rho, dof=max(free - 1, 1))
    return k + int(np.ceil(center[best])), size, noise / float(np.sqrt(power)), own


def _earlier(val: Trace, k: int, before: tuple[float, float]) -> tuple[float, float]:
    """What validation had gained when training was saturated, and its standard error; at least 0.

    Of beginnings of several lengths the one that stands highest by more than its noise.
    """
    begins = [val.level(0, w) for w in (1, 2, 4, 8) if w <= max(k, 1)]
    level, error = max(begins, key=lambda one: one[0] - 2 * one[1])
    gained = level - 2 * error - before[0]
    return (gained, float(np.hypot(error, before[1]))) if gained > 0 else (0.0, 0.0)
