"""Validation has levelled off while training goes on improving, and the gap grows."""

from __future__ import annotations

from typing import Final

import numpy as np

from .._scan import line, rise, student_tail
from .._trace import Trace
from .._where import kink_ends
from ..diagnosis import Diagnosis
from ..evidence import Evidence
from ._base import ALPHA, Voice, place
from ._text import number, pair, percent

__all__ = ["SEVERITY", "overfitting_plateau"]

SEVERITY: Final = "warning"
VOICE = Voice("overfitting_plateau", SEVERITY)

GROWTH = 0.05  # of the total drop of training: a gap that grows by less is of no consequence
FOLLOWS = 0.5  # of the slope of training: validation that improves by as much follows it, and that must be excluded
LEVEL = 0.25  # the same as estimated: validation that improves by more has not levelled off
EACH = 0.01  # significance of either slope
_LEAST = 8  # bins of a phase
ADVICE = (
    "More steps at this setting teach the training set only: regularize more (weight decay, dropout, augmentation), get "
    "more data, or stop at the onset."
)


def overfitting_plateau(evidence: Evidence) -> Diagnosis:
    r"""Test that the gap grows, that training improves, and that validation follows by less than half of it.

    .. math:: p = 4\,P\Big(t_\nu > \max_{b,c} \frac{\hat\beta^\mathrm{gap}_{bc}}{\mathrm{se}}\Big), \qquad
              \frac{\hat\beta_v - 0.5\,\hat\beta_t}{\sqrt{\mathrm{se}_v^2 + 0.5^2\,\mathrm{se}_t^2}} > t_{.01}

    with hinges of the gap to the end of the last long phase of the learning rate.

    Parameters
    ----------
    evidence : Evidence
        Validation curve and its training partner.

    Returns
    -------
    Diagnosis
        Where: the onset of the growth of the gap, the hinge that fits best.

    Notes
    -----
    On a healthy run both curves improve in proportion, so that the second test fails; the gap alone grows on healthy runs
    too; by its estimate validation improves by less than a quarter of what training does. Errors are those of slopes under
    AR(1) noise at its cautious correlation. Validation that gets worse is
    overfitting, not this.
    """
    curves = pair(VOICE, evidence)
    if isinstance(curves, Diagnosis):
        return curves
    val_name, val, train_name, train = curves
    gap = evidence.gap
    span = None if gap is None else next((s for s in reversed(gap.spans) if len(s) >= max(_LEAST, len(gap) // 5)), None)
    if gap is None or span is None or span.phase.rising:
        return VOICE.undecided(
            f"{val_name} and {train_name} share too few x in one phase of the learning rate; {_LEAST} would do.",
            metric=val_name,
        )
    up = rise(gap, span.start, span.stop)
    if up is None:
        return VOICE.undecided(f"{_LEAST} common x in one phase would decide it.", metric=val_name)
    onset = _onset(gap, span.start, span.stop)
    slopes = [_slope(t, float(gap.x[onset]), float(gap.x[span.stop - 1])) for t in (val, train)]
    facts = {"points": float(gap.count), "alpha": ALPHA}
    if slopes[0] is None or slopes[1] is None:
        return VOICE.absent(
            f"The gap between {val_name} and {train_name} does not grow.", facts, metric=val_name, p_value=up.p_value
        )
    (sv, ev), (st, et) = slopes[0], slopes[1]  # per share of the window: the change over it
    parted, error = sv - FOLLOWS * st, float(np.hypot(ev, FOLLOWS * et))
    p_parted = student_tail(parted / error, val.dof) if error > 0 else float(parted <= 0)
    p_train = student_tail(-st / et, train.dof) if et > 0 else float(st >= 0)
    growth = sv - st
    facts |= {
        "validation_change": sv,
        "validation_change_stderr": ev,
        "training_change": st,
        "training_change_stderr": et,
        "gap_growth": growth,
    }
    p_value = max(up.p_value, min(1.0, p_parted * ALPHA / EACH), min(1.0, p_train * ALPHA / EACH))
    matters = growth > GROWTH * train.drop and sv > LEVEL * st
    if p_value < ALPHA and matters:
        unit = evidence.run[val_name].x_unit
        at = float(gap.x[onset])
        return VOICE.present(
            f"{val_name} hardly moves after {unit} {number(at)} while {train_name} goes on improving by {number(-st)}"
            + (f", {percent(-st / train.drop)} of all it has gained." if train.drop > 0 else "."),
            ADVICE,
            {**facts, "onset": at},
            metric=val_name,
            where=(
                place(
                    "parting_onset",
                    at,
                    *_ends(gap, span.start, span.stop),
                    unit,
                    method="hinge of the gap under two laws",
                ),
            ),
            p_value=p_value,
        )
    if not matters or p_train > 0.2 or sv + 2 * ev < FOLLOWS * st:
        why = "training no longer improves" if p_train > 0.2 else "validation follows training or the gap hardly grows"
        return VOICE.absent(f"No parting of the two curves: {why}.", facts, metric=val_name, p_value=p_value)
    return VOICE.undecided(
        f"Whether {val_name} still follows {train_name} cannot be told from the noise; more points, or a larger evaluation "
        "set, would decide it.",
        facts,
        metric=val_name,
        p_value=p_value,
    )


def _onset(gap: Trace, start: int, stop: int) -> int:
    """The hinge that fits the gap best, beside a curve that saturates."""
    at, w = gap.at[start:stop], 1.0 / gap.weight[start:stop]
    y = gap.y[start:stop] * w
    saturating = np.log((at + 1.0) / gap.count)
    knots = at[2 : stop - start - 3]
    if not knots.size:
        return start
    q = np.linalg.qr(np.column_stack([np.ones(at.size), saturating]) * w[:, None])[0]
    hinges = np.maximum(at[:, None] - knots, 0.0) * w[:, None]
    hinges -= q @ (q.T @ hinges)  # one column per knot, orthogonal to what is the same for all
    rest = y - q @ (q.T @ y)
    rss = float(rest @ rest) - (rest @ hinges) ** 2 / (hinges**2).sum(axis=0)
    return start + 2 + int(np.argmin(rss))


def _ends(gap: Trace, start: int, stop: int) -> tuple[float, float]:
    """Ends of the interval of the hinge, in x."""
    if stop - start < 8:
        return float(gap.x[start]), float(gap.x[stop - 1])
    low, high = np.interp(kink_ends(gap, start, stop), np.ceil(gap.at), gap.x)
    return float(low), float(high)


def _slope(one: Trace, low: float, high: float) -> tuple[float, float] | None:
    """Change over a stretch of x by a straight line through it, and its standard error."""
    a, b = (int(v) for v in np.searchsorted(one.x, [low, high * (1 + 1e-12)]))
    b = max(b, a)
    if b - a < 4:
        return None
    slope, stderr = line(one, a, b)
    reach = float(one.at[b - 1] - one.at[a])
    return slope * reach, stderr * reach
