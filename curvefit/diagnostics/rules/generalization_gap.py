"""Validation is worse than training by a large and stable amount."""

from __future__ import annotations

from typing import Final

from .._scan import student_tail
from ..diagnosis import Diagnosis
from ..evidence import Evidence
from ._base import ALPHA, Voice
from ._text import number, pair, percent, plus_minus

__all__ = ["SEVERITY", "generalization_gap"]

SEVERITY: Final = "warning"
VOICE = Voice("generalization_gap", SEVERITY)

LARGE = 0.25  # of the total drop of training
MOVES = 0.25  # of the gap: a change by more from the second to the last third is no stable gap
ADVICE = (
    "Get more data or augment it, regularize (weight decay, dropout), use a smaller model; check that both splits come "
    "from the same distribution and that the metric is computed alike on both."
)


def generalization_gap(evidence: Evidence) -> Diagnosis:
    r"""Test the late gap against a quarter of what training has gained.

    .. math:: \frac{(\bar v - \bar t) - 0.25\,\text{drop}}{\sqrt{\mathrm{se}^2(\bar v) + \mathrm{se}^2(\bar t)}} > t_\alpha

    over the last third of the common range of x.

    Parameters
    ----------
    evidence : Evidence
        Validation curve and its training partner.

    Returns
    -------
    Diagnosis
        Evidence: the gap with its standard error, and its change over the last half.

    Notes
    -----
    Standard errors are those of means under AR(1) noise at its cautious correlation; the noise of the drop enters too. A
    gap a quarter of which is new is no stable one: overfitting or its plateau says more then.
    """
    curves = pair(VOICE, evidence)
    if isinstance(curves, Diagnosis):
        return curves
    val_name, val, train_name, train = curves
    late = evidence.late_gap(1 / 3)
    before = evidence.late_gap(2 / 3, 1 / 3)
    if late is None or before is None:
        return VOICE.undecided(
            f"{val_name} and {train_name} share too few x late in the run; log them over the same range.",
            metric=val_name,
        )
    gap, stderr = late
    drop, first = train.drop, train.level(0, min(2 * train.half_window + 1, len(train)))[1]
    excess, error = gap - LARGE * drop, float((stderr**2 + (LARGE * first) ** 2) ** 0.5)
    dof = min(val.dof, train.dof)
    p_value = student_tail(excess / error, dof) if error > 0 else float(excess <= 0)
    change = gap - before[0]
    facts = {
        "gap": gap,
        "gap_stderr": stderr,
        "drop": drop,
        "change": change,
        "change_stderr": float((stderr**2 + before[1] ** 2) ** 0.5),
        "alpha": ALPHA,
    }
    if drop > 0:
        facts["share_of_drop"] = gap / drop
    if p_value < ALPHA and drop > 0:
        if change > MOVES * gap:
            return VOICE.absent(
                f"The gap between {val_name} and {train_name} is large but still growing.",
                facts,
                metric=val_name,
                p_value=p_value,
            )
        return VOICE.present(
            f"{val_name} is worse than {train_name} by {plus_minus(gap, 1.96 * stderr)}, {percent(gap / drop)} of "
            "all that training has gained.",
            ADVICE,
            facts,
            metric=val_name,
            p_value=p_value,
        )
    if excess < 0:
        return VOICE.absent(
            f"{val_name} and {train_name} lie {number(abs(gap))} apart, within a quarter of what training has gained.",
            facts,
            metric=val_name,
            p_value=p_value,
        )
    return VOICE.undecided(
        f"The gap between {val_name} and {train_name} is about a quarter of what training has gained; more points or a "
        "larger evaluation set would tell on which side it lies.",
        facts,
        metric=val_name,
        p_value=p_value,
    )
