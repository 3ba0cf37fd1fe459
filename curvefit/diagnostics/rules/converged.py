"""Training and validation have both levelled off, with a gap that no longer changes."""

from __future__ import annotations

from typing import Final

from ...curves.numbers import format_probability
from .._leveling import CERTAIN, LIKELY, SLOW, SMALL
from .._scan import student_tail
from .._trace import Trace
from ..diagnosis import Diagnosis
from ..evidence import Evidence
from ._base import Voice
from ._text import lacking, no_curve, number, too_short, without

__all__ = ["SEVERITY", "converged"]

SEVERITY: Final = "info"
VOICE = Voice("converged", SEVERITY)

ALPHA_LEVEL = 0.05


def converged(evidence: Evidence) -> Diagnosis:
    r"""Test that every curve is level and that the gap between them is stable.

    .. math:: \max_c P(\text{gain left}_c \ge 0.02\,\text{drop}_c) < 0.05
              \quad\text{and}\quad P(|\Delta \text{gap}| \ge 0.05\,\text{drop}) < 0.05

    Parameters
    ----------
    evidence : Evidence
        The main curve with its training and validation partner.

    Returns
    -------
    Diagnosis
        Evidence: gain left of each, the gap and its recent change.

    Notes
    -----
    An equivalence test, as for a plateau. A single curve that is level is a plateau, not this.
    """
    name = evidence.main
    if name is None:
        return no_curve(VOICE)
    if evidence.training is None or evidence.validation is None:
        return without(VOICE, lacking(evidence), name)
    names = [n for n in dict.fromkeys((name, evidence.training, evidence.validation)) if n is not None]
    facts: dict[str, float] = {"alpha": ALPHA_LEVEL}
    worst, falling = 0.0, []
    for one in names:
        boiled = evidence.trace(one)
        if boiled is None:
            return too_short(VOICE, evidence, one)
        ahead = evidence.course(one)
        if ahead is None:
            return VOICE.undecided(
                "The last phase of the learning rate is too short to show a course; 6 more points in it would.",
                metric=name,
            )
        role = "validation_" if one == evidence.validation else "training_" if one == evidence.training else ""
        facts[f"{role}gain_left"] = ahead.gain
        p = (
            max(ahead.p_more_than(SMALL * boiled.drop), ahead.p_lost(2.5 * SMALL * boiled.drop))
            if boiled.drop > 0
            else 1.0
        )
        worst = max(worst, p)
        recent = float(boiled.trend[len(boiled) // 10] - boiled.trend.min())
        slowly = ahead.gain > SLOW * recent and ahead.p_no_gain() < CERTAIN
        if slowly or (ahead.p_no_gain() < ALPHA_LEVEL and ahead.gain > SMALL * boiled.drop):
            falling.append(one)
    if falling:
        return VOICE.absent(
            f"{' and '.join(falling)} still improve{'s' if len(falling) == 1 else ''}.", facts, metric=name
        )
    stable = _gap(evidence, evidence.training, evidence.validation, facts)
    boiled = evidence.trace(name)
    chance = None if boiled is None else evidence.chance_gain_exceeds(name, SMALL * boiled.drop)
    if chance is not None:
        facts["forecast_chance_of_more"] = chance
    if worst < ALPHA_LEVEL and stable and chance is not None and chance > LIKELY:
        return VOICE.undecided(
            f"By their last part the curves are level, but the forecast gives a gain of {name} a probability of "
            f"{format_probability(chance)}.",
            facts,
            metric=name,
            p_value=worst,
        )
    if worst < ALPHA_LEVEL and stable:
        gap = f", with a stable gap of {number(facts['gap'])}" if "gap" in facts else ""
        return VOICE.present(
            f"{' and '.join(names)} {'have' if len(names) > 1 else 'has'} levelled off{gap}.",
            "Nothing needed: stop here, or change something other than the length of the run.",
            facts,
            metric=name,
            p_value=worst,
        )
    what = "Whether the curves are level" if stable else "Whether the gap is stable"
    return VOICE.undecided(
        f"{what} cannot be told from the noise; more points or larger evaluation sets would decide it.",
        facts,
        metric=name,
        p_value=worst,
    )


def _gap(evidence: Evidence, training: str, validation: str, facts: dict[str, float]) -> bool:
    """Whether the gap changes by less than a twentieth of the drop from the last half's first to its second part."""
    train, val = evidence.trace(training), evidence.trace(validation)
    if train is None or val is None:
        return False
    late_val = evidence.recent(validation, len(val) - len(val) // 2)
    late_train = evidence.recent(training, len(train) - len(train) // 2)

    def halves(t: Trace) -> tuple[tuple[int, int], tuple[int, int]]:
        m = len(t)
        return (0, m // 2), (m // 2, m)

    facts["gap"] = late_val.level(*halves(late_val)[1])[0] - late_train.level(*halves(late_train)[1])[0]
    (dv, sv), (dt, st) = late_val.change(*halves(late_val)), late_train.change(*halves(late_train))
    change, stderr = dv - dt, float((sv**2 + st**2) ** 0.5)
    facts["gap_change"], facts["gap_change_stderr"] = change, stderr
    allowed = 0.05 * max(val.drop, train.drop)
    if stderr <= 0:
        return abs(change) < allowed
    return student_tail((allowed - abs(change)) / stderr, min(late_val.dof, late_train.dof)) < ALPHA_LEVEL
