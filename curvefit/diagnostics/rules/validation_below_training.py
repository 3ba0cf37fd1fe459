"""Validation loss below training loss over a stretch, beyond noise."""

from __future__ import annotations

from typing import Final

import numpy as np

from ...curves import Estimate
from .._scan import student_tail
from .._trace import Trace
from ..diagnosis import Diagnosis
from ..evidence import Evidence
from ._base import Voice, place
from ._text import number, pair

__all__ = ["SEVERITY", "validation_below_training"]

SEVERITY: Final = "info"
VOICE = Voice("validation_below_training", SEVERITY)

ALPHA_BELOW = 0.02
ADVICE = (
    "Not an error by itself: augmentation and dropout make training harder than validation, and a training loss averaged "
    "over an epoch lags behind. If neither is used, check that the splits do not overlap and that both are computed alike."
)


def validation_below_training(evidence: Evidence) -> Diagnosis:
    r"""Test the gap over windows of many lengths and places.

    .. math:: T = \max_w \frac{-\bar g_w}{\mathrm{se}(\bar g_w)}, \qquad p = K\,P(t_\nu > T)

    with g validation less training at the x of validation and K windows: from the start, to the end, and quarters.

    Parameters
    ----------
    evidence : Evidence
        Validation curve and its training partner.

    Returns
    -------
    Diagnosis
        Where: the x at which the gap crosses zero, with its uncertainty; none when it does not.

    Notes
    -----
    For an accuracy "below" means better all the same. Serial correlation of the gap enters through the standard errors
    of its means, the search through Bonferroni. The gap ends where the sum of training
    less validation is highest.
    """
    curves = pair(VOICE, evidence)
    if isinstance(curves, Diagnosis):
        return curves
    val_name, val, train_name, _ = curves
    gap = evidence.gap
    if gap is None or len(gap) < 8:
        return VOICE.undecided(
            f"{val_name} and {train_name} share fewer than 8 x; log them over the same range.", metric=val_name
        )
    m = len(gap)
    tried = {w: gap.level(*w) for w in _windows(m)}
    t = {w: -g / e if e > 0 else (np.inf if g < 0 else 0.0) for w, (g, e) in tried.items()}
    best = max(t, key=lambda w: t[w])
    p_value = min(1.0, len(t) * student_tail(min(t[best], 1e6), gap.dof))
    facts = {"largest_excess": -tried[best][0], "stderr": tried[best][1], "alpha": ALPHA_BELOW}
    if p_value >= ALPHA_BELOW:
        return VOICE.absent(
            f"{val_name} is not better than {train_name} beyond the noise.", facts, metric=val_name, p_value=p_value
        )
    first, end = best[0], _crossing(gap, best)
    facts["share_of_run"] = float((m if end is None else end[1]) - first) / m
    unit = evidence.run[val_name].x_unit
    since = f"from about {unit} {number(float(gap.x[first]))}" if first > 0.05 * m else ""
    stretch = f"{since} to the end" if since else "throughout"
    where: tuple[Estimate, ...] = ()
    if end is not None:
        low, middle, high = (float(gap.x[i]) for i in end)
        stretch = f"{since} until about {unit} {number(middle)}".lstrip()
        where = (place("validation_above_training", middle, low, high, unit, method="highest sum"),)
        facts["end"] = middle
    better = "above" if val.sign < 0 else "below"
    return VOICE.present(
        f"{val_name} lies {better} {train_name} by {number(-tried[best][0])} on average {stretch}.",
        ADVICE,
        facts,
        metric=val_name,
        where=where,
        p_value=p_value,
    )


def _windows(m: int) -> list[tuple[int, int]]:
    """From the start, to the end, and the quarters between; each of at least three bins."""
    lengths = sorted({max(m * k // 8, 3) for k in (1, 2, 3, 4, 6, 8)})
    ends = [(0, n) for n in lengths] + [(m - n, m) for n in lengths[:-1]]
    return list(dict.fromkeys([*ends, (m // 4, m // 2), (m // 2, 3 * m // 4)]))


def _crossing(gap: Trace, window: tuple[int, int]) -> tuple[int, int, int] | None:
    """First bin from which validation is no longer better, between those it cannot be told from; None if that never comes.

    Where the sum of training less validation since the window began is highest; the interval is where it is lower by
    less than twice its noise over that distance.
    """
    total = -np.cumsum(gap.y[window[0] :])
    top = int(np.argmax(total))
    if top >= total.size - 1:
        return None
    each = gap.noise * float(np.mean(gap.weight)) / (1.0 - gap.rho_high)
    k = np.arange(total.size)
    near = np.flatnonzero(total[top] - total <= 2.0 * each * np.sqrt(np.abs(k - top)))
    low, high = int(near[0]), min(int(near[-1]) + 1, total.size - 1)
    return window[0] + low, window[0] + top + 1, window[0] + max(high, top + 1)
